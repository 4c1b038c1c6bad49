"""Kinds of models that learn from some rows and predict the risks of others.

Each takes the same :class:`Lesson` and returns risks at the horizons. Cox's model
and the flexible one are ours; penalised and tree models are scikit-survival's, the
Weibull model is lifelines'.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.encoding import design_matrix
from fahrstats.errors import ConvergenceError, DataError
from fahrstats.kernels.flexible_hazards import fit_flexible_hazard
from fahrstats.kernels.partial_likelihood import BlockSums
from fahrstats.survival.competitors.elastic_net import choose_elastic_net
from fahrstats.survival.cox_models.maximum import (
    EstimableColumns,
    find_estimable,
    find_maximum,
    partial_likelihood,
)
from fahrstats.survival.predictions.horizons import tied_horizons

FloatArray = NDArray[np.float64]

Learner = Literal["cox", "elastic_net", "forest", "weibull", "flexible"]

N_TREES: Final = 200
"""Trees of a forest."""

SMALLEST_LEAF: Final = 15
"""Fewest rows in a leaf of a tree."""

_MOST_TIMES = 200
"""Distinct times that a forest is told apart; its leaves hold a curve each."""

_MOST_ROWS = 5000
"""Rows that a tree learns from; its time grows with their square."""

_N_KNOTS = 4
"""Knots of the log cumulative hazard of the flexible model, the outer two included."""

_NAMED_FAILURES = (ArithmeticError, RuntimeError, ValueError)
"""What a fit raises that finds no solution; those of ours and of libraries are such."""

_ROUNDING = 1e-12
"""How far beyond 0 or 1 rounding can carry a probability."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Rows to learn from (n, q columns), and m rows whose risks are asked for.

    Attributes
    ----------
    design : Design
        The rows to learn from; whatever their transforms learn is learned from them.
    columns : EstimableColumns
        Their columns without those that repeat others, standardised, sorted.
    unseen : ndarray of shape (m, q)
        The same columns of the other rows, on the scale of the rows to learn from.
    horizons : tuple of float
        Where risks are asked for, rising.
    seed : int
        Decides what a learner draws.
    n_workers : int
        Threads that grow trees.
    """

    design: Design
    columns: EstimableColumns
    unseen: FloatArray
    horizons: tuple[float, ...]
    seed: int
    n_workers: int

    @property
    def Z(self) -> FloatArray:
        """Columns to learn from, in the order of the data."""
        Z = np.empty_like(self.columns.Z)
        Z[self.design.risk_sets.order] = self.columns.Z
        return Z


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a learner says of the rows that it has not seen.

    Attributes
    ----------
    risk : ndarray of shape (m, n_horizons)
        Predicted risks; missing where the learner failed.
    failure : str
        Why it failed; empty where it did not.
    warning : str
        The first thing that a library warned of; empty where it did not.
    """

    risk: FloatArray
    failure: str
    warning: str


def prepare(
    formula: str,
    seen: pd.DataFrame,
    unseen: pd.DataFrame,
    *,
    horizons: tuple[float, ...],
    seed: int,
    n_workers: int,
) -> Lesson:
    """Encode rows to learn from, and the others as they are.

    Raises
    ------
    DataError
        The rows to learn from do not pass the gate, none is followed beyond a horizon,
        or the others have a level unseen among them.
    """
    design = build_design(formula, seen)
    if horizons[-1] >= design.time.max():
        raise DataError(
            f"no row to learn from is followed beyond horizon {horizons[-1]:g}"
        )
    columns, _ = find_estimable(
        design, lambda columns: partial_likelihood(design, columns, efron=True)
    )
    kept = columns.is_estimated
    X = design_matrix(design.encoder, unseen)[:, kept]
    return Lesson(
        design=design,
        columns=columns,
        unseen=(X - columns.centre[kept]) / columns.spread[kept],
        horizons=tied_horizons(design, horizons),
        seed=seed,
        n_workers=n_workers,
    )


def ask(learner: Learner, lesson: Lesson) -> Answer:
    """Let a learner learn and predict; failures and warnings become texts."""
    failure = ""
    risk = np.full((len(lesson.unseen), len(lesson.horizons)), np.nan)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            found = LEARNERS[learner](lesson)
            _check_probabilities(found)
            risk = np.clip(found, 0.0, 1.0)
        except _NAMED_FAILURES as error:
            failure = first_sentence(error)
    told = [w for w in caught if not issubclass(w.category, DeprecationWarning)]
    return Answer(risk, failure, first_sentence(told[0].message) if told else "")


def first_sentence(message: object) -> str:
    """Return the first sentence of a message, without its stop."""
    text = " ".join(str(message).split()) or type(message).__name__
    return text.partition(". ")[0].removesuffix(".")


def _check_probabilities(risk: FloatArray) -> None:
    """Raise unless all risks are between 0 and 1."""
    is_one = (risk >= -_ROUNDING) & (risk <= 1 + _ROUNDING)
    if not is_one.all():
        raise ConvergenceError(
            f"{int((~is_one).any(axis=1).sum())} of {len(risk)} predicted risks are no "
            "probabilities"
        )


def _learn_cox(lesson: Lesson) -> FloatArray:
    """Cox's model with Efron's ties and its own baseline hazard."""
    design = lesson.design
    maximum = find_maximum(design, efron=True)
    if maximum.monotone:
        names = ", ".join(f"`{column.term}`" for column in maximum.monotone)
        raise ConvergenceError(f"{names} has no finite hazard ratio")
    return _risks(
        lesson,
        maximum.peak.sums,
        maximum.linear_predictor,
        lesson.unseen @ maximum.peak.beta,
    )


def _learn_elastic_net(lesson: Lesson) -> FloatArray:
    """Cox's model with penalised coefficients, the penalty chosen by cross-validation.

    Ties and the baseline hazard are Breslow's, as in the library.
    """
    beta = choose_elastic_net(lesson.design, lesson.Z, seed=lesson.seed)
    likelihood = partial_likelihood(lesson.design, lesson.columns, efron=False)
    predictor = lesson.columns.Z @ beta
    return _risks(lesson, likelihood.at(beta), predictor, lesson.unseen @ beta)


def _learn_forest(lesson: Lesson) -> FloatArray:
    """Random survival forest of log-rank trees."""
    from sksurv.ensemble import RandomSurvivalForest
    from sksurv.util import Surv

    design = lesson.design
    time = coarsen(design.time, design.event, lesson.horizons)
    forest = RandomSurvivalForest(
        N_TREES,
        min_samples_split=2 * SMALLEST_LEAF,
        min_samples_leaf=SMALLEST_LEAF,
        max_samples=_MOST_ROWS if design.n > _MOST_ROWS else None,
        random_state=lesson.seed,
        n_jobs=lesson.n_workers,
    )
    forest.fit(lesson.Z, Surv.from_arrays(design.event, time))
    forest.n_jobs = 1  # trees are added up in one order, whatever the workers
    survival = forest.predict_survival_function(lesson.unseen, return_array=True)
    at = np.searchsorted(forest.unique_times_, lesson.horizons, "right")
    return np.asarray(1 - np.insert(survival, 0, 1.0, axis=1)[:, at], np.float64)


def coarsen(
    time: FloatArray, event: NDArray[np.bool_], horizons: tuple[float, ...]
) -> FloatArray:
    """Move times up to one of at most about 200, quantiles of event times and horizons.

    Nothing moves past a horizon, and few distinct times stay as they are.
    """
    if np.unique(time).size <= _MOST_TIMES:
        return time
    shares = np.linspace(0, 1, _MOST_TIMES)
    cuts = np.quantile(time[event], shares, method="inverted_cdf")
    grid = np.unique(np.concatenate([cuts, horizons, [time.max()]]))
    return np.asarray(grid[np.searchsorted(grid, time)], np.float64)


def _learn_weibull(lesson: Lesson) -> FloatArray:
    """Accelerated failure time model with Weibull's distribution.

    Time is in units of the last horizon, which the library's iteration needs.
    """
    from lifelines import WeibullAFTFitter

    unit = lesson.horizons[-1]
    names = [f"x{j}" for j in range(lesson.unseen.shape[1])]
    seen = pd.DataFrame(lesson.Z, columns=names).assign(
        time=lesson.design.time / unit, event=lesson.design.event
    )
    model = WeibullAFTFitter().fit(seen, "time", "event")
    survival = model.predict_survival_function(
        pd.DataFrame(lesson.unseen, columns=names),
        times=np.array(lesson.horizons) / unit,
    )
    return 1 - np.asarray(survival.to_numpy().T, np.float64)


def _learn_flexible(lesson: Lesson) -> FloatArray:
    """Royston and Parmar's model, by a kernel of ours.

    The spline models of lifelines can stop far from the maximum, in silence.
    """
    design = lesson.design
    fit = fit_flexible_hazard(design.time, design.event, lesson.Z, _N_KNOTS)
    if not fit.has_converged:
        raise ConvergenceError("the likelihood has no maximum that was found")
    return fit.risk(lesson.unseen, np.array(lesson.horizons))


def _risks(
    lesson: Lesson, sums: BlockSums, predictor: FloatArray, of_unseen: FloatArray
) -> FloatArray:
    """Risks by proportional hazards, from block sums at the sorted linear predictor."""
    if sums.shrink.size:
        raise ConvergenceError(
            f"the linear predictor spans {np.ptp(predictor):g}, too much for one "
            "baseline hazard"
        )
    sets = lesson.design.risk_sets
    middle = (predictor.min() + predictor.max()) / 2
    is_by = sets.time[sets.tie_start[:-1], None] <= np.array(lesson.horizons)
    hazard = (sums.per_block[0][:, None] * is_by).sum(axis=0)
    return np.asarray(-np.expm1(-np.exp(of_unseen - middle)[:, None] * hazard))


LEARNERS: Mapping[Learner, Callable[[Lesson], FloatArray]] = MappingProxyType(
    {
        "cox": _learn_cox,
        "elastic_net": _learn_elastic_net,
        "forest": _learn_forest,
        "weibull": _learn_weibull,
        "flexible": _learn_flexible,
    }
)
"""What each kind of model does with a lesson."""

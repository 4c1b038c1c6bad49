"""Several kinds of models on identical rows, each judged on rows it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.errors import ConvergenceError, DataError, FormulaError
from fahrstats.survival.competitors.cross_validation_result import (
    CrossValidation,
    Misfit,
    set_name,
)
from fahrstats.survival.competitors.folds import deal_folds
from fahrstats.survival.competitors.judging import judge
from fahrstats.survival.competitors.learners import (
    LEARNERS,
    Answer,
    Learner,
    ask,
    first_sentence,
    prepare,
)
from fahrstats.survival.model_comparison.model_set import build_designs
from fahrstats.survival.model_comparison.optimism import check_counts
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.predictions.horizons import (
    as_horizons,
    check_horizon,
    tied_horizons,
    weigh_at,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def cross_validate(
    models: Mapping[str, str],
    data: pd.DataFrame,
    *,
    horizons: float | Sequence[float],
    learners: Sequence[Learner] = tuple(LEARNERS),
    n_folds: int = 10,
    seed: int = 0,
    n_workers: int = 1,
    cluster: str | None = None,
    id: str | None = None,
) -> CrossValidation:
    """Let several kinds of models predict rows that they have not seen, and judge them.

    The rows complete for all models are dealt into folds. For each fold the whole model
    building is repeated on the other rows: what transforms learn (knots), scaling, the
    choice of a penalty, coefficients or trees, the baseline hazard. The risks predicted
    for the fold's rows are put together, so that every row has one from a model that
    did not know it, and all rows are judged at once: C-index, AUC, Brier score, index
    of prediction accuracy and calibration at each horizon. Every learner is compared
    with Cox's model on the same covariates, and every set of covariates with the first
    one for the same learner, in pairs.

    What is judged is the procedure, not one model: it is how accurate models made this
    way from a share of 1 - 1/``n_folds`` of the rows are. Folds share the rows they
    learn from and standard errors take the predictions as given, so intervals and tests
    are approximate and, for differences, rather too narrow; another ``seed`` gives
    other folds and other numbers. P values are not adjusted for their number.

    Parameters
    ----------
    models
        Formula by label, all with the same outcome; the first label is the one that the
        others are compared with.
    horizons
        Times at which risks are predicted and judged, in units of the follow-up time.
    learners
        ``"cox"``: Cox's model, Efron's ties. ``"elastic_net"``: Cox's model with half
        lasso, half ridge penalty, its size chosen by cross-validated likelihood within
        the rows to learn from. ``"forest"``: random survival forest of 200 log-rank
        trees with at least 15 rows in a leaf. ``"weibull"``: Weibull accelerated
        failure time model. ``"flexible"``: Royston and Parmar's proportional hazards
        model, a cubic spline of log time with 4 knots.
    n_folds
        Number of folds; events are spread evenly over them.
    seed
        Of the folds and of the forests; a result depends on it and not on
        ``n_workers``.
    n_workers
        Threads that grow trees.
    cluster
        Column of subjects or sites; clusters stay whole within folds, and influences on
        standard errors are added up within them.
    data, id
        As in :func:`fahrstats.cox`.

    Raises
    ------
    FormulaError
        The outcome has delayed entry, or a model has no covariate.
    DataError
        No model, different outcomes, a learner that is unknown, fewer events or
        clusters than folds, fewer than two folds, a horizon that nobody is followed
        beyond or before the first event, or data that do not pass the gate.
    ConvergenceError
        Every learner failed.

    Warns
    -----
    ResultWarning
        A horizon as in :func:`fahrstats.time_dependent_auc`.

    Notes
    -----
    A learner that fails in a fold has no risks there and is not judged; a note says
    why. Case weights are not taken, since not all learners can use them. Elastic net
    and forest are those of scikit-survival, the Weibull model is that of lifelines. A
    forest sees more than 200 distinct times as at most about 200, quantiles of the
    event times, and a tree of it learns from a draw of at most 5,000 rows. The
    flexible model is ours, because the spline models of lifelines can stop far from the
    maximum without a word.

    References
    ----------
    Stone (1974), JRSS B 36:111-147. Verweij and van Houwelingen (1993), Statistics in
    Medicine 12:2305-2314. Simon et al. (2011), Journal of Statistical Software 39(5).
    Ishwaran et al. (2008), Annals of Applied Statistics 2:841-860. Royston and Parmar
    (2002), Statistics in Medicine 21:2175-2197. Bates, Hastie and Tibshirani (2024),
    JASA 119:1434-1445, for what intervals from folds leave out.

    Examples
    --------
    >>> result = fs.cross_validate(
    ...     {"age": "Surv(time, event) ~ age",
    ...      "age + face": "Surv(time, event) ~ age + faceage"},
    ...     cohort, horizons=5, learners=["cox", "weibull"], seed=20240607)
    >>> result.tidy()
    """
    chosen = _as_learners(learners)
    times = as_horizons(horizons)
    check_counts(n_boot=0, n_workers=n_workers)
    designs = build_designs(
        models, data, fewest=1, strata=None, cluster=cluster, weights=None, id=id
    )
    _check_designs(models, designs, times)
    folds = deal_folds(designs[0], n_folds, seed)
    weigh_at(designs[0], times)  # announces horizons that few are seen until
    asked = _Exam(models, chosen, times, seed, n_workers)
    risk, misfits = _predict(asked, data.iloc[designs[0].rows], folds)
    return _result(asked, designs[0], folds, risk, misfits, len(data))


@dataclass(frozen=True, slots=True, eq=False)
class _Exam:
    """What is asked: formulas by label, learners, horizons; and with what seed."""

    models: Mapping[str, str]
    learners: tuple[Learner, ...]
    horizons: tuple[float, ...]
    seed: int
    n_workers: int


def _as_learners(learners: Sequence[Learner]) -> tuple[Learner, ...]:
    """Return learners in the caller's order, each once; refuse those unknown."""
    given = (learners,) if isinstance(learners, str) else tuple(learners)
    if not given:
        raise DataError("`learners` is empty; give at least one.")
    for learner in given:
        refuse_unknown("learners", learner, tuple(LEARNERS))
    chosen = [learner for learner in LEARNERS if learner in given]
    return tuple(sorted(chosen, key=given.index))


def _check_designs(
    models: Mapping[str, str], designs: Sequence[Design], horizons: tuple[float, ...]
) -> None:
    """Refuse what learners cannot take, and horizons that rows do not support."""
    for label, design in zip(models, designs, strict=True):
        if design.entry is not None:
            raise FormulaError(
                f"Model `{label}` has delayed entry, which forests and parametric "
                "models here cannot take; count `Surv(time, event)` from entry."
            )
        if not design.terms:
            raise FormulaError(
                f"Model `{label}` has no covariate to learn from; give it at least one."
            )
    for horizon in horizons:
        check_horizon(designs[0], horizon)


def _predict(
    exam: _Exam, rows: pd.DataFrame, folds: IntArray
) -> tuple[FloatArray, list[Misfit]]:
    """Out-of-fold risks, (n, n_models, n_learners, n_horizons), and what went wrong."""
    shape = len(rows), len(exam.models), len(exam.learners), len(exam.horizons)
    risk, misfits = np.full(shape, np.nan), []
    n_folds = int(folds.max()) + 1
    streams = np.random.SeedSequence(exam.seed).generate_state(n_folds)
    for fold in range(n_folds):
        held_out = folds == fold
        for m, (label, formula) in enumerate(exam.models.items()):
            answers = _answers(
                exam, formula, rows[~held_out], rows[held_out], int(streams[fold])
            )
            for k, answer in enumerate(answers):
                risk[held_out, m, k] = answer.risk
                if answer.failure or answer.warning:
                    misfits.append(
                        Misfit(
                            label,
                            exam.learners[k],
                            fold + 1,
                            answer.failure or answer.warning,
                            has_failed=bool(answer.failure),
                        )
                    )
    return risk, misfits


def _answers(
    exam: _Exam, formula: str, seen: pd.DataFrame, unseen: pd.DataFrame, seed: int
) -> list[Answer]:
    """Ask every learner; all fail where the rows cannot be learned from."""
    try:
        lesson = prepare(
            formula,
            seen,
            unseen,
            horizons=exam.horizons,
            seed=seed,
            n_workers=exam.n_workers,
        )
    except (DataError, ConvergenceError) as error:
        nothing = np.full((len(unseen), len(exam.horizons)), np.nan)
        return [Answer(nothing, first_sentence(error), "")] * len(exam.learners)
    return [ask(learner, lesson) for learner in exam.learners]


def _result(
    exam: _Exam,
    design: Design,
    folds: IntArray,
    risk: FloatArray,
    misfits: list[Misfit],
    n_given: int,
) -> CrossValidation:
    """Judge the sets of risks that are complete, horizon by horizon."""
    complete = [
        (m, k)
        for m in range(len(exam.models))
        for k in range(len(exam.learners))
        if np.isfinite(risk[:, m, k]).all()
    ]
    if not complete:
        first = next(misfit for misfit in misfits if misfit.has_failed)
        raise ConvergenceError(
            f"Every learner failed in some fold, `{first.learner}` of `{first.model}` "
            f"in fold {first.fold}: {first.message}; use fewer folds or terms."
        )
    names = [set_name(m, k) for m, k in complete]
    tied = tied_horizons(design, exam.horizons)
    return CrossValidation(
        labels=tuple(exam.models),
        formulas=tuple(exam.models.values()),
        learners=exam.learners,
        horizons=exam.horizons,
        outcome=(design.formula.time, design.formula.event),
        seed=exam.seed,
        time=design.time,
        rows=design.rows,
        n_given=n_given,
        fold=folds + 1,
        risk=risk,
        judged=tuple(
            judge(
                design, names, np.stack([risk[:, m, k, h] for m, k in complete], 1), t
            )
            for h, t in enumerate(tied)
        ),
        misfits=tuple(misfits),
        n=design.n,
        n_events=design.n_events,
        n_clusters=0 if design.cluster is None else int(design.cluster.max()) + 1,
        dropped=design.dropped,
    )

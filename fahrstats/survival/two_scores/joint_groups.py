"""Two scores together: groups cut by both, and what each says given the other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Integral

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.cohort.formula import parse_formula, used_columns
from fahrstats.cohort.groups import QuantileGroups, quantile_groups
from fahrstats.errors import DataError, FormulaError, ResultWarning
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.hazards import fit_design
from fahrstats.survival.options import TIES, Ties, refuse_unknown
from fahrstats.survival.over_time.curves import kaplan_meier
from fahrstats.survival.two_scores.joint_result import Cell, JointRiskGroups, cell_name

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CutPoints = Mapping[str, QuantileGroups | Sequence[float]]

MIN_EVENTS = 10
"""Events below which a joint group is counted but has no hazard ratio."""

MOST_GROUPS = 5
"""Groups of one score beyond which 25 joint groups cannot be told apart."""

_JOINT = "joint group of both scores"
_PARTS = ("group of the first score", "group of the second score")
_Z = ("first score in SD", "second score in SD")
_PRODUCT = "product of both scores in SD"
_LINEAR_COPY = 1e-12
"""Squared correlation short of 1 that rounding leaves of two copies of one score."""


def joint_risk_groups(
    formula: str,
    data: pd.DataFrame,
    *,
    scores: Sequence[str] = ("faceage", "facesurvival"),
    n_groups: int = 2,
    cut_points: CutPoints | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    ties: Ties = "efron",
    min_events: int = MIN_EVENTS,
) -> JointRiskGroups:
    """Group rows by two scores at once, and estimate what each adds to the other.

    Each score is cut at its own quantiles in the rows used, or where ``cut_points``
    say. One Cox model with an indicator of every joint group gives hazard ratios
    against the group that is lowest in both, adjusted for the covariates of
    ``formula``. Its departure from a model in which the groups of the two scores
    multiply is tested, and for the corner groups the ratio of hazard ratios and the
    relative excess risk due to interaction, RERI = HR(both) - HR(first) - HR(second)
    + 1, say how far the scores depart from multiplying and from adding. As numbers the
    scores enter alone, together, and with their product.

    A value equal to a cut point belongs to the lower group. A joint group without rows
    keeps its line; one with fewer than ``min_events`` events stays in the model but
    shows no hazard ratio. Rows with a missing value in any column used are left out
    and counted; all models share the others.

    Parameters
    ----------
    formula
        Outcome and covariates, without the scores: ``"Surv(time, event) ~ age"``.
    data
        One row per subject, or per interval a subject is at risk. Never modified.
    scores
        Names of two numeric columns, higher meaning worse.
    n_groups
        Groups of each score, 2 to 5: two are called low and high, more Q1, Q2, ...
    cut_points
        By score, the result of :func:`fahrstats.quantile_groups` in another cohort (or
        ``JointRiskGroups.cut_points`` of it), or ascending numbers.
    strata, cluster, ties
        As in :func:`fahrstats.cox`. With ``cluster`` the tests are robust Wald tests,
        without it likelihood-ratio tests.
    min_events
        Events below which a joint group has no hazard ratio.

    Raises
    ------
    FormulaError
        The formula cannot be read, or a score is one of its covariates.
    DataError
        There are not two different, varying scores; ``cut_points`` do not fit; the
        reference group is empty or has no event; or the data do not pass the gate.

    Notes
    -----
    Intervals of the RERI are Wald intervals by the delta method; the ratio of hazard
    ratios has its interval on the log scale.

    References
    ----------
    Hosmer and Lemeshow (1992), Epidemiology 3:452-456, for the RERI and its interval.
    Li and Chambless (2007), Annals of Epidemiology 17:227-236, in Cox models.
    VanderWeele and Knol (2014), Epidemiologic Methods 3:33-72.

    Examples
    --------
    >>> joint = fs.joint_risk_groups("Surv(time, event) ~ age + C(sex)", cohort)
    >>> joint.tidy(exponentiate=True)
    >>> fs.joint_risk_groups("Surv(time, event) ~ age", validation,
    ...                      cut_points=joint.cut_points)
    """
    refuse_unknown("ties", ties, TIES)
    pair = _two_names(scores, formula, data, n_groups)
    gate = build_design(
        formula, data, strata=strata, cluster=cluster, also_complete=pair
    )
    kept = data.iloc[gate.rows]
    values = _as_numbers(kept, pair)
    cuts = (
        _cut(values[:, 0], pair[0], n_groups, cut_points),
        _cut(values[:, 1], pair[1], n_groups, cut_points),
    )
    rows = _with_groups(kept, values, pair, cuts)
    n, n_events = _counts(rows, gate)
    model = _Model(formula, strata, cluster, ties)
    joint = model.fit(rows, _JOINT, warn=True)
    outcome = formula.partition("~")[0]
    return JointRiskGroups(
        formula=formula,
        scores=pair,
        cuts=cuts,
        spread=(float(values[:, 0].std(ddof=1)), float(values[:, 1].std(ddof=1))),
        cells=_cells(joint, pair, cuts, n, n_events, min_events),
        joint=joint,
        multiplied=model.fit(rows, *_PARTS),
        alone=(model.fit(rows, pair[0]), model.fit(rows, pair[1])),
        together=model.fit(rows, *pair),
        with_product=model.fit(rows, *_Z, _PRODUCT),
        curves=kaplan_meier(f"{outcome}~ `{_JOINT}`", rows),
        dropped=gate.dropped,
    )


@dataclass(frozen=True, slots=True)
class _Model:
    """Outcome and covariates to which columns are added."""

    formula: str
    strata: str | None
    cluster: str | None
    ties: Ties

    def fit(self, rows: pd.DataFrame, *columns: str, warn: bool = False) -> CoxFit:
        """Fit the model with further columns; the largest one warns for all."""
        formula = self.formula + "".join(f" + `{column}`" for column in columns)
        design = build_design(formula, rows, strata=self.strata, cluster=self.cluster)
        with warnings.catch_warnings():
            if not warn:
                warnings.simplefilter("ignore", ResultWarning)
            return fit_design(design, ties=self.ties)


def _two_names(
    scores: Sequence[str], formula: str, data: pd.DataFrame, n_groups: int
) -> tuple[str, str]:
    """Refuse anything but two different scores outside the formula."""
    is_list = isinstance(scores, Sequence) and not isinstance(scores, str)
    if not is_list or len(scores) != 2 or scores[0] == scores[1]:
        raise DataError(f"`scores` is {scores!r}; name two different columns.")
    if not isinstance(n_groups, Integral) or not 2 <= n_groups <= MOST_GROUPS:
        raise DataError(
            f"`n_groups` is {n_groups}; give 2 to {MOST_GROUPS} groups of each score."
        )
    parsed = parse_formula(formula)
    covariates = used_columns(parsed.right, data.columns)
    for name in scores:
        if name in (*covariates, parsed.time, parsed.event, parsed.entry):
            raise FormulaError(
                f"`{name}` is one of `scores` and part of `{formula}` too; leave it "
                "out of the formula."
            )
    return scores[0], scores[1]


def _as_numbers(kept: pd.DataFrame, pair: tuple[str, str]) -> FloatArray:
    """Return both scores, shape (n, 2), or refuse what is no pair of scores."""
    for name in pair:
        if not is_number(kept[name].infer_objects()):
            raise DataError(
                f"`{name}` must hold numbers to be cut into groups, but its type is "
                f"{kept[name].dtype}."
            )
    values = np.column_stack([as_float(kept[name]) for name in pair])
    for name, column in zip(pair, values.T, strict=True):
        if not np.isfinite(column).all():
            raise DataError(
                f"`{name}` is infinite in {int(np.isinf(column).sum())} of "
                f"{len(kept)} rows; give finite values, or leave them empty."
            )
        if (column == column[0]).all():
            raise DataError(
                f"`{name}` is {column[0]:g} in all {len(kept)} complete rows; a score "
                "must vary to make groups."
            )
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    if 1 - (z[:, 0] @ z[:, 1] / len(z)) ** 2 < _LINEAR_COPY:
        raise DataError(
            f"`{pair[0]}` and `{pair[1]}` are the same score up to its unit in all "
            f"{len(kept)} complete rows, so neither can add to the other; name two "
            "different scores."
        )
    return values


def _cut(
    values: FloatArray, name: str, n_groups: int, given: CutPoints | None
) -> QuantileGroups:
    """Cut one score at quantiles of these rows, or where it was cut elsewhere."""
    if given is not None and name not in given:
        held = ", ".join(f"`{key}`" for key in given) or "none"
        raise DataError(f"`cut_points` are for {held}, not for `{name}`.")
    cuts = None if given is None else given[name]
    if isinstance(cuts, QuantileGroups):
        return cuts.apply(values)
    try:
        return quantile_groups(
            values, n_groups=n_groups, origin=_origin(given), cut_points=cuts
        )
    except DataError as error:
        raise DataError(f"`{name}` cannot be cut. {error}") from error


def _origin(given: CutPoints | None) -> str:
    return "the rows of this analysis" if given is None else "given cut points"


def _level_names(cuts: QuantileGroups) -> tuple[str, ...]:
    """Names of a score's groups: low and high, or Q1 to Qg."""
    return ("low", "high") if len(cuts.labels) == 2 else cuts.labels


def _with_groups(
    kept: pd.DataFrame,
    values: FloatArray,
    pair: tuple[str, str],
    cuts: tuple[QuantileGroups, QuantileGroups],
) -> pd.DataFrame:
    """Add the groups of each score, the joint group, and the scores in SD."""
    names = [_level_names(cut) for cut in cuts]
    codes = [
        cut.assign(column).cat.codes.to_numpy(np.int64)
        for cut, column in zip(cuts, values.T, strict=True)
    ]
    every = [cell_name(pair, levels) for levels in _crossed(cuts)]
    joint = codes[0] * len(names[1]) + codes[1]
    z = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    added = {
        _JOINT: pd.Categorical.from_codes(joint, pd.Index(every)),
        _PARTS[0]: pd.Categorical.from_codes(codes[0], pd.Index(names[0])),
        _PARTS[1]: pd.Categorical.from_codes(codes[1], pd.Index(names[1])),
        _Z[0]: z[:, 0],
        _Z[1]: z[:, 1],
        _PRODUCT: z[:, 0] * z[:, 1],
    }
    return kept.assign(**added)


def _crossed(cuts: tuple[QuantileGroups, QuantileGroups]) -> list[tuple[str, str]]:
    """Levels of every joint group, the second score's changing fastest."""
    return list(product(_level_names(cuts[0]), _level_names(cuts[1])))


def _counts(rows: pd.DataFrame, gate: Design) -> tuple[IntArray, IntArray]:
    """Rows and events of every joint group; refuse a reference without events."""
    joint = rows[_JOINT].cat
    codes = joint.codes.to_numpy()
    n = np.bincount(codes, minlength=len(joint.categories))
    n_events = np.bincount(codes[gate.event], minlength=n.size)
    if not n_events[0]:
        raise DataError(
            f"The reference group, `{joint.categories[0]}`, has no event among its "
            f"{n[0]} rows, so nothing can be compared with it; use fewer groups or "
            "other cut points."
        )
    return n, n_events


def _cells(
    fit: CoxFit,
    pair: tuple[str, str],
    cuts: tuple[QuantileGroups, QuantileGroups],
    n: IntArray,
    n_events: IntArray,
    min_events: int,
) -> tuple[Cell, ...]:
    """Find every joint group among the coefficients, or say why it shows none."""
    place = {c.level: j for j, c in enumerate(fit.columns) if c.variable == _JOINT}
    cells = []
    for k, levels in enumerate(_crossed(cuts)):
        position = place.get(cell_name(pair, levels))
        note = _note(k, int(n[k]), int(n_events[k]), min_events)
        if position is not None and not note:
            note = _without_estimate(fit, position)
        cells.append(Cell(levels, int(n[k]), int(n_events[k]), position, note))
    return tuple(cells)


def _note(k: int, n: int, n_events: int, min_events: int) -> str:
    """Say why a joint group has no hazard ratio, or a poor reference."""
    if not n:
        return "no rows"
    if n_events >= min_events:
        return "reference" if k == 0 else ""
    if k == 0:
        return f"reference, with few events ({n_events} < {min_events}): fragile"
    return f"too few events ({n_events} < {min_events})"


def _without_estimate(fit: CoxFit, position: int) -> str:
    """Say why the model has no finite estimate of a column, if so."""
    term = fit.terms[position]
    reasons = [f"aliased: {a.equals}" for a in fit.aliased if a.term == term]
    reasons += ["infinite: monotone likelihood" for m in fit.monotone if m.term == term]
    return "; ".join(reasons)

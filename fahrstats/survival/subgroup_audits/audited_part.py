"""Every measure in all levels of one factor, and how levels vary together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fahrstats.survival.subgroup_audits.audited_columns import OVERALL
from fahrstats.survival.subgroup_audits.audited_levels import Factor
from fahrstats.survival.subgroup_audits.audited_measures import NAMES
from fahrstats.survival.subgroup_audits.fitted_risks import FittedRisks
from fahrstats.survival.subgroup_audits.floors import Floors, one_cluster
from fahrstats.survival.subgroup_audits.judged_rows import JudgedRows
from fahrstats.survival.subgroup_audits.level_fits import (
    LevelFit,
    LevelModel,
    fit_level,
    interaction_test,
)
from fahrstats.survival.subgroup_audits.level_measures import (
    LevelMeasures,
    measure_level,
    sum_clusters,
)
from fahrstats.survival.subgroup_audits.subgroup_audit import (
    Interaction,
    SubgroupEstimate,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LevelSizes:
    """How large the g levels of a factor are.

    Attributes
    ----------
    n, n_events, n_events_until, n_missing : ndarray of int64, shape (g,)
        Rows used; events among them, in all and by the horizon; rows of the level that
        lack the marker, a covariate or the predicted risk.
    censored_share, person_time : ndarray of shape (g,)
        Share of rows without the event, and their follow-up added up.
    """

    n: IntArray
    n_events: IntArray
    n_events_until: IntArray
    n_missing: IntArray
    censored_share: FloatArray
    person_time: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class AuditedPart:
    """The k measures in the g levels of one factor.

    Attributes
    ----------
    subgroup : str
        The factor; ``overall`` for everyone.
    levels : tuple of str
        Its levels in their order.
    sizes : LevelSizes
        How large they are.
    too_few : tuple of str
        Why a level is not shown, in bands; empty where it is.
    estimate, std_error : ndarray of shape (g, k)
        On the scale on which levels are compared; missing where there is none.
    cov, cov_given : ndarray of shape (k, g, g)
        Covariance of each measure between levels: with what the fit of the predictions
        adds, for comparing levels, and with predictions taken as given.
    notes : tuple of tuple of str
        What to know about each measure, by level.
    interaction : Interaction or None
        Test that the marker's effect is the same in all levels; None for everyone.
    """

    subgroup: str
    levels: tuple[str, ...]
    sizes: LevelSizes
    too_few: tuple[str, ...]
    estimate: FloatArray
    std_error: FloatArray
    cov: FloatArray
    cov_given: FloatArray
    notes: tuple[tuple[str, ...], ...]
    interaction: Interaction | None


def audit_part(
    model: LevelModel,
    rows: JudgedRows,
    factor: Factor,
    floors: Floors,
    is_missing: BoolArray,
    everyone: LevelFit,
) -> AuditedPart:
    """Measure every level of a factor that is large enough.

    Parameters
    ----------
    model, rows
        What is fitted within levels, and what is judged.
    factor
        The level of every row of the data.
    floors
        Sizes below which a level is not shown.
    is_missing
        Rows of the data that lack the marker, a covariate or the predicted risk.
    everyone
        The model fitted to all rows.
    """
    names = [str(level) for level in factor.levels.cat.categories]
    codes = factor.levels.cat.codes.to_numpy().astype(np.int64)
    kept = codes[rows.design.rows]
    sizes = _sizes(rows, kept, _count(codes[is_missing], len(names)))
    too_few = tuple(
        floors.note(np.unique(rows.people[kept == g]).size, int(sizes.n_events[g]))
        for g in range(len(names))
    )
    fits, found = [], []
    for g, name in enumerate(names):
        chosen = kept == g
        blocked = too_few[g] or one_cluster(rows.design.cluster, chosen)
        fit = everyone
        if blocked or factor.subgroup != OVERALL:
            fit = _fit(model, chosen, factor.subgroup, name, blocked)
        fits.append(fit)
        if blocked:
            found.append(_nothing(blocked))
            continue
        obstacle = floors.note_until(int(sizes.n_events_until[g]), rows.horizon)
        obstacle = obstacle or _not_beyond(rows, chosen)
        found.append(measure_level(rows, fit, chosen, obstacle))
    cov, given = _covariances(rows, found)
    return AuditedPart(
        subgroup=factor.subgroup,
        levels=tuple(names),
        sizes=sizes,
        too_few=too_few,
        estimate=np.stack([one.estimate for one in found]),
        std_error=np.stack([one.std_error for one in found]),
        cov=cov,
        cov_given=given,
        notes=tuple(one.notes for one in found),
        interaction=_interaction(model, factor, fits),
    )


def _fit(
    model: LevelModel, chosen: BoolArray, subgroup: str, level: str, blocked: str
) -> LevelFit:
    """Fit the model within a level that is shown."""
    if not blocked:
        return fit_level(model, chosen, subgroup, level)
    n, n_events = int(chosen.sum()), int(model.design.event[chosen].sum())
    return LevelFit(
        SubgroupEstimate(subgroup, level, np.nan, np.nan, n, n_events, blocked)
    )


def _interaction(
    model: LevelModel, factor: Factor, fits: Sequence[LevelFit]
) -> Interaction | None:
    """Test that the marker's effect is the same in all levels that are estimated."""
    if factor.subgroup == OVERALL:
        return None
    levels = factor.levels.iloc[model.design.rows]
    return interaction_test(model, levels, [fit.estimate for fit in fits])


def _sizes(rows: JudgedRows, codes: IntArray, n_missing: IntArray) -> LevelSizes:
    """Count rows, events and follow-up by level."""
    design, g = rows.design, n_missing.size
    until = design.event & (design.time <= rows.horizon)
    n, n_events = _count(codes, g), _count(codes[design.event], g)
    with np.errstate(invalid="ignore"):
        censored_share = 1 - n_events / n
    person_time = np.bincount(codes, design.time, minlength=g)
    return LevelSizes(
        n=n,
        n_events=n_events,
        n_events_until=_count(codes[until], g),
        n_missing=n_missing,
        censored_share=censored_share,
        person_time=np.asarray(person_time, np.float64),
    )


def _count(codes: IntArray, n_levels: int) -> IntArray:
    """Count the rows of every level."""
    return np.bincount(codes, minlength=n_levels).astype(np.int64)


def _not_beyond(rows: JudgedRows, chosen: BoolArray) -> str:
    """Say that nobody of a level is known to be free of the event at the horizon."""
    if rows.design.time[chosen].max() > rows.horizon:
        return ""
    return f"not estimated: nobody is followed beyond {rows.horizon:g}"


def _nothing(note: str) -> LevelMeasures:
    """Return a level without an estimate."""
    blank = np.full(len(NAMES), np.nan)
    return LevelMeasures(
        rows=np.empty(0, np.int64),
        estimate=blank,
        std_error=blank,
        influence=np.empty((0, len(NAMES))),
        per_log_hazard=np.empty((0, len(NAMES))),
        notes=(note,) * len(NAMES),
    )


def _covariances(
    rows: JudgedRows, found: Sequence[LevelMeasures]
) -> tuple[FloatArray, FloatArray]:
    """Covariance of every measure between levels, (k, g, g), with the fit and without.

    Levels share no rows. They vary together through clusters that span them, and
    through the fit to everyone that made their predictions.
    """
    g, k = len(found), len(NAMES)
    given = np.zeros((k, g, g))
    clusters = rows.design.cluster
    if clusters is None:
        for level, one in enumerate(found):
            given[:, level, level] = one.std_error**2
    else:
        n_clusters = int(clusters.max()) + 1
        for m in range(k):
            sums = [
                np.bincount(clusters[one.rows], one.influence[:, m], n_clusters)
                for one in found
            ]
            given[m] = np.stack(sums) @ np.stack(sums).T
    if rows.fitted is None:
        return given, given
    cov = given.copy()
    for m in range(k):
        if any(one.per_log_hazard[:, m].any() for one in found):
            summed = _with_fit(rows, rows.fitted, found, m)
            cov[m] = summed.T @ summed
    return cov, given


def _with_fit(
    rows: JudgedRows, fitted: FittedRisks, found: Sequence[LevelMeasures], m: int
) -> FloatArray:
    """Influence of all rows, or clusters, on a measure in every level, (n, g)."""
    influence = np.zeros((rows.design.n, len(found)))
    for level, one in enumerate(found):
        derivative = one.per_log_hazard[:, m]
        influence[:, level] = fitted.influence(one.rows, derivative)
        influence[one.rows, level] += one.influence[:, m]
    return sum_clusters(rows, np.arange(rows.design.n), influence)

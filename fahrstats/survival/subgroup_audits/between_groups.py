"""Does a score rank people of different groups against each other without favour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.levels import kept_levels
from fahrstats.cohort.roles import Roles
from fahrstats.errors import DataError
from fahrstats.kernels.cross_concordance import cross_agreement
from fahrstats.kernels.cross_covariance import joint_covariance
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.rankings.scored_rows import (
    ScoredRows,
    rank_rows_by_score,
    score_rows,
)
from fahrstats.survival.subgroup_audits.audited_columns import subgroup_columns
from fahrstats.survival.subgroup_audits.between_groups_result import (
    ConcordanceBetween,
)
from fahrstats.survival.subgroup_audits.between_groups_rows import GroupsRanked
from fahrstats.survival.subgroup_audits.floors import (
    FLOOR_EVENTS,
    FLOOR_PEOPLE,
    MOST_RANKED,
    Floors,
    one_cluster,
)

PairWeighting = Literal["n", "n/G2"]
"""Weights in time that a pair of two groups can have."""


def concordance_between(
    formula: str,
    data: pd.DataFrame,
    *,
    by: Sequence[str],
    time_weight: PairWeighting = "n",
    tau: float | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    floor_events: int = FLOOR_EVENTS,
    floor_people: int = FLOOR_PEOPLE,
) -> ConcordanceBetween:
    """Estimate how scores rank the people of each group against those of another.

    ``cross_c_index`` of ``a - b`` is the share, among pairs of somebody of a who has
    the event and somebody of b who outlasts them, in which the one of a has the higher
    score, ties counting one half: C(a, b). A score can rank well within every group and
    yet place a whole group too low; then C(a, b) is low, and C(b, a) is high.

    Each ordered pair of levels has its row; ``cross_c_difference`` is C(a, b) - C(b, a)
    with its test and, over all pairs of the column, single-step max-T adjusted p values
    and joint limits (by Sidak's bound beyond 20 levels). Each level also has rows
    against all others: with its events (``outside_c_index_event``), with those of it
    who outlast the events of others (``outside_c_index_survivor``), and the difference
    of the two (``outside_c_difference``). One row per column, ``asymmetry_f``, tests
    that no two levels differ so, on one degree of freedom less than there are levels.

    Every column of the right-hand side is a score of its own, named in ``biomarker``.
    Rows whose subgroup is missing form a level. A level below a floor keeps its rows,
    without estimates and with its size as a band, and remains one of the others.

    Parameters
    ----------
    formula, data, tau, strata, cluster, weights
        As in :func:`fahrstats.concordance`.
    by
        Columns that define groups. Levels keep the order of a categorical column, and
        are sorted otherwise.
    time_weight
        ``"n"``: all pairs alike. ``"n/G2"``: by the inverse chance that both are still
        uncensored just before the event, estimated within each group (and stratum), so
        that groups followed for different lengths can be compared; give ``tau`` with
        it. Within one group these are the weights of that name in
        :func:`fahrstats.concordance`.
    id
        Column of subjects. Intervals of one subject are one cluster unless ``cluster``
        says otherwise, and count as one of the people.
    floor_events, floor_people
        Events and people below which a level is not estimated.

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        A column of ``by`` is absent or holds a measurement rather than levels, an
        option is unknown, a floor is no whole number, or the data cannot support the
        concordance of all rows.

    Notes
    -----
    C(a, b) is not equal to C(b, a) for every fair score. Where a has the higher risk
    and the score knows it, events of a rank above survivors of b for that reason alone,
    and C(a, b) is the larger. Read a difference together with the calibration in each
    group: a group that is placed too low has more events than predicted.

    Standard errors come from the infinitesimal jackknife, weights in time taken as
    known, jointly for all pairs, which share people. As C(a, b) is often far from 0.5,
    its limits are symmetric on the scale of its logit; those of differences are on
    their own scale. All rest on t distributions with one degree of freedom less than
    the smaller side has rows (or clusters), and the joint test on F. At 5% that calls
    25 equal clinics of 40 people unequal in 9% of cohorts, chi-squared in 21%.

    References
    ----------
    Kallus and Zhou (2019), NeurIPS 32, for a binary outcome (xAUC). Wang et al. (2026),
    arXiv:2606.16872, for survival (xCI), of which the definition and the weighing by
    censoring are taken, in the words above; the estimator and its standard errors are
    this package's. Hothorn, Bretz and Westfall (2008), Biometrical Journal 50:346-363.

    Examples
    --------
    >>> found = fs.concordance_between("Surv(time, event) ~ faceage", cohort,
    ...                                by=["sex", "race"])
    >>> found.tidy()
    """
    refuse_unknown("time_weight", time_weight, get_args(PairWeighting))
    floors = Floors(floor_events, floor_people)
    roles = Roles(strata, cluster, weights, id)
    rows = score_rows(formula, data, roles, time_weight=time_weight, tau=tau)
    columns = subgroup_columns(by, rows.design.formula)
    rank_rows_by_score(rows)  # refuses rows without a comparable pair
    people = None if id is None else pd.factorize(data[id].iloc[rows.design.rows])[0]
    parts = [
        part
        for column in columns
        for part in rank_between(
            rows, column, kept_levels(data, column, rows.design.rows), floors, people
        )
    ]
    return ConcordanceBetween(
        formula=rows.design.formula.text,
        time_weight=rows.time_weight,
        tau=rows.tau,
        parts=tuple(parts),
        n=rows.design.n,
        n_events=int(rows.counts_event.sum()),
        n_dropped=rows.design.n_dropped,
    )


def rank_between(
    rows: ScoredRows,
    subgroup: str,
    levels: pd.Series,
    floors: Floors,
    people: NDArray[np.int64] | None = None,
) -> list[GroupsRanked]:
    """Rank the levels of one subgroup against each other, once per score.

    Parameters
    ----------
    rows
        Scored rows; their weights in time must be ``"n"`` or ``"n/G2"``.
    subgroup, levels
        Name of the subgroup, and its level of every row, a categorical.
    floors
        Sizes below which a level is not estimated.
    people
        Code of the subject of every row; without, each row is somebody else.

    Raises
    ------
    DataError
        There are more levels than pairs of them can be held at once.
    """
    if len(levels.cat.categories) > MOST_RANKED:
        raise DataError(
            f"`{subgroup}` has {len(levels.cat.categories)} levels, each of which is "
            f"ranked against all others; join levels until there are {MOST_RANKED} or "
            "fewer."
        )
    sets = rows.design.risk_sets
    codes = levels.cat.codes.to_numpy().astype(np.int64)
    members = [codes == code for code in range(len(levels.cat.categories))]
    n_events = [int(rows.counts_event[member].sum()) for member in members]
    n_people = [
        int(member.sum() if people is None else np.unique(people[member]).size)
        for member in members
    ]
    notes = tuple(
        floors.note(*sizes) or one_cluster(rows.clusters, member)
        for *sizes, member in zip(n_people, n_events, members, strict=True)
    )
    n_units, n_other_units = _units(rows, members)
    group = codes[sets.order]
    clusters = None if rows.clusters is None else rows.clusters[sets.order]
    found = []
    for j, score in enumerate(rows.design.terms):
        agreement = cross_agreement(
            sets,
            rows.design.X[sets.order, j],
            group,
            len(members),
            tau=rows.limit,
            by_censoring=rows.time_weight == "n/G2",
        )
        hidden = np.array([note != "" for note in notes])
        between = hidden[:, None] | hidden
        places = np.concatenate([between.ravel(), np.repeat(hidden, 2)])
        cov = joint_covariance(agreement, group, clusters)
        cov[places] = cov[:, places] = np.nan
        part = GroupsRanked(
            biomarker=score,
            subgroup=subgroup,
            levels=tuple(map(str, levels.cat.categories)),
            c_index=np.where(between, np.nan, agreement.c_index),
            outside=np.where(hidden[:, None], np.nan, agreement.outside),
            cov=cov,
            n_pairs=np.where(between, np.nan, agreement.counts.sum(axis=2)),
            n=tuple(int(member.sum()) for member in members),
            n_events=tuple(n_events),
            n_units=n_units,
            n_other_units=n_other_units,
            notes=notes,
        )
        found.append(part)
    return found


def _units(
    rows: ScoredRows, members: list[NDArray[np.bool_]]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Count the rows or clusters of each level, and those of all others."""
    each = np.arange(rows.design.n) if rows.clusters is None else rows.clusters
    return (
        tuple(int(np.unique(each[member]).size) for member in members),
        tuple(int(np.unique(each[~member]).size) for member in members),
    )

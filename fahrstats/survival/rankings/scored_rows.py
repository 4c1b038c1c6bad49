"""Rows to rank by scores: the gate, and how the pairs between them are weighed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations
from numbers import Real
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.follow_up import TIE_TOLERANCE
from fahrstats.cohort.roles import Roles
from fahrstats.errors import DataError, ResultWarning
from fahrstats.kernels.concordance import Agreement, rank_agreement
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets
from fahrstats.kernels.time_weights import PairWeights, TimeWeight, weigh_pairs
from fahrstats.survival.options import refuse_unknown

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NEEDS_CENSORING = ("S/G", "n/G2")

_LEAST_UNCENSORED = 0.1
"""Share still uncensored below which single pairs weigh over 100 times as others."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Rows complete for all scores, and which pairs of them count for how much.

    Attributes
    ----------
    design : Design
        Rows that passed the gate; every column of ``X`` is a score.
    clusters : ndarray of int64, shape (n,), or None
        Cluster of every row.
    time_weight : str
        Weight in time of the pairs of an event.
    tau : float
        Last time at which an event counts, as given; infinite where all do.
    """

    design: Design
    clusters: IntArray | None
    time_weight: TimeWeight
    tau: float

    @property
    def counts_event(self) -> NDArray[np.bool_]:
        """Whether each row, in data order, has an event that counts."""
        return self.design.event & (self.design.time <= self.limit)

    @property
    def limit(self) -> float:
        """Last time that counts: times that differ from ``tau`` by rounding are it."""
        return self.tau * (1 + TIE_TOLERANCE)

    def weigh(self, sets: RiskSets) -> PairWeights | None:
        """Weights in time for some of the rows, or for a draw of them."""
        return weigh_pairs(sets, self.time_weight, self.limit)

    def part(self, rows: NDArray[np.bool_]) -> tuple[RiskSets, FloatArray]:
        """Risk sets and scores, both sorted, of some of the rows."""
        design = self.design
        strata = design.strata
        if strata is not None:
            strata = np.unique(strata[rows], return_inverse=True)[1]
        sets = sort_risk_sets(
            design.time[rows],
            design.event[rows],
            entry=None if design.entry is None else design.entry[rows],
            strata=strata,
            weights=None if design.weights is None else design.weights[rows],
        )
        return sets, design.X[rows][sets.order]


def score_rows(
    formula: str,
    data: pd.DataFrame,
    roles: Roles,
    *,
    time_weight: TimeWeight,
    tau: float | None,
) -> ScoredRows:
    """Pass scores through the gate and settle how pairs are weighed.

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        The formula names no score, an option is unknown, no event is at or before
        ``tau``, weights by censoring meet delayed entry, or the data do not pass the
        gate.
    """
    refuse_unknown("time_weight", time_weight, get_args(TimeWeight))
    design = build_design(formula, data, **roles.named())
    if not design.terms:
        raise DataError(f"`{formula}` names no score to rank by; add a column.")
    if design.entry is not None and time_weight in _NEEDS_CENSORING:
        raise DataError(
            f"`time_weight` is {time_weight!r}, which weighs by the distribution of "
            f"censoring, and delayed entry (`{design.formula.entry}`) leaves none to "
            "estimate; use 'n', 'S' or 'I'."
        )
    rows = ScoredRows(design, _clusters(design, data), time_weight, _limit(tau))
    if tau is not None:
        _check_tau(tau, rows)
    if time_weight in _NEEDS_CENSORING:
        _warn_of_large_weights(rows)
    return rows


def rank_rows_by_score(rows: ScoredRows) -> Agreement:
    """Concordance of every score on all rows, or say that there is no pair."""
    design = rows.design
    sets = design.risk_sets
    agreement = rank_agreement(sets, design.X[sets.order], rows.weigh(sets))
    if np.isnan(agreement.c_index).any():
        up_to = f" up to `tau` ({rows.tau:g})" if np.isfinite(rows.tau) else ""
        raise DataError(
            f"No two of the {design.n} complete rows are comparable{up_to}: nobody is "
            f"at risk at the event of another (`{design.formula.text}`), so no "
            "concordance exists."
        )
    return agreement


def sum_in_clusters(influence: FloatArray, codes: IntArray | None) -> FloatArray:
    """Sum the rows of each cluster, shape (n_clusters, k); as it is without clusters.

    ``codes`` are in the order of the rows.
    """
    if codes is None:
        return influence
    return np.column_stack([np.bincount(codes, column) for column in influence.T])


def difference_std_errors(influence: FloatArray) -> FloatArray:
    """Return the standard error of the difference of each two columns, (k, k)."""
    k = influence.shape[1]
    std_error = np.zeros((k, k))
    for i, j in combinations(range(k), 2):
        difference = influence[:, i] - influence[:, j]
        std_error[i, j] = std_error[j, i] = np.sqrt(difference @ difference)
    return std_error


def _limit(tau: float | None) -> float:
    """Return the last time at which an event counts, infinite if not given."""
    if tau is None:
        return np.inf
    if isinstance(tau, bool) or not isinstance(tau, Real) or not 0 < tau < np.inf:
        raise DataError(f"`tau` is {tau}; give a positive number.")
    return float(tau)


def _check_tau(tau: float, rows: ScoredRows) -> None:
    """Refuse a limit before every event, announce one after the last."""
    name, time = rows.design.formula.time, rows.design.time[rows.design.event]
    if not rows.counts_event.any():
        raise DataError(
            f"`tau` is {tau:g}, before the first of {time.size} events (`{name}` "
            f"{time.min():g}), so no event counts; give a later time in the same unit."
        )
    if tau > time.max():
        warnings.warn(
            f"`tau` is {tau:g}, after the last event (`{name}` {time.max():g}), so "
            "nothing is cut off; check that it has the unit of the data.",
            ResultWarning,
            stacklevel=4,
        )


def _warn_of_large_weights(rows: ScoredRows) -> None:
    """Announce that hardly anybody is known to be uncensored at the last event."""
    pairs = rows.weigh(rows.design.risk_sets)
    assert pairs is not None
    largest = float(pairs.weight.max())
    if largest > _LEAST_UNCENSORED**-2:
        time = rows.design.risk_sets.time[pairs.weight.argmax()]
        warnings.warn(
            f"Only {largest**-0.5:.1%} are estimated to be uncensored just before the "
            f"event at {time:g}, so its pairs weigh {largest:.0f} times as much as "
            f"those of an early event (`time_weight` {rows.time_weight!r}); set `tau` "
            "to an earlier time.",
            ResultWarning,
            stacklevel=4,
        )


def _clusters(design: Design, data: pd.DataFrame) -> IntArray | None:
    """Cluster of every kept row: as asked for, or the subjects of repeated rows."""
    codes, id = design.cluster, design.roles.id
    if codes is None and id is not None:
        subjects = data[id].iloc[design.rows]
        if subjects.duplicated().any():
            codes = pd.factorize(subjects)[0].astype(np.int64)
    if codes is not None and codes.max() == 0:
        raise DataError(
            f"All {design.n} complete rows are one cluster of `{id}`; a robust "
            "covariance needs at least 2."
        )
    return codes

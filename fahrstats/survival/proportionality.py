"""Tests of proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata

from fahrstats.cohort.design import Design, build_design
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.newton import solve_scaled
from fahrstats.kernels.partial_likelihood import (
    block_sums,
    gradient,
    information,
)
from fahrstats.survival.cox_fit import TIES, Ties, refuse_unknown
from fahrstats.survival.maximum import Maximum, find_maximum

FloatArray = NDArray[np.float64]
Transform = Literal["km", "identity", "rank", "log"]


@dataclass(frozen=True, slots=True, eq=False)
class ProportionalityTest:
    """Score tests of a coefficient that changes with a function of time.

    Attributes
    ----------
    terms : tuple of str
        Variables of the model, a factor's columns tested together, and ``global``.
    statistic, df, p_value : ndarray of shape (n_terms,)
        Chi-squared statistics of Grambsch and Therneau, their degrees of freedom and
        p values. Missing for a variable without a finite estimate.
    transform : str
        The function of time.
    n, n_events : int
        Rows used, events among them.
    """

    terms: tuple[str, ...]
    statistic: FloatArray
    df: NDArray[np.int64]
    p_value: FloatArray
    transform: Transform
    n: int
    n_events: int

    def tidy(self) -> pd.DataFrame:
        """One row per variable and one for all together, ``global``."""
        table = pd.DataFrame(
            {
                "term": self.terms,
                "estimand": "ph_chi2",
                "statistic": self.statistic,
                "df": self.df,
                "p_value": self.p_value,
                "n": self.n,
                "n_events": self.n_events,
            }
        )
        return table[in_order(table.columns)]

    def summary(self) -> str:
        """Describe the tests as text."""
        from fahrstats.display.journals import format_number, phrase_p

        lines = [f"Proportional hazards, score tests against {self.transform} of time"]
        lines += [
            f"{row['term']}: chi-squared {format_number(row['statistic'])} "
            f"on {row['df']} df, {phrase_p(row['p_value'])}"
            if row["df"]
            else f"{row['term']}: not tested, no finite estimate"
            for row in self.tidy().to_dict("records")
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def ph_test(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    weights: str | None = None,
    ties: Ties = "efron",
    transform: Transform = "km",
) -> ProportionalityTest:
    """Test whether the coefficients of a Cox model change with time.

    The exact score test for an added term ``g(t) x``, from the information of both
    terms together. The approximation in wide use, which takes the variance of the
    covariates to be the same at every event, is not this test.

    Parameters
    ----------
    formula, data, strata, weights, ties
        As in :func:`fahrstats.cox`.
    transform
        g(t): ``"km"`` for 1 - Kaplan-Meier just before t, ``"identity"``, ``"log"``, or
        ``"rank"``, the mean rank of t among all follow-up times.

    Raises
    ------
    FormulaError, DataError, ConvergenceError
        As :func:`fahrstats.cox`; also without covariates.

    References
    ----------
    Grambsch and Therneau (1994), Biometrika 81:515-526; Therneau, R package survival,
    from version 3.0 on.
    """
    refuse_unknown("ties", ties, TIES)
    refuse_unknown("transform", transform, ("km", "identity", "rank", "log"))
    design = build_design(formula, data, strata=strata, weights=weights)
    if not design.columns:
        raise DataError(f"`{formula}` has no covariate whose proportionality to test.")
    maximum = find_maximum(design, efron=ties == "efron")
    slope, info = _time_varying(design, maximum, _time_scale(design, transform), ties)
    variables = [
        column.variable
        for column, is_finite in zip(design.columns, maximum.is_finite, strict=True)
        if is_finite
    ]
    groups = [(v, [v]) for v in dict.fromkeys(c.variable for c in design.columns)]
    groups.append(("global", variables))
    q = len(variables)
    statistics, dfs = [], []
    for _, group in groups:
        chosen = np.flatnonzero(np.isin(variables, group))
        both = np.concatenate([np.arange(q), q + chosen])
        u = np.concatenate([np.zeros(q), slope[chosen]])
        statistic = u @ solve_scaled(info[np.ix_(both, both)], u)
        statistics.append(statistic if chosen.size else np.nan)
        dfs.append(chosen.size)
    return ProportionalityTest(
        terms=tuple(name for name, _ in groups),
        statistic=np.array(statistics),
        df=np.array(dfs),
        p_value=np.asarray(chi2.sf(statistics, dfs)),
        transform=transform,
        n=design.n,
        n_events=design.n_events,
    )


def _time_scale(design: Design, transform: Transform) -> FloatArray:
    """Return g at the time of every tie block, centred over the events."""
    sets = design.risk_sets
    events = np.sort(design.time[design.event])
    times, deaths = np.unique(events, return_counts=True)
    if transform == "identity":
        scale = times
    elif transform == "log":
        scale = np.log(times)
    elif transform == "rank":
        order = np.argsort(design.time)
        first = order[np.searchsorted(design.time, times, sorter=order)]
        scale = rankdata(design.time)[first]
    else:
        at_risk = design.n - np.searchsorted(np.sort(design.time), times)
        if design.entry is not None:
            at_risk -= design.n - np.searchsorted(np.sort(design.entry), times)
        survival = np.cumprod(1 - deaths / at_risk)
        scale = 1 - np.concatenate([[1.0], survival[:-1]])
    centred = scale - np.average(scale, weights=deaths)
    block_time = sets.time[sets.tie_start[:-1]]
    nearest = np.searchsorted(times, block_time).clip(max=times.size - 1)
    return np.where(times[nearest] == block_time, centred[nearest], 0.0)


def _time_varying(
    design: Design, maximum: Maximum, scale: FloatArray, ties: Ties
) -> tuple[FloatArray, FloatArray]:
    """Score of the added terms (q,), and joint information of both sets (2q, 2q)."""
    sets, blocks, Z = design.risk_sets, maximum.blocks, maximum.Z
    predictor = maximum.linear_predictor
    parts = [maximum.information]
    for multiplier in (scale, scale**2):
        sums = block_sums(
            sets, blocks, predictor, efron=ties == "efron", multiplier=multiplier
        )
        parts.append(information(sets, blocks, sums, Z))
        if multiplier is scale:
            slope = gradient(sums, Z)
    plain, once, twice = parts
    return slope, np.block([[plain, once], [once, twice]])

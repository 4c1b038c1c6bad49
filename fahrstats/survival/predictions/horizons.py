"""Rows, columns and horizons that predictions are judged at."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.follow_up import tie_with
from fahrstats.errors import DataError, FormulaError, ResultWarning
from fahrstats.kernels.censoring_weights import CensoringWeights, weigh_by_censoring

FloatArray = NDArray[np.float64]

_FEWEST = 5
"""Events, or rows beyond a horizon, below which their influences say nothing."""

_FEW_SEEN = 0.1
"""Share uncensored below which a row followed on counts for more than ten."""


def judge_columns(
    formula: str,
    data: pd.DataFrame,
    horizons: Sequence[float],
    *,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
) -> Design:
    """Pass the outcome and the judged columns through the gate, and check horizons.

    Raises
    ------
    FormulaError
        The formula names no column to judge, or the outcome has delayed entry.
    DataError
        A horizon is not above 0, no event happens by it or nobody is followed beyond
        it, or the data do not pass the gate.
    """
    design = build_design(formula, data, cluster=cluster, weights=weights, id=id)
    if not design.terms:
        raise FormulaError(f"`{formula}` names no column to judge; add one.")
    for column in design.columns:
        if column.level:
            raise DataError(
                f"`{column.variable}` holds levels such as `{column.level}`, which are "
                "no predictions; give a column of numbers."
            )
    if design.entry is not None:
        raise FormulaError(
            f"`{formula}` has delayed entry, for which censoring weights at a horizon "
            "are not defined here; judge predictions made at entry, with "
            "`Surv(time, event)` counted from it."
        )
    for horizon in horizons:
        check_horizon(design, horizon)
    return design


def as_horizon(horizon: float) -> float:
    """Return the one horizon that predictions are about.

    Raises
    ------
    DataError
        It is not one finite number above 0.
    """
    if not _is_time(horizon):
        raise DataError(
            f"`horizon` is {horizon}; give one time above 0, in the units of the "
            "follow-up time."
        )
    return float(horizon)


def as_horizons(horizons: float | Sequence[float]) -> tuple[float, ...]:
    """Return one or several horizons in rising order, each once.

    Raises
    ------
    DataError
        There is none, or one is not a finite number above 0.
    """
    is_one = isinstance(horizons, str) or not isinstance(horizons, Iterable)
    given: list[Any] = [horizons] if is_one else [*horizons]  # type: ignore[misc]
    if not given:
        raise DataError("`horizons` is empty; give at least one time.")
    for horizon in given:
        if not _is_time(horizon):
            raise DataError(
                f"`horizons` holds {horizon}; give times above 0, in the units of the "
                "follow-up time."
            )
    return tuple(sorted({float(horizon) for horizon in given}))


def _is_time(horizon: object) -> bool:
    """Whether something is a finite number above 0."""
    if not isinstance(horizon, Real) or isinstance(horizon, bool):
        return False
    return 0 < float(horizon) < np.inf


def check_risks(design: Design) -> FloatArray:
    """Return the judged columns, sorted for the kernels, if they are probabilities.

    Raises
    ------
    DataError
        A column holds values outside 0 to 1.
    """
    for column, values in zip(design.terms, design.X.T, strict=True):
        n_outside = int(((values < 0) | (values > 1)).sum())
        if n_outside:
            raise DataError(
                f"`{column}` is outside 0 to 1 in {n_outside} of {design.n} complete "
                f"rows ({values.min():g} to {values.max():g}); give the predicted "
                "probability of the event by the horizon."
            )
    return np.ascontiguousarray(design.X[design.risk_sets.order])


def count_at_horizons(
    design: Design, horizons: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count events and censored rows up to each horizon, unweighted."""
    by_then = design.time <= np.array(tied_horizons(design, horizons))[:, None]
    n_events = (by_then & design.event).sum(axis=1)
    return n_events, by_then.sum(axis=1) - n_events


def weigh_at(design: Design, horizons: Sequence[float]) -> list[CensoringWeights]:
    """Censoring weights at each horizon; announces large ones, and too few rows."""
    sets = design.risk_sets
    found = [weigh_by_censoring(sets, at) for at in tied_horizons(design, horizons)]
    events = count_at_horizons(design, horizons)[0]
    for weights, n_events in zip(found, events, strict=True):
        seen = float(sets.weights[0] / weights.inverse[0])
        if seen < _FEW_SEEN:
            warnings.warn(
                f"Only {seen:.1%} are estimated to be uncensored at horizon "
                f"{weights.horizon:g}, so each of the {weights.n_beyond} rows followed "
                f"beyond it counts for {1 / seen:.0f}; choose an earlier horizon.",
                ResultWarning,
                stacklevel=3,
            )
        elif min(n_events, weights.n_beyond) < _FEWEST:
            warnings.warn(
                f"{n_events} with the event by horizon {weights.horizon:g} and "
                f"{weights.n_beyond} followed beyond it: with fewer than {_FEWEST} of "
                "either, standard errors there are too small; choose another horizon.",
                ResultWarning,
                stacklevel=3,
            )
    return found


def tied_horizons(design: Design, horizons: Sequence[float]) -> tuple[float, ...]:
    """Return the times of follow-up that horizons equal but for rounding, or them."""
    tied = tie_with(np.asarray(horizons, np.float64), design.time)
    return tuple(float(horizon) for horizon in tied)


def check_horizon(design: Design, horizon: float) -> None:
    """Refuse a horizon at which everybody has, or nobody has, had the event."""
    outcome = design.formula
    (horizon,) = tied_horizons(design, (horizon,))
    if horizon >= design.time.max():
        last = round(float(design.time.max()), 3)
        raise DataError(
            f"Nobody is followed beyond horizon {horizon:g}: `{outcome.time}` ends at "
            f"{last:g}, so no row is known to be free of the event then "
            "and the probability of being seen is 0; the largest usable horizon is "
            f"just below {last:g}."
        )
    first = design.time[design.event].min()
    if first > horizon:
        raise DataError(
            f"None of the {design.n_events} events in `{outcome.event}` happens by "
            f"horizon {horizon:g}; the first is at {first:g}, choose a later horizon."
        )

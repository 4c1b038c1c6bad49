"""The area under a survival curve and its standard errors against slow twins.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from fahrstats.kernels.product_limit import life_table
from fahrstats.kernels.restricted_mean import (
    greenwood_mean_std_error,
    restricted_mean,
    robust_mean_std_error,
)
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
STEP_RTOL = 1e-5  # central differences of the mean in one weight, step 1e-5
TAUS = [0.5, 4, 7.3, 11]


def cohort(seed, n=40, *, weights="none", delayed=False):
    rng = np.random.default_rng(seed)
    data = {"time": rng.integers(1, 12, n).astype(float), "event": rng.random(n) < 0.6}
    data["time"][:5], data["event"][:5] = 12.0, False
    data["weights"] = {
        "none": np.ones(n),
        "whole": rng.integers(1, 4, n).astype(float),
        "fractional": rng.uniform(0.2, 3, n),
    }[weights]
    if delayed:
        data["entry"] = np.floor(data["time"] * rng.random(n) * (np.arange(n) >= 5))
    return data


def sorted_rows(data):
    sets = sort_risk_sets(
        data["time"],
        data["event"],
        entry=data.get("entry"),
        weights=data["weights"],
    )
    return sets, life_table(sets, 0)


def survival_at(data, t):
    """Twin: the product over event times up to t, each with its own risk set."""
    entry = data.get("entry", np.full(data["time"].size, -1.0))
    survival = 1.0
    for u in np.unique(data["time"][data["event"]]):
        if u <= t:
            at_risk = data["weights"][(entry < u) & (u <= data["time"])].sum()
            d = data["weights"][(data["time"] == u) & data["event"]].sum()
            survival *= 1 - d / at_risk
    return survival


def area(data, low, high):
    """Twin: rectangles between all whole times and the ends, by their middles."""
    cuts = [low, *[t for t in range(13) if low < t < high], high]
    return sum((b - a) * survival_at(data, (a + b) / 2) for a, b in pairwise(cuts))


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
@pytest.mark.parametrize("weights", ["none", "whole", "fractional"])
def test_the_mean_and_greenwoods_error_are_those_of_the_definition(
    weights, delayed, tau
):
    data = cohort(1, weights=weights, delayed=delayed)
    entry = data.get("entry", np.full(40, -1.0))
    _, table = sorted_rows(data)
    variance = 0.0
    for t in np.unique(data["time"][data["event"]]):
        n = data["weights"][(entry < t) & (t <= data["time"])].sum()
        d = data["weights"][(data["time"] == t) & data["event"]].sum()
        if t < tau:
            variance += area(data, t, tau) ** 2 * d / (n * (n - d))
    mean = area(data, 0, tau)
    assert restricted_mean(table, tau) == pytest.approx(mean, rel=TWIN_RTOL)
    found = greenwood_mean_std_error(table, tau)
    assert found == pytest.approx(np.sqrt(variance), rel=TWIN_RTOL)


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
def test_the_jackknife_sums_the_squared_effects_of_weights(delayed, tau):
    data = cohort(2, n=25, weights="fractional", delayed=delayed)
    sets, table = sorted_rows(data)
    step, variance = 1e-5, 0.0
    for i in range(25):
        change = np.zeros(25)
        change[i] = step
        up, down = (
            restricted_mean(sorted_rows(data | {"weights": w})[1], tau)
            for w in (data["weights"] + change, data["weights"] - change)
        )
        variance += (data["weights"][i] * (up - down) / (2 * step)) ** 2
    found = robust_mean_std_error(sets, 0, table, tau, sets.order)
    assert found == pytest.approx(np.sqrt(variance), rel=STEP_RTOL, abs=1e-9)


@pytest.mark.parametrize("tau", TAUS)
def test_the_jackknife_equals_greenwood_without_weights(tau):
    sets, table = sorted_rows(cohort(3))
    assert robust_mean_std_error(sets, 0, table, tau, sets.order) == pytest.approx(
        greenwood_mean_std_error(table, tau), rel=1e-10, abs=0
    )


def test_before_the_first_event_the_mean_is_exact():
    sets, table = sorted_rows(cohort(4, weights="fractional"))
    assert restricted_mean(table, 0.5) == 0.5
    assert greenwood_mean_std_error(table, 0.5) == 0
    assert robust_mean_std_error(sets, 0, table, 0.5, sets.order) == 0

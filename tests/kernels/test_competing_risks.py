"""Cumulative incidence and its jackknife, by hand and against slow twins.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest

from fahrstats.kernels.competing_risks import (
    cause_events,
    cumulative_incidence,
    incidence_std_error,
)
from fahrstats.kernels.product_limit import (
    greenwood_std_error,
    life_table,
    product_limit,
)
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
SQUARES_RTOL = 1e-10  # sums of squares expanded on one side lose two digits more
WHOLE_OR_NOT = ["none", "whole", "fractional"]


def cohort(seed, n=40, *, weights="none", delayed=False, ties=True, n_causes=2):
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 12, n).astype(float) if ties else rng.permutation(n) + 1.0
    cause = rng.integers(-1, n_causes, n)
    data = {"time": time, "cause": cause, "weights": np.ones(n), "entry": None}
    if weights == "whole":
        data["weights"] = rng.integers(1, 4, n).astype(float)
    if weights == "fractional":
        data["weights"] = rng.uniform(0.2, 3, n)
    if delayed:  # five rows from time 0 that outlast all, so that somebody is left
        data["entry"] = np.floor(time * rng.random(n) * (np.arange(n) >= 5))
        data["time"][:5], data["cause"][:5] = 12.0, -1
    return data


def estimates(data, n_causes=2):
    sets = sort_risk_sets(
        data["time"],
        data["cause"] >= 0,
        entry=data["entry"],
        weights=data["weights"],
    )
    table = life_table(sets, 0)
    cause = data["cause"][sets.order]
    events = cause_events(sets, 0, table, cause, n_causes)
    std_error = incidence_std_error(sets, 0, table, cause, events, sets.order)
    return table, events, cumulative_incidence(table, events), std_error


def derivatives(data, n_causes=2):
    """Twin: estimates and their derivatives in each weight, a time after the other."""
    n = data["time"].size
    entry = np.full(n, -1.0) if data["entry"] is None else data["entry"]
    weights = data["weights"]
    survival, d_survival = 1.0, np.zeros(n)
    incidence, d_incidence = np.zeros(n_causes), np.zeros((n_causes, n))
    steps = []
    for t in sorted({*data["time"], *entry[entry >= 0]}):
        present = ((entry < t) & (t <= data["time"])).astype(float)
        at_risk = weights @ present
        has = [(data["time"] == t) & (data["cause"] == c) for c in range(n_causes)]
        if at_risk > 0:
            for c in range(n_causes):
                share = weights @ has[c] / at_risk
                d_share = (has[c] - share * present) / at_risk
                incidence[c] += survival * share
                d_incidence[c] += d_survival * share + survival * d_share
            any_event = np.any(has, axis=0)
            share = weights @ any_event / at_risk
            d_share = (any_event - share * present) / at_risk
            d_survival = d_survival * (1 - share) - survival * d_share
            survival *= 1 - share
        steps.append((t, incidence.copy(), d_incidence.copy()))
    return steps


def test_five_rows_by_hand():
    """Cause 0 at 1 and 4, cause 1 at 2, censored at 2 and 5."""
    data = {
        "time": np.array([1.0, 2, 2, 4, 5]),
        "cause": np.array([0, 1, -1, 0, -1]),
        "weights": np.ones(5),
        "entry": None,
    }
    table, events, incidence, _ = estimates(data)
    assert table.time.tolist() == [1, 2, 4, 5]
    assert events.tolist() == [[1, 0], [0, 1], [1, 0], [0, 0]]
    first = [1 / 5, 1 / 5, 1 / 5 + 3 / 5 / 2, 1 / 2]
    np.testing.assert_allclose(incidence[:, 0], first, rtol=TWIN_RTOL)
    np.testing.assert_allclose(incidence[:, 1], [0, 1 / 5, 1 / 5, 1 / 5])


def test_without_censoring_incidence_is_a_share_with_its_binomial_error():
    data = {
        "time": np.arange(1.0, 11),
        "cause": np.array([0, 1, 0, 0, 1, 1, 0, 1, 1, 0]),
        "weights": np.ones(10),
        "entry": None,
    }
    _, _, incidence, std_error = estimates(data)
    share = np.cumsum(data["cause"] == 0) / 10
    np.testing.assert_allclose(incidence[:, 0], share, rtol=TWIN_RTOL)
    binomial = np.sqrt(share * (1 - share) / 10)
    np.testing.assert_allclose(std_error[:, 0], binomial, rtol=SQUARES_RTOL)


@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
@pytest.mark.parametrize("weights", WHOLE_OR_NOT)
@pytest.mark.parametrize("ties", [False, True], ids=["no tied times", "tied times"])
def test_incidence_and_its_jackknife_are_those_of_the_definition(
    ties, weights, delayed
):
    for seed in range(3):
        data = cohort(seed, ties=ties, weights=weights, delayed=delayed, n_causes=3)
        table, _, incidence, std_error = estimates(data, 3)
        steps = derivatives(data, 3)
        power = 2 if weights == "fractional" else 1
        np.testing.assert_array_equal(table.time, [t for t, _, _ in steps])
        wanted = np.array([values for _, values, _ in steps])
        np.testing.assert_allclose(incidence, wanted, rtol=TWIN_RTOL)
        squares = np.array([d**2 @ data["weights"] ** power for _, _, d in steps])
        np.testing.assert_allclose(
            std_error, np.sqrt(squares), rtol=SQUARES_RTOL, atol=1e-9
        )


@pytest.mark.parametrize("seed", range(5))
def test_without_weights_the_error_is_that_of_gaynor(seed):
    """The sum over event times that Gaynor et al. (1993) give, time by time."""
    data = cohort(seed)
    table, events, incidence, std_error = estimates(data)
    before = np.append(1.0, product_limit(table)[:-1])
    n, d = table.at_risk, table.events
    for last in range(table.time.size):
        for c in range(2):
            total = 0.0
            for j in range(last + 1):
                rest = incidence[last, c] - incidence[j, c]
                if n[j] > d[j]:
                    total += rest**2 * d[j] / (n[j] * (n[j] - d[j]))
                total += (
                    before[j] ** 2 * events[j, c] * (n[j] - events[j, c]) / n[j] ** 3
                )
                total -= 2 * rest * before[j] * events[j, c] / n[j] ** 2
            wanted = np.sqrt(max(total, 0))
            assert std_error[last, c] == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("ties", [False, True])
def test_one_cause_is_one_minus_survival_with_greenwoods_error(ties):
    """With delayed entry the jackknife and Greenwood's formula differ by chance."""
    data = cohort(4, n_causes=1, ties=ties)
    table, _, incidence, std_error = estimates(data, 1)
    np.testing.assert_allclose(incidence[:, 0], 1 - product_limit(table), atol=1e-14)
    greenwood = greenwood_std_error(table)
    alive = ~np.isnan(greenwood)
    np.testing.assert_allclose(std_error[alive, 0], greenwood[alive], rtol=1e-9)


@pytest.mark.parametrize("weights", WHOLE_OR_NOT)
def test_incidences_and_survival_add_up_to_one(weights):
    table, _, incidence, _ = estimates(cohort(5, 200, weights=weights, n_causes=4), 4)
    total = incidence.sum(axis=1) + product_limit(table)
    np.testing.assert_allclose(total, 1, rtol=1e-13)


def test_whole_weights_replicate_rows():
    data = cohort(6, weights="whole")
    times = data["weights"].astype(int)
    replicated = {
        "time": np.repeat(data["time"], times),
        "cause": np.repeat(data["cause"], times),
        "weights": np.ones(times.sum()),
        "entry": None,
    }
    _, events, incidence, std_error = estimates(data)
    _, events_again, incidence_again, std_error_again = estimates(replicated)
    np.testing.assert_array_equal(events, events_again)
    np.testing.assert_allclose(incidence, incidence_again, rtol=TWIN_RTOL)
    np.testing.assert_allclose(std_error, std_error_again, rtol=1e-9, atol=1e-10)

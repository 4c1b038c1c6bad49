"""Survival curves and the log-rank statistic, by hand and against slow twins.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fahrstats.kernels.product_limit import (
    Interval,
    chi_squared,
    greenwood_std_error,
    life_table,
    logrank_moments,
    product_limit,
    robust_std_error,
    survival_limits,
    survival_quantile,
)
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
STEP_RTOL = 1e-5  # central differences of log survival in one weight, step 1e-5
Z95 = 1.959963984540054
INTERVALS = get_args(Interval)


def cohort(seed, n=40, *, weights="none", delayed=False, ties=True):
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 12, n).astype(float) if ties else rng.permutation(n) + 1.0
    data = {"time": time, "event": rng.random(n) < 0.6}
    if weights == "whole":
        data["weights"] = rng.integers(1, 4, n).astype(float)
    if weights == "fractional":
        data["weights"] = rng.uniform(0.2, 3, n)
    if (
        delayed
    ):  # five rows from time 0 that outlast all, so that survival stays above 0
        data["entry"] = np.floor(time * rng.random(n) * (np.arange(n) >= 5))
        data["time"][:5], data["event"][:5] = 12.0, False
    return data


def risk_sets(data, strata=None):
    return sort_risk_sets(
        data["time"],
        data["event"],
        entry=data.get("entry"),
        strata=strata,
        weights=data.get("weights"),
    )


def curve(data):
    sets = risk_sets(data)
    table = life_table(sets, 0)
    return sets, table, product_limit(table)


def by_definition(data):
    """Twin: one time after the other, one row after the other."""
    n = data["time"].size
    entry = data.get("entry", np.full(n, -1.0))
    weights = data.get("weights", np.ones(n))
    survival, greenwood, steps = 1.0, 0.0, []
    for t in sorted({*data["time"], *entry[entry >= 0]}):
        n_at_risk = d = 0.0
        for i in range(n):
            if entry[i] < t <= data["time"][i]:
                n_at_risk += weights[i]
                if data["time"][i] == t and data["event"][i]:
                    d += weights[i]
        if n_at_risk > 0:
            survival *= 1 - d / n_at_risk
            if n_at_risk - d > 1e-9:
                greenwood += d / (n_at_risk * (n_at_risk - d))
        steps.append((t, n_at_risk, d, survival, survival * np.sqrt(greenwood)))
    return np.array(steps).T


def test_textbook_example_by_hand():
    """Six rows: events at 1, 3, 3 and 5, censored at 3 and 6."""
    data = {
        "time": np.array([1.0, 3, 3, 3, 5, 6]),
        "event": np.array([True, True, True, False, True, False]),
    }
    _, table, survival = curve(data)
    assert table.time.tolist() == [1, 3, 5, 6]
    assert table.at_risk.tolist() == [6, 5, 2, 1]
    assert table.events.tolist() == [1, 2, 1, 0]
    assert table.censored.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(survival, [5 / 6, 1 / 2, 1 / 4, 1 / 4], rtol=TWIN_RTOL)
    variance = 1 / 30 + 2 / 15 + 1 / 2
    wanted = pytest.approx(np.sqrt(variance) / 4, rel=TWIN_RTOL)
    assert greenwood_std_error(table)[-1] == wanted


@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
@pytest.mark.parametrize("weights", ["none", "whole", "fractional"])
@pytest.mark.parametrize("ties", [False, True], ids=["no tied times", "tied times"])
def test_the_curve_is_that_of_the_definition(ties, weights, delayed):
    for seed in range(3):
        data = cohort(seed, ties=ties, weights=weights, delayed=delayed)
        _, table, survival = curve(data)
        time, at_risk, events, wanted, std_error = by_definition(data)
        np.testing.assert_array_equal(table.time, time)
        np.testing.assert_allclose(table.at_risk, at_risk, rtol=TWIN_RTOL, atol=1e-13)
        np.testing.assert_allclose(table.events, events, rtol=TWIN_RTOL)
        np.testing.assert_allclose(survival, wanted, rtol=TWIN_RTOL, atol=1e-15)
        alive = survival > 0
        np.testing.assert_allclose(
            greenwood_std_error(table)[alive], std_error[alive], rtol=TWIN_RTOL
        )


@pytest.mark.parametrize("weights", ["none", "fractional"])
def test_survival_is_exactly_0_when_all_at_risk_have_the_event(weights):
    data = cohort(3, weights=weights)
    data["event"] |= data["time"] == data["time"].max()
    _, table, survival = curve(data)
    assert survival[-1] == 0
    assert np.isnan(greenwood_std_error(table)[-1])


def test_fractional_weights_leave_no_rounding_behind_with_delayed_entry():
    """The last at risk has the event after others have come and gone."""
    rng = np.random.default_rng(4)
    n = 50
    data = {
        "time": np.append(rng.uniform(1, 9, n - 1), 10.0),
        "event": np.append(np.zeros(n - 1, bool), True),
        "weights": rng.uniform(0.1, 5, n),
    }
    data["entry"] = data["time"] * rng.uniform(0, 1, n)
    _, _, survival = curve(data)
    assert survival[-1] == 0


@pytest.mark.parametrize("ties", [False, True], ids=["no tied times", "tied times"])
def test_the_jackknife_equals_greenwood_without_weights(ties):
    sets, table, survival = curve(cohort(5, ties=ties))
    alive = survival > 0
    np.testing.assert_allclose(
        robust_std_error(sets, 0, table, sets.order)[alive],
        greenwood_std_error(table)[alive],
        rtol=TWIN_RTOL,
    )


def test_the_jackknife_is_exactly_0_before_the_first_event():
    data = cohort(5, weights="fractional", delayed=True, ties=False)
    sets, table, survival = curve(data)
    assert (robust_std_error(sets, 0, table, sets.order)[survival == 1] == 0).all()


@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
def test_the_jackknife_sums_the_squared_effects_of_weights(delayed):
    data = cohort(6, n=25, weights="fractional", delayed=delayed)
    sets, table, survival = curve(data)
    step = 1e-5
    variance = np.zeros(survival.size)
    for i in range(25):
        change = np.zeros(25)
        change[i] = step
        up = curve(data | {"weights": data["weights"] + change})[2]
        down = curve(data | {"weights": data["weights"] - change})[2]
        variance += (data["weights"][i] * (up - down) / (2 * step)) ** 2
    alive = survival > 0
    np.testing.assert_allclose(
        robust_std_error(sets, 0, table, sets.order)[alive],
        np.sqrt(variance)[alive],
        rtol=STEP_RTOL,
        atol=1e-9,
    )


@pytest.mark.parametrize("interval", INTERVALS)
def test_limits_enclose_survival_and_stay_within_0_and_1(interval):
    survival = np.array([0.9, 0.5, 0.1])
    std_error = np.array([0.09, 0.2, 0.09])
    low, high = survival_limits(survival, std_error, interval, Z95)
    assert (low <= survival).all()
    assert (survival <= high).all()
    assert (low >= 0).all()
    assert (high <= 1).all()


@pytest.mark.parametrize(
    ("interval", "limit"),
    [
        *(("log-log", np.nan), ("logit", np.nan), ("arcsine", np.nan)),
        *(("log", 1), ("plain", 1)),
    ],
)
def test_without_an_event_limits_are_1_or_missing_as_in_r(interval, limit):
    limits = survival_limits(np.array([1.0]), np.array([0.0]), interval, Z95)
    np.testing.assert_array_equal(np.ravel(limits), limit)


@pytest.mark.parametrize("interval", INTERVALS)
def test_limits_are_missing_where_survival_is_0(interval):
    limits = survival_limits(np.array([0.0]), np.array([np.nan]), interval, Z95)
    assert np.isnan(limits).all()


def test_limits_are_symmetric_on_their_scale():
    survival, std_error = np.array([0.6]), np.array([0.1])
    for interval, scale in {
        "plain": lambda s: s,
        "log": np.log,
        "log-log": lambda s: np.log(-np.log(s)),
        "logit": lambda s: np.log(s / (1 - s)),
        "arcsine": lambda s: np.arcsin(np.sqrt(s)),
    }.items():
        low, high = survival_limits(survival, std_error, interval, Z95)
        middle = (scale(low) + scale(high)) / 2
        np.testing.assert_allclose(middle, scale(survival), rtol=TWIN_RTOL)


@pytest.mark.parametrize(
    ("probability", "wanted"), [(0.2, 2.0), (0.25, 3.0), (0.5, 6.0), (0.8, np.nan)]
)
def test_quantiles_are_the_middle_of_a_flat_part_at_their_height(probability, wanted):
    """Survival 3/4 from 2 to 4 and 1/2 from 4 to the end of follow-up at 8."""
    time = np.array([0.0, 2.0, 4.0, 8.0])
    survival = np.array([1.0, 0.75, 0.5, 0.5])
    found = survival_quantile(time, survival, probability)
    assert found == wanted or (np.isnan(found) and np.isnan(wanted))


def hypergeometric_twin(data, group, strata, rho):
    """Twin: one stratum, one event time and one pair of groups after the other."""
    k = group.max() + 1
    entry = data.get("entry", np.full(group.size, -1.0))
    weights = data.get("weights", np.ones(group.size))
    observed, expected, cov = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for s in np.unique(strata):
        survival = 1.0
        for t in np.unique(data["time"][data["event"] & (strata == s)]):
            at_risk = weights * ((entry < t) & (t <= data["time"]) & (strata == s))
            dies = at_risk * ((data["time"] == t) & data["event"])
            n, d = at_risk.sum(), dies.sum()
            for a in range(k):
                n_a = at_risk[group == a].sum()
                observed[a] += survival**rho * dies[group == a].sum()
                expected[a] += survival**rho * d * n_a / n
                for b in range(k):
                    n_b = at_risk[group == b].sum()
                    if n > 1:
                        factor = survival ** (2 * rho) * d * (n - d) / (n - 1) / n**2
                        cov[a, b] += factor * n_a * ((a == b) * n - n_b)
            survival *= 1 - d / n
    return observed, expected, cov


@pytest.mark.parametrize("rho", [0, 0.5, 1])
@pytest.mark.parametrize("weights", ["none", "whole"])
@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
@pytest.mark.parametrize("n_strata", [1, 3])
def test_log_rank_moments_are_those_of_every_event_time(
    n_strata, delayed, weights, rho
):
    data = cohort(7, n=60, delayed=delayed, weights=weights)
    rng = np.random.default_rng(8)
    group, strata = rng.integers(0, 3, 60), rng.integers(0, n_strata, 60)
    sets = risk_sets(data, strata)
    found = logrank_moments(sets, group[sets.order], 3, rho)
    twins = hypergeometric_twin(data, group, strata, rho)
    for ours, twin in zip(found, twins, strict=True):
        np.testing.assert_allclose(ours, twin, rtol=TWIN_RTOL, atol=1e-13)


def test_chi_squared_of_two_groups_is_the_squared_standardised_difference():
    statistic, df = chi_squared(np.array([3.0, -3.0]), np.array([[4.0, -4], [-4, 4]]))
    assert statistic == pytest.approx(9 / 4, rel=TWIN_RTOL)
    assert df == 1


def test_groups_that_share_no_stratum_lose_a_degree_of_freedom():
    """Groups 0 and 1 only meet in stratum 0, groups 2 and 3 only in stratum 1."""
    data = cohort(9, n=80)
    strata = np.repeat([0, 1], 40)
    group = 2 * strata + np.tile([0, 1], 40)
    sets = risk_sets(data, strata)
    observed, expected, cov = logrank_moments(sets, group[sets.order], 4)
    assert chi_squared(observed - expected, cov)[1] == 2


def test_nothing_to_compare_has_no_degrees_of_freedom():
    assert chi_squared(np.zeros(2), np.zeros((2, 2))) == (0.0, 0)


seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=25, deadline=None, derandomize=True)


@quick
@given(seeds, st.booleans())
def test_replicated_rows_equal_whole_weights(seed, delayed):
    data = cohort(seed, n=20, weights="whole", delayed=delayed)
    copies = np.repeat(np.arange(20), data["weights"].astype(int))
    repeated = {k: v[copies] for k, v in data.items() if k != "weights"}
    _, table, survival = curve(data)
    _, table_repeated, survival_repeated = curve(repeated)
    np.testing.assert_array_equal(survival_repeated, survival)
    np.testing.assert_array_equal(
        greenwood_std_error(table_repeated), greenwood_std_error(table)
    )


@quick
@given(seeds, st.booleans())
def test_row_order_does_not_matter(seed, delayed):
    data = cohort(seed, n=20, delayed=delayed)
    order = np.random.default_rng(seed).permutation(20)
    shuffled = {k: v[order] for k, v in data.items()}
    np.testing.assert_array_equal(curve(shuffled)[2], curve(data)[2])


@quick
@given(seeds, st.sampled_from(["none", "fractional"]))
def test_cutting_follow_up_into_intervals_leaves_the_curve_as_it_is(seed, weights):
    """Each row is cut at 4.5 if it lasts that long."""
    data = cohort(seed, n=20, weights=weights)
    late = data["time"] > 4.5
    cut = {
        "time": np.append(np.minimum(data["time"], 4.5), data["time"][late]),
        "entry": np.append(np.zeros(20), np.full(late.sum(), 4.5)),
        "event": np.append(data["event"] & ~late, data["event"][late]),
    }
    if weights != "none":
        cut["weights"] = np.append(data["weights"], data["weights"][late])
    _, whole, survival = curve(data)
    _, table, pieces = curve(cut)
    kept = np.isin(table.time, whole.time)
    np.testing.assert_allclose(pieces[kept], survival, rtol=TWIN_RTOL, atol=1e-14)
    np.testing.assert_allclose(
        greenwood_std_error(table)[kept], greenwood_std_error(whole), rtol=1e-10
    )

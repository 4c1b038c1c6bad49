"""Heterogeneity and partial pooling against metafor, by hand and in simulations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import reference_cases
from scipy.stats import chi2, norm

from fahrstats.errors import ConvergenceError, DataError
from fahrstats.survival.subgroup_audits import level_heterogeneity
from fahrstats.survival.subgroup_audits.level_heterogeneity import heterogeneity, shrink

R_RTOL = 1e-6  # metafor iterates tau squared; its threshold is set to 1e-13
R_ATOL = 1e-9  # of tau squared and I squared where they are 0


@pytest.mark.parametrize("case", reference_cases("level_heterogeneity"), ids=str)
def test_q_i_squared_and_predictions_are_those_of_metafor(case):
    found = heterogeneity(case.y, case.s)
    assert (found.df, found.n_levels) == (case.df, len(case.y))
    for ours, theirs in (
        (found.statistic, case.q),
        (found.p_value, case.p),
        (found.tau_squared, case.tau2),
        (found.i_squared, case.i2),
    ):
        assert ours == pytest.approx(theirs, rel=R_RTOL, abs=R_ATOL)
    pooled = shrink(case.y, case.s)
    assert pooled.mean == pytest.approx(case.mean, rel=R_RTOL)
    np.testing.assert_allclose(pooled.estimate, case.blup, rtol=R_RTOL)


def test_levels_of_equal_precision_by_hand():
    """Tau squared is the sample variance less v, so the share is 1 - v / variance."""
    y, v = np.array([0.1, 0.5, 0.9, 0.2]), 0.02
    pooled = shrink(y, np.full(4, np.sqrt(v)))
    own = 1 - v / y.var(ddof=1)
    np.testing.assert_allclose(pooled.weight, own, rtol=1e-9)
    np.testing.assert_allclose(pooled.estimate, y.mean() + own * (y - y.mean()))
    q = ((y - y.mean()) ** 2).sum() / v
    found = heterogeneity(y, np.full(4, np.sqrt(v)))
    assert found.statistic == pytest.approx(q, rel=1e-12)
    assert found.p_value == pytest.approx(chi2.sf(q, 3), rel=1e-12)


def test_a_level_without_an_estimate_is_given_the_mean_and_the_widest_limits():
    y = np.array([0.1, np.nan, 0.5, 0.9, np.inf, 0.2, 0.4, 0.7])
    s = np.array([0.1, 0.1, 0.1, 0.2, 0.1, np.nan, 0.0, 0.1])
    used = np.array([0, 2, 3, 7])
    pooled, alone = shrink(y, s), shrink(y[used], s[used])
    assert pooled.n_levels == heterogeneity(y, s).n_levels == 4
    for name in ("estimate", "std_error", "conf_low", "conf_high", "weight"):
        np.testing.assert_array_equal(getattr(pooled, name)[used], getattr(alone, name))
    others = np.setdiff1d(np.arange(8), used)
    assert (pooled.estimate[others] == pooled.mean).all()
    assert (pooled.weight[others] == 0).all()
    assert np.isnan(pooled.std_error[others]).all()
    width = pooled.conf_high - pooled.conf_low
    assert (width[others] > width[used].max()).all()


def test_too_few_levels_are_not_pooled_and_say_so():
    pooled = shrink([0.3, np.nan, 0.1], [0.1, 0.1, 0.1])
    assert pooled.note == "2 of 3 levels have an estimate; partial pooling needs 3"
    assert np.isnan(pooled.estimate).all()
    assert np.isnan([pooled.mean, pooled.tau_squared]).all()
    one = heterogeneity([0.3, np.nan], [0.1, 0.1])
    assert (one.df, one.n_levels) == (0, 1)
    assert np.isnan([one.statistic, one.p_value, one.i_squared]).all()


def test_bad_input_is_refused(monkeypatch):
    with pytest.raises(DataError, match=r"shape \(2,\) and `std_errors` \(3,\); give"):
        shrink([0.1, 0.2], [0.1, 0.1, 0.1])
    with pytest.raises(DataError, match="`conf_level` is 95; give a number between"):
        shrink([0.1, 0.2, 0.3], [0.1, 0.1, 0.1], conf_level=95)
    fit = level_heterogeneity.fit_reml

    def stuck(y, v):
        found = fit(y, v)
        return type(found)(
            **{name: getattr(found, name) for name in found.__slots__}
            | {"has_converged": False}
        )

    monkeypatch.setattr(level_heterogeneity, "fit_reml", stuck)
    with pytest.raises(ConvergenceError, match="between 3 levels reached no maximum"):
        heterogeneity([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])


estimates = st.lists(
    st.tuples(st.floats(-2, 2), st.floats(0.02, 1)), min_size=3, max_size=12
)
quick = settings(max_examples=40, deadline=None, derandomize=True)


@quick
@given(estimates)
def test_estimates_lie_between_their_own_value_and_the_mean_and_in_their_limits(pairs):
    y, s = np.array(pairs).T
    pooled = shrink(y, s)
    slack = 1e-9
    assert (pooled.estimate >= np.minimum(y, pooled.mean) - slack).all()
    assert (pooled.estimate <= np.maximum(y, pooled.mean) + slack).all()
    assert (pooled.conf_low < pooled.estimate).all()
    assert (pooled.estimate < pooled.conf_high).all()


@quick
@given(estimates, st.floats(-3, 3), st.floats(0.1, 10))
def test_a_change_of_origin_or_unit_changes_nothing_else(pairs, origin, unit):
    y, s = np.array(pairs).T
    plain, moved = shrink(y, s), shrink(origin + unit * y, unit * s)
    for name in ("conf_low", "conf_high"):
        np.testing.assert_allclose(
            getattr(moved, name), origin + unit * getattr(plain, name), atol=1e-6 * unit
        )


@pytest.mark.slow
@pytest.mark.parametrize("between", [0, 0.3, 1, 3], ids="tau {} of v".format)
@pytest.mark.parametrize("k", [4, 10, 40])
def test_limits_hold_the_truth_of_95_levels_in_100_and_no_pooling_is_wider(k, between):
    """Precision differs tenfold; limits that take tau as known hold it in 80 to 95%.

    Where levels do not differ, the prior keeps tau from 0 and limits are too wide; at
    worst, with tau as large as v, they hold 94%, as the documentation says.
    """
    rng = np.random.default_rng(20240607 + k)
    s = 0.1 * np.exp(rng.normal(0, 0.5, k))
    held, known, width, n_sim = [], [], [], 200
    for _ in range(n_sim):
        truth = rng.normal(0, 0.1 * between, k)
        pooled = shrink(rng.normal(truth, s), s)
        held.append((pooled.conf_low < truth) & (truth < pooled.conf_high))
        spread = np.sqrt(pooled.weight) * s
        known.append(np.abs(pooled.estimate - truth) < norm.isf(0.025) * spread)
        width.append((pooled.conf_high - pooled.conf_low) / (2 * 1.96 * s))
    error = np.std(np.mean(held, axis=1)) / np.sqrt(n_sim)
    assert np.mean(held) > 0.94 - 3 * error
    assert np.mean(held) < (0.97 if between >= 1 else 1) + 3 * error
    assert np.mean(known) < np.mean(held)
    assert np.mean(width) < 1

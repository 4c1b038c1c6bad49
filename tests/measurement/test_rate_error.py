"""True spread of rates: closed forms of equal intervals, and the ends at zero."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, f

from fahrstats.measurement.rate_error import NoisyRates, margin


@pytest.fixture
def equal():
    """Forty rates with one standard error: all has a closed form."""
    rate = np.random.default_rng(1).normal(1, 1.2, 40)
    return NoisyRates(rate, np.full(40, 0.7), np.inf)


def test_with_equal_intervals_the_error_variance_is_taken_off(equal):
    variance = equal.rate.var(ddof=1)
    assert equal.true_variance() == pytest.approx(variance - 0.49, rel=1e-10)
    assert equal.reliability() == pytest.approx(1 - 0.49 / variance, rel=1e-10)
    low, high = equal.true_variance_limits(0.95)
    assert low == pytest.approx(39 * variance / chi2.isf(0.025, 39) - 0.49, rel=1e-9)
    assert high == pytest.approx(39 * variance / chi2.ppf(0.025, 39) - 0.49, rel=1e-9)
    assert np.isnan(equal.error_limits(0.95)).all()


def test_an_estimated_error_has_f_limits_of_reliability(equal):
    estimated = NoisyRates(equal.rate, equal.std_error, 25.0)
    ratio = equal.rate.var(ddof=1) / 0.49
    low, high = estimated.reliability_limits(0.95)
    assert low == pytest.approx(1 - f.isf(0.025, 39, 25) / ratio, rel=1e-9)
    assert high == pytest.approx(1 - f.ppf(0.025, 39, 25) / ratio, rel=1e-9)
    ends = 0.49 * 25 / chi2.isf([0.025, 0.975], 25)
    assert estimated.error_limits(0.95) == pytest.approx(tuple(ends), rel=1e-12)


def test_an_estimated_error_widens_the_limits_and_a_certain_one_does_not(equal):
    low, high = equal.true_variance_limits(0.95)
    few = NoisyRates(equal.rate, equal.std_error, 10.0).true_variance_limits(0.95)
    many = NoisyRates(equal.rate, equal.std_error, 1e9).true_variance_limits(0.95)
    assert few[0] < low < high < few[1]
    assert many == pytest.approx((low, high), rel=1e-3)


def test_rates_that_vary_less_than_their_error_have_no_true_spread(equal):
    quiet = NoisyRates(equal.rate / 10, equal.std_error, 30.0)
    assert quiet.true_variance() == 0
    assert quiet.true_variance_limits(0.95)[0] == 0
    assert quiet.reliability() == quiet.reliability_limits(0.95)[0] == 0


def test_limits_of_a_rate_are_students():
    assert margin(np.array([2.0]), np.inf, 0.95) == pytest.approx([3.919927969])
    assert margin(np.array([2.0]), 10.0, 0.95) == pytest.approx([4.456277703])

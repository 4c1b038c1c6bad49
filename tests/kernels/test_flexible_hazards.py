"""Proportional hazards with a spline of log time, against twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import WeibullAFTFitter

from fahrstats.kernels.flexible_hazards import fit_flexible_hazard
from fahrstats.kernels.natural_spline import natural_spline, natural_spline_slope

LIFELINES_RTOL = 1e-5  # its iteration stops near 1e-6


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20240607)
    Z = rng.normal(size=(300, 2))
    death = rng.weibull(1.4, 300) * np.exp(-0.5 * Z[:, 0])
    lost = rng.uniform(0.2, 2.5, 300)
    return np.minimum(death, lost), death <= lost, Z


def log_likelihood(coefs, knots, time, event, Z) -> float:
    """Likelihood by the hazard's definition, its slope by differences of the spline."""
    step = 1e-6

    def log_hazard(log_time):
        spline = natural_spline(log_time, knots) @ coefs[1 : len(knots)]
        return coefs[0] + spline + Z @ coefs[len(knots) :]

    here = log_hazard(np.log(time))
    rate = (log_hazard(np.log(time) + step) - log_hazard(np.log(time) - step)) / (
        2 * step
    )
    if (rate[event] <= 0).any():
        return -np.inf
    hazard = np.exp(here) * rate / time
    return float(np.log(hazard[event]).sum() - np.exp(here).sum())


def test_no_direction_leads_higher(rows):  # and the likelihood is concave
    fit = fit_flexible_hazard(*rows, 4)
    coefs = np.concatenate([fit.gamma, fit.beta])
    assert fit.has_converged
    found = log_likelihood(coefs, fit.knots, *rows)
    assert found == pytest.approx(fit.log_likelihood, rel=1e-8)
    ways = np.random.default_rng(1).normal(size=(30, coefs.size))
    for way in [*np.eye(coefs.size), *ways]:
        for step in (-1e-3, 1e-3, 0.1):
            assert log_likelihood(coefs + step * way, fit.knots, *rows) < found


@pytest.mark.parametrize("unit", [1.0, 365.25, 1e-4])
def test_with_two_knots_it_is_the_weibull_model_of_lifelines(rows, unit):
    time, event, Z = rows
    fit = fit_flexible_hazard(unit * time, event, Z, 2)
    frame = pd.DataFrame(Z, columns=["a", "b"]).assign(time=time, event=event)
    theirs = WeibullAFTFitter().fit(frame, "time", "event")
    shift = event.sum() * np.log(unit)
    assert fit.log_likelihood + shift == pytest.approx(
        theirs.log_likelihood_, rel=LIFELINES_RTOL
    )
    survival = theirs.predict_survival_function(frame, times=[0.5, 1.0]).to_numpy().T
    np.testing.assert_allclose(
        fit.risk(Z, unit * np.array([0.5, 1.0])), 1 - survival, rtol=0, atol=1e-5
    )


def test_more_knots_never_fit_worse_than_fewer_nested_ones(rows):
    time, event, Z = rows
    weibull, flexible = (fit_flexible_hazard(time, event, Z, k) for k in (2, 4))
    assert flexible.log_likelihood >= weibull.log_likelihood


def test_one_event_time_leaves_no_spline():
    time = np.array([1.0, 1.0, 2.0, 3.0])
    event = np.array([True, True, False, False])
    fit = fit_flexible_hazard(time, event, np.zeros((4, 0)), 4)
    assert fit.knots.size == 2


def test_the_slope_of_a_spline_is_that_of_differences():
    x, knots, step = np.linspace(-2, 3, 41), (-1.0, 0.0, 0.7, 2.0), 1e-6
    rise = natural_spline(x + step, knots) - natural_spline(x - step, knots)
    np.testing.assert_allclose(
        natural_spline_slope(x, knots), rise / (2 * step), atol=1e-8
    )

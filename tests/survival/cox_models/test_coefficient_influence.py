"""Influence on coefficients is what the residuals of a fit say it is."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import simulate

import fahrstats as fs
from fahrstats.cohort.design import build_design
from fahrstats.survival.cox_models.coefficient_influence import (
    coefficient_influences,
)
from fahrstats.survival.cox_models.maximum import find_maximum


@pytest.mark.parametrize("strata", [None, "site"])
def test_influences_are_dfbeta_and_their_squares_the_sandwich(strata):
    data = simulate(3)
    formula = "Surv(time, event) ~ x + z + twice"
    data["twice"] = 2 * data["x"]
    design = build_design(formula, data, strata=strata)
    found = coefficient_influences(design, find_maximum(design, efron=True))
    fit = fs.cox(formula, data, strata=strata, covariance="robust")
    dfbeta = fit.residuals(data, "dfbeta").fillna(0.0)
    np.testing.assert_allclose(found, dfbeta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.T @ found, np.nan_to_num(fit.cov), rtol=1e-9)
    assert (found[:, 2] == 0).all()  # repeats another, so that no row moves it

"""Predicted risks, and what rows add to them, against the fit made again."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import simulate

import fahrstats as fs
from fahrstats.cohort.design import build_design
from fahrstats.survival.cox_models.maximum import find_maximum
from fahrstats.survival.subgroup_audits.fitted_risks import predict_risks

FORMULA = "Surv(time, event) ~ x + z"
HORIZON, STEP = 25.0, 1e-5


def fitted(data, *, strata=None, efron=True):
    design = build_design(FORMULA, data, strata=strata, weights="case")
    return predict_risks(design, find_maximum(design, efron=efron), HORIZON)


@pytest.mark.parametrize("strata", [None, "site"])
def test_risks_are_those_of_the_baseline_hazard(strata):
    data = simulate(5, 200)
    design = build_design(FORMULA, data, strata=strata)
    found = predict_risks(design, find_maximum(design, efron=True), HORIZON)
    fit = fs.cox(FORMULA, data, strata=strata)
    predictor = fit.augment(data)["linear_predictor"]
    np.testing.assert_allclose(found.linear_predictor, predictor, rtol=1e-9, atol=1e-9)
    risk = fit.baseline(data).risk(data, HORIZON)["estimate"]
    np.testing.assert_allclose(found.risk, risk, rtol=1e-10)


@pytest.mark.parametrize("efron", [True, False])
@pytest.mark.parametrize("strata", [None, "site"])
def test_influence_through_the_fit_is_the_derivative_by_the_weight(strata, efron):
    data = simulate(8, 120, days=12).assign(case=1.0)  # heavily tied
    data["time"] *= 4
    found = fitted(data, strata=strata, efron=efron)
    rng = np.random.default_rng(1)
    rows = np.sort(rng.choice(120, 50, replace=False))
    derivative = rng.normal(size=50)
    influence = found.influence(rows, derivative)
    for row in range(0, 120, 11):
        moved = []
        for step in (STEP, -STEP):
            weights = data["case"] + step * (np.arange(120) == row)
            again = fitted(data.assign(case=weights), strata=strata, efron=efron)
            log_hazard = np.log(-np.log1p(-again.risk))
            moved.append(derivative @ log_hazard[rows])
        wanted = (moved[0] - moved[1]) / (2 * STEP)
        assert influence[row] == pytest.approx(wanted, rel=1e-6, abs=1e-8)

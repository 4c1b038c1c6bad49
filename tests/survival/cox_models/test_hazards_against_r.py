"""Cox models against R's survival package; see tests/reference/coxph.R and firth.R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from references import Case, reference_cases

import fahrstats as fs
from fahrstats.cohort.design import build_design
from fahrstats.kernels.firth import maximize_penalized
from fahrstats.kernels.newton import PartialLikelihood, standardize
from fahrstats.kernels.partial_likelihood import (
    find_tie_blocks,
)
from fahrstats.kernels.risk_sets import RiskSets
from fahrstats.kernels.score_residuals import score_residuals
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.maximum import find_maximum
from fahrstats.survival.cox_models.proportionality import ph_test

R_RTOL = 1e-8  # coxph.R iterates to machine precision and writes 15 digits
FIRTH_RTOL = 1e-6  # firth.R differentiates its penalty numerically
LIMIT_RTOL = 1e-8  # the likelihood is within exp(-20) of its limit where we stop

CASES = reference_cases("coxph")
FIRTH_CASES = reference_cases("firth")
MONOTONE_CASES = [case for case in FIRTH_CASES if "spared" in case.formula]


def fit(case: Case, cohorts: dict[str, pd.DataFrame]) -> CoxFit:
    return fs.cox(
        case.formula,
        cohorts[case.data],
        strata=case.strata,
        cluster=case.cluster,
        weights=case.weights,
        ties=case.ties,
        covariance=case.covariance,
    )


def in_data_order(sets: RiskSets, values: NDArray[np.float64]) -> NDArray[np.float64]:
    arranged = np.empty_like(values)
    arranged[sets.order] = values
    return arranged


@pytest.mark.parametrize("case", CASES, ids=str)
def test_estimates_and_likelihoods_match_r(case, cohorts):
    ours = fit(case, cohorts)
    assert (ours.n, ours.n_events) == (case.n, case.n_events)
    np.testing.assert_allclose(ours.log_hr, case.coef, rtol=R_RTOL)
    np.testing.assert_allclose(
        np.sqrt(np.diag(ours.model_cov)), case.model_std_error, rtol=R_RTOL
    )
    for name in ("log_likelihood", "log_likelihood_null", "lr_statistic"):
        assert getattr(ours, name) == pytest.approx(getattr(case, name), rel=R_RTOL)
    assert ours.score_statistic == pytest.approx(case.score_statistic, rel=R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_covariance_matches_r(case, cohorts):
    ours = fit(case, cohorts)
    assert ours.is_robust == (case.covariance == "robust")
    # An element near zero carries the rounding of the standard errors it belongs to.
    size = np.outer(case.std_error, case.std_error)
    np.testing.assert_allclose(ours.cov / size, case.cov / size, atol=R_RTOL)
    np.testing.assert_allclose(ours.tidy()["std_error"], case.std_error, rtol=R_RTOL)
    assert ours.wald_statistic == pytest.approx(case.wald_statistic, rel=R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_concordance_of_the_linear_predictor_matches_r(case, cohorts):
    ours = fit(case, cohorts)
    assert ours.c_index == pytest.approx(case.c_index, rel=R_RTOL)
    assert ours.c_index_std_error == pytest.approx(case.c_index_std_error, rel=R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_residuals_match_r(case, cohorts):
    design = build_design(
        case.formula,
        cohorts[case.data],
        strata=case.strata,
        cluster=case.cluster,
        weights=case.weights,
    )
    maximum = find_maximum(design, efron=case.ties == "efron")
    sets, blocks, sums = design.risk_sets, maximum.blocks, maximum.peak.sums
    chunks = score_residuals(sets, blocks, sums, maximum.Z)
    residuals = np.concatenate([chunk for _, chunk in chunks])
    score = in_data_order(sets, maximum.spread * residuals)
    size = np.sqrt(case.score_sum_of_squares)
    np.testing.assert_allclose(np.linalg.norm(score, axis=0), size, rtol=R_RTOL)
    np.testing.assert_allclose(
        score[:3] / size, case.score_residuals / size, atol=R_RTOL
    )
    martingale = in_data_order(sets, sums.martingale / sets.weights)
    np.testing.assert_allclose(martingale[:5], case.martingale, atol=R_RTOL)
    assert martingale @ martingale == pytest.approx(
        case.martingale_sum_of_squares, rel=R_RTOL
    )


@pytest.mark.parametrize("case", FIRTH_CASES, ids=str)
def test_firth_estimates_match_r(case, cohorts):
    formula = case.formula.replace("celltype", "C(celltype)")
    design = build_design(formula, cohorts[case.data], strata=case.strata)
    sets = design.risk_sets
    Z, _, spread = standardize(design.X, sets.order)
    peak = maximize_penalized(
        PartialLikelihood(sets, find_tie_blocks(sets), Z, efron=case.ties == "efron")
    )
    np.testing.assert_allclose(peak.beta / spread, case.coef, rtol=FIRTH_RTOL)
    std_error = np.sqrt(np.diag(peak.cov)) / spread
    np.testing.assert_allclose(std_error, case.std_error, rtol=FIRTH_RTOL)


@pytest.mark.parametrize("case", MONOTONE_CASES, ids=str)
def test_a_level_without_events_is_infinite_and_tested_by_its_likelihood_ratio(
    case, cohorts
):
    """The limit of the likelihood is that of the rows that are not spared."""
    ours = fs.cox(case.formula, cohorts[case.data], strata=case.strata, ties=case.ties)
    (spared,) = ours.monotone
    assert spared.term == "spared"
    assert ours.log_hr[1] == -np.inf
    assert ours.log_likelihood == pytest.approx(
        case.log_likelihood_limit, rel=LIMIT_RTOL
    )
    assert spared.lr_statistic == pytest.approx(
        case.lr_statistic_spared, rel=LIMIT_RTOL
    )
    (firth,) = ours.firth
    assert firth.log_hr == pytest.approx(case.coef[1], rel=FIRTH_RTOL)
    assert firth.std_error == pytest.approx(case.std_error[1], rel=FIRTH_RTOL)


@pytest.mark.parametrize("transform", ["km", "identity", "rank", "log"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_proportional_hazards_test_matches_r(case, transform, cohorts):
    data = cohorts[case.data]
    if case.cluster:  # the fit in R leaves out rows without a cluster
        data = data.dropna(subset=case.cluster)
    ours = ph_test(
        case.formula,
        data,
        strata=case.strata,
        weights=case.weights,
        ties=case.ties,
        transform=transform,
    )
    table = case.ph_test[transform]
    assert list(ours.df) == table["df"]
    np.testing.assert_allclose(ours.statistic, table["statistic"], rtol=R_RTOL)
    np.testing.assert_allclose(ours.p_value, table["p_value"], rtol=R_RTOL)

"""Exact ties, offsets and ridge penalties against R; see reference/cox_options.R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from references import Case, reference_cases
from tables import check_glance, check_table

import fahrstats as fs

R_RTOL = 1e-8  # cox_options.R iterates to machine precision and writes 17 digits

CASES = reference_cases("cox_options")
PLAIN = [case for case in CASES if not hasattr(case, "theta")]
RIDGE = [case for case in CASES if hasattr(case, "theta")]


def rows_of(case: Case, cohorts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the data of a case with the columns that cox_options.R derives."""
    data = cohorts[case.data]
    row = np.arange(1, len(data) + 1)
    return data.assign(known=(row % 9) / 8, quarters=data["time"] // 91 + 1)


def fit(case: Case, cohorts: dict[str, pd.DataFrame]) -> fs.CoxFit:
    return fs.cox(
        case.formula,
        rows_of(case, cohorts),
        ties=case.ties,
        strata=case.strata,
        weights=case.weights,
        cluster=case.cluster,
        offset=case.offset,
    )


def assert_close_in_size(cov, wanted):
    """Compare in units of the standard errors, whose rounding elements near 0 have."""
    size = np.sqrt(np.outer(np.diag(wanted), np.diag(wanted)))
    np.testing.assert_allclose(cov / size, wanted / size, atol=R_RTOL)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_exact_ties_and_offsets_match_r(case, cohorts):
    ours = fit(case, cohorts)
    assert (ours.n, ours.n_events) == (case.n, case.n_events)
    np.testing.assert_allclose(ours.log_hr, case.coef, rtol=R_RTOL)
    assert_close_in_size(ours.cov, np.array(case.cov))
    for name in ("log_likelihood", "log_likelihood_null", "score_statistic"):
        assert getattr(ours, name) == pytest.approx(getattr(case, name), rel=R_RTOL)
    assert ours.c_index == pytest.approx(case.c_index, rel=R_RTOL)
    assert ours.c_index_std_error == pytest.approx(case.c_index_std_error, rel=R_RTOL)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_linear_predictors_with_an_offset_match_r_up_to_their_origin(case, cohorts):
    """R leaves columns of 0 and 1 where they are, and centres the others."""
    data = rows_of(case, cohorts)
    data = data[data["time"] > 0]
    ours = fit(case, cohorts).augment(data)["linear_predictor"].dropna().to_numpy()
    np.testing.assert_allclose(
        np.diff(ours[:5]), np.diff(case.linear_predictor), rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("case", RIDGE, ids=str)
def test_ridge_matches_r(case, cohorts):
    ours = fs.cox(
        case.formula,
        rows_of(case, cohorts),
        ties=case.ties,
        weights=case.weights,
        strata=case.strata,
        cluster=case.cluster,
        ridge=case.theta,
    )
    assert ours.n == case.n
    np.testing.assert_allclose(ours.log_hr, case.coef, rtol=R_RTOL)
    assert_close_in_size(ours.cov, np.array(case.cov))
    assert_close_in_size(ours.penalty.sampling_cov, np.array(case.sampling_cov))
    for name in ("log_likelihood", "log_likelihood_null", "aic"):
        assert getattr(ours, name) == pytest.approx(getattr(case, name), rel=R_RTOL)
    assert ours.effective_df == pytest.approx(case.df, rel=R_RTOL)
    check_table(ours.tidy())
    glance = check_glance(ours.glance()).iloc[0]
    df = len(case.coef) if case.cluster else case.df  # robust: the Wald test
    assert glance["df"] == pytest.approx(df, rel=R_RTOL)

"""Restricted cubic splines against R's rms; see tests/reference/splines.R."""

from __future__ import annotations

import numpy as np
import pytest
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.cohort.design import build_design
from fahrstats.cohort.variables import spline_terms

R_RTOL = 1e-8  # splines.R iterates to machine precision and writes 17 digits

CASES = reference_cases("splines")


def digits_kept(design):
    """Return the relative error that R and this package may differ by.

    The inverse of the information loses as many digits as the condition number of the
    correlations has. With seven knots in flchain (condition 8e6), standard errors in
    extended precision are 3e-8 from those of R and up to 2e-8 from ours, by processor.
    """
    condition = np.linalg.cond(np.corrcoef(design.X, rowvar=False))
    return max(R_RTOL, 1e-14 * condition)


def rows_of(case, cohorts):
    """Return the data of a case with the column that splines.R derives."""
    data = cohorts[case.data]
    row = np.arange(1, len(data) + 1)
    return data.assign(set_apart=np.where(row % 5 == 0, 0, 10 + (row * 37) % 101))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_knots_and_basis_are_those_of_r(case, cohorts):
    design = build_design(case.formula, rows_of(case, cohorts))
    (spline,) = spline_terms(design.encoder)
    np.testing.assert_allclose(spline.knots, case.knots, rtol=1e-14)
    assert spline.variable == case.variable
    size = np.abs(case.first_rows).max()
    ours = design.X[:3, spline.columns]
    np.testing.assert_allclose(ours, case.first_rows, atol=1e-13 * size)
    names = [design.terms[j] for j in spline.columns]
    assert names == [f"{spline.term}[{j + 1}]" for j in range(len(names))]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fits_match_r(case, cohorts):
    data = rows_of(case, cohorts)
    fit, kept = (
        fs.cox(case.formula, data),
        digits_kept(build_design(case.formula, data)),
    )
    size = np.abs(case.coef) + np.array(case.std_error)
    np.testing.assert_allclose(fit.log_hr / size, case.coef / size, atol=R_RTOL)
    std_error = np.sqrt(np.diag(fit.cov))
    np.testing.assert_allclose(std_error, case.std_error, rtol=kept)
    assert fit.log_likelihood == pytest.approx(case.log_likelihood, rel=R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_tests_of_non_linearity_match_r(case, cohorts):
    data = rows_of(case, cohorts)
    table = check_table(fs.cox(case.formula, data).nonlinearity(data))
    assert table["estimand"].tolist() == [
        *("wald_chi2", "nonlinear_wald_chi2", "nonlinear_lr_chi2")
    ]
    wanted = [case.wald_all, case.wald_nonlinear, case.lr_nonlinear]
    # The ratio is a difference of log-likelihoods a thousand times its size.
    kept = digits_kept(build_design(case.formula, data))
    np.testing.assert_allclose(table["statistic"][:2], wanted[:2], rtol=kept)
    assert table["statistic"][2] == pytest.approx(wanted[2], rel=1e-7)
    k = len(case.knots)
    assert table["df"].tolist() == [k - 1, k - 2, k - 2]
    assert set(table["variable"]) == {case.variable}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_curves_match_r(case, cohorts):
    fit = fs.cox(case.formula, rows_of(case, cohorts))
    curve = fit.curve(case.variable, reference=case.reference, at=case.at)
    table = check_table(curve.tidy())
    check_glance(curve.glance())
    np.testing.assert_allclose(table["estimate"], case.log_hr, rtol=R_RTOL, atol=1e-9)
    np.testing.assert_allclose(
        table["std_error"], case.curve_std_error, rtol=R_RTOL, atol=1e-9
    )

"""What follows a Cox fit against R's survival package; see tests/reference/cox_rows.R.

Residuals, predicted survival, contrasts, joint tests and likelihood-ratio tests of each
term.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from references import Case, reference_cases

import fahrstats as fs
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.proportionality import ph_test

R_RTOL = 1e-8  # cox_rows.R iterates to machine precision and writes 15 digits

CASES = reference_cases("cox_rows")
BY_ROW = ("martingale", "deviance", "score", "dfbeta", "dfbetas")
OF_EVENTS = ("schoenfeld", "scaled_schoenfeld")


def rows_of(case: Case, cohorts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows that R used: complete, and at risk at some time."""
    data = cohorts[case.data]
    fit = fs.cox(case.formula, data, strata=case.strata, cluster=case.cluster, id=None)
    martingale = fit.residuals(data, "martingale")["martingale"]
    return data[martingale.notna()].reset_index(drop=True)


def fit(case: Case, data: pd.DataFrame) -> CoxFit:
    return fs.cox(
        case.formula,
        data,
        strata=case.strata,
        cluster=case.cluster,
        weights=case.weights,
        ties=case.ties,
        covariance="robust" if case.cluster else "model",
    )


def assert_shown(found: NDArray[np.float64], wanted: dict[str, object]) -> None:
    """Compare the first rows, and every column as a whole, on the scale of the column.

    R leaves the rounding of its sums in residuals near zero.
    """
    size = np.sqrt(np.array(wanted["sum_of_squares"], np.float64).ravel())
    first = np.array(wanted["first"], np.float64)
    first = np.where(np.isnan(first), 0.0, first)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), size, rtol=R_RTOL)
    np.testing.assert_allclose(found[:4] / size, first / size, atol=R_RTOL)


@pytest.mark.parametrize("kind", [*BY_ROW, *OF_EVENTS])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_residuals_match_r(case, kind, cohorts):
    data = rows_of(case, cohorts)
    ours = fit(case, data).residuals(data, kind)
    terms = ours.drop(columns=["time", case.strata or ""], errors="ignore")
    assert_shown(terms.to_numpy(), case.residuals["by_row"][kind])
    if kind in OF_EVENTS:
        assert ours["time"].head(4).tolist() == case.residuals["event_time"]


@pytest.mark.parametrize("kind", BY_ROW)
@pytest.mark.parametrize("case", [c for c in CASES if c.subject], ids=str)
def test_residuals_summed_over_a_subject_match_r(case, kind, cohorts):
    data = rows_of(case, cohorts)
    ours = fit(case, data).residuals(data, kind, collapse=case.subject)
    assert ours.index.name == case.subject
    assert_shown(ours.to_numpy(), case.residuals["collapsed"][kind])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_predicted_survival_matches_r(case, cohorts):
    data = rows_of(case, cohorts)
    baseline = fit(case, data).baseline(data)
    new = data.iloc[np.array(case.new_rows) - 1].reset_index(drop=True)
    for k, in_stratum in enumerate(case.predicted):
        if case.strata:
            level = sorted(data[case.strata].unique())[k]
            new = new.assign(**{case.strata: level})
        table = baseline.survival(new, case.times)
        for row, wanted in enumerate(in_stratum):
            ours = table[table["group"] == str(row)]
            known = ours["estimate"].notna()
            assert known.tolist() == [
                time <= baseline.time[slice(*baseline.start[k : k + 2])].max()
                for time in case.times
            ]
            names = {
                "estimate": "survival",
                "std_error": "std_error",
                "conf_low": "low",
                "conf_high": "high",
            }
            for column, name in names.items():
                np.testing.assert_allclose(
                    ours.loc[known, column],
                    np.array(wanted[name], np.float64)[known],
                    rtol=R_RTOL,
                    err_msg=column,
                )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_contrasts_and_joint_tests_match_matrix_algebra_in_r(case, cohorts):
    data = rows_of(case, cohorts)
    ours = fit(case, data)
    weights = dict(zip(ours.terms, case.contrast_weights, strict=True))
    row = ours.contrast(weights).iloc[0]
    assert row["estimate"] == pytest.approx(case.contrast, rel=R_RTOL)
    assert row["std_error"] == pytest.approx(case.contrast_std_error, rel=R_RTOL)
    (wald,) = ours.joint_test(ours.terms[:2])["statistic"]
    assert wald == pytest.approx(case.joint_wald, rel=R_RTOL)


@pytest.mark.parametrize("case", [c for c in CASES if c.drops], ids=str)
def test_leaving_out_a_term_matches_r(case, cohorts):
    data = rows_of(case, cohorts)
    table = fit(case, data).drop1(data)
    wanted = pd.DataFrame(case.drops)
    names = wanted["term"].str.replace("factor(", "C(", regex=False)
    assert table["term"].tolist() == names.tolist()
    assert table["df"].tolist() == wanted["df"].tolist()
    np.testing.assert_allclose(table["statistic"], wanted["statistic"], rtol=R_RTOL)


@pytest.mark.parametrize("transform", ["km", "identity", "log", "rank"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_coefficients_over_time_match_the_curve_that_r_draws(case, transform, cohorts):
    data = rows_of(case, cohorts)
    test = ph_test(
        case.formula,
        data,
        strata=case.strata,
        weights=case.weights,
        ties=case.ties,
        transform=transform,
    )
    wanted = case.smooth[transform]
    shown = np.array(wanted["shown"]) - 1
    estimate = np.array(wanted["estimate"], np.float64)
    size = np.abs(estimate).max(axis=0)  # a curve crosses zero somewhere
    if np.isnan(estimate).any():  # too few distinct times for the spline
        assert np.isnan(test.smooth.log_hr).all()
        return
    np.testing.assert_allclose(
        test.smooth.log_hr[shown] / size, estimate / size, atol=R_RTOL
    )
    np.testing.assert_allclose(
        test.smooth.std_error[shown], wanted["std_error"], rtol=R_RTOL
    )

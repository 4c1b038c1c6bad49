"""Residuals of a Cox fit: identities, rows left out, and refusals.

Values for real data are compared with R in test_cox_rows_against_r.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from simulated import simulate, spared

import fahrstats as fs
from fahrstats.errors import DataError
from fahrstats.survival.cox_models.residuals import RESIDUALS

FORMULA = "Surv(time, event) ~ x + z"
DELAYED = "Surv(entry, time, event) ~ x + z"
BY_ROW = [kind for kind in RESIDUALS if "schoenfeld" not in kind]


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1)


def test_martingale_residuals_are_events_less_expected_ones():
    """Three rows without covariate effect: Nelson-Aalen, by hand."""
    data = pd.DataFrame({"time": [1.0, 2, 3], "event": [1, 1, 0], "x": [0.0, 1, 0]})
    data = pd.concat([data, data.assign(x=1 - data["x"])] * 2, ignore_index=True)
    fit = fs.cox("Surv(time, event) ~ x", data, ties="breslow")
    assert fit.log_hr == pytest.approx([0.0], abs=1e-12)
    hazard = [1 / 3, 1 / 3 + 1 / 2, 1 / 3 + 1 / 2]
    wanted = np.array([1, 1, 0] * 4) - np.array(hazard * 4)
    found = fit.residuals(data, "martingale")["martingale"]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [None, "site"])
@pytest.mark.parametrize("formula", [FORMULA, DELAYED])
def test_sums_that_the_maximum_makes_zero(data, formula, strata, ties):
    data = data[data["entry"] < data["time"]]
    fit = fs.cox(formula, data, strata=strata, weights="w", ties=ties)
    weights = data[["w"]].to_numpy()
    for kind in ("martingale", "score"):
        total = (weights * fit.residuals(data, kind)).sum()
        np.testing.assert_allclose(total, 0, atol=1e-8)
    np.testing.assert_allclose(fit.residuals(data, "dfbeta").sum(), 0, atol=1e-8)


def test_schoenfeld_residuals_sum_to_zero_and_scaled_ones_to_the_estimate(data):
    fit = fs.cox(FORMULA, data)
    terms = list(fit.terms)
    plain = fit.residuals(data, "schoenfeld")
    assert plain["time"].is_monotonic_increasing
    assert len(plain) == fit.n_events
    np.testing.assert_allclose(plain[terms].sum(), 0, atol=1e-9)
    scaled = fit.residuals(data, "scaled_schoenfeld")
    np.testing.assert_allclose(scaled[terms].mean(), fit.log_hr, rtol=1e-9)


def test_schoenfeld_residuals_name_the_stratum(data):
    fit = fs.cox(FORMULA, data, strata="site")
    table = fit.residuals(data, "schoenfeld")
    assert table.columns.tolist() == ["site", "time", "x", "z"]
    assert table["site"].tolist() == data.loc[table.index, "site"].tolist()


def test_dfbeta_is_the_first_step_of_leaving_the_row_out(data):
    """The refit without the row lies near, as Newton's first step does."""
    fit = fs.cox(FORMULA, data)
    change = fit.residuals(data, "dfbeta")
    for row in (0, 7, 30):
        without = fs.cox(FORMULA, data.drop(index=row))
        np.testing.assert_allclose(
            fit.log_hr - without.log_hr, change.loc[row], rtol=0.2, atol=2e-3
        )
    in_errors = change / np.sqrt(np.diag(fit.model_cov))
    np.testing.assert_allclose(fit.residuals(data, "dfbetas"), in_errors, rtol=1e-10)


def test_the_sandwich_is_the_sum_of_squared_dfbetas(data):
    for cluster, collapse in ((None, None), ("site", "site")):
        fit = fs.cox(FORMULA, data, cluster=cluster, covariance="robust")
        change = fit.residuals(data, "dfbeta", collapse=collapse).to_numpy()
        np.testing.assert_allclose(change.T @ change, fit.cov, rtol=1e-9)


def test_deviance_residuals_have_the_sign_of_the_martingale_ones(data):
    fit = fs.cox(FORMULA, data)
    martingale = fit.residuals(data, "martingale")["martingale"]
    deviance = fit.residuals(data, "deviance")["deviance"]
    event = data["event"].astype(float)
    expected = event - martingale
    wanted = np.sqrt(2 * (expected - event - event * np.log(expected)))
    wanted *= np.sign(martingale)
    np.testing.assert_allclose(deviance, wanted, rtol=1e-7)


@pytest.mark.parametrize("kind", BY_ROW)
def test_rows_keep_their_labels_and_those_left_out_are_missing(data, kind):
    data = data.set_index(np.arange(len(data))[::-1] + 1000)
    data.loc[1005, "x"] = np.nan
    data.loc[1009, "time"] = 0
    fit = fs.cox(FORMULA, data)
    table = fit.residuals(data, kind)
    assert table.index.equals(data.index)
    left_out = table.index[table.isna().all(axis=1)]
    assert sorted(left_out) == [1005, 1009]
    assert table.drop(left_out).notna().all(axis=None)


@pytest.mark.parametrize("kind", BY_ROW)
def test_order_of_rows_does_not_matter(data, kind):
    fit = fs.cox(FORMULA, data, strata="site", weights="w")
    shuffled = data.sample(frac=1, random_state=1)
    again = fit.residuals(shuffled, kind).loc[data.index]
    np.testing.assert_allclose(again, fit.residuals(data, kind), atol=1e-10)


def test_intervals_of_a_subject_add_up_to_the_subject(data):
    """Splitting follow-up changes no residual once it is summed again."""
    early = data.assign(entry=0.0, subject=data.index)
    late = early[early["time"] > 20].assign(entry=20.0)
    cut = early["time"] > 20
    early = early.assign(time=early["time"].clip(upper=20), event=early["event"] & ~cut)
    rows = pd.concat([early, late], ignore_index=True)
    whole, split = fs.cox(FORMULA, data), fs.cox(DELAYED, rows)
    for kind in BY_ROW:
        np.testing.assert_allclose(
            split.residuals(rows, kind, collapse="subject"),
            whole.residuals(data, kind),
            rtol=1e-8,
            atol=1e-8,
        )


def test_aliased_columns_have_no_change(data):
    data["twin"] = 3 * data["x"]
    fit = fs.cox("Surv(time, event) ~ x + twin + z", data)
    assert fit.residuals(data, "dfbeta")["twin"].isna().all()
    assert fit.residuals(data, "scaled_schoenfeld")["twin"].isna().all()
    without = fs.cox(FORMULA, data)
    np.testing.assert_allclose(
        fit.residuals(data, "dfbeta")[["x", "z"]],
        without.residuals(data, "dfbeta"),
        rtol=1e-8,
        atol=1e-12,
    )


def test_an_offset_is_part_of_the_hazard(data):
    plain = fs.cox(FORMULA, data)
    shifted = data.assign(known=plain.log_hr[0] * data["x"] + 3)
    fit = fs.cox("Surv(time, event) ~ z", shifted, offset="known")
    np.testing.assert_allclose(
        fit.residuals(shifted, "martingale"),
        plain.residuals(data, "martingale"),
        rtol=1e-6,
        atol=1e-8,
    )


def test_exact_ties_have_martingale_residuals_only(data):
    fit = fs.cox(FORMULA, data, ties="exact")
    total = fit.residuals(data, "martingale").sum().item()
    assert total == pytest.approx(0, abs=1e-8)
    with pytest.raises(
        DataError, match="score residuals are not available with `ties="
    ):
        fit.residuals(data, "score")


def test_other_data_are_refused(data):
    fit = fs.cox(FORMULA, data)
    message = "`data` are not those of the fit: it used 120 rows, and these have 119"
    with pytest.raises(DataError, match=message):
        fit.residuals(data.iloc[1:], "martingale")
    other = data.assign(event=data["event"] & (data.index > 60))
    with pytest.raises(DataError, match=r"not those of the fit: it used .* events"):
        fit.residuals(other, "martingale")
    with pytest.raises(DataError, match=r"its log-likelihood is .* with these rows"):
        fit.residuals(data.assign(x=-data["x"]), "martingale")
    factor = fs.cox("Surv(time, event) ~ site", data)
    renamed = data.assign(site=data["site"].str.upper())
    with pytest.raises(DataError, match="is a column of one and not of the other"):
        factor.residuals(renamed, "martingale")


@pytest.mark.parametrize(
    ("kind", "collapse", "message"),
    [
        ("partial", None, "`kind` is 'partial'; choose one of"),
        ("schoenfeld", "site", "schoenfeld residuals belong to events"),
        ("score", "nowhere", "`data` has no column `nowhere`."),
        ("score", "gaps", "`gaps` is missing in 2 of 120 rows of the fit"),
    ],
)
def test_wrong_arguments_are_refused(data, kind, collapse, message):
    data["gaps"] = data["site"].where(data.index > 1)
    with pytest.raises(DataError, match=message):
        fs.cox(FORMULA, data).residuals(data, kind, collapse=collapse)


def test_an_infinite_coefficient_leaves_no_residuals(data):
    data = spared(data)
    fit = fs.cox("Surv(time, event) ~ x + spared", data)
    with pytest.raises(DataError, match="`spared` has an infinite coefficient"):
        fit.residuals(data, "martingale")


def test_data_are_not_modified(data):
    before = data.copy(deep=True)
    fit = fs.cox(FORMULA, data, strata="site")
    for kind in RESIDUALS:
        fit.residuals(data, kind)
    pd.testing.assert_frame_equal(data, before)

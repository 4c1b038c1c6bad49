"""What a fitted model of Fine and Gray tells, and its tables."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from competing import load_competing
from scipy.stats import chi2, norm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError


@pytest.fixture(scope="module")
def mgus2():
    frame = load_competing()["mgus2"]
    return frame.assign(cause=frame["code"].map({1: "malignancy", 2: "death"}))


@pytest.fixture(scope="module")
def fit(mgus2):
    return fs.fine_gray(
        "Surv(time, event) ~ age + C(sex) + hgb", mgus2, cause="cause", of="malignancy"
    )


def test_every_table_keeps_the_contract(fit, mgus2):
    for table in (
        fit.tidy(),
        fit.tidy(exponentiate=True, per={"age": 10}),
        fit.incidence(mgus2.head(3), [60, 120]),
    ):
        check_table(table)
        assert set(table["cause"]) == {"malignancy"}
    check_glance(fit.glance())


def test_ratios_are_exponentiated_logs_without_a_standard_error(fit):
    log, ratio = fit.tidy(), fit.tidy(exponentiate=True)
    assert set(log["estimand"]) == {"log_shr"}
    assert set(ratio["estimand"]) == {"shr"}
    assert "std_error" not in ratio
    for column in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(ratio[column], np.exp(log[column]))
    np.testing.assert_array_equal(ratio["p_value"], log["p_value"])


def test_a_step_multiplies_estimate_and_error(fit):
    one, ten = fit.tidy(), fit.tidy(per={"age": 10, "sex": -1})
    np.testing.assert_allclose(ten["estimate"], one["estimate"] * [10, -1, 1])
    np.testing.assert_allclose(ten["std_error"], one["std_error"] * [10, 1, 1])
    assert ten["per"].tolist() == [10, -1, 1]


def test_the_confidence_level_sets_the_margin(fit):
    table = fit.tidy(conf_level=0.9)
    margin = norm.isf(0.05) * table["std_error"]
    np.testing.assert_allclose(table["conf_high"], table["estimate"] + margin)


def test_the_glance_has_the_wald_test_of_all_coefficients(fit):
    row = fit.glance().iloc[0]
    statistic = fit.log_shr @ np.linalg.inv(fit.cov) @ fit.log_shr
    assert row["statistic"] == pytest.approx(statistic)
    assert row["p_value"] == pytest.approx(chi2.sf(statistic, 3))
    sizes = ["n", "n_events", "n_competing", "n_dropped"]
    assert row[sizes].tolist() == [1371, 114, 855, 13]


def test_no_more_clusters_than_coefficients_have_no_wald_test(mgus2):
    data = mgus2.assign(site=np.arange(len(mgus2)) % 2)
    fit = fs.fine_gray(
        "Surv(time, event) ~ age + male",
        data,
        cause="cause",
        of="malignancy",
        cluster="site",
    )
    assert fit.n_clusters == 2
    assert np.isnan(check_glance(fit.glance()).loc[0, "p_value"])


def test_incidence_rises_with_time_and_with_the_ratio(fit, mgus2):
    rows = pd.DataFrame(
        {"age": [60, 70], "sex": ["F", "F"], "hgb": [13, 13]}, index=["young", "old"]
    )
    table = fit.incidence(rows, [0, 60, 240])
    assert table["group"].tolist() == ["young"] * 3 + ["old"] * 3
    estimate = table["estimate"].to_numpy().reshape(2, 3)
    assert (estimate[:, 0] == 0).all()
    assert (np.diff(estimate, axis=1) > 0).all()
    assert (estimate[1, 1:] < estimate[0, 1:]).all()
    ratio = np.log1p(-estimate[1, 1:]) / np.log1p(-estimate[0, 1:])
    np.testing.assert_allclose(ratio, np.exp(10 * fit.log_shr[0]))


def test_mean_predictions_are_near_the_incidence_of_all(fit, mgus2):
    complete = mgus2.dropna(subset="hgb")
    predicted = fit.incidence(complete, [120])["estimate"].mean()
    curve = fs.cumulative_incidence("Surv(time, event) ~ 1", complete, cause="cause")
    found = curve.at([120]).query("cause == 'malignancy'")["estimate"].item()
    assert predicted == pytest.approx(found, rel=0.02)


def test_incidence_that_is_not_known_is_missing_and_says_why(fit):
    rows = pd.DataFrame({"age": [60, None], "sex": ["F", "M"], "hgb": [13, 13]})
    table = fit.incidence(rows, [60, 1000])
    assert table["estimate"].isna().tolist() == [False, True, True, True]
    assert table["note"].tolist() == [
        "",
        "beyond the last follow-up",
        *["a covariate is missing"] * 2,
    ]


def test_a_level_unseen_at_fitting_is_refused(fit):
    rows = pd.DataFrame({"age": [60], "sex": ["X"], "hgb": [13]})
    with pytest.raises(DataError, match="`sex` has 1 levels unseen at fitting"):
        fit.incidence(rows, [60])


def test_a_negative_time_is_refused(fit, mgus2):
    with pytest.raises(DataError, match="`times` holds -1"):
        fit.incidence(mgus2.head(1), [-1])


def test_an_unknown_term_or_step_is_refused(fit):
    with pytest.raises(DataError, match="`per` names `weight`; the terms are `age`"):
        fit.tidy(per={"weight": 10})
    with pytest.raises(DataError, match="`per` gives `age` a step of 0"):
        fit.tidy(per={"age": 0})


def test_an_impossible_confidence_level_is_refused(fit):
    with pytest.raises(DataError, match="`conf_level` is 95"):
        fit.tidy(conf_level=95)


def test_the_plot_is_a_figure_that_draws(fit, tmp_path):
    with mpl.rc_context({"backend": "agg"}):
        fit.plot(per={"age": 10}).save(tmp_path / "shr.png", verbose=False, dpi=50)
    assert (tmp_path / "shr.png").stat().st_size > 0

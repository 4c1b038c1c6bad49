"""Fine and Gray's model against cmprsk and survival, by simulation, and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from competing import digest_of, load_competing
from drawings import drawn, texts_outside, words
from references import reference_cases

import fahrstats as fs
from fahrstats.errors import ConvergenceError, DataError, FormulaError, ResultWarning

R_RTOL = 1e-6  # crr stops where a step gains little; the nearest cases agree to 1e-13
LIKELIHOOD_RTOL = 1e-8  # flat at the maximum, so exact wherever the iteration stops
FINEGRAY_RTOL = 1e-8  # coxph iterates to eps = 1e-12
GROUPED_VARIANCE_RTOL = 5e-3  # crr leaves out events of other censoring groups there

CASES = [
    case for case in reference_cases("competing") if case.kind == "subdistribution"
]
GROUPED = [case for case in CASES if case.groups is not None]
UNGROUPED = [case for case in CASES if case.groups is None]


@pytest.fixture
def mgus2():
    frame = load_competing()["mgus2"]
    return frame.assign(cause=frame["code"].map({1: "malignancy", 2: "death"}))


def fit_of(case):
    assert case.digest == digest_of(case.data)
    return fs.fine_gray(
        case.formula,
        load_competing()[case.data],
        cause="cause",
        of=case.of,
        censoring_strata=case.groups,
    )


def fit(data, formula="Surv(time, event) ~ age + male", **options):
    return fs.fine_gray(formula, data, cause="cause", **{"of": "malignancy"} | options)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_coefficients_and_likelihood_match_cmprsk(case):
    ours = fit_of(case)
    assert ours.n == case.n
    np.testing.assert_allclose(ours.log_shr, case.coef, rtol=R_RTOL)
    assert ours.log_likelihood == pytest.approx(
        case.log_likelihood, rel=LIKELIHOOD_RTOL
    )
    assert ours.log_likelihood_null == pytest.approx(
        case.log_likelihood_null, rel=LIKELIHOOD_RTOL
    )


@pytest.mark.parametrize("case", UNGROUPED, ids=str)
def test_covariance_matches_cmprsk(case):
    np.testing.assert_allclose(fit_of(case).cov, case.cov, rtol=R_RTOL)


@pytest.mark.parametrize("case", GROUPED, ids=str)
def test_covariance_is_near_that_of_cmprsk_with_several_curves_of_censoring(case):
    """Its variance leaves out what events of other groups say about a group's curve."""
    ours, theirs = fit_of(case).cov, np.array(case.cov)
    np.testing.assert_allclose(
        np.diag(ours), np.diag(theirs), rtol=GROUPED_VARIANCE_RTOL
    )
    assert (np.abs(ours / theirs - 1) > 1e-5).any()


@pytest.mark.parametrize(
    "case", [case for case in CASES if hasattr(case, "finegray")], ids=str
)
def test_without_ties_coefficients_match_finegray_of_survival(case):
    np.testing.assert_allclose(fit_of(case).log_shr, case.finegray, rtol=FINEGRAY_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_predicted_incidence_matches_cmprsk(case):
    data = load_competing()[case.data].set_index("row", drop=False)
    rows = data.loc[case.predicted["rows"]]
    table = fit_of(case).incidence(rows, case.predicted["time"])
    wanted = np.array(case.predicted["incidence"]).ravel()
    np.testing.assert_allclose(table["estimate"], wanted, rtol=R_RTOL)


def test_with_one_cause_it_is_coxs_model_with_breslows_ties(lung):
    lung = lung.assign(cause="death")
    formula = "Surv(time, event) ~ age + sex"
    ours = fs.fine_gray(formula, lung, cause="cause", of="death")
    cox = fs.cox(formula, lung, ties="breslow", covariance="robust")
    np.testing.assert_allclose(ours.log_shr, cox.log_hr, rtol=1e-10)
    np.testing.assert_allclose(ours.cov, cox.cov, rtol=1e-10)
    assert ours.log_likelihood == pytest.approx(cox.log_likelihood, rel=1e-12)


def test_two_curves_of_censoring_have_the_variance_of_the_jackknife():
    """Leave one row out, 240 times; the groups are censored very differently."""
    rng = np.random.default_rng(11)
    n = 240
    group, x = np.arange(n) % 2, rng.normal(size=n)
    event_time = rng.exponential(np.exp(-0.5 * x))
    censoring = rng.exponential(np.where(group == 1, 0.4, 4.0))
    data = pd.DataFrame(
        {
            "time": np.minimum(event_time, censoring),
            "event": (event_time <= censoring) * 1,
            "cause": rng.choice(["a", "b"], n, p=[0.4, 0.6]),
            "x": x,
            "group": group,
        }
    )
    options = {"cause": "cause", "of": "a", "censoring_strata": "group"}
    ours = fs.fine_gray("Surv(time, event) ~ x", data, **options)
    without = [
        fs.fine_gray("Surv(time, event) ~ x", data.drop(index=i), **options).log_shr[0]
        for i in range(n)
    ]
    jackknife = np.sqrt((n - 1) / n * np.sum((without - np.mean(without)) ** 2))
    assert np.sqrt(ours.cov[0, 0]) == pytest.approx(jackknife, rel=0.03)


def test_copies_in_one_cluster_change_nothing(mgus2):
    twice = pd.concat([mgus2, mgus2])
    once = fit(mgus2)
    clustered = fit(twice, cluster="row")
    np.testing.assert_allclose(clustered.log_shr, once.log_shr, rtol=1e-9)
    np.testing.assert_allclose(clustered.cov, once.cov, rtol=1e-9)
    assert clustered.n_clusters == 1384


def test_units_and_shifts_of_a_covariate_do_not_matter(mgus2):
    once = fit(mgus2)
    shifted = fit(mgus2.assign(age=1e3 * mgus2["age"] + 1e7))
    np.testing.assert_allclose(shifted.log_shr * [1e3, 1], once.log_shr, rtol=1e-8)
    assert shifted.log_likelihood == pytest.approx(once.log_likelihood, rel=1e-10)


def test_the_order_of_rows_does_not_matter(mgus2):
    turned = fit(mgus2[::-1], "Surv(years, event) ~ age + male")
    once = fit(mgus2, "Surv(years, event) ~ age + male")
    np.testing.assert_allclose(turned.log_shr, once.log_shr, rtol=1e-10)
    np.testing.assert_allclose(turned.cov, once.cov, rtol=1e-10)


def test_a_column_that_repeats_another_has_no_estimate(mgus2):
    data = mgus2.assign(months=12 * mgus2["age"])
    ours = fit(data, "Surv(time, event) ~ age + months + male")
    np.testing.assert_array_equal(np.isnan(ours.log_shr), [False, True, False])
    np.testing.assert_allclose(ours.log_shr[[0, 2]], fit(mgus2).log_shr, rtol=1e-10)
    assert ours.tidy()["note"][1] == "aliased: `months` = 12 x `age`"


def test_a_monotone_likelihood_is_refused_and_the_column_named(mgus2):
    spared = (mgus2["cause"] != "malignancy") & (np.arange(len(mgus2)) % 2 == 0)
    message = (
        "no finite maximum: along `spared` those with `malignancy` are separated from "
        "those at risk with them; leave columns out, or merge levels"
    )
    with pytest.raises(ConvergenceError, match=message):
        fit(mgus2.assign(spared=spared * 1.0), "Surv(time, event) ~ age + spared")


def test_few_events_for_the_coefficients_are_announced(mgus2):
    data = mgus2.assign(
        cause=mgus2["cause"].where((np.arange(len(mgus2)) % 17 == 0), "death")
    )
    message = r"5 events of `malignancy` for 2 coefficients .* fragile below 5 events"
    with pytest.warns(ResultWarning, match=message):
        fit(data)


def test_rows_left_out_are_counted(mgus2):
    ours = fit(mgus2, "Surv(time, event) ~ age + hgb")
    assert (ours.n, ours.n_dropped) == (1371, 13)
    assert (ours.n_events, ours.n_competing) == (114, 855)


def test_an_unknown_cause_is_refused(mgus2):
    message = "`of` is `stroke`, but the causes in `cause` are `death`, `malignancy`"
    with pytest.raises(DataError, match=message):
        fit(mgus2, of="stroke")


def test_an_event_without_a_cause_is_refused(mgus2):
    data = mgus2.assign(cause=mgus2["cause"].replace("death", None))
    with pytest.raises(DataError, match="`cause` is missing in 860 of 975 rows"):
        fit(data)


def test_the_cause_is_no_covariate(mgus2):
    with pytest.raises(FormulaError, match="`cause` names causes and is part of"):
        fit(mgus2.fillna({"cause": "none"}), "Surv(time, event) ~ age + cause")


def test_delayed_entry_is_refused(mgus2):
    with pytest.raises(DataError, match="delayed entry, which needs weights for entry"):
        fit(mgus2, "Surv(entry, time, event) ~ age")


def test_a_model_without_covariates_is_refused(mgus2):
    with pytest.raises(DataError, match="names no covariate; add one, or use `cumul"):
        fit(mgus2, "Surv(time, event) ~ 1")


def test_absent_censoring_strata_are_refused(mgus2):
    with pytest.raises(DataError, match="`data` has no column `centre`"):
        fit(mgus2, censoring_strata="centre")


def test_a_repeated_subject_is_refused(mgus2):
    with pytest.raises(DataError, match="`id` repeats in 1384 of 2768 rows"):
        fit(pd.concat([mgus2, mgus2]), id="id")


def test_data_are_not_modified(mgus2):
    before = mgus2.copy()
    fit(mgus2, censoring_strata="sex")
    pd.testing.assert_frame_equal(mgus2, before)


@pytest.mark.slow
def test_intervals_cover_the_true_ratio_under_heavy_ties():
    """2,000 cohorts of 300 with monthly times; 0.95 with three standard errors 0.015.

    Fine and Gray's own design: F1(t | x) = 1 - (1 - p (1 - exp(-t)))^exp(b x).
    """
    rng = np.random.default_rng(20250302)
    n, n_sets, beta, p = 300, 2000, np.array([0.5, -0.5]), 0.5
    covered = np.zeros(2)
    for _ in range(n_sets):
        X = np.column_stack([rng.normal(size=n), rng.integers(0, 2, n)])
        ratio = np.exp(X @ beta)
        of_cause = rng.random(n) < 1 - (1 - p) ** ratio
        left = 1 - rng.random(n) * (1 - (1 - p) ** ratio)
        first = -np.log(1 - (1 - left ** (1 / ratio)) / p)
        event_time = np.where(of_cause, first, rng.exponential(1, n))
        censoring = rng.uniform(0.2, 3, n)
        data = pd.DataFrame(
            {
                "time": np.ceil(12 * np.minimum(event_time, censoring)),
                "event": (event_time <= censoring) * 1,
                "cause": np.where(of_cause, "a", "b"),
                "x": X[:, 0],
                "z": X[:, 1],
            }
        )
        ours = fs.fine_gray("Surv(time, event) ~ x + z", data, cause="cause", of="a")
        margin = 1.959964 * np.sqrt(np.diag(ours.cov))
        covered += np.abs(ours.log_shr - beta) < margin
    share = covered / n_sets
    assert ((share > 0.935) & (share < 0.965)).all()


def test_incidence_at_a_time_that_rounding_moved(mgus2):
    found, wanted = (
        fs.fine_gray("Surv(time, event) ~ age", data, cause="cause", of="death")
        .incidence(mgus2.iloc[:1], times)["estimate"]
        .to_numpy()
        for data, times in (
            (mgus2.assign(time=mgus2["time"] * 0.1), [0.3, 0.6, 0.7]),
            (mgus2, [3, 6, 7]),
        )
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_the_figure_names_the_ratio_and_the_cause(mgus2):
    fit = fs.fine_gray("Surv(time, event) ~ age", mgus2, cause="cause", of="malignancy")
    with drawn(fit.plot()) as figure:
        shown = words(figure)
        assert texts_outside(figure) == []
    assert "SHR (95% CI)" in shown
    assert "Subdistribution hazard ratio (95% CI), malignancy" in shown

"""Regression calibration: exact twins, limits of no error, coverage, and refusals."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, words
from numpy.testing import assert_allclose
from scipy.stats import f
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError

FORMULA = "Surv(time, event) ~ faceage + age + sex"
ONE = "Surv(time, event) ~ faceage"


def make_cohort(seed=1, n=400, *, hr=1.3, error=2.0):
    """Two ages of a face with error, beside age, sex, a clinic and a stratum."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 8, n)
    faces = age[:, None] + rng.normal(0, 4, (n, 2))
    male, late = rng.random(n) < 0.5, rng.random(n) < 0.4
    faces += 3 * late[:, None]
    hazard = 0.1 * np.exp(np.log(hr) * (faces[:, 0] - 60) / 9 + 0.4 * male)
    death, lost = rng.exponential(1 / hazard), rng.uniform(1, 12, n)
    measured = faces + rng.normal(0, error, (n, 2))
    return pd.DataFrame(
        {
            "time": np.minimum(death, lost),
            "event": (death <= lost).astype(int),
            "faceage": measured[:, 0],
            "other": measured[:, 1],
            "age": age,
            "sex": np.where(male, "M", "F"),
            "late": late,
            "clinic": rng.integers(0, 40, n),
        }
    )


@pytest.fixture(scope="module")
def cohort():
    return make_cohort()


def corrected(data, formula=FORMULA, **options):
    return fs.regression_calibration(
        formula, data, **({"error": {"faceage": 2.0}} | options)
    )


def calibrated_fit(data, columns, error_cov, **options):
    """Twin: a Cox model of the expected true columns, written out."""
    X = data[columns].to_numpy(float)
    X = X - (
        data[columns].groupby(data["late"]).transform("mean").to_numpy()
        if options
        else X.mean(axis=0)
    )
    S = X.T @ X / (len(X) - (2 if options else 1))
    true = X @ np.linalg.inv(S) @ (S - error_cov)
    frame = data[["time", "event", "late"]].assign(
        **{f"c{j}": true[:, j] for j in range(true.shape[1])}
    )
    terms = " + ".join(f"c{j}" for j in range(true.shape[1]))
    return fs.cox(f"Surv(time, event) ~ {terms}", frame, **options)


def test_one_score_alone_is_divided_by_its_reliability(cohort):
    result = corrected(cohort, ONE)
    reliability = 1 - 4 / cohort["faceage"].var()
    naive = fs.cox(ONE, cohort, covariance="robust")
    assert result.reliability[0] == pytest.approx(reliability, rel=1e-10)
    assert_allclose(result.log_hr, naive.log_hr / reliability, rtol=1e-10)
    assert_allclose(result.measured_cov, naive.cov, rtol=1e-12)


def test_a_fit_to_expected_true_scores_is_the_same(cohort):
    data = cohort.assign(male=(cohort["sex"] == "M").astype(float))
    cov = np.zeros((3, 3))
    cov[0, 0] = 4
    twin = calibrated_fit(data, ["faceage", "age", "male"], cov)
    assert_allclose(corrected(cohort).log_hr, twin.log_hr, rtol=1e-9)


def test_correlated_errors_of_two_scores(cohort):
    names = ["faceage", "other"]
    error = pd.DataFrame([[4.0, 1.5], [1.5, 3.0]], names, names)
    formula = "Surv(time, event) ~ other + age + faceage"
    cov = np.array([[3.0, 0, 1.5], [0, 0, 0], [1.5, 0, 4.0]])
    twin = calibrated_fit(cohort, ["other", "age", "faceage"], cov)
    assert_allclose(corrected(cohort, formula, error=error).log_hr, twin.log_hr, 1e-9)
    independent = corrected(cohort, formula, error={"faceage": 2.0, "other": 3**0.5})
    diagonal = pd.DataFrame(np.diag([4.0, 3.0]), names, names)
    same = corrected(cohort, formula, error=diagonal)
    assert_allclose(independent.cov, same.cov, rtol=1e-12)


def test_two_models_that_err_alike_on_one_photo_are_corrected(cohort):
    """Given the one, the other varies less than it errs, and has a reliable part."""
    rng = np.random.default_rng(7)
    first, second = rng.normal(0, 4, len(cohort)), rng.normal(0, 2, len(cohort))
    photo = rng.normal(0, 4, len(cohort))
    small = rng.normal(0, 0.5, (2, len(cohort)))
    data = cohort.assign(
        faceage=first + photo + small[0], other=first + second + photo + small[1]
    )
    names = ["faceage", "other"]
    cov = 16 + np.diag([0.25, 0.25])
    result = corrected(data, ONE + " + other", error=pd.DataFrame(cov, names, names))
    X = data[names].to_numpy()
    own = X[:, 0] - np.polyval(np.polyfit(X[:, 1], X[:, 0], 1), X[:, 1])
    assert own.std() < np.sqrt(16.25) / 1.5
    twin = calibrated_fit(data, names, cov)
    assert_allclose(result.log_hr, twin.log_hr, rtol=1e-8)
    pull = np.polyfit(X[:, 1], X[:, 0], 1)[0]
    contrast = np.array([1, -pull])
    share = contrast @ cov @ contrast / own.var(ddof=1)
    assert result.reliability[0] == pytest.approx(1 - share, rel=1e-9)
    assert ((result.reliability > 0) & (result.reliability < 1)).all()


def test_a_reliability_has_limits_of_f_and_a_rough_error_a_note(cohort):
    reliability = 1 - 4 / cohort["faceage"].var()
    result = corrected(cohort, ONE, error={"faceage": (2.0, 3)})
    row = result.tidy().iloc[-1]
    of_error, of_rows = result.reliability_df[0]
    assert of_error == pytest.approx(3, rel=1e-10)
    # Z' Z / df of one column: 2 / df is the spread of its square, here of these rows
    z = (cohort["faceage"] - cohort["faceage"].mean()).to_numpy()
    spread = ((z**2 / z.var(ddof=1) / 399 - 1 / 400) ** 2).sum()
    assert of_rows == pytest.approx(2 / spread, rel=1e-10)
    assert row["conf_high"] == pytest.approx(
        1 - (1 - reliability) / f.isf(0.025, 3, of_rows), rel=1e-9
    )
    assert 0 <= row["conf_low"] < reliability < row["conf_high"] < 1
    rough = corrected(cohort, error={"faceage": (3.0, 3)}).tidy()
    assert rough.iloc[0]["note"].endswith(
        "the error rests on 3 degrees of freedom: limits of a clear effect are too "
        "narrow"
    )
    assert rough["conf_low"].iloc[-1] == 0  # as much error as that may be all of it
    assert set(corrected(cohort, error={"faceage": (2.0, 100)}).tidy()["note"]) == {""}


def test_scores_are_calibrated_within_strata(cohort):
    cov = np.zeros((2, 2))
    cov[0, 0] = 4
    twin = calibrated_fit(cohort, ["faceage", "age"], cov, strata="late")
    result = corrected(cohort, "Surv(time, event) ~ faceage + age", strata="late")
    assert_allclose(result.log_hr, twin.log_hr, rtol=1e-9)


def test_without_error_it_is_the_cox_model_with_robust_errors(cohort):
    result = corrected(cohort, error={"faceage": 1e-7}, cluster="clinic")
    fit = fs.cox(FORMULA, cohort, cluster="clinic")
    assert_allclose(result.log_hr, fit.log_hr, rtol=1e-10)
    assert_allclose(result.cov, fit.cov, rtol=1e-8)
    assert result.n_clusters == 40
    assert "in 40 clusters" in str(result)


def test_units_change_nothing_but_units(cohort):
    first = corrected(cohort)
    months = cohort.assign(faceage=12 * cohort["faceage"])
    second = corrected(months, error={"faceage": 24.0})
    scale = np.array([12, 1, 1])
    assert_allclose(second.log_hr * scale, first.log_hr, rtol=1e-9)
    assert_allclose(second.cov * np.outer(scale, scale), first.cov, rtol=1e-8)
    assert_allclose(second.reliability_std_error, first.reliability_std_error, 1e-8)


def test_an_estimated_error_is_less_certain_than_a_known_one(cohort):
    known = corrected(cohort)
    estimated = corrected(cohort, error={"faceage": (2.0, 30)})
    result = SimpleNamespace(error_sd=2.0, error_df=30.0)
    same = corrected(cohort, error={"faceage": result})
    assert_allclose(estimated.log_hr, known.log_hr, rtol=1e-12)
    other = corrected(cohort, error={"faceage": (4 + 1e-6) ** 0.5})
    slope = (other.log_hr - known.log_hr) / 1e-6
    added = 2 * 2**4 / 30 * np.outer(slope, slope)  # by the delta method
    assert_allclose(estimated.cov - known.cov, added, rtol=1e-4)
    assert_allclose(same.cov, estimated.cov, rtol=1e-12)


def test_the_effect_that_error_pushed_onto_age_comes_back(cohort):
    """All of the effect is the face's; error gives age a part of it."""
    result = corrected(make_cohort(3, n=4000, hr=1.6))
    assert result.log_hr[0] > result.measured_log_hr[0] * 1.1
    assert abs(result.log_hr[1]) < abs(result.measured_log_hr[1])


def test_tables_keep_the_contract(cohort):
    result = corrected(cohort)
    table = check_table(result.tidy(exponentiate=True, per={"faceage": 10}))
    assert list(table["model"]) == ["corrected"] * 3 + ["as measured"] * 3 + [""]
    ratio = table[(table["term"] == "faceage") & (table["estimand"] == "hr")]
    assert_allclose(
        ratio["estimate"],
        np.exp(10 * np.array([result.log_hr[0], result.measured_log_hr[0]])),
        rtol=1e-12,
    )
    row = table[table["estimand"] == "reliability"].iloc[0]
    assert row["estimate"] == result.reliability[0]
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    missing = cohort.assign(age=cohort["age"].where(cohort.index > 4))
    assert check_glance(corrected(missing).glance()).loc[0, "n_dropped"] == 5


def test_a_large_hidden_effect_has_a_note(cohort):
    assert set(corrected(cohort).tidy()["note"]) == {""}
    strong = corrected(make_cohort(5, hr=4.0, error=5.0), error={"faceage": 5.0})
    assert strong.hidden_sd > 0.3 > corrected(cohort).hidden_sd
    notes = strong.tidy().set_index("model")["note"]
    assert notes["corrected"].str.contains("the correction is short").all()
    assert set(notes["as measured"]) == {""}
    assert "the correction is short" in str(strong)


def test_the_figure_has_both_ratios(cohort):
    with drawn(corrected(cohort).plot(per={"faceage": 10})) as figure:
        texts = words(figure)
    assert any("faceage, as measured (per 10 units)" in text for text in texts)
    assert any("faceage, corrected (per 10 units)" in text for text in texts)


def test_data_are_not_modified(cohort):
    before = cohort.copy()
    corrected(cohort, strata="late", cluster="clinic")
    pd.testing.assert_frame_equal(cohort, before)


SQUARE = pd.DataFrame(
    [[4.0, 9.0], [9.0, 4.0]], ["faceage", "other"], ["faceage", "other"]
)


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        (FORMULA, {}, r"`error` is \{\}; give the error of each score"),
        (FORMULA, 2.0, "`error` is 2.0; give the error of each score"),
        (FORMULA, {"faceage": -1}, r"`error\['faceage'\]` is -1; give a positive"),
        (FORMULA, {"other": 2.0}, "No term holds `other`; the covariates are"),
        (FORMULA, {"sex": 2.0}, "`sex` enters as `sex`, but its error can be"),
        (ONE + " * age", {"faceage": 2.0}, "enters as `faceage`, `faceage:age`, but"),
        (ONE + ":age", {"faceage": 2.0}, "enters as `faceage:age`, but its error"),
        ("Surv(time, event) ~ rcs(faceage, 4)", {"faceage": 2.0}, "enters as `rcs"),
        ("Surv(time, event) ~ np.log(faceage)", {"faceage": 2.0}, "enters as `np.log"),
        (FORMULA, {"faceage": 4.9}, "error of SD 4.9, but given the other covariates"),
        (
            ONE + " + twice",
            {"faceage": 2.0},
            "`twice` has no estimate, since `twice` = 2 x `faceage`; leave it out",
        ),
        (ONE + " + one", {"faceage": 2.0}, "since `one` is 1 in every row; leave it"),
        (ONE + " + died", {"faceage": 2.0}, "`died` has an infinite estimate"),
        (FORMULA, SQUARE, "`error` is no covariance; give a data frame"),
        (FORMULA, SQUARE.iloc[:1], "`error` is no covariance"),
        (FORMULA, SQUARE.astype(str), "`error` is no covariance"),
        (FORMULA, SQUARE.iloc[:0, :0], "`error` is no covariance"),
    ],
)
def test_bad_requests_are_refused(cohort, formula, error, message):
    data = cohort.assign(twice=2 * cohort["faceage"], died=1.0 * cohort["event"], one=1)
    with pytest.raises(DataError, match=message):
        corrected(data, formula, error=error)


def test_two_scores_that_differ_by_error_alone_are_refused(cohort):
    """Each has a reliable part, but their difference has none."""
    rng = np.random.default_rng(2)
    copy = cohort.assign(copy=cohort["faceage"] + rng.normal(0, 2.4, len(cohort)))
    with pytest.raises(DataError, match="combination of `faceage`, `copy` has no more"):
        corrected(copy, ONE + " + copy", error={"faceage": 1.8, "copy": 1.8})


def test_a_formula_that_cannot_be_read_is_refused(cohort):
    with pytest.raises(FormulaError):
        corrected(cohort, "time ~ faceage")


@pytest.mark.slow
@pytest.mark.parametrize(("reliability", "df"), [(0.8, np.inf), (0.6, 60)])
def test_limits_cover_the_effect_of_the_true_score(reliability, df):
    """HR 1.3 per SD, n = 1500, 40% events; three standard errors are 3.8 points."""
    sd, covered, estimates = np.sqrt(1 / reliability - 1), [], []
    for seed in range(300):
        rng = np.random.default_rng([seed, int(10 * reliability)])
        z = rng.normal(size=1500)
        x = 0.5 * z + np.sqrt(0.75) * rng.normal(size=1500)
        death = rng.exponential(size=1500) / np.exp(np.log(1.3) * x + 0.3 * z)
        lost = rng.uniform(0.25, 0.8, 1500)
        data = pd.DataFrame(
            {
                "time": np.minimum(death, lost),
                "event": (death <= lost).astype(int),
                "faceage": x + rng.normal(0, sd, 1500),
                "z": z,
            }
        )
        known = np.isinf(df)
        error = sd if known else (sd * np.sqrt(rng.chisquare(df) / df), df)
        row = corrected(data, ONE + " + z", error={"faceage": error}).tidy().iloc[0]
        covered.append(row["conf_low"] <= np.log(1.3) <= row["conf_high"])
        estimates.append(row["estimate"])
    assert 0.912 <= np.mean(covered) <= 0.988
    assert np.median(estimates) == pytest.approx(np.log(1.3), rel=0.06)

"""Repeated photos: closed forms, lme4, what cannot be told, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from numpy.testing import assert_allclose
from references import reference_cases
from scipy.stats import chi2, f
from statsmodels.formula.api import mixedlm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # repeatability.R goes on by Newton's steps where lme4 stops


def make_photos(seed, n=40, spreads=(8.0, 1.5, 2.0), *, balanced=False):
    """Subjects with 1 to 3 days of 1 to 3 photos, or two days of two."""
    rng = np.random.default_rng(seed)
    between, of_day, of_photo = spreads
    days = np.full(n, 2) if balanced else rng.integers(1, 4, n)
    who = np.repeat(np.arange(n), days)
    when = np.concatenate([np.arange(k) * 30 for k in days])
    k = np.full(who.size, 2) if balanced else rng.integers(1, 4, who.size)
    face = 60 + rng.normal(0, between, n)[who] + rng.normal(0, of_day, who.size)
    return pd.DataFrame(
        {
            "who": np.repeat(who, k),
            "day": np.repeat(when, k),
            "faceage": np.repeat(face, k) + rng.normal(0, of_photo, k.sum()),
        }
    )


def measured(data, **options):
    return fs.repeatability(data, **({"subject": "who", "day": "day"} | options))


def rows_of(result, **options):
    return check_table(result.tidy(**options)).set_index("estimand")


@pytest.mark.parametrize("case", reference_cases("repeatability"), ids=str)
def test_variances_match_lme4(case):
    data = pd.DataFrame({"who": case.subject, "faceage": case.value})
    if case.day is not None:
        data["day"] = case.day
    result = measured(data, day=None if case.day is None else "day")
    found = result.variances
    assert_allclose(found.theta, case.theta, rtol=R_RTOL)
    assert found.mean == pytest.approx(case.mean, rel=R_RTOL)
    assert found.deviance == pytest.approx(case.deviance, rel=R_RTOL)
    table = rows_of(result)
    assert table.loc["variance_between", "estimate"] == found.theta[0]
    assert table.loc["variance_error", "estimate"] == found.theta[2]
    icc = case.theta[0] / sum(case.theta)
    assert table.loc["icc", "estimate"] == pytest.approx(icc, rel=R_RTOL, abs=0)


def test_balanced_photos_give_the_analysis_of_variance():
    data = make_photos(1, n=30, balanced=True)
    y = data["faceage"].to_numpy().reshape(30, 2, 2)
    error = y.var(axis=2, ddof=1).mean()
    of_day = 2 * y.mean(axis=2).var(axis=1, ddof=1).mean()
    of_subject = 4 * y.mean(axis=(1, 2)).var(ddof=1)
    table = rows_of(measured(data))
    estimates = table["estimate"]
    assert estimates["variance_error"] == pytest.approx(error, rel=1e-8)
    assert estimates["variance_days"] == pytest.approx((of_day - error) / 2, rel=1e-8)
    assert estimates["variance_between"] == pytest.approx(
        (of_subject - of_day) / 4, rel=1e-8
    )
    total = (of_day + error) / 2
    assert estimates["error_sd"] == pytest.approx(np.sqrt(total), rel=1e-8)
    # Satterthwaite's, of a sum of two independent mean squares
    df = total**2 / ((of_day / 2) ** 2 / 30 + (error / 2) ** 2 / 60)
    assert table.loc["error_sd", "df"] == pytest.approx(df, rel=1e-7)
    coefficient = 1.959963984540054 * np.sqrt(2 * error)
    assert estimates["repeatability"] == pytest.approx(coefficient, rel=1e-8)


def test_the_error_has_exact_limits_whatever_the_balance():
    data = make_photos(2)
    of_day = data.groupby(["who", "day"])["faceage"]
    within = ((data["faceage"] - of_day.transform("mean")) ** 2).sum()
    df = len(data) - of_day.ngroups
    row = rows_of(measured(data)).loc["measurement_sd"]
    assert row["df"] == df
    limits = np.sqrt(within / chi2.isf([0.025, 0.975], df))
    assert_allclose(row[["conf_low", "conf_high"]].astype(float), limits, rtol=1e-10)


def test_an_icc_without_days_has_the_f_limits_of_searle():
    data = make_photos(3, n=25, balanced=True)
    y = data["faceage"].to_numpy().reshape(25, 4)
    ratio = 4 * y.mean(axis=1).var(ddof=1) / y.var(axis=1, ddof=1).mean()
    table = rows_of(measured(data, day=None), conf_level=0.9)
    for end, quantile in (
        ("conf_low", f.isf(0.05, 24, 75)),
        ("conf_high", f.ppf(0.05, 24, 75)),
    ):
        expected = (ratio / quantile - 1) / (ratio / quantile + 3)
        assert table.loc["icc", end] == pytest.approx(expected, rel=1e-9)


def test_profile_limits_stand_where_the_likelihood_has_fallen():
    """Twin: the profile from a grid of the other variances, written out densely."""
    result = measured(make_photos(4, n=12))
    found = result.variances
    low, high = found.days_limits(0.95)
    assert low < found.theta[1] < high
    wide_low, wide_high = found.days_limits(0.99)
    assert wide_low <= low
    assert high < wide_high
    others = np.exp(np.linspace(-1.2, 1.2, 161))
    from fahrstats.kernels.nested_variances import nested_deviance

    best = min(
        nested_deviance(
            found.means, np.array([found.theta[0] * a, high, found.theta[2] * b])
        )[0]
        for a in others
        for b in others
    )
    assert best - found.deviance == pytest.approx(chi2.ppf(0.95, 1), abs=2e-3)


def test_the_mixed_model_of_statsmodels_agrees_within_its_iteration():
    """It stops near 1e-4, and a thousand times later."""
    data = make_photos(5, n=60, balanced=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = mixedlm(
            "faceage ~ 1",
            data,
            groups="who",
            re_formula="1",
            vc_formula={"day": "0 + C(day)"},
        ).fit()
    theirs = [float(np.asarray(other.cov_re)[0, 0]), other.vcomp[0], other.scale]
    assert_allclose(measured(data).variances.theta, theirs, rtol=2e-3)


def test_days_that_do_not_differ_have_a_variance_of_zero():
    y = np.array([1.0, 3, 1, 3, 5, 7, 5, 7, 9, 12, 9, 12])
    data = pd.DataFrame(
        {"who": np.repeat([1, 2, 3], 4), "day": [0, 0, 1, 1] * 3, "faceage": y}
    )
    row = rows_of(measured(data)).loc["variance_days"]
    assert row["estimate"] == row["conf_low"] == 0
    assert row["conf_high"] > 0
    assert row["note"] == "0: days differ no more than the photos of a day"


def test_units_and_the_order_of_rows_change_nothing():
    data = make_photos(6, n=15)
    first = rows_of(measured(data))
    moved = data.assign(faceage=10 * data["faceage"] - 300).sample(
        frac=1, random_state=1
    )
    second = rows_of(measured(moved))
    factor = np.where(first.index.str.startswith("variance"), 100, 10)
    factor = np.where(first.index.str.startswith("icc"), 1, factor)
    for column in ("estimate", "conf_low", "conf_high"):
        assert_allclose(second[column], first[column] * factor, rtol=1e-6, atol=1e-9)


def test_a_single_photo_tells_how_much_subjects_differ():
    data = make_photos(7, n=15)
    alone = pd.DataFrame({"who": [98, 99], "day": 0, "faceage": [20.0, 100.0]})
    wider = measured(pd.concat([data, alone]))
    assert wider.variances.theta[0] > measured(data).variances.theta[0]
    assert wider.variances.within == pytest.approx(measured(data).variances.within)


def test_dates_are_days_and_the_time_of_day_does_not_count():
    data = make_photos(8, n=15)
    start = pd.Timestamp("2024-03-01 08:00")
    hours = pd.to_timedelta(np.arange(len(data)) % 9, "h")
    dated = data.assign(taken=start + pd.to_timedelta(data["day"], "D") + hours)
    by_day = measured(data.assign(day=data["day"] + 0.3)).tidy()
    pd.testing.assert_frame_equal(
        measured(dated, day=None, date="taken").tidy(), by_day
    )


def test_without_days_photos_are_of_one_day():
    data = make_photos(9)
    result = measured(data, day=None)
    table = rows_of(result)
    assert list(table.index) == [
        "variance_between",
        "variance_error",
        "measurement_sd",
        "repeatability",
        "icc",
    ]
    assert result.error_sd == table.loc["measurement_sd", "estimate"]
    assert result.error_df == table.loc["measurement_sd", "df"]
    assert "errors leave out what differs from day to day" in str(result)


def test_one_photo_a_day_tells_days_and_photos_together():
    data = make_photos(10).drop_duplicates(["who", "day"])
    result = measured(data)
    table = rows_of(result)
    missing = table.index[table["estimate"].isna()]
    assert list(missing) == [
        "variance_days",
        "variance_error",
        "measurement_sd",
        "repeatability",
        "icc_same_day",
    ]
    note = "not estimated: no subject has two photos of one day"
    assert set(table.loc[missing, "note"]) == {note}
    same = rows_of(measured(data, day=None))
    assert result.error_sd == same.loc["measurement_sd", "estimate"]
    assert table.loc["icc", "estimate"] == same.loc["icc", "estimate"]
    assert note in str(result)


def test_photos_of_one_day_tell_nothing_of_days():
    data = make_photos(11)
    data = data[data["day"] == 0]
    table = rows_of(measured(data))
    missing = table.index[table["estimate"].isna()]
    assert list(missing) == [
        "variance_between",
        "variance_days",
        "error_sd",
        "reproducibility",
        "icc",
    ]
    assert set(table.loc[missing, "note"]) == {
        "not estimated: no subject has photos of two days"
    }
    same = rows_of(measured(data, day=None))
    assert table.loc["icc_same_day", "estimate"] == same.loc["icc", "estimate"]


def test_the_error_of_a_photo_is_of_its_day_as_well():
    result = measured(make_photos(12))
    _, days, error = result.variances.theta
    assert result.error_sd == pytest.approx(np.sqrt(days + error), rel=1e-12)
    table = rows_of(result)
    assert result.error_df == table.loc["error_sd", "df"]
    assert result.error_df < len(make_photos(12))


def test_photos_that_are_years_apart_have_aged():
    data = make_photos(13)
    table = rows_of(measured(data.assign(day=data["day"] * 20)))
    note = "photos of a subject are up to 1200 days apart, so ageing is part of it"
    assert set(table.index[table["note"] == note]) == {
        "variance_days",
        "error_sd",
        "reproducibility",
    }


def test_each_level_has_a_model_of_its_own():
    data = make_photos(14)
    data["sex"] = np.where(data["who"] % 2, "F", "M")
    data.loc[data["who"] == 3, "sex"] = None
    data["rare"] = np.where(data["who"] == 5, "yes", "no")
    table = check_table(measured(data, by=["sex", "rare"]).tidy())
    women = table[table["level"] == "F"].drop(columns=["subgroup", "level"])
    alone = (
        measured(data[data["sex"] == "F"]).tidy().drop(columns=["subgroup", "level"])
    )
    pd.testing.assert_frame_equal(women.reset_index(drop=True), alone)
    assert set(table.loc[table["subgroup"] == "sex", "level"]) == {"F", "M", "missing"}
    rare = table[table["level"] == "yes"]
    assert rare["estimate"].isna().all()
    assert set(rare["note"]) == {"not estimated: photos of 1 subject, and 2 needed"}
    assert "sex, F:" in str(measured(data, by=["sex"]))


def test_photos_without_values_are_counted_and_data_stay_as_they_are():
    data = make_photos(15)
    data.loc[[0, 4], "faceage"] = np.nan
    data.loc[7, "day"] = np.nan
    before = data.copy()
    result = measured(data)
    pd.testing.assert_frame_equal(data, before)
    row = check_glance(result.glance()).loc[0]
    assert row["n_dropped"] == 3
    assert row["n"] == len(data) - 3
    assert "3 photos left out" in str(result)


def test_the_figure_names_errors_and_levels():
    data = make_photos(16)
    data["sex"] = np.where(data["who"] % 2, "F", "M")
    with drawn(measured(data, by=["sex"]).plot()) as figure:
        shown = words(figure)
        assert {"F", "M", "overall"} <= set(shown)
        assert any("SD of photos of different days (95% CI)" in text for text in shown)
        assert texts_outside(figure) == []


def test_twenty_thousand_photos_take_a_moment():
    data = make_photos(17, n=5000)
    assert len(data) > 19_000
    table = rows_of(measured(data))
    assert table.loc["measurement_sd", "estimate"] == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"subject": "nil"}, "`data` has no column `nil`"),
        ({}, {"date": "day"}, "Give `date` or `day`, not both"),
        ({}, {"predicted": "text"}, "`text` must hold numbers"),
        ({}, {"by": "text"}, "`by` is the text `text`; give a list"),
        ({}, {"by": ["nil"]}, "`data` has no column `nil`"),
        ({}, {"by": ["odd"]}, "`odd` has several levels in 15 of 15 subjects"),
        ({"who": None}, {}, "`who` is missing in 60 of 60 rows"),
        ({"who": 1}, {}, "error: photos of 1 subject, and 2 needed; give several"),
        ({"faceage": np.nan}, {}, "error: photos of 0 subjects, and 2 needed"),
        ({"who": range(60)}, {}, "`faceage` tells no .* no subject has two photos"),
        ({"faceage": 60.1}, {}, "repeated photos have the very same value, as copies"),
    ],
)
def test_bad_requests_are_refused(change, options, message):
    data = make_photos(18, n=15, balanced=True)
    data = data.assign(text="a", odd=np.tile(["x", "y"], 30)).assign(**change)
    with pytest.raises(DataError, match=message):
        measured(data, **options)


def test_a_level_of_confidence_is_between_0_and_1():
    with pytest.raises(DataError, match="`conf_level` is 1; give a number between"):
        measured(make_photos(19, n=15)).tidy(conf_level=1)


@pytest.mark.slow
def test_limits_cover_the_truth():
    """200 unbalanced data sets; three standard errors of 95% are 4.6 points."""
    truth = {
        "variance_between": 64,
        "variance_days": 2.25,
        "measurement_sd": 2,
        "error_sd": 2.5,
        "icc_same_day": 66.25 / 70.25,
        "icc": 64 / 70.25,
    }
    tables = [rows_of(measured(make_photos([20, seed]))) for seed in range(200)]
    for estimand, value in truth.items():
        rows = pd.DataFrame([table.loc[estimand] for table in tables])
        covered = (rows["conf_low"] <= value) & (value <= rows["conf_high"])
        assert 0.904 <= covered.mean() <= 0.996, estimand

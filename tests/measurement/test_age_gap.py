"""Gaps between predicted and actual age: algebra, borders, references, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from scipy.stats import ttest_1samp
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

EXACT = 1e-10  # linear algebra alone separates the two models


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(11)
    age = rng.uniform(30, 85, 300)
    return pd.DataFrame(
        {
            "age": age,
            "faceage": 12 + 0.8 * age + rng.normal(0, 6, 300),
            "healthy": rng.random(300) < 0.5,
            "sex": rng.choice(["man", "woman"], 300),
        }
    )


def test_predicted_age_and_gap_are_one_covariate_beside_linear_age(cohort):
    follow_up = simulate(12, 300)[["time", "event", "site"]]
    data = fs.gap(cohort).augment(cohort.join(follow_up))
    face, gap = (
        fs.cox(f"Surv(time, event) ~ {name} + age + C(site)", data)
        for name in ("faceage", "gap")
    )
    assert gap.log_hr[0] == pytest.approx(face.log_hr[0], rel=EXACT)
    assert np.sqrt(gap.cov[0, 0]) == pytest.approx(np.sqrt(face.cov[0, 0]), rel=EXACT)
    assert gap.log_likelihood == pytest.approx(face.log_likelihood, rel=EXACT)
    assert gap.c_index == pytest.approx(face.c_index, rel=EXACT)
    assert gap.log_hr[1] - face.log_hr[1] == pytest.approx(face.log_hr[0], rel=1e-8)


def test_without_age_they_differ(cohort):
    follow_up = simulate(12, 300)[["time", "event"]]
    data = fs.gap(cohort).augment(cohort.join(follow_up))
    face, gap = (
        fs.cox(f"Surv(time, event) ~ {name}", data) for name in ("faceage", "gap")
    )
    assert abs(face.log_likelihood - gap.log_likelihood) > 1e-3


def test_gaps_are_years_residuals_and_standard_deviations(cohort):
    ours = fs.gap(cohort, reference="healthy").augment(cohort)
    raw = cohort["faceage"] - cohort["age"]
    pd.testing.assert_series_equal(ours["gap"], raw, check_names=False)
    healthy = cohort[cohort["healthy"]]
    slope, intercept = np.polyfit(healthy["age"], healthy["faceage"], 1)
    expected = cohort["faceage"] - intercept - slope * cohort["age"]
    np.testing.assert_allclose(ours["residual_gap"], expected, rtol=1e-9, atol=1e-10)
    assert ours.loc[cohort["healthy"], "residual_gap"].mean() == pytest.approx(
        0, abs=1e-12
    )
    of_reference = raw[cohort["healthy"]]
    z = (raw - of_reference.mean()) / of_reference.std()
    np.testing.assert_allclose(ours["sd_gap"], z, rtol=1e-12)


def test_standard_deviations_may_be_of_each_sex(cohort):
    ours = fs.gap(cohort, sd_by="sex").augment(cohort)
    by_sex = ours.groupby("sex")["sd_gap"]
    np.testing.assert_allclose(by_sex.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(by_sex.std(), 1, rtol=1e-12)


def test_a_spline_follows_a_bend_and_leaves_nothing_of_it(cohort):
    bent = cohort.assign(faceage=cohort["age"] + 0.02 * (cohort["age"] - 55) ** 2)
    line, spline = (
        fs.gap(bent.assign(all=True), reference="all", curve=curve).reference
        for curve in ("linear", "rcs")
    )
    assert spline.residual_sd < 0.1 * line.residual_sd
    assert len(spline.knots) == 4
    terms = ["intercept", "age", "age bend 1", "age bend 2"]
    assert list(spline.tidy()["term"][:4]) == terms


@pytest.mark.parametrize(
    ("face", "group"),
    [
        (65.1, "at least 10 years older"),
        (65.0999, "between"),
        (50.1, "at least 5 years younger"),
        (50.1001, "between"),
        (55.1, "between"),
    ],
)
def test_a_gap_on_a_border_belongs_to_the_outer_group(cohort, face, group):
    """65.1 - 55.1 is 9.999999999999993 in binary, and still ten years."""
    data = cohort.assign(age=np.append(cohort["age"][1:], 55.1))
    data.loc[299, "faceage"] = face
    assert fs.gap(data).augment(data).loc[299, "gap_group"] == group


def test_groups_are_ordered_and_their_borders_arguments(cohort):
    found = fs.gap(cohort, older=8, younger=2.5).augment(cohort)["gap_group"]
    assert list(found.cat.categories) == [
        "at least 2.5 years younger",
        "between",
        "at least 8 years older",
    ]
    assert found.cat.ordered
    raw = cohort["faceage"] - cohort["age"]
    assert (found == "at least 8 years older").sum() == (raw >= 8).sum()


def test_the_table_has_mean_sd_and_n_of_every_group(cohort):
    result = fs.gap(cohort, reference="healthy", sd_by="sex")
    table = check_table(result.tidy())
    raw = cohort["faceage"] - cohort["age"]
    older = table[
        (table["variable"] == "gap") & (table["group"] == "at least 10 years older")
    ].set_index("estimand")
    assert older.loc["mean", "estimate"] == pytest.approx(raw[raw >= 10].mean())
    assert older.loc["sd", "estimate"] == pytest.approx(raw[raw >= 10].std())
    assert older.loc["mean", "n"] == (raw >= 10).sum()
    check_table(result.reference.tidy())
    assert check_glance(result.glance()).loc[0, "origin"].startswith("`healthy`, n = ")


def test_the_interval_of_a_mean_is_students(cohort):
    table = fs.gap(cohort).tidy(conf_level=0.9)
    mean = table[(table["variable"] == "gap") & (table["estimand"] == "mean")].iloc[0]
    raw = cohort["faceage"] - cohort["age"]
    low, high = ttest_1samp(raw, 0).confidence_interval(0.9)
    assert (mean["conf_low"], mean["conf_high"]) == pytest.approx((low, high))


def test_a_reference_serves_another_cohort(cohort):
    first, second = cohort.iloc[:200], cohort.iloc[200:]
    learned = fs.gap(first, reference="healthy", sd_by="sex", curve="rcs")
    carried = fs.gap(second, reference=learned.reference)
    pd.testing.assert_frame_equal(carried.augment(second), learned.augment(second))
    renamed = second.rename(columns={"faceage": "face", "age": "years"})
    theirs = fs.gap(
        renamed, predicted="face", age="years", reference=learned.reference
    ).augment(renamed)
    np.testing.assert_array_equal(theirs["sd_gap"], learned.augment(second)["sd_gap"])


def test_without_a_reference_group_there_is_no_residual_gap(cohort):
    result = fs.gap(cohort)
    assert result.augment(cohort)["residual_gap"].isna().all()
    table = result.tidy()
    notes = table.loc[table["variable"] == "residual_gap", "note"]
    assert set(notes) == {"no reference group was named"}
    assert "reference: all rows, n = 300" in str(result)


def test_rows_without_an_age_have_no_gap_and_are_counted(cohort):
    data = cohort.copy()
    data.loc[:4, "age"] = np.nan
    data.loc[5, "faceage"] = np.nan
    data.loc[6, "sex"] = None
    result = fs.gap(data, sd_by="sex")
    assert (result.n, result.n_dropped) == (294, 6)
    ours = result.augment(data)
    assert ours.loc[:5, ["gap", "sd_gap", "gap_group"]].isna().all(None)
    assert np.isfinite(ours.loc[6, "gap"])
    assert np.isnan(ours.loc[6, "sd_gap"])


def test_an_empty_group_keeps_its_rows(cohort):
    result = fs.gap(cohort, older=60)
    table = check_table(result.tidy())
    assert set(table.loc[table["group"] == "at least 60 years older", "n"]) == {0}
    with drawn(result.plot()) as figure:
        assert "at least 60 years older" not in words(figure)


def test_the_figure_names_the_gap_and_its_groups(cohort):
    with drawn(fs.gap(cohort, reference="healthy").plot()) as figure:
        assert "faceage minus age, years" in words(figure)
        assert "at least 5 years younger" in words(figure)
        assert texts_outside(figure) == []


def test_the_summary_tells_reference_and_groups(cohort):
    text = str(fs.gap(cohort, reference="healthy"))
    assert "linear regression on age, residual SD " in text
    assert "sd gap, at least 10 years older: n = " in text


def test_data_are_not_modified(cohort):
    before = cohort.copy()
    fs.gap(cohort, reference="healthy").augment(cohort)
    pd.testing.assert_frame_equal(cohort, before)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"predicted": "nil"}, "`data` has no column `nil`"),
        ({}, {"predicted": "age"}, "`predicted` and `age` are both `age`"),
        ({}, {"predicted": "sex"}, "`sex` must hold ages in years"),
        ({"age": -3.0}, {}, "`age` is negative or infinite in 300 of 300 rows"),
        ({"faceage": np.inf}, {}, "`faceage` is negative or infinite in 300"),
        ({}, {"older": -10}, "`older` is -10; give a positive number of years"),
        ({}, {"younger": np.nan}, "`younger` is nan; give a positive number"),
        ({}, {"curve": "loess"}, "`curve` is 'loess'; choose one of"),
        ({}, {"reference": "nil"}, "`data` has no column `nil`"),
        ({}, {"reference": "sex"}, "`sex` must be boolean or 0/1 to mark"),
        ({"healthy": None}, {"reference": "healthy"}, "`healthy` is missing in 300"),
        ({"healthy": False}, {"reference": "healthy"}, "0 rows of `healthy` have both"),
        ({"age": np.nan}, {}, "0 rows of all rows have both ages"),
        (
            {"age": 60.0},
            {"reference": "healthy"},
            r"`age` is 60 in all \d+ rows of `healthy`; a regression on age",
        ),
        ({"age": 50.0, "faceage": 60.0}, {}, "The gap does not vary among the 300"),
        ({}, {"sd_by": "nil"}, "`data` has no column `nil`"),
    ],
)
def test_bad_requests_are_refused(cohort, change, options, message):
    with pytest.raises(DataError, match=message):
        fs.gap(cohort.assign(**change), **options)


def test_a_reference_that_does_not_fit_is_refused(cohort):
    learned = fs.gap(cohort[cohort["sex"] == "man"], sd_by="sex").reference
    with pytest.raises(DataError, match=r"levels without a standard .* \(`woman`\)"):
        fs.gap(cohort, reference=learned)
    with pytest.raises(DataError, match="the reference given has the standard"):
        fs.gap(cohort, reference=learned, sd_by="healthy")
    with pytest.raises(DataError, match='`curve` is "rcs", but the reference given is'):
        fs.gap(cohort, reference=learned, curve="rcs")


def test_a_level_of_confidence_is_between_0_and_1(cohort):
    with pytest.raises(DataError, match="`conf_level` is 95"):
        fs.gap(cohort).tidy(conf_level=95)


def test_arguments_of_the_wrong_kind_are_refused():
    with pytest.raises(
        DataError, match="`older` is x; give a positive number of years"
    ):
        fs.gap(pd.DataFrame(), older="x")
    with pytest.raises(DataError, match="`data` is a list; give a pandas data frame"):
        fs.gap([1])

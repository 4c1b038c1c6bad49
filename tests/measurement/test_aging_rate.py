"""Face aging rates: widest pairs, classes, measurement error, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError


@pytest.fixture
def photos():
    """Five subjects: three photos, two, one, two on one day, two far apart."""
    return pd.DataFrame(
        {
            "who": ["a", "a", "a", "b", "b", "c", "d", "d", "e", "e"],
            "day": [0, 200, 1461, 10, 20, 5, 7, 7, 0, 3000],
            "faceage": [60, 50, 63, 70, 69, 40, 55, 57, 30, 41],
        }
    )


@pytest.fixture(scope="module")
def cohort():
    """Everyone ages a year per year; each photo errs by 3 years."""
    rng = np.random.default_rng(5)
    start, days = rng.uniform(40, 70, 300), rng.integers(10, 1461, 300)
    first = pd.DataFrame({"who": range(300), "day": 0.0, "age": start})
    last = first.assign(day=days, age=start + days / 365.25)
    photos = pd.concat([first, last], ignore_index=True)
    return photos.assign(faceage=photos["age"] + rng.normal(0, 3, 600))


def rates(data, **options):
    return fs.face_aging_rate(data, **({"subject": "who", "day": "day"} | options))


def test_the_widest_pair_of_a_subject_counts(photos):
    ours = rates(photos)
    table = ours.subjects().set_index("who")
    assert list(table.index) == ["a", "b", "e"]
    assert table.loc["a", ["first_predicted", "last_predicted"]].tolist() == [60, 63]
    assert table.loc["a", "rate"] == pytest.approx(0.75, rel=1e-12)
    assert table.loc["b", "rate"] == pytest.approx(-36.525, rel=1e-12)
    assert (ours.n, ours.n_single, ours.n_same_day) == (3, 1, 1)


def test_intervals_have_classes_and_outsiders_are_kept(photos):
    table = rates(photos).subjects().set_index("who")
    assert table["interval_class"].astype(object).tolist() == [
        np.nan,
        "10 to 365 days",
        np.nan,
    ]
    wider = rates(photos, classes=[(10, 365), (366, 4000)]).subjects()
    assert list(wider["interval_class"].cat.codes) == [1, 0, 1]
    tidy = rates(photos).tidy()
    assert set(tidy.loc[tidy["group"] == "outside the classes", "n"]) == {2}


def test_dates_give_the_days_between_them(photos):
    start = pd.Timestamp("2019-02-27 23:30")
    dated = photos.assign(taken=start + pd.to_timedelta(photos["day"], "D"))
    by_day = rates(photos).subjects()
    by_date = rates(dated, day=None, date="taken").subjects()
    text = dated.assign(taken=dated["taken"].dt.strftime("%Y-%m-%d"))
    by_text = rates(text, day=None, date="taken").subjects()
    assert by_date["first_day"].iloc[0] == pd.Timestamp("2019-02-27")
    pd.testing.assert_frame_equal(by_date, by_text)
    np.testing.assert_array_equal(by_date["rate"], by_day["rate"])


def test_text_has_the_day_that_it_names_whatever_the_zone(photos):
    """Summer time between two photos makes two zones of one column."""
    start = pd.Timestamp("2019-02-27")
    days = (start + pd.to_timedelta(photos["day"], "D")).dt.strftime("%Y-%m-%d")
    zones = np.where(photos["day"] > 100, "T23:30:00+02:00", "T00:15:00+01:00")
    by_text = rates(photos.assign(taken=days + zones), day=None, date="taken")
    by_day = rates(photos)
    np.testing.assert_array_equal(by_text.subjects()["rate"], by_day.subjects()["rate"])


def test_the_hour_makes_no_other_day(photos):
    """Nor does it leave an interval between two classes, such as 365.5 days."""
    hours = np.linspace(0, 0.9, len(photos))
    pd.testing.assert_frame_equal(
        rates(photos.assign(day=photos["day"] + hours)).subjects(),
        rates(photos).subjects(),
    )


def test_rates_that_are_all_the_same_are_error_to_their_last_part():
    data = pd.DataFrame(
        {"who": [1, 1, 2, 2], "day": [0, 365, 0, 365], "faceage": [50, 51, 60, 61]}
    )
    table = rates(data, measurement_sd=2.0).tidy()
    rows = table[(table["group"] == "overall") & (table["variable"] == "rate")]
    assert rows.set_index("estimand").loc["true_sd", "estimate"] == 0
    assert rows["note"].str.contains("100% of the variance").any()


def test_rows_in_another_order_change_nothing(photos):
    shuffled = photos.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(rates(photos).subjects(), rates(shuffled).subjects())


def test_the_error_of_a_rate_is_that_of_two_photos_over_the_interval(photos):
    table = rates(photos, measurement_sd=2.0).subjects().set_index("who")
    assert table.loc["a", "rate_std_error"] == pytest.approx(np.sqrt(2) * 2 / 4)
    assert rates(photos).subjects()["rate_std_error"].isna().all()


def test_a_rate_has_limits_on_the_degrees_of_freedom_of_the_error(photos):
    known = rates(photos, measurement_sd=2.0).subjects().iloc[0]
    half = 1.959963984540054 * 2 * np.sqrt(2) / 4  # four years apart
    assert known["rate_conf_low"] == pytest.approx(0.75 - half, rel=1e-12)
    assert known["rate_conf_high"] == pytest.approx(0.75 + half, rel=1e-12)
    result = rates(photos, measurement_sd=(2.0, 5))
    estimated = result.subjects(conf_level=0.9).iloc[0]
    half = 2.015048373 * 2 * np.sqrt(2) / 4
    assert estimated["rate_conf_high"] == pytest.approx(0.75 + half, rel=1e-9)
    assert rates(photos).subjects()["rate_conf_low"].isna().all()


def test_the_error_of_repeated_photos_is_taken_over_with_its_days(cohort):
    """Two photos of a rate are of two days: both variances count."""
    rng = np.random.default_rng(8)
    face, of_day = rng.normal(60, 8, 50), rng.normal(0, 2, (50, 3))
    values = face[:, None, None] + of_day[:, :, None] + rng.normal(size=(50, 3, 2))
    repeated = pd.DataFrame(
        {
            "who": np.repeat(range(50), 6),
            "day": np.tile([0, 0, 7, 7, 9, 9], 50),
            "faceage": values.ravel(),
        }
    )
    error = fs.repeatability(repeated, subject="who", day="day")
    result = rates(cohort, measurement_sd=error)
    assert result.measurement_sd == error.error_sd
    assert result.measurement_df == error.error_df
    table = error.tidy().set_index("estimand")["estimate"]
    assert result.measurement_sd**2 == pytest.approx(
        table["variance_days"] + table["variance_error"], rel=1e-12
    )
    assert result.measurement_sd > 1.8 * table["measurement_sd"]


def test_what_error_leaves_of_the_spread_is_told_by_class(cohort):
    spread = cohort.copy()
    steps = np.random.default_rng(6).normal(0, 2, 300) * spread["day"][300:] / 365.25
    spread.loc[300:, "faceage"] += steps.to_numpy()
    table = check_table(rates(spread, measurement_sd=(3.0, 200)).tidy())
    rows = table[table["variable"] == "rate"].set_index(["group", "estimand"])
    long = rows.loc["731 to 1460 days"]
    assert long.loc["true_sd", "conf_low"] < 2 < long.loc["true_sd", "conf_high"]
    error, true = long.loc["error_sd", "estimate"], long.loc["true_sd", "estimate"]
    share = true**2 / (true**2 + error**2)
    assert long.loc["reliability", "estimate"] == pytest.approx(share, rel=1e-12)
    assert long.loc["error_sd", "conf_low"] < error < long.loc["error_sd", "conf_high"]
    short = rows.loc["10 to 365 days"]
    assert short.loc["reliability", "estimate"] < 0.1 < share
    text = str(rates(spread, measurement_sd=3.0))
    assert "SD of true rates " in text
    assert "% of the variance is not error" in text
    assert "true rates" not in str(rates(spread))


def test_one_rate_has_no_spread(photos):
    table = rates(photos, measurement_sd=1.0).tidy()
    short = table[(table["group"] == "10 to 365 days") & (table["variable"] == "rate")]
    assert set(short["n"]) == {1}
    assert {"true_sd", "reliability"}.isdisjoint(short["estimand"])


def test_short_intervals_are_said_to_be_noise(cohort):
    result = rates(cohort, measurement_sd=3.0)
    table = check_table(result.tidy())
    short = table[
        (table["group"] == "10 to 365 days") & (table["variable"] == "rate")
    ].set_index("estimand")
    share = (short.loc["error_sd", "estimate"] / short.loc["sd", "estimate"]) ** 2
    assert share > 0.5
    assert short["note"].str.startswith("measurement error alone gives an SD of ").all()
    intervals = table[table["variable"] == "interval_days"]
    assert set(intervals["note"]) == {""}
    quiet = rates(cohort, measurement_sd=0.01).tidy()
    assert set(quiet["note"]) == {""}
    assert "error_sd" not in set(rates(cohort).tidy()["estimand"])


def test_expected_and_observed_spread_agree(cohort):
    """All variance is error here: its expectation is met within sampling."""
    table = rates(cohort, measurement_sd=3.0).tidy()
    rows = table[table["variable"] == "rate"].set_index(["group", "estimand"])
    for group in ("366 to 730 days", "731 to 1460 days"):
        expected = rows.loc[(group, "error_sd"), "estimate"]
        assert rows.loc[(group, "sd"), "estimate"] == pytest.approx(expected, rel=0.2)
        mean = rows.loc[(group, "mean")]
        assert mean["conf_low"] < 1 < mean["conf_high"]


def test_photos_without_values_are_counted(photos):
    photos.loc[0, "faceage"] = np.nan
    photos.loc[3, "day"] = np.nan
    ours = rates(photos)
    assert ours.n_dropped == 2
    assert check_glance(ours.glance()).loc[0, "n_dropped"] == 2
    assert ours.subjects().set_index("who").loc["a", "first_day"] == 200
    assert ours.n_single == 2


def test_the_figure_and_the_summary_tell_the_classes(cohort):
    result = rates(cohort, measurement_sd=3.0)
    text = str(result)
    assert "Face aging rate of 300 subjects, years per year" in text
    assert "without a rate: 0 with one photo, 0 with photos of one day only" in text
    assert "  10 to 365 days: n = " in text
    with drawn(result.plot()) as figure:
        assert "Face aging rate, years per year" in words(figure)
        assert texts_outside(figure) == []


def test_an_empty_class_keeps_its_rows(photos):
    table = check_table(rates(photos, measurement_sd=1.0).tidy())
    assert set(table.loc[table["group"] == "366 to 730 days", "n"]) == {0}
    with drawn(rates(photos).plot()) as figure:
        assert "366 to 730 days" not in words(figure)


def test_data_are_not_modified(photos):
    before = photos.copy()
    rates(photos).subjects()["rate"] = 0
    pd.testing.assert_frame_equal(photos, before)


def test_dates_that_run_against_the_photos_are_refused_never_swapped(photos):
    numbered = photos.assign(photo=[1, 2, 3, 2, 1, 1, 1, 2, 1, 2])
    with pytest.raises(DataError, match="`day` goes back from one `photo` to the next"):
        rates(numbered, photo="photo")
    in_order = photos.assign(photo=[1, 2, 3, 1, 2, 1, 1, 2, 1, 2])
    assert rates(in_order, photo="photo").n == 3
    dated = numbered.assign(
        taken=pd.Timestamp("2020") + pd.to_timedelta(photos.day, "D")
    )
    with pytest.raises(DataError, match="`taken` goes back from one `photo`"):
        rates(dated, day=None, date="taken", photo="photo")
    twice = photos.assign(photo=1)
    with pytest.raises(DataError, match="`photo` repeats within a `who` in 5 rows"):
        rates(twice, photo="photo")
    some = in_order.assign(photo=in_order["photo"].where(in_order["who"] != "a"))
    with pytest.raises(DataError, match="`photo` is missing in 3 usable rows"):
        rates(some, photo="photo")


def test_two_photos_on_the_day_of_an_end_are_refused(photos):
    twice = pd.concat([photos, photos.iloc[[2]].assign(faceage=80)])
    with pytest.raises(DataError, match="1 photos share the first or last day"):
        rates(twice)
    between = pd.concat([photos, photos.iloc[[1]].assign(faceage=80)])
    assert rates(between).n == 3


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"subject": "nil"}, "`data` has no column `nil`"),
        ({}, {"predicted": "who"}, "`who` must hold numbers"),
        ({}, {"day": None}, "Give either `date` or `day`"),
        ({}, {"date": "day"}, "Give either `date` or `day`"),
        ({}, {"day": None, "date": "day"}, "`day` holds numbers; give dates"),
        ({"who": None}, {}, "`who` is missing in 10 of 10 rows; say whose photo"),
        ({"faceage": np.inf}, {}, "`faceage` is infinite in 10 of 10 rows"),
        (
            {"taken": "31/12/2019"},
            {"day": None, "date": "taken"},
            "`taken` cannot be read as a date in 10 of 10 rows; write year",
        ),
        (
            {"taken": "2019-12"},  # a month is no day
            {"day": None, "date": "taken"},
            "`taken` cannot be read as a date in 10 of 10 rows; write year",
        ),
        ({"day": 4}, {}, "No `who` of 5 has photos on two days"),
        ({}, {"measurement_sd": -1}, "`measurement_sd` is -1; give a positive"),
        ({}, {"classes": []}, r"`classes` is \[\]; give pairs of positive"),
        ({}, {"classes": [(10, 365), (300, 700)]}, "that ascend without overlap"),
        ({}, {"classes": [(0, 365)]}, "give pairs of positive"),
        ({}, {"classes": [(365, 10)]}, "each from low to high"),
    ],
)
def test_bad_requests_are_refused(photos, change, options, message):
    with pytest.raises(DataError, match=message):
        rates(photos.assign(**change), **options)


def test_a_level_of_confidence_is_between_0_and_1(photos):
    with pytest.raises(DataError, match="`conf_level` is 0"):
        rates(photos).tidy(conf_level=0)
    with pytest.raises(DataError, match="`conf_level` is 1"):
        rates(photos).subjects(conf_level=1)


@pytest.mark.parametrize("classes", ["x", [10, 20], [(1, 2, 3)], None])
def test_classes_are_pairs_of_numbers(classes):
    photos = pd.DataFrame({"subject": [1, 1], "day": [0, 100], "faceage": [60, 61.0]})
    with pytest.raises(DataError, match=r"`classes` is .*; give pairs of positive"):
        fs.face_aging_rate(photos, subject="subject", day="day", classes=classes)
    with pytest.raises(DataError, match="`measurement_sd` is x; give a positive"):
        fs.face_aging_rate(photos, subject="subject", day="day", measurement_sd="x")
    with pytest.raises(DataError, match="None of the 0 rows of `data` has a predicted"):
        fs.face_aging_rate(photos.iloc[:0], subject="subject", day="day")


@pytest.mark.slow
def test_limits_of_rates_and_of_their_spread_cover_the_truth():
    """200 data sets of 60; three standard errors of 95% are 4.6 points."""
    rng, hits = np.random.default_rng(20240607), []
    for _ in range(200):
        days, true = rng.integers(366, 1461, 60), rng.normal(1, 0.8, 60)
        years, error = days / 365.25, rng.normal(0, 1, (2, 60))
        data = pd.DataFrame(
            {
                "who": np.tile(range(60), 2),
                "day": np.append(np.zeros(60), days),
                "faceage": np.append(60 + error[0], 60 + years * true + error[1]),
            }
        )
        sd = np.sqrt(rng.chisquare(40) / 40)
        result = rates(data, measurement_sd=(sd, 40))
        subjects, table = result.subjects(), result.tidy()
        rows = table[(table["group"] == "overall") & (table["variable"] == "rate")]
        rows = rows.set_index("estimand")
        noise = np.mean(2 / years**2)
        truth = {"true_sd": 0.8, "reliability": 0.64 / (0.64 + noise), "mean": 1}
        inside = subjects["rate_conf_low"].le(true) & subjects["rate_conf_high"].ge(
            true
        )
        found = {"rate": inside.mean()}
        for estimand, value in truth.items():
            row = rows.loc[estimand]
            found[estimand] = row["conf_low"] <= value <= row["conf_high"]
        hits.append(found)
    coverage = pd.DataFrame(hits).astype(float).mean()
    assert coverage.between(0.904, 0.996).all()
    assert coverage["rate"] == pytest.approx(0.95, abs=0.01)

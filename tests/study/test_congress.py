"""Dates of the congress study, on people made up so that every answer is known."""

from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.study.examples import example_file
from fahrstats.study.script import run_script

FOLLOW_UP = 3472
"""Days from 1 May 2015 to 1 November 2024: nine years with 3 leap days, and 184."""

BASE = {
    "birth_date": "1950-05-01",
    "first_congress": 108.0,  # from 3 January 2003
    "last_congress": 115.0,  # to 3 January 2019
    "death_date": None,
    "death_precision": None,
    "exif_datetime": None,
}


@pytest.fixture
def prepared():
    """Return what the script of the study makes of people who differ as told."""

    def of(*people):
        rows = [{**BASE, **person} for person in people]
        return run_script(example_file("congress").with_name("prepare.py"), table(rows))

    return of


def table(rows):
    return pd.DataFrame(rows, index=range(len(rows))).astype(
        dict.fromkeys(("death_date", "death_precision", "exif_datetime"), object)
    )


def days(row):
    return row[["days_earliest", "days", "days_latest"]].tolist()


def test_whoever_lives_is_followed_to_the_last_day_known(prepared):
    row = prepared({}).iloc[0]
    assert days(row) == [FOLLOW_UP] * 3
    assert (row["died"], row["left_out"]) == (0, "")
    assert row["age"] == pytest.approx(65, abs=0.002)


@pytest.mark.parametrize(
    ("date", "precision", "expected"),
    [
        ("2016-05-01", "day", [366, 366, 366]),
        ("2024-10-31", "day", [FOLLOW_UP - 1] * 3),
        # The whole of 2016: 1 January is day 245, 31 December is day 610.
        ("2016", "year", [245, 427.5, 610]),
        # 2015 from the landmark on.
        ("2015", "year", [0, 122, 244]),
        # 2024 up to the last day known; 1 January is day 3167.
        ("2024", "year", [3167, (3167 + FOLLOW_UP) / 2, FOLLOW_UP]),
    ],
)
def test_a_death_lies_within_what_is_known_of_it(prepared, date, precision, expected):
    row = prepared({"death_date": date, "death_precision": precision}).iloc[0]
    assert days(row) == expected
    assert (row["died"], row["left_out"]) == (1, "")


@pytest.mark.parametrize(
    ("date", "precision"), [("2015-04-30", "day"), ("2014", "year"), ("2009", "year")]
)
def test_whoever_died_before_the_landmark_does_not_enter(prepared, date, precision):
    row = prepared({"death_date": date, "death_precision": precision}).iloc[0]
    assert row["left_out"] == "died before 1 May 2015"
    assert row[["died", "days", "days_earliest", "days_latest"]].isna().all()


def test_a_death_on_the_landmark_enters(prepared):
    row = prepared({"death_date": "2015-05-01", "death_precision": "day"}).iloc[0]
    assert (row["left_out"], row["died"], row["days"]) == ("", 1, 0)


def test_a_date_within_the_years_served_is_that_of_the_photo(prepared):
    row = prepared({"exif_datetime": "2005:05:01 12:00:00"}).iloc[0]
    assert row["photo_age"] == pytest.approx(55, abs=0.003)
    assert pd.isna(row["photo_age_range"])


def test_members_elect_may_sit_before_they_take_the_oath(prepared):
    people = prepared(
        {"exif_datetime": "2002:11:01 00:00:00"},
        {"exif_datetime": "2002:10:31 23:59:59"},
    )
    assert people["photo_age"].notna().tolist() == [True, False]


WHOLE = (pd.Timestamp("2015-04-29") - pd.Timestamp("2002-11-01")).days / 365.25


@pytest.mark.parametrize("date", ["2001:01:01 09:00:00", "2015:04:30 09:00:00", None])
def test_a_date_outside_of_them_says_nothing(prepared, date):
    row = prepared({"exif_datetime": date}).iloc[0]
    assert pd.isna(row["photo_age"])
    assert row["photo_age_range"] == pytest.approx(WHOLE)


def test_the_range_ends_with_the_years_served_where_these_ended_before(prepared):
    row = prepared({"last_congress": 110.0}).iloc[0]  # to 3 January 2009
    served = pd.Timestamp("2009-01-03") - pd.Timestamp("2002-11-01")
    assert row["photo_age_range"] == pytest.approx(served.days / 365.25)


def test_files_of_one_minute_were_edited_together_and_bound_the_date_above(prepared):
    people = prepared(
        {"exif_datetime": "2008:11:18 01:08:43"},
        {"exif_datetime": "2008:11:18 01:08:02"},
        {"exif_datetime": "2008:11:18 01:09:00"},
    )
    assert people["photo_age"].notna().tolist() == [False, False, True]
    edited = pd.Timestamp("2008-11-18 01:08:43") - pd.Timestamp("2002-11-01")
    expected = edited / pd.Timedelta(days=365.25)
    assert people["photo_age_range"][0] == pytest.approx(expected)


def test_a_date_that_is_impossible_for_one_does_not_spoil_that_of_another(prepared):
    people = prepared(
        {"exif_datetime": "2005:05:01 12:00:01"},
        {"exif_datetime": "2005:05:01 12:00:02", "first_congress": 112.0},
    )
    assert people["photo_age"].notna().tolist() == [True, False]

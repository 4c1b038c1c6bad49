"""Ages: bounds of exact, binned and counted ones, and their bins."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.training.faces.label_ages import OLDEST, bins_of, known_ages

NAN, INF = np.nan, np.inf


def bounds(**columns):
    low, high = known_ages(pd.DataFrame(columns))
    return list(zip(low.tolist(), high.tolist(), strict=True))


def test_each_way_of_knowing_an_age_has_its_bounds():
    assert bounds(age=["31.5", "0", "125"]) == [(31.5, 31.5), (0, 0), (125, 125)]
    assert bounds(age_low=["70", "70", "0"], age_high=["", "inf", "3"]) == [
        (70, INF),
        (70, INF),
        (0, 3),
    ]
    # born and photographed in a year: not a year old; in the next: up to two
    assert bounds(birth_year=[2000, 2000], photo_year=[2000, 2001]) == [(0, 1), (0, 2)]
    assert bounds(birth_year=[1960], photo_year=[2001]) == [(40, 42)]


def test_what_is_known_in_two_ways_is_both():
    years = {"birth_year": [1960], "photo_year": [2001]}
    assert bounds(age_low=[41], age_high=[50], **years) == [(41, 42)]
    assert bounds(age=[41.5], age_low=[40], age_high=[50], **years) == [(41.5, 41.5)]


def test_an_age_that_is_not_known_is_missing():
    missing = bounds(
        age=["", "NA", ""],
        age_low=["", "", "10"],
        age_high=["", "", "20"],
        birth_year=["", "1960", ""],
        photo_year=["2001", "", ""],
    )
    np.testing.assert_array_equal(missing, [(NAN, NAN), (NAN, NAN), (10, 20)])
    np.testing.assert_array_equal(bounds(photo=["a"]), [(NAN, NAN)])


@given(
    born=st.dates(date(1900, 1, 1), date(2020, 12, 31)),
    taken=st.dates(date(1900, 1, 1), date(2020, 12, 31)),
    days_a_year=st.sampled_from([365, 365.25]),
)
def test_an_age_never_disagrees_with_its_own_years(born, taken, days_a_year):
    assume(born <= taken)
    age = (taken - born).days / days_a_year
    known = {"birth_year": [born.year], "photo_year": [taken.year]}
    assert bounds(age=[age], **known) == [(age, age)]


BIRTH_AND_PHOTO = "`photo_year` is before `birth_year` or over 125 years after it"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"age": [30, 250, 40]},
            r"`age` is outside of 0 to 125 years in 1 of 3 rows, first in row 2 "
            r"\(250\); correct such labels, or leave them blank",
        ),
        ({"age": [-1]}, r"`age` is outside of .* in 1 of 1 rows, .* \(-1\)"),
        ({"age": [INF]}, r"`age` is outside of .* \(inf\)"),
        (
            {"age_low": [130], "age_high": [140]},
            r"`age_low` is outside of 0 to 125 years",
        ),
        ({"age_low": [90], "age_high": [999]}, r"`age_high` is outside of .* \(999\)"),
        (
            {"age_low": [10, 60], "age_high": [20, 40]},
            r"`age_low` is not below `age_high` in 1 of 2 rows, first in row 2; a bin "
            r"is \[low, high\), and an age that is known exactly stands in `age`",
        ),
        ({"age_low": [40], "age_high": [40]}, "`age_low` is not below `age_high` in 1"),
        (
            {"age_low": [NAN, 3], "age_high": [3, 10]},
            "`age_low` is missing beside its `age_high` in 1 of 2 rows, first in",
        ),
        ({"age_low": [30]}, "has a column `age_low` and none named `age_high`; an age"),
        ({"age_high": [30]}, "has a column `age_high` and none named `age_low`"),
        ({"photo_year": [2000]}, "a column `photo_year` and none named `birth_year`"),
        (
            {"age": [50, 30], "age_low": [30, 30], "age_high": [40, 40]},
            "`age` disagrees with `age_low` and `age_high` in 1 of 2 rows, first in "
            "row 1",
        ),
        ({"age": [40], "age_low": [30], "age_high": [40]}, "`age` disagrees with"),
        (
            {"age": [50], "birth_year": [1960], "photo_year": [2001]},
            "`age` disagrees with `birth_year` and `photo_year` in 1 of 1 rows",
        ),
        (
            {
                "age_low": [20],
                "age_high": [30],
                "birth_year": [1960],
                "photo_year": [2001],
            },
            "`age_low` and `age_high` disagree with `birth_year` and `photo_year` in 1",
        ),
        ({"birth_year": [2001], "photo_year": [1960]}, BIRTH_AND_PHOTO),
        ({"birth_year": [61], "photo_year": [2001]}, BIRTH_AND_PHOTO),
        (
            {"birth_year": [1960.5], "photo_year": [2001]},
            "`birth_year` is no whole year in 1 of 1 rows, first in row 1; give years",
        ),
        ({"birth_year": [1960], "photo_year": [INF]}, "`photo_year` is no whole year"),
        ({"age_low": ["9-Mar"], "age_high": ["10"]}, "`age_low` is no number in 1"),
    ],
)
def test_what_is_no_age_is_refused(columns, message):
    with pytest.raises(DataError, match=message):
        bounds(**columns)


EDGES = np.array([0, 10, 20, 40, 70, INF])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, 0),
        (9.99, 9.99, 0),
        (10, 10, 1),
        (124, 124, 4),
        (15, 25, 1),  # halves: the youngest
        (15, 30, 2),
        (8, 60, 2),
        (70, INF, 4),
        (60, INF, 3),  # few live to be much older
        (NAN, NAN, -1),
    ],
)
def test_the_bin_of_an_age_by_hand(low, high, expected):
    assert bins_of(np.array([low * 1.0]), np.array([high * 1.0]), EDGES) == [expected]


def test_ages_beyond_the_edges_are_in_no_bin():
    low = np.array([5, 40, 5, 30, 5, 40, NAN, 35])
    high = np.array([5, 40, 20, 60, 10, INF, NAN, INF])
    bins = bins_of(low, high, np.array([10.0, 20, 40]))
    assert bins.tolist() == [-1, -1, 0, 1, -1, -1, -1, 1]


ascending = st.lists(st.integers(0, 120), min_size=2, max_size=6, unique=True)


@given(ascending.map(sorted), st.integers(0, 120), st.integers(1, 60))
def test_the_bin_holds_the_most_whole_years(edges, low, width):
    """Twin: count the whole years of the interval that every bin holds."""
    years = range(low, low + width)
    counts = [sum(a <= y < b for y in years) for a, b in pairwise(edges)]
    expected = counts.index(max(counts)) if max(counts) else -1
    bins = bins_of(
        np.array([low * 1.0]), np.array([low + width * 1.0]), np.array(edges)
    )
    assert bins.tolist() == [expected]


@given(st.floats(0, OLDEST), ascending.map(sorted))
def test_an_exact_age_is_in_the_bin_around_it(age, edges):
    [found] = bins_of(np.array([age]), np.array([age]), np.array(edges))
    if found < 0:
        assert age < edges[0] or age >= edges[-1]
    else:
        assert edges[found] <= age < edges[found + 1]


@pytest.mark.parametrize(
    "edges", [[], [10], [10, 10], [20, 10], [0, NAN], [INF, INF], [[0, 10]], [-INF, 5]]
)
def test_edges_must_ascend(edges):
    with pytest.raises(DataError, match=r"`edges` are .*; give at least two ages that"):
        bins_of(np.zeros(1), np.zeros(1), np.array(edges, np.float64))

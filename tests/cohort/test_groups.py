from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.cohort.groups import quantile_groups
from fahrstats.columns import in_order
from fahrstats.errors import DataError


def test_quartiles_of_one_to_eight_are_cut_between_pairs():
    groups = quantile_groups(np.arange(1.0, 9.0), origin="eight numbers")
    assert groups.cut_points == pytest.approx([2.75, 4.5, 6.25])  # R: quantile(1:8)
    assert list(groups.sizes) == [2, 2, 2, 2]
    assert list(groups.assign([2.75, 2.76, np.nan, 100.0])[:2]) == ["Q1", "Q2"]
    assert groups.assign([np.nan]).isna().all()
    assert groups.origin == "eight numbers, n = 8"


def test_a_value_equal_to_a_cut_point_belongs_to_the_lower_group():
    groups = quantile_groups([1.0, 2.0, 2.0, 2.0, 3.0], n_groups=2)
    assert list(groups.cut_points) == [2.0]
    assert list(groups.sizes) == [4, 1]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.integers(2, 5),
)
def test_groups_are_ordered_filled_and_never_part_equal_values(values, n_groups):
    scores = np.array(values, dtype=float)
    bounds = [np.quantile(scores, k / n_groups) for k in range(1, n_groups)]
    twin = [f"Q{1 + sum(score > bound for bound in bounds)}" for score in scores]
    if len(set(twin)) < n_groups:
        with pytest.raises(DataError, match=f"Only {len(set(twin))} of {n_groups} "):
            quantile_groups(scores, n_groups=n_groups)
    else:
        groups = quantile_groups(scores, n_groups=n_groups)
        assert list(groups.assign(scores)) == twin
        assert list(groups.sizes) == [twin.count(label) for label in groups.labels]


def test_too_many_equal_values_name_the_groups_that_remain():
    with pytest.raises(
        DataError, match=r"Only 2 of 4 groups hold a value: 8 of 10 values equal 1;"
    ):
        quantile_groups([1.0] * 8 + [2.0, 3.0])


def test_cut_points_of_another_cohort_are_kept_with_their_source():
    groups = quantile_groups(
        [50.0, 70.0, 90.0], cut_points=[65, 85], origin="FaceAge 2025"
    )
    assert list(groups.assign(pd.Series([65.0, 66.0], index=[8, 9]))) == ["Q1", "Q2"]
    assert list(groups.assign(pd.Series([65.0, 66.0], index=[8, 9])).index) == [8, 9]
    table = groups.tidy()
    assert list(table.columns) == in_order(table.columns)
    assert list(table["estimate"]) == [65.0, 85.0, np.inf]
    assert table["quantile"].isna().tolist() == [True, True, False]
    assert groups.glance().loc[0, "n"] == 3
    assert str(groups).splitlines() == [
        "Cut points from FaceAge 2025",
        "Q1: <= 65 (n = 1)",
        "Q2: > 65 and <= 85 (n = 1)",
        "Q3: > 85 (n = 1)",
    ]


def test_cut_points_are_carried_from_derivation_to_validation():
    """A tie goes down, values outside go to the ends, a group may be empty."""
    derivation = quantile_groups(np.arange(1.0, 101.0), origin="derivation")
    validation = pd.Series([-900.0, 25.75, 25.76, np.nan, 75.25, 900.0])
    carried = derivation.apply(validation)
    np.testing.assert_array_equal(carried.cut_points, derivation.cut_points)
    assert carried.sizes.tolist() == [2, 1, 1, 1]
    assert (carried.origin, carried.n_missing) == ("derivation, n = 100", 1)
    assert carried.assign(validation).equals(derivation.assign(validation))
    table = carried.tidy()
    assert list(table["quantile"]) == [0.25, 0.5, 0.75, 1.0]
    assert set(table["origin"]) == {"derivation, n = 100"}
    assert derivation.apply([10.0, 90.0, 95.0]).sizes.tolist() == [1, 0, 0, 2]
    levels = derivation.assign([10.0, 90.0]).cat.categories
    assert list(levels) == ["Q1", "Q2", "Q3", "Q4"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([np.nan], "Every value of the score is missing"),
        ([np.inf, 1.0], "infinite in 1 of 2 rows"),
        (["high"], "must hold numbers"),
    ],
)
def test_a_validation_cohort_without_values_is_refused(values, message):
    with pytest.raises(DataError, match=message):
        quantile_groups([1.0, 2.0, 3.0, 4.0]).apply(values)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, np.inf], {}, r"infinite in 1 of 2 rows"),
        ([np.nan, np.nan], {}, r"Every value of the score is missing"),
        (["low", "high"], {}, r"must hold numbers, but its type is"),
        ([1.0, 2.0], {"n_groups": 1}, r"at least 2 groups"),
        ([1.0, 2.0], {"cut_points": [2.0, 1.0]}, r"must be finite and ascend"),
        ([1.0, 2.0], {"cut_points": []}, r"must be finite and ascend"),
        ([1.0, 2.0], {"cut_points": [5.0]}, r"Only 1 of 2 groups"),
    ],
)
def test_a_score_that_cannot_be_cut_is_refused(values, options, message):
    with pytest.raises(DataError, match=message):
        quantile_groups(values, **options)


def test_close_cut_points_are_printed_apart():
    groups = quantile_groups(1e6 + np.arange(8) / 1000)
    lines = str(groups).splitlines()[1:]
    assert lines[1].startswith("Q2: > 1000000.002 and <= 1000000.003 (n = 2)")


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1, 2, 9], {"cut_points": [20]}, r"the values go from 1 to 9, the cut points"),
        ([1, 2, 9], {"cut_points": [3, 2]}, r"ascend, but they are \[3.0, 2.0\]"),
        (np.ones((3, 3)), {}, "A score has one dimension, but 2 were given"),
        ([], {}, "Every value of the score is missing"),
    ],
    ids=str,
)
def test_scores_and_cut_points_that_make_no_groups_are_explained(
    values, options, message
):
    with pytest.raises(DataError, match=message):
        quantile_groups(values, **options)


def test_nobody_has_no_group():
    assert quantile_groups([1, 2, 3, 4]).assign([]).tolist() == []

"""Which levels are too small, and that their sizes are told as bands only."""

from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.survival.subgroup_audits.floors import TOO_FEW, Floors


def test_a_level_at_both_floors_is_large_enough():
    assert Floors().note(20, 10) == ""
    assert Floors(events=1, people=1).note(1, 1) == ""


@pytest.mark.parametrize(
    ("people", "events", "said"),
    [
        (19, 9, "1 to 19 people, 0 to 9 events"),
        (1, 0, "1 to 19 people, 0 to 9 events"),
        (200, 3, "20 or more people, 0 to 9 events"),
        (19, 12, "1 to 19 people, 10 or more events"),
        (0, 0, "0 to 19 people, 0 to 9 events"),
    ],
)
def test_sizes_below_a_floor_are_bands(people, events, said):
    assert Floors().note(people, events) == f"{TOO_FEW}: {said}"


def test_a_band_of_one_count_is_that_count():
    assert Floors(events=1, people=2).note(1, 0) == "too few: 1 people, 0 events"


@pytest.mark.parametrize("value", [0, 2.5, None, "10"])
def test_a_floor_is_a_whole_number(value):
    with pytest.raises(DataError, match=f"`floor_events` is {value}; give a whole"):
        Floors(events=value)
    with pytest.raises(DataError, match=f"`floor_people` is {value}; give a whole"):
        Floors(people=value)

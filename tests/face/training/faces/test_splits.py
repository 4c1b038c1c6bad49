"""Splits: persons are never torn apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.training.faces.splits import check_exclusive, split_subjects

SHARES = {"train": 0.8, "tune": 0.1, "test": 0.1}


def a_cohort(seed, n_people=100, most_photos=6):
    """Return (n,) persons, each with one to ``most_photos`` photos, shuffled."""
    rng = np.random.default_rng(seed)
    photos = rng.integers(1, most_photos + 1, n_people)
    return rng.permutation(np.repeat([f"p{i}" for i in range(n_people)], photos))


def people_in(subject, where):
    return np.unique(subject[where]).size


@given(st.integers(0, 50))
def test_splits_hold_whole_persons_in_their_shares(seed):
    subject = a_cohort(seed)
    split = split_subjects(subject, shares=SHARES, seed=seed)
    check_exclusive(subject, split)
    assert {s: people_in(subject, split == s) for s in SHARES} == {
        "train": 80,
        "tune": 10,
        "test": 10,
    }


def test_shares_are_rounded_by_largest_remainder():
    # quotas 3.5, 1.75 and 1.75
    shares = {"a": 0.5, "b": 0.25, "c": 0.25}
    split = split_subjects(np.arange(7), shares=shares, seed=0)
    assert [int(np.sum(split == name)) for name in "abc"] == [3, 2, 2]


@given(st.integers(0, 50))
def test_every_group_is_shared_alike(seed):
    subject = a_cohort(seed)
    group = np.array([int(s[1:]) % 3 for s in subject])
    split = split_subjects(subject, shares=SHARES, seed=seed, stratify=group)
    check_exclusive(subject, split)
    for level in range(3):
        n_level = people_in(subject, group == level)
        for name, share in SHARES.items():
            n = people_in(subject, (group == level) & (split == name))
            assert abs(n - share * n_level) < 2


def test_each_person_is_tested_as_often_as_the_share_says():
    subject = np.arange(20)
    tested = sum(
        split_subjects(subject, shares={"train": 0.75, "test": 0.25}, seed=s) == "test"
        for s in range(400)
    )
    # five standard deviations of a binomial
    assert np.all(np.abs(tested - 100) < 5 * np.sqrt(400 * 0.25 * 0.75))


def test_seed_alone_decides():
    subject = a_cohort(0)
    split = split_subjects(subject, shares=SHARES, seed=1)
    np.testing.assert_array_equal(split, split_subjects(subject, shares=SHARES, seed=1))
    assert not np.array_equal(split, split_subjects(subject, shares=SHARES, seed=2))


def test_a_leak_is_counted_and_nobody_named():
    subject = ["anna", "bert", "anna", "carl", "bert", "anna"]
    split = ["train", "tune", "test", "test", "train", "tune"]
    with pytest.raises(DataError, match="2 of 3 persons in several splits") as raised:
        check_exclusive(subject, split)
    assert not any(name in str(raised.value) for name in subject)


SIX = np.arange(6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_exclusive([], []), "`subject` is empty"),
        (lambda: split_subjects(SIX, shares={"a": 1}, seed=-1), "`seed` is -1"),
        (lambda: check_exclusive(SIX, ["train"]), "`split` has 1 values"),
        (
            lambda: split_subjects(SIX, shares={"a": 0.5, "b": 0.4}, seed=0),
            "above 0 that sum to 1",
        ),
        (
            lambda: split_subjects(SIX, shares={"a": 1.5, "b": -0.5}, seed=0),
            "above 0 that sum to 1",
        ),
        (
            lambda: split_subjects(SIX, shares={"a": 0.99, "b": 0.01}, seed=0),
            "leave `b` without any of the 6 persons",
        ),
        (
            lambda: split_subjects(SIX, shares={"a": 1}, seed=0, stratify=[1]),
            "`stratify` has 1 values",
        ),
    ],
)
def test_what_cannot_be_split_is_said(call, message):
    with pytest.raises(DataError, match=message):
        call()

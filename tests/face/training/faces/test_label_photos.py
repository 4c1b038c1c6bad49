"""Rows of a table of labels: their photo, whom it shows, their split."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError, ResultWarning
from fahrstats.face.training.faces.label_photos import (
    photos_of,
    rows_in,
    splits_of,
    subjects_of,
)


def a_table(**columns):
    return pd.DataFrame(columns)


def some_crops(*photos, subject=None):
    names = np.array(photos, np.str_)
    subject = np.full(len(photos), "") if subject is None else np.array(subject)
    return SimpleNamespace(photo=names, subject=subject)


def find(crops, *photos, missing="drop"):
    return rows_in(crops, np.array(photos, np.str_), "t.csv", missing).tolist()


def test_photos_keep_their_names_and_order():
    assert photos_of(a_table(photo=["b.jpg", "007"]), "t").tolist() == ["b.jpg", "007"]
    assert photos_of(a_table(photo=[7, 3]), "t").tolist() == ["7", "3"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"photos": ["a"]},
            "`t.csv` has no column `photo`, which joins it to the crops. Did you mean "
            "`photos`",
        ),
        (
            {"photo": ["a", "", None]},
            "`photo` is missing in 2 of 3 rows, first in row 2 of `t.csv`",
        ),
        (
            {"photo": ["a", "b", "a", "a", "c", "b"]},
            "`photo` names 2 photos of `t.csv` more than once; keep one row of each",
        ),
        (
            {"photo": ["a", "b", "a", "b"], "split": ["train", "test", "test", "test"]},
            "names 2 photos of `t.csv` more than once, 1 of them in several splits;",
        ),
    ],
)
def test_photos_that_are_not_each_there_once_are_refused(columns, message):
    with pytest.raises(DataError, match=message):
        photos_of(a_table(**columns), "t.csv")


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=30), st.data())
def test_each_photo_finds_its_own_crop(names, data):
    names = [f"{name.strip()}{i}" for i, name in enumerate(names)]
    asked = data.draw(st.permutations(names))
    rows = find(some_crops(*names), *asked)
    assert [names[row] for row in rows] == asked


def test_photos_without_a_crop_are_dropped_or_refused():
    crops = some_crops(*map(str, range(20)))
    asked = [*map(str, range(19)), "no-face"]
    assert find(crops, *asked)[-2:] == [18, -1]
    with pytest.raises(
        DataError,
        match=r"1 of 20 photos of `t.csv` have no crop; crop them, or let photos "
        "without a face be left out",
    ):
        find(crops, *asked, missing="refuse")


def test_many_photos_without_a_crop_are_worth_a_warning():
    with pytest.warns(
        ResultWarning,
        match="2 of 3 photos of `t.csv` have no crop and are left out; if they do show "
        "faces",
    ):
        assert find(some_crops("a", "b"), "a", "c", "d") == [0, -1, -1]


@pytest.mark.parametrize(
    ("crops", "asked", "hint"),
    [
        (("x/a.jpg", "x/b.jpg"), ("a.jpg", "b.jpg"), r" \(2 would without their fold"),
        (("a.jpg", "b.jpg"), ("a", "b", "c"), r" \(2 would without their suffix\)"),
        (("a.jpg",), ("c.jpg", "d.jpg"), ""),
    ],
)
def test_a_table_of_other_photos_is_refused(crops, asked, hint):
    message = f"{len(asked)} of {len(asked)} photos of `t.csv` have no crop{hint}.*; "
    message += f"`photo` must be written as in the {len(crops)} crops"
    with pytest.raises(DataError, match=message) as raised:
        find(some_crops(*crops), *asked)
    assert bool(hint) == ("would" in str(raised.value))


def test_two_crops_of_a_photo_are_refused():
    with pytest.raises(
        DataError, match="1 of 3 crops have the `photo` of another, outer blanks aside;"
    ):
        find(some_crops("a", "b", " a"), "b")


def test_subjects_are_the_tables_then_the_crops_then_the_photos():
    photo = np.array(["p0", "p1", "p2", "p3"])
    crops = np.array(["", "crop1", "crop2"])
    row = np.array([0, 1, 2, -1])
    table = a_table(photo=photo)
    expected = ["p0", "crop1", "crop2", "p3"]
    assert subjects_of(table, photo, crops, row).tolist() == expected
    table["subject"] = ["", None, "longer than any", "9"]
    expected = ["p0", "crop1", "longer than any", "9"]
    assert subjects_of(table, photo, crops, row).tolist() == expected


def test_splits_are_read_or_left_open():
    split = ["test", "tune", " train"]
    assert splits_of(a_table(split=split)).tolist() == ["test", "tune", "train"]
    assert splits_of(a_table(photo=["a", "b"])).tolist() == ["", ""]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            ["train", "valid"],
            r"`split` is none of the known in 1 of 2 rows, first in row 2 \(`valid`\); "
            r"the splits are `train`, `tune` \(for early stopping\) and `test`\.",
        ),
        (["Train"], r"\(`Train`\); .* Did you mean `train`\?"),
        (
            ["train", ""],
            "`split` is missing in 1 of 2 rows, first in row 2; the splits are .* "
            "and rows that are in none are left out of the table",
        ),
    ],
)
def test_unknown_splits_are_refused(split, message):
    with pytest.raises(DataError, match=message):
        splits_of(a_table(split=split))

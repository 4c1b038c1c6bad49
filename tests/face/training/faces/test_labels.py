"""Labels: joined to crops, split without leaks, refused before the first step."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError, ResultWarning
from fahrstats.face.training.faces.batches import age_balanced_batches
from fahrstats.face.training.faces.labels import age_bins, read_labels

N = 12
CROPS = SimpleNamespace(
    photo=np.array([f"{i:02}.jpg" for i in reversed(range(N))]),
    subject=np.array([f"s{i // 2}" for i in reversed(range(N))]),
)  # two photos of a subject; rows in another order than any table here
SPLIT = ["train"] * 6 + ["tune"] * 2 + ["test"] * 4
SHARES = {"train": 0.5, "tune": 0.25, "test": 0.25}


@pytest.fixture
def read(tmp_path):
    """Write columns to a table and read them as labels."""

    def write_and_read(*, suffix=".csv", crops=CROPS, missing="drop", **columns):
        path = tmp_path / f"labels{suffix}"
        frame = pd.DataFrame({"photo": [f"{i:02}.jpg" for i in range(N)]} | columns)
        frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
        return read_labels(path, crops, missing=missing)

    return write_and_read


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_column_arrives_at_its_face(read, suffix):
    labels = read(
        suffix=suffix,
        split=SPLIT,
        age=[20.5, np.nan, *range(30, 40)],
        age_low=[np.nan, 70, *[np.nan] * 10],
        age_high=[np.nan, np.inf, *[np.nan] * 10],
        time=[np.nan, *range(1, 12)],
        event=[None, *[True, False] * 5, True],
        stratum=["a", "b"] * 6,
        sex=["m", "f", None] * 4,
        site=["left", "right"] * 6,
    )
    assert labels.row.tolist() == list(reversed(range(N)))
    np.testing.assert_array_equal(CROPS.photo[labels.row], labels.photo)
    np.testing.assert_array_equal(CROPS.subject[labels.row], labels.subject)
    assert labels.split.tolist() == SPLIT
    assert labels.age_low[:3].tolist() == [20.5, 70, 30]
    assert labels.age_high[:3].tolist() == [20.5, np.inf, 30]
    np.testing.assert_array_equal(labels.time, [np.nan, *range(1, 12)])
    assert labels.event.tolist() == [False, *[True, False] * 5, True]
    assert labels.stratum.tolist() == [0, 1] * 6
    np.testing.assert_array_equal(labels.sex, [1, 0, np.nan] * 4)
    assert labels.sex_levels == ("f", "m")
    assert list(labels.groups) == ["sex", "site"]
    assert labels.groups["site"].tolist() == ["left", "right"] * 6
    assert (len(labels), labels.n_without_crop) == (N, 0)


def test_a_table_of_photos_alone_knows_nothing_else(read):
    labels = read()
    assert np.isnan(labels.age_low).all()
    for name in ("time", "event", "stratum", "sex", "sex_levels"):
        assert getattr(labels, name) is None
    assert labels.split.tolist() == [""] * N
    assert labels.groups.shape == (N, 0)


def test_photos_without_a_crop_are_left_out_of_everything_and_counted(read):
    crops = SimpleNamespace(photo=CROPS.photo[:-1], subject=CROPS.subject[:-1])
    labels = read(crops=crops, age=range(20, 20 + N), site=range(N))
    assert (len(labels), labels.n_without_crop) == (N - 1, 1)
    assert labels.age_low.tolist() == list(range(21, 20 + N))
    assert labels.groups["site"].tolist() == list(range(1, N))
    with pytest.raises(DataError, match=r"1 of 12 photos of `labels.csv` have no crop"):
        read(crops=crops, missing="refuse")
    with pytest.raises(DataError, match='`missing` is `skip`; give "drop" or "refuse"'):
        read(missing="skip")


def test_a_subject_in_two_splits_is_refused_and_nobody_named(read):
    with pytest.raises(DataError, match="1 of 6 persons in several splits") as raised:
        read(split=["tune", *SPLIT[1:]])
    assert "s0" not in str(raised.value)
    with pytest.raises(DataError, match="1 of 11 persons in several splits"):
        read(split=SPLIT, subject=["x", *[""] * 10, "x"], crops=without_subjects())


def without_subjects():
    return SimpleNamespace(photo=CROPS.photo, subject=np.full(N, ""))


def test_bad_labels_name_their_column(read):
    with pytest.raises(DataError, match="`age` is outside of 0 to 125 years in 1 of 1"):
        read(age=[250, *range(1, N)])
    with pytest.raises(DataError, match="`age_low` is not below `age_high` in 1 of 12"):
        read(age_low=[60, *[10] * 11], age_high=[40, *[20] * 11])
    with pytest.raises(DataError, match="turned 1 of them into dates"):
        read(age_low=["9-Mar", *[10] * 11], age_high=[20] * N)
    with pytest.raises(
        DataError, match=r"`photo` names 1 photos .* 1 of them in sever"
    ):
        read(photo=["00.jpg", "00.jpg"], split=["train", "test"])


def test_a_table_that_is_absent_or_empty_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"`none.csv` cannot be read: .*No such file"):
        read_labels(tmp_path / "none.csv", CROPS)
    (tmp_path / "empty.csv").write_text("photo,age\n")
    with pytest.raises(DataError, match=r"`empty.csv` has no rows"):
        read_labels(tmp_path / "empty.csv", CROPS)
    with pytest.raises(DataError, match=r"`labels.txt` must be a .csv, "):
        read_labels(tmp_path / "labels.txt", CROPS)


def test_one_subject_on_most_photos_is_worth_a_warning(read):
    photo = [f"{i}.jpg" for i in range(2000)]
    subject = ["someone"] * 1000 + [f"s{i}" for i in range(1000)]
    crops = SimpleNamespace(photo=np.array(photo), subject=np.array(subject))
    with pytest.warns(
        ResultWarning, match="One `subject` is on 1,000 of 2,000 photos, and"
    ) as caught:
        read(photo=photo, crops=crops)
    assert "someone" not in str(caught[0].message)
    assert caught[0].filename == __file__


def test_splits_share_out_the_faces(read):
    labels = read(split=SPLIT, age=range(20, 20 + N), site=range(N), sex=["f", "m"] * 6)
    parts = [labels.of(split) for split in ("train", "tune", "test")]
    assert [len(part) for part in parts] == [6, 2, 4]
    assert parts[1].photo.tolist() == ["06.jpg", "07.jpg"]
    assert parts[1].row.tolist() == [5, 4]
    assert parts[1].groups["site"].tolist() == [6, 7]
    assert parts[1].groups.index.tolist() == [0, 1]
    assert parts[1].time is None


def test_a_split_without_photos_is_refused(read):
    labels = read(split=["train"] * N)
    with pytest.raises(
        DataError, match="`split` is `tune` in none of the 12 photos wi"
    ):
        labels.of("tune")
    with pytest.raises(DataError, match="has no column `split`; give shares of the su"):
        read().of("train")


def test_subjects_are_dealt_whole(read):
    labels = read()
    dealt = labels.deal(SHARES, seed=1)
    assert {s: int((dealt.split == s).sum()) for s in SHARES} == {
        "train": 6,
        "tune": 4,  # 3, 1.5 and 1.5 subjects
        "test": 2,
    }
    for subject in np.unique(dealt.subject):
        assert np.unique(dealt.split[dealt.subject == subject]).size == 1
    assert labels.split.tolist() == [""] * N
    assert dealt.fingerprint == labels.deal(SHARES, seed=1).fingerprint


def test_what_is_dealt_already_or_to_an_unknown_split_is_refused(read):
    with pytest.raises(DataError, match="has a column `split`, so shares of the subj"):
        read(split=SPLIT).deal(SHARES, seed=1)
    with pytest.raises(DataError, match="`shares` names `val`; the splits are `train`"):
        read().deal({"train": 0.5, "val": 0.5}, seed=1)
    with pytest.raises(DataError, match="`shares` leave `tune` without any of the 6"):
        read().deal({"train": 0.98, "tune": 0.02}, seed=1)


def test_faces_of_known_age_are_picked_or_missed(read):
    labels = read(
        split=SPLIT, age_low=[np.nan, *[20] * 11], age_high=[np.nan, *[30] * 11]
    )
    assert labels.with_age().photo.tolist() == labels.photo[1:].tolist()
    no_age = "None of the 12 photos has a known age; give `age`, or `age_low` and"
    with pytest.raises(DataError, match=no_age):
        read().with_age()
    age = [np.nan if split == "tune" else 30 for split in SPLIT]
    with pytest.raises(DataError, match="None of the 2 photos of the split `tune` has"):
        read(split=SPLIT, age=age).with_age()


def test_faces_with_follow_up_are_picked_or_missed(read):
    time = [np.nan, *range(1, N)]
    event = [None, *[True] * 11]
    labels = read(split=SPLIT, time=time, event=event)
    assert labels.with_follow_up().time.tolist() == list(range(1, N))
    with pytest.raises(DataError, match="no columns `time` and `event`, from which su"):
        read().with_follow_up()
    with pytest.raises(DataError, match="None of the 12 photos has a `time` and an"):
        read(time=[np.nan] * N, event=[np.nan] * N).with_follow_up()
    censored = "None of the 12 photos has an `event` that was observed; from censored"
    with pytest.raises(DataError, match=censored):
        read(time=range(N), event=[0] * N).with_follow_up()
    event = [int(split != "test") for split in SPLIT]
    with pytest.raises(DataError, match="the 4 photos of the split `test` has an `ev"):
        read(split=SPLIT, time=range(N), event=event).with_follow_up()


@given(order=st.permutations(range(N)))
def test_the_fingerprint_knows_the_order(tmp_path_factory, order):
    """Which faces are in a batch follows from their places in the table."""
    path = tmp_path_factory.getbasetemp() / "order.csv"
    frame = pd.DataFrame({"photo": CROPS.photo, "split": SPLIT[::-1]})
    frame.to_csv(path, index=False)
    first = read_labels(path, CROPS)
    is_same = list(order) == list(range(N))
    other = first.take(np.array(order))
    assert (other.fingerprint == first.fingerprint) == is_same
    assert first.of("train").fingerprint != first.fingerprint


def test_the_fingerprint_changes_with_all_that_is_known(read):
    marks = {
        read(split=SPLIT).fingerprint,
        read(split=SPLIT[::-1]).fingerprint,
        read(split=SPLIT, subject=[f"x{i // 2}" for i in range(N)]).fingerprint,
        read(split=SPLIT, age=range(N)).fingerprint,
        read(split=SPLIT, age=range(1, N + 1)).fingerprint,
        read(split=SPLIT, time=range(N), event=[1] * N).fingerprint,
    }
    assert len(marks) == 6
    assert read(split=SPLIT).fingerprint in marks
    assert all(len(mark) == 64 for mark in marks)


def test_bins_of_known_ages_make_balanced_batches(read):
    labels = read(age=[5, 15, *[25] * 9, np.nan])
    bins = age_bins(labels, [0, 10, 20, 30])
    assert bins.tolist() == [0, 1, *[2] * 9, -1]
    known = age_bins(labels.with_age(), [0, 10, 20, 30])
    batches = age_balanced_batches(known, batch_size=6, seed=1, epoch=0, n_batches=5)
    assert np.bincount(known[batches].ravel()).tolist() == [10, 10, 10]
    with pytest.raises(DataError, match="`edges` are"):
        age_bins(labels, [30, 20])

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from embedding_files import draw_cohort, write_embeddings

from fahrstats.errors import DataError
from fahrstats.face.training.frozen.cohort import read_cohort

N = 12
TWICE = [f"s{i // 2}" for i in range(N)]


def read(folder, labels, **columns):
    vectors, _ = draw_cohort(N, 3)
    write_embeddings(folder / "e.parquet", vectors, **columns)
    labels.to_csv(folder / "labels.csv", index=False)
    return read_cohort(folder / "e.parquet", folder / "labels.csv")


def labels(**changes):
    return draw_cohort(N, 3)[1].assign(**changes)


def by_subject():
    given = labels()[["time", "event"]].iloc[:6]
    return given.assign(subject=[f"s{i}" for i in range(6)])


def test_photos_are_joined_whatever_their_order(tmp_path):
    vectors, given = draw_cohort(N, 3)
    cohort = read(tmp_path, given.iloc[::-1])
    np.testing.assert_array_equal(cohort.embeddings, vectors)
    np.testing.assert_allclose(cohort.time, given["time"], rtol=1e-12)
    np.testing.assert_array_equal(cohort.event, given["event"] == 1)
    assert cohort.subject.tolist() == cohort.photo.tolist() == given["photo"].tolist()
    assert not cohort.names_subjects
    assert cohort.checkpoint == "small-age@0123456789ab"


def test_labels_of_a_subject_are_those_of_its_photos(tmp_path):
    one = read(tmp_path, by_subject(), subject=TWICE)
    of_each = by_subject().set_index("subject").loc[TWICE].reset_index()
    other = read(tmp_path, of_each.assign(photo=labels()["photo"]))
    for name in ("photo", "subject", "time", "event"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.names_subjects
    assert other.names_subjects


def test_photos_without_label_or_follow_up_are_counted(tmp_path):
    given = labels()
    given.loc[3, ["time", "event"]] = np.nan
    cohort = read(tmp_path, given.iloc[:10])
    assert (cohort.n_without_label, cohort.n_without_follow_up) == (2, 1)
    assert cohort.photo.size == len(cohort.embeddings) == 9
    assert "p0003.jpg" not in cohort.photo


def test_copies_of_a_file_count_once(tmp_path):
    content = [*range(N - 1), 4]
    subject = [*TWICE[:-1], "s2"]
    cohort = read(tmp_path, labels(), subject=subject, content=list(map(str, content)))
    assert cohort.original.tolist() == content
    assert cohort.distinct.tolist() == list(range(N - 1))
    assert len(cohort.faces().embeddings) == N - 1
    message = "1 of 12 photos are copies of a photo of another subject"
    with pytest.raises(DataError, match=message):
        read(tmp_path, labels(), content=list(map(str, content)))


@pytest.mark.parametrize(
    ("given", "columns", "message"),
    [
        (labels().drop(columns="photo"), {}, r"neither a column `photo` nor `subject`"),
        (labels().drop(columns=["time", "event"]), {}, "no columns `time` and `event`"),
        (labels().drop(columns="time"), {}, "a column `event` and none named `time`"),
        (labels(event=2), {}, "`event` must be 0/1 or boolean"),
        (labels(time=-1.0), {}, "`time` is negative in 12 of 12 rows"),
        (labels(photo="p0000.jpg"), {}, r"`photo` is repeated in 11 of 12 rows"),
        (labels(photo=None), {}, r"`photo` is missing in 12 of 12 rows"),
        (labels(photo=list("abcdefghijkl")), {}, r"No `photo` of `e\.parquet` \(12 ph"),
        (labels(time=None, event=None), {}, "None of the 12 photos .* has a `time`"),
        (labels(stratum=[None, *"abcdefghijk"]), {}, "`stratum` is missing in 1 of 12"),
        (by_subject(), {}, "`e.parquet` does not say whom photos show"),
        (labels(), {"checkpoint": [*"ab"] * 6}, "`checkpoint` has 2 values in"),
        (labels(), {"precision": [*"ab"] * 6}, "`precision` has 2 values in"),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path, given, columns, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, given, **columns)


def test_a_foreign_table_of_embeddings_is_refused(tmp_path):
    pd.DataFrame({"photo": ["a"], "embedding": [[1.0]]}).to_parquet(
        tmp_path / "e.parquet"
    )
    with pytest.raises(DataError, match=r"`e\.parquet` has no column `checkpoint`"):
        read_cohort(tmp_path / "e.parquet", tmp_path / "labels.csv")

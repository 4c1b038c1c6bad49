from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.scoring.sessions import combine_photos


def photos(**columns: list[object]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    defaults = {
        "photo": [f"{i}.jpg" for i in range(n)],
        "status": ["ok"] * n,
        "checkpoint": ["mini@1"] * n,
        "precision": ["float32"] * n,
    }
    return pd.DataFrame({**defaults, **columns})


def test_three_photos_by_hand():
    scores = photos(
        subject=["a", "b", "a", "a"],
        faceage=[60.0, 40.0, 70.0, 62.0],
        facesurvival=[0.5, -1.0, 0.1, 0.3],
    )
    combined = combine_photos(scores)
    assert combined.columns.tolist() == [
        "subject",
        "faceage",
        "facesurvival",
        "faceage_sd",
        "faceage_range",
        "facesurvival_sd",
        "facesurvival_range",
        "n_photos",
        "n_scored",
        "checkpoint",
        "precision",
    ]
    a, b = combined.to_dict("records")
    assert (a["faceage"], a["faceage_range"]) == (62.0, 10.0)
    assert a["faceage_sd"] == pytest.approx(np.sqrt((4**2 + 6**2 + 2**2) / 2))
    assert a["facesurvival"] == 0.3
    assert (a["n_photos"], a["n_scored"]) == (3, 3)
    assert b["faceage"] == 40.0
    assert np.isnan(b["faceage_sd"])
    assert np.isnan(b["faceage_range"])
    assert b["checkpoint"] == "mini@1"


def test_only_scored_photos_count_and_nobody_is_lost():
    scores = photos(
        subject=["a", "a", "b"],
        status=["ok", "no_face", "unreadable"],
        faceage=[50.0, np.nan, np.nan],
    )
    combined = combine_photos(scores).set_index("subject")
    assert combined.loc["a", "faceage"] == 50.0
    assert combined["n_photos"].tolist() == [2, 1]
    assert combined["n_scored"].tolist() == [1, 0]
    assert np.isnan(combined.loc["b", "faceage"])


def test_copies_of_a_file_count_once_per_subject():
    scores = photos(
        subject=["a", "a", "a", "b"],
        duplicate_of=[None, "0.jpg", None, "0.jpg"],
        faceage=[40.0, 40.0, 60.0, 40.0],
    )
    combined = combine_photos(scores)
    assert combined["faceage"].tolist() == [50.0, 40.0]
    assert combined["n_photos"].tolist() == [2, 1]


def test_sessions_have_rows_of_their_own():
    scores = photos(
        subject=["a", "a", "a"],
        session=["2020", "2020", "2024"],
        faceage=[50.0, 52.0, 58.0],
    )
    combined = combine_photos(scores, by=("subject", "session"))
    assert combined["session"].tolist() == ["2020", "2024"]
    assert combined["faceage"].tolist() == [51.0, 58.0]


def test_a_model_without_an_opinion_on_some_photos():
    scores = photos(
        subject=["a", "a"], faceage=[50.0, 60.0], mivolo=[np.nan, 44.0], n_faces=[1, 1]
    )
    combined = combine_photos(scores)
    assert combined.loc[0, "mivolo"] == 44.0
    assert np.isnan(combined.loc[0, "mivolo_range"])
    assert "n_faces" not in combined


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(20, 90), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_agrees_with_a_plain_loop(rows):
    scores = photos(
        subject=[subject for subject, _, _ in rows],
        faceage=[age if ok else np.nan for _, age, ok in rows],
        status=["ok" if ok else "no_face" for _, _, ok in rows],
    )
    combined = combine_photos(scores).set_index("subject")
    assert combined.index.tolist() == list(dict.fromkeys(scores["subject"]))
    for subject, row in combined.iterrows():
        ages = [age for name, age, ok in rows if name == subject and ok]
        assert row["n_scored"] == len(ages)
        if ages:
            assert row["faceage"] == pytest.approx(statistics.median(ages))
        if len(ages) > 1:
            assert row["faceage_sd"] == pytest.approx(statistics.stdev(ages), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": ["a", None]}, r"`subject` is missing for 1 of 2 photos; fill"),
        ({"checkpoint": ["x@1", "y@2"]}, r"`checkpoint` has 2 values, such as `x@1`"),
        ({"precision": ["float32", "bfloat16"]}, r"`precision` has 2 values"),
    ],
)
def test_what_cannot_be_combined(change, message):
    scores = photos(subject=["a", "a"], faceage=[1.0, 2.0]).assign(**change)
    with pytest.raises(DataError, match=message):
        combine_photos(scores)


def test_whom_photos_show_must_be_known():
    with pytest.raises(DataError, match=r"no column `subject`; give a manifest"):
        combine_photos(photos(faceage=[1.0]))


def test_photos_combine_by_subject_or_session():
    with pytest.raises(DataError, match=r"`by` is \(\"subject\",\) or"):
        combine_photos(photos(subject=["a"], faceage=[1.0]), by=("photo",))

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_ages import MODELS, people
from tables import check_table

from fahrstats.errors import DataError
from fahrstats.measurement.age_cells import age_cells


def test_cells_are_counted_by_hand():
    """Twelve of 23 in their thirties are read as in their forties, seven of 50 well."""
    data = pd.DataFrame(
        {
            "age": [30.0, 39.9, *[32.0] * 10, *[50.0] * 7, *[70.0] * 4],
            "face": [40.0, 49.9, *[42.0] * 10, *[50.0] * 7, *[70.0] * 4],
        }
    )
    table = check_table(age_cells(["face"], data))
    assert table[["value", "predicted"]].to_numpy().tolist() == [[30, 40], [50, 50]]
    assert table["estimate"].tolist() == [10 / 25, 5 / 25]
    assert set(table["per"]) == {10}


def test_many_people_have_smaller_cells():
    table = age_cells(MODELS, people(1000))
    assert set(table["per"]) == {5}
    assert (table["value"] % 5 == 0).all()


def test_people_are_counted_and_not_their_photos():
    data = pd.DataFrame({"age": 30.0, "face": 30.0, "who": [1, 2, 3] * 10})
    data.loc[29, "face"] = np.nan
    assert age_cells(["face"], data, subject="who").empty
    assert len(age_cells(["face"], data)) == 1


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_no_cell_tells_a_count(seed):
    """Counts are multiples of five, and so is the total, whatever the data."""
    table = age_cells(MODELS, people(302, seed))
    counts = 300 * table["estimate"]
    assert np.allclose(counts, 5 * (counts / 5).round())
    assert counts.min() >= 5 - 1e-9


def test_ages_known_to_intervals_have_no_cells():
    data = people(50).assign(low=20.0, high=80.0)
    table = check_table(age_cells(MODELS, data, age=("low", "high")))
    assert table["estimate"].isna().all()
    assert set(table["note"]) == {"not estimated: true ages are known to intervals"}


def test_a_corrected_age_has_no_cells():
    """It is near the true age since it holds it; the raw one is shown as it was."""
    data = people(300)
    data["fair"] = (data["faceage"] + data["age"]) / 2
    table = check_table(
        age_cells(["faceage", "fair"], data, corrected={"fair": "faceage"})
    )
    (fair,) = table[table["model"] == "fair"].to_dict("records")
    assert np.isnan(fair["estimate"])
    assert fair["note"].startswith("not estimated: `fair` was corrected given true a")
    raw = table[table["model"] == "faceage"].reset_index(drop=True)
    pd.testing.assert_frame_equal(raw, age_cells(["faceage"], data))


def test_bad_ages_are_refused():
    with pytest.raises(DataError, match="`data` has no column `nil`"):
        age_cells(["nil"], people(30))
    with pytest.raises(DataError, match="`faceage` is corrected from `nil`; both"):
        age_cells(["faceage"], people(30), corrected={"faceage": "nil"})

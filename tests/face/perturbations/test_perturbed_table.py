from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fahrstats.errors import DataError
from fahrstats.face.perturbations.perturbed_table import long_table, read_perturbed

CHANGED = pa.list_(pa.float64(), 10)


@pytest.fixture
def table():
    return pa.table(
        {
            "photo": ["a", "b", "c"],
            "subject": ["x", None, "x"],
            "status": ["ok", "no_face", "ok"],
            "blur": [0.1, None, 0.2],
            "faceage": pa.array([50.0, None, 60.0]),
            "faceage_perturbed": pa.array(
                [list(map(float, range(10))), None, [None] * 5 + [70.0] * 5], CHANGED
            ),
        }
    )


def test_one_row_per_photo_condition_and_severity(table):
    data = long_table(table, ["roll", "jpeg"])
    assert list(data) == [
        "photo",
        "subject",
        "status",
        "condition",
        "severity",
        "dose",
        "faceage",
    ]
    assert len(data) == 3 * 2 * 6
    first = data[(data["photo"] == "a") & (data["condition"] == "jpeg")]
    assert first["severity"].tolist() == [0, 1, 2, 3, 4, 5]
    assert first["faceage"].tolist() == [50, 5, 6, 7, 8, 9]
    np.testing.assert_array_equal(first["dose"], [np.nan, 70, 45, 28, 16, 8])
    roll = data[(data["photo"] == "c") & (data["condition"] == "roll")]
    np.testing.assert_array_equal(roll["faceage"], [60] + [np.nan] * 5)
    np.testing.assert_array_equal(roll["dose"], [0, 5, 10, 20, 30, 45])
    missing = data[data["photo"] == "b"]
    assert missing["faceage"].isna().all()
    assert (missing["status"] == "no_face").all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no file"),
        (b"photo\n", "is not a Parquet file"),
        (pd.DataFrame({"photo": ["a"]}), "no scores of changed photos; `fahrstats pe"),
    ],
)
def test_a_file_is_one_of_a_panel(tmp_path, content, message):
    path = tmp_path / "panel.parquet"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        pq.write_table(pa.Table.from_pandas(content), path)
    with pytest.raises(DataError, match=message):
        read_perturbed(path)

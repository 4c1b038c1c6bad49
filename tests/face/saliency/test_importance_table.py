"""Tables of importance, read without torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.errors import DataError
from fahrstats.face.saliency.importance_table import mean_maps, read_importance
from fahrstats.face.saliency.regions import REGIONS, region_areas

FIRST, SECOND = np.arange(11.0), np.arange(11.0) - 20


@pytest.fixture
def written(tmp_path):
    lists = pa.list_(pa.float64(), 11)
    table = pa.table(
        {
            "photo": ["a", "b"],
            "subject": ["s", None],
            "status": ["ok", "no_face"],
            "faceage": [40.0, None],
            "faceage_regions": pa.array([FIRST, None], lists),
            "other": [1.0, None],
            "other_regions": pa.array([SECOND, None], lists),
        }
    )
    path = tmp_path / "importance.parquet"
    pq.write_table(table, path)
    return path


def test_the_long_table_has_a_row_per_photo_score_and_region(written):
    table = read_importance(written)
    assert list(table) == [
        *("photo", "subject", "status", "model", "region", "importance", "area")
    ]
    assert len(table) == 2 * 2 * 11
    first = table[(table["photo"] == "a") & (table["model"] == "faceage")]
    assert list(first["region"]) == list(REGIONS)
    assert_array_equal(first["importance"], FIRST)
    assert_allclose(first["area"], region_areas())
    second = table[(table["photo"] == "a") & (table["model"] == "other")]
    assert_array_equal(second["importance"], SECOND)


def test_a_path_can_be_a_string(written):
    assert read_importance(str(written)).equals(read_importance(written))
    with pytest.raises(DataError, match=r"`importance\.parquet` has no column"):
        mean_maps(str(written))


def test_photos_without_a_score_keep_their_rows(written):
    table = read_importance(written)
    lacking = table[table["photo"] == "b"]
    assert len(lacking) == 22
    assert lacking["importance"].isna().all()
    assert set(lacking["status"]) == {"no_face"}


def test_maps_are_averaged_over_photos_that_have_one(tmp_path):
    kind = pa.list_(pa.float32(), 112**2)
    maps = np.random.default_rng(1).normal(size=(3, 112**2)).astype(np.float32)
    table = pa.table(
        {
            "faceage": [1.0, 2.0, None, 3.0],
            "faceage_map": pa.array([maps[0], maps[1], None, maps[2]], kind),
        }
    )
    pq.write_table(table, tmp_path / "maps.parquet", row_group_size=2)
    found = mean_maps(tmp_path / "maps.parquet")
    assert_allclose(found["faceage"].ravel(), maps.mean(axis=0, dtype=float))


def test_a_file_of_something_else_is_refused(tmp_path, written):
    other = tmp_path / "scores.parquet"
    pd.DataFrame({"photo": ["a"], "faceage": [1.0]}).to_parquet(other)
    told = "`scores.parquet` has no column `SCORE_regions`; `fahrstats explain` writes"
    with pytest.raises(DataError, match=told):
        read_importance(other)
    with pytest.raises(
        DataError, match="`SCORE_map`; `fahrstats explain --map` writes"
    ):
        mean_maps(written)
    with pytest.raises(DataError, match=r"There is no file `.*absent.parquet`"):
        read_importance(tmp_path / "absent.parquet")
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(DataError, match=r"`.*x.parquet` is not a Parquet file"):
        read_importance(tmp_path / "x.parquet")


def test_a_map_with_missing_values_is_refused(tmp_path):
    maps = np.zeros((2, 112**2), np.float32)
    maps[1, :3] = np.nan
    path = tmp_path / "maps.parquet"
    kind = pa.list_(pa.float32(), 112**2)
    pq.write_table(
        pa.table({"a": [1.0, 2.0], "a_map": pa.array(list(maps), kind)}), path
    )
    told = "3 of 12544 places are missing or infinite in some map of `a` in `maps.parq"
    with pytest.raises(DataError, match=told):
        mean_maps(path)


def test_no_map_of_a_scored_face_is_an_error(tmp_path):
    kind = pa.list_(pa.float32(), 112**2)
    path = tmp_path / "maps.parquet"
    pq.write_table(
        pa.table(
            {"a": pa.array([None], pa.float64()), "a_map": pa.array([None], kind)}
        ),
        path,
    )
    with pytest.raises(DataError, match="holds no map of a face with a score"):
        mean_maps(path)


def test_reading_needs_no_torch():
    code = (
        "import sys, fahrstats.face as f; f.read_importance; f.mean_maps; "
        "sys.exit(bool({'torch', 'PIL', 'captum'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

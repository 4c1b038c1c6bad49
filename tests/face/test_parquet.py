from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fahrstats.errors import DataError
from fahrstats.face.parquet import open_parquet


def test_a_file_is_opened_with_its_columns(tmp_path):
    table = pa.table({"photo": ["a.jpg"], "faceage": [40.5]})
    pq.write_table(table, tmp_path / "scores.parquet")
    assert open_parquet(tmp_path / "scores.parquet").read().equals(table)


def test_an_absent_file_and_one_of_another_kind_are_named(tmp_path):
    with pytest.raises(DataError, match=r"There is no file `.*absent\.parquet`"):
        open_parquet(tmp_path / "absent.parquet")
    (tmp_path / "x.parquet").write_text("photo,faceage\n")
    with pytest.raises(DataError, match=r"`.*x\.parquet` is not a Parquet file"):
        open_parquet(tmp_path / "x.parquet")

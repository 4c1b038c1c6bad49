from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fahrstats.face.scoring import finished
from fahrstats.face.scoring.finished import merge_parts
from fahrstats.face.scoring.parts import open_parts

SIZES = (3, 4, 2, 1)


@pytest.mark.parametrize(("rows_per_group", "groups"), [(1, 4), (5, 2), (100, 1)])
def test_parts_are_joined_in_order(tmp_path, monkeypatch, rows_per_group, groups):
    monkeypatch.setattr(finished, "_ROWS_PER_GROUP", rows_per_group)
    out = tmp_path / "scores.parquet"
    names_of = [[f"{i}-{j}.jpg" for j in range(size)] for i, size in enumerate(SIZES)]
    with open_parts(out, "plan", restart=False) as parts:
        for index, names in enumerate(names_of):
            size = len(names)
            table = pa.table(
                {
                    "photo": names,
                    "status": ["ok"] * (size - 1) + ["no_face"],
                    "content": ["00" * 32] * size,
                    "duplicate_of": pa.nulls(size, pa.string()),
                }
            )
            parts.write(index, "stamp", table)
        counts = merge_parts(parts, 4, out, {"key": "plan"})
        parts.remove()
    assert counts["ok"] == 6
    assert counts["no_face"] == 4
    whole = pq.read_table(out)
    assert whole["photo"].to_pylist() == [
        f"{index}-{i}.jpg"
        for index, size in enumerate((3, 4, 2, 1))
        for i in range(size)
    ]
    assert whole["duplicate_of"].to_pylist() == [None] + ["0-0.jpg"] * 9
    assert pq.ParquetFile(out).num_row_groups == groups

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from fahrstats.face.scoring.combined import write_combined


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_ages_without_decimals_and_odd_subjects_survive_the_file(tmp_path, suffix):
    subjects = ["007", "007", "NA", 'a "b",\nc']
    table = pa.table(
        {
            "photo": [f"{i}.jpg" for i in range(4)],
            "subject": subjects,
            "status": ["ok"] * 4,
            "deepface": [30.0, 40.0, 50.0, 60.0],
            "width": [100] * 4,
        }
    )
    scores = tmp_path / f"scores{suffix}"
    if suffix == ".csv":
        pa.csv.write_csv(table, scores)  # writes 30.0 as 30
        written = pd.read_csv(
            write_combined(scores, "subject"),
            dtype={"subject": str},
            na_values=[""],
            keep_default_na=False,
        )
    else:
        pq.write_table(table, scores)
        written = pd.read_parquet(write_combined(scores, "subject"))
    assert written["subject"].tolist() == list(dict.fromkeys(subjects))
    assert written["deepface"].tolist() == [35, 50, 60]
    assert "width" not in written

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.table_file import read_table_file
from fahrstats.errors import DataError


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xlsx", b"", r"must be a \.csv, \.csv\.gz, \.tsv or \.parquet file"),
        ("t.csv", b"", r"`t\.csv` cannot be read: No columns to parse"),
        ("t.csv", b"a,b\n1,2\n1,2,3\n", r"`t\.csv` cannot be read: .*[Ee]xpected 2"),
        ("t.csv", b"a,b\n\xff,1\n", r"`t\.csv` is not UTF-8 text; save it as UTF-8"),
        ("t.csv", "größe,b\n1,2\n".encode("latin-1"), r"is not UTF-8 text"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), r"is not UTF-8 text"),
        ("t.csv", b"a;b\n1;2\n", r"separated by semicolons: save it with commas"),
        ("t.csv", b"a;b\n1,5;2\n1;2\n1,5;2,5\n", r"separated by semicolons"),
        ("t.csv", b"a\tb\n1\t2\n", r"separated by tabs: save it with commas.*\.tsv"),
        ("t.csv", b"a|b\n1|2\n", r"separated by vertical bars: save it with commas"),
        ("t.tsv", b"a,b\n1,2\n", r"separated by commas: save it with tabs.*\.csv"),
        ("t.csv", b"a,b\n", r"`t\.csv` has no rows"),
        (
            "t.csv",
            b"s,b,s\n1,2,3\n",
            r"`t\.csv` has 2 columns named `s`; rename all but",
        ),
        ("t.parquet", b"nonsense", r"`t\.parquet` cannot be read"),
    ],
)
def test_a_file_that_is_no_table_says_why(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table_file(tmp_path / name)


def test_a_file_that_may_not_be_read_says_so_in_words(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Failed to open local file")

    monkeypatch.setattr(pd, "read_parquet", refuse)
    message = r"^`t\.parquet` cannot be read: Permission denied\.$"
    with pytest.raises(DataError, match=message):
        read_table_file(tmp_path / "t.parquet")


def test_markers_are_missing_among_numbers_and_levels_among_text(tmp_path):
    (tmp_path / "t.csv").write_text(
        "score,dead,stage,empty\n"
        "1,True,None,NA\n"
        "NA,NA,N/A,NA\n"
        ".,False,NA,NA\n"
        ",,,\n"
        "2.5,True,II,NA\n"
    )
    data = read_table_file(tmp_path / "t.csv")
    np.testing.assert_array_equal(data["score"], [1, np.nan, np.nan, np.nan, 2.5])
    assert data["dead"].dropna().tolist() == [True, False, True]
    assert data["stage"].dropna().tolist() == ["None", "N/A", "NA", "II"]
    assert data["empty"].isna().all()
    assert pd.api.types.is_float_dtype(data["empty"])


def test_a_large_column_of_numbers_with_a_late_marker_is_numbers(tmp_path):
    n = 300_000  # more than pandas reads at a time
    text = "x\n" + "12\n" * n + "NA\n"
    (tmp_path / "t.csv").write_text(text)
    data = read_table_file(tmp_path / "t.csv")
    assert data["x"].sum() == 12 * n


def test_identifiers_keep_their_leading_zeros_on_request(tmp_path):
    (tmp_path / "t.csv").write_text("photo,age\n007,1\nNA,2\n,3\n")
    assert read_table_file(tmp_path / "t.csv")["photo"].iloc[0] == 7
    photos = read_table_file(tmp_path / "t.csv", text=["photo"])["photo"]
    assert photos.dropna().tolist() == ["007", "NA"]

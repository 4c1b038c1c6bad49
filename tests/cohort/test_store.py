from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.files import remove_partial

TABLE = pd.DataFrame(
    {"n": [10, 4], "estimate": [1.5, np.nan], "term": ["age", "sex[M]"]}
)
PROVENANCE = {"package": "0.1.0", "seed": 7, "formula": "Surv(time, event) ~ age"}


def test_a_table_comes_back_in_glossary_order_with_its_provenance(tmp_path):
    path = tmp_path / "tables" / "cox.parquet"
    store.write(TABLE, path, PROVENANCE)
    table, provenance = store.read(path)
    assert list(table.columns) == ["term", "estimate", "n"]
    pd.testing.assert_frame_equal(table, TABLE[["term", "estimate", "n"]])
    assert provenance == PROVENANCE
    assert store.read_provenance(path) == PROVENANCE


def test_a_column_outside_the_glossary_cannot_reach_a_file(tmp_path):
    with pytest.raises(AssertionError, match="glossary"):
        store.write(TABLE.assign(hazard=1.0), tmp_path / "x.parquet", PROVENANCE)
    assert not list(tmp_path.iterdir())


def test_categories_are_written_as_text(tmp_path):
    path = tmp_path / "x.parquet"
    groups = pd.DataFrame({"group": pd.Categorical(["Q1", "Q2"], ["Q2", "Q1"])})
    store.write(groups, path, {})
    assert list(store.read(path)[0]["group"]) == ["Q1", "Q2"]


def test_a_write_that_fails_keeps_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "cox.parquet"
    store.write(TABLE, path, PROVENANCE)

    def stop(arrow, where):
        where.write_bytes(b"half a table")
        raise OSError("disk full")

    monkeypatch.setattr(store.pq, "write_table", stop)
    with pytest.raises(OSError, match="disk full"):
        store.write(TABLE.head(1), path, PROVENANCE)
    assert len(store.read(path)[0]) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["cox.parquet"]


def test_a_write_that_is_killed_leaves_no_half_table(tmp_path):
    script = f"""
        import os, pathlib, signal
        import pandas as pd
        from fahrstats.cohort import store

        def killed(arrow, where):
            where.write_bytes(b"PAR1 half a table")
            os.kill(os.getpid(), signal.SIGKILL)

        store.pq.write_table = killed
        store.write(pd.DataFrame({{"n": [1]}}), pathlib.Path({str(tmp_path)!r}) /
                    "cox.parquet", {{}})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode < 0
    assert not list(tmp_path.glob("*.parquet"))
    assert len(list(tmp_path.iterdir())) == 1
    remove_partial(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_absent_or_foreign_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no result table .*cox\.parquet"):
        store.read(tmp_path / "cox.parquet")
    foreign = tmp_path / "foreign.parquet"
    TABLE.to_parquet(foreign)
    with pytest.raises(DataError, match="holds no provenance"):
        store.read(foreign)
    text = tmp_path / "text.parquet"
    text.write_text("term,estimate\n")
    with pytest.raises(DataError, match="not a Parquet file"):
        store.read(text)
    assert store.read_provenance(text) is None
    assert store.read_provenance(tmp_path / "absent.parquet") is None


def test_a_manifest_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "manifest.json"
    manifest = {"title": "Tränen", "horizons": [1, 5.5], "seed": None}
    store.write_manifest(manifest, path)
    assert store.read_manifest(path) == manifest
    assert "ä" in path.read_text(encoding="utf-8")


def test_a_manifest_that_is_absent_or_broken_is_named(tmp_path):
    with pytest.raises(DataError, match="not finished; run it"):
        store.read_manifest(tmp_path / "manifest.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(DataError, match="not a manifest"):
        store.read_manifest(broken)

from __future__ import annotations

import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fahrstats.errors import DataError
from fahrstats.face.scoring.parts import open_parts

TABLE = pa.table({"photo": ["a.jpg"], "faceage": [50.0]})


def test_a_part_is_there_only_for_its_plan_and_photos(tmp_path):
    out = tmp_path / "scores.parquet"
    with open_parts(out, "plan", restart=False) as parts:
        parts.write(3, "photos", TABLE)
        assert parts.has(3, "photos")
        assert not parts.has(3, "photos changed")
        assert not parts.has(2, "photos")
        assert parts.read(3).equals(TABLE)
        assert parts.read(3, ["faceage"]).column_names == ["faceage"]
    with open_parts(out, "plan", restart=False) as parts:
        assert parts.has(3, "photos")


def test_parts_of_another_plan_are_refused_until_discarded(tmp_path):
    out = tmp_path / "scores.parquet"
    with open_parts(out, "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
    message = r"`scores.parquet.parts` holds parts of a run with other models.*restart"
    with (
        pytest.raises(DataError, match=message),
        open_parts(out, "other plan", restart=False),
    ):
        pass
    with open_parts(out, "other plan", restart=True) as parts:
        assert not parts.has(0, "photos")


def test_only_stale_parts_are_discarded_on_request(tmp_path):
    out = tmp_path / "scores.parquet"
    with open_parts(out, "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
    with open_parts(out, "plan", restart="if stale") as parts:
        assert parts.has(0, "photos")
    with open_parts(out, "other plan", restart="if stale") as parts:
        assert not parts.has(0, "photos")
        parts.write(0, "photos", TABLE)
        assert parts.has(0, "photos")


def test_a_damaged_part_is_made_again(tmp_path):
    with open_parts(tmp_path / "s.parquet", "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
        os.truncate(parts.path(0), 20)
        assert not parts.has(0, "photos")


def test_an_empty_folder_of_parts_does_not_stay(tmp_path):
    with open_parts(tmp_path / "s.parquet", "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
        parts.remove()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_cannot_make_one_table(tmp_path):
    out = tmp_path / "s.parquet"
    message = rf"`s.parquet` is being made by another run \(process {os.getpid()}\)"
    with (
        open_parts(out, "plan", restart=False) as parts,
        pytest.raises(DataError, match=message),
        open_parts(out, "plan", restart=True),
    ):
        pass
    assert not parts.folder.exists()


def test_the_lock_of_a_killed_run_holds_nobody_up(tmp_path):
    out = tmp_path / "s.parquet"
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from fahrstats.face.scoring.parts import open_parts\n"
        "with open_parts(Path(sys.argv[1]), 'plan', restart=False):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(out)], check=False)
    assert killed.returncode == -9
    assert (tmp_path / "s.parquet.parts" / "lock").exists()
    with open_parts(out, "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)


def test_a_full_disk_leaves_no_half_part(tmp_path, monkeypatch):
    def full(table, path, **options):
        path.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    with open_parts(tmp_path / "s.parquet", "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
        with monkeypatch.context() as patched:
            patched.setattr(pq, "write_table", full)
            with pytest.raises(OSError, match="No space left on device") as raised:
                parts.write(1, "photos", TABLE)
        assert raised.value.filename == str(parts.path(1))
        assert sorted(path.name for path in parts.folder.iterdir()) == [
            "00000000.parquet",
            "lock",
        ]

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
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


@pytest.mark.parametrize("place", range(0, 1000, 53))
def test_a_part_with_one_wrong_bit_is_made_again(tmp_path, place):
    out = tmp_path / "s.parquet"
    with open_parts(out, "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
        content = bytearray(parts.path(0).read_bytes())
        content[place % len(content)] ^= 1 << place % 8
        parts.path(0).write_bytes(content)
    with open_parts(out, "plan", restart=False) as parts:
        assert not parts.has(0, "photos")
        with pytest.raises(DataError, match=r"`s.parquet.parts/00000000.part` is dam"):
            parts.read(0)


@pytest.mark.parametrize("left", [0, 20, 64, 80, 300])
def test_a_part_that_was_cut_is_made_again(tmp_path, left):
    out = tmp_path / "s.parquet"
    with open_parts(out, "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
        os.truncate(parts.path(0), left)
    with open_parts(out, "plan", restart=False) as parts:
        assert not parts.has(0, "photos")


def test_files_of_the_user_are_never_deleted(tmp_path):
    folder = tmp_path / "s.parquet.parts"
    folder.mkdir()
    for name in ("00000000.parquet", "theirs.part"):
        (folder / name).write_bytes(b"theirs")
    with open_parts(tmp_path / "s.parquet", "plan", restart=True) as parts:
        parts.write(0, "photos", TABLE)
        parts.remove()
    assert sorted(path.name for path in folder.iterdir()) == [
        "00000000.parquet",
        "theirs.part",
    ]


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


def test_a_lock_that_its_holder_has_just_deleted_is_none(tmp_path, monkeypatch):
    lock_file = fcntl.flock

    def late(descriptor, how):
        (tmp_path / "s.parquet.parts" / "lock").unlink()
        lock_file(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with (
        pytest.raises(DataError, match=r"Another run has just made `s.parquet`"),
        open_parts(tmp_path / "s.parquet", "plan", restart=False),
    ):
        pass


def test_where_files_cannot_be_locked_the_system_says_why(tmp_path, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(OSError, match="No locks available"),
        open_parts(tmp_path / "s.parquet", "plan", restart=False),
    ):
        pass


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
    def full(path, content):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with open_parts(tmp_path / "s.parquet", "plan", restart=False) as parts:
        parts.write(0, "photos", TABLE)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", full)
            with pytest.raises(OSError, match="No space left on device") as raised:
                parts.write(1, "photos", TABLE)
        assert raised.value.filename == str(parts.path(1))
        assert sorted(path.name for path in parts.folder.iterdir()) == [
            "00000000.part",
            "lock",
        ]

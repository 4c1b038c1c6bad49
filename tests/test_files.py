from __future__ import annotations

import errno
import subprocess

import pytest

from fahrstats import files


def test_the_hash_of_a_file_is_its_sha256(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert files.file_sha256(path) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_what_a_running_process_writes_is_left_alone(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as other:
        theirs = tmp_path / f".cox.parquet.{other.pid}.partial"
        theirs.write_bytes(b"PAR1")
        files.remove_partial(tmp_path)
        assert theirs.exists()
        other.kill()
    files.remove_partial(tmp_path)
    assert not theirs.exists()


def test_a_full_disk_names_the_file_and_not_its_partial_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    path = tmp_path / "manifest.json"
    with pytest.raises(OSError, match="No space left") as error:
        files.write_whole(path, lambda partial: partial.write_text("{}"))
    assert error.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []

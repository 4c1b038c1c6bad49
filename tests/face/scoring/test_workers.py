from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fahrstats.errors import DataError
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring.workers import available_cores, score_in_processes

PROGRAM = Path(__file__).parents[2] / "support" / "scoring_program.py"


def run(cohort, out: Path, **accidents: object) -> subprocess.CompletedProcess[str]:
    """Run the command line with accidents and one worker."""
    environment = {f"SCORING_{name}": str(value) for name, value in accidents.items()}
    options = [*cohort.options(), "-o", str(out), "--workers", "1"]
    return subprocess.run(
        [sys.executable, str(PROGRAM), "score", *options],
        env={**os.environ, "SCORING_LOG": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_cores_are_those_this_process_may_use():
    assert 1 <= available_cores() <= len(os.sched_getaffinity(0))


def test_a_quota_of_the_container_counts(monkeypatch):
    quotas = {"150000 100000": 1, "max 100000": None, "unreadable": None}
    for text, cores in quotas.items():
        monkeypatch.setattr(Path, "read_text", lambda path, text=text: f"{text}\n")
        assert available_cores() == (cores or len(os.sched_getaffinity(0)))


def test_what_goes_wrong_in_a_worker_is_raised_here(cohort, tmp_path):
    plan = cohort.plan(models=(str(tmp_path / "absent.safetensors"),))
    shards = open_source(cohort.photos).shards(12)
    with pytest.raises(DataError, match="There is no file of parameters"):
        list(score_in_processes(plan, shards, 1))


@pytest.mark.slow
def test_the_shard_of_a_killed_worker_is_scored_by_another(cohort, tmp_path):
    out, marker = tmp_path / "scores.parquet", tmp_path / "died"
    ended = run(cohort, out, DIE="p009.png", DIE_ONCE=marker)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert marker.exists()
    assert pd.read_parquet(out)["faceage"].notna().all()


@pytest.mark.slow
def test_a_photo_that_kills_every_worker_is_named(cohort, tmp_path):
    ended = run(cohort, tmp_path / "scores.parquet", DIE="p020.png")
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "Error: Two processes died on the same 8 photos, `p016.png` to `p023.png` "
        "(exit code -9; -9 is often the system short of memory). Finished photos are "
        "kept: run again with fewer `--workers`"
    )
    assert len(list(tmp_path.glob("scores.parquet.parts/*.part"))) == 1

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from portraits import small_checkpoint

from fahrstats.cohort.store import read_provenance
from fahrstats.errors import DataError
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring import finished, runs
from fahrstats.face.scoring.parts import Parts
from fahrstats.face.scoring.runs import check_scored, score_to, shard_size
from fahrstats.face.scoring.score import as_frame

PROGRAM = Path(__file__).parents[2] / "support" / "scoring_program.py"


@pytest.fixture
def small_shards(monkeypatch):
    """Cut the two dozen photos in six shards."""
    monkeypatch.setattr(runs, "_FEWEST_PHOTOS", 4)


@pytest.fixture
def in_process(monkeypatch):
    """Score without other processes; return the indices of the shards."""
    scored = []

    def engine(plan, shards, n_workers):
        bench = runs.open_workbench(plan)
        for shard in shards:
            scored.append(shard.index)
            yield shard, bench.score(shard)

    monkeypatch.setattr(runs, "score_in_processes", engine)
    return scored


def start(cohort, out: Path, log: Path, **accidents: object) -> subprocess.Popen[bytes]:
    """Start the command line with a log; in a process group of its own."""
    environment = {f"SCORING_{name}": str(value) for name, value in accidents.items()}
    with log.with_suffix(".err").open("w") as errors:
        options = [*cohort.options(), "-o", str(out), "--workers", "2"]
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), "score", *options],
            env={**os.environ, **environment, "SCORING_LOG": str(log)},
            stderr=errors,
            start_new_session=True,
        )


def finish(running: subprocess.Popen[bytes]) -> None:
    """Wait until a run has ended well."""
    assert running.wait(60) == 0


def read_part(path: Path) -> pa.Table:
    """Read a part as its description says it can be read."""
    _, _, content = path.read_bytes().partition(b"\n")
    return pq.read_table(io.BytesIO(content))


def wait_until(running: subprocess.Popen[bytes], exists: Callable[[], object]) -> None:
    """Wait for what a run writes."""
    while not exists():
        assert running.poll() is None
        time.sleep(0.05)


def test_a_run_gives_what_one_process_gives(cohort, tmp_path, small_shards):
    out = tmp_path / "scores.parquet"
    steps = []
    counts = score_to(
        out,
        open_source(cohort.photos),
        plan=cohort.plan(),
        workers=2,
        watch=lambda *step: steps.append(step),
    )
    assert counts["ok"] == 24
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]
    # shards divide the photos in other batches
    pd.testing.assert_frame_equal(
        pd.read_parquet(out),
        as_frame(cohort.photos, cohort.plan()),
        rtol=0,
        atol=1e-4,
    )
    assert [step for step in steps if step[0] == "scoring"][-1] == ("scoring", 24, 24)


def test_a_finished_table_is_left_as_it_is(cohort, tmp_path, in_process, small_shards):
    out = tmp_path / "scores.parquet"
    source = open_source(cohort.photos)
    counts = score_to(out, source, plan=cohort.plan())
    before = out.stat()
    assert score_to(out, source, plan=cohort.plan()) == counts
    assert out.stat().st_ino == before.st_ino
    assert in_process == list(range(6))


def test_a_stopped_run_goes_on(cohort, tmp_path, in_process, small_shards, monkeypatch):
    whole, out = tmp_path / "whole.parquet", tmp_path / "scores.parquet"
    source = open_source(cohort.photos)
    score_to(whole, source, plan=cohort.plan())
    in_process.clear()

    def stop(step, position, total):
        if position == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_to(out, source, plan=cohort.plan(), watch=stop)
    assert not out.exists()
    steps = []
    score_to(
        out,
        source,
        plan=cohort.plan(batch_size=8),
        watch=lambda *step: steps.append(step),
    )
    assert in_process == list(range(6))
    assert steps[1:3] == [("scoring", 12, 24), ("scoring", 16, 24)]
    assert out.read_bytes() == whole.read_bytes()


def test_a_run_stopped_after_its_table_leaves_nothing_to_do(
    cohort, tmp_path, in_process, monkeypatch
):
    out = tmp_path / "scores.parquet"
    source = open_source(cohort.photos)

    def stop(parts):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Parts, "remove", stop)
        with pytest.raises(KeyboardInterrupt):
            score_to(out, source, plan=cohort.plan())
    assert out.with_name("scores.parquet.parts").exists()
    assert score_to(out, source, plan=cohort.plan())["ok"] == 24
    assert in_process == [0, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


def test_a_photo_that_changed_is_scored_again(
    cohort, tmp_path, in_process, small_shards
):
    photos = shutil.copytree(cohort.photos, tmp_path / "photos")
    out = tmp_path / "scores.parquet"

    def stop(step, position, total):
        if position == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_to(out, open_source(photos), plan=cohort.plan(), watch=stop)
    shutil.copy(photos / "p020.png", photos / "p005.png")
    os.utime(photos / "p005.png", (1, 1))
    score_to(out, open_source(photos), plan=cohort.plan())
    assert in_process == [0, 1, 2, 1, 3, 4, 5]
    assert pd.read_parquet(out)["duplicate_of"][20] == "p005.png"


def test_a_checkpoint_that_is_replaced_during_a_run_stops_it(
    cohort, tmp_path, in_process, small_shards, monkeypatch
):
    checkpoint = small_checkpoint(tmp_path / "age.safetensors")
    out = tmp_path / "scores.parquet"
    open_workbench = runs.open_workbench
    opened = []

    def replaced_before_workers_open_it(plan):
        if opened:
            small_checkpoint(checkpoint, seed=2)
        opened.append(plan)
        return open_workbench(plan)

    monkeypatch.setattr(runs, "open_workbench", replaced_before_workers_open_it)
    with pytest.raises(DataError, match="A worker has scored with other models"):
        score_to(
            out,
            open_source(cohort.photos),
            plan=cohort.plan(models=(str(checkpoint),)),
        )
    assert not out.exists()


def test_a_table_is_not_made_of_photos_that_changed_meanwhile(
    cohort, tmp_path, in_process, small_shards
):
    photos = shutil.copytree(cohort.photos, tmp_path / "photos")
    out = tmp_path / "scores.parquet"

    def replace_one(step, position, total):
        if position == 12:
            shutil.copy(photos / "p020.png", photos / "p005.png")

    with pytest.raises(DataError, match="Photos were changed, or their disk was abse"):
        score_to(out, open_source(photos), plan=cohort.plan(), watch=replace_one)
    assert not out.exists()
    assert score_to(out, open_source(photos), plan=cohort.plan())["ok"] == 24
    assert in_process == [0, 1, 2, 3, 4, 5, 1]


def test_provenance_travels_with_the_table(cohort, tmp_path, in_process):
    out = tmp_path / "scores.parquet"
    score_to(out, open_source(cohort.photos), plan=cohort.plan(several="largest"))
    found = read_provenance(out)
    assert found["source"] == "photos"
    assert found["photos"] == 24
    assert found["status"]["ok"] == 24
    assert found["several"] == "largest"
    assert found["detector"].startswith("faces.csv@")
    assert found["cards"][0]["name"] == "small-age"
    assert found["checkpoint"].endswith(found["cards"][0]["sha256"][:12])


def test_csv_has_its_provenance_beside_it(cohort, tmp_path, in_process):
    out = tmp_path / "scores.csv"
    source = open_source(cohort.photos)
    score_to(out, source, plan=cohort.plan())
    score_to(out, source, plan=cohort.plan())
    assert in_process == [0, 1]
    pd.testing.assert_series_equal(
        pd.read_csv(out)["faceage"],
        as_frame(cohort.photos, cohort.plan())["faceage"],
        rtol=1e-12,
        atol=1e-4,
    )
    assert json.loads((tmp_path / "scores.csv.json").read_text())["photos"] == 24


def test_a_run_stopped_while_it_writes_csv_goes_on(
    cohort, tmp_path, in_process, monkeypatch
):
    out = tmp_path / "scores.csv"
    source = open_source(cohort.photos)

    def stop(path, fill):
        if path == out:
            raise KeyboardInterrupt
        write_whole(path, fill)

    write_whole = finished.write_whole
    for restart in (False, True):
        with monkeypatch.context() as patched:
            patched.setattr(finished, "write_whole", stop)
            with pytest.raises(KeyboardInterrupt):
                score_to(out, source, plan=cohort.plan(), restart=restart)
        assert score_to(out, source, plan=cohort.plan())["ok"] == 24
    assert in_process == [0, 1, 0, 1]
    assert len(pd.read_csv(out)) == 24


def test_another_plan_needs_another_name(cohort, tmp_path, in_process):
    out = tmp_path / "scores.parquet"
    source = open_source(cohort.photos)
    score_to(out, source, plan=cohort.plan())
    other = cohort.plan(several="largest")
    with pytest.raises(DataError, match=r"`scores.parquet` was made from other"):
        score_to(out, source, plan=other)
    score_to(out, source, plan=other, restart=True)
    assert read_provenance(out)["several"] == "largest"
    done = len(in_process)
    score_to(out, source, plan=other, restart="if stale")
    assert len(in_process) == done
    score_to(out, source, plan=cohort.plan(), restart="if stale")
    assert read_provenance(out)["several"] == "refuse"


@pytest.mark.parametrize("restart", [False, True])
def test_a_file_of_the_user_is_never_replaced(cohort, tmp_path, in_process, restart):
    out = tmp_path / "cohort.parquet"
    pd.DataFrame({"photo": ["a.jpg"]}).to_parquet(out)
    before = out.read_bytes()
    with pytest.raises(DataError, match="exists and is not a table of scores"):
        score_to(out, open_source(cohort.photos), plan=cohort.plan(), restart=restart)
    assert out.read_bytes() == before
    assert in_process == []


def test_what_is_asked_for_must_be_possible(cohort, tmp_path):
    source = open_source(cohort.photos)
    with pytest.raises(DataError, match=r"`s.xlsx` must end in .parquet or .csv"):
        score_to(tmp_path / "s.xlsx", source, plan=cohort.plan())
    with pytest.raises(DataError, match=r"`e.csv` must end in .parquet\."):
        score_to(tmp_path / "e.csv", source, plan=cohort.plan(outcome="embeddings"))
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(DataError, match=r"`folder.parquet` is a folder; give another"):
        score_to(tmp_path / "folder.parquet", source, plan=cohort.plan())
    with pytest.raises(DataError, match="`workers` must be at least 1"):
        score_to(tmp_path / "s.parquet", source, plan=cohort.plan(), workers=0)
    with pytest.raises(DataError, match="`engine` is `processes` or `ray`"):
        score_to(tmp_path / "s.parquet", source, plan=cohort.plan(), engine="spark")


def test_a_run_that_scored_nothing_says_so(tmp_path):
    counts = {"ok": 0, "no_face": 10, "several_faces": 0, "unreadable": 2}
    message = r"None of the 12 photos has a usable face \(10 no_face, 2 unreadable\)"
    with pytest.raises(DataError, match=message):
        check_scored(counts, tmp_path / "s.parquet")


def test_shards_are_small_enough_to_share_and_to_lose():
    assert [shard_size(n) for n in (5, 879, 6400, 10**6)] == [16, 16, 100, 512]
    slow = [shard_size(n, is_slow=True) for n in (5, 879, 6400, 10**6)]
    assert slow == [2, 13, 100, 512]


def test_a_full_disk_stops_a_run_that_can_go_on(
    cohort, tmp_path, in_process, small_shards, monkeypatch
):
    out = tmp_path / "scores.parquet"
    source = open_source(cohort.photos)
    write_bytes = Path.write_bytes

    def full(path, content):
        if "00000003" in path.name:
            path.write_text("half")
            raise OSError(28, "No space left on device")
        write_bytes(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left on device"):
            score_to(out, source, plan=cohort.plan())
    score_to(out, source, plan=cohort.plan())
    assert in_process == [0, 1, 2, 3, 3, 4, 5]
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


def test_no_half_file_where_the_system_refuses_to_write(cohort, tmp_path, in_process):
    # a limit on the size of files, which the system enforces, for a full disk
    out = tmp_path / "scores.parquet"
    source = open_source(cohort.photos)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
        with pytest.raises(OSError, match="File too large") as raised:
            score_to(out, source, plan=cohort.plan())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert raised.value.filename == f"{out}.parts/00000000.part"
    assert list(tmp_path.iterdir()) == []
    assert score_to(out, source, plan=cohort.plan())["ok"] == 24


@pytest.mark.slow
def test_a_killed_run_goes_on_and_nothing_is_lost_or_scored_twice(
    cohort, tmp_path, in_process
):
    whole, out, log = (tmp_path / name for name in ("w.parquet", "s.parquet", "log"))
    score_to(whole, open_source(cohort.photos), plan=cohort.plan())
    running = start(cohort, out, log, DELAY=0.3)
    wait_until(running, lambda: list(tmp_path.glob("s.parquet.parts/*.part")))
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    finished = [
        photo
        for part in tmp_path.glob("s.parquet.parts/*.part")
        for photo in read_part(part)["photo"].to_pylist()
    ]
    assert 0 < len(finished) < 24
    assert not out.exists()
    finish(start(cohort, out, log))
    assert out.read_bytes() == whole.read_bytes()
    looked_at = Counter(log.read_text().split())
    assert set(looked_at) == {f"p{i:03d}.png" for i in range(24)}
    assert {looked_at[photo] for photo in finished} == {1}


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(cohort, tmp_path):
    log = tmp_path / "log"
    running = start(cohort, tmp_path / "s.parquet", log, DELAY=0.2)
    wait_until(running, log.exists)
    running.kill()
    running.wait()
    time.sleep(1)
    size = log.stat().st_size
    time.sleep(1)
    assert log.stat().st_size == size


@pytest.mark.slow
def test_ctrl_c_ends_a_run_that_can_go_on(cohort, tmp_path):
    out, log = tmp_path / "s.parquet", tmp_path / "log"
    running = start(cohort, out, log, DELAY=0.1)
    wait_until(running, lambda: list(tmp_path.glob("s.parquet.parts/*.part")))
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(10) == 130
    assert log.with_suffix(".err").read_text() == "Interrupted.\n"
    finish(start(cohort, out, log))

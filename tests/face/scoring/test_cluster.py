from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from fahrstats.errors import MissingExtraError
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring import runs
from fahrstats.face.scoring.runs import score_to
from fahrstats.face.scoring.score import as_frame


def actors() -> list[int]:
    """Return the processes in which shards are scored."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = status.read_bytes()
        except OSError:
            continue
        if command.startswith(b"ray::") and b"_ShardScorer" in command:
            found.append(int(status.parent.name))
    return found


def test_ray_is_an_extra(cohort, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    message = r"`--engine ray` needs Ray: pip install 'fahrstats\[ray\]'"
    with pytest.raises(MissingExtraError, match=message):
        score_to(
            tmp_path / "scores.parquet",
            open_source(cohort.photos),
            plan=cohort.plan(),
            engine="ray",
        )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, of many kinds
def test_a_cluster_that_loses_a_worker_gives_what_one_process_gives(
    cohort, tmp_path, monkeypatch
):
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setattr(runs, "_FEWEST_PHOTOS", 2)
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in cohort.photos.iterdir():  # takes longer to decode, and looks the same
        with Image.open(path) as image:
            large = Image.new("RGB", (3000, 3000))
            large.paste(image)
            large.save(photos / path.name, compress_level=1)
    killed, seen = [], set()

    def kill_one(step, position, total):
        if step == "scoring" and position:
            seen.update(actors())
            if not killed:
                killed.append(min(seen))
                os.kill(killed[0], signal.SIGKILL)

    out = tmp_path / "scores.parquet"
    counts = score_to(
        out,
        open_source(photos),
        plan=cohort.plan(),
        workers=2,
        engine="ray",
        watch=kill_one,
    )
    assert counts["ok"] == 24
    assert len(seen) > 2  # another actor took the place of the one that was killed
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    pd.testing.assert_frame_equal(
        pd.read_parquet(out),
        as_frame(photos, cohort.plan()),
        rtol=0,
        atol=1e-4,
    )

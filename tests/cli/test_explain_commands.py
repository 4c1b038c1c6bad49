from __future__ import annotations

import pytest
from portraits import draw_portraits, small_checkpoint, table_of_faces

from fahrstats.face.saliency.importance_table import mean_maps, read_importance
from fahrstats.face.scoring import runs


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Four photos and the usual options; they are explained in this process."""

    def engine(plan, shards, n_workers):
        bench = runs.open_workbench(plan)
        return ((shard, bench.score(shard)) for shard in shards)

    monkeypatch.setattr(runs, "score_in_processes", engine)
    photos = draw_portraits(tmp_path / "photos", 4)
    faces = table_of_faces(tmp_path / "f.csv", [path.name for path in photos.iterdir()])
    checkpoint = small_checkpoint(tmp_path / "small.safetensors")
    detector = f"precomputed:{faces}"
    return ["explain", photos, "--checkpoint", checkpoint, "--detector", detector]


def test_explain_writes_the_importance_of_regions(run, command, tmp_path):
    out = tmp_path / "importance.parquet"
    status, said, errors = run(*command, "-o", out, "--limit", 3)
    assert (status, errors) == (0, "")
    assert said == f"3 photos (3 ok): {out}\n"
    data = read_importance(out)
    assert len(data) == 3 * 11
    assert data["importance"].notna().all()


def test_a_finished_run_is_left_as_it_is(run, command, tmp_path):
    out = tmp_path / "importance.parquet"
    run(*command, "-o", out)
    before = out.stat().st_mtime_ns
    assert run(*command, "-o", out)[0] == 0
    assert out.stat().st_mtime_ns == before
    status, _, errors = run(*command, "-o", out, "--method", "rollout")
    assert status == 1
    assert "`importance.parquet` was made from other photos, or with other" in errors


def test_maps_come_with_a_notice(run, command, tmp_path):
    out = tmp_path / "maps.parquet"
    status, said, errors = run(*command, "-o", out, "--method", "rollout", "--map")
    assert (status, errors) == (0, "")
    assert "The maps show single faces: personal data, keep them as photos." in said
    assert mean_maps(out)["faceage"].shape == (112, 112)


def test_what_cannot_be_explained_is_refused(run, command, tmp_path):
    out = tmp_path / "importance.parquet"
    status, _, errors = run(*command, "-o", out, "--map")
    assert status == 1
    assert errors.startswith("Error: Ablation tells of regions and gives no map;")
    status, _, errors = run(*command, "-o", out, "--method", "guess")
    assert errors.startswith("Error: `method` must be one of ablation, occlusion,")
    status, _, errors = run("explain", command[1], "-o", out)
    assert errors.startswith("Error: Photos cannot be scored without a model")

from __future__ import annotations

import pytest
from portraits import draw_portraits, small_checkpoint, table_of_faces

from fahrstats.face.perturbations.catalogue import CONDITIONS
from fahrstats.face.perturbations.perturbed_table import read_perturbed
from fahrstats.face.scoring import runs


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Four photos and the usual options; they are scored in this process."""

    def engine(plan, shards, n_workers):
        bench = runs.open_workbench(plan)
        return ((shard, bench.score(shard)) for shard in shards)

    monkeypatch.setattr(runs, "score_in_processes", engine)
    photos = draw_portraits(tmp_path / "photos", 4)
    faces = table_of_faces(tmp_path / "f.csv", [path.name for path in photos.iterdir()])
    checkpoint = small_checkpoint(tmp_path / "small.safetensors")
    return [
        "perturb",
        photos,
        "--checkpoint",
        checkpoint,
        "--detector",
        f"precomputed:{faces}",
        "--landmarks",
        "carried",
    ]


def test_perturb_writes_the_scores_of_changed_photos(run, command, tmp_path):
    out = tmp_path / "panel.parquet"
    wanted = ["--condition", "jpeg", "--condition", "roll", "--limit", 3]
    status, said, errors = run(*command, "-o", out, *wanted)
    assert (status, errors) == (0, "")
    assert said == f"3 photos (3 ok): {out}\n"
    data = read_perturbed(out)
    assert data["photo"].nunique() == 3
    assert data["condition"].unique().tolist() == ["roll", "jpeg"]
    assert data["faceage"].notna().all()


def test_a_wrong_name_is_answered_by_the_right_one(run, command, tmp_path):
    out = tmp_path / "panel.parquet"
    assert run(*command, "-o", out, "--condition", "lip_stick") == (
        1,
        "",
        "Error: There is no condition `lip_stick`. Did you mean `lipstick`?\n",
    )
    status, _, errors = run(*command, "-o", out, "--landmarks", "guessed")
    assert (status, errors) == (
        1,
        "Error: `landmarks` must be carried or detected, but it is 'guessed'.\n",
    )
    status, _, errors = run(*command, "-o", tmp_path / "panel.csv")
    assert (status, errors) == (1, "Error: `panel.csv` must end in .parquet.\n")


def test_conditions_are_listed_with_their_doses(run):
    status, said, _ = run("conditions")
    assert status == 0
    assert "defocus (camera): 2, 4, 7, 11, 16 % of eye distance\n" in said
    assert all(f"{name} (" in said for name in CONDITIONS)

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from portraits import draw_portraits, small_checkpoint, table_of_faces

from fahrstats.face.scoring import runs
from fahrstats.face.scoring.embed import read_embeddings
from fahrstats.face.training.faces.crops import open_crops

OFFLINE = Path(__file__).parents[1] / "support" / "offline_program.py"


@pytest.fixture
def cohort(tmp_path):
    """Four photos, the last two of one file: a manifest, and the usual options."""
    photos = draw_portraits(tmp_path / "photos", 3)
    (photos / "p003.png").write_bytes((photos / "p002.png").read_bytes())
    names = [f"p{i:03d}.png" for i in range(4)]
    manifest = tmp_path / "manifest.csv"
    pd.DataFrame({"photo": names, "subject": ["a", "b", "b", "b"]}).to_csv(
        manifest, index=False
    )
    faces = table_of_faces(tmp_path / "faces.csv", names[1:])
    checkpoint = small_checkpoint(tmp_path / "small.safetensors")
    options = {
        "--root": photos,
        "--checkpoint": checkpoint,
        "--detector": f"precomputed:{faces}",
        "--device": "cpu",
        "--workers": 1,
    }
    return [manifest, *(word for option in options.items() for word in option)]


@pytest.fixture
def _in_process(monkeypatch):
    def engine(plan, shards, n_workers):
        bench = runs.open_workbench(plan)
        return ((shard, bench.score(shard)) for shard in shards)

    monkeypatch.setattr(runs, "score_in_processes", engine)


@pytest.mark.usefixtures("_in_process")
def test_score_ends_with_counts_and_the_path(run, cohort, tmp_path):
    out = tmp_path / "scores.parquet"
    status, said, errors = run("score", *cohort, "-o", out)
    assert (status, errors) == (0, "")
    assert said == f"4 photos (3 ok, 1 no_face): {out}\n"
    scores = pd.read_parquet(out)
    assert scores["subject"].tolist() == ["a", "b", "b", "b"]
    assert scores["faceage"].notna().tolist() == [False, True, True, True]
    assert run("score", *cohort, "-o", out, "--quiet") == (0, "", "")


@pytest.mark.usefixtures("_in_process")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_medians_per_subject_are_written_beside(run, cohort, tmp_path, suffix):
    out = tmp_path / f"scores{suffix}"
    beside = tmp_path / f"scores-per-subject{suffix}"
    status, said, _ = run("score", *cohort, "-o", out, "--per", "subject")
    assert status == 0
    assert said.endswith(f"Per subject: {beside}\n")
    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    subjects, scores = read(beside), read(out)
    assert subjects["subject"].tolist() == ["a", "b"]
    assert subjects["n_photos"].tolist() == [1, 2]
    assert subjects["n_scored"].tolist() == [0, 2]
    assert subjects["faceage"][1] == pytest.approx(scores["faceage"][1:3].median())


@pytest.mark.usefixtures("_in_process")
def test_a_cohort_without_a_score_is_an_error_after_the_table(run, cohort, tmp_path):
    (tmp_path / "photos" / "p001.png").write_bytes(b"PK\x03\x04")
    alone = tmp_path / "alone.csv"
    alone.write_text("photo\np000.png\np001.png\n")
    out = tmp_path / "scores.csv"
    status, said, errors = run("score", alone, *cohort[1:], "-o", out)
    assert (status, said) == (1, "")
    assert errors == (
        "Error: None of the 2 photos has a usable face (1 no_face, 1 unreadable); "
        "the column `note` of `scores.csv` says why.\n"
    )
    assert len(pd.read_csv(out)) == 2


@pytest.mark.usefixtures("_in_process")
def test_embed_writes_vectors(run, cohort, tmp_path):
    out = tmp_path / "embeddings.parquet"
    status, said, _ = run("embed", *cohort, "-o", out)
    assert (status, said) == (0, f"4 photos (3 ok, 1 no_face): {out}\n")
    photos, embeddings = read_embeddings(out)
    assert photos["photo"].tolist() == ["p001.png", "p002.png", "p003.png"]
    assert embeddings.shape == (3, 16)


@pytest.mark.usefixtures("_in_process")
def test_crop_writes_faces_and_says_what_they_are(run, cohort, tmp_path):
    manifest, root, photos, _, _, detector, faces, *_ = cohort
    options = [manifest, root, photos, detector, faces, "--size", 32]
    out = tmp_path / "crops.parquet"
    assert run("crop", *options, "-o", out) == (
        0,
        f"4 photos (3 ok, 1 no_face): {out}\n"
        "The crops show faces: personal data, keep them as the photos.\n",
        "",
    )
    crops = open_crops([out], cache=tmp_path / "cache")
    assert crops.pixels.shape == (3, 32, 32, 3)
    assert crops.subject.tolist() == ["b", "b", "b"]
    assert run("crop", *options, "-o", out, "--quiet") == (0, "", "")
    status, _, errors = run("crop", *options, "-o", out, "--margin", 2)
    assert (status, errors) == (
        1,
        "Error: `margin` must be between 0 and 1, but it is 2.0.\n",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--per", "session"], "`p000.png` has no session, so photos cannot be"),
        (["--per", "hospital"], "`per` must be photo, subject or session"),
        (["--several", "oldest"], "`several` must be refuse, largest or central"),
        (["--device", "tpu"], "`device` is `tpu`; choose"),
        (["--engine", "spark"], "`engine` is `processes` or `ray`, but it is 'spark'"),
        (["--detector", "haar"], "There is no detector `haar`"),
        (["--checkpoint", "fahr-facesurvival"], "its authors never released one"),
    ],
)
def test_options_are_checked_before_anything_is_scored(
    run, cohort, tmp_path, options, message
):
    status, _, errors = run("score", *cohort, "-o", tmp_path / "s.parquet", *options)
    assert status == 1
    assert message in errors
    assert not list(tmp_path.glob("s.parquet*"))


def test_nothing_leaves_the_machine(cohort, tmp_path):
    out = tmp_path / "scores.parquet"
    ended = subprocess.run(
        [sys.executable, str(OFFLINE), "score", *map(str, cohort), "-o", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"4 photos (3 ok, 1 no_face): {out}\nclients: []\n"

from __future__ import annotations

import pandas as pd
import pytest
from PIL import Image
from portraits import draw_portraits, small_checkpoint, table_of_faces
from skimage.data import astronaut

from fahrstats.errors import DataError
from fahrstats.face.perturbations.catalogue import Panel
from fahrstats.face.perturbations.perturb import perturb_photos
from fahrstats.face.perturbations.perturbed_table import read_perturbed
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring import runs
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.score import score_photos
from fahrstats.measurement.dose_response import dose_response

CONDITIONS = ("underexposure", "noise", "nose_narrowing")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Five photos, one of which has no face, and what says so and scores them."""
    folder = tmp_path_factory.mktemp("cohort")
    photos = draw_portraits(folder / "photos", 5)
    names = [path.name for path in sorted(photos.iterdir())]
    faces = table_of_faces(folder / "faces.csv", names[:-1])
    checkpoint = small_checkpoint(folder / "small.safetensors")
    how = {"detector": f"precomputed:{faces}", "device": "cpu"}
    return photos, {"checkpoint": checkpoint, **how}


@pytest.fixture(scope="module")
def panel(cohort):
    photos, how = cohort
    return perturb_photos(photos, **how, conditions=CONDITIONS, landmarks="carried")


def test_the_untouched_score_is_that_of_scoring(cohort, panel):
    photos, how = cohort
    scores = score_photos(photos, **how).set_index("photo")["faceage"]
    untouched = panel[panel["severity"] == 0]
    assert len(untouched) == 5 * len(CONDITIONS)
    pd.testing.assert_series_equal(
        untouched["faceage"].reset_index(drop=True),
        scores[untouched["photo"]].reset_index(drop=True),
    )
    without = panel[panel["status"] != "ok"]
    assert set(without["status"]) == {"no_face"}
    assert without["faceage"].isna().all()


@pytest.fixture
def plan(cohort):
    return Plan(
        models=(str(cohort[1]["checkpoint"]),),
        detector=cohort[1]["detector"],
        device="cpu",
        outcome="perturbed",
        panel=Panel(CONDITIONS, "carried"),
    )


def test_a_stopped_run_goes_on_and_writes_the_same_table(
    cohort, panel, plan, tmp_path, monkeypatch
):
    done = []

    def engine(plan, shards, n_workers):
        bench = runs.open_workbench(plan)
        for shard in shards:
            done.append(shard.index)
            yield shard, bench.score(shard)

    def stop(step, position, total):
        if position >= 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(runs, "score_in_processes", engine)
    source, out = open_source(cohort[0]), tmp_path / "panel.parquet"
    with pytest.raises(KeyboardInterrupt):
        runs.score_to(out, source, plan=plan, watch=stop)
    counts = runs.score_to(out, source, plan=plan)
    assert done == [0, 1, 2]  # two photos each: none was scored again
    assert (counts["ok"], counts["no_face"]) == (4, 1)
    pd.testing.assert_frame_equal(read_perturbed(out), panel)


@pytest.mark.slow
def test_processes_write_the_same_table(cohort, panel, plan, tmp_path):
    out = tmp_path / "panel.parquet"
    runs.score_to(out, open_source(cohort[0]), plan=plan, workers=2)
    pd.testing.assert_frame_equal(read_perturbed(out), panel)


def test_curves_are_drawn_from_the_table(panel):
    found = dose_response(panel, n_boot=50).tidy()
    assert set(found["condition"]) == set(CONDITIONS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "detector `precomputed:.*` cannot look at changed pictures"),
        ({"landmarks": "carried", "conditions": ["nois"]}, "Did you mean `noise`"),
    ],
)
def test_what_is_impossible_is_refused_at_once(cohort, settings, message):
    photos, how = cohort
    with pytest.raises(DataError, match=message):
        perturb_photos(photos, **how, **settings)


def test_a_model_is_needed_and_no_table_is_proposed_instead():
    with pytest.raises(DataError, match=r"name one by `checkpoint`\.$"):
        Plan(models=(), outcome="perturbed")


def test_tables_of_ages_are_refused():
    with pytest.raises(DataError, match="says nothing about changed pictures"):
        Plan(models=(), predictions="ages.csv", outcome="perturbed")


def test_the_detector_loses_faces_that_cannot_be_seen(tmp_path):
    """A face that may be shown: two stops too bright, little of it is left."""
    Image.fromarray(astronaut()).save(tmp_path / "a.png")
    checkpoint = small_checkpoint(tmp_path / "small.safetensors")
    found = perturb_photos(
        tmp_path / "a.png", checkpoint=checkpoint, conditions=["roll", "overexposure"]
    ).set_index(["condition", "severity"])["faceage"]
    assert found["roll"].notna().all()
    assert found["overexposure"].notna().tolist() == 4 * [True] + 2 * [False]

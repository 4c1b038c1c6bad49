from __future__ import annotations

import inspect

import numpy as np
import pyarrow.parquet as pq
import pytest
from portraits import draw_portraits, table_of_faces

from fahrstats.cli import photo_commands
from fahrstats.cohort.store import read_provenance
from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import align
from fahrstats.face.detection.choosing import open_detector
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring import finished, runs
from fahrstats.face.scoring.crop import crop_photos
from fahrstats.face.scoring.examination import examine
from fahrstats.face.scoring.plan import Crop
from fahrstats.face.scoring.runs import score_to
from fahrstats.face.training.faces.crops import open_crops

SMALL = Crop(size=24, margin=0.3, interpolation="bicubic")


@pytest.fixture
def plan(cohort):
    return cohort.plan(models=(), outcome="crops", crop=SMALL)


@pytest.fixture
def in_process(monkeypatch):
    """Crop four photos a shard in this process; return the shards that were."""
    cropped = []

    def engine(plan, shards, n_workers):
        bench = runs.open_workbench(plan)
        for shard in shards:
            cropped.append(shard.index)
            yield shard, bench.score(shard)

    monkeypatch.setattr(runs, "score_in_processes", engine)
    monkeypatch.setattr(runs, "_FEWEST_PHOTOS", 4)
    return cropped


def test_a_crop_is_the_aligned_face_to_the_byte(cohort, plan, tmp_path, in_process):
    out = tmp_path / "crops.parquet"
    assert score_to(out, open_source(cohort.photos), plan=plan)["ok"] == 24
    crops = open_crops([out], cache=tmp_path / "cache")
    assert (crops.size, crops.margin, crops.interpolation) == (24, 0.3, "bicubic")
    detector = open_detector(plan.detector)
    (shard,) = open_source(cohort.photos).shards(24)
    for i, photo in enumerate(shard):
        _, face = examine(photo, detector, plan, 112)
        aligned = align(face, size=24, margin=0.3, interpolation="bicubic")
        assert crops.photo[i] == photo.photo
        np.testing.assert_array_equal(crops.pixels[i], aligned)


def test_crops_name_no_model(cohort, plan, tmp_path, in_process):
    out = tmp_path / "crops.parquet"
    score_to(out, open_source(cohort.photos), plan=plan)
    columns = pq.read_schema(out).names
    assert {"photo", "subject", "session", "status", "note", "blur"} < set(columns)
    assert not {"checkpoint", "precision", "faceage"} & set(columns)
    said = read_provenance(out)
    assert said["crop"] == {"size": 24, "margin": 0.3, "interpolation": "bicubic"}
    assert "checkpoint" not in said


def test_a_stopped_run_goes_on(cohort, plan, tmp_path, in_process):
    whole, out = tmp_path / "whole.parquet", tmp_path / "crops.parquet"
    source = open_source(cohort.photos)
    score_to(whole, source, plan=plan)
    in_process.clear()

    def stop(step, position, total):
        if position == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_to(out, source, plan=plan, watch=stop)
    score_to(out, source, plan=plan)
    assert in_process == list(range(6))
    assert out.read_bytes() == whole.read_bytes()


def test_other_settings_are_another_table(cohort, plan, tmp_path, in_process):
    out = tmp_path / "crops.parquet"
    source = open_source(cohort.photos)
    score_to(out, source, plan=plan)
    wider = cohort.plan(models=(), outcome="crops", crop=Crop(24, 0.5, "bicubic"))
    with pytest.raises(DataError, match="was made from other photos, or with other"):
        score_to(out, source, plan=wider)
    with pytest.raises(DataError, match=r"`crops\.csv` must end in \.parquet"):
        score_to(tmp_path / "crops.csv", source, plan=plan)


def test_row_groups_are_bounded_in_bytes(
    cohort, plan, tmp_path, in_process, monkeypatch
):
    monkeypatch.setattr(finished, "_BYTES_PER_GROUP", 8 * SMALL.n_bytes)
    score_to(tmp_path / "c.parquet", open_source(cohort.photos), plan=plan)
    groups = pq.ParquetFile(tmp_path / "c.parquet").metadata
    assert [groups.row_group(i).num_rows for i in range(3)] == [8, 8, 8]


@pytest.mark.slow
def test_processes_crop_alike(cohort, plan, tmp_path):
    out = tmp_path / "crops.parquet"
    score_to(out, open_source(cohort.photos), plan=plan, workers=2)
    here = crop_photos(
        cohort.photos,
        size=24,
        margin=0.3,
        interpolation="bicubic",
        detector=plan.detector,
    )
    crops = open_crops([out], cache=tmp_path / "cache")
    np.testing.assert_array_equal(crops.pixels, np.stack(here["crop"]))


def test_crops_as_a_data_frame(tmp_path):
    photos = draw_portraits(tmp_path / "photos", 3)
    faces = table_of_faces(tmp_path / "faces.csv", ["p000.png", "p002.png"])
    table = crop_photos(photos, size=16, detector=f"precomputed:{faces}")
    assert table["status"].tolist() == ["ok", "no_face", "ok"]
    assert table["crop"][0].shape == (16, 16, 3)
    assert table["crop"][0].dtype == np.uint8
    assert table["crop"][1] is None
    assert "checkpoint" not in table


@pytest.mark.parametrize("asks", [crop_photos, photo_commands.crop])
def test_defaults_are_those_of_the_plan(asks):
    parameters = inspect.signature(asks).parameters
    default = Crop()
    for name in ("size", "margin", "interpolation"):
        assert parameters[name].default == getattr(default, name)

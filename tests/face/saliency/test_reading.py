"""Importance as what a run does to every face."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pyarrow.parquet as pq
import pytest
from mouth_models import RegionModel, drawn_face, mouth_network, mouth_transformer
from numpy.testing import assert_allclose, assert_array_equal
from portraits import small_checkpoint

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.saliency.explanation import Importance
from fahrstats.face.saliency.importance_table import mean_maps, read_importance
from fahrstats.face.saliency.reading import (
    ImportanceReading,
    explain,
    open_importance,
)
from fahrstats.face.saliency.regions import REGIONS
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.runs import score_to
from fahrstats.face.scoring.workbench import open_workbench

FACES = [drawn_face(1), drawn_face(2)]


def plan(cohort, method="ablation", *, maps=False, **changes):
    settings = {
        "models": (str(cohort.checkpoint),),
        "detector": cohort.detector,
        "device": "cpu",
        "precision": "float32",
        "outcome": "importance",
        "importance": Importance(method, maps),
    }
    return Plan(**{**settings, **changes})


def table_of(cohort, *settings, **changes):
    """Explain all photos in this process."""
    bench = open_workbench(plan(cohort, *settings, **changes))
    (photos,) = open_source(cohort.photos).shards(100)
    return bench.score(photos).to_pandas()


def run(out, cohort, *, workers, **changes):
    """Explain all photos by processes."""
    source = open_source(cohort.photos)
    score_to(out, source, plan=plan(cohort, **changes), workers=workers)
    return out


def test_a_table_has_one_row_per_photo_and_a_list_per_score(cohort):
    table = table_of(cohort)
    assert len(table) == 35
    ok = table[table["status"] == "ok"]
    assert len(ok) == 34
    assert set(ok["faceage_regions"].map(len)) == {11}
    assert table.loc[table["status"] != "ok", "faceage_regions"].isna().all()
    plain = table_of(cohort, outcome="scores")
    assert_array_equal(table["faceage"], plain["faceage"])


@pytest.mark.parametrize("method", ["ablation", "rollout"])
def test_every_score_of_a_checkpoint_is_explained(tmp_path, method):
    columns = ("faceage", "facesurvival")
    path = small_checkpoint(tmp_path / "two.safetensors", columns)
    reading = open_importance([str(path)], Importance(method), device="cpu")
    found = reading.read(FACES)
    assert list(found) == list(reading.columns)
    first, second = (np.stack(found[f"{column}_regions"]) for column in columns)
    assert first.shape == second.shape == (2, 11)
    assert np.abs(first - second).max() > 1e-6


def test_method_and_regions_are_part_of_the_fingerprint(cohort):
    first, second = (open_workbench(plan(cohort, x)) for x in ("ablation", "rollout"))
    assert first.describe()["importance"]["method"] == "ablation"
    assert first.describe()["importance"]["regions"] == list(REGIONS)
    windows = open_workbench(plan(cohort, "occlusion")).describe()["importance"]
    assert (windows["blur"], windows["feather"], windows["window"]) == (0.3, 0.05, 16)
    assert first.fingerprint != second.fingerprint


@pytest.mark.slow
def test_batches_and_workers_change_nothing(cohort, tmp_path):
    first = run(tmp_path / "a.parquet", cohort, workers=1)
    second = run(tmp_path / "b.parquet", cohort, workers=2, batch_size=3)
    assert read_importance(first).equals(read_importance(second))
    importance = np.concatenate(list(table_of(cohort)["faceage_regions"].dropna()))
    assert_array_equal(read_importance(first)["importance"].dropna(), importance)
    assert store.read(first)[1]["importance"]["blur"] == 0.3


@pytest.mark.parametrize("method", ["rollout", "occlusion", "integrated-gradients"])
def test_maps_add_up_to_regions(cohort, tmp_path, method):
    if method != "rollout":
        pytest.importorskip("captum", reason="needs the extra fahrstats[saliency]")
    bench = open_workbench(plan(cohort, method, maps=True))
    (photos,) = open_source(cohort.photos).shards(100)
    written = bench.score(list(photos)[1:4])
    pq.write_table(written, tmp_path / "maps.parquet")
    table = written.to_pandas()
    maps = np.stack(table["faceage_map"]).reshape(3, 112, 112).astype(float)
    regions = np.stack(table["faceage_regions"])
    assert_allclose(maps.sum((1, 2)), regions.sum(axis=1), rtol=1e-4, atol=1e-4)
    means = mean_maps(tmp_path / "maps.parquet")
    assert_allclose(means["faceage"], maps.mean(axis=0), atol=1e-12)


def test_a_model_without_a_score_leaves_lists_empty():
    class Silent(RegionModel):
        def predict(self, faces):
            scores = super().predict(faces)
            return np.where([[face.photo == "1.png"] for face in faces], np.nan, scores)

    found = ImportanceReading((Silent(),), Importance()).read(FACES)
    assert found["faceage_regions"][0] is None
    assert len(found["faceage_regions"][1]) == 11


@pytest.mark.parametrize(
    ("network", "method"),
    [
        (mouth_network, "ablation"),
        (mouth_transformer, "ablation"),
        (mouth_transformer, "rollout"),
    ],
)
def test_every_method_can_be_asked_for(network, method):
    found = explain(network(), FACES[:1], method)
    assert np.abs(found.regions[0, 0]).argmax() == REGIONS.index("mouth")


def test_gradients_need_a_network():
    told = "Gradients cannot be taken of `region-model`; explain it by ablation or occl"
    with pytest.raises(DataError, match=told):
        explain(RegionModel(), FACES, "rollout")


def test_rollout_is_refused_before_a_run_begins():
    with pytest.raises(DataError, match=r"`mini-age@.* has no attention to follow"):
        open_importance(["mini-age"], Importance("rollout"))


def test_two_models_cannot_write_one_score(cohort, tmp_path):
    other = small_checkpoint(tmp_path / "other.safetensors")
    for method in ("ablation", "rollout"):
        with pytest.raises(DataError, match="`faceage` is written by 2 models"):
            open_importance([str(cohort.checkpoint), str(other)], Importance(method))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"method": "guess"},
            "`method` must be one of ablation, .*, but it is 'guess'",
        ),
        (
            {"maps": True},
            "Ablation tells of regions and gives no map; choose occlusion",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused(changes, told):
    with pytest.raises(DataError, match=told):
        Importance(**{**asdict(Importance()), **changes})


def test_a_table_of_ages_cannot_be_explained(cohort):
    with pytest.raises(DataError, match="`predictions`, has not looked at faces"):
        plan(cohort, predictions="ages.csv")

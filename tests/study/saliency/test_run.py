from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tables import check_table

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.study.publication.public_version import publish
from fahrstats.study.results_in import read_manifest
from fahrstats.study.saliency.photos import read_averages
from fahrstats.study.saliency.run import analyse_saliency, check_saliency_results


def analyse(path: Path) -> Path:
    return analyse_saliency(path, out=path.parent.with_name("out"))


def read(out: Path, name: str) -> pd.DataFrame:
    table, _ = store.read(out / "tables" / f"{name}.parquet")
    return table


@pytest.mark.usefixtures("explained")
def test_tables_and_averages_are_written_and_described(write_saliency):
    path = write_saliency()
    out = analyse(path)
    manifest = check_saliency_results(path, out)
    assert manifest == read_manifest(out)
    assert (manifest["kind"], manifest["name"]) == ("saliency", "two")
    assert manifest["labels"]["faceage"] == {"label": "FaceAge", "unit": "years"}
    assert manifest["maps"] == ["faceage", "other"]
    assert manifest["notes"] == "**Made up.** All of it."
    assert manifest["photos"]["status"] == {"ok": 37, "no_face": 3}
    for name in manifest["tables"]:
        check_table(read(out, name))
    assert list(manifest["tables"]) == [
        *("flow", "region_importance", "region_differences", "overlap"),
        *("region_tests", "map_overlap", "sanity", "curve_areas"),
        *("deletion_insertion", "cost"),
    ]
    flow = read(out, "flow")
    assert flow["reason"].tolist() == ["photos", "no face found in the photo"]
    assert flow["n"].tolist() == [40, 37]
    test = read(out, "region_tests")
    assert (test["region"].item(), test["p_value"].item()) == ("mouth", 1 / 200)
    importance = read(out, "region_importance")
    assert importance["n"].eq(37).all()
    assert "importance_per_area" in set(importance["estimand"])
    averages = read_averages(out)
    assert averages.face.shape == (224, 224, 3)
    agree = read(out, "map_overlap")["estimate"].item()
    assert -1 <= agree < 1


@pytest.mark.usefixtures("explained")
def test_one_model_is_not_compared(write_saliency):
    out = analyse(write_saliency({', other = "Other model"': ""}))
    tables = set(read_manifest(out)["tables"])
    assert {"region_importance", "sanity"} <= tables
    assert not {"region_differences", "overlap", "region_tests"} & tables


@pytest.mark.usefixtures("explained")
def test_what_changed_since_is_noticed(write_saliency):
    path = write_saliency()
    out = analyse(path)
    averages = out / "averages.npz"
    whole = averages.read_bytes()
    averages.write_bytes(whole + b" ")
    with pytest.raises(DataError, match=r"averages.npz` was changed after the manife"):
        check_saliency_results(path, out)
    averages.unlink()
    with pytest.raises(DataError, match=r"averages.npz` is missing; run `fahrstats"):
        check_saliency_results(path, out)
    averages.write_bytes(whole)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(
        DataError, match=r"`study.toml`, the file of the study `.*`, has"
    ):
        check_saliency_results(path, out)


@pytest.mark.usefixtures("explained")
def test_the_public_version_has_no_averages_and_no_counts_of_few(write_saliency):
    path = write_saliency()
    out = analyse(path)
    public = publish(out, check_saliency_results(path, out))
    manifest = read_manifest(public)
    assert not (public / "averages.npz").exists()
    assert {"region_importance", "overlap", "sanity"} <= set(manifest["tables"])
    assert manifest["public"]["left_out"] == {}
    importance = read(public, "region_importance")
    assert set(importance["n"].dropna()) <= set(np.arange(0, 50, 5))


def test_a_study_without_photos_says_what_is_absent(write_saliency):
    with pytest.raises(DataError, match=r"`photos` is not beside the study file"):
        analyse(write_saliency())

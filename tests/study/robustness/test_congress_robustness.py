"""The shipped study of robustness, on a few of the portraits and one change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fahrstats.cohort import store
from fahrstats.datasets.folder import DATA_VARIABLE
from fahrstats.study.examples import example_file
from fahrstats.study.robustness.run import (
    analyse_robustness,
    check_robustness_results,
)
from fahrstats.study.robustness.study_file import parse_robustness

STUDY = example_file("congress-robustness")
_BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data"
DATA = Path(os.environ.get(DATA_VARIABLE, _BESIDE_CHECKOUT))


def test_the_shipped_study_can_be_read():
    study, problems = parse_robustness(STUDY)
    assert problems == []
    assert (study.panel.limit, study.panel.conditions) == (200, ())
    assert (study.margin, study.limits) == (2, (1, 5))


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA / "congress225").is_dir(),
    reason="the data folder with congress225 is absent (set FAHRSTATS_DATA)",
)
def test_blurred_portraits_are_read_otherwise(tmp_path):
    for package in ("torch", "dlib"):
        pytest.importorskip(package, reason="needs the extras face and baselines")
    text = STUDY.read_text().replace(
        "limit = 200 ", 'limit = 20\nconditions = ["defocus"] '
    )
    path = tmp_path / "few" / "study.toml"
    path.parent.mkdir()
    path.write_text(text)
    (path.parent / "notes.md").write_text(STUDY.with_name("notes.md").read_text())
    out = analyse_robustness(path, DATA, tmp_path / "out")
    assert check_robustness_results(path, out, DATA)["kind"] == "robustness"
    table, _ = store.read(out / "tables" / "dose_response.parquet")
    rows = table[table["estimand"] == "mean_absolute_change"]
    assert set(rows["n"]) == {20}
    sizes = rows.pivot(index="severity", columns="model", values="estimate")
    assert sizes.loc[0].tolist() == [0, 0]
    assert (sizes.loc[5] > 5).all()
    assert (sizes.loc[5] > sizes.loc[1]).all()

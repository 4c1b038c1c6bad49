from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_robustness import write_panel

from fahrstats.errors import DataError, ResultWarning
from fahrstats.study.publication.public_version import publish
from fahrstats.study.results_in import check_tables, read_manifest
from fahrstats.study.robustness import run
from fahrstats.study.robustness.run import (
    analyse_robustness,
    check_robustness_results,
)
from fahrstats.study.robustness.tables import table_makers


@pytest.fixture(autouse=True)
def scored(monkeypatch):
    """Leave the made scores as they are: there are no photos."""
    monkeypatch.setattr(run, "score_all", lambda study, data, folder, watch: None)


@pytest.fixture
def quick(monkeypatch):
    """Make one table of a few rows."""

    def makers(study, sources):
        return {"serial": table_makers(study, sources)["serial"]}

    monkeypatch.setattr(run, "table_makers", makers)


def analyse(path: Path) -> Path:
    return analyse_robustness(path, out=path.parent.with_name("out"))


def test_tables_are_written_once_and_described(write_robustness, monkeypatch):
    path = write_robustness()
    out = analyse(path)
    manifest = check_robustness_results(path, out)
    assert manifest == read_manifest(out)
    assert (manifest["kind"], manifest["name"]) == ("robustness", "two")
    assert manifest["models"] == ["faceage", "other"]
    assert [one["label"] for one in manifest["pairs"]] == ["Makeup", "Two sessions"]
    assert [one["name"] for one in manifest["panel"]["conditions"]] == [
        "roll",
        "jpeg",
        "lipstick",
    ]
    assert manifest["panel"]["photos"]["checkpoint"] == "made"
    assert manifest["panel"]["landmarks"] == "carried"
    assert manifest["labels"]["roll"]["unit"] == "degrees"
    assert manifest["labels"]["sex"]["label"] == "Sex"
    assert manifest["choices"]["margin"] == 2
    assert manifest["notes"] == "**Made up.** All of it."
    assert manifest["provenance"]["n_rows"] == 80 * 3 * 6 + 120 + 200 + 120

    def none_again(study, sources):
        def fail() -> pd.DataFrame:
            raise AssertionError("made again")

        return dict.fromkeys(table_makers(study, sources), fail)

    monkeypatch.setattr(run, "table_makers", none_again)
    analyse(path)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("makeup.csv", "`makeup.csv`, the data of the study, has changed since"),
        ("serial.csv", "`serial.csv`, the data of the study, has changed since"),
        ("notes.md", "`notes.md`, the notes of the study, has changed since"),
        ("study.toml", "`study.toml`, the file of the study `.*`, has changed since"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_what_changed_since_is_named(write_robustness, file, message):
    path = write_robustness()
    out = analyse(path)
    check_robustness_results(path, out)
    changed = path.with_name(file)
    changed.write_text(changed.read_text() + "\n")
    with pytest.raises(DataError, match=message):
        check_robustness_results(path, out)


@pytest.mark.usefixtures("quick")
def test_scores_that_are_not_there_are_announced(write_robustness):
    path = write_robustness()
    out = analyse(path)
    (panel,) = out.glob("personal/panel-*.parquet")
    panel.unlink()
    with pytest.warns(ResultWarning, match="not looked for: `.*panel.*` is absent"):
        check_robustness_results(path, out)


def test_a_study_with_a_problem_is_not_analysed(write_robustness):
    path = write_robustness({"margin = 2": "margin = -2"})
    with pytest.raises(DataError, match=r"study.toml: \[analysis\]: `margin` is -2"):
        analyse(path)


@pytest.mark.usefixtures("quick")
def test_scores_that_will_not_do_are_made_anew(write_robustness, monkeypatch):
    """Otherwise photos that are added could never be scored."""
    path = write_robustness()
    (file,) = path.parent.with_name("out").rglob("panel-*.parquet")
    write_panel(file, n=19)
    with pytest.raises(DataError, match=r"\[panel\]: 19 people can be compared"):
        analyse(path)
    monkeypatch.setattr(run, "score_all", lambda *parts: write_panel(file, n=80))
    assert read_manifest(analyse(path))["models"] == ["faceage", "other"]


@pytest.mark.usefixtures("quick")
def test_a_manifest_without_its_parts_is_refused(write_robustness):
    path = write_robustness()
    out = analyse(path)
    file = out / "manifest.json"
    file.write_text(file.read_text().replace('"panel"', '"panels"'))
    with pytest.raises(DataError, match="has no sound `panel`; run `fahrstats an"):
        check_robustness_results(path, out)


def test_all_tables_can_be_published(write_robustness):
    out = analyse(write_robustness())
    public = publish(out, read_manifest(out))
    manifest = read_manifest(public)
    check_tables(public, manifest)
    assert manifest["public"]["left_out"] == {}
    assert set(manifest["tables"]) == set(read_manifest(out)["tables"])

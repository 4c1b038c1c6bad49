from __future__ import annotations

import pandas as pd
import pytest
from made_benchmark import CORRECTED

from fahrstats.errors import DataError, ResultWarning
from fahrstats.study.benchmark.run import analyse_benchmark, check_benchmark_results
from fahrstats.study.benchmark.tables import table_makers
from fahrstats.study.results_in import read_manifest

MAKERS = "fahrstats.study.benchmark.run.table_makers"


def test_tables_are_written_once_and_described(write_benchmark, monkeypatch):
    path = write_benchmark()
    out = analyse_benchmark(path, out=path.with_name("out"))
    manifest = check_benchmark_results(path, out)
    assert manifest == read_manifest(out)
    assert (manifest["kind"], manifest["name"]) == ("age-benchmark", "two")
    assert manifest["models"] == ["faceage", "other"]
    assert manifest["corrected"] == {}
    assert manifest["labels"]["sex"]["label"] == "Sex"
    assert [one["label"] for one in manifest["data_sets"]] == [
        "Clinic",
        "Photos of the web",
    ]
    assert [one["is_exact"] for one in manifest["data_sets"]] == [True, False]
    assert manifest["card"] == {"details": "Made up."}
    assert manifest["notes"] == "**Made up.** All of it."
    assert manifest["provenance"]["n_rows"] == 700
    assert set(manifest["tables"]) == {
        *("flow", "accuracy", "calibration", "cells", "differences", "lowest"),
        *("group_differences", "largest_differences"),
    }

    def none_again(study, cohorts):
        def fail() -> pd.DataFrame:
            raise AssertionError("made again")

        return dict.fromkeys(table_makers(study, cohorts), fail)

    monkeypatch.setattr(MAKERS, none_again)
    analyse_benchmark(path, out=out)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("web.csv", "`web.csv`, the data of the study, has changed since"),
        ("notes.md", "`notes.md`, the notes of the study, has changed since"),
        ("months.py", "`months.py`, the script of the study, has changed since"),
        ("study.toml", "`study.toml`, the file of the study `.*`, has changed since"),
    ],
)
def test_what_changed_since_is_named(write_benchmark, file, message, monkeypatch):
    path = write_benchmark({'age = "age"': 'age = "age"\nprepare = "months.py"'})
    path.with_name("months.py").write_text("def prepare(table):\n    return table\n")
    monkeypatch.setattr(
        MAKERS, lambda study, cohorts: {"flow": lambda: cohorts[0].flow}
    )
    out = analyse_benchmark(path, out=path.with_name("out"))
    check_benchmark_results(path, out)
    changed = path.with_name(file)
    changed.write_text(changed.read_text() + "\n# more\n".replace("# ", "#"))
    if file == "web.csv":
        changed.write_text(changed.read_text().replace("#more", ""))
    with pytest.raises(DataError, match=message):
        check_benchmark_results(path, out)


def test_data_that_are_not_there_are_announced(write_benchmark, monkeypatch):
    path = write_benchmark()
    monkeypatch.setattr(
        MAKERS, lambda study, cohorts: {"flow": lambda: cohorts[0].flow}
    )
    out = analyse_benchmark(path, out=path.with_name("out"))
    path.with_name("clinic.csv").unlink()
    with pytest.warns(
        ResultWarning, match="not looked for: `clinic.csv` is not beside"
    ):
        check_benchmark_results(path, out)


def test_the_manifest_names_what_is_corrected(write_benchmark, monkeypatch):
    path = write_benchmark(CORRECTED)
    monkeypatch.setattr(
        MAKERS, lambda study, cohorts: {"flow": lambda: cohorts[0].flow}
    )
    manifest = read_manifest(analyse_benchmark(path, out=path.with_name("out")))
    assert manifest["models"] == ["faceage", "other", "fair"]
    assert manifest["corrected"] == {"fair": "faceage"}
    assert manifest["labels"]["fair"]["label"] == "FaceAge, corrected"


def test_a_study_with_a_problem_is_not_analysed(write_benchmark):
    path = write_benchmark({'by = "sex"': 'by = "sx"'})
    with pytest.raises(DataError, match=r"study.toml: \[data.web\]: `by` names `sx`"):
        analyse_benchmark(path)


def test_a_manifest_without_its_parts_is_refused(write_benchmark, monkeypatch):
    path = write_benchmark()
    monkeypatch.setattr(
        MAKERS, lambda study, cohorts: {"flow": lambda: cohorts[0].flow}
    )
    out = analyse_benchmark(path, out=path.with_name("out"))
    file = out / "manifest.json"
    file.write_text(file.read_text().replace('"models"', '"model"'))
    with pytest.raises(
        DataError, match="has no sound `models`; run `fahrstats analyse`"
    ):
        check_benchmark_results(path, out)

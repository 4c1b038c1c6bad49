from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import warnings

import pandas as pd
import pytest
from tables import check_table

from fahrstats.cohort import store
from fahrstats.errors import DataError, ResultWarning
from fahrstats.files import file_sha256
from fahrstats.study.analyse import analyse_study
from fahrstats.study.results_in import read_manifest
from fahrstats.study.study_file import results_folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, module_study):
    """Return the study file and results of a study that ran once."""
    out = tmp_path_factory.mktemp("finished") / "results"
    return module_study, analyse_study(module_study, out=out)


@pytest.fixture
def copy(finished, tmp_path):
    """Return a study file and results that a test may change."""
    study, results = finished
    path = shutil.copytree(study.parent, tmp_path / study.parent.name) / "study.toml"
    return path, shutil.copytree(results, tmp_path / "results")


def changed_tables(folder, run):
    """Names of the tables that ``run`` writes anew."""
    before = {file: file.stat().st_mtime_ns for file in folder.glob("tables/*.parquet")}
    run()
    after = folder.glob("tables/*.parquet")
    return {f.stem for f in after if f.stat().st_mtime_ns != before.get(f)}


def test_every_table_keeps_the_contract_and_carries_its_provenance(finished):
    _, results = finished
    manifest = store.read_manifest(results / "manifest.json")
    assert list(manifest["tables"]) == [
        *("flow", "table_one", "follow_up", "cut_points", "curves", "at_risk"),
        *("survival_at", "logrank", "survival_difference", "rmst", "cox", "ph_test"),
        *("hr_over_time", "spline", "nonlinearity", "term_tests", "influence"),
        *("cut_effects", "concordance", "uno", "subgroups", "concordance_by"),
        *("audit", "audit_tests", "audit_differences", "comparison"),
        *("calibration", "calibration_groups", "calibration_curve"),
        *("predicted_risks", "decision_curve", "sample_size", "landmarks"),
    ]
    for name, sha256 in manifest["tables"].items():
        file = results / "tables" / f"{name}.parquet"
        table, provenance = store.read(file)
        check_table(table)
        assert provenance["table"] == name
        assert provenance["data_sha256"] == manifest["provenance"]["data_sha256"]
        assert file_sha256(file) == sha256
    assert sorted(p.name for p in results.iterdir()) == ["manifest.json", "tables"]


def test_a_second_run_writes_nothing(copy):
    path, results = copy
    manifest = (results / "manifest.json").stat().st_mtime_ns
    assert changed_tables(results, lambda: analyse_study(path, out=results)) == set()
    assert (results / "manifest.json").stat().st_mtime_ns == manifest


def test_a_table_that_is_lost_or_broken_is_made_again(copy):
    path, results = copy
    (results / "tables" / "cox.parquet").unlink()
    (results / "tables" / "flow.parquet").write_bytes(b"PAR1 half a table")
    written = changed_tables(results, lambda: analyse_study(path, out=results))
    assert written == {"cox", "flow"}


@pytest.mark.parametrize("what", ["study", "data"])
def test_a_change_of_the_study_or_the_data_makes_every_table_again(copy, what):
    path, results = copy
    if what == "study":
        path.write_text(path.read_text().replace("seed = 3", "seed = 4"))
    else:
        table = path.with_name("cohort.csv")
        pd.read_csv(table).iloc[1:].to_csv(table, index=False)
    old = store.read_manifest(results / "manifest.json")
    written = changed_tables(results, lambda: analyse_study(path, out=results))
    assert written == set(old["tables"])
    new = store.read_manifest(results / "manifest.json")
    assert new["provenance"]["key"] != old["provenance"]["key"]


def test_a_table_that_the_study_no_longer_has_goes_away(copy):
    path, results = copy
    text = path.read_text().replace("sex = true\nage = { cuts = [65] }\n", "")
    path.write_text(text)
    analyse_study(path, out=results)
    assert not (results / "tables" / "subgroups.parquet").exists()
    assert "subgroups" not in store.read_manifest(results / "manifest.json")["tables"]


def test_every_step_is_announced_before_it_is_taken(copy):
    path, results = copy
    steps = []
    analyse_study(path, None, results, lambda *step: steps.append(step))
    assert steps[0] == ("flow", 0, 33)
    assert steps[-1] == ("landmarks", 32, 33)


def test_results_are_named_after_the_study(finished, tmp_path):
    path, _ = finished
    assert results_folder(path).as_posix() == "results/small"
    assert results_folder(path.with_name("other.toml")).as_posix() == "results/other"
    assert results_folder(path, tmp_path) == tmp_path


def test_a_study_with_problems_writes_nothing(copy, tmp_path):
    path, _ = copy
    path.write_text(path.read_text().replace('"dead"', '"patient"'))
    with pytest.raises(DataError, match="`patient` must be 0/1 or boolean"):
        analyse_study(path, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_run_that_is_killed_leaves_whole_tables_and_is_resumed(copy, tmp_path):
    path, _ = copy
    out = tmp_path / "killed"
    script = f"""
        import os, pathlib, signal
        from fahrstats.study import effect_tables
        from fahrstats.study.analyse import analyse_study

        def killed(cohort):
            os.kill(os.getpid(), signal.SIGKILL)

        effect_tables.hazard_ratios = killed
        analyse_study(pathlib.Path({str(path)!r}), out=pathlib.Path({str(out)!r}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    whole = sorted(out.glob("tables/*"))
    assert len(whole) == 10
    for file in whole:
        store.read(file)
    assert not (out / "manifest.json").exists()
    (out / "tables" / ".cox.parquet.99999999.partial").write_bytes(b"PAR1 half a table")
    written = changed_tables(out, lambda: analyse_study(path, out=out))
    assert written == set(store.read_manifest(out / "manifest.json")["tables"]) - {
        *(file.stem for file in whole)
    }
    assert len(list(out.glob("tables/.*"))) == 0
    assert (out / "manifest.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [2.0, 3.0])
def test_a_run_that_is_killed_at_any_time_leaves_whole_tables(copy, tmp_path, seconds):
    path, _ = copy
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "fahrstats.cli", "analyse", str(path)]
    process = subprocess.Popen([*command, "--out", str(out)])
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for file in out.glob("tables/*.parquet"):
        store.read(file)
    subprocess.run([*command, "--out", str(out)], check=True, capture_output=True)
    manifest = store.read_manifest(out / "manifest.json")
    assert {f.stem for f in out.glob("tables/*")} == set(manifest["tables"])


def test_a_study_without_covariates_or_subgroups_runs(write_study, tmp_path):
    text = write_study().read_text()
    start, end = text.index("[covariates]"), text.index("[analysis]")
    path = write_study(text[:start] + text[end:])
    results = analyse_study(path, out=tmp_path / "bare")
    manifest = store.read_manifest(results / "manifest.json")
    assert "subgroups" not in manifest["tables"]
    assert "comparison" not in manifest["tables"]
    assert manifest["covariates"] == []
    assert {entry["table"] for entry in manifest["analyses"]} == {
        *("cox", "ph_test", "spline", "term_tests", "influence", "concordance", "uno"),
        *("logrank", "survival_difference", "rmst", "landmarks", "cut_effects"),
    }


def test_the_manifest_describes_the_study(finished):
    path, results = finished
    manifest = store.read_manifest(results / "manifest.json")
    assert manifest["title"] == "A small study"
    assert manifest["study_file"] == path.read_text()
    assert manifest["labels"]["faceage"] == {"label": "Face age", "unit": "years"}
    assert manifest["labels"]["faceage_group"]["label"] == "Face age, quartiles"
    assert manifest["labels"]["age_band"]["label"] == "Age"
    assert manifest["horizons"] == [1, 2]
    assert manifest["biomarkers"] == ["faceage"]
    assert manifest["covariates"] == ["age", "sex"]
    assert manifest["subgroups"] == ["sex", "age_band"]
    provenance = manifest["provenance"]
    assert provenance["data_file"] == "cohort.csv"
    assert provenance["data_sha256"] == file_sha256(path.with_name("cohort.csv"))
    assert provenance["n_rows"] == 200
    assert provenance["seed"] == 3
    assert provenance["formula"] == {
        "faceage": "Surv(time, event) ~ faceage + age + sex"
    }
    assert set(provenance["versions"]) == {
        *("numpy", "scipy", "pandas", "numba", "formulaic")
    }


def test_every_model_is_registered_with_its_rows(finished):
    _, results = finished
    manifest = store.read_manifest(results / "manifest.json")
    found = {(a["table"], a["model"]): a["formula"] for a in manifest["analyses"]}
    assert found["cox", "adjusted"] == "Surv(time, event) ~ faceage + age + sex"
    assert found["cox", "quartiles, adjusted"] == (
        "Surv(time, event) ~ faceage_group + age + sex"
    )
    assert found["comparison", "Covariates"] == "Surv(time, event) ~ age + sex"
    assert found["spline", "adjusted"] == (
        "Surv(time, event) ~ rcs(faceage, 4) + age + sex"
    )
    later = [a["n"] for a in manifest["analyses"] if a["table"] == "landmarks"]
    assert {a["n"] for a in manifest["analyses"]} == {200, *later}


def test_no_path_of_the_machine_is_in_the_results(copy, tmp_path):
    path, _ = copy
    table = path.with_name("cohort.csv")
    published = path.with_name("print.csv")
    published.write_text("outcome,subgroup,level,term,hr,low,high,source\n")
    escaped = str(table).replace("/", "\\u002F")
    path.write_text(
        f"published = '{published}'  # made in {tmp_path}\n# and {published}\n"
        + path.read_text().replace('"cohort.csv"', f'"{escaped}"')
    )
    results = analyse_study(path, out=tmp_path / "absolute")
    for file in results.rglob("*.*"):
        assert str(tmp_path).encode() not in file.read_bytes(), file.name
    manifest = store.read_manifest(results / "manifest.json")
    assert manifest["name"] == "small"
    assert "u002F" not in manifest["study_file"]
    assert 'table = "cohort.csv"' in manifest["study_file"]


def test_warnings_stay_with_the_table_that_they_are_about(
    write_study, people, tmp_path
):
    people["dead"] = 0
    people.loc[people.index % 16 == 0, "dead"] = 1
    path = write_study(table=people)
    with pytest.warns(ResultWarning, match="events for"):
        results = analyse_study(path, out=tmp_path / "few")
    told = store.read_manifest(results / "manifest.json")["warnings"]
    assert any("13 events for 3 coefficients" in text for text in told["cox"])
    assert told["flow"] == []
    _, provenance = store.read(results / "tables" / "cox.parquet")
    assert provenance["warnings"] == told["cox"]


def test_a_quiet_run_keeps_its_warnings_in_full(write_study, people, tmp_path):
    people["dead"] = (people.index % 16 == 0).astype(int)
    path = write_study(table=people)
    with warnings.catch_warnings(record=True) as printed:
        warnings.simplefilter("ignore")
        results = analyse_study(path, out=tmp_path / "few")
    assert printed == []
    told = read_manifest(results)["warnings"]["cox"]
    assert any("13 events for 3 coefficients" in text for text in told)
    _, provenance = store.read(results / "tables" / "cox.parquet")
    assert provenance["warnings"] == told


def test_results_are_not_written_to_a_file(tmp_path):
    (tmp_path / "cohort.csv").write_text("a\n", encoding="utf-8")
    message = r"cohort\.csv` is a file, but results are a folder; name a folder of"
    with pytest.raises(DataError, match=message):
        results_folder(tmp_path / "study.toml", tmp_path / "cohort.csv")

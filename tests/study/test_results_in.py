"""A report is made only of tables that belong together and to their study."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.errors import DataError, ResultWarning
from fahrstats.study import effect_tables
from fahrstats.study.analyse import analyse_study
from fahrstats.study.results_in import check_results, read_manifest


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


def refused(path, results, message):
    """Expect a refusal that another analysis mends."""
    with pytest.raises(DataError, match="run `fahrstats analyse` again") as error:
        check_results(path, results)
    assert message in str(error.value)
    analyse_study(path, out=results)
    check_results(path, results)


def test_untouched_results_are_accepted(copy):
    assert check_results(*copy)["name"] == "small"


def test_a_missing_table_is_refused(copy):
    (copy[1] / "tables" / "cox.parquet").unlink()
    refused(*copy, "cox.parquet` is missing")


def test_a_table_of_another_run_is_refused(copy):
    file = copy[1] / "tables" / "cox.parquet"
    table, provenance = store.read(file)
    store.write(table, file, {**provenance, "key": "other"})
    refused(*copy, "was made for another study, other data or by other code")


def test_a_changed_table_is_refused(copy):
    file = copy[1] / "tables" / "cox.parquet"
    table, provenance = store.read(file)
    store.write(table.assign(estimate=2.0), file, provenance)
    refused(*copy, "was changed after the manifest was written")


def test_a_foreign_table_is_refused(copy):
    pd.DataFrame({"term": ["a"]}).to_parquet(copy[1] / "tables" / "cox.parquet")
    refused(*copy, "is no result table")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "has no sound `name`"),
        (b"[]", "is not a manifest"),
        (b"\xff\xfe\x00", "is not a manifest"),
        (b"", "is not a manifest"),
    ],
)
def test_a_broken_manifest_is_refused(copy, content, message):
    (copy[1] / "manifest.json").write_bytes(content)
    refused(*copy, message)


@pytest.mark.parametrize("part", ["labels", "tables", "warnings", "provenance"])
def test_a_manifest_without_a_part_is_refused(copy, part):
    file = copy[1] / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest[part]
    file.write_text(json.dumps(manifest))
    refused(*copy, f"has no sound `{part}`")


def test_a_manifest_without_a_key_or_with_a_path_for_a_name_is_refused(copy):
    file = copy[1] / "manifest.json"
    manifest = read_manifest(copy[1])
    file.write_text(json.dumps({**manifest, "name": "../small"}))
    refused(*copy, "which is a path")
    file.write_text(json.dumps({**manifest, "provenance": {}}))
    refused(*copy, "has no sound `provenance.key`")


def test_a_study_that_was_changed_since_is_refused(copy):
    path, results = copy
    path.write_text(path.read_text().replace("seed = 3", "seed = 4"))
    with pytest.raises(DataError, match=r"`study\.toml`, the file of .*, has changed"):
        check_results(path, results)
    path.write_bytes(b"\xff")
    with pytest.raises(DataError, match="run `fahrstats run`"):
        check_results(path, results)


def test_results_of_another_version_of_the_package_are_told_apart(copy):
    path, results = copy
    manifest = store.read_manifest(results / "manifest.json")
    manifest["provenance"]["package"] = "0.0.9"
    store.write_manifest(manifest, results / "manifest.json")
    message = rf"results` was computed by fahrstats 0\.0\.9, but this is {__version__};"
    with pytest.warns(ResultWarning, match=message):
        check_results(path, results)


def test_data_that_were_changed_since_are_refused_and_absent_ones_noted(copy):
    path, results = copy
    table = path.with_name("cohort.csv")
    pd.read_csv(table).iloc[1:].to_csv(table, index=False)
    with pytest.raises(DataError, match=r"`cohort\.csv`, .* has changed since its"):
        check_results(path, results)
    table.unlink()
    with pytest.warns(ResultWarning, match="not looked for: `cohort"):
        check_results(path, results)


def test_scores_and_a_published_table_are_compared_too(write_study, people, tmp_path):
    path = write_study(
        **{'table = "cohort.csv"': 'published = "print.csv"\n[table]\nfile = "c.csv"'}
    )
    text = path.read_text().replace(
        'file = "c.csv"', 'file = "c.csv"\nscores = "s.csv"\nid = "patient"\n'
    )
    path.write_text(text)
    people.drop(columns="faceage").to_csv(path.with_name("c.csv"), index=False)
    people[["patient", "faceage"]].to_csv(path.with_name("s.csv"), index=False)
    published = path.with_name("print.csv")
    header = "outcome,subgroup,level,term,hr,low,high,source\n"
    published.write_text(header + ",,,faceage,1.1,1.0,1.2,a paper\n")
    results = analyse_study(path, out=tmp_path / "results")
    check_results(path, results)
    published.write_text(header + ",,,faceage,1.2,1.0,1.3,a paper\n")
    with pytest.raises(DataError, match=r"`print\.csv`, .* has changed since"):
        check_results(path, results)
    analyse_study(path, out=results)
    check_results(path, results)
    people[["patient", "faceage"]].iloc[::-1].to_csv(
        path.with_name("s.csv"), index=False
    )
    with pytest.raises(DataError, match="has changed since"):
        check_results(path, results)


def test_a_stopped_analysis_of_a_changed_study_leaves_no_manifest(copy, monkeypatch):
    path, results = copy
    path.write_text(path.read_text().replace("seed = 3", "seed = 4"))

    def stopped(cohort):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(effect_tables, "hazard_ratios", stopped)
        with pytest.raises(KeyboardInterrupt):
            analyse_study(path, out=results)
    with pytest.raises(DataError, match="the study is not finished; run it"):
        check_results(path, results)
    analyse_study(path, out=results)
    check_results(path, results)

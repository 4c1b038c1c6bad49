from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.study.analyse import analyse_study
from fahrstats.study.publication.counts import COUNTS, Rounding
from fahrstats.study.publication.protection import exposed
from fahrstats.study.publication.public_version import public_version, publish
from fahrstats.study.publication.sums import known_sums
from fahrstats.study.results_in import check_tables, read_manifest


@pytest.fixture(scope="module")
def results(module_study):
    return analyse_study(module_study, out=module_study.parent / "out")


@pytest.fixture(scope="module")
def public(results):
    return publish(results, read_manifest(results))


def tables_of(folder):
    return {
        name: store.read(folder / "tables" / f"{name}.parquet")[0]
        for name in read_manifest(folder)["tables"]
    }


def test_the_public_version_is_whole_and_beside_the_results(results, public):
    assert public == results.with_name("out-public")
    manifest = read_manifest(public)
    check_tables(public, manifest)
    assert manifest["public"]["base"] == 5
    assert manifest["public"]["left_out"] == {"influence": "it is about single people"}
    assert set(read_manifest(results)["tables"]) - set(manifest["tables"]) == {
        "influence"
    }


def test_every_count_is_a_multiple_of_five_or_missing(public):
    for name, table in tables_of(public).items():
        for column in (column for column in COUNTS if column in table):
            counts = table[column].dropna().to_numpy(float)
            assert not (counts % 5).any(), (name, column)
            assert not ((counts > 0) & (counts < 10)).any(), (name, column)


def test_no_small_count_of_the_study_is_found(results, public):
    """With all sums that hold between its tables, two hundred people."""
    manifest = json.loads((public / "manifest.json").read_text())["public"]
    exact = tables_of(results)
    kept = {name: exact[name] for name in tables_of(public) if name != "curves"}
    secret = read_manifest(results)["provenance"]["data_sha256"]
    sums = known_sums(kept, 10)
    assert any(0 < part.size < 10 for one in sums for part in one.parts)
    rounding = Rounding(secret, prints_zero=manifest["prints_zero"])
    if not manifest["n_withheld"]:
        assert not exposed(sums, rounding)


def test_nothing_exact_is_in_the_manifest_or_the_tables(results, public):
    exact = read_manifest(results)
    text = (public / "manifest.json").read_text()
    secret = exact["provenance"]["data_sha256"]
    assert secret not in text
    assert secret[:12] in text
    files = (public / "tables").glob("*.parquet")
    assert not any(secret.encode() in file.read_bytes() for file in files)
    for entry, shown in zip(
        exact["analyses"], json.loads(text)["analyses"], strict=True
    ):
        assert shown["n"] % 5 == 0
        assert abs(shown["n"] - entry["n"]) < 5


def test_the_same_results_give_the_same_public_version(results, public):
    before = {name: table for name, table in tables_of(public).items()}
    store.write_manifest({"public": None}, public / "manifest.json")
    again = tables_of(publish(results, read_manifest(results)))
    assert before.keys() == again.keys()
    assert all(before[name].equals(again[name]) for name in before)


@pytest.fixture
def written(monkeypatch):
    """Return the names of the tables that are written from now on."""
    names = []
    write = store.write

    def noted(table, path, provenance):
        names.append(path.stem)
        write(table, path, provenance)

    monkeypatch.setattr(store, "write", noted)
    return names


def test_a_public_version_of_the_same_results_is_left_as_it_is(moved, written):
    folder, manifest = moved
    out = publish(folder, manifest)
    assert len(written) == 3
    (out / f"{manifest['name']}.html").write_text("its report")
    publish(folder, manifest)
    assert len(written) == 3
    assert (out / f"{manifest['name']}.html").exists()


def test_another_base_or_other_results_or_code_are_published_anew(
    moved, written, monkeypatch
):
    folder, manifest = moved
    out = publish(folder, manifest)
    publish(folder, manifest, base=6)
    assert len(written) == 6
    publish(folder, {**manifest, "tables": {"flow": "0f"}}, base=6)
    assert len(written) == 7
    monkeypatch.setattr(
        "fahrstats.study.publication.public_version.code_sha256", lambda: "newer"
    )
    publish(folder, {**manifest, "tables": {"flow": "0f"}}, base=6)
    assert len(written) == 8
    table, provenance = store.read(out / "tables" / "flow.parquet")
    store.write(table.assign(n=7), out / "tables" / "flow.parquet", provenance)
    publish(folder, {**manifest, "tables": {"flow": "0f"}}, base=6)
    assert written[8:] == ["flow", "flow"]
    assert not (tables_of(out)["flow"]["n"] == 7).any()


def test_results_stay_as_they_were(results, public):
    check_tables(results, read_manifest(results))


@pytest.fixture
def moved(results, tmp_path):
    """Return a copy of a few tables, and their manifest."""
    manifest = read_manifest(results)
    names = ("flow", "subgroups", "table_one")
    for name in names:
        store.write(
            *store.read(results / "tables" / f"{name}.parquet")[:1],
            tmp_path / "moved" / "tables" / f"{name}.parquet",
            {},
        )
    return tmp_path / "moved", {**manifest, "tables": dict.fromkeys(names, "")}


def test_a_coarser_base_may_be_asked_for(moved):
    for table in tables_of(publish(*moved, base=10)).values():
        counts = table["n"].dropna().to_numpy(float)
        assert not (counts % 10).any()
        assert not ((counts > 0) & (counts < 20)).any()


def test_a_folder_of_something_else_is_left_alone(moved):
    folder, manifest = moved
    other = folder.with_name("moved-public")
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="is not a public version of results"):
        publish(folder, manifest)
    assert (other / "thesis.txt").read_text() == "mine"


def test_a_version_that_was_broken_off_is_written_anew(moved, monkeypatch):
    folder, manifest = moved
    write, written = store.write, []

    def stop_at_the_third(table, path, provenance):
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt
        write(table, path, provenance)

    monkeypatch.setattr(store, "write", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        publish(folder, manifest)
    monkeypatch.undo()
    out = publish(folder, manifest)
    check_tables(out, read_manifest(out))


@pytest.mark.parametrize(("here", "given"), [(".", "."), ("tables", "..")])
def test_the_folder_of_the_results_may_be_where_one_is(moved, monkeypatch, here, given):
    folder, manifest = moved
    monkeypatch.chdir(folder / here)
    assert publish(Path(given), manifest) == folder.with_name("moved-public")


def test_a_base_beyond_every_count_leaves_none(moved):
    for table in tables_of(publish(*moved, base=10**6)).values():
        counts = [column for column in COUNTS if column in table]
        assert table[counts].isin([0]).where(table[counts].notna(), True).all(axis=None)


def test_files_of_others_stay_where_an_older_version_is_made_anew(moved):
    folder, manifest = moved
    out = publish(folder, manifest)
    (out / "letter.txt").write_text("mine")
    for ending in ("html", "docx", "pdf"):
        (out / f"{manifest['name']}.{ending}").write_text("an older report")
    (out / "tables" / "notes.csv").write_text("mine, too")
    names = {name: "" for name in manifest["tables"] if name != "flow"}
    publish(folder, {**manifest, "tables": names})
    found = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    assert found == {
        *("letter.txt", "tables/notes.csv", "manifest.json"),
        *("tables/subgroups.parquet", "tables/table_one.parquet"),
    }


def test_exact_results_are_not_written_over_a_public_version(public, module_study):
    with pytest.raises(DataError, match=r"holds a version for publication.*exact"):
        analyse_study(module_study, out=public)
    check_tables(public, read_manifest(public))


def test_hashes_and_accuracy_of_photos_are_cut(moved):
    folder, manifest = moved
    survival = {"labels": "0f" * 32, "c_index": 0.74719565686345, "n_events": 67}
    photos = {"key": "ab" * 32, "photos": 882, "survival": survival}
    out = publish(folder, {**manifest, "photos": photos})
    told = read_manifest(out)["photos"]
    assert told["key"] == "ab" * 6
    assert told["survival"]["labels"] == "0f" * 6
    assert told["survival"]["c_index"] == 0.747
    assert not told["survival"]["n_events"] % 5
    assert not told["photos"] % 5


@pytest.mark.parametrize("base", [5, 8])
def test_shares_in_cells_are_of_printed_counts(base):
    """Rounded to fives where they are made, 124 people are 125, and printed as 120."""
    cells = pd.DataFrame(
        {
            "cohort": "a",
            "value": [40.0, 50.0, 60.0],
            "predicted": [40.0, 50.0, 60.0],
            "estimand": "share",
            "estimate": [10 / 125, 15 / 125, 40 / 125],
            "note": "people in a cell are rounded to 5",
        }
    )
    sizes = pd.DataFrame({"cohort": ["a"], "n_subjects": [124], "n": [124]})
    manifest = {"labels": {}, "provenance": {"data_sha256": "c"}}
    version = public_version({"cells": cells, "sizes": sizes}, manifest, base=base)
    told = version.tables["cells"]
    counts = told["estimate"] * version.rounding.printed(124)
    kept = [count for count in (10, 15, 40) if count >= 2 * base + 2.5]
    assert counts.to_numpy() == pytest.approx(
        [version.rounding.printed(count) for count in kept]
    )
    assert set(told["note"]) == {f"people in a cell are rounded to {base}"}


def test_a_table_of_unknown_meaning_is_named_and_not_written(moved):
    folder, manifest = moved
    people = pd.DataFrame({"term": ["a", "b"], "estimand": "risk", "estimate": 0.4})
    store.write(people, folder / "tables" / "risks.parquet", {})
    tables = {**manifest["tables"], "risks": ""}
    out = publish(folder, {**manifest, "tables": tables})
    left_out = read_manifest(out)["public"]["left_out"]
    assert "estimand `risk`" in left_out["risks"]
    assert not (out / "tables" / "risks.parquet").exists()


def test_curves_have_no_times_of_single_people(results, public):
    own = set(tables_of(results)["curves"]["time"]) - {0.0}
    shown = tables_of(public)["curves"]["time"]
    assert not own & set(np.round(shown, 9))


def test_levels_of_few_people_have_no_coefficient_in_any_table():
    hr = {"estimand": "hr", "estimate": 1.1, "conf_low": 1.0, "conf_high": 1.2}
    named = {"variable": "stage", "level": "IV", "term": "stage[T.IV]"}
    tables = {
        "cox": pd.DataFrame([{**named, **hr, "n_events": 900}]),
        "table_one": pd.DataFrame(
            [
                {
                    **named,
                    "group": "overall",
                    "estimand": "count",
                    "estimate": 4,
                    "n": 300,
                }
            ]
        ).drop(columns="term"),
    }
    manifest = {"labels": {}, "provenance": {"data_sha256": "0" * 64}}
    public = public_version(tables, manifest).tables
    assert public["cox"]["estimate"].isna().all()

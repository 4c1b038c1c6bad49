from __future__ import annotations

import shutil

import pytest
from made_paper import PAPER, write_paper

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.study.paper.public_version import publish_paper
from fahrstats.study.paper.run import analyse_paper
from fahrstats.study.results_in import read_manifest
from fahrstats.study.study_file import results_folder


def test_every_study_is_published_by_the_rules_of_its_own(results):
    public = publish_paper(results, read_manifest(results))
    assert public == results.with_name("paper-public")
    for role in ("prognosis", "ages", "saliency"):
        table, _ = store.read(public / role / "tables" / "cox.parquet")
        assert table["n"].item() in (1000, 1005)  # of 1003
        assert table["n_events"].item() in (205, 210)  # of 207
        assert read_manifest(public / role)["public"]["base"] == 5
    names = {file.name for file in public.rglob("*") if file.is_file()}
    assert names == {"manifest.json", "cox.parquet"}  # and no mean face
    assert not list(results.glob("*-public"))


def test_no_hash_of_the_data_is_published(results):
    exact = read_manifest(results)
    public = publish_paper(results, exact)
    text = "".join(file.read_text() for file in public.rglob("manifest.json"))
    hashes = {exact["provenance"]["key"], *(p["key"] for p in exact["parts"].values())}
    assert not [secret for secret in hashes if secret in text]
    assert "0" * 64 not in text


def test_counts_are_rounded_to_what_is_asked_for(results):
    public = publish_paper(results, read_manifest(results), base=10)
    table, _ = store.read(public / "ages" / "tables" / "cox.parquet")
    assert table["n"].item() in (1000, 1010)


def test_a_study_that_is_no_part_any_more_is_taken_away(results, made, paper, out):
    publish_paper(results, read_manifest(results))
    write_paper(paper.parent, PAPER, {'ages = "ages"\n': ""})
    analyse_paper(made.kinds(), paper, out=out)
    for _ in range(2):
        public = publish_paper(results, read_manifest(results))
        roles = {path.name for path in public.iterdir() if path.is_dir()}
        assert roles == {"prognosis", "saliency"}


def test_a_public_version_of_the_same_paper_is_left_as_it_is(results):
    public = publish_paper(results, read_manifest(results))
    report = public / f"{read_manifest(results)['name']}.html"
    table = public / "ages" / "tables" / "cox.parquet"
    exact, _ = store.read(table)
    report.write_text("its report")
    publish_paper(results, read_manifest(results))
    assert report.exists()
    store.write(exact.assign(n=7), table, {})
    publish_paper(results, read_manifest(results))
    assert not report.exists()
    assert store.read(table)[0].equals(exact)
    report.write_text("its report")
    publish_paper(results, read_manifest(results), base=6)
    assert not report.exists()


def test_what_is_no_public_version_is_left_alone(results):
    public = results.with_name("paper-public")
    shutil.copytree(results, public)
    with pytest.raises(DataError, match="is not a public version of results"):
        publish_paper(results, read_manifest(results))
    assert (public / "manifest.json").is_file()


def test_exact_results_have_no_place_in_a_public_folder(results, paper):
    public = publish_paper(results, read_manifest(results))
    with pytest.raises(DataError, match="holds a version for publication"):
        results_folder(paper, public)

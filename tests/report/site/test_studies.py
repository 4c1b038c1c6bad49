"""Only whole, fresh and public reports get onto a site, unless it is confidential."""

from __future__ import annotations

import json

import pytest

from fahrstats.cohort import store
from fahrstats.errors import DataError, ResultWarning
from fahrstats.report.site.studies import KINDS, read_studies
from fahrstats.study.kinds import _KINDS


def test_every_kind_of_study_is_listed_in_words():
    assert KINDS.keys() == _KINDS.keys()


def test_a_study_is_described_by_its_manifest_and_its_flow(study):
    folder = study("a", formats=("html", "pdf"))
    (found,) = read_studies([folder], confidential=False)
    assert (found.name, found.title, found.kind) == ("a", "Study a", "biomarker")
    assert (found.created, found.size) == ("2026-01-15", "n = 1,200, 150 events")
    assert found.is_public
    assert found.page == folder / "a.html"
    assert found.downloads == (folder / "a.pdf",)


def test_studies_stand_by_kind_and_title(study):
    folders = [
        study("z", kind="robustness"),
        study("b", title="Second"),
        study("c", title="First"),
        study("d", kind="of tomorrow"),
    ]
    found = read_studies(folders, confidential=False)
    assert [one.name for one in found] == ["c", "b", "z", "d"]


def test_photos_have_no_events(study):
    (found,) = read_studies(
        [study("a", flow={"step": [0], "n": [1200]})], confidential=False
    )
    assert found.size == "n = 1,200"


def test_every_cohort_is_counted_and_a_withheld_count_is_a_dash(study):
    flow = {"cohort": ["x", "x", "y"], "step": [0, 1, 0], "n": [9, 5, None]}
    (found,) = read_studies([study("a", flow=flow)], confidential=False)
    assert found.size == "n = 5; n = \N{EN DASH}"


def test_a_study_without_flow_has_no_size(study):
    (found,) = read_studies([study("a", flow=None)], confidential=False)
    assert found.size == ""


def test_results_that_are_not_public_are_refused_unless_asked_for(study):
    folder = study("a", folder="a", public=None)
    with pytest.raises(DataError, match="not a version for publication; run `fahrs"):
        read_studies([folder], confidential=False)
    (found,) = read_studies([folder], confidential=True)
    assert not found.is_public


def test_a_folder_that_is_of_no_finished_study_is_told(study, tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        read_studies([tmp_path / "none"], confidential=False)
    with pytest.raises(DataError, match="at least one folder"):
        read_studies([], confidential=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="the study is not finished; run it"):
        read_studies([tmp_path / "empty"], confidential=False)
    folder = study("a", provenance=None)
    with pytest.raises(DataError, match="lacks `provenance`; run `fahrstats run`"):
        read_studies([folder], confidential=False)


def test_a_report_of_older_results_is_refused(study):
    folder = study("a")
    store.write_manifest(
        json.loads((folder / "manifest.json").read_text()) | {"title": "New"},
        folder / "manifest.json",
    )
    with pytest.raises(DataError, match="was not rendered from the results beside it"):
        read_studies([folder], confidential=False)


def test_a_file_of_older_results_is_left_out_with_a_warning(study):
    folder = study("a")
    (folder / "a.pdf").write_text("%PDF\n%fahrstats-key " + "0" * 64)
    with pytest.warns(ResultWarning, match=r"a\.pdf` was not rendered from"):
        (found,) = read_studies([folder], confidential=False)
    assert found.downloads == ()


def test_the_same_study_twice_is_refused(study):
    one, other = study("a"), study("A", folder="other")
    with pytest.raises(DataError, match="are both of the study `A`"):
        read_studies([one, other], confidential=False)


@pytest.mark.parametrize("name", ["index", "../a", "Index"])
def test_a_name_that_would_replace_something_is_refused(study, name):
    folder = study("a")
    about = json.loads((folder / "manifest.json").read_text()) | {"name": name}
    store.write_manifest(about, folder / "manifest.json")
    with pytest.raises(DataError, match="; rename it"):
        read_studies([folder], confidential=False)


def test_the_first_of_several_problems_is_told_with_their_number(study, tmp_path):
    folders = [tmp_path / "none", study("a"), tmp_path / "nowhere"]
    with pytest.raises(DataError, match=r"`.*none`.*\(1 more problem\)"):
        read_studies(folders, confidential=False)

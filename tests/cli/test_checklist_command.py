from __future__ import annotations

import re
import tomllib
from types import SimpleNamespace

import pytest

from fahrstats.cohort import store
from fahrstats.datasets.folder import DATA_VARIABLE
from fahrstats.study import kinds

MANIFEST = {
    "kind": "biomarker",
    "labels": {},
    "provenance": {},
    "tables": {},
    "statements": {"funding": "None."},
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Work in a folder that holds a study file and no results."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    (work / "study.toml").write_text('name = "small"\n')
    return "study.toml"


@pytest.fixture
def analysed(study, tmp_path, monkeypatch):
    """Write a manifest; that it belongs to the study is taken on trust."""
    trusting = SimpleNamespace(check_results=lambda *where: MANIFEST)
    monkeypatch.setattr(kinds, "find_kind", lambda path: trusting)

    def written(**entries):
        store.write_manifest(MANIFEST | entries, tmp_path / "out" / "manifest.json")
        return study, "--out", tmp_path / "out"

    (tmp_path / "out").mkdir()
    return written


def test_what_is_open_is_counted_and_listed_as_a_study_file_takes_it(analysed, run):
    status, out, err = run("checklist", *analysed())
    assert (status, err) == (0, "")
    counts, wanted = out.split("To be written in the study file:")
    remark, strobe = counts.split("\n", 1)
    assert re.match(r"Of the 20 points of REMARK, .* Open: .*3, .* and 20\.$", remark)
    assert "1 is answered in the words of the authors" in strobe
    assert "TRIPOD" not in out  # no models of this study are compared
    assert '(REMARK 20)\n# implications = ""\n' in wanted
    section = tomllib.loads(re.sub("^# (?=[a-z_]+ = )", "", wanted, flags=re.MULTILINE))
    assert {"hypothesis", "implications"} < section["statements"].keys()
    assert "funding" not in section["statements"]


def test_a_kind_of_study_that_no_guideline_fits_says_so(analysed, run):
    status, out, err = run("checklist", *analysed(kind="saliency"))
    assert (status, err) == (0, "")
    assert out == "study.toml: no guideline fits this kind of study\n"


def test_a_paper_is_asked_for_what_its_parts_do_not_say(analysed, run, tmp_path):
    said = {"ethics": "Asked."}
    part = MANIFEST | {"title": "Lives", "statements": said}
    store.write_manifest(part, tmp_path / "out" / "prognosis" / "manifest.json")
    status, out, err = run(
        "checklist", *analysed(kind="paper", parts={"prognosis": {}})
    )
    assert (status, err) == (0, "")
    assert "points of REMARK" in out
    assert '# hypothesis = ""' in out
    assert "# funding" not in out


def test_a_study_without_results_is_asked_to_be_run(study, run):
    status, out, err = run("checklist", study)
    assert (status, out) == (1, "")
    assert "the study is not finished; run it." in err

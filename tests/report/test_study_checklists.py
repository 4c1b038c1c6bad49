from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.report import StudyResults
from fahrstats.report.paper_results import PaperResults
from fahrstats.report.study_checklists import (
    checklists_of,
    paper_checklists,
    study_checklists,
    unwritten,
)

ROW = {"biomarker": "faceage", "term": "faceage", "estimate": 1.2, "note": ""}
TABLES = {
    "cox": pd.DataFrame([ROW]),
    "curves": pd.DataFrame([{**ROW, "note": "not estimated: 3 events"}]),
}


@pytest.fixture
def study(tmp_path):
    """Write a study of two tables; return what reads it."""

    def read(**entries: object) -> StudyResults:
        for name, table in TABLES.items():
            store.write(table, tmp_path / "tables" / f"{name}.parquet", {})
        manifest = {
            "labels": {},
            "provenance": {"package": __version__},
            "tables": dict.fromkeys(TABLES, ""),
            **entries,
        }
        store.write_manifest(manifest, tmp_path / "manifest.json")
        return StudyResults(tmp_path)

    return read


def points(filled, name="remark"):
    return filled[name].table.set_index("item")


def test_a_table_without_an_estimate_answers_nothing(study):
    row = points(study_checklists(study())).loc["15"]
    assert row["places"] == "@tbl-hazard"
    assert row["note"] == "Not part of this study: survival curves."


def test_what_the_study_says_of_itself_counts(study):
    alone = points(study_checklists(study())).loc["17"]
    assert (alone["status"], alone["note"]) == (
        "open",
        "Not part of this study: covariates.",
    )
    beside = study(covariates=["age"], statements={"implications": "None."})
    filled = points(study_checklists(beside))
    assert filled.loc["17", "status"] == "done"
    assert filled.loc["20", "status"] == "stated"


def test_a_section_names_guideline_table_counts_and_licence(study):
    filled = study_checklists(study())["remark"]
    text = filled.introduction("remark")
    assert text.startswith(
        "### REMARK {#sec-remark}\n\nReporting of prognostic studies"
    )
    assert "[@altman2012remark], version of 2005 as explained in 2012" in text
    assert "in @tbl-remark. The wording of the guideline belongs" in text
    assert "\n- Of the 20 points of REMARK, " in text
    assert "\n- Open: " in text
    assert "differences between groups" not in text


def test_points_about_groups_are_named(study):
    filled = study_checklists(study(kind="audit"))
    assert list(filled) == ["tripod_ai"]
    text = filled["tripod_ai"].introduction("tripod")
    assert "\n- About differences between groups: 3c, 7, 8a, " in text


def test_what_is_to_be_written_is_listed_with_the_points_that_ask_for_it(study):
    said = study(statements={"funding": "None."})
    wanted = unwritten(study_checklists(said).values())
    assert wanted["hypothesis"] == ["REMARK 1", "STROBE 3"]
    assert wanted["implications"] == ["REMARK 20"]
    assert "funding" not in wanted


@pytest.fixture
def paper(study, tmp_path):
    """Write a paper of one study on survival; return its folder."""

    def written(**entries: object) -> Path:
        folder = tmp_path.with_name(f"{tmp_path.name}-paper")
        of_part = study(kind="biomarker", title="Lives", covariates=["age"], **entries)
        shutil.copytree(of_part.folder, folder / "prognosis", dirs_exist_ok=True)
        said = {"kind": "paper", "parts": {"prognosis": {}}, "statements": {}}
        said["statements"] = {"funding": "None."}
        store.write_manifest(said, folder / "manifest.json")
        return folder

    return written


def test_a_paper_is_answered_by_its_parts_and_by_what_these_say(paper):
    folder = paper(statements={"implications": "None."})
    filled = checklists_of(folder)
    assert list(filled) == ["remark", "strobe"]
    row = points(filled).loc["15"]
    assert row["places"] == "@tbl-hazard"
    assert row["note"] == "Not part of this paper: survival curves."
    assert points(filled).loc["17", "status"] == "done"
    assert points(filled).loc["20", "given"] == "[Implications](#sec-discussion)"
    assert points(filled, "strobe").loc["22", "status"] == "stated"


def test_what_authors_took_out_of_a_paper_is_not_claimed(paper):
    filled = paper_checklists(PaperResults(paper()), without=["tbl-hazard"])
    row = points(filled).loc["17"]
    assert (row["status"], row["note"]) == (
        "open",
        "Not part of this paper: hazard ratios.",
    )


def test_a_study_is_told_from_a_paper_by_its_manifest(study):
    folder = study(kind="audit").folder
    assert list(checklists_of(folder)) == ["tripod_ai"]

from __future__ import annotations

import pandas as pd
import pytest

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.report import StudyResults
from fahrstats.report.study_checklists import study_checklists, unwritten

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

# ruff: noqa: RUF001  (dashes are what is tested)
"""What the authors say, and the REMARK profile, of made-up results."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from fahrstats.cohort import store
from fahrstats.report import StudyResults, author_statements, remark_profile
from fahrstats.study import registry

FLOW = pd.DataFrame(
    [
        (0, "in the table", "", 120, 30, 0, 0),
        (1, "missing", "age", 100, 25, 20, 5),
    ],
    columns=[
        *("step", "reason", "column", "n", "n_events"),
        *("n_removed", "n_removed_events"),
    ],
)
CUTS = pd.DataFrame(
    {"biomarker": "faceage", "estimate": [60.0, float("inf")], "group": ["Q1", "Q2"]}
)
COX = pd.DataFrame(
    {"biomarker": "faceage", "variable": ["faceage", "age"], "per": ["10", "1"]}
).assign(estimate=1.2, note="")
FOLLOW_UP = pd.DataFrame({"estimand": ["follow_up"], "n": [100], "n_events": [25]})
OUTCOMES = pd.DataFrame(
    {"outcome": ["Death", "Stroke"], "n": [100, 100], "n_events": [25, 7]}
)
TABLES = {
    "flow": FLOW,
    "cut_points": CUTS,
    "cox": COX,
    "follow_up": FOLLOW_UP,
    "outcomes": OUTCOMES,
}


OTHERS = dict.fromkeys(
    ("spline", "comparison", "landmarks", "cut_effects", "influence"),
    pd.DataFrame({"estimand": ["hr"]}),
)


def entry(table, formula, biomarker="faceage", model="", **more):
    about = {"table": table, "outcome": "", "biomarker": biomarker, "model": model}
    return about | {"formula": formula, "n": 100, "n_events": 25} | more


ANALYSES = [
    entry("cox", "Surv(time, event) ~ faceage + age", model="adjusted"),
    entry("cox", "Surv(time, event) ~ faceage_group", model="halves, unadjusted"),
    entry("spline", "Surv(time, event) ~ rcs(faceage, 4) + age", model="adjusted"),
    entry("comparison", "Surv(time, event) ~ 1", biomarker="", model="Covariates"),
    entry("landmarks", "Surv(time, event) ~ faceage", model="adjusted", time=1.0),
    entry("cut_effects", "Surv(t, e) ~ faceage_group", cut_points=[50.0, 61.5]),
    entry("cut_effects", "Surv(t, e) ~ faceage", model="best cut point"),
    entry("influence", "Surv(t, e) ~ faceage"),
]


@pytest.fixture
def study_of(tmp_path):
    """Write made-up results with some statements, and open them."""

    def opened(**statements: str) -> StudyResults:
        for name, table in (TABLES | OTHERS).items():
            store.write(table, tmp_path / "tables" / f"{name}.parquet", {})
        manifest = {
            "labels": {
                "faceage": {"label": "Face age", "unit": "years"},
                "age": {"label": "Age", "unit": "years"},
            },
            "outcome_label": "Death",
            "biomarkers": ["faceage"],
            "covariates": ["age"],
            "subgroups": [],
            "groups_name": "halves",
            "tables": dict.fromkeys([*TABLES, *OTHERS], ""),
            "provenance": {},
            "analyses": ANALYSES,
            "statements": statements,
        }
        store.write_manifest(manifest, tmp_path / "manifest.json")
        return StudyResults(tmp_path)

    return opened


def test_statements_stand_behind_their_headings_and_the_rest_is_open(study_of):
    study = study_of(funding="Nobody.", ethics="Board *A*.")
    text = author_statements.statements(study, "ethics", "funding", "interests")
    assert text == (
        "**Ethics.** Board *A*.\n\n**Funding.** Nobody.\n\n"
        "*To be written by the authors under* `[statements]`: `interests`."
    )
    assert "To be written" not in author_statements.statements(study, "funding")


def test_one_text_is_headed_though_it_is_open(study_of):
    study = study_of(implications="None.")
    assert author_statements.headed(study, "implications") == "**Implications.** None."
    assert author_statements.headed(study, "interpretation") == (
        "**Interpretation.** *To be written by the authors* (`interpretation`)."
    )


def test_in_a_table_statements_have_no_marks(study_of):
    study = study_of(setting="*One* clinic,\n\n- [here](https://a.org)", dates="2010.")
    assert author_statements.in_one_line(study, "setting", "dates") == (
        "One clinic, - here 2010."
    )
    assert author_statements.in_one_line(study, "treatment") == (
        "to be written by the authors: treatment"
    )


def test_results_of_an_older_version_have_no_statements(study_of, tmp_path):
    study = study_of()
    del study.manifest["statements"]
    assert author_statements.stated(study, "funding") == ""


def test_the_profile_of_patients_counts_them_and_names_what_is_open(study_of):
    study = study_of(eligibility="Adults.")
    cells = remark_profile.patients(study).cells
    told = dict(zip(cells["item"].str.strip(), cells["text"], strict=True))
    assert told["Who could take part"] == "Adults."
    assert told["Treatment"] == "to be written by the authors: treatment"
    assert told["In the table"] == "120, with 30 events"
    assert told["Left out, missing: age"] == "20, with 5 events"
    assert told["Analysed"] == "100, with 25 events"
    assert told["Face age"] == "a number in years"
    assert told["In models"] == (
        "as a number (per 10 years); in halves cut at 60.00; as a spline"
    )
    assert told["Death"] == "25 events; the main outcome"
    assert told["Stroke"] == "7 events"
    assert told["Adjusted for"] == "age, whatever their significance"
    assert told["Subgroups"] == "none"


def test_the_profile_of_analyses_links_each_to_its_result(study_of):
    lines = remark_profile.analyses(study_of()).splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert rows[0][0] == "**Face age**"  # once, whatever the order of the record
    assert rows[8][0] == "**Scores compared, or together**"
    assert rows[1] == [
        "Cox model, adjusted",
        "face age, age",
        "100",
        "25",
        "@tbl-hazard",
    ]
    assert rows[2][-1] == "@tbl-groups"
    assert rows[3][:2] == ["Spline, adjusted", "face age, age"]
    assert rows[4][0] == "Cox model, adjusted, follow-up after 1 year"
    assert rows[5][0] == "Cox model, cut at 50.00 and 61.50 in turn"
    assert rows[6][0] == "Log-rank test, best cut point"
    assert rows[7][-1] == "[its section](#sec-influence)"
    assert rows[9] == [
        "Models compared, covariates",
        "–",
        "100",
        "25",
        "@tbl-comparison",
    ]


def test_analyses_in_groups_of_people_name_them_and_refused_ones_say_so(study_of):
    study = study_of()
    study.manifest["subgroups"] = ["sex", "age"]
    study.manifest["analyses"] = [
        entry("subgroups", "Surv(t, e) ~ faceage"),
        entry("gap_hazard", "Surv(t, e) ~ gap_group", model="adjusted"),
        {**entry("audit", "Surv(t, e) ~ faceage", refused=True), "n": None},
    ]
    lines = remark_profile.analyses(study).splitlines()[3:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [
        "Subgroups, everyone and by sex and age",
        "Cox model of a gap, adjusted, in groups",
        "Audit of groups, everyone and by sex and age, not estimated",
    ]
    assert lines[2].split(" | ")[2] == "–"


def test_an_analysis_whose_table_is_not_published_has_no_link(study_of):
    study = study_of()
    del study.manifest["tables"]["influence"]
    assert remark_profile.analyses(study).splitlines()[9].endswith("| – |")


def test_every_table_of_the_registry_has_a_place_and_a_name():
    record = Path(registry.__file__).read_text(encoding="utf-8")
    entries = set(re.findall(r'_entry\(\s*"(\w+)"', record))
    looped = re.findall(r"for table in \((.*?)\):", record)
    entries |= {name for names in looped for name in re.findall(r'"(\w+)"', names)}
    assert entries == set(remark_profile.PLACES) == set(remark_profile.ANALYSES)

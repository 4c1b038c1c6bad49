"""What the report of a prognostic biomarker says of groups of people."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fahrstats.cohort import store
from fahrstats.report import StudyResults
from fahrstats.report import group_findings as by_group

RANKED = pd.DataFrame(
    {
        "subgroup": ["overall", "sex", "sex"],
        "level": ["overall", "Women", "Men"],
        "term": "faceage",
        "estimand": "c_index",
        "n": [900, 157, 743],
        "n_events": [90, 7, 83],
    }
)
AUDITED = RANKED.assign(biomarker="faceage")
LABELS = {"faceage": {"label": "Face age"}, "marker": {"label": "Marker"}}


@pytest.fixture
def study_of(tmp_path):
    """Write the tables of a study and open its results."""

    def opened(**tables: pd.DataFrame) -> StudyResults:
        for name, table in tables.items():
            store.write(table, tmp_path / "tables" / f"{name}.parquet", {})
        scores = {"faceage"}.union(*(t.get("biomarker", ()) for t in tables.values()))
        manifest = {
            "labels": LABELS,
            "biomarkers": sorted(scores),
            "tables": dict.fromkeys(tables, ""),
            "provenance": {},
        }
        store.write_manifest(manifest, tmp_path / "manifest.json")
        return StudyResults(tmp_path)

    return opened


def test_a_c_index_by_group_is_told_once_where_it_is_of_the_same_people(study_of):
    study = study_of(concordance_by=RANKED, audit=AUDITED)
    told = ("observed_expected", "calibration_slope", "ipa")
    assert by_group.measures_told(study, "faceage") == ("hr", "model_c_index", *told)
    assert by_group.where_ranked(study) == (
        "@tbl-ranking has the C-index of face age itself."
    )
    of_others = {"concordance_by": RANKED, "audit": AUDITED.assign(n=800)}
    for tables in (of_others, {"audit": AUDITED}):
        study = study_of(**tables)
        every = ("hr", "c_index", "model_c_index", *told)
        assert by_group.measures_told(study, "faceage") == every
        assert by_group.where_ranked(study) == ""


def test_a_small_group_has_the_counts_that_subgroups_are_told_with(study_of):
    is_small = AUDITED["level"] == "Women"
    counts = ["n", "n_events"]
    banded = AUDITED.assign(**{c: AUDITED[c].mask(is_small) for c in counts})
    banded.index = [7, 8, 9]  # rows of a larger table
    subgroups = AUDITED.assign(estimand="hr")
    found = by_group.with_counts(study_of(subgroups=subgroups), banded)
    assert found[counts].to_numpy().tolist() == AUDITED[counts].to_numpy().tolist()
    assert list(found.index) == [7, 8, 9]
    of_others = study_of(subgroups=subgroups.assign(n=800))
    for study in (of_others, study_of()):
        assert by_group.with_counts(study, banded)["n"].isna().sum() == 1


def test_events_by_a_horizon_that_are_withheld_stay_so(study_of):
    few = AUDITED.assign(n_events=AUDITED["n_events"].where([True, False, True]))
    study = study_of(subgroups=AUDITED.assign(estimand="hr"))
    assert by_group.with_counts(study, few)["n_events"].isna().tolist() == [
        False,
        True,
        False,
    ]


def test_groups_are_told_of_where_one_has_a_measure():
    table = pd.DataFrame(
        {
            "subgroup": ["overall", "sex"],
            "estimand": "c_index",
            "estimate": [0.7, math.nan],
        }
    )
    assert not by_group.is_told_of_groups(table)
    assert by_group.is_told_of_groups(table.assign(estimate=0.7))


def test_audits_of_several_scores_say_up_to_when(study_of):
    times = pd.DataFrame(
        [("faceage", 5.0), ("faceage", math.nan), ("marker", 2.0)],
        columns=["biomarker", "time"],
    )
    both = study_of(audit=times)
    assert by_group.judged_by(both) == "5 years (face age) and 2 years (marker)"
    assert by_group.judged_by(study_of(audit=times[:2])) == "5 years"


def test_labels_stand_in_its_markdown_as_they_are_written(study_of, monkeypatch):
    monkeypatch.setitem(LABELS, "faceage", {"label": "Face<i>age</i> *x* $y$"})
    times = pd.DataFrame({"biomarker": ["faceage", "marker"], "time": [5.0, 2.0]})
    as_written = r"face\<i\>age\</i\> \*x\* \$y\$"
    study = study_of(concordance_by=RANKED, audit=AUDITED)
    assert by_group.where_ranked(study) == (
        f"@tbl-ranking has the C-index of {as_written} itself."
    )
    study = study_of(audit=times)
    assert by_group.judged_by(study) == f"5 years ({as_written}) and 2 years (marker)"


def test_measures_of_groups_are_those_with_a_test_or_the_reason_why_none_has():
    table = pd.DataFrame(
        {"measure": ["hr", "c_index", "brier"], "statistic": [2.0, math.nan, 3.0]}
    )
    assert list(by_group.of_measures(table)["measure"]) == ["hr"]
    untested = table.assign(statistic=math.nan)
    assert list(by_group.of_measures(untested)["measure"]) == ["hr", "c_index"]

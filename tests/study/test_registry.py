"""Every analysis of a study is listed, with the people and events that it used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort import store
from fahrstats.study import registry
from fahrstats.study.checks import read_cohort
from fahrstats.study.contents import table_makers

COMPANIONS = {
    "flow": "counts of rows",
    "table_one": "no outcome",
    "follow_up": "no score",
    "cut_points": "no outcome",
    "curves": "drawn beside logrank",
    "at_risk": "drawn beside logrank",
    "survival_at": "part of survival_difference",
    "hr_over_time": "drawn beside ph_test",
    "nonlinearity": "tests of spline",
    "audit_tests": "tests of audit",
    "audit_differences": "contrasts of audit",
    "calibration_groups": "drawn beside calibration",
    "calibration_curve": "drawn beside calibration",
    "predicted_risks": "no outcome",
    "sample_size": "no outcome",
    "score_correlation": "no outcome",
    "joint_curves": "drawn beside joint_groups",
    "joint_at_risk": "drawn beside joint_groups",
    "incidence": "drawn beside gray",
    "incidence_at": "part of gray",
    "incidence_at_risk": "drawn beside gray",
    "imputed_variables": "no outcome",
    "ages_by_decade": "no outcome",
    "gaps": "no outcome",
}
"""Tables that are no analysis of their own, and why not."""


@pytest.fixture
def causes(write_study, people):
    """Return a study with two scores, causes that compete, imputations and sites."""
    people["marker"] = np.resize([1.0, 5.0, 2.0, 4.0, 3.0], len(people))
    people["cause"] = np.where(
        people["dead"] == 0, "", np.resize(["heart", "cancer"], len(people))
    )
    people["site"] = np.resize(["a", "b"], len(people))
    top = 'competing = { cause = "cause", of = "heart" }\n[outcome]'
    further = 'early = [1]\ncohorts = "site"\nimputations = 2\n[scores.marker]\n'
    changes = {"[outcome]": top, "seed = 3": f"seed = 3\n{further}"}
    return read_cohort(write_study(table=people, **changes))


def test_no_table_about_an_outcome_is_missing_from_the_list(causes):
    made = set(table_makers(causes)) - set(COMPANIONS)
    assert made <= {entry["table"] for entry in registry._models(causes)}


def test_every_cause_is_tested_and_every_pair_named(causes, tmp_path):
    names = ["gray", "joint_groups", "survival_difference", "audit", "calibration"]
    makers = table_makers(causes)
    for name in names:
        store.write(makers[name](causes), tmp_path / f"{name}.parquet", {})
    listed = registry.list_analyses(causes, tmp_path, names)
    n_of = {(e["table"], e["biomarker"], e["outcome"]): e["n_events"] for e in listed}
    n_events = int(causes.data["event"].sum())
    for score in ("faceage", "marker"):
        of_causes = [n_of["gray", score, cause] for cause in ("heart", "cancer")]
        assert sum(of_causes) == n_events
        by_two_years = (causes.data["event"] == 1) & (causes.data["time"] <= 2)
        assert n_of["survival_difference", score, ""] == by_two_years.sum()
    judged = {e["n_events"] for e in listed if e["table"] == "calibration"}
    assert judged == {by_two_years.sum()}
    (joint,) = (e for e in listed if e["table"] == "joint_groups")
    assert joint["formula"].endswith("~ faceage_group + marker_group + age + sex")


def test_an_analysis_that_the_data_do_not_support_has_no_counts():
    table = pd.DataFrame({"n": [9, 9], "n_events": [3, 3], "estimand": "hr"})
    told = table.assign(note=["not estimated: too short", ""])
    assert registry._counts(told) == {"n": 9, "n_events": 3}
    none = table.assign(note="not estimated: too short")
    assert registry._counts(none) == {"refused": True}

"""Rows and sentences that the report of a prognostic biomarker chooses."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fahrstats.cohort import store
from fahrstats.report import StudyResults
from fahrstats.report import biomarker_findings as chosen

BIGGER = "Covariates + Face age"
PAIR = f"{BIGGER} - Covariates"
COMPARISON = pd.DataFrame(
    [
        ("Covariates", "", "auc", 2.0, 0.6, "apparent"),
        ("Covariates", "", "auc", 5.0, 0.7, "apparent"),
        ("", PAIR, "delta_c_index", math.nan, 0.03, "apparent"),
        ("", PAIR, "delta_c_index", math.nan, 0.02, "optimism-corrected"),
        ("", PAIR, "delta_ipa", 2.0, 0.04, "optimism-corrected"),
        ("", PAIR, "delta_ipa", 5.0, 0.05, "optimism-corrected"),
    ],
    columns=["model", "term", "estimand", "time", "estimate", "validation"],
).assign(n=900, n_events=90, p_value=math.nan)
DECISIONS = pd.DataFrame(
    [
        ("apparent", BIGGER, 0.1),
        ("optimism-corrected", BIGGER, 0.1),
        ("optimism-corrected", BIGGER, 0.6),
        (None, "treat all", 0.1),
    ],
    columns=["validation", "term", "threshold"],
).assign(time=5.0, estimate=0.2, conf_low=0.1, conf_high=0.3)
GROUPS = pd.DataFrame({"time": [2.0, 5.0], "predicted": [0.9, 0.5]})
AT_RISK = pd.DataFrame(
    [("a", 0.0, 50), ("b", 0.0, 40), ("a", 5.0, 0), ("b", 5.0, 3), ("a", 9.0, 0)],
    columns=["group", "time", "n_at_risk"],
).assign(biomarker="faceage")
FOLLOW_UP = pd.DataFrame(
    [(0.5, "follow_up", 6.0), (math.nan, "person_time", 5000.0)],
    columns=["quantile", "estimand", "estimate"],
).assign(n=1000, n_events=100, conf_low=math.nan, conf_high=math.nan)
TABLES = {
    "comparison": COMPARISON,
    "decision_curve": DECISIONS,
    "calibration_groups": GROUPS,
    "at_risk": AT_RISK,
    "follow_up": FOLLOW_UP,
}


@pytest.fixture
def study_of(tmp_path):
    """Write some tables of a study and open its results."""

    def opened(*names: str, **changed: object) -> StudyResults:
        for name in names:
            store.write(TABLES[name], tmp_path / "tables" / f"{name}.parquet", {})
        manifest = {
            "labels": {"faceage": {"label": "Face age", "unit": "years"}},
            "time_unit": "years",
            "biomarkers": ["faceage"],
            "covariates": ["age"],
            "tables": dict.fromkeys(names, ""),
            "provenance": {},
            **changed,
        }
        store.write_manifest(manifest, tmp_path / "manifest.json")
        return StudyResults(tmp_path)

    return opened


def test_the_main_time_is_the_last_at_which_models_are_judged(study_of):
    study = study_of("comparison")
    assert chosen.horizons(study) == [2.0, 5.0]
    assert chosen.main_horizon(study) == 5.0
    without = study_of()
    assert chosen.horizons(without) == []
    assert chosen.main_horizon(without) is None


def test_the_main_model_is_adjusted_where_there_are_covariates(study_of):
    assert chosen.main_model(study_of()) == "adjusted"
    assert chosen.main_model(study_of(covariates=[])) == "unadjusted"


def test_people_compared_are_named_where_they_are_not_all(study_of):
    text = chosen.people(study_of("follow_up", "comparison"))
    assert "1,000 people were followed" in text
    assert text.endswith(
        "Scores and models are compared in the 900 of them (90 events) in whom every "
        "score is known."
    )
    assert "are compared in" not in chosen.people(study_of("follow_up"))
    store.write(
        COMPARISON.assign(n=1000),
        study_of("follow_up").folder / "tables" / "comparison.parquet",
        {},
    )
    tables = dict.fromkeys(("follow_up", "comparison"), "")
    assert "are compared in" not in chosen.people(study_of(tables=tables))


def test_differences_are_of_the_main_time_and_corrected_where_they_can_be(study_of):
    study = study_of("comparison")
    found = chosen.gains(
        study, study.rows("comparison"), ["delta_c_index", "delta_ipa"]
    )
    assert list(found["term"]) == [BIGGER, BIGGER]
    assert list(found["estimate"]) == [0.02, 0.05]
    assert "time" not in found


def test_decisions_end_at_the_highest_predicted_risk_and_have_no_bands(study_of):
    study = study_of("comparison", "decision_curve", "calibration_groups")
    found = chosen.decided(study, study.rows("decision_curve"))
    assert list(found["term"]) == [BIGGER, "treat all"]
    assert list(found["validation"]) == ["optimism-corrected", None]
    assert found[["conf_low", "conf_high"]].isna().all(axis=None)
    whole = study_of("comparison", "decision_curve")
    assert len(chosen.decided(whole, whole.rows("decision_curve"))) == 3


def test_numbers_at_risk_end_when_nobody_is_left(study_of):
    found = chosen.while_followed(study_of("at_risk"), "at_risk", "faceage")
    assert list(found["time"]) == [0.0, 0.0, 5.0, 5.0]
    assert chosen.while_followed(study_of(), "at_risk", "faceage") is None


def test_no_numbers_at_risk_are_drawn_where_all_are_withheld(study_of, monkeypatch):
    withheld = AT_RISK.assign(n_at_risk=pd.array([pd.NA] * len(AT_RISK), "Int64"))
    monkeypatch.setitem(TABLES, "at_risk", withheld)
    study = study_of("at_risk")
    assert chosen.while_followed(study, "at_risk", "faceage") is None
    text = chosen.at_risk_withheld(study, "at_risk", "faceage")
    assert text.endswith(". Numbers at risk are too small to be published.")


def test_a_score_adds_nothing_that_can_be_told_without_covariates(study_of):
    def sentence(table, **given):
        return f"{len(table)} {given}"

    study = study_of("comparison")
    told = chosen.added_by(study, "faceage", sentence, horizon=5.0)
    assert (
        told == f"6 {{'smaller': 'Covariates', 'larger': '{BIGGER}', 'horizon': 5.0}}"
    )
    alone = study_of("comparison", covariates=[])
    assert chosen.added_by(alone, "faceage", sentence) == ""
    assert chosen.added_by(study_of(), "faceage", sentence) == ""


def test_one_deviation_is_told_by_level(study_of):
    spread = {"faceage": {"women": 7.251, "men": 8.0}}
    study = study_of(deviations=spread)
    assert chosen.one_deviation(study, "faceage") == (
        "One SD of face age is 7.25 years (women), 8.00 years (men), in all tables, "
        "over everyone in the study with a value."
    )
    assert chosen.one_deviation(study_of(), "faceage") == ""


def test_rows_at_one_time_and_of_one_score():
    assert list(chosen.at(5.0, GROUPS)["predicted"]) == [0.5]
    assert chosen.at(5.0, None) is None
    table = pd.DataFrame({"variable": ["faceage", "age"], "estimate": [1.0, 2.0]})
    assert list(chosen.own("faceage", table)["estimate"]) == [1.0]


def test_methods_say_what_the_models_held(study_of):
    study = study_of("comparison", choices={"n_boot": 200}, outcome_label="Death")
    told = chosen.methods(study)
    assert told.startswith("Cox models of the hazard of death with face age as a numb")
    assert "and their predictions at 5 years, were compared" in told
    assert told.endswith("Optimism was taken off by 200 bootstrap samples.")
    bare = study_of(covariates=[], outcome_label="Death")
    assert chosen.methods(bare).endswith("with face age as a number, alone.")


def test_limits_name_what_was_left_out_and_that_nothing_confirms_it(study_of):
    (first, second) = chosen.limits(study_of())
    assert "an association is no effect" in first
    assert "no other has confirmed them" in second


COX = pd.DataFrame(
    {"model": ["adjusted"] * 2, "biomarker": "faceage", "variable": ["faceage", "age"]}
).assign(n=900, n_events=80)
SHARES = pd.DataFrame(
    [("Q1", 0.05, 0.04, 0.06), ("Q2", 0.25, 0.2, 0.3)],
    columns=["group", "estimate", "conf_low", "conf_high"],
).assign(biomarker="faceage", time=5.0)
INCIDENCE = SHARES.assign(cause="Heart", estimand="cumulative_incidence")
SURVIVAL = SHARES.assign(estimand="survival")
TOGETHER = pd.DataFrame(
    [
        ("both", "faceage", "SD", "hr", 1.5, 1.2, 2.0),
        ("both", "marker", "SD", "hr", 1.1, 0.9, 1.4),
        ("", "faceage", "", "marker_sd", 9.87654, math.nan, math.nan),
        ("", "marker", "", "marker_sd", 2.5, math.nan, math.nan),
    ],
    columns=[
        *("model", "term", "per", "estimand"),
        *("estimate", "conf_low", "conf_high"),
    ],
)
SUBGROUPS = pd.DataFrame(
    [("interaction_chi2", 0.2), ("interaction_chi2", 0.4), ("hr", 0.1)],
    columns=["estimand", "p_value"],
)
TABLES |= {
    "subgroups": SUBGROUPS,
    "cox": COX,
    "incidence_at": INCIDENCE,
    "survival_at": SURVIVAL,
    "joint_groups": TOGETHER,
}
CAUSES = {"cause_of_interest": "Heart", "any_cause": "Death"}


def test_a_score_that_some_lack_is_told_with_its_people(study_of):
    told = chosen.known_in(study_of("cox", "follow_up"), "faceage")
    assert told == "This score is known in 900 people with 80 events."
    whole = COX.assign(n=1000, n_events=100)
    store.write(whole, study_of().folder / "tables" / "cox.parquet", {})
    tables = dict.fromkeys(("cox", "follow_up"), "")
    assert chosen.known_in(study_of(tables=tables), "faceage") == ""


def test_groups_are_told_by_incidence_where_other_causes_censor(study_of):
    names = ("incidence_at", "survival_at")
    of_heart = study_of(*names, choices=CAUSES, outcome_label="Death of the heart")
    assert chosen.has_other_causes(of_heart)
    assert chosen.in_groups(of_heart, "faceage").endswith("while other causes compete.")
    (_, competing, _) = chosen.limits(of_heart)
    assert "a world without other causes" in competing
    of_any = study_of(*names, choices=CAUSES, outcome_label="Death")
    assert not chosen.has_other_causes(of_any)
    assert chosen.in_groups(of_any, "faceage").endswith("were without the event.")
    assert chosen.in_groups(study_of(outcome_label="Death"), "faceage") == ""


def test_what_columns_do_in_the_models_is_told_where_they_have_a_role(study_of):
    assert chosen.roles_of_columns(study_of()) == ""
    roles = {"weights": "w", "entry": "start"}
    told = chosen.roles_of_columns(study_of(choices={"roles": roles}))
    assert told.startswith("**Roles of columns.** People are at risk from their entry")
    assert "Case weights (`w`) count in Cox models" in told
    assert "sandwich" not in told


@pytest.mark.parametrize("repeats", [True, False])
def test_an_identifier_has_a_role_where_people_have_several_rows(study_of, repeats):
    choices = {"roles": {"id": "person"}, "has_repeats": repeats}
    told = chosen.roles_of_columns(study_of(choices=choices))
    assert ("Several rows are of one person (`person`)" in told) is repeats


def test_tests_of_interaction_are_counted_unless_a_journal_omits_them(study_of):
    study = study_of("subgroups")
    told = chosen.tests_of_subgroups(study)
    assert "There is one interaction test for each score and subgroup, 2 in all" in told
    silent = StudyResults(study.folder, "nejm")
    assert chosen.tests_of_subgroups(silent).startswith("P values of interaction are")


def test_survival_is_explained_where_other_causes_censor(study_of):
    of_heart = study_of("incidence_at", choices=CAUSES, outcome_label="Heart attack")
    assert chosen.competing_note(of_heart).endswith("See @fig-incidence.")
    assert chosen.competing_note(study_of(outcome_label="Death")) == ""


def test_one_sd_of_two_scores_is_told_unless_it_was_told_before(study_of):
    labels = {"faceage": {"label": "Face age", "unit": "years"}, "marker": {}}
    study = study_of("joint_groups", deviations={"marker": {}}, labels=labels)
    (told,) = chosen.together(study)
    assert told.endswith(" One SD is 9.88 years of face age.")
    known = study_of("joint_groups", deviations={"marker": {}, "faceage": {}})
    assert "One SD" not in chosen.together(known)[0]

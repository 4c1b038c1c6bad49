from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study.analyse import analyse_study
from fahrstats.study.checks import check_study
from fahrstats.study.contents import table_makers
from fahrstats.study.results_in import read_manifest

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

MARKER = {"[covariates]": "[scores.marker]\nmay_be_missing = true\n[covariates]"}


@pytest.fixture
def some(people):
    """Return people of whom 150 have a second score."""
    people["marker"] = people["age"] / 50 + np.resize([1.0, 5, 2, 4, 3], len(people))
    people.loc[150:, "marker"] = np.nan
    return people


def test_rows_without_a_score_that_may_be_missing_stay(write_study, some):
    check = check_study(write_study(table=some, **MARKER))
    assert check.problems == ()
    assert len(check.cohort.data) == 200
    n_events = int(some["dead"][:150].sum())
    assert check.notes[-1] == (
        f"`marker` is known for 150 rows with {n_events} events; models with it use "
        "these."
    )


def test_every_table_uses_the_rows_that_it_can(write_study, some, tmp_path):
    path = write_study(table=some, **MARKER)
    cohort = check_study(path).cohort
    makers = table_makers(cohort)
    tables = {name: check_table(make(cohort)) for name, make in makers.items()}
    cox = tables["cox"]
    is_adjusted = (cox["model"] == "adjusted") & (cox["variable"] == cox["biomarker"])
    sizes = cox[is_adjusted].set_index("biomarker")["n"]
    assert sizes.to_dict() == {"faceage": 200, "marker": 150}
    direct = fs.cox("Surv(time, event) ~ marker + age + sex", cohort.data)
    ours = cox[is_adjusted].set_index("biomarker")["estimate"]
    assert np.log(ours["marker"]) == pytest.approx(direct.log_hr[0], rel=EXACT)
    for name in ("concordance", "comparison", "joint_groups", "decision_curve"):
        assert tables[name]["n"].max() == 150, name
    assert tables["cut_points"].groupby("biomarker")["n"].sum().to_dict() == {
        "faceage": 200,
        "marker": 150,
    }
    results = analyse_study(path, out=tmp_path / "results")
    listed = {
        (entry["table"], entry["biomarker"], entry["model"]): entry["n"]
        for entry in read_manifest(results)["analyses"]
    }
    assert listed["cox", "marker", "unadjusted"] == 150
    assert listed["cox", "faceage", "unadjusted"] == 200
    assert listed["comparison", "", "Covariates"] == 150
    assert listed["joint_groups", "", ""] == 150


def test_a_score_without_events_of_its_own_is_a_problem(write_study, some):
    some.loc[:149, "dead"] = 0
    (problem,) = check_study(write_study(table=some, **MARKER)).problems
    assert problem.startswith("[scores.marker]: ")
    assert "no event" in problem


def test_a_score_known_because_of_the_event_is_a_problem(write_study, some):
    some["marker"] = some["age"].where(some["dead"] == 1) + some.index % 3
    (problem,) = check_study(write_study(table=some, **MARKER)).problems
    assert problem.startswith("[scores.marker]: `marker` is known for")


def test_a_score_of_few_events_has_few_groups(write_study, some):
    some.loc[5:149, "dead"] = 0
    some.loc[:4, "dead"] = 1
    problems = check_study(write_study(table=some, **MARKER)).problems
    assert problems == ()
    changes = {**MARKER, "seed = 3": "quantile_groups = 5"}
    (problem,) = check_study(write_study(table=some, **changes)).problems
    assert problem == (
        "[scores.marker]: 5 groups and the covariates need 6 coefficients, but there "
        "are only 5 events; make `quantile_groups` smaller."
    )


def test_scores_that_are_never_known_together_are_a_problem(write_study, some):
    some["other"] = some["age"].where(some["marker"].isna())
    scores = "[scores.other]\nmay_be_missing = true\n[covariates]"
    path = write_study(table=some, **MARKER)
    path.write_text(path.read_text().replace("[covariates]", scores))
    (problem,) = check_study(path).problems
    assert problem.startswith(
        "[scores], where all are known: No row of 200 is complete"
    )


def test_a_horizon_at_which_models_are_not_judged_is_a_note(write_study, some):
    some.loc[:149, "days"] = some.loc[:149, "days"].clip(upper=700)
    check = check_study(write_study(table=some, **MARKER))
    assert check.problems == ()
    assert check.notes[-1].startswith(
        "[analysis]: models are not judged at 2 years. Nobody is followed beyond"
    )

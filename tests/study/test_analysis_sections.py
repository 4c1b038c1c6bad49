from __future__ import annotations

import pytest

from fahrstats.study.study_file import parse_study


def test_choices_are_none_unless_given(write_study):
    study, _ = parse_study(write_study())
    analysis = study.analysis
    assert (analysis.n_boot, analysis.imputations) == (0, 0)
    assert (analysis.early, analysis.risk_categories) == ((), ())
    assert analysis.cohorts is None
    assert (study.competing, study.ages, study.printed) == (None, None, ())


def test_choices_are_read(write_study):
    lines = (
        "n_boot = 200\nimputations = 5\nearly = [0.25, 1]\ncohorts = 'site'\n"
        "risk_categories = [0.1, 0.2]"
    )
    study, _ = parse_study(write_study(**{"seed = 3": lines}))
    analysis = study.analysis
    assert (analysis.n_boot, analysis.imputations) == (200, 5)
    assert (analysis.early, analysis.risk_categories) == ((0.25, 1), (0.1, 0.2))
    assert analysis.cohorts == "site"


def test_causes_and_ages_are_read(write_study):
    sections = (
        '[competing]\ncause = "icd"\nof = "Heart"\nother = "Other"\n'
        'levels = { I = "Heart", C = "Cancer" }\n'
        '[ages]\npredicted = ["faceage"]\nolder = 8\n[subgroups]'
    )
    study, _ = parse_study(write_study(**{"[subgroups]": sections}))
    assert study.competing.levels == (("I", "Heart"), ("C", "Cancer"))
    assert (study.competing.of, study.competing.other) == ("Heart", "Other")
    assert (study.ages.predicted, study.ages.age) == (("faceage",), "age")
    assert (study.ages.older, study.ages.younger) == (8, 5)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("n_boot = 19", "`n_boot` is 19; give 0 for none, or at least 20."),
        ("n_boot = -1", "`n_boot` is -1; it must be at least 0."),
        ("imputations = 1", "`imputations` is 1; give 0 for none, or at least 2."),
        ("early = [0]", "`early` must be a list of finite numbers above 0."),
        ("early = [2, 1]", "`early` must ascend, but it is [2, 1]."),
        ("risk_categories = [0.1, 1]", "`risk_categories` must be risks below 1"),
        ("cohorts = 3", "`cohorts` must be text in quotes, not 3."),
        ("nboot = 20", "`nboot` is not known; did you mean `n_boot`?"),
    ],
)
def test_what_is_wrong_with_a_choice_is_said(write_study, line, message):
    _, problems = parse_study(write_study(**{"seed = 3": line}))
    assert len(problems) == 1
    assert problems[0].startswith(f"[analysis]: {message}")


def test_one_score_at_least_is_known_for_everyone(write_study):
    path = write_study(**{"per = 10": "per = 10\nmay_be_missing = true"})
    _, problems = parse_study(path)
    assert problems == [
        "[scores.faceage]: `may_be_missing` is not for the first score, whose groups "
        "describe everyone; put another score first."
    ]


@pytest.mark.parametrize("name", ["gap", "cohort", "rcs"])
def test_names_that_an_analysis_needs_are_taken(write_study, name):
    sections = (
        f"{name} = {{}}\n[ages]\npredicted = 'faceage'\n[subgroups]\nsex = true\n"
        "[analysis]\ncohorts = 'site'\n"
    )
    path = write_study()
    text = path.read_text()
    start = text.index("[subgroups]")
    path.write_text(text[:start] + sections)
    _, problems = parse_study(path)
    assert len(problems) == 1
    assert problems[0].startswith(f"[covariates.{name}]: `{name}` is taken by ")

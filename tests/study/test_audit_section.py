from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.study.audit_section import AuditChoices, crossed_columns, has_repeats
from fahrstats.study.checks import check_study
from fahrstats.study.study_file import parse_study

TITLE = 'title = "A small study"'
KIND = f'{TITLE}\nkind = "audit"'


def parsed(write_study, line):
    return parse_study(write_study(**{TITLE: f"{KIND}\n{line}"}))


def test_an_audit_has_defaults_for_all_but_its_groups(write_study):
    study, problems = parsed(write_study, "")
    assert problems == []
    assert study.kind == "audit"
    assert study.audit == AuditChoices(None, (), 10, 20)


def test_a_study_asks_for_the_biomarker_unless_it_says_otherwise(write_study):
    study, _ = parse_study(write_study())
    assert study.kind == "biomarker"


def test_crossings_are_named_as_in_the_file_and_found_by_column(write_study):
    study, problems = parsed(
        write_study,
        'audit = { horizon = 2, crossings = [["sex", "age"]], floor_events = 5, '
        "floor_people = 30 }",
    )
    assert problems == []
    assert study.audit == AuditChoices(2.0, (("sex", "age"),), 5, 30)
    assert crossed_columns(study) == (("sex", "age_band"),)


@pytest.mark.parametrize(
    ("audit", "message"),
    [
        ('{ crossings = ["sex"] }', "[audit]: `crossings` must be lists of two or"),
        ('{ crossings = [["sex"]] }', "it holds ['sex']."),
        ('{ crossings = [["sex", "sex"]] }', "it holds ['sex', 'sex']."),
        ('{ crossings = [["sex", 1]] }', "it holds ['sex', 1]."),
        (
            '{ crossings = [["sex", "ages"]] }',
            "[audit]: `crossings` names `ages`; [subgroups] holds `sex`, `age`. Did "
            "you mean `age`?",
        ),
        ("{ horizon = 0 }", "[audit]: `horizon` is 0; it must be above 0, and finite."),
        ("{ floor_events = 0 }", "`floor_events` is 0; it must be at least 1."),
        ("{ floor = 3 }", "[audit]: `floor` is not known;"),
    ],
)
def test_a_wrong_choice_is_one_problem(write_study, audit, message):
    _, problems = parsed(write_study, f"audit = {audit}")
    assert len(problems) == 1
    assert message in problems[0]


def test_an_audit_needs_groups_and_its_section_an_audit(write_study):
    groups = "[subgroups]\nsex = true\nage = { cuts = [65] }\n"
    _, problems = parse_study(write_study(**{TITLE: KIND, groups: ""}))
    assert problems == [
        "[subgroups] is missing; an audit needs the groups that it compares."
    ]
    _, problems = parse_study(write_study(**{TITLE: "audit = { horizon = 1 }"}))
    assert problems == [
        '[audit] is for studies of kind = "audit"; add that line above.'
    ]


@pytest.mark.parametrize(
    ("section", "key", "where"),
    [
        ('unit = "days"', 'entry = "start"', "[outcome]"),
        ("seed = 3", 'weights = "weight"', "[analysis]"),
    ],
)
def test_what_an_audit_does_not_heed_is_refused(write_study, section, key, where):
    _, problems = parse_study(
        write_study(**{TITLE: KIND, section: f"{section}\n{key}"})
    )
    name = key.partition(" ")[0]
    assert problems == [f"{where}: an audit does not heed `{name}`; take it out."]


def test_a_horizon_that_nobody_is_followed_beyond_is_a_problem(write_study):
    path = write_study(**{TITLE: f"{KIND}\naudit = {{ horizon = 9 }}"})
    (problem,) = check_study(path).problems
    assert problem.startswith("[audit]: `horizon` is 9 years, but the longest")


def test_sections_that_an_audit_does_not_use_are_noted(write_study):
    path = write_study(**{TITLE: f'{KIND}\nages = {{ predicted = ["faceage"] }}'})
    check = check_study(path)
    assert check.problems == ()
    assert "[ages] is not part of an audit; nothing is made of it." in check.notes


def test_choices_and_outcomes_that_an_audit_does_not_use_are_noted(write_study):
    choices = 'seed = 3\nn_boot = 100\ncohorts = "sex"'
    relapse = '[outcome.also.relapse]\nevent = "dead"'
    scores = "[scores.faceage]"
    path = write_study(
        **{TITLE: KIND, "seed = 3": choices, scores: f"{relapse}\n\n{scores}"}
    )
    check = check_study(path)
    assert check.problems == ()
    assert set(check.notes) >= {
        "[analysis]: an audit makes nothing of `n_boot`.",
        "[analysis]: an audit makes nothing of `cohorts`.",
        "[outcome.also.relapse] is not part of an audit, which is of `Death`; nothing "
        "is made of it.",
    }
    assert not any("quantile_groups" in note for note in check.notes)


def test_columns_crossed_twice_are_a_problem(write_study):
    _, problems = parsed(
        write_study, 'audit = { crossings = [["sex", "age"], ["age", "sex"]] }'
    )
    assert problems == [
        "[audit]: `crossings` crosses the same names twice; once is enough."
    ]


def test_names_that_stand_for_something_else_in_tables_are_refused(write_study):
    groups, score = "[subgroups]\nsex = true", "[scores.faceage]"
    path = write_study(
        **{
            TITLE: KIND,
            groups: f'{groups}\noverall = {{ column = "patient" }}',
            score: '[scores.model]\ncolumn = "faceage"',
        }
    )
    _, problems = parse_study(path)
    assert problems == [
        "[subgroups.overall]: `overall` stands for everyone in tables; use another "
        "name.",
        "[scores.model]: `model` stands for the predictions of the model in tables; "
        "use another name.",
    ]


def test_more_levels_than_can_be_ranked_are_a_problem(write_study):
    groups = "[subgroups]\nsex = true"
    path = write_study(**{TITLE: KIND, groups: f"{groups}\npatient = true"})
    (problem,) = check_study(path).problems
    assert problem == (
        "[subgroups]: `patient` has 200 levels, each of which is ranked against all "
        "others; join levels until there are 100 or fewer."
    )


def test_several_rows_of_a_person_are_noted(write_study, people):
    table = pd.concat([people, people.head(50)])
    roles = 'seed = 3\nid = "patient"\ncluster = "patient"'
    check = check_study(write_study(table=table, **{TITLE: KIND, "seed = 3": roles}))
    assert check.problems == ()
    assert (
        "`patient` repeats: 250 rows are of 200 people. An audit counts rows; "
        "`floor_people` is of people." in check.notes
    )
    assert has_repeats(check.cohort.study, check.cohort.data)

from __future__ import annotations

import pytest

from fahrstats.study.audit_section import AuditChoices, crossed_columns
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

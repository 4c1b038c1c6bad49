from __future__ import annotations

import pytest
from formulaic.transforms import TRANSFORMS

from fahrstats.cohort.encoding import TRANSFORMS as OURS
from fahrstats.errors import DataError
from fahrstats.study.examples import example_file, example_names
from fahrstats.study.kinds import find_kind
from fahrstats.study.outcomes import EventRule
from fahrstats.study.specification import Subgroup
from fahrstats.study.study_file import find_study, first_of, parse_study
from fahrstats.study.study_names import TRANSFORM_NAMES

OUTCOME = """
table = "cohort.csv"
[outcome]
time = "days"
unit = "days"
event = {event}
[scores.faceage]
"""


def parse(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return parse_study(path)


def test_a_study_file_says_what_the_columns_mean(write_study):
    study, _ = parse_study(write_study())
    assert (study.name, study.title) == ("small", "A small study")
    assert study.table.file == "cohort.csv"
    assert study.main.units_per_year == 365.25
    assert study.main.event == (EventRule("dead"),)
    assert study.scores[0].per == 10
    assert study.covariates[1].levels == (("1", "Men"), ("2", "Women"))
    assert [subgroup.name for subgroup in study.subgroups] == ["sex", "age_band"]
    assert study.analysis.horizons == (1, 2)
    assert study.formula(*study.adjusted("faceage")) == (
        "Surv(time, event) ~ faceage + age + sex"
    )
    assert study.formula() == "Surv(time, event) ~ 1"


def test_the_least_study_needs_six_lines(tmp_path):
    study, problems = parse(tmp_path, OUTCOME.format(event='"dead"'))
    assert problems == []
    assert study.covariates == ()
    assert study.analysis.quantile_groups == 4
    assert study.scores[0].label == "faceage"


@pytest.mark.parametrize(
    ("written", "rules"),
    [
        ('"dead"', (EventRule("dead"),)),
        ('{ column = "cause", present = true }', (EventRule("cause", "present"),)),
        (
            '{ column = "s", event = [1, "dead"], censored = [0, 2.0] }',
            (EventRule("s", "levels", ("1", "dead"), ("0", "2")),),
        ),
        (
            '["dead", { column = "cause", present = true }]',
            (EventRule("dead"), EventRule("cause", "present")),
        ),
    ],
)
def test_events_are_coded_in_four_ways(tmp_path, written, rules):
    study, problems = parse(tmp_path, OUTCOME.format(event=written))
    assert problems == []
    assert study.main.event == rules


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("3", "[outcome]: `event` must name a column, but it is 3."),
        ('{ column = "s", event = [1] }', "`event` and `censored` must both list"),
        (
            '{ column = "s", event = [1], censored = [1] }',
            "`event` and `censored` must both list levels, and none in both lists.",
        ),
        (
            '{ column = "s", present = true, event = [1] }',
            "[outcome.event]: `present` stands alone; take out",
        ),
        ("{ event = [1], censored = [0] }", "[outcome.event]: `column` is missing."),
    ],
)
def test_an_event_that_is_not_described_is_refused(tmp_path, written, message):
    study, problems = parse(tmp_path, OUTCOME.format(event=written))
    assert study is None
    assert message in problems[0]


def test_every_problem_of_a_file_is_listed(tmp_path):
    study, problems = parse(
        tmp_path,
        """
        titel = "Study"
        [outcome]
        time = "days"
        evnt = "dead"
        [scores.faceage]
        per = "decade"
        [analysis]
        horizons = [5, 1]
        reference = "Q9"
        """,
    )
    assert study is None
    assert problems == [
        '[scores.faceage]: `per` must be a number of units or "sd".',
        "`table` is missing.",
        "[outcome]: `unit` is missing; write days, months or years.",
        "[outcome]: `event` is missing; name a column of 0/1, or write {column = "
        '"status", event = ["dead"], censored = ["alive"]}.',
        "[outcome]: `evnt` is not known; did you mean `event`?",
        "[analysis]: `horizons` must ascend, but it is [5, 1].",
        "[analysis]: `reference` is `Q9`; known here: `Q1`, `Q2`, `Q3`, `Q4`.",
        "`titel` is not known; did you mean `title`?",
    ]


def test_an_empty_file_lacks_table_outcome_and_scores(tmp_path):
    _, problems = parse(tmp_path, "")
    assert problems == [
        "`scores` is missing.",
        "`table` is missing.",
        "`outcome` is missing.",
    ]


def test_a_file_that_is_not_toml_or_not_text_says_so(tmp_path):
    assert "not TOML" in parse(tmp_path, "title = ")[1][0]
    (tmp_path / "study.toml").write_bytes(b"title = '\xff'")
    assert parse_study(tmp_path / "study.toml")[1] == [
        "The file is not UTF-8 text; save it as UTF-8."
    ]


def test_a_refusal_is_the_first_problem_and_the_number_of_all():
    assert first_of(["x is wrong."], "study.toml") == "study.toml: x is wrong."
    assert first_of(["x is wrong.", "y too."], "study.toml") == (
        "study.toml: x is wrong. (2 problems; `fahrstats check` lists them all.)"
    )


def test_a_name_has_one_part_only(write_study):
    path = write_study(**{"age = {": "faceage = {", "[subgroups]": "[subgroups.x]"})
    assert (
        "`faceage` is a score and a covariate; it can be one of them."
        in (parse_study(path)[1])
    )
    path = write_study(**{"[scores.faceage]": "[scores.time]"})
    assert "`time` is taken by the outcome" in parse_study(path)[1][0]


def test_a_score_may_be_a_sum_or_another_column(tmp_path):
    text = OUTCOME.format(event='"dead"') + 'sum = ["kappa", "lambda"]'
    assert parse(tmp_path, text)[0].scores[0].columns == ("kappa", "lambda")
    text = OUTCOME.format(event='"dead"') + 'column = "face age"'
    assert parse(tmp_path, text)[0].scores[0].columns == ("face age",)
    text += '\nsum = ["kappa"]\nwithin = "sex"'
    assert parse(tmp_path, text)[1] == [
        "[scores.faceage]: `column` and `sum` exclude each other.",
        '[scores.faceage]: `within` needs `per = "sd"`.',
    ]


def test_a_further_outcome_inherits_what_it_does_not_say(tmp_path):
    text = OUTCOME.format(event='"dead"').replace(
        "[scores", '[outcome.also.relapse]\nevent = "relapsed"\n[scores'
    )
    study, problems = parse(tmp_path, text)
    assert problems == []
    relapse = study.outcomes[1]
    assert (relapse.time, relapse.unit, relapse.label) == ("days", "days", "relapse")
    assert relapse.surv == "Surv(time_relapse, event_relapse)"


def test_delayed_entry_stands_in_the_formula(tmp_path):
    text = OUTCOME.format(event='"dead"').replace("unit", 'entry = "start"\nunit')
    assert parse(tmp_path, text)[0].main.surv == "Surv(entry, time, event)"


@pytest.mark.parametrize(
    ("unit", "extra", "per_year"),
    [
        ("days", "", 365.25),
        ("days", "days_per_year = 365", 365),
        ("months", "", 12),
        ("years", "", 1),
    ],
)
def test_a_year_has_a_stated_length(tmp_path, unit, extra, per_year):
    text = OUTCOME.format(event='"dead"').replace('"days"\nevent', f'"{unit}"\nevent')
    study, _ = parse(tmp_path, text.replace("[outcome]", f"[outcome]\n{extra}"))
    assert study.main.units_per_year == per_year


def test_bands_say_on_which_side_their_bounds_lie(tmp_path):
    text = OUTCOME.format(event='"dead"')
    right, _ = parse(tmp_path, text + "[subgroups]\nbmi = { cuts = [25, 30] }")
    assert right.subgroups[0].labels == ("25 or less", "over 25 to 30", "over 30")
    left, _ = parse(
        tmp_path, text + '[subgroups]\nbmi = { cuts = [25, 30], closed = "left" }'
    )
    assert left.subgroups[0].labels == ("under 25", "25 to under 30", "30 or more")
    named, problems = parse(
        tmp_path, text + '[subgroups]\nbmi = { cuts = [25], labels = ["low", "high"] }'
    )
    assert problems == []
    assert named.subgroups == (
        Subgroup("bmi", "bmi", "bmi", "bmi", (25.0,), ("low", "high")),
    )
    _, problems = parse(
        tmp_path, text + '[subgroups]\nbmi = { cuts = [25], labels = ["low"] }'
    )
    assert problems == [
        "[subgroups.bmi]: `labels` names 1 band, but 1 cut makes 2.",
    ]


def test_a_scores_table_needs_an_id(tmp_path):
    text = OUTCOME.format(event='"dead"').replace(
        'table = "cohort.csv"', 'table = { file = "cohort.csv", scores = "s.csv" }'
    )
    assert "`scores` needs `id`" in parse(tmp_path, text)[1][0]


def test_shipped_studies_are_found_by_name_and_files_by_path(write_study):
    names = [
        *("congress", "congress-ages", "congress-paper", "congress-robustness"),
        *("congress-saliency", "flchain", "nhanes", "nhanes-audit"),
    ]
    assert example_names() == names
    assert find_study("flchain") == example_file("flchain")
    path = write_study()
    assert find_study(str(path)) == path
    assert find_study(str(path.parent)) == path
    with pytest.raises(DataError, match=r"no study file `flchian`.*mean `flchain`\?"):
        find_study("flchian")


@pytest.mark.parametrize("name", example_names())
def test_shipped_studies_are_short(name):
    assert len(example_file(name).read_text().splitlines()) <= 30
    assert find_kind(example_file(name)).parse(example_file(name))[1] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"{ cuts = [65] }": '{ column = "code", levels = { 1 = "a" } }'},
            "[subgroups.age]: `age` is a score or covariate already, and `column` is",
        ),
        (
            {"sex = true": 'sex = { levels = { 1 = "Men", 2 = "Women" } }'},
            "[subgroups.sex]: `sex` is a score or covariate already; write its `levels`"
            " in [covariates.sex]",
        ),
        ({"sex = true": "event = true"}, "[subgroups.event]: `event` is taken by the"),
        (
            {"sex = {": "entry = {"},
            "[covariates.entry]: `entry` is taken by the outcom",
        ),
        ({"sex = {": "faceage_group = {"}, "is taken by the groups of `faceage`; use"),
        ({"sex = true": "faceage_group = true"}, "is taken by the groups of `faceage`"),
        (
            {"seed = 3": "strata = 'faceage_group'"},
            "`strata` is `faceage_group`, which",
        ),
        ({"sex = {": "age_band = {"}, "is taken by the bands of `age`; use another"),
        ({"sex = true": "age_band = true"}, "is taken by the bands of `age`; use"),
        ({"sex = {": "C = {"}, "[covariates.C]: `C` is taken by formulas; use another"),
        ({"[scores.faceage]": "[scores.log]"}, "`log` is taken by formulas; use anot"),
        (
            {"sex = {": 'x = { column = "dead",'},
            "[covariates.x]: `dead` is a column of the outcome, which it",
        ),
        ({"sex = true": "dead = true"}, "[subgroups.dead]: `dead` is a column of the"),
        (
            {"per = 10": "column = 'days'"},
            "[scores.faceage]: `days` is a column of the",
        ),
        (
            {"seed = 3": "strata = 'sex'"},
            "[analysis]: `strata` is `sex`, which [covariates.sex] uses too",
        ),
    ],
)
def test_names_and_columns_that_are_taken_are_refused(write_study, changes, message):
    problems = [p for p in parse_study(write_study(**changes))[1] if message in p]
    assert len(problems) == 1


def test_every_function_of_a_formula_is_a_reserved_name():
    assert {*TRANSFORMS, *OURS} == TRANSFORM_NAMES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"[65]": "[nan]"},
            "[subgroups.age]: `cuts` must be a list of finite numbers.",
        ),
        (
            {"[65]": "[60, inf]"},
            "[subgroups.age]: `cuts` must be a list of finite numbers.",
        ),
        (
            {"[65]": "[70, 60]"},
            "[subgroups.age]: `cuts` must ascend, but it is [70, 60]",
        ),
        (
            {"[65]": "[60, 60]"},
            "[subgroups.age]: `cuts` must ascend, but it is [60, 60]",
        ),
        (
            {"[65]": '[65], labels = ["a", "a"]'},
            "[subgroups.age]: `a` names 2 bands; give every band a name of its own",
        ),
        (
            {"per = 10": "per = inf"},
            "[scores.faceage]: `per` is inf; it must be above 0",
        ),
        (
            {"per = 10": "per = nan"},
            "[scores.faceage]: `per` is nan; it must be above 0",
        ),
        ({"per = 10": "per = 0"}, "[scores.faceage]: `per` is 0; it must be above 0"),
        ({"per = 10": "per = -1"}, "[scores.faceage]: `per` is -1; it must be above 0"),
        (
            {"sex = true": "sex = false"},
            "[subgroups]: `sex` must be `true` or a section",
        ),
        (
            {"sex = true": "sex = 'yes'"},
            "[subgroups]: `sex` must be `true` or a section",
        ),
        ({"sex = true": "sex = [1]"}, "[subgroups]: `sex` must be `true` or a section"),
        ({'table = "cohort.csv"': "table = 5"}, "`table` must be text in quotes, or a"),
        (
            {'event = "dead"': 'event = ""'},
            "[outcome]: `event` is empty; name the colum",
        ),
        ({'time = "days"': 'time = ""'}, "[outcome]: `time` is empty."),
    ],
)
def test_a_value_that_means_nothing_is_one_problem(write_study, changes, message):
    study, problems = parse_study(write_study(**changes))
    assert study is None
    assert len(problems) == 1
    assert problems[0].startswith(message)

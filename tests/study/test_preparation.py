from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.study.preparation import prepare
from fahrstats.study.study_file import parse_study


@pytest.fixture
def study_of(tmp_path):
    def read(text):
        path = tmp_path / "study.toml"
        path.write_text('table = "t.csv"\n' + text)
        study, problems = parse_study(path)
        assert problems == []
        return study

    return read


def outcome(event='"event"', unit="years", extra=""):
    return f'[outcome]\ntime = "time"\nunit = "{unit}"\nevent = {event}\n{extra}\n'


TABLE = pd.DataFrame(
    {
        "time": [0.0, 12.0, 24.0, 36.0],
        "event": [1, 0, 1, 0],
        "marker": [1.0, 2.0, 3.0, 5.0],
        "sex": [1, 2, 1, 2],
        "site": ["lung", "breast", "lung", None],
    }
)
MARKER = "[scores.marker]\n"


def test_follow_up_is_in_years_and_the_table_stays_as_it_is(study_of):
    before = TABLE.copy()
    prepared = prepare(study_of(outcome(unit="months") + MARKER), TABLE)
    assert list(prepared.data["time"]) == [0, 1, 2, 3]
    assert list(prepared.data["event"]) == [1, 0, 1, 0]
    pd.testing.assert_frame_equal(TABLE, before)


def test_a_time_of_zero_stands_for_what_the_study_says(study_of):
    study = study_of(outcome(unit="months", extra="zero = 3") + MARKER)
    prepared = prepare(study, TABLE)
    assert list(prepared.data["time"]) == [0.25, 1, 2, 3]
    assert prepared.notes == ["`time` is 0 in 1 of 4 rows, counted as 3 months."]


def test_delayed_entry_is_in_years_too_and_keeps_zero(study_of):
    study = study_of(outcome(unit="months", extra='entry = "start"') + MARKER)
    prepared = prepare(study, TABLE.assign(start=TABLE["marker"]))
    assert prepared.data["entry"].tolist() == pytest.approx(
        [1 / 12, 1 / 6, 0.25, 5 / 12]
    )
    assert prepared.data["time"][0] == 0


@pytest.mark.parametrize(
    ("event", "values", "expected"),
    [
        ('"event"', [True, False, None, True], [1, 0, np.nan, 1]),
        (
            '{ column = "event", event = ["dead"], censored = ["alive", "lost"] }',
            ["dead", "alive", "lost", None],
            [1, 0, 0, np.nan],
        ),
        (
            '{ column = "event", event = [2], censored = [1] }',
            [2.0, 1.0, 2.0, 1.0],
            [1, 0, 1, 0],
        ),
        (
            '{ column = "event", present = true }',
            ["C34", None, "I25", " "],
            [1, 0, 1, 0],
        ),
    ],
)
def test_events_become_one_and_zero(study_of, event, values, expected):
    prepared = prepare(study_of(outcome(event) + MARKER), TABLE.assign(event=values))
    assert prepared.problems == []
    np.testing.assert_array_equal(prepared.data["event"], expected)


def test_an_event_by_any_rule_is_an_event(study_of):
    table = pd.DataFrame(
        {
            "time": [1.0] * 6,
            "marker": range(6),
            "relapse": [1, 0, 0, None, None, 1],
            "death": [0, 1, 0, 1, 0, None],
        }
    )
    prepared = prepare(study_of(outcome('["relapse", "death"]') + MARKER), table)
    np.testing.assert_array_equal(prepared.data["event"], [1, 1, 0, 1, np.nan, 1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 1, 2, 1], r"\[outcome\]: `event` must be 0/1 .* competing risk\?"),
        ([1, 2, 1, 2], r"`event` must be 0/1 or boolean, but it holds 1 \(2 rows\)"),
        (["a", "b", "a", "b"], r"`event` must be 0/1 .* In a study file: event = "),
    ],
)
def test_an_event_coded_otherwise_is_a_problem_with_its_levels(
    study_of, values, message
):
    prepared = prepare(study_of(outcome() + MARKER), TABLE.assign(event=values))
    assert "event" not in prepared.data
    assert pd.Series(prepared.problems).str.contains(message).tolist() == [True]


def test_levels_that_the_study_does_not_list_are_counted(study_of):
    event = '{ column = "event", event = ["dead"], censored = ["alive"] }'
    table = TABLE.assign(event=["dead", "Dead", "alive", "?"])
    assert prepare(study_of(outcome(event) + MARKER), table).problems == [
        "[outcome]: `event` holds `Dead` (1 row), `?` (1 row) in 2 of 4 rows, not "
        "listed in event or censored; list every level, or leave such cells empty."
    ]


def test_codes_get_their_texts_and_the_first_is_the_reference(study_of):
    text = '[covariates]\nsex = { levels = { 2 = "Women", 1 = "Men" } }\n'
    sex = prepare(study_of(outcome() + MARKER + text), TABLE).data["sex"]
    assert list(sex) == ["Men", "Women", "Men", "Women"]
    assert list(sex.cat.categories) == ["Women", "Men"]


def test_text_is_a_factor_with_the_reference_that_the_study_names(study_of):
    text = '[covariates]\nsite = { reference = "lung" }\n'
    prepared = prepare(study_of(outcome() + MARKER + text), TABLE)
    assert list(prepared.data["site"].cat.categories) == ["lung", "breast"]
    assert prepared.data["site"].isna().tolist() == [False, False, False, True]
    text = '[covariates]\nsite = { reference = "liver" }\n'
    assert prepare(study_of(outcome() + MARKER + text), TABLE).problems == [
        "[covariates.site]: `reference` is `liver`, but the levels are `breast`, "
        "`lung`."
    ]


def test_two_codes_without_names_are_noted(study_of):
    prepared = prepare(study_of(outcome() + MARKER + "[covariates.sex]"), TABLE)
    assert prepared.problems == []
    assert "`sex` holds only 1 and 2 and is used as an amount" in prepared.notes[0]


def test_a_score_that_is_text_is_a_problem(study_of):
    prepared = prepare(study_of(outcome() + "[scores.site]"), TABLE)
    assert prepared.problems == [
        "[scores.site]: `site` must hold numbers, but it holds `lung`, `breast`."
    ]


def test_absent_columns_are_all_named_with_the_closest_one(study_of):
    text = outcome('"evnt"') + "[scores.markr]\n[covariates]\nage = {}\n"
    assert prepare(study_of(text), TABLE).problems == [
        "[outcome]: the table has no column `evnt`. Did you mean `event`?",
        "[scores.markr]: the table has no column `markr`. Did you mean `marker`?",
        "[covariates.age]: the table has no column `age`.",
    ]


def test_a_sum_is_missing_where_a_part_is(study_of):
    table = TABLE.assign(other=[1.0, None, 1.0, 1.0])
    text = outcome() + '[scores.total]\nsum = ["marker", "other"]\n'
    np.testing.assert_array_equal(
        prepare(study_of(text), table).data["total"], [2, np.nan, 4, 6]
    )


def test_deviations_are_of_all_rows_with_a_value(study_of):
    table = TABLE.assign(time=[1.0, None, 3.0, 4.0])
    text = outcome() + '[scores.marker]\nper = "sd"\n'
    prepared = prepare(study_of(text), table)
    assert prepared.deviations == {
        "marker": {"overall": pytest.approx(np.std([1, 2, 3, 5], ddof=1))}
    }
    assert prepared.in_deviations.empty


def test_deviations_within_a_factor_divide_the_score(study_of):
    text = (
        outcome()
        + '[scores.marker]\nper = "sd"\nwithin = "sex"\n'
        + '[covariates]\nsex = { levels = { 1 = "Men", 2 = "Women" } }\n'
    )
    prepared = prepare(study_of(text), TABLE)
    men, women = np.std([1, 3], ddof=1), np.std([2, 5], ddof=1)
    assert prepared.deviations == {
        "marker": {"Men": pytest.approx(men), "Women": pytest.approx(women)}
    }
    assert list(prepared.in_deviations["marker"]) == pytest.approx(
        [1 / men, 2 / women, 3 / men, 5 / women]
    )
    assert list(prepared.data["marker"]) == [1, 2, 3, 5]
    flat = prepare(study_of(text), TABLE.assign(marker=[1.0, 2.0, 3.0, 2.0]))
    assert flat.problems == [
        "`marker` has no standard deviation in `Women`: its values do not differ."
    ]


def test_bands_are_closed_as_the_study_says(study_of):
    text = outcome() + MARKER + "[subgroups]\nmarker = { cuts = [2] }\n"
    prepared = prepare(study_of(text), TABLE)
    assert list(prepared.data["marker_band"]) == ["2 or less"] * 2 + ["over 2"] * 2
    text = text.replace("[2]", '[2], closed = "left"')
    prepared = prepare(study_of(text), TABLE)
    assert list(prepared.data["marker_band"]) == ["under 2"] + ["2 or more"] * 3


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("sex = true", "[subgroups.sex]: `sex` holds numbers; give `cuts`, or"),
        ("site = { cuts = [1] }", "[subgroups.site]: `cuts` is for numbers; give"),
        ("marker = { cuts = [9] }", "only 1 level occurs in the table"),
        (
            'sex = { levels = { 1 = "Men" } }',
            "[subgroups.sex]: `sex` holds `2` (2 rows) in 2 of 4 rows, not listed in",
        ),
        ("stage = true", "[subgroups.stage]: the table has no column `stage`."),
    ],
)
def test_subgroups_that_cannot_be_made_are_problems(study_of, written, message):
    text = outcome() + MARKER + f"[subgroups]\n{written}\n"
    assert message in prepare(study_of(text), TABLE).problems[0]


def test_a_subgroup_may_be_a_column_that_is_no_covariate(study_of):
    text = outcome() + MARKER + "[subgroups]\nsite = true\n"
    prepared = prepare(study_of(text), TABLE)
    assert list(prepared.data["site"].cat.categories) == ["breast", "lung"]


def test_text_of_very_many_levels_is_taken_for_a_mistake(study_of):
    table = pd.DataFrame({"time": 1.0, "event": 1, "marker": 1.0}, index=range(40))
    table["age"] = [f"{number} y" for number in range(40)]
    text = outcome() + MARKER + "[covariates]\nage = {}\n"
    assert prepare(study_of(text), table).problems == [
        "[covariates.age]: `age` is text of 40 levels (`0 y`, `1 y`, `10 y`, ...); "
        "make it a number if it is one, or write categorical = true."
    ]
    text = text.replace("{}", "{ categorical = true }")
    assert prepare(study_of(text), table).problems == []

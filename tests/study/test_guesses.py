from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.study.guesses import guess_columns, guess_event_levels, guess_unit


def cohort(**columns) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            name: rng.permutation(np.resize(values, 60))
            for name, values in columns.items()
        }
    )


NUMBERS = np.linspace(40, 90, 60)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {
                "days_survived": NUMBERS,
                "death": [0, 1],
                "faceage": NUMBERS,
                "chrono_age": NUMBERS,
                "gender": ["m", "f"],
                "site": ["lung", "breast"],
                "ECOG": [0, 1, 2],
            },
            ("days_survived", "death", "chrono_age", ("faceage",)),
        ),
        (
            {
                "survival time": NUMBERS,
                "event flag": [0, 1],
                "face age": NUMBERS,
                "chronologic age": NUMBERS,
            },
            ("survival time", "event flag", "chronologic age", ("face age",)),
        ),
        (
            {"OS_months": NUMBERS, "OS_status": ["dead", "alive"], "age_pred": NUMBERS},
            ("OS_months", "OS_status", None, ("age_pred",)),
        ),
        (
            {
                "futime": NUMBERS,
                "death": [True, False],
                "kappa": NUMBERS,
                "age": NUMBERS,
            },
            ("futime", "death", "age", ("kappa",)),
        ),
        ({"x": ["a", "b"]}, (None, None, None, ())),
    ],
)
def test_names_of_published_tables_are_known(columns, expected):
    guess = guess_columns(cohort(**columns))
    assert (guess.time, guess.event, guess.age, guess.scores) == expected


def test_covariates_are_known_by_name_and_the_rest_is_unused():
    guess = guess_columns(
        cohort(
            time=NUMBERS,
            event=[0, 1],
            age=NUMBERS,
            facesurvival=NUMBERS,
            sex=[1, 2],
            ecog=[0, 1],
            note=["x", "y"],
        )
    )
    assert guess.covariates == ("age", "sex", "ecog")
    assert guess.groups == ("sex",)
    assert guess.unused == ("note",)
    assert guess.is_named


def test_values_must_fit_the_name():
    guess = guess_columns(
        cohort(time=[-1.0, 2.0], event=NUMBERS.astype(str), score=["a", "b"])
    )
    assert (guess.time, guess.event, guess.scores) == (None, None, ())


def test_a_column_known_only_for_the_dead_is_no_covariate():
    dead = np.resize([0, 1], 400)
    data = pd.DataFrame(
        {
            "time": np.arange(1.0, 401),
            "event": dead,
            "faceage": np.arange(400.0),
            "site": np.where(dead == 1, "lung", None),
        }
    )
    data.loc[1, "site"] = "liver"
    assert guess_columns(data).covariates == ()
    assert guess_columns(data).unused == ("site",)


@pytest.mark.parametrize(
    ("column", "largest", "unit"),
    [
        ("follow_up_months", 2000, "months"),
        ("days", 3, "days"),
        ("time", 5215, "days"),
        ("time", 201, "months"),
        ("time", 14.5, "years"),
    ],
)
def test_a_unit_comes_from_the_name_or_the_largest_value(column, largest, unit):
    assert guess_unit(column, pd.Series([1.0, largest, np.nan])) == unit


@pytest.mark.parametrize(
    ("levels", "events", "censored"),
    [
        (["alive", "Dead"], ["Dead"], ["alive"]),
        ([1, 2], ["2"], ["1"]),
        ([0, 1, 2], ["1"], ["0", "2"]),
        (["no", "yes"], ["yes"], ["no"]),
    ],
)
def test_levels_of_an_event_are_guessed_from_words_and_numbers(
    levels, events, censored
):
    assert guess_event_levels(pd.Series(levels)) == (events, censored)


@pytest.mark.parametrize(
    "name",
    [
        *("AGE", "Age at dx", "age_years", "Age (years)", "ageAtEntry", "patient.age"),
        *("chronoage", "chronologic age"),
    ],
)
def test_an_age_is_known_by_a_word_of_its_name(name):
    guess = guess_columns(
        cohort(**{"time": NUMBERS, "faceage": NUMBERS, name: NUMBERS})
    )
    assert (guess.age, guess.scores, guess.notes) == (name, ("faceage",), ())


@pytest.mark.parametrize(
    "name", ["percentage", "stage", "age_group", "age_at_death", "dosage", "age_gap"]
)
def test_a_name_that_only_resembles_an_age_is_none(name):
    assert guess_columns(cohort(**{name: NUMBERS})).age is None


@pytest.mark.parametrize(
    "name", ["face age", "FaceAge", "age_pred", "Predicted age", "biological_age"]
)
def test_an_age_that_is_a_score_asks_for_the_age_in_years(name):
    guess = guess_columns(cohort(time=NUMBERS, event=[0, 1], **{name: NUMBERS}))
    assert (guess.age, guess.scores) == (None, (name,))
    (note,) = guess.notes
    assert note.startswith(f"No column looks like the age in years, but `{name}` looks")


@pytest.mark.parametrize(
    "name",
    [
        *("inst", "Institution", "site", "study_id", "patientid", "center", "Hospital"),
        *("zip code", "centre", "clinic_no", "Unnamed: 0"),
    ],
)
def test_a_code_or_an_identifier_is_never_a_score(name):
    guess = guess_columns(cohort(**{name: NUMBERS, "marker": NUMBERS}))
    assert guess.scores == ("marker",)
    assert guess_columns(cohort(**{name: NUMBERS})).scores == ()


def test_a_score_that_no_name_gives_away_is_called_a_guess():
    (note,) = guess_columns(cohort(age=NUMBERS, marker=NUMBERS)).notes
    assert note.startswith("No name looks like a score: `marker` is only a guess")


@pytest.mark.parametrize("name", ["dead", "death", "event", "status"])
@pytest.mark.parametrize("value", [0, 1])
def test_an_event_that_is_the_same_in_every_row_is_found(name, value):
    assert guess_columns(cohort(**{name: [value]})).event == name
    assert guess_columns(cohort(**{name: [value], "died": [0, 1]})).event == "died"
    assert guess_columns(cohort(**{name: [5]})).event is None


def test_a_second_age_is_no_score():
    guess = guess_columns(cohort(age=NUMBERS, age_at_entry=NUMBERS, marker=NUMBERS))
    assert (guess.age, guess.scores) == ("age", ("marker",))

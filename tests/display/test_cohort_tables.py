# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display.cohort_tables import (
    cut_points,
    follow_up,
    survival_at,
    table_one,
)
from fahrstats.display.display_table import INDENT
from fahrstats.errors import DataError


def row(table, name, below=""):
    """Return a line of a display table, the first one below another."""
    names = list(table.cells["name"])
    start = names.index(below) if below else 0
    return list(table.cells.iloc[names.index(name, start)])[1:]


@pytest.fixture
def one(tables, labels):
    return table_one(tables["table_one"], labels=labels)


def test_table_one_has_a_column_per_group_with_its_size(one, cohort):
    assert one.headers["overall"] == f"Overall\nn = {len(cohort)}"
    sizes = cohort["group"].value_counts()
    for group in ("Q1", "Q2", "Q3", "Q4"):
        assert one.headers[group] == f"{group}\nn = {sizes[group]}"


def test_numbers_are_median_and_quartiles(one, cohort):
    q1, median, q3 = cohort["age"].quantile([0.25, 0.5, 0.75])
    assert (
        row(one, "Age, years, median (IQR)")[0] == f"{median:.0f} ({q1:.0f}–{q3:.0f})"
    )
    q1, median, q3 = cohort["flc"].quantile([0.25, 0.5, 0.75])
    text = row(one, "Free light chain, mg/dL, median (IQR)")[0]
    assert text == f"{median:.2f} ({q1:.2f}–{q3:.2f})"


def test_levels_are_counts_and_percentages(one, cohort):
    n, n_women = len(cohort), (cohort["sex"] == "F").sum()
    cells = row(one, f"{INDENT}F", below="Sex, n (%)")
    assert cells[0] == f"{n_women} ({100 * n_women / n:.1f}%)"
    lowest = cohort[cohort["group"] == "Q1"]["sex"]
    share = 100 * (lowest == "F").mean()
    # groups below 200 have no decimal
    assert cells[1] == f"{(lowest == 'F').sum()} ({share:.0f}%)"
    assert row(one, "Sex, n (%)") == [""] * 5


def test_standardised_differences_are_a_column_of_their_own(tables, labels):
    table = tables["table_one"]
    assert "smd" not in table_one(table, labels=labels).headers
    apart = pd.DataFrame(
        {
            "variable": ["age", "sex"],
            "group": "Q4",
            "reference": "Q1",
            "level": "",
            "estimand": "smd",
            "estimate": [0.616, float("nan")],
            "n": 300,
            "n_missing": 0,
        }
    )
    shown = table_one(pd.concat([table, apart]), labels=labels)
    assert shown.headers["smd"] == "SMD\nQ4 against Q1"
    assert row(shown, "Age, years, median (IQR)")[-1] == "0.62"
    assert row(shown, "Sex, n (%)")[-1] == "–"
    assert row(shown, f"{INDENT}F", below="Sex, n (%)")[-1] == ""
    assert shown.headers["overall"] == table_one(table).headers["overall"]
    assert "SMD, standardised mean difference" in shown.notes[0]


def test_missing_values_have_a_line_where_there_are_any(one):
    names = list(one.cells["name"])
    assert names.count(f"{INDENT}Missing") == 1
    assert row(one, f"{INDENT}Missing") == ["21", "0", "0", "0", "0"]
    assert names[names.index(f"{INDENT}Missing") - 1].startswith("Creatinine")


def test_a_variable_without_spread_keeps_two_decimals():
    table = pd.DataFrame(
        {
            "level": "",
            "group": "overall",
            "variable": "x",
            "estimand": ["q1", "median", "q3"],
            "estimate": 1.0,
            "n": 3,
            "n_missing": 0,
        }
    )
    assert row(table_one(table), "x, median (IQR)") == ["1.00 (1.00–1.00)"]


def test_follow_up_is_in_units_with_what_was_not_reached_in_words(tables, cohort):
    shown = follow_up(tables["follow_up"])
    assert row(shown, "Median follow-up (IQR), years") == ["6.4 (4.6 to not reached)"]
    assert row(shown, f"{INDENT}95% CI of the median") == ["6.1–6.8"]
    assert row(shown, "Participants") == [str(len(cohort))]
    assert row(shown, "Events") == [str(cohort["event"].sum())]
    years = cohort["time"].sum()
    assert row(shown, "Follow-up in total, person-years") == [f"{years:,.0f}"]
    rate = 1000 * cohort["event"].sum() / years
    (text,) = row(shown, "Events per 1000 person-years (95% CI)")
    assert text.startswith(f"{rate:.1f} (")


def test_follow_up_without_quartiles_keeps_the_rest(tables):
    table = tables["follow_up"]
    shown = follow_up(table[table["estimand"] == "person_time"], time_unit="months")
    assert list(shown.cells["name"]) == [
        "Participants",
        "Events",
        "Follow-up in total, person-months",
    ]


def test_follow_up_of_several_groups_is_refused(tables):
    table = tables["follow_up"].assign(group=[*"aaabbb"])
    with pytest.raises(DataError, match="`group` has 2 values \\(a, b\\)"):
        follow_up(table)


def test_survival_is_in_percent_at_each_time(tables, labels):
    table = tables["survival_at"].replace({"time": {2.0: 1.0}})
    shown = survival_at(table, labels=labels)
    assert list(shown.headers.values()) == ["", "1 year", "5 years"]
    first = table[(table["group"] == "Q1") & (table["time"] == 1.0)].iloc[0]
    percent = [100 * first[name] for name in ("estimate", "conf_low", "conf_high")]
    expected = "{:.1f} ({:.1f}–{:.1f})".format(*percent)
    assert row(shown, f"{INDENT}Q1", below="Free light chain")[0] == expected


def test_survival_of_one_without_limits_stands_alone(tables):
    table = tables["survival_at"].assign(
        estimate=1.0, conf_low=np.nan, conf_high=np.nan
    )
    shown = survival_at(table)
    assert set(shown.cells[["at 2", "at 5"]].to_numpy().ravel()) == {"", "100.0"}


def test_a_group_that_ended_earlier_has_an_empty_cell(tables):
    table = tables["survival_at"]
    gone = table[(table["group"] != "Q4") | (table["time"] == 2.0)]
    assert row(survival_at(gone), f"{INDENT}Q4")[1] == "–"


def test_groups_are_given_by_their_bounds_and_origin(tables, labels, cohort):
    shown = cut_points(tables["cut_points"], labels=labels)
    low, middle, _ = cohort["flc"].quantile([0.25, 0.5, 0.75])
    assert row(shown, f"{INDENT}Q1")[0] == f"≤ {low:.4g}"
    assert row(shown, f"{INDENT}Q2")[0] == f"> {low:.4g} to ≤ {middle:.4g}"
    assert row(shown, f"{INDENT}Q4")[0].startswith("> ")
    assert shown.notes == (f"Cut points from this cohort, n = {len(cohort)}.",)
    large = tables["cut_points"].assign(origin="another cohort of 2010, n = 27837")
    assert cut_points(large, labels=labels).notes == (
        "Cut points from another cohort of 2010, n = 27,837.",
    )


def test_negative_bounds_have_a_minus_sign():
    table = pd.DataFrame(
        {"group": ["Q1", "Q2"], "estimate": [-7.775, np.inf], "n": [5, 6]}
    )
    shown = cut_points(table)
    assert list(shown.cells["bounds"]) == ["≤ −7.775", "> −7.775"]
    assert list(shown.cells["n_events"]) == ["–", "–"]


def test_an_absent_column_is_named(tables):
    with pytest.raises(DataError, match=r"no column `n_missing`; Table 1 needs"):
        table_one(tables["table_one"].drop(columns="n_missing"))

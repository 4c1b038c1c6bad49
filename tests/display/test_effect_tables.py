# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.effect_tables import (
    agrees_with_print,
    hazard_ratios,
    ph_test,
    published,
    subgroups,
)
from fahrstats.display.forest_lines import forest_lines
from fahrstats.display.journals import format_p, format_ratio
from fahrstats.errors import DataError


def row(table, name):
    return list(table.cells[table.cells["name"] == name].iloc[0])[1:]


def ratio(table, model, term):
    (found,) = table[(table["model"] == model) & (table["term"] == term)].itertuples()
    limits = (found.estimate, found.conf_low, found.conf_high)
    return [format_ratio(*limits), format_p(found.p_value)]


def test_models_stand_side_by_side(tables, labels):
    table = tables["cox"]
    shown = hazard_ratios(table, labels=labels)
    assert list(shown.spanners) == ["Unadjusted", "Adjusted"]
    assert row(shown, "Free light chain, per mg/dL") == [
        *ratio(table, "unadjusted", "flc"),
        *ratio(table, "adjusted", "flc"),
    ]
    assert row(shown, "Age, per 10 years") == [
        "–",
        "–",
        *ratio(table, "adjusted", "age"),
    ]


def test_a_factor_starts_with_its_reference(tables, labels):
    table = tables["cox"]
    shown = hazard_ratios(table, models=["adjusted"], labels=labels)
    names = list(shown.cells["name"])
    at = names.index("Sex")
    assert names[at : at + 3] == ["Sex", f"{INDENT}F", f"{INDENT}M"]
    assert row(shown, f"{INDENT}F") == ["1 (reference)", ""]
    assert row(shown, f"{INDENT}M") == ratio(table, "adjusted", "sex[T.M]")


def test_sizes_of_the_models_are_noted(tables, cohort):
    n, n_events = len(cohort), cohort["event"].sum()
    table = tables["cox"]
    assert hazard_ratios(table).notes == (f"All models: n = {n}, {n_events} events.",)
    larger = table.assign(n=table["n"] + (table["model"] == "unadjusted"))
    assert hazard_ratios(larger).notes == (
        f"Unadjusted: n = {n + 1}, {n_events} events. "
        f"Adjusted: n = {n}, {n_events} events.",
    )


def test_scores_known_in_different_people_have_sizes_of_their_own(tables, labels):
    table = tables["cox"]
    few = table.assign(biomarker="creatinine", n=90, n_events=9)
    of_all = few["variable"].eq("age") & few["model"].eq("unadjusted")
    few.loc[of_all, ["n", "n_events"]] = table[["n", "n_events"]].iloc[0].to_numpy()
    few["variable"] = few["variable"].replace({"flc": "creatinine"})
    n, n_events = table[["n", "n_events"]].iloc[0]
    assert hazard_ratios(pd.concat([table, few]), labels=labels).notes == (
        f"Free light chain: n = {n}, {n_events} events. Creatinine: n = 90, 9 events.",
    )


def test_several_scores_or_outcomes_stand_below_their_names(tables, labels):
    table = tables["cox"]
    twice = pd.concat([table, table.assign(biomarker="creatinine")])
    shown = hazard_ratios(twice, labels=labels)
    heads = [shown.cells["name"].iloc[position] for position in shown.heads]
    assert heads == ["Free light chain", "Creatinine"]
    outcomes = pd.concat([table.assign(outcome=name) for name in ("death", "stroke")])
    shown = hazard_ratios(outcomes, labels=labels)
    heads = [shown.cells["name"].iloc[position] for position in shown.heads]
    assert heads == ["death: Free light chain", "stroke: Free light chain"]


_MONOTONE = "infinite: monotone likelihood; statistic and p from the likelihood ratio"


@pytest.fixture
def infinite():
    shared = {"model": "adjusted", "variable": "stage", "term": "stage[IV]"}
    rows = [
        {"estimand": "hr", "estimate": np.inf, "note": _MONOTONE},
        {"estimand": "hr_firth", "estimate": 14.2, "conf_low": 2.2, "conf_high": 90.0},
    ]
    aliased = {"model": "adjusted", "variable": "y", "term": "y", "estimand": "hr"}
    table = pd.DataFrame([{**shared, **row} for row in rows])
    table = table.assign(reference="I", p_value=0.0004)
    alias = pd.DataFrame([{**aliased, "note": "aliased: `y` equals 2 `x`"}])
    return pd.concat([table, alias], ignore_index=True)


def test_an_infinite_ratio_is_a_word_with_its_firth_estimate_as_note(infinite):
    shown = hazard_ratios(infinite)
    assert row(shown, f"{INDENT}IV") == ["infiniteᵃ", "<0.001"]
    assert shown.notes[0] == (
        "ᵃ infinite effect: the likelihood has no maximum, as where nobody on one side "
        "has the event; P from the likelihood ratio; Firth estimate 14.20 (2.20–90.00)"
    )


def test_a_ratio_of_zero_is_called_an_infinite_effect(infinite):
    zero = infinite.assign(estimate=infinite["estimate"].replace(np.inf, 0.0))
    shown = hazard_ratios(zero)
    assert row(shown, f"{INDENT}IV") == ["0 (infinite effect)ᵃ", "<0.001"]
    assert shown.notes[0].count("likelihood ratio") == 1


def test_a_term_that_cannot_be_told_apart_is_noted(infinite):
    shown = hazard_ratios(infinite)
    assert row(shown, "y") == ["not estimatedᵇ", "–"]
    assert shown.notes[1] == "ᵇ no estimate of its own: y equals 2 x"


def test_models_that_the_table_lacks_are_named(tables):
    with pytest.raises(DataError, match=r"`unadjusted`, `adjusted`, .* but none"):
        hazard_ratios(tables["cox"], models=["tertiles"])


def test_the_table_of_subgroups_says_what_the_forest_plot_says(tables, labels):
    table = tables["subgroups"]
    shown = subgroups(table, labels=labels)
    lines = forest_lines(table, labels)
    for column, cells in (("n", "n"), ("n_events", "n_events"), ("p", "p")):
        assert list(shown.cells[cells]) == list(lines[column])
    assert list(shown.cells["ratio"]) == list(lines["ratio"])
    assert [name.strip(INDENT) for name in shown.cells["name"]] == list(lines["label"])
    assert shown.notes == ()


def test_notes_of_levels_are_kept(tables):
    table = tables["subgroups"]
    table = table.assign(
        note=table["note"].mask(table["level"] == "M", "`sex` is constant and left out")
    )
    shown = subgroups(table)
    assert row(shown, f"{INDENT}M")[2].endswith("ᵃ")
    assert shown.notes == ("ᵃ sex is constant and left out",)


def test_tests_of_proportionality_end_with_all_together(tables, labels):
    shown = ph_test(tables["ph_test"], labels=labels)
    assert list(shown.cells["name"]) == [
        "Free light chain, adjusted",
        f"{INDENT}Free light chain",
        f"{INDENT}Age",
        f"{INDENT}Sex",
        f"{INDENT}All together",
    ]
    assert row(shown, f"{INDENT}Sex") == ["4.20", "1", "0.040"]
    assert row(shown, f"{INDENT}All together") == ["5.60", "3", "0.133"]


def test_a_test_that_could_not_be_made_says_so(tables):
    table = tables["ph_test"].copy()
    table.loc[0, ["statistic", "p_value"]] = np.nan
    assert row(ph_test(table), f"{INDENT}flc") == ["–", "–", "not estimated"]


def test_published_ratios_stand_beside_ours(tables, labels):
    shown = published(tables["published"], labels=labels)
    assert row(shown, "Everyone")[2:] == ["1.47 (1.42–1.51)"] * 2 + ["yes"]
    assert row(shown, "Sex: Mᵃ")[2:] == ["1.44 (1.38–1.51)", "1.44 (1.38–1.50)", "no"]
    assert shown.notes == ("ᵃ limits differ",)


def test_an_outcome_without_print_has_empty_cells(tables):
    table = tables["published"]
    other = table.assign(
        outcome="any cause", published=np.nan, published_low=np.nan, note=""
    )
    shown = published(pd.concat([table, other]))
    last = list(shown.cells.iloc[-1])[3:]
    assert last == ["–", "1.44 (1.38–1.50)", "–"]
    heads = [shown.cells["name"].iloc[position] for position in shown.heads]
    assert heads == ["Main outcome", "Any cause"]


@pytest.mark.parametrize(
    ("ours", "expected"), [(1.4749, True), (1.4651, True), (1.4751, False)]
)
def test_agreement_is_to_two_decimals(ours, expected):
    limits = {"conf_low": 1.4, "conf_high": 1.5}
    printed = {"published": 1.47, "published_low": 1.4, "published_high": 1.5}
    assert agrees_with_print({"estimate": ours, **limits, **printed}) is expected

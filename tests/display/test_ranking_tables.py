# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.journal_styles import NEJM, NO_INTERACTION_P
from fahrstats.display.journals import format_p
from fahrstats.display.ranking_tables import concordance, concordance_by
from fahrstats.errors import DataError


def row(table, name):
    return list(table.cells[table.cells["name"] == name].iloc[0])[1:]


def test_only_differences_of_scores_have_a_test(tables, labels):
    table = tables["concordance"]
    shown = concordance(table, labels=labels)
    p_value = table["p_value"].iloc[-1]
    assert row(shown, "Free light chain")[1] == "–"
    assert row(shown, "Free light chain minus Age")[1] == format_p(p_value)
    assert "p_adjusted" not in shown.headers


def test_a_small_difference_does_not_read_as_zero(tables, labels):
    table = tables["concordance"].copy()
    limits = ["estimate", "conf_low", "conf_high"]
    table.loc[table.index[-1], limits] = [0.00011, -0.0001, 0.0003]
    shown = concordance(table, labels=labels)
    cells = row(shown, "Free light chain minus Age")
    assert cells[0] == "0.0001 (−0.0001 to 0.0003)"


def test_several_differences_have_an_adjusted_p_and_the_time_is_named(layer, labels):
    shown = concordance(layer["uno"], labels=labels)
    cells = row(shown, "Free light chain minus Creatinine")
    assert cells == ["0.020 (0.018–0.024)", "0.029", "0.071"]
    assert shown.notes == (
        "All on the same rows: n = 600, 240 events.",
        "Events up to 5 years count.",
    )


def test_a_subgroup_has_its_tests_above_its_levels(layer, labels):
    shown = concordance_by(layer["concordance_by"], labels=labels)
    assert row(shown, "Everyone") == ["600", "240", *["0.600 (0.540–0.720)"] * 2]
    assert row(shown, "Sex") == ["", "", "P=0.74", "P=0.065"]
    assert row(shown, f"{INDENT}F")[0] == "600"
    assert shown.heads == (1,)
    assert shown.headers["flc"] == "Free light chain"


def test_a_level_without_a_score_has_an_empty_cell(layer, labels):
    table = layer["concordance_by"]
    is_gone = (table["level"] == "F") & (table["term"] == "creatinine")
    shown = concordance_by(table[~is_gone], labels=labels)
    assert row(shown, f"{INDENT}F")[3] == "–"


def test_an_absent_column_is_named(layer):
    with pytest.raises(DataError, match=r"no column `subgroup`"):
        concordance_by(layer["concordance_by"].drop(columns="subgroup"))


def test_a_journal_without_tests_of_interaction_has_none_of_ranking(layer, labels):
    shown = concordance_by(layer["concordance_by"], labels=labels, style=NEJM)
    assert shown.notes[0] == NO_INTERACTION_P
    assert "P" not in "".join(shown.cells.iloc[1, 1:])

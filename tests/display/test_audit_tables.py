# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pytest
from audited import LEVELS, audit_table

from fahrstats.display.audit_tables import audit_groups
from fahrstats.display.display_table import INDENT
from fahrstats.errors import DataError

LABELS = {"sex": {"label": "Sex", "unit": ""}, "race": {"label": "Race", "unit": ""}}


@pytest.fixture(scope="module")
def cells():
    shown = audit_groups(
        audit_table(), measures=("n_missing", "hr", "c_index", "ipa"), labels=LABELS
    )
    return shown.cells.set_index("name")


def test_every_level_has_a_line_below_the_name_of_its_group(cells):
    names = [name.strip(INDENT).rstrip("ᵃ") for name in cells.index]
    expected = ["Everyone"]
    for subgroup, level in list(LEVELS)[1:]:
        head = {"sex": "Sex", "race": "Race"}.get(subgroup, "Sex × Race")
        expected += [level] if head in expected else [head, level]
    assert names == expected


def test_the_score_stands_above_its_numbers():
    measures = ("hr", "ipa")
    shown = audit_groups(audit_table(), measures=measures, title="FaceAge")
    assert shown.spanners == {"FaceAge": ("n", "n_events", *measures)}
    assert audit_groups(audit_table(), measures=measures).spanners == {}


def test_numbers_of_everyone_stand_first(cells):
    line = cells.loc["Everyone"]
    assert line[["n", "n_events", "n_missing"]].tolist() == ["2,000", "400", "50"]
    assert line["hr"] == "1.42 (1.27–1.58)"


def test_what_is_unknown_has_an_asterisk_that_is_explained():
    shown = audit_groups(audit_table(), measures=("c_index",), labels=LABELS)
    cells = shown.cells.set_index("name")["c_index"]
    assert cells[f"{INDENT}Women × Black"].endswith("*")
    assert not cells[f"{INDENT}Women"].endswith("*")
    assert shown.notes[0].startswith("* Unknown, not fair: the interval holds")
    alike = audit_groups(audit_table(), measures=("brier",), labels=LABELS)
    assert not any(note.startswith("*") for note in alike.notes)


def test_a_group_below_the_floor_has_bands_and_no_counts(cells):
    (name,) = (name for name in cells.index if "missing" in name)
    assert cells.loc[name, ["n", "n_events", "n_missing"]].tolist() == [
        "–",
        "–",
        "too few",
    ]
    shown = audit_groups(audit_table(), measures=("hr",), labels=LABELS)
    assert "ᵃ 20 or more people, 1 to 9 events" in shown.notes


def test_a_group_below_the_floor_whose_counts_are_told_has_no_band():
    is_small = audit_table()["level"] == "missing"
    table = audit_table().assign(
        n=audit_table()["n"].mask(is_small, 157),
        n_events=audit_table()["n_events"].mask(is_small, 7),
    )
    shown = audit_groups(table, measures=("hr", "brier"), labels=LABELS)
    line = shown.cells.set_index("name").loc[f"{INDENT}missing"]
    assert line.tolist() == ["157", "7", "too few", ""]
    assert not any("people" in note for note in shown.notes)
    published = table.assign(note=table["note"].mask(is_small, "too few"))
    assert audit_groups(
        published, measures=("hr", "brier"), labels=LABELS
    ).cells.equals(shown.cells)


def test_events_beside_measures_of_a_horizon_are_those_by_then():
    table = audit_table()
    is_until = table["time"].notna()
    table.loc[is_until & (table["level"] == "Women"), "n_events"] = 101
    is_few = is_until & (table["level"] == "Men")
    blank = ["n_events", "estimate", "conf_low", "conf_high"]
    table.loc[is_few, blank] = np.nan
    table.loc[is_few, "note"] = "too few: 0 to 9 events by 5"
    shown = audit_groups(table, measures=("ipa", "brier"), labels=LABELS)
    cells = shown.cells.set_index("name")
    assert shown.headers["n_events"] == "Events by\nthe\N{NO-BREAK SPACE}horizon"
    assert cells.loc[f"{INDENT}Women", ["n", "n_events"]].tolist() == ["1,040", "101"]
    men = cells.loc[f"{INDENT}Men"]
    assert men[["n", "n_events"]].tolist() == ["960", "–"]
    assert men["ipa"] == "too fewᵃ"
    mixed = audit_groups(table, measures=("hr", "ipa"), labels=LABELS)
    assert mixed.headers["n_events"] == "Events"
    assert mixed.cells.set_index("name").loc[f"{INDENT}Women", "n_events"] == "190"


def test_measures_that_the_table_has_not_are_left_out():
    shown = audit_groups(audit_table(), measures=("c_index", "auc"))
    assert list(shown.headers) == ["name", "n", "n_events", "c_index"]
    with pytest.raises(DataError, match="The table has none of auc, nri"):
        audit_groups(audit_table(), measures=("auc", "nri"))
    with pytest.raises(DataError, match="no column `level`; a table of groups needs"):
        audit_groups(audit_table().drop(columns="level"), measures=("hr",))

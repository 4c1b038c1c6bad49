# ruff: noqa: RUF001  (crosses between groups are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audited import LEVELS, audit_table
from drawings import drawn, overlapping, texts_outside, words
from matplotlib.collections import PathCollection

from fahrstats.display.funnels import funnel
from fahrstats.errors import DataError

LABELS = {"sex": {"label": "Sex", "unit": ""}, "race": {"label": "Race", "unit": ""}}


def with_outlier():
    """Put one small and one large level far from everyone."""
    table = audit_table()
    for level, value in (("Women × Black", 0.30), ("White", 0.95)):
        is_it = (table["level"] == level) & (table["estimand"] == "c_index")
        table.loc[is_it & (table["term"] != "model"), "estimate"] = value
    return table


@pytest.fixture(scope="module")
def drawing():
    with drawn(funnel(with_outlier(), labels=LABELS)) as figure:
        yield figure


def test_every_estimated_level_is_a_dot_at_its_events(drawing):
    (axes,) = drawing.axes
    dots = np.concatenate([m.get_offsets().data for m in axes.findobj(PathCollection)])
    expected = {n for key, (_, n) in LEVELS.items() if key[0] != "overall" and n >= 10}
    assert {round(10**x) for x, _ in dots} == expected


def test_levels_beyond_the_limits_are_named_and_others_are_not(drawing):
    shown = {text.strip() for text in words(drawing)}
    assert {"Women × Black", "White", "95%", "99.8%"} <= shown
    assert "Men × White" not in shown
    assert {"Sex", "Race", "Sex × Race"} <= shown


def test_nothing_is_cut_off_or_printed_over(drawing):
    assert texts_outside(drawing) == []
    assert overlapping(drawing) == []


def test_names_of_crowded_levels_stand_apart(draw):
    crowd = pd.DataFrame(
        {
            "subgroup": "g",
            "level": [f"Level {k} of a crowd" for k in range(12)],
            "term": "flc",
            "estimand": "c_index",
            "estimate": 0.9 + 0.001 * np.arange(12),
            "std_error": 0.02,
            "n_events": 200 + 3 * np.arange(12),
        }
    )
    table = audit_table()
    everyone = table[table["subgroup"] == "overall"]
    figure = draw(funnel(pd.concat([everyone, crowd], ignore_index=True)))
    assert texts_outside(figure) == []
    assert overlapping(figure) == []
    assert sum(text.startswith("Level ") for text in words(figure)) >= 8


def test_limits_are_as_wide_as_everyones_error_with_as_many_events(draw):
    table = audit_table()
    figure = draw(funnel(table))
    is_it = (table["subgroup"] == "overall") & (table["term"] == "flc")
    everyone = table[is_it & (table["estimand"] == "c_index")].iloc[0]
    lines = [
        np.column_stack([line.get_xdata(), line.get_ydata()])
        for line in figure.axes[0].get_lines()
        if len(line.get_xdata()) > 10
    ]
    assert len(lines) == 4
    for z, sign in ((1.959964, 1), (1.959964, -1), (3.090232, 1), (3.090232, -1)):
        at = [
            everyone["estimate"]
            + sign * z * everyone["std_error"] * np.sqrt(everyone["n_events"] / 10**x)
            for x in lines[0][:, 0]
        ]
        assert any(np.allclose(line[:, 1], at) for line in lines)


def test_more_groups_than_colours_are_drawn_in_one(draw):
    table = audit_table()
    levels = table[table["subgroup"] == "sex"]
    more = [levels.assign(subgroup=f"factor {k}") for k in range(7)]
    figure = draw(funnel(pd.concat([table, *more], ignore_index=True)))
    assert figure.legends == []
    assert "Sex" not in words(figure)


def test_a_funnel_needs_everyone_and_a_level():
    table = audit_table()
    is_overall = table["subgroup"] == "overall"
    with pytest.raises(DataError, match="with a standard error of any level"):
        funnel(table[is_overall])
    with pytest.raises(DataError, match="with a standard error of everyone"):
        funnel(table[~is_overall])
    with pytest.raises(DataError, match="no column `std_error`; a funnel needs"):
        funnel(table.drop(columns="std_error"))

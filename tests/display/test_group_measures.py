from __future__ import annotations

import numpy as np
import pytest
from audited import LEVELS, audit_table
from drawings import drawn, overlapping, texts_outside, words
from matplotlib.collections import PathCollection
from plotnine import ggplot, labs

from fahrstats.display.group_measures import group_measures
from fahrstats.errors import DataError

LABELS = {"sex": {"label": "Sex", "unit": ""}, "race": {"label": "Race", "unit": ""}}
MEASURES = ("c_index", "model_c_index", "observed_expected", "calibration_slope", "ipa")


@pytest.fixture(scope="module")
def drawing():
    plot = group_measures(
        audit_table(), measures=MEASURES, labels=LABELS, title="Costs $5"
    )
    with drawn(plot) as figure:
        yield figure


def said(figure):
    return [" ".join(text.split()) for text in words(figure)]


def test_every_measure_has_a_panel_with_the_value_of_everyone(drawing):
    assert len(drawing.axes) == len(MEASURES)
    shown = said(drawing)
    assert "C-index all: 0.640" in shown
    assert "Observed / expected all: 1.00" in shown
    assert "IPA, % all: 8.0" in shown
    table = audit_table()
    is_it = (table["subgroup"] == "overall") & (table["term"] == "flc")
    at = table.loc[is_it & (table["estimand"] == "c_index"), "estimate"].iloc[0]
    assert at in verticals(drawing.axes[0])


def verticals(axes):
    """Where the vertical lines of a panel stand."""
    paths = [
        path.vertices
        for collection in axes.collections
        if not isinstance(collection, PathCollection)
        for path in collection.get_paths()
    ]
    return [ends[0, 0] for ends in paths if len(ends) and not np.ptp(ends[:, 0])]


def test_every_group_and_level_is_named_once_and_crossings_by_their_columns(drawing):
    shown = said(drawing)
    assert {"Sex", "Race", "Sex \N{MULTIPLICATION SIGN} Race"} <= set(shown)
    for _, level in [key for key in LEVELS if key[0] != "overall"]:
        assert shown.count(level) == 1


def test_a_group_below_the_floor_says_so_in_every_panel(drawing):
    assert said(drawing).count("too few") == len(MEASURES)


def test_wide_intervals_are_called_unknown(drawing):
    assert "Unknown, not fair" in said(drawing)


def test_nothing_is_cut_off_or_printed_over(drawing):
    assert texts_outside(drawing) == []
    assert overlapping(drawing) == []


def test_a_measure_that_the_table_has_not_is_left_out(draw):
    figure = draw(group_measures(audit_table(), measures=("c_index", "model_brier")))
    assert len(figure.axes) == 1


def test_many_levels_with_long_names_fit(draw):
    table = audit_table()
    long = {
        level: f"{level}, as the person told it at the visit" for _, level in LEVELS
    }
    table["level"] = table["level"].map(long).where(table["subgroup"] != "overall", "")
    figure = draw(group_measures(table, measures=MEASURES, labels=LABELS))
    assert texts_outside(figure) == []
    assert overlapping(figure) == []


def test_layers_can_be_added():
    plot = group_measures(audit_table(), measures=("c_index",)) + labs(title="Mine")
    assert isinstance(plot, ggplot)


def test_tables_without_levels_or_of_several_scores_are_refused():
    table = audit_table()
    with pytest.raises(DataError, match="`measures` is the text `hr`; give a list of"):
        group_measures(table, measures="hr")
    with pytest.raises(DataError, match="No level of the table has `auc` or `nri`"):
        group_measures(table, measures=("auc", "nri"))
    everyone = table[table["subgroup"] == "overall"]
    with pytest.raises(DataError, match="No level of the table has `c_index`"):
        group_measures(everyone, measures=("c_index",))
    with pytest.raises(DataError, match="no column `level`; a figure of groups needs"):
        group_measures(table.drop(columns="level"), measures=("c_index",))
    table.loc[0, "biomarker"] = "other"
    with pytest.raises(DataError, match="`biomarker` has 2 values"):
        group_measures(table, measures=("c_index",))

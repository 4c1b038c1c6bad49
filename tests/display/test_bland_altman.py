"""Change of every pair by the mean of its two scores."""

from __future__ import annotations

import pandas as pd
import pytest
from drawings import drawn, texts_outside, words

from fahrstats.display import figures
from fahrstats.errors import DataError


def lines(condition, mean):
    values = {"mean_change": mean, "loa_low": mean - 6, "loa_high": mean + 6}
    return [
        {
            "condition": condition,
            "estimand": estimand,
            "estimate": value,
            "conf_low": value - 1,
            "conf_high": value + 1,
        }
        for estimand, value in values.items()
    ]


TABLE = pd.DataFrame(lines("light", 0.5) + lines("makeup", -2.0))
POINTS = pd.DataFrame(
    {"condition": ["light", "makeup"] * 3, "mean": range(40, 46), "change": range(6)}
)


def test_every_condition_has_a_panel_with_its_label():
    labels = {"makeup": {"label": "Makeup for $5"}}
    plot = figures.bland_altman(TABLE, POINTS, labels=labels, unit="risk")
    assert plot.data["condition"].cat.categories.tolist() == [
        "light",
        r"Makeup for \$5",
    ]
    assert len(plot.data) == 6
    with drawn(plot) as figure:
        assert not texts_outside(figure)
        assert {"light", "Change (risk)", "Mean of both photos (risk)"} <= {
            *words(figure)
        }


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(DataError, match="no column `change`; Bland and Altman's plot"):
        figures.bland_altman(TABLE, POINTS.drop(columns="change"))
    empty = TABLE.assign(estimate=float("nan"))
    with pytest.raises(DataError, match="No mean change of the table was estimated"):
        figures.bland_altman(empty, POINTS)

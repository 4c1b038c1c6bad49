"""Traces of chained equations: a panel a column, a line a table, nothing cut off."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import overlapping, texts_outside, words

from fahrstats.display.figures import chain_trace
from fahrstats.errors import DataError


def trace(names: list[str], n_cycles: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        [
            {
                "variable": name,
                "imputation": table,
                "cycle": cycle,
                "estimand": "share" if k % 2 else "mean",
                "estimate": rng.normal(),
            }
            for table in range(1, 6)
            for cycle in range(1, n_cycles + 1)
            for k, name in enumerate(names)
        ]
    )


@pytest.mark.parametrize("n_cycles", [1, 10, 57])
@pytest.mark.parametrize(
    "names",
    [["bmi"], ["bmi", "stage", "a column whose name goes on for longer than a panel"]],
    ids=["one", "three"],
)
def test_every_column_has_a_panel_and_all_texts_fit(draw, names, n_cycles):
    figure = draw(chain_trace(trace(names, n_cycles)))
    assert len(figure.axes) == len(names)
    assert "bmi, mean" in words(figure)
    assert not texts_outside(figure)
    assert not overlapping(figure)


def test_labels_name_the_panels(draw):
    labels = {"bmi": {"label": "Body mass index", "unit": "kg/m2"}}
    assert "Body mass index, mean" in words(
        draw(chain_trace(trace(["bmi"], 3), labels=labels))
    )


def test_a_table_without_cycles_is_refused():
    with pytest.raises(DataError, match="The table has no column `cycle`; a trace"):
        chain_trace(trace(["bmi"], 3).drop(columns="cycle"))

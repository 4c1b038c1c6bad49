"""The figure of hazard ratios over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import hazard_ratios_over_time
from fahrstats.errors import DataError

LABELS = {"faceage": {"label": "Age read from the face", "unit": "years"}}


def curves(terms: list[str]) -> pd.DataFrame:
    time = np.linspace(0, 10, 20)
    parts = [
        pd.DataFrame(
            {
                "term": term,
                "estimand": "hr",
                "time": time,
                "estimate": 1.2 + k + 0 * time,
                "conf_low": 0.9,
                "conf_high": 3.0 + k,
            }
        )
        for k, term in enumerate(terms)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("n_terms", [1, 2, 5])
def test_each_term_has_a_panel_under_its_label(n_terms):
    terms = ["faceage", "C(site)[T.lung]", "a", "b", "c"][:n_terms]
    constant = pd.DataFrame({"term": terms, "estimate": 1.5})
    plot = hazard_ratios_over_time(
        curves(terms), constant, labels=LABELS, time_label="Years", title="Over time"
    )
    with drawn(plot) as figure:
        shown = set(words(figure))
        assert {"Age read from the face", "Years", "Hazard ratio", "Over time"} <= shown
        assert "Dashed: one hazard ratio for all times" in shown
        assert not texts_outside(figure)
        assert not overlapping(figure)
        assert len(figure.axes) == n_terms


def test_a_term_without_a_curve_keeps_its_panel():
    table = curves(["a", "b"])
    table.loc[table["term"] == "b", ["estimate", "conf_low", "conf_high"]] = np.nan
    with drawn(hazard_ratios_over_time(table)) as figure:
        assert {"a", "b"} <= set(words(figure))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="time"), "The table has no column `time`"),
        (lambda t: t.iloc[:0], "The table has no rows"),
        (
            lambda t: t.assign(model=["one", "two"] * 10),
            "`model` has 2 values",
        ),
    ],
)
def test_wrong_tables_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        hazard_ratios_over_time(change(curves(["a"])))

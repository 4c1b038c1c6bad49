from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.planning import printed_p_values, sample_sizes
from fahrstats.errors import DataError

SIZES = pd.DataFrame(
    {
        "term": ["a demand", "another demand of many words, so that it is wrapped"],
        "estimand": "sample_size",
        "estimate": [5143.0, 158.0],
    }
)
CHECKS = pd.DataFrame(
    {
        "term": ["age", "score, highest quartile against lowest, adjusted", "", "age"],
        "p_value": [0.0013, 1e-30, 0.4, np.nan],
        "p_low": [0.0012, 1e-31, 0.3, np.nan],
        "p_high": [0.0015, 1e-29, 0.5, np.nan],
        "published_p": ["0.013", "<0.001", "", "0.02"],
        "note": ["P 0.013 in print", "", "", ""],
    }
)


def test_bars_are_as_long_as_their_samples():
    other = SIZES.assign(estimand="events_per_coefficient")
    with drawn(sample_sizes(pd.concat([SIZES, other]), title="Plan")) as figure:
        widths = [patch.get_width() for patch in figure.axes[0].patches]
        bars = [c.get_paths() for c in figure.axes[0].collections]
        drawn_sizes = widths or [p.vertices[:, 0].max() for ps in bars for p in ps]
        assert sorted(round(size) for size in drawn_sizes) == [158, 5143]
        assert {"5,143", "158", "Plan"} <= set(words(figure))
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_only_sample_sizes_are_drawn():
    with pytest.raises(DataError, match="The table has no rows"):
        sample_sizes(SIZES.assign(estimand="events_per_coefficient"))
    with pytest.raises(DataError, match="no column `term`"):
        sample_sizes(SIZES.drop(columns="term"))


def test_rows_are_named_with_their_printed_p():
    with drawn(printed_p_values(CHECKS, title="Print")) as figure:
        shown = [text.replace("\n", " ") for text in words(figure)]
        assert "age, P=0.013" in shown
        assert f"{CHECKS['term'][1]}, P<0.001" in shown
        assert "age, P=0.02" not in shown
        assert {"see its note", "agrees, or is alone", "Print"} <= set(shown)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_without_a_p_value_nothing_can_be_drawn():
    with pytest.raises(DataError, match="No row of the table has a p value"):
        printed_p_values(CHECKS[3:])
    with pytest.raises(DataError, match="no column `p_low`"):
        printed_p_values(CHECKS.drop(columns="p_low"))

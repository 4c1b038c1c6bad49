"""The figure of the largest influence on each coefficient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import largest_influence
from fahrstats.errors import DataError

TABLE = pd.DataFrame(
    {
        "term": ["faceage", "C(site)[T.lung]", "twin"],
        "estimand": "max_dfbetas",
        "estimate": [0.4, 0.02, np.nan],
    }
)
LABELS = {"faceage": {"label": "Age read from a photograph of the face, not corrected"}}


def test_terms_with_an_estimate_are_drawn_under_their_labels():
    with drawn(largest_influence(TABLE, 0.1, labels=LABELS, title="Rows")) as figure:
        shown = " ".join(words(figure))
        assert "Age read from a photograph" in shown
        assert "site: lung" in shown
        assert "twin" not in shown
        assert "Dashed line: influential from 0.1 on" in shown
        assert not texts_outside(figure)
        assert not overlapping(figure)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop(columns="estimate"), "The table has no column `estimate`"),
        (TABLE.iloc[2:], "The table has no rows"),
        (TABLE.assign(estimand=["a", "b", "c"]), "`estimand` has 3 values"),
    ],
)
def test_wrong_tables_are_refused(table, message):
    with pytest.raises(DataError, match=message):
        largest_influence(table, 0.1)

from __future__ import annotations

import numpy as np
import pytest
from drawings import drawn, overlapping, texts_outside, words
from judged_ages import LABELS, judged

from fahrstats.display.error_tiles import error_tiles
from fahrstats.errors import DataError


@pytest.fixture
def table():
    rows = judged().tidy()
    is_crossed = rows["subgroup"] == "age \N{MULTIPLICATION SIGN} sex"
    return rows[is_crossed & (rows["estimand"] == "mean_error")]


def test_every_tile_has_its_error_with_its_sign(table):
    first = table.index[0]
    table.loc[first, "estimate"] = np.nan
    table.loc[table.index[1], "estimate"] = -0.04
    with drawn(error_tiles(table, labels=LABELS, title="Bias")) as figure:
        shown = words(figure)
        for value in table["estimate"].iloc[2:]:
            sign = "\N{MINUS SIGN}" if value < 0 else "+"
            text = f"{abs(value):.1f}"
            assert (text if text == "0.0" else sign + text) in shown
        assert "0.0" in shown
        assert {"mini-age", "Women", "Men", "20-29", "70-79"} <= set(shown)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_what_is_no_crossing_with_age_is_refused(table):
    rows = judged().tidy()
    by_sex = rows[(rows["subgroup"] == "sex") & (rows["estimand"] == "mean_error")]
    with pytest.raises(DataError, match="`subgroup` is `sex`; tiles of errors need a"):
        error_tiles(by_sex)
    mixed = table.assign(estimand=["mae", *table["estimand"].iloc[1:]])
    with pytest.raises(DataError, match="`estimand` has 2 values"):
        error_tiles(mixed)
    with pytest.raises(DataError, match="has no column `level`; tiles of errors"):
        error_tiles(table.drop(columns="level"))

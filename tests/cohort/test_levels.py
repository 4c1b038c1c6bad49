"""Levels of subgroups as text, in their order.

What they do in an audit stands in test_subgroups.py and test_ranking_by.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.levels import subgroup_levels


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["b", "a", "c"], ["a", "b", "c"]),
        ([3, 1, 2], ["1", "2", "3"]),
        ([3.0, 1.5, np.nan], ["1.5", "3", "missing"]),
        ([True, False, None], ["False", "True", "missing"]),
        (pd.array([2, None, 1], "Int64"), ["1", "2", "missing"]),
        (pd.array(["b", None, "a"], "string[pyarrow]"), ["a", "b", "missing"]),
        (pd.Series([2, pd.NA, 10], dtype=object), ["2", "10", "missing"]),
        (
            pd.Categorical(["low", "high", None], ["low", "middle", "high"]),
            ["low", "middle", "high", "missing"],
        ),
        (pd.Categorical([2.0, 1.0, 2.0], [2.0, 1.0]), ["2", "1"]),
        (["b", "missing", None], ["b", "missing"]),
        (pd.Categorical(["missing", "b", None]), ["b", "missing"]),
    ],
    ids=str,
)
def test_levels_are_text_in_their_order_and_missing_is_one(values, order):
    data = pd.DataFrame({"group": values}).set_axis([7, 7, 7])
    levels = subgroup_levels(data, "group")
    assert list(levels.cat.categories) == order
    assert levels.notna().all()
    assert list(levels.index) == [7, 7, 7]
    missing = pd.Series(values).isna().to_numpy()
    assert (levels[missing] == "missing").all()

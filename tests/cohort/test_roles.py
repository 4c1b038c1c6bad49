"""Columns named beside the formula, and columns that cannot play two parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.design import build_design, find_problems
from fahrstats.cohort.roles import Roles, offset_values
from fahrstats.errors import DataError, FormulaError

FORMULA = "Surv(time, event) ~ x"


@pytest.fixture
def data() -> pd.DataFrame:
    row = np.arange(12.0)
    return pd.DataFrame(
        {"time": row + 1, "event": row % 2, "x": row % 5, "known": row / 4 - 1}
    )


def test_roles_are_kept_and_pass_the_gate_again(data):
    data = data.assign(site="a", w=2)
    data.loc[6:, "site"] = "b"
    design = build_design(FORMULA, data, strata="site", weights="w", offset="known")
    assert design.roles == Roles(strata="site", weights="w", offset="known")
    named = design.roles.named()
    assert named == {"strata": "site", "weights": "w", "offset": "known"}
    again = build_design(FORMULA, data, **named)
    np.testing.assert_array_equal(again.offset, data["known"])
    assert Roles().named() == {}
    every = Roles("a", "b", "c", "d", "e").named()
    assert list(every) == ["strata", "cluster", "weights", "id", "offset"]


def test_rows_without_an_offset_are_left_out_and_counted(data):
    data.loc[[3, 5], "known"] = np.nan
    design = build_design(FORMULA, data, offset="known")
    (dropped,) = design.dropped
    assert (dropped.column, dropped.n, dropped.n_events) == ("known", 2, 2)
    assert design.n == 10


def test_an_offset_may_be_negative_and_a_covariate_too(data):
    design = build_design(FORMULA, data, offset="x")
    np.testing.assert_array_equal(design.offset, data["x"])
    assert build_design(FORMULA, data, offset="known").offset.min() < 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            "text",
            "`known` must hold numbers, but it holds text; an offset is the log of",
        ),
        (True, "`known` must hold numbers, but it holds values of type bool"),
        (np.inf, "`known` is infinite in 12 of 12 rows; give finite values, or leave"),
        (
            [1e3, *[0.0] * 11],
            "`known` spans 1000 as an offset, and hazards differ by its",
        ),
    ],
)
def test_offsets_that_are_no_log_hazard_ratio_are_refused(data, values, message):
    wrong = data.assign(known=values)
    with pytest.raises(DataError, match=message):
        build_design(FORMULA, wrong, offset="known")
    (problem,) = find_problems(FORMULA, wrong, offset="known")
    assert problem.startswith(message[:20])
    with pytest.raises(DataError, match=message[:30]):
        offset_values(wrong, "known")


def test_columns_in_two_parts_are_refused(data):
    with pytest.raises(
        FormulaError, match=r"`time` is part of the outcome .* `offset` to"
    ):
        build_design(FORMULA, data, offset="time")
    with pytest.raises(DataError, match="`x` is `offset` and `weights` too"):
        build_design(FORMULA, data, offset="x", weights="x")
    with pytest.raises(DataError, match=r"`strata` is \['x'\]; give the name of one"):
        build_design(FORMULA, data, strata=["x"])
    with pytest.raises(DataError, match="`data` has no column `nowhere`"):
        build_design(FORMULA, data, offset="nowhere")
    with pytest.raises(DataError, match="`data` has no column `nowhere`"):
        offset_values(data, "nowhere")

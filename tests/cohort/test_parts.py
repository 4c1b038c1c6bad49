"""Some rows of a design, against the gate that sees those rows alone."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.parts import cut_design
from fahrstats.errors import DataError
from fahrstats.kernels.risk_sets import RiskSets

N = 120


@pytest.fixture
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    time = rng.integers(2, 30, N).astype(float)
    return pd.DataFrame(
        {
            "entry": np.floor(time * rng.random(N) * (rng.random(N) < 0.5)),
            "time": time,
            "event": rng.random(N) < 0.6,
            "x": rng.normal(size=N),
            "sex": rng.choice(["F", "M"], N),
            "site": rng.choice(["north", "south", "west"], N),
            "who": rng.integers(0, 40, N),
            "w": rng.integers(1, 4, N),
            "o": rng.normal(size=N),
        }
    )


ROLES = [
    {},
    {"strata": "site"},
    {"cluster": "who", "weights": "w"},
    {"offset": "o", "strata": "sex"},
]


def assert_same(found: Design, wanted: Design, data: pd.DataFrame) -> None:
    """Compare all arrays; rows of the data, and tied rows in any order."""
    assert found.terms == wanted.terms
    assert found.columns == wanted.columns
    assert found.strata_levels == wanted.strata_levels
    for name in ("X", "time", "event", "entry", "weights", "offset", "strata"):
        np.testing.assert_array_equal(
            getattr(found, name), getattr(wanted, name), err_msg=name
        )
    if wanted.cluster is not None:
        np.testing.assert_array_equal(found.cluster, wanted.cluster)
    for field in fields(RiskSets):
        if field.name in ("time", "event", "stratum_start", "tie_start"):
            np.testing.assert_array_equal(
                getattr(found.risk_sets, field.name),
                getattr(wanted.risk_sets, field.name),
            )
    order = found.risk_sets.order
    np.testing.assert_array_equal(found.time[order], found.risk_sets.time)
    np.testing.assert_array_equal(found.event[order], found.risk_sets.event)


@pytest.mark.parametrize("roles", ROLES, ids=str)
@pytest.mark.parametrize("outcome", ["Surv(time, event)", "Surv(entry, time, event)"])
@pytest.mark.parametrize(
    ("right", "level"),
    [
        ("x", "M"),
        ("x + C(sex) + site", "F"),
        ("x + np.log(time + 1) + C(site)", "F"),
        ("C(sex, contr.treatment('M')) + x", "M"),
    ],
)
def test_a_part_is_what_the_gate_makes_of_its_rows(data, outcome, right, level, roles):
    right = right.replace("np.log(time + 1)", "np.log(w + 1)")
    formula = f"{outcome} ~ {right}"
    design = build_design(formula, data, **roles)
    chosen = (data["sex"] == level).to_numpy()
    found = cut_design(design, chosen[design.rows])
    assert found is not None
    wanted = build_design(formula, data[chosen], **roles)
    assert_same(found, wanted, data)
    np.testing.assert_array_equal(found.rows, np.flatnonzero(chosen))


def test_levels_that_no_row_has_lose_their_column(data):
    design = build_design("Surv(time, event) ~ C(site) + x", data)
    found = cut_design(design, (data["site"] != "south").to_numpy())
    assert found is not None
    assert found.terms == ("C(site)[T.west]", "x")


@pytest.mark.parametrize(
    "right", ["rcs(x, 3)", "x * C(sex)", "center(x)", "C(sex, contr.sum)", "C(site)"]
)
def test_what_the_gate_must_make_is_left_to_it(data, right):
    """Also a part without the reference level, of `site` for example."""
    design = build_design(f"Surv(time, event) ~ {right}", data)
    assert cut_design(design, (data["site"] != "north").to_numpy()) is None


def test_rows_that_support_no_fit_are_refused(data):
    design = build_design("Surv(time, event) ~ x", data)
    with pytest.raises(DataError, match="`event` marks no event among the"):
        cut_design(design, ~data["event"].to_numpy())
    few = np.zeros(N, np.bool_)
    few[np.flatnonzero(data["event"])[:1]] = True
    with pytest.raises(DataError, match="with one distinct time nobody outlasts"):
        cut_design(design, few)

"""Restricted cubic splines: their basis, their knots, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.design import build_design
from fahrstats.cohort.encoding import design_matrix
from fahrstats.cohort.splines import place_knots
from fahrstats.cohort.variables import spline_terms
from fahrstats.errors import DataError, FormulaError
from fahrstats.kernels.natural_spline import natural_spline


@pytest.fixture
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "time": rng.integers(1, 50, 200),
            "event": rng.random(200) < 0.6,
            "age": rng.uniform(20, 90, 200).round(1),
            "marker": rng.lognormal(size=200),
            "sex": rng.choice(["m", "f"], 200),
        }
    )


@pytest.mark.parametrize(
    ("n_knots", "shares"),
    [
        (3, [0.1, 0.5, 0.9]),
        (4, [0.05, 0.35, 0.65, 0.95]),
        (5, [0.05, 0.275, 0.5, 0.725, 0.95]),
        (6, [0.05, 0.23, 0.41, 0.59, 0.77, 0.95]),
        (7, [0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975]),
    ],
)
def test_default_knots_are_the_quantiles_of_the_book(n_knots, shares):
    """Harrell (2015), table 2.3, which prints four digits."""
    x = np.arange(0, 10_001) / 10_000
    np.testing.assert_allclose(place_knots(x, n_knots, "x"), shares, atol=5e-5)


def test_in_few_rows_the_outer_knots_are_the_fifth_values():
    knots = place_knots(np.arange(1.0, 61), 4, "x")
    assert (knots[0], knots[-1]) == (5, 56)


def test_a_value_at_a_limit_of_detection_is_set_apart():
    x = np.concatenate([np.zeros(30), np.arange(1.0, 401)])
    knots = place_knots(x, 4, "x")
    assert knots[0] == 1  # the next value; the other three divide the rest
    np.testing.assert_allclose(
        knots[1:], np.quantile(np.arange(2.0, 401), [0.05, 0.5, 0.95])
    )


def test_knots_are_learned_once_and_kept(data):
    design = build_design("Surv(time, event) ~ rcs(age, 4) + C(sex)", data)
    some = data.iloc[[7, 3, 150]]
    np.testing.assert_array_equal(
        design_matrix(design.encoder, some), design.X[[7, 3, 150]]
    )
    shifted = design_matrix(design.encoder, some.assign(age=some["age"] + 5))
    knots = spline_terms(design.encoder)[0].knots
    np.testing.assert_array_equal(
        shifted[:, :3], natural_spline(some["age"].to_numpy() + 5, knots)
    )
    with_gap = some.assign(age=[50, np.nan, 60])
    assert np.isnan(design_matrix(design.encoder, with_gap)[1]).all()


def test_knots_come_from_the_complete_rows(data):
    data["marker"] = data["marker"].where(data["age"] > 40)
    formula = "Surv(time, event) ~ rcs(age, 3) + marker"
    (spline,) = spline_terms(build_design(formula, data).encoder)
    old = data["age"][data["age"] > 40].to_numpy()
    assert spline.knots == place_knots(old, 3, "age")


@pytest.mark.parametrize(
    ("term", "error", "message"),
    [
        (
            "rcs(age, 2)",
            FormulaError,
            r"`rcs\(age, 2\)` asks for 2 knots; give 3 to 7,",
        ),
        ("rcs(age, 8)", FormulaError, "asks for 8 knots; give 3 to 7, or a list"),
        (
            "rcs(age, 4.5)",
            FormulaError,
            "needs a number of knots, or at least 3 finite",
        ),
        ("rcs(age, True)", FormulaError, "needs a number of knots"),
        ("rcs(age, [30, 50])", FormulaError, "or at least 3 finite knots in rising"),
        ("rcs(age, [30, 60, 50])", FormulaError, "finite knots in rising order"),
        ("rcs(age, [30, 30, 50])", FormulaError, "finite knots in rising order"),
        ("rcs(age, ['a', 'b', 'c'])", FormulaError, "finite knots in rising order"),
        ("rcs(sex, 4)", DataError, "`rcs` bends a number, and `sex` holds object "),
        (
            "rcs(few, 3)",
            DataError,
            "`few` has 5 distinct values in 200 rows, too few or",
        ),
        ("rcs(tied, 4)", DataError, r"give the knots themselves, such as `rcs\(tied, "),
        ("rcs(nowhere, 4)", DataError, "`data` has no column `nowhere`"),
        ("rcs()", FormulaError, "cannot be evaluated"),
    ],
)
def test_what_makes_no_spline_is_refused(data, term, error, message):
    row = np.arange(200)
    data = data.assign(few=row % 5, tied=np.where(row < 150, 175, row))
    with pytest.raises(error, match=message):
        build_design(f"Surv(time, event) ~ {term}", data)


def test_text_in_new_data_is_refused(data):
    encoder = build_design("Surv(time, event) ~ rcs(age, 4)", data).encoder
    with pytest.raises(DataError, match="`rcs` bends a number, and `age` holds object"):
        design_matrix(encoder, data.assign(age="old"))

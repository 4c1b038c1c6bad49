"""Which design columns one variable moves, and what they become."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.design import build_design
from fahrstats.cohort.variables import linear_column, move_variable, spline_terms
from fahrstats.errors import DataError


@pytest.fixture
def data() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "time": rng.integers(1, 50, 150),
            "event": rng.random(150) < 0.6,
            "face age": rng.uniform(20, 90, 150),
            "marker": rng.lognormal(size=150),
            "sex": rng.choice(["m", "f"], 150),
            "code": rng.integers(0, 3, 150),
        }
    )


def encoder_of(right, data):
    return build_design(f"Surv(time, event) ~ {right}", data).encoder


def test_splines_are_found_with_their_knots_and_columns(data):
    right = "C(sex) + rcs(`face age`, 3) + marker + rcs(log(marker), [-1, 0, 1])"
    first, second = spline_terms(encoder_of(right, data))
    assert (first.variable, second.variable) == ("face age", "marker")
    assert first.columns.tolist() == [1, 2]
    assert second.columns.tolist() == [4, 5]
    quantiles = np.quantile(data["face age"], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(first.knots, quantiles)
    assert second.knots == (-1, 0, 1)
    assert (first.is_plain, second.is_plain) == (True, False)


def test_two_splines_of_one_variable_keep_their_own_knots(data):
    right = "rcs(marker, [1, 2, 3]) + rcs(marker, [4, 5, 6])"
    knots = [spline.knots for spline in spline_terms(encoder_of(right, data))]
    assert knots == [(1, 2, 3), (4, 5, 6)]


def test_a_product_with_a_spline_is_no_spline_term(data):
    encoder = encoder_of("rcs(marker, 3) * sex", data)
    assert [spline.term for spline in spline_terms(encoder)] == ["rcs(marker, 3)"]


def test_all_terms_of_a_variable_move(data):
    right = "marker + C(sex) + np.log(marker) + I(marker ** 2) + rcs(marker, [1, 2, 4])"
    positions, X = move_variable(encoder_of(right, data), "marker", np.array([1.0, 2]))
    assert sorted(positions.tolist()) == [0, 2, 3, 4, 5]
    by_position = X[:, np.argsort(positions)]
    np.testing.assert_allclose(by_position[1, :4], [2, np.log(2), 4, 2])


@pytest.mark.parametrize(
    ("right", "variable", "message"),
    [
        ("marker", "code", "No term holds `code`; the covariates are `marker`"),
        ("marker * sex", "marker", "acts together with `sex` in `marker:sex`"),
        ("np.log(marker + code)", "marker", "acts together with `code`"),
        ("sex + marker", "sex", "`sex` is a factor in `sex`, and a curve needs a numb"),
        ("C(code)", "code", r"`code` is a factor in `C\(code\)`"),
    ],
)
def test_variables_without_a_curve_are_refused(data, right, variable, message):
    with pytest.raises(DataError, match=message):
        move_variable(encoder_of(right, data), variable, np.zeros(1))


def test_a_number_that_enters_as_it_is_has_one_column(data):
    encoder = encoder_of("C(sex) + rcs(marker, 3) + `face age` + code", data)
    assert encoder.columns[linear_column(encoder, "face age")].variable == "face age"
    assert linear_column(encoder, "code") == 4


@pytest.mark.parametrize(
    ("right", "message"),
    [
        ("sex", "No term holds `code`; the covariates are `sex`"),
        ("C(code)", r"`code` enters as `C\(code\)`, but its error can be corrected"),
        ("log(code + 1)", r"`code` enters as `log\(code \+ 1\)`"),
        ("code:marker", "`code` enters as `code:marker`"),
        ("code * marker", "`code` enters as `code`, `code:marker`"),
        ("code + I(code**2)", r"`code` enters as `code`, `I\(code \*\* 2\)`"),
    ],
)
def test_a_number_that_enters_otherwise_has_none(data, right, message):
    with pytest.raises(DataError, match=message):
        linear_column(encoder_of(right, data), "code")


def test_a_factor_is_no_number(data):
    with pytest.raises(DataError, match="`sex` enters as `sex`, but"):
        linear_column(encoder_of("sex + marker", data), "sex")

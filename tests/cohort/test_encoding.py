"""Columns of every type to design columns, and the same for new data."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.encoding import (
    DesignColumn,
    design_matrix,
    fit_encoder,
    level_text,
    type_problems,
)
from fahrstats.cohort.formula import parse_formula
from fahrstats.errors import DataError, FormulaError

NUMBERS = [3, 1, 2, 3, 1, 2]
WORDS = ["b", "a", "c", "b", "a", "c"]
TRUTHS = [True, False, True, True, False, False]


def encode(right: str, **columns: object):
    data = pd.DataFrame(columns)
    return fit_encoder(parse_formula(f"Surv(time, event) ~ {right}").right, data)


@pytest.mark.parametrize(
    "values",
    [
        NUMBERS,
        np.array(NUMBERS, np.float32),
        np.array(NUMBERS, np.uint8),
        pd.array(NUMBERS, "Int64"),
        pd.array(NUMBERS, "Float64"),
        pd.array(NUMBERS, "int32[pyarrow]"),
        pd.array(NUMBERS, "double[pyarrow]"),
        pd.Series(NUMBERS, dtype=object),
    ],
    ids=lambda values: str(pd.Series(values).dtype),
)
def test_numbers_of_every_type_are_one_column(values):
    encoder, X = encode("x", x=values)
    assert encoder.columns == (DesignColumn("x", "x"),)
    assert X.dtype == np.float64
    np.testing.assert_array_equal(X[:, 0], NUMBERS)


@pytest.mark.parametrize(
    "values",
    [
        TRUTHS,
        pd.array(TRUTHS, "boolean"),
        pd.array(TRUTHS, "bool[pyarrow]"),
        pd.Series(TRUTHS, dtype=object),
    ],
    ids=lambda values: str(pd.Series(values).dtype),
)
def test_truth_values_are_numbers_zero_and_one(values):
    encoder, X = encode("x", x=values)
    assert encoder.columns == (DesignColumn("x", "x"),)
    np.testing.assert_array_equal(X[:, 0], np.array(TRUTHS, float))


@pytest.mark.parametrize(
    "values",
    [
        WORDS,
        pd.array(WORDS, "string"),
        pd.array(WORDS, "string[pyarrow]"),
        pd.Categorical(WORDS),
        pd.Categorical(WORDS, categories=["unused", "a", "b", "also unused", "c"]),
    ],
    ids=lambda values: str(pd.Series(values).dtype),
)
@pytest.mark.parametrize("right", ["x", "C(x)"])
def test_text_becomes_a_factor_with_its_first_level_as_reference(right, values):
    encoder, X = encode(right, x=values)
    assert [(c.variable, c.level, c.reference) for c in encoder.columns] == [
        ("x", "b", "a"),
        ("x", "c", "a"),
    ]
    wanted = np.array([[word == "b", word == "c"] for word in WORDS], float)
    np.testing.assert_array_equal(X, wanted)


def test_categories_keep_their_order():
    encoder, _ = encode("x", x=pd.Categorical(WORDS, categories=["c", "b", "a"]))
    assert [(c.level, c.reference) for c in encoder.columns] == [("b", "c"), ("a", "c")]


@pytest.mark.parametrize(
    "values",
    [
        NUMBERS,
        np.array(NUMBERS, float),
        pd.array(NUMBERS, "Int64"),
        pd.array(NUMBERS, "Float64"),
        pd.array(NUMBERS, "int64[pyarrow]"),
        pd.Categorical(NUMBERS),
    ],
    ids=lambda values: str(pd.Series(values).dtype),
)
def test_levels_of_a_factor_of_numbers_are_written_without_decimals(values):
    encoder, _ = encode("C(x)", x=values)
    assert [(c.level, c.reference) for c in encoder.columns] == [("2", "1"), ("3", "1")]


def test_a_reference_asked_for_is_the_reference():
    encoder, _ = encode("C(x, contr.treatment('c'))", x=WORDS)
    assert [(c.level, c.reference) for c in encoder.columns] == [("a", "c"), ("b", "c")]


@pytest.mark.parametrize("right", ["C(x, contr.sum)", "C(x, contr.poly)"])
def test_other_contrasts_name_no_levels(right):
    encoder, X = encode(right, x=WORDS)
    assert X.shape == (6, 2)
    assert {(c.variable, c.level, c.reference) for c in encoder.columns} == {
        ("x", "", "")
    }


@pytest.mark.parametrize("right", ["x", "C(x)", "C(x, contr.sum)"])
def test_a_factor_with_one_level_keeps_a_column_of_zeros(right):
    encoder, X = encode(f"{right} + z", x=["only"] * 6, z=NUMBERS)
    assert encoder.columns == (
        DesignColumn(right, "x", level="only"),
        DesignColumn("z", "z"),
    )
    np.testing.assert_array_equal(X[:, 0], np.zeros(6))
    np.testing.assert_array_equal(X[:, 1], NUMBERS)
    new = design_matrix(encoder, pd.DataFrame({"x": ["only", None], "z": [7, 8]}))
    np.testing.assert_array_equal(new, [[0, 7], [np.nan, np.nan]])


def test_columns_with_spaces_are_quoted():
    encoder, X = encode(
        "`face age` + C(`a b`) + log(`face age`)", **{"face age": NUMBERS, "a b": WORDS}
    )
    assert [column.variable for column in encoder.columns] == [
        "face age",
        "a b",
        "a b",
        "log(face age)",
    ]
    assert encoder.needed == ("face age", "a b")
    np.testing.assert_allclose(X[:, -1], np.log(NUMBERS))


def test_products_are_named_by_their_parts():
    encoder, X = encode("z*x", x=WORDS, z=NUMBERS)
    assert [c.variable for c in encoder.columns] == ["z", "x", "x", "z:x", "z:x"]
    np.testing.assert_array_equal(X[:, 3], X[:, 0] * X[:, 1])


@pytest.mark.parametrize("index", [[0] * 6, list("aabbcc"), range(10, 4, -1)])
def test_index_labels_do_not_matter(index):
    data = pd.DataFrame({"x": WORDS, "z": NUMBERS})
    right = parse_formula("Surv(time, event) ~ x + log(z) + z:x").right
    _, plain = fit_encoder(right, data)
    encoder, X = fit_encoder(right, data.set_axis(index))
    np.testing.assert_array_equal(X, plain)
    np.testing.assert_array_equal(design_matrix(encoder, data.set_axis(index)), plain)


def test_no_covariate_leaves_no_column():
    encoder, X = encode("1", x=NUMBERS)
    assert encoder.columns == ()
    assert X.shape == (6, 0)
    assert design_matrix(encoder, pd.DataFrame({"x": [1]})).shape == (1, 0)


@pytest.mark.parametrize(
    ("right", "reason"),
    [
        ("unheard_of(x)", "name 'unheard_of' is not defined"),
        ("log(w)", "log"),
        ("log(x, y=1)", "'y'"),
        ("bs(x, df=2)", "df"),
    ],
)
def test_a_transform_that_fails_is_refused_with_its_reason(right, reason):
    with pytest.raises(FormulaError, match="cannot be evaluated: ") as raised:
        encode(right, x=NUMBERS, w=WORDS)
    assert reason in str(raised.value).partition("evaluated: ")[2]
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.to_datetime(["2020-01-01"]), "holds dates or durations"),
        (pd.to_datetime(["2020-01-01"]).tz_localize("UTC"), "holds dates or durations"),
        (pd.to_timedelta([1], "D"), "holds dates or durations"),
        ([dt.date(2020, 1, 1), None], "holds dates or durations"),
        ([dt.datetime(2020, 1, 1), None], "holds dates or durations"),
        ([dt.time(1), None], "holds dates or durations"),
        (pd.period_range("2020-01", periods=1, freq="M"), "holds dates or durations"),
        (
            pd.array([dt.date(2020, 1, 1)], "date32[pyarrow]"),
            "holds dates or durations",
        ),
        (
            pd.array([dt.datetime(2020, 1, 1)], "timestamp[us][pyarrow]"),
            "holds dates or durations",
        ),
        ([1, "a"], "holds mixed-integer values; make it all numbers or all text"),
        ([[1], [2]], "holds mixed values"),
        ([1 + 1j], "holds complex values"),
        ([Decimal(1)], "holds decimal values"),
        ([b"a"], "holds bytes values"),
        (pd.interval_range(0, 2), "holds interval values"),
        ([1.0, np.inf, -np.inf], "is infinite in 2 of 3 rows; give finite values"),
        (pd.array([1.0, np.inf], "Float64"), "is infinite in 1 of 2 rows"),
        (pd.array([1.0, np.inf], "double[pyarrow]"), "is infinite in 1 of 2 rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_columns_that_cannot_be_covariates_are_refused(values, message):
    (problem,) = type_problems(pd.DataFrame({"column": values}), "column")
    assert problem.startswith(f"`column` {message}")


@pytest.mark.parametrize(
    "values",
    [
        NUMBERS,
        WORDS,
        TRUTHS,
        [1.5, None],
        [None, None],
        pd.Series([1, pd.NA], dtype=object),
        pd.Series([1, 2.5, None], dtype=object),
        pd.Series(["a", pd.NA], dtype=object),
        pd.Series([True, None], dtype=object),
        pd.array(["a", None], "string[pyarrow]"),
        pd.array([True, None], "boolean"),
        pd.cut(pd.Series(NUMBERS), 2),
        pd.Categorical(NUMBERS),
    ],
    ids=str,
)
def test_numbers_text_and_truth_values_can_be_covariates(values):
    assert list(type_problems(pd.DataFrame({"column": values}), "column")) == []


@pytest.mark.parametrize("right", ["x + z", "C(x) + log(z)", "x*z", "scale(z) + C(x)"])
def test_new_data_are_encoded_as_the_fitted_ones(right):
    data = pd.DataFrame({"x": WORDS, "z": NUMBERS})
    encoder, X = encode(right, x=WORDS, z=NUMBERS)
    rows = [4, 0, 0]
    np.testing.assert_array_equal(design_matrix(encoder, data.iloc[rows]), X[rows])


def test_incomplete_new_rows_are_missing_and_change_no_other():
    encoder, X = encode("x + center(z)", x=WORDS, z=NUMBERS)
    new = pd.DataFrame({"x": ["b", None, "c"], "z": [3.0, 1, np.nan], "more": 1})
    encoded = design_matrix(encoder, new)
    np.testing.assert_array_equal(encoded[0], X[0])
    assert np.isnan(encoded[1:]).all()


def test_new_data_may_have_other_types_for_the_same_levels():
    encoder, X = encode("C(x)", x=NUMBERS)
    for kind in ("Int64", "float64", "int8"):
        new = pd.DataFrame({"x": pd.Series(NUMBERS, dtype=kind)})
        np.testing.assert_array_equal(design_matrix(encoder, new), X)


@pytest.mark.parametrize("right", ["x", "C(x)", "x*z"])
def test_unseen_levels_are_refused_named_and_counted(right):
    encoder, _ = encode(right, x=WORDS, z=NUMBERS)
    new = pd.DataFrame({"x": ["a", "new", "newer", "new", None], "z": 1})
    with pytest.raises(DataError) as raised:
        design_matrix(encoder, new)
    assert str(raised.value) == (
        "`x` has 2 levels unseen at fitting (`new`, `newer`) in 3 of 5 rows; the "
        "fitted levels are `a`, `b`, `c`."
    )


def test_an_unused_category_is_unseen_at_prediction():
    encoder, _ = encode("x", x=pd.Categorical(WORDS, categories=[*"abcd"]))
    with pytest.raises(DataError, match=r"1 levels unseen at fitting \(`d`\)"):
        design_matrix(encoder, pd.DataFrame({"x": ["d"]}))


def test_absent_columns_of_new_data_are_named():
    encoder, _ = encode("x + log(z)", x=WORDS, z=NUMBERS)
    with pytest.raises(DataError, match="`data` has no column `x`, `z`"):
        design_matrix(encoder, pd.DataFrame({"y": [1]}))


def test_new_data_are_a_data_frame():
    encoder, _ = encode("z", z=NUMBERS)
    with pytest.raises(
        DataError, match="New data are a dict; give a pandas data frame"
    ):
        design_matrix(encoder, {"z": NUMBERS})


def test_text_where_numbers_were_fitted_is_refused():
    encoder, _ = encode("z", z=NUMBERS)
    with pytest.raises(DataError, match=r"cannot be encoded as at fitting: .*`z`"):
        design_matrix(encoder, pd.DataFrame({"z": ["a", "b"]}))


def test_data_are_not_modified():
    data = pd.DataFrame(
        {"x": pd.Categorical(WORDS, categories=[*"dcba"]), "z": NUMBERS}
    )
    before = data.copy(deep=True)
    right = parse_formula("Surv(time, event) ~ x + log(z)").right
    encoder, _ = fit_encoder(right, data)
    design_matrix(encoder, data)
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize(
    ("level", "text"), [(1.0, "1"), (1.5, "1.5"), (1, "1"), (True, "True"), ("a", "a")]
)
def test_whole_levels_are_written_without_decimals(level, text):
    assert level_text(level) == text

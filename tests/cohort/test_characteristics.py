from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.characteristics import table_one
from fahrstats.columns import in_order
from fahrstats.errors import DataError


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [50.0, 60.0, 70.0, np.nan],
            "sex": ["F", "M", "F", None],
            "ecog": [0, 2, 2, 1],
            "smoker": [True, False, False, False],
            "group": pd.Categorical(["low", "low", "high", None], ["low", "high"]),
        }
    )


def pick(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    return table["estimate"].item()


def test_table_one_counts_and_summarises_by_group(people):
    table = table_one(
        people, ["age", "sex", "ecog", "smoker"], by="group", categorical=["ecog"]
    ).tidy()
    assert list(table.columns) == in_order(table.columns)
    assert list(table["group"].unique()) == ["overall", "low", "high"]
    overall = table[table["group"] == "overall"]
    assert pick(overall, variable="age", estimand="median") == 60
    assert pick(overall, variable="age", estimand="q1") == 55
    assert pick(overall, variable="age", estimand="sd") == pytest.approx(10)
    assert pick(overall, variable="sex", level="F", estimand="count") == 2
    assert pick(overall, variable="sex", level="F", estimand="percent") == (
        pytest.approx(200 / 3)
    )
    assert pick(overall, variable="ecog", level="2", estimand="percent") == 50
    assert pick(overall, variable="smoker", level="True", estimand="count") == 1
    assert pick(overall, variable="age", estimand="p95") == pytest.approx(69)
    age = overall[overall["variable"] == "age"].iloc[0]
    assert (age["n"], age["n_missing"], age["level"]) == (3, 1, "")


def test_table_one_holds_no_extreme_values_of_single_people():
    ages = pd.DataFrame({"age": np.arange(101.0)})
    table = table_one(ages, ["age"]).tidy()
    assert not {0.0, 100.0} & set(table["estimate"])
    assert pick(table, estimand="p5") == 5
    assert pick(table, estimand="p95") == 95


def test_table_one_of_a_group_of_one_has_no_standard_deviation(people):
    table = table_one(people, ["age"], by="group").tidy()
    high = table[table["group"] == "high"]
    assert np.isnan(pick(high, estimand="sd"))
    assert pick(high, estimand="mean") == 70


def test_a_variable_missing_in_a_whole_group_keeps_its_rows(people):
    table = table_one(people.assign(age=np.nan), ["age"]).tidy()
    assert table["estimate"].isna().all()
    assert (table["n_missing"] == 4).all()


def test_table_one_prints_medians_and_counts(people):
    one = table_one(people, ["age", "sex"], by="group")
    text = str(one)
    assert "60 (55-65)" in text
    assert "2 (66.7%)" in text
    assert text.index("overall") < text.index("low") < text.index("high")
    assert one.glance().loc[0, "n"] == 4


@pytest.mark.parametrize(
    ("variables", "options", "message"),
    [
        (["age", "bmi"], {}, r"no column `bmi`"),
        (["age"], {"by": "stage"}, r"no column `stage`"),
        (["age"], {"categorical": ["ecog"]}, r"`categorical` names `ecog`"),
        ([], {}, r"`variables` is empty"),
    ],
)
def test_table_one_names_what_it_cannot_describe(people, variables, options, message):
    with pytest.raises(DataError, match=message):
        table_one(people, variables, **options)

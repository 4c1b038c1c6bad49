"""Figure, table and sentences of real pairs and repeated photos."""

from __future__ import annotations

import pandas as pd
import pytest
from drawings import drawn, texts_outside, words

from fahrstats.display import figures, sentences, tables
from fahrstats.errors import DataError

LABELS = {"faceage": {"label": "FaceAge", "unit": ""}}
MINUS = "\N{MINUS SIGN}"


def rows(mean: float, level: str = "overall", n: int | None = 60, **more) -> list[dict]:
    """Return the agreement of one model: a mean change with limits of 4 years."""
    numbers = {
        "mean_change": (mean, mean - 0.5, mean + 0.5),
        "mean_absolute_change": (2.0, 1.5, 2.5),
        "loa_low": (mean - 4, mean - 5, mean - 3),
        "loa_high": (mean + 4, mean + 3, mean + 5),
        "icc_2_1": (0.9, 0.85, 0.93),
        "share_moved": (0.05, 0.02, 0.11),
    }
    subgroup = "overall" if level == "overall" else "mean_score"
    return [
        {
            "model": "faceage",
            "subgroup": subgroup,
            "level": level,
            "condition": "overall",
            "estimand": estimand,
            "estimate": estimate,
            "conf_low": low,
            "conf_high": high,
            "n": n,
            "note": "",
            **more,
        }
        for estimand, (estimate, low, high) in numbers.items()
    ]


def equivalence(p_value: float, **more) -> pd.DataFrame:
    row = {
        "model": "faceage",
        "condition": "overall",
        "subgroup": "overall",
        "estimand": "equivalence",
        "estimate": 0.3,
        "p_value": p_value,
        **more,
    }
    return pd.DataFrame([row])


def test_the_figure_has_a_point_for_each_band_and_none_for_people():
    bands = pd.DataFrame(
        [*rows(0.2, "under 50"), *rows(0.4, "50 to 60"), *rows(0.1, "60+", n=None)]
    )
    plot = figures.changes_by_mean(pd.DataFrame(rows(0.3)), bands, labels=LABELS)
    with drawn(plot) as figure:
        said = words(figure)
        assert texts_outside(figure) == []
    assert {"<50\n60", "50\N{EN DASH}60\n60", "60+\n\N{EN DASH}", "FaceAge"} <= set(
        said
    )
    with pytest.raises(DataError, match="No mean change of the table was estimated"):
        figures.changes_by_mean(pd.DataFrame(rows(0.3)[1:2]), bands)


def test_a_table_has_a_head_for_each_set_and_condition():
    parts = [
        *rows(0.3, cohort="Makeup"),
        *rows(4.0, cohort="Sessions", condition="pose"),
        *rows(0.0, cohort="Sessions", condition="light"),
    ]
    several = pd.concat(
        [
            equivalence(0.001, cohort="Makeup"),
            equivalence(0.99, cohort="Sessions", condition="pose"),
            equivalence(0.02, cohort="Sessions", condition="light"),
        ]
    )
    table = tables.real_pairs(pd.DataFrame(parts), several, labels=LABELS)
    frame = table.frame()
    assert table.heads == (0, 2, 4)
    assert frame.iloc[[0, 2, 4], 0].tolist() == [
        "Makeup (60 pairs)",
        "Sessions, pose (60 pairs)",
        "Sessions, light (60 pairs)",
    ]
    makeup = frame.iloc[1].tolist()
    assert makeup == [
        "\N{EM SPACE}FaceAge",
        f"0.3 ({MINUS}0.2 to 0.8)",
        "0.001",
        "2.0 (1.5\N{EN DASH}2.5)",
        f"{MINUS}3.7 to 4.3",
        "0.90 (0.85\N{EN DASH}0.93)",
        "5 (2\N{EN DASH}11)",
    ]
    assert frame.iloc[[3, 5], 2].tolist() == ["0.99", "0.020"]


@pytest.mark.parametrize(
    ("mean", "p_value", "told"),
    [
        (
            0.3,
            0.001,
            "shown to be less than 2 years on average (P=0.001 for equivalence)",
        ),
        (4.0, 0.99, "shown to be more than 2 years on average;"),
        (1.8, 0.2, "neither shown to be less than 2 years on average, nor more;"),
    ],
)
def test_a_real_change_is_within_beyond_or_undecided(mean, p_value, told):
    said = sentences.real_change(
        pd.DataFrame(rows(mean)), equivalence(p_value), margin=2.0
    )
    assert told in said
    assert said.startswith(f"mean change {mean:.1f} (95% CI ")
    assert "in 60 pairs" in said


def test_a_change_of_few_pairs_is_not_told():
    few = pd.DataFrame(rows(0.3, n=None, note="too few people: 1 to 19"))
    few[["estimate", "conf_low", "conf_high"]] = float("nan")
    test = equivalence(float("nan"))
    said = sentences.real_change(few, test, margin=2.0)
    assert said == "no mean change (too few people: 1 to 19)."
    table = tables.real_pairs(few.assign(cohort="Makeup"), test.assign(cohort="Makeup"))
    frame = table.frame()
    assert frame.iloc[0, 0] == "Makeup"
    assert frame.iloc[1, 1].endswith("ᵃ")
    assert table.notes == ("ᵃ too few people: 1 to 19",)


def test_pairs_that_are_left_out_are_counted():
    found = pd.DataFrame(rows(0.3, cohort="Makeup", n_missing=12))
    table = tables.real_pairs(found, equivalence(0.001, cohort="Makeup"))
    assert table.notes == ("ᵃ 12 more pairs lack a score of one photo or both",)
    assert table.frame().iloc[1, 1].endswith(")ᵃ")


def test_repeated_photos_say_how_far_one_errs():
    table = pd.DataFrame(
        [
            {
                "model": "faceage",
                "estimand": estimand,
                "estimate": estimate,
                "conf_low": low,
                "conf_high": high,
                "note": "",
            }
            for estimand, estimate, low, high in (
                ("measurement_sd", 1.5, 1.3, 1.9),
                ("repeatability", 4.2, 3.5, 5.4),
                ("icc", 0.98, 0.97, 0.99),
                ("error_sd", float("nan"), float("nan"), float("nan")),
            )
        ]
    )
    assert sentences.one_photo(table, "faceage", labels=LABELS) == (
        "FaceAge: in 95% of people two photos of one day lie within 4.2 (95% CI "
        "3.5\N{EN DASH}5.4) years of each other."
    )
    empty = table.assign(estimate=float("nan"))
    assert "was not estimated" in sentences.one_photo(empty, "faceage")
    frame = tables.repeated_photos(table, labels=LABELS).frame()
    assert frame.iloc[:, 0].tolist() == [
        "SD of photos of one day, years",
        "Two photos of one day lie within, years",
        "ICC",
    ]
    assert frame["FaceAge"].iloc[0] == "1.50 (1.30\N{EN DASH}1.90)"


def test_what_changes_depend_on_is_asked_in_words():
    asked = [
        ("group_f", "sex", "light", "mean_change", 0.01, ""),
        ("condition_f", "overall", "overall", "mean_absolute_change", 0.2, ""),
        ("interaction_f", "sex", "overall", "mean_change", float("nan"), "too few"),
    ]
    names = ("estimand", "subgroup", "condition", "measure", "p_value", "note")
    table = pd.DataFrame(asked, columns=names).assign(
        model="faceage", cohort="Sessions", p_adjusted=lambda d: 2 * d["p_value"]
    )
    labels = LABELS | {"sex": {"label": "Sex", "unit": ""}}
    shown = tables.what_changes_depend_on(table, labels=labels)
    assert shown.frame().to_numpy().tolist() == [
        ["Sessions, FaceAge", "", ""],
        ["\N{EM SPACE}Mean change by sex, light", "0.010", "0.020"],
        ["\N{EM SPACE}Mean size of the change by condition", "0.200", "0.40"],
        [
            "\N{EM SPACE}Mean change by condition, alike in all groups of sex",
            "\N{EN DASH}\N{MODIFIER LETTER SMALL A}",
            "\N{EN DASH}",
        ],
    ]
    with pytest.raises(DataError, match="No test of the table is between groups or"):
        tables.what_changes_depend_on(equivalence(0.1, measure="mean_change"))

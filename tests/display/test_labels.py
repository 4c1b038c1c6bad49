from __future__ import annotations

import numpy as np
import pytest

from fahrstats.display.labels import (
    column_label,
    group_label,
    in_sentence,
    label_with_unit,
    level_of,
    listed,
    note_in_words,
    opening,
    per_label,
    term_label,
)

LABELS = {
    "faceage": {"label": "Face age", "unit": "years"},
    "sex": {"label": "Sex", "unit": ""},
}


def test_a_column_without_a_label_is_shown_by_its_name():
    assert column_label("creatinine", LABELS) == "creatinine"
    assert column_label("creatinine") == "creatinine"
    assert label_with_unit("faceage", LABELS) == "Face age, years"
    assert label_with_unit("sex", LABELS) == "Sex"


def test_a_factor_term_names_its_variable_and_level():
    assert term_label("sex[M]", LABELS) == "Sex: M"
    assert term_label("C(sex)[T.M]", LABELS) == "Sex: M"
    assert column_label("C(sex, Treatment('F'))", LABELS) == "Sex"
    assert level_of("age_band[65 to 74]") == "65 to 74"
    assert level_of("faceage") == ""


def test_a_product_names_both_parts():
    assert term_label("faceage:sex[M]", LABELS) == "Face age × Sex: M"  # noqa: RUF001


@pytest.mark.parametrize(
    ("per", "unit", "expected"),
    [
        (10, "years", "per 10 years"),
        (10.0, "years", "per 10 years"),
        ("10", "years", "per 10 years"),
        (1, "years", "per year"),
        (1.0, "mg/dL", "per mg/dL"),
        (0.5, "", "per 0.5 units"),
        (1, "", "per unit"),
        ("SD", "years", "per SD"),
        ("doubling", "", "per doubling"),
        (None, "years", ""),
        (np.nan, "years", ""),
        ("", "years", ""),
    ],
)
def test_the_step_of_a_hazard_ratio_is_named_with_its_unit(per, unit, expected):
    assert per_label(per, unit) == expected


def test_a_label_with_line_breaks_is_shown_on_one_line():
    broken = {"age": {"label": "Age at\n  diagnosis ", "unit": "years\n"}}
    assert label_with_unit("age", broken) == "Age at diagnosis, years"
    assert column_label("age", {"age": {"label": " \n"}}) == "age"


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("`sex` has one level, F", "Sex has one level, F"),
        ("aliased: `y` = 1 x `faceage`", "no estimate of its own: y = Face age"),
        ("`y` = 11 x `faceage` - 2", "y = 11 × Face age - 2"),  # noqa: RUF001
        ("few (`Surv(t, e) ~ sex:age`)", "few (Surv(t, e) ~ sex:age)"),
        ("too few events (3 < 10)", "too few events (3 < 10)"),
        ("few (`Surv(t, e) ~ age + `a b``)", "few (Surv(t, e) ~ age + a b)"),
    ],
)
def test_notes_name_columns_by_their_labels(note, expected):
    assert note_in_words(note, LABELS) == expected


def test_texts_are_listed_and_opened_as_in_a_sentence():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert opening("age and sex") == "Age and sex"
    assert opening("") == ""


@pytest.mark.parametrize(
    ("label", "inside"),
    [
        ("Age", "age"),
        ("White cell count", "white cell count"),
        ("ECOG status", "ECOG status"),
        ("FaceAge", "FaceAge"),
        ("Karnofsky index", "Karnofsky index"),
        ("Parkinson's disease", "Parkinson's disease"),
        ("Ki-67, %", "Ki-67, %"),
        ("T stage", "T stage"),
    ],
)
def test_only_names_keep_their_capital_inside_a_sentence(label, inside):
    assert in_sentence(label) == inside


def test_a_crossing_is_named_by_its_columns():
    labels = {"sex": {"label": "Sex", "unit": ""}}
    cross = "\N{MULTIPLICATION SIGN}"
    assert group_label("sex", labels) == "Sex"
    assert group_label(f"sex {cross} race", labels) == f"Sex {cross} race"

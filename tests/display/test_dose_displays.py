"""Figures, tables and sentences of simulated changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from panels import make_panel

import fahrstats as fs
from fahrstats.display import figures, sentences, tables
from fahrstats.display.dose_tables import dose_phrase, dose_text
from fahrstats.errors import DataError

LABELS = {
    "faceage": {"label": "FaceAge", "unit": ""},
    "other": {"label": "Other model", "unit": ""},
    "roll": {"label": "head tilted", "unit": "degrees"},
    "jpeg": {"label": "JPEG compression", "unit": "quality"},
}
FAMILIES = {"roll": "pose", "jpeg": "camera"}


@pytest.fixture(scope="module")
def found() -> fs.DoseResponse:
    panel = make_panel(20240607)
    return fs.dose_response(panel, predicted=["faceage", "other"], n_boot=200)


@pytest.fixture(scope="module")
def verdicts(found) -> pd.DataFrame:
    return sentences.verdicts(found.tidy(), found.equivalence(3.3))


def test_dose_curves_name_conditions_units_and_models(found):
    table = pd.concat([found.origin(), found.tidy()])
    shown = table[table["estimand"] == "mean_change"]
    with drawn(figures.dose_curves(shown, labels=LABELS, limits=[1, 5])) as figure:
        said = set(words(figure))
        assert texts_outside(figure) == []
    assert {"Head tilted\n(degrees)", "JPEG compression\n(quality)"} <= said
    assert {"FaceAge", "Other model", "Mean change (years)"} <= said


def test_figures_refuse_several_statistics(found):
    for draw in (figures.dose_curves, figures.change_tiles):
        with pytest.raises(DataError, match="`estimand` has 5 values"):
            draw(found.tidy())
        with pytest.raises(DataError, match="has no column `condition`"):
            draw(found.tidy().drop(columns="condition"))


def test_tiles_have_the_sign_of_the_change(found):
    table = found.tidy()
    table = table[table["estimand"] == "mean_change"]
    with drawn(figures.change_tiles(table, labels=LABELS)) as figure:
        said = words(figure)
        assert texts_outside(figure) == []
    assert {"Head tilted", "JPEG compression", "FaceAge", "1", "5"} <= set(said)
    most = table["estimate"].max()
    assert f"+{most:.1f}" in said


def test_passing_doses_are_told_in_the_order_of_severity(found):
    table = tables.passing_doses(
        found.passing(), found.tidy(), families=FAMILIES, labels=LABELS
    )
    frame = table.frame()
    assert frame.iloc[:, 0].tolist() == [
        "Pose",
        "\N{EM SPACE}Head tilted, degrees (5 to 30)",
        "Camera",
        "\N{EM SPACE}JPEG compression, quality (80 to 5)",
    ]
    assert table.heads == (0, 2)
    assert frame["FaceAge: 5 years"].iloc[1] == "not passed"
    jpeg = frame["FaceAge: 1 year"].iloc[3]
    dose, ends = jpeg.split(" (")
    milder, worse = (float(end) for end in ends.rstrip(")").split(" to "))
    assert milder > float(dose) > worse


def test_a_dose_before_the_first_is_said_to_be(found):
    thresholds = found.passing()
    is_dose = thresholds["estimand"] == "passing_dose"
    thresholds.loc[is_dose & (thresholds["value"] == 1), "estimate"] = np.nan
    table = tables.passing_doses(thresholds, found.tidy(), labels=LABELS)
    assert table.frame()["Other model: 1 year"].tolist() == ["before 5", "before 80"]


def test_changes_by_model_have_joint_limits(found):
    table = tables.changes_by_model(
        found.contrasts(), families=FAMILIES, labels=LABELS
    ).frame()
    gap = "FaceAge minus Other model: Years (joint 95% CI)"
    row = found.contrasts().iloc[0]
    assert table[gap].iloc[1].startswith(f"\N{MINUS SIGN}{-row['estimate']:.1f} (")
    assert table["FaceAge minus Other model: Adjusted P"].iloc[1] == "<0.001"


def test_verdicts_have_the_dose_and_direction_of_each_change(found, verdicts):
    assert set(verdicts["verdict"]) == {"within", "beyond", "neither"}
    assert len(verdicts) == 20
    keys = ["model", "condition", "severity"]
    means = found.tidy().query("estimand == 'mean_change'")
    both = verdicts.merge(means, on=keys, validate="one_to_one")
    assert (both["dose_x"] == both["dose_y"]).all()
    assert (both["estimate_x"] == both["estimate_y"]).all()


def test_a_table_says_what_was_shown_of_every_change(verdicts):
    table = tables.what_was_shown(
        verdicts, margin=3.3, families=FAMILIES, labels=LABELS
    )
    frame = table.frame()
    assert frame["FaceAge"].tolist() == [
        "",
        "less than 3.3 years at every dose",
        "",
        "more: older, from quality 20",
    ]
    assert frame["Other model"].iloc[1] == "more: older, from 10 degrees"
    rows = verdicts.assign(verdict="neither")
    shown = tables.what_was_shown(rows, margin=3.3).frame()
    assert set(shown["faceage"]) == {"neither at some dose"}


def test_conditions_are_explained_in_words():
    told = [{"name": "roll", "family": "pose", "meaning": "It is turned."}]
    frame = tables.meanings(told, labels=LABELS).frame()
    assert frame.to_numpy().tolist() == [
        ["Pose", "", ""],
        ["\N{EM SPACE}Head tilted", "It is turned.", "degrees"],
    ]
    with pytest.raises(DataError, match="`conditions` is empty"):
        tables.meanings([])


def test_sentences_say_what_was_shown(found, verdicts):
    ours = sentences.simulated_changes(
        verdicts, "faceage", margin=3.3, families=FAMILIES, labels=LABELS
    )
    assert ours == [
        "FaceAge: 1 of 2 simulated changes was shown to move the mean by more than 3.3 "
        "years at some dose (pose 0 of 1, camera 1 of 1). Already at severity 4 or "
        "below: JPEG compression (older, from quality 20).",
        "FaceAge: 1 was shown to move the mean by less than 3.3 years at every dose of "
        "the panel: head tilted.",
    ]
    (single,) = {
        sentences.single_photos(found.passing(), "faceage", value=5.0, labels=LABELS)
    }
    assert single == (
        "FaceAge: single photos moved by 5 years or more on average, up or down, under "
        "1 of 2 changes, soonest under JPEG compression."
    )
    never = sentences.single_photos(found.passing(), "faceage", value=5.0)
    assert never != single
    (which,) = sentences.which_moves_more(found.contrasts(), labels=LABELS)
    assert which.startswith(
        "On the same photos FaceAge moved more than Other model under 0 and less under "
        "1 of 2 changes"
    )


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("degrees", "20 degrees"),
        ("% of eye distance", "20% of eye distance"),
        ("quality", "quality 20"),
        ("", "20"),
    ],
)
def test_units_stand_where_they_are_read(unit, text):
    assert dose_phrase(20.0, unit) == text


@pytest.mark.parametrize(
    ("dose", "text"),
    [(15000.0, "15,000"), (12.34, "12.3"), (0.5, "0.5"), (np.inf, "beyond")],
)
def test_doses_have_as_many_digits_as_they_need(dose, text):
    assert dose_text(dose) == text


def test_a_model_that_stays_is_said_to(found):
    limit = found.passing().assign(estimate=np.inf)
    assert sentences.single_photos(limit, "other", value=5.0) == (
        "other: taken to grow with the dose, the mean change of single photos stayed "
        "below 5 years under all 2 changes, up to the strongest."
    )


def test_what_was_not_shown_is_counted(verdicts):
    rows = verdicts.assign(verdict="neither")
    assert sentences.simulated_changes(rows, "other", margin=3.0) == [
        "other: 0 of 2 simulated changes were shown to move the mean by more than 3 "
        "years at some dose.",
        "other: of 2 others neither was shown, at some dose at least.",
    ]

# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import pytest

from fahrstats.display.choice_sentences import cut_points_compared, later_start
from fahrstats.display.choice_tables import BEST, cut_effects, landmarks
from fahrstats.display.journal_styles import journal_style
from fahrstats.errors import DataError
from fahrstats.study import choice_tables as study_tables


def of_first(table):
    return table[table["biomarker"] == "flc"]


def test_the_study_and_the_display_flag_the_same_cut_point():
    assert study_tables.BEST == BEST


def test_landmarks_follow_all_follow_up(layer, labels):
    shown = landmarks(of_first(layer["landmarks"]), labels=labels)
    assert shown.cells.to_numpy().tolist() == [
        ["All follow-up", "600", "240", "1.50 (1.40–1.70)", "0.003"],
        ["After 1 year", "560", "200", "1.45 (1.35–1.65)", "0.003"],
        ["After 2 years", "510", "150", "1.30 (1.20–1.50)", "0.003"],
    ]
    assert shown.notes == ("Hazard ratios per SD, adjusted.",)


def test_landmarks_of_several_scores_stand_below_their_names(layer, labels):
    shown = landmarks(layer["landmarks"], labels=labels)
    assert shown.heads == (0, 4)
    assert shown.cells["name"][0] == "Free light chain"


def test_a_landmark_without_an_estimate_has_no_line(layer, labels):
    table = of_first(layer["landmarks"]).copy()
    table.loc[table["time"] == 2, ["estimate", "note"]] = [float("nan"), "no events"]
    assert list(landmarks(table, labels=labels).cells["name"])[-1] == "After 1 year"


def test_later_start_sets_landmarks_beside_all_follow_up(layer, labels):
    text = later_start(of_first(layer["landmarks"]), "flc", labels=labels)
    assert text == (
        "Free light chain. Hazard ratio 1.50 (95% CI 1.40–1.70) over all follow-up "
        "(240 events), 1.45 (95% CI 1.35–1.65) after 1 year (200 events) and 1.30 "
        "(95% CI 1.20–1.50) after 2 years (150 events)."
    )
    whole = layer["landmarks"].query("biomarker == 'flc' and time == 0")
    assert "No model was fitted to later follow-up" in later_start(whole, "flc")


def test_cut_points_have_models_side_by_side_and_the_chosen_one_a_flag(layer, labels):
    shown = cut_effects(of_first(layer["cut_effects"]), labels=labels)
    assert shown.cells.to_numpy().tolist() == [
        [
            *("2.50 mg/dL (median)", "50", "1.70 (1.60–1.90)", "0.012"),
            *("1.60 (1.50–1.80)", "0.012"),
        ],
        [
            *("3.10 mg/dL (tertiles)", "33", "1.87 (1.77–2.07)", "0.012"),
            *("1.77 (1.67–1.97)", "0.012"),
        ],
        [
            *("4.20 mg/dL (best cut point)†", "19", "2.01 (1.91–2.21)", "0.041"),
            *("1.91 (1.81–2.11)", "–"),
        ],
    ]
    assert list(shown.spanners) == ["Unadjusted", "Adjusted"]
    assert shown.notes[0].startswith("† Chosen because it parts survival most")
    assert "0.0027" not in shown.to_markdown()  # as if it had not been chosen
    rest = of_first(layer["cut_effects"]).query("origin != @BEST")
    assert cut_effects(rest, labels=labels).notes == ()


def test_the_range_of_effects_leaves_the_chosen_cut_point_out(layer, labels):
    text = cut_points_compared(of_first(layer["cut_effects"]), "flc", labels=labels)
    assert text == (
        "Free light chain. Above 2 cut points set without looking at the outcome, the "
        "adjusted hazard ratio goes from 1.60 to 1.77. Survival is parted most at 4.20 "
        "mg/dL (P=0.041 after correction for the choice), which is no cut point to be "
        "used without other data."
    )


def test_numbers_follow_the_journal(layer, labels):
    lancet = journal_style("lancet")
    cuts = of_first(layer["cut_effects"])
    text = cut_points_compared(cuts, "flc", labels=labels, style=lancet)
    assert "from 1·60 to 1·77" in text
    assert "p=0·041" in text
    later = landmarks(of_first(layer["landmarks"]), labels=labels, style=lancet)
    assert later.cells["hr"][0] == "1·50 (1·40–1·70)"


@pytest.mark.parametrize("name", ["landmarks", "cut_effects"])
def test_what_is_needed_is_named(layer, name):
    draw = {"landmarks": landmarks, "cut_effects": cut_effects}[name]
    with pytest.raises(DataError, match="has no column `estimate`"):
        draw(layer[name].drop(columns="estimate"))
    with pytest.raises(DataError, match="The table has no rows"):
        draw(layer[name].iloc[:0])

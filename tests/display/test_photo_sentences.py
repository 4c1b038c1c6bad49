from __future__ import annotations

import pytest

from fahrstats.display.sentences import cross_fitted, photos_scored

SCORED = {
    "photos": 1234,
    "status": {"ok": 1200, "no_face": 34},
    "checkpoint": "a_b@1f; c@2e",
    "licences": {"a_b@1f": "CC0", "c@2e": ""},
    "precision": "float32",
    "detector": "mtcnn@3d",
    "several": "largest",
}


def test_the_sentence_names_models_licence_detector_and_counts():
    assert photos_scored(SCORED) == (
        "**Photographs.** 1,200 of 1,234 photographs were scored by a\\_b\\@1f "
        "(licence: CC0) and c\\@2e, in float32. Faces and their five landmarks "
        "were found by mtcnn\\@3d. Of several faces in a photo, the largest was scored."
    )


def test_what_is_unknown_is_not_spoken_of():
    assert photos_scored({"checkpoint": "c@2e"}) == (
        "**Photographs.** Photographs were scored by c\\@2e."
    )


@pytest.mark.parametrize(
    ("several", "said"), [("refuse", "was not scored"), ("central", "nearest its")]
)
def test_the_rule_for_several_faces_is_said(several, said):
    assert said in photos_scored({**SCORED, "several": several})


def test_number_formats_of_several_models_are_listed():
    assert ", in bfloat16 and float32." in photos_scored(
        {**SCORED, "precision": "bfloat16; float32"}
    )


def test_cross_fitted_scores_are_told_with_folds_subjects_events_and_penalties():
    text = cross_fitted(
        {
            "checkpoint": "c_d@2e",
            "folds": 5,
            "penalties": [1920.0, 60.7157, 192.0],
            "n_subjects": 1865,
            "n_events": 67,
        }
    )
    assert "1,865 subjects with 67 events were dealt into 5 folds" in text
    assert "by c\\_d\\@2e; its penalty was chosen by cross-validation among" in text
    assert "(61 to 1,920 on columns of unit variance)" in text
    assert "are too narrow" in text
    assert "beside another score they are per standard deviation of the scores" in text


def test_one_penalty_is_no_range():
    told = {"checkpoint": "c@2e", "folds": 2, "n_subjects": 9, "n_events": 4}
    text = cross_fitted({**told, "penalties": [0.64, 0.64]})
    assert "alone (0.64 on columns" in text

from __future__ import annotations

import pytest

from fahrstats.display.sentences import photos_scored

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

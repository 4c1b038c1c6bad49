from __future__ import annotations

import numpy as np
import pytest

from fahrstats.face.detection.alignment import ARCFACE_SIDE, align
from fahrstats.face.perturbations.frames import TEMPLATE_UNIT, eye_distance
from fahrstats.face.perturbations.framing import framed


@pytest.mark.parametrize("tilt", [0, 30])
@pytest.mark.parametrize("margin", [0.0, 0.6])
def test_models_see_the_same_face_to_the_bit(draw, tilt, margin):
    face = draw(side=900, unit=80.0, tilt=tilt)
    kept = framed(face, pixels_wanted=112, margin=margin)
    assert kept.pixels.size < face.pixels.size
    for seen in {0.2, 0.5, margin}:
        how = {"size": 112, "margin": seen, "interpolation": "bilinear"}
        np.testing.assert_array_equal(align(kept, **how), align(face, **how))


def test_far_too_many_pixels_are_averaged(draw):
    face = draw(side=900, unit=240.0)
    wanted = 112
    kept = framed(face, pixels_wanted=wanted)
    block = eye_distance(face) / eye_distance(kept)
    assert block == pytest.approx(round(block))
    assert block > 1
    assert eye_distance(kept) / TEMPLATE_UNIT * ARCFACE_SIDE >= 1.5 * wanted
    how = {"size": wanted, "margin": 0.0, "interpolation": "bilinear"}
    apart = align(kept, **how).astype(float) - align(face, **how)
    assert np.abs(apart).mean() < 1  # level of 255
    middle = (kept.box[:2] + kept.box[2:]) / 2 - kept.points.mean(axis=0)
    before = (face.box[:2] + face.box[2:]) / 2 - face.points.mean(axis=0)
    np.testing.assert_allclose(middle * block, before, atol=1e-6)


def test_a_small_photo_stays_whole(draw):
    face = draw(side=120, unit=50.0)
    np.testing.assert_array_equal(framed(face, pixels_wanted=112).pixels, face.pixels)

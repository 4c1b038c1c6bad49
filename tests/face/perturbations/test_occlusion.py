from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fahrstats.face.perturbations import occlusion
from fahrstats.face.perturbations.catalogue import CONDITIONS
from fahrstats.face.perturbations.colours import to_light
from fahrstats.face.perturbations.frames import head, whole

DRAWN = {
    "glasses": occlusion.with_glasses,
    "face_mask": occlusion.with_mask,
    "hair_band": occlusion.with_hair_band,
}
WITHIN = {  # left, right, top, bottom in coordinates of the head
    "glasses": (-1.35, 1.35, -0.45, 0.5),
    "face_mask": (-1.2, 1.2, 0.2, 2.1),
    "hair_band": (-1.4, 1.4, -1.3, 0.3),
}


def changed(face, other):
    return (face.pixels != other.pixels).any(axis=-1)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("tilt", [0, 20])
def test_more_is_hidden_at_every_dose_and_nothing_elsewhere(draw, name, tilt):
    face = draw(tilt=tilt)
    x, y = head(face).within(whole(face))
    left, right, top, bottom = WITHIN[name]
    outside = (x < left) | (x > right) | (y < top) | (y > bottom)
    hidden = [changed(face, DRAWN[name](face, d)) for d in CONDITIONS[name].doses]
    assert not hidden[-1][outside].any()
    sizes = [mask.sum() for mask in hidden]
    assert (np.diff([0, *sizes]) > 0).all()


def test_a_mask_hides_the_stated_share_of_the_lower_face(face):
    for percent in (30, 50, 80):
        hidden = changed(face, occlusion.with_mask(face, percent))
        x, y = head(face).within(whole(face))
        top = y[hidden & (np.abs(x) < 0.05)].min()
        assert (2.0 - top) / 1.8 == pytest.approx(percent / 100, abs=0.02)


def test_a_hair_band_ends_at_the_brows(face):
    x, y = head(face).within(whole(face))
    middle = np.abs(x) < 0.05
    hidden = changed(face, occlusion.with_hair_band(face, 100))
    assert y[hidden & middle].max() == pytest.approx(-0.33, abs=0.03)
    assert y[hidden & middle].min() == pytest.approx(-1.15, abs=0.03)


def test_a_frame_has_the_stated_thickness(face):
    """Along the line from the middle of an eye downwards, in pixels of 50 an eye."""
    flat = replace(face, pixels=np.full_like(face.pixels, 200))
    x, y = np.round(face.points[0]).astype(int)
    for percent in (6, 12, 18):
        seen = occlusion.with_glasses(flat, percent).pixels[y : y + 30, x, 0]
        dark = (200.0 - seen) / (200 - 28)
        assert dark.sum() == pytest.approx(percent / 100 * 50, rel=0.2)


def test_dark_lenses_take_the_stated_share_of_the_light(face):
    for percent in (30, 75):
        seen = to_light(occlusion.with_sunglasses(face, percent).pixels)
        for x, y in np.round(face.points[:2]).astype(int):
            near = np.s_[y - 4 : y + 5, x - 4 : x + 5]
            ratio = seen[near].mean() / to_light(face.pixels)[near].mean()
            assert ratio == pytest.approx(1 - percent / 100, rel=0.02)
    outside = head(face).within(whole(face))[1] > 0.5
    assert not changed(face, occlusion.with_sunglasses(face, 98))[outside].any()


@pytest.mark.parametrize("change", [*DRAWN.values(), occlusion.with_sunglasses])
def test_no_dose_is_the_same_picture_to_the_bit(face, change):
    np.testing.assert_array_equal(change(face, 0).pixels, face.pixels)

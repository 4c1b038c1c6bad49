"""Parts of a face replaced by their blurred selves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mouth_models import drawn_face, seen
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter

from fahrstats.face.detection.alignment import align
from fahrstats.face.saliency.edits import BLUR, blurred, region_fields, replaced
from fahrstats.face.saliency.explanation import FIELD_SIDE
from fahrstats.face.saliency.regions import REGIONS, region_map

EYES = 35.24
"""Distance between the eyes of an aligned face, in pixels of the ArcFace crop."""


def crop(face, margin=0.5, size=FIELD_SIDE):
    return align(face, size=size, margin=margin, interpolation="bilinear").astype(int)


def test_fields_of_regions_add_up_to_one():
    fields = region_fields()
    assert fields.shape == (11, FIELD_SIDE, FIELD_SIDE)
    assert fields.min() == 0
    assert_allclose(fields.sum(axis=0), 1, atol=1e-6)
    assert (fields.argmax(axis=0) == region_map(FIELD_SIDE)).mean() > 0.995


@pytest.mark.parametrize("region", ["mouth", "nose", "forehead"])
def test_a_region_is_replaced_within_and_left_alone_beyond(region):
    face = drawn_face()
    fill = np.full_like(face.pixels, 7)
    edited = crop(replaced(face, fill, region_fields()[REGIONS.index(region)]), 0, 112)
    assert_allclose(edited[seen(region, inset=6)], 7, atol=1)
    others = [name for name in REGIONS[:10] if name != region]
    for name in others:
        beyond = seen(name, inset=8)
        assert_array_equal(edited[beyond], crop(face, 0, 112)[beyond])


def test_all_regions_together_are_the_whole_photo():
    """One after the other, with edges that let each other through."""
    face = drawn_face()
    fill = face.pixels + np.uint8(128)  # which is another level for every pixel
    everything = replaced(
        face, fill, np.ones((FIELD_SIDE, FIELD_SIDE), np.float32), beyond=True
    )
    assert_array_equal(everything.pixels, fill)
    n_changed = np.zeros(face.pixels.shape)
    for name, field in zip(REGIONS, region_fields(), strict=True):
        edited = replaced(face, fill, field, beyond=name == "background")
        n_changed += np.abs(face.pixels.astype(float) - edited.pixels) / 128
    assert_allclose(n_changed, 1, atol=11 * 0.5 / 128)  # 11 roundings to 8 bits


def test_background_reaches_to_the_edges_of_the_photo():
    face = drawn_face()
    fill = np.full_like(face.pixels, 7)
    edited = replaced(face, fill, region_fields()[-1], beyond=True)
    edge = np.s_[[0, -1]]
    assert_array_equal(edited.pixels[edge], 7)
    assert_array_equal(edited.pixels[:, edge], 7)


def test_a_face_at_the_edge_of_its_photo_can_be_edited():
    face = drawn_face()
    cut = replace(face, pixels=face.pixels[140:, 170:], points=face.points - (170, 140))
    for name, field in zip(REGIONS, region_fields(), strict=True):
        part = replaced(cut, blurred(cut), field, beyond=name == "background")
        assert part.pixels.shape == cut.pixels.shape
    gone = replace(face, points=face.points + 2000)
    untouched = replaced(gone, blurred(gone), region_fields()[0])
    assert_array_equal(untouched.pixels, gone.pixels)


def test_the_photo_is_not_changed_in_place():
    face = drawn_face()
    before = face.pixels.copy()
    replaced(face, blurred(face), region_fields()[0])
    assert_array_equal(face.pixels, before)


@pytest.mark.parametrize("scale", [0.7, 1.3, 2.0])
def test_blur_is_relative_to_the_distance_between_the_eyes(scale):
    """Against scipy's filter, away from edges, which box filters repeat otherwise."""
    face = drawn_face(scale=scale)
    sigma = BLUR * EYES * scale
    twin = gaussian_filter(face.pixels.astype(float), (sigma, sigma, 0), mode="nearest")
    inner = np.s_[100:200, 100:200]
    assert np.abs(blurred(face) - twin)[inner].max() < 2


def test_an_empty_field_changes_nothing():
    face = drawn_face()
    nothing = np.zeros((FIELD_SIDE, FIELD_SIDE), np.float32)
    assert_array_equal(replaced(face, blurred(face), nothing).pixels, face.pixels)

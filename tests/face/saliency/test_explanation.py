"""Maps of crops on the field of the regions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fahrstats.face.saliency.explanation import FIELD_SIDE, explained_by_maps
from fahrstats.face.saliency.regions import REGIONS, region_map

SCORES = np.array([[40.0, 1.0]])


@pytest.mark.parametrize("side", [14, 80, 112, 224])
@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_a_map_keeps_its_sum(side, margin):
    crops = np.random.default_rng(1).normal(size=(1, 2, side, side))
    found = explained_by_maps(SCORES, crops, margin=margin)
    assert found.maps.shape == (1, 2, FIELD_SIDE, FIELD_SIDE)
    assert_allclose(found.regions.sum(axis=-1), crops.sum((-2, -1)), atol=1e-9)
    assert_allclose(
        found.maps.sum((-2, -1), dtype=float), crops.sum((-2, -1)), atol=1e-3
    )


def test_what_lies_beyond_the_field_is_background():
    crops = np.ones((1, 2, 112, 112))
    found = explained_by_maps(SCORES, crops, margin=1.0)
    assert_allclose(found.regions.sum(axis=-1), 112**2, rtol=1e-12)
    assert_allclose(found.maps.sum((-2, -1)), 112**2 * (2 / 3) ** 2, rtol=1e-5)


@pytest.mark.parametrize("region", REGIONS)
def test_importance_within_a_region_is_that_region_s(region):
    inside = region_map(FIELD_SIDE) == REGIONS.index(region)
    found = explained_by_maps(SCORES, np.tile(inside * 1.0, (1, 2, 1, 1)), margin=0.5)
    expected = np.where(np.array(REGIONS) == region, inside.sum(), 0)
    assert_allclose(found.regions[0, 0], expected, atol=1e-9)


def test_a_place_of_a_small_crop_lands_where_it_lies():
    """An ArcFace crop is the middle half of the field."""
    crops = np.zeros((1, 2, 112, 112))
    crops[..., 92, 56] = 3
    found = explained_by_maps(SCORES, crops, margin=0.0).maps
    assert found[0, 0, 92 + 56, 56 + 56] == 3
    assert np.count_nonzero(found[0, 0]) == 1


def test_no_face_gives_no_row():
    found = explained_by_maps(np.empty((0, 2)), np.empty((0, 2, 1, 1)), margin=0.0)
    assert found.regions.shape == (0, 2, 11)

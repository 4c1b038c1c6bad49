"""Where the regions of an aligned face lie."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import ARCFACE_POINTS, ARCFACE_SIDE, template
from fahrstats.face.saliency import regions
from fahrstats.face.saliency.regions import (
    MIDLINE,
    REGION_MARGIN,
    REGIONS,
    region_areas,
    region_at,
    region_map,
)

COORDINATE = st.floats(-60, 170, allow_nan=False)


def names_at(*points):
    return [REGIONS[i] for i in region_at(points)]


def test_landmarks_lie_where_they_must():
    assert names_at(*ARCFACE_POINTS) == ["eyes", "eyes", "nose", "mouth", "mouth"]


@pytest.mark.parametrize(
    ("region", "points"),
    [
        ("forehead", [(56, 25), (35, 30), (56, 43)]),
        ("periorbital", [(38, 42), (38, 62), (90, 50)]),  # brow, bag, crow's foot
        ("eyes", [(30, 52), (82, 52)]),
        ("nose", [(56, 50), (44, 76), (56, 80)]),  # bridge, wing, base
        ("cheeks", [(26, 75), (86, 75)]),
        ("nasolabial", [(36, 80), (76, 80), (56, 83.5)]),  # folds, philtrum
        ("mouth", [(56, 93), (37, 91)]),
        ("chin", [(56, 112), (45, 105)]),
        ("jaw_neck", [(28, 108), (56, 130), (84, 108)]),
        ("hair", [(56, -10), (8, 30), (104, 60)]),  # crown, side, ear
        ("background", [(-20, 50), (140, 140), (56, -40), (10, 130)]),
    ],
)
def test_places_of_a_face_are_in_their_regions(region, points):
    """Places read off the mean of 150 aligned portraits."""
    assert set(names_at(*points)) == {region}


@given(COORDINATE, COORDINATE)
def test_left_and_right_are_mirror_images(x, y):
    assert region_at((x, y)) == region_at((2 * MIDLINE - x, y))


def test_the_midline_is_that_of_the_landmarks():
    eyes, mouth = ARCFACE_POINTS[:2, 0].mean(), ARCFACE_POINTS[3:, 0].mean()
    assert_allclose([eyes, ARCFACE_POINTS[2, 0], mouth], MIDLINE, atol=0.2)
    assert regions._ARCFACE_SIDE == ARCFACE_SIDE


def test_every_pixel_is_in_one_region_and_every_region_has_some():
    found = region_map(224)
    assert found.shape == (224, 224)
    assert_array_equal(np.unique(found), np.arange(len(REGIONS)))


@pytest.mark.parametrize("side", [1, 7, 80, 224])
@pytest.mark.parametrize("margin", [0.0, 0.2, 1.0])
def test_a_pixel_has_the_region_of_its_centre(side, margin):
    """The twin takes landmarks of the template to see where pixels lie."""
    scale = (template(side, margin)[1] - template(side, margin)[0])[0] / (
        ARCFACE_POINTS[1] - ARCFACE_POINTS[0]
    )[0]
    shift = template(side, margin)[0] - ARCFACE_POINTS[0] * scale
    rows, columns = np.indices((side, side))
    twin = region_at((np.stack([columns, rows], axis=-1) - shift) / scale)
    disagree = twin != region_map(side, margin)
    assert disagree.mean() < 5e-3  # centres that lie on an outline


@pytest.mark.parametrize("side", [112, 224, 500])
def test_areas_do_not_depend_on_the_size_of_the_crop(side):
    assert_allclose(region_areas(side), region_areas(448), atol=2e-3)


def test_areas_are_shares_and_those_of_a_face():
    areas = dict(zip(REGIONS, region_areas(), strict=True))
    assert sum(areas.values()) == pytest.approx(1, rel=1e-12)
    assert areas["background"] == pytest.approx(0.74, abs=0.01)
    face = [x for name, x in areas.items() if name not in ("background", "hair")]
    assert max(face) < 6 * min(face)
    assert areas["eyes"] == min(face)


def test_an_arcface_crop_has_little_background():
    areas = dict(zip(REGIONS, region_areas(448, 0.0), strict=True))
    assert areas["background"] < 0.2
    assert areas["nose"] == pytest.approx(
        region_areas()[REGIONS.index("nose")] * (1 + 2 * REGION_MARGIN) ** 2, rel=0.02
    )


def test_the_map_that_all_share_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        region_map(20)[0, 0] = 3


def test_a_crop_has_a_size():
    with pytest.raises(DataError, match="`side` must be at least 1 pixel, but it is 0"):
        region_map(0)


def test_regions_need_no_torch():
    code = (
        "import sys, fahrstats.face.saliency.regions as r; r.region_map(10); "
        "sys.exit(bool({'torch', 'PIL', 'captum'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Importance drawn on the mean face."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn
from numpy.testing import assert_array_equal

from fahrstats.display.saliency_maps import face_maps, painted_regions
from fahrstats.errors import DataError

FACE = np.full((16, 16, 3), 128.0)
PLACES = np.array([[0, 0], [1, 2]])
NAMES = ("eyes", "nose", "mouth")


def table(**changes):
    rows = {
        "model": ["faceage"] * 3 + ["other"] * 3,
        "region": [*NAMES, *NAMES[::-1]],
        "estimate": [2.0, -1.0, 0.5, 0.1, 0.2, -0.4],
    }
    return pd.DataFrame({**rows, **changes})


def shades(figure, panel):
    rows = figure.data[figure.data["panel"] == panel]
    return dict(
        zip(zip(-rows["y"], rows["x"], strict=True), rows["shade"], strict=True)
    )


def test_places_have_the_importance_of_their_region():
    maps = painted_regions(table(), PLACES, NAMES)
    assert_array_equal(maps["faceage"], [[2, 2], [-1, 0.5]])
    assert_array_equal(maps["other"], [[-0.4, -0.4], [0.2, 0.1]])


def test_colours_say_where_a_score_is_raised_and_by_how_much():
    values = np.zeros((4, 4))
    values[0, 1], values[2, 3], values[3, 3] = 4, -4, 2
    figure = face_maps(
        FACE, {"faceage": values}, labels={"faceage": {"label": "Face age"}}
    )
    found = shades(figure, "Face age")
    rgb = {
        place: [int(found[place][i : i + 2], 16) for i in (1, 3, 5)] for place in found
    }
    assert rgb[0, 0] == [128, 128, 128]
    assert rgb[0, 1][0] > rgb[3, 3][0] > 128 > rgb[3, 3][2] > rgb[0, 1][2]
    assert rgb[2, 3][2] > 128 > rgb[2, 3][0]


def test_panels_have_scales_of_their_own():
    maps = painted_regions(table(), PLACES, NAMES)
    figure = face_maps(FACE, maps, title="Regions")
    assert list(figure.data["panel"].cat.categories) == ["faceage", "other"]
    largest = figure.data.groupby("panel", observed=True)["share"].agg(
        lambda x: x.abs().max()
    )
    assert_array_equal(largest, 1)
    figure.draw()


@pytest.mark.parametrize(
    ("maps", "told"),
    [
        ({}, "`maps` holds no map"),
        (
            {"a": np.ones((3, 3))},
            "The side of `face`, 16, must be a multiple .* `a`, 3",
        ),
        ({"a": np.ones((4, 2))}, r"must be square, but have the shapes .*\(4, 2\)"),
        (
            {"a": np.full((4, 4), np.nan)},
            "16 of 16 places of the map of `a` are missing",
        ),
        ({"a": np.zeros((4, 4))}, "The map of `a` is 0 everywhere"),
    ],
)
def test_what_cannot_be_drawn_is_refused(maps, told):
    with pytest.raises(DataError, match=told):
        face_maps(FACE, maps)


def test_every_region_is_needed_once():
    told = "`other` must have one row for each of the 3 regions, but it has 2 rows of 2"
    with pytest.raises(DataError, match=told):
        painted_regions(table().iloc[:5], PLACES, NAMES)


def test_what_surrounds_the_face_may_be_left_out():
    values = np.arange(64.0).reshape(8, 8)
    with drawn(face_maps(FACE, {"faceage": values}, shown=0.5)) as figure:
        (axis,) = (axis for axis in figure.axes if axis.images or axis.collections)
        assert axis.get_xlim() == (1.5, 5.5)
        assert axis.get_ylim() == (-5.5, -1.5)
    with pytest.raises(DataError, match="`shown` is 0; give a share of the side"):
        face_maps(FACE, {"faceage": values}, shown=0)

"""Importance as a data frame, and of one photo."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.errors import DataError
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.saliency.explain import explain_face, explain_photos
from fahrstats.face.saliency.regions import REGIONS


@pytest.fixture
def how(cohort):
    return {"checkpoint": cohort.checkpoint, "detector": cohort.detector}


def test_photos_are_explained_as_a_long_table(cohort, how):
    table = explain_photos(open_source(cohort.photos), **how)
    assert table["photo"].nunique() == 35
    assert len(table) == 35 * 11
    assert table["importance"].notna().sum() == 34 * 11


def test_one_face_comes_with_its_maps(cohort, how):
    found = explain_face(cohort.photos / "p003.png", method="rollout", **how)
    assert found.face.shape == (224, 224, 3)
    assert found.maps["faceage"].shape == (224, 224)
    assert list(found.regions["region"]) == list(REGIONS)
    assert_allclose(found.regions["importance"].sum(), 1)
    table = explain_photos(cohort.photos / "p003.png", method="rollout", **how)
    assert_allclose(table["importance"], found.regions["importance"])


def test_one_face_can_be_explained_by_regions_only(cohort, how):
    found = explain_face(cohort.photos / "p003.png", method="ablation", **how)
    table = explain_photos(cohort.photos / "p003.png", **how)
    assert found.maps == {}
    assert_array_equal(table["importance"], found.regions["importance"])


def test_a_photo_without_a_face_is_named(cohort, how):
    with pytest.raises(DataError, match=r"`broken.png` cannot be explained: "):
        explain_face(cohort.photos / "broken.png", method="ablation", **how)

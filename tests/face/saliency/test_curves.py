"""Deletion and insertion curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mouth_models import RegionModel, drawn_face, seen
from numpy.testing import assert_allclose

from fahrstats.errors import DataError
from fahrstats.face.saliency.ablation import ablation
from fahrstats.face.saliency.curves import replacement_curves
from fahrstats.face.saliency.edits import blurred
from fahrstats.face.saliency.explanation import explained_by_maps
from fahrstats.face.saliency.regions import REGIONS

FACES = [drawn_face(i, degrees=5 * i) for i in range(2)]


def test_the_score_of_a_model_of_the_mouth_goes_with_the_mouth():
    model = RegionModel()
    found = replacement_curves(model, FACES, ablation(model, FACES), n_random=2)
    assert found.areas["passed"].all()
    assert (found.areas["share_better"] == 1).all()
    assert found.n == 2
    steps = found.steps.set_index(["curve", "order"])
    deletion = steps.loc[("deletion", "importance"), "score"].to_numpy()
    scores = model.predict(FACES).mean()
    veiled = [replace(face, pixels=blurred(face)) for face in FACES]
    assert len(deletion) == 12
    assert_allclose(deletion[0], scores)
    assert_allclose(deletion[-1], model.predict(veiled).mean(), rtol=1e-3)
    assert_allclose(deletion[1], deletion[-1], rtol=0.05)  # the mouth goes first


def test_an_order_that_means_nothing_does_not_pass():
    model = RegionModel()
    explanation = ablation(model, FACES)
    wrong = explanation.regions.copy()
    wrong[..., REGIONS.index("mouth")] = -99  # comes last
    found = replacement_curves(
        model, FACES, replace(explanation, regions=wrong), n_random=2
    )
    assert not found.areas["passed"].any()
    assert (found.areas["share_better"] == 0).all()


def test_maps_are_followed_in_squares():
    model = RegionModel()
    crops = np.tile(seen() * 1.0, (2, 1, 1, 1))
    explanation = explained_by_maps(model.predict(FACES), crops, margin=0.0)
    found = replacement_curves(model, FACES, explanation, n_random=1)
    assert found.areas["passed"].all()
    assert len(found.steps) == 2 * 2 * 15
    ends = found.steps[found.steps["share"] == 1].groupby("curve")["score"].std()
    assert_allclose(ends, 0, atol=1e-9)


def test_random_orders_of_a_face_do_not_depend_on_the_others():
    model = RegionModel()
    explanation = ablation(model, FACES)
    both = replacement_curves(model, FACES, explanation, n_random=2)
    black = replace(FACES[0], pixels=np.zeros_like(FACES[0].pixels))  # scores 0
    three = [*FACES, black]
    small = RegionModel(batch_size=5)
    again = replacement_curves(small, three, ablation(small, three), n_random=2)
    assert_allclose(3 * again.steps["score"], 2 * both.steps["score"], rtol=1e-9)
    area = both.areas["area_random"]
    scores = both.steps[both.steps["order"] == "random"].groupby("curve")["score"]
    assert_allclose(area, scores.apply(lambda x: np.trapezoid(x, dx=1 / 11)))


@pytest.mark.parametrize(("n", "n_random"), [(1, 5), (2, 0), (4, 5)])
def test_curves_need_faces_that_were_explained(n, n_random):
    model = RegionModel()
    explanation = ablation(model, FACES)
    with pytest.raises(DataError, match=f"there are {n} faces, 2 explained ones and"):
        replacement_curves(model, (FACES * 2)[:n], explanation, n_random=n_random)

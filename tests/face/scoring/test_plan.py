from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from fahrstats.errors import DataError
from fahrstats.face.scoring.plan import Crop, Plan, model_names


def test_a_plan_travels_to_workers():
    plan = Plan(models=("a.safetensors",), several="largest")
    assert pickle.loads(pickle.dumps(plan)) == plan


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": ()}, "cannot be scored without a model"),
        ({"several": "oldest"}, "`several` must be refuse, largest or central, but"),
        ({"batch_size": 0}, "`batch_size` must be at least 1, but it is 0"),
        ({"min_face": -5}, "`min_face` must not be negative, as -5 is"),
        (
            {"outcome": "embeddings", "models": ("a", "b")},
            "one checkpoint, not of 2",
        ),
        ({"outcome": "crops"}, "Crops are cut without a model; name none"),
    ],
)
def test_a_plan_is_possible(settings, message):
    with pytest.raises(DataError, match=message):
        Plan(**{"models": ("a",), **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "`size` must be between 1 and 512 pixels, but it is 0"),
        ({"size": 513}, "`size` must be between 1 and 512 pixels, but it is 513"),
        ({"margin": -0.1}, r"`margin` must be between 0 and 1, but it is -0\.1"),
        ({"margin": float("nan")}, "`margin` must be between 0 and 1, but it is nan"),
        ({"interpolation": "cubic"}, "must be bilinear or bicubic, but it is 'cubic'"),
    ],
)
def test_a_crop_is_possible(settings, message):
    with pytest.raises(DataError, match=message):
        Crop(**settings)


def test_checkpoints_may_be_one_or_several():
    assert model_names(Path("a")) == model_names("a") == ("a",)
    assert model_names(["a", Path("b")]) == ("a", "b")

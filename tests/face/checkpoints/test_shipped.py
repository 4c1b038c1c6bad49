"""The checkpoints that are part of the package."""

from __future__ import annotations

import numpy as np
import pytest

from fahrstats.face.checkpoints.names import CARD, shipped_checkpoints
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.engine import Engine

_MOST_BYTES = 25 * 10**6


def test_they_are_there():
    assert set(shipped_checkpoints()) == {"fahrstats-mini", "mini-age"}


def test_they_are_small():
    files = [*shipped_checkpoints().values()]
    files += [path.with_suffix(CARD) for path in files]
    assert 0 < sum(path.stat().st_size for path in files) < _MOST_BYTES


@pytest.mark.parametrize("name", shipped_checkpoints())
def test_their_cards_say_what_they_are(name):
    card = load_checkpoint(name).card
    assert card.name == name
    assert "FairFace" in card.training_data
    assert "CC BY 4.0" in card.licence
    assert "not" in card.notes
    assert bool(card.accuracy) == bool(card.outputs)


def test_mini_age_reads_ages_of_years():
    engine = Engine(load_checkpoint("mini-age"), device="cpu", precision="float32")
    size = load_checkpoint("mini-age").card.preprocessing.input_size
    faces = np.random.default_rng(1).normal(0, 1, (8, 3, size, size))
    ages = engine.outputs(faces.astype(np.float32))
    assert ages.shape == (8, 1)
    assert ((ages > -25) & (ages < 150)).all()

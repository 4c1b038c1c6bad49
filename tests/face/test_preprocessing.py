from __future__ import annotations

import numpy as np
import pytest
from checkpoints import card_with
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.face.preprocessing import prepare


def noise(*shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_channels_are_scaled_ordered_and_standardised(order):
    crops = noise(2, 5, 5, 3)
    how = card_with(channel_order=order).preprocessing
    prepared = prepare(crops, how)
    assert prepared.shape == (2, 3, 5, 5)
    assert prepared.dtype == np.float32
    for channel in range(3):
        source = channel if order == "RGB" else 2 - channel
        expected = crops[..., source] / 255.0 - how.channel_mean[channel]
        expected /= how.channel_spread[channel]
        assert_allclose(prepared[:, channel], expected, rtol=1e-6, atol=1e-7)


def test_black_and_white_are_where_the_card_says():
    how = card_with(channel_mean=(0.5, 0.5, 0.0), channel_spread=(0.5, 1.0, 2.0))
    grey = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1).repeat(3, axis=3)
    prepared = prepare(grey, how.preprocessing)
    assert prepared[:, :, 0, 0].tolist() == [[-1.0, -0.5, 0.0], [1.0, 0.5, 0.5]]


def test_a_face_is_prepared_alike_alone_and_among_others():
    crops, how = noise(7, 4, 4, 3), card_with().preprocessing
    before = crops.copy()
    together = prepare(crops, how)
    for i in range(7):
        assert_array_equal(prepare(crops[i : i + 1], how)[0], together[i])
    assert_array_equal(crops, before)

from __future__ import annotations

from dataclasses import replace

import pytest

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.network.convolutional_sizes import (
    check_convolutional,
    convolutional_architecture,
    convolutional_flop,
)

SHAPE = ConvolutionalArchitecture(image_size=20, widths=(8, 16), blocks=(1, 2))


def test_operations_of_a_small_network_by_hand():
    # 10 x 10 pixels: 3 to 8 channels, then twice 8 to 8; 5 x 5 pixels: 8 to 16, beside
    # it the shortcut of one pixel, then three times 16 to 16.
    products = 100 * 9 * (3 * 8 + 2 * 8 * 8) + 25 * (10 * 8 * 16 + 3 * 9 * 16 * 16)
    assert convolutional_flop(SHAPE) == 2 * products


def test_usual_sizes_are_for_aligned_crops():
    shape = convolutional_architecture("mini")
    assert (shape.image_size, shape.width, shape.kind) == (112, 192, "convolutional")
    check_convolutional(convolutional_architecture("small", image_size=64))


def test_an_unknown_size_is_refused():
    with pytest.raises(DataError, match="`size` is `huge`; choose one of `mini`, `sm"):
        convolutional_architecture("huge")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": ()}, "`widths` names 0 stages and `blocks` 2; both must name"),
        ({"blocks": (1,)}, "`widths` names 2 stages and `blocks` 1; both must name"),
        ({"widths": (8,) * 9, "blocks": (1,) * 9}, "names 9 stages .* same, 1 to 8"),
        ({"widths": (8, 12)}, "`widths` holds 12; a width must be a multiple of 8"),
        ({"widths": (0, 8)}, "`widths` holds 0; a width must be a multiple of 8"),
        ({"widths": (8, 8000)}, "`widths` holds 8000; .* at most 4096"),
        ({"blocks": (1, 0)}, "`blocks` holds 0; a stage has 1 to 128 blocks"),
        ({"blocks": (1, 129)}, "`blocks` holds 129; a stage has 1 to 128 blocks"),
        ({"image_size": 3}, "`image_size` is 3; with 2 stages it must be 4 to 4096"),
        ({"image_size": 5000}, "`image_size` is 5000; with 2 stages it must be 4 to"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        check_convolutional(replace(SHAPE, **changes))

from __future__ import annotations

from dataclasses import replace

import pytest

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture
from fahrstats.face.network.sizes import (
    architecture,
    check_architecture,
    check_image_size,
    flop_per_image,
    n_patches,
)


@pytest.mark.parametrize(
    ("size", "width", "depth", "heads"),
    [
        ("tiny", 192, 12, 3),
        ("small", 384, 12, 6),
        ("base", 768, 12, 12),
        ("large", 1024, 24, 16),
    ],
)
def test_sizes_are_the_published_ones(size, width, depth, heads):
    assert architecture(size) == Architecture(
        image_size=224,
        patch_size=16,
        width=width,
        depth=depth,
        heads=heads,
        mlp_width=4 * width,
    )


def test_patch_image_and_positions_are_free():
    shape = architecture("tiny", patch_size=8, image_size=112, positions="sincos")
    assert (shape.patch_size, shape.image_size, shape.positions) == (8, 112, "sincos")
    assert n_patches(shape) == 14 * 14


def test_operations_of_a_network_counted_by_hand():
    """Two tokens, width 1, hidden layer 3: products of each matrix, twice."""
    shape = Architecture(
        image_size=1, patch_size=1, width=1, depth=1, heads=1, mlp_width=3
    )
    embedding = 1 * 3
    qkv, out, hidden, attention = 2 * 3, 2 * 1, 2 * 3 + 2 * 3, 2 * (2 * 2)
    expected = 2 * (embedding + qkv + out + hidden + attention)
    assert flop_per_image(shape) == expected


@pytest.mark.parametrize(
    ("size", "gflop"), [("small", 9.2), ("base", 35.1), ("large", 123.1)]
)
def test_operations_of_the_usual_sizes(size, gflop):
    assert flop_per_image(architecture(size)) / 1e9 == pytest.approx(gflop, abs=0.05)


@pytest.mark.parametrize("size", ["tiny", "small", "base", "large"])
def test_a_last_block_for_the_class_token_saves_its_other_rows(size):
    """196 of 197 rows of the query, output and hidden maps, and of the attention."""
    shape = architecture(size)
    rows = shape.width * (2 * shape.width + 2 * shape.mlp_width)
    saved = 2 * 196 * (rows + 2 * 197 * shape.width)
    whole = flop_per_image(shape)
    assert flop_per_image(shape, class_token_only=True) == whole - saved


def test_an_unknown_size_is_named():
    with pytest.raises(DataError, match="`size` is `huge`; choose one of `tiny`, "):
        architecture("huge")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": 0}, "`depth` is 0; it must be at least 1"),
        ({"depth": 10**9}, "`depth` is too large; it must be at most 512"),
        ({"width": 10**400}, "`width` is too large; it must be at most 16384"),
        ({"mlp_width": 10**18}, "`mlp_width` is too large; it must be at most 65536"),
        ({"image_size": 16 * 10**9}, "`image_size` is too large; .* at most 4096"),
        (
            {"image_size": 4096, "patch_size": 1},
            "16777216 patches is too large; at most 16384 are read",
        ),
        ({"image_size": 100}, "100 x 100 pixels is not made of whole patches"),
        ({"image_size": 8}, r"8 x 8 .* multiples of `patch_size`, 16"),
        ({"heads": 5}, "`width` is 192 and cannot be shared among 5 `heads`"),
        ({"positions": "rope"}, "`positions` is `rope`; choose `learned` or `sincos`"),
        (
            {"width": 6, "heads": 3, "positions": "sincos"},
            "`width` is 6; with `sincos` positions it must be a multiple of 4",
        ),
    ],
)
def test_numbers_that_do_not_fit_are_named(change, message):
    with pytest.raises(DataError, match=message):
        check_architecture(replace(architecture("tiny"), **change))


@pytest.mark.parametrize(("height", "width"), [(24, 16), (16, 24), (0, 16), (16, 0)])
def test_images_are_made_of_whole_patches(height, width):
    with pytest.raises(DataError, match=f"{height} x {width} pixels is not made of"):
        check_image_size(height, width, patch_size=16)

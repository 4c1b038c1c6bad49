from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.face.detection.boxes import as_squares, moved_sides, overlaps, suppress

sides = st.integers(0, 12)
boxes_and_confidence = st.lists(
    st.tuples(sides, sides, sides, sides, sides), max_size=12
)


def overlap_of_two(a, b, share):
    """Count the unit cells that two boxes with integer sides cover."""

    def cells(box):
        left, top, right, bottom = (int(side) for side in box)
        return {(x, y) for x in range(left, right) for y in range(top, bottom)}

    one, other = cells(a), cells(b)
    whole = len(one | other) if share == "union" else min(len(one), len(other))
    return len(one & other) / whole if whole else 0.0


def suppress_one_by_one(boxes, confidence, overlap, share):
    """Take the most certain box, strike out what repeats it, and so on."""
    left = sorted(range(len(boxes)), key=lambda i: (-confidence[i], i))
    kept = []
    while left:
        best, *others = left
        kept.append(best)
        left = [
            i for i in others if overlap_of_two(boxes[best], boxes[i], share) <= overlap
        ]
    return kept


@given(boxes_and_confidence, st.sampled_from(["union", "smaller"]))
def test_suppression_and_overlap_are_those_counted_by_hand(rows, share):
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    boxes, confidence = table[:, :4], table[:, 4]
    n = len(boxes)
    expected = np.array(
        [[overlap_of_two(a, b, share) for b in boxes] for a in boxes]
    ).reshape(n, n)
    assert_allclose(overlaps(boxes, share), expected, rtol=1e-12)
    for overlap in (0.0, 0.3, 0.7):
        kept = suppress(boxes, confidence, overlap=overlap, share=share)
        assert kept.tolist() == suppress_one_by_one(boxes, confidence, overlap, share)


def test_only_the_most_certain_boxes_are_compared():
    boxes = np.array([[0, 0, 1, 1], [5, 5, 6, 6], [8, 8, 9, 9]], dtype=np.float64)
    confidence = np.array([0.7, 0.9, 0.8])
    assert suppress(boxes, confidence, overlap=0.5, most=2).tolist() == [1, 2]
    assert suppress(boxes, confidence, overlap=0.5).tolist() == [1, 2, 0]


def test_squares_keep_the_centre_and_the_longer_side():
    boxes = np.array([[0, 0, 4, 10], [1, 2, 7, 4]], dtype=np.float64)
    assert_array_equal(as_squares(boxes), [[-3, 0, 7, 10], [1, 0, 7, 6]])


@pytest.mark.parametrize("side", range(4))
def test_a_side_moves_by_its_share_of_the_size(side):
    offsets = np.zeros((1, 4))
    offsets[0, side] = 0.1
    moved = moved_sides(np.array([[10.0, 20.0, 20.0, 40.0]]), offsets)
    expected = np.array([10.0, 20.0, 20.0, 40.0])
    expected[side] += 1.0 if side in (0, 2) else 2.0  # width 10, height 20
    assert_allclose(moved, [expected], rtol=1e-12)

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch

from fahrstats.face.network.positions import fit_positions, sincos_positions


def test_fixed_positions_are_the_closed_form():
    """Width 8: two waves, of 2 pi and 200 pi patches, for the column, then the row."""
    positions = sincos_positions(8, side=3)
    assert positions.shape == (1, 10, 8)
    assert positions[0, 0].tolist() == [0] * 8
    for row in range(3):
        for column in range(3):
            expected = [
                wave(place / scale)
                for place in (column, row)
                for wave in (math.sin, math.cos)
                for scale in (1, 100)
            ]
            found = positions[0, 1 + 3 * row + column].tolist()
            assert found == pytest.approx(expected, abs=1e-7)


def test_products_of_fixed_positions_depend_on_the_distance_alone():
    """cos(a) cos(b) + sin(a) sin(b) = cos(a - b)."""
    positions = sincos_positions(64, side=6)[0, 1:].view(6, 6, 64)
    product = torch.einsum("abw,cdw->abcd", positions, positions)
    moved = product[1:, 2:, 1:, 2:]
    torch.testing.assert_close(product[:-1, :-2, :-1, :-2], moved, rtol=0, atol=1e-5)


def test_positions_of_the_same_grid_are_the_same_tensor():
    positions = torch.randn(1, 17, 4)
    assert fit_positions(positions, rows=4, columns=4) is positions


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (3, 7), (4, 5), (2, 8)])
def test_other_grids_keep_the_class_token_and_a_constant(rows, columns):
    positions = torch.randn(1, 17, 4)
    positions[..., 0] = 2.5
    fitted = fit_positions(positions, rows=rows, columns=columns)
    assert fitted.shape == (1, 1 + rows * columns, 4)
    torch.testing.assert_close(fitted[:, 0], positions[:, 0])
    torch.testing.assert_close(fitted[..., 0], torch.full_like(fitted[..., 0], 2.5))


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (3, 7), (4, 5), (2, 8)])
def test_other_grids_are_interpolated_as_by_hand(rows, columns):
    """Cubic convolution (Keys 1981, a = -3/4) along rows, then along columns."""
    generator = torch.Generator().manual_seed(0)
    positions = torch.randn(1, 17, 3, generator=generator)
    plane = positions[0, 1:].view(4, 4, 3)
    along_rows = torch.stack(
        [
            sum(w * plane[j] for j, w in weights(i, of=rows, side=4).items())
            for i in range(rows)
        ]
    )
    expected = torch.stack(
        [
            sum(w * along_rows[:, j] for j, w in weights(i, of=columns, side=4).items())
            for i in range(columns)
        ],
        dim=1,
    )
    fitted = fit_positions(positions, rows=rows, columns=columns)[0, 1:]
    torch.testing.assert_close(
        fitted.view(rows, columns, 3), expected, rtol=0, atol=1e-5
    )


def weights(i: int, *, of: int, side: int) -> dict[int, float]:
    """Return the weights of the old places in new place `i` of `of`; edges repeat."""
    place = (i + 0.5) * side / of - 0.5
    found: dict[int, float] = {}
    for neighbour in range(math.floor(place) - 1, math.floor(place) + 3):
        inside = min(max(neighbour, 0), side - 1)
        found[inside] = found.get(inside, 0) + keys(abs(place - neighbour))
    return found


def keys(distance: float, a: float = -0.75) -> float:
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * (distance**3 - 5 * distance**2 + 8 * distance - 4)

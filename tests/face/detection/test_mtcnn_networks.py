"""The networks against a twin in numpy, which keeps to the layout of the files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose

from fahrstats.face.detection.mtcnn_networks import (
    OutputNetwork,
    ProposalNetwork,
    RefinementNetwork,
    open_networks,
)
from fahrstats.face.detection.mtcnn_parameters import SHAPES

ATOL = 2e-5  # float32 against float64, outputs of the order of 1


def drawn_arrays(stage, seed=1):
    """Random parameters that keep the activations of the order of 1."""
    rng = np.random.default_rng(seed)
    arrays = []
    for shape in SHAPES[stage]:
        spread = 1 / np.sqrt(np.prod(shape[:-1])) if len(shape) in (2, 4) else 0.3
        arrays.append((spread * rng.normal(size=shape)).astype(np.float32))
    return arrays


def conv(x, kernel, bias):
    windows = sliding_window_view(
        x, kernel.shape[:2], axis=(0, 1)
    )  # (h, w, in, kh, kw)
    return np.einsum("hwikl,klio->hwo", windows, kernel) + bias


def prelu(x, slopes):
    return np.where(x > 0, x, x * slopes)


def pool(x, side, stride=2, *, same):
    """Keras' pooling: ``same`` fills up on the right and below."""
    if same:
        fill = [
            (0, max((-(-n // stride) - 1) * stride + side - n, 0)) for n in x.shape[:2]
        ]
        x = np.pad(x, [*fill, (0, 0)], constant_values=-np.inf)
    windows = sliding_window_view(x, (side, side), axis=(0, 1))[::stride, ::stride]
    return windows.max(axis=(-1, -2))


def flatten(x):
    return x.transpose(1, 0, 2).ravel()  # columns, rows, channels


def face(logits):
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (shares / shares.sum(axis=-1, keepdims=True))[..., 1]


def proposal_twin(x, a):
    x = pool(prelu(conv(x, *a[0:2]), a[2]), 2, same=True)
    x = prelu(conv(x, *a[3:5]), a[5])
    x = prelu(conv(x, *a[6:8]), a[8])
    return face(conv(x, *a[11:13])), conv(x, *a[9:11]).transpose(2, 0, 1)


def refinement_twin(x, a):
    x = pool(prelu(conv(x, *a[0:2]), a[2]), 3, same=True)
    x = pool(prelu(conv(x, *a[3:5]), a[5]), 3, same=False)
    x = flatten(prelu(conv(x, *a[6:8]), a[8]))
    x = prelu(x @ a[9] + a[10], a[11])
    return face(x @ a[14] + a[15]), x @ a[12] + a[13]


def output_twin(x, a):
    x = pool(prelu(conv(x, *a[0:2]), a[2]), 3, same=True)
    x = pool(prelu(conv(x, *a[3:5]), a[5]), 3, same=False)
    x = pool(prelu(conv(x, *a[6:8]), a[8]), 2, same=True)
    x = flatten(prelu(conv(x, *a[9:11]), a[11]))
    x = prelu(x @ a[12] + a[13], a[14])
    points = x @ a[17] + a[18]  # five x, then five y
    return face(x @ a[19] + a[20]), x @ a[15] + a[16], points.reshape(2, 5).T


def pictures(n, rows, columns, seed=2):
    x = np.random.default_rng(seed).uniform(-1, 1, (n, rows, columns, 3))
    return x.astype(np.float32)


def as_tensor(x):
    return torch.from_numpy(x).permute(0, 3, 1, 2)


@pytest.mark.parametrize(("rows", "columns"), [(12, 12), (13, 17), (30, 23)])
def test_proposals_are_those_of_the_twin(rows, columns):
    arrays, x = drawn_arrays("pnet"), pictures(1, rows, columns)
    probability, offsets = ProposalNetwork(arrays)(as_tensor(x))
    expected = proposal_twin(x[0].astype(np.float64), arrays)
    assert_allclose(probability.detach(), expected[0], atol=ATOL)
    assert_allclose(offsets.detach(), expected[1], atol=ATOL)
    assert probability.shape == (-(-(rows - 2) // 2) - 4, -(-(columns - 2) // 2) - 4)


@pytest.mark.parametrize(
    ("network", "twin", "stage", "side"),
    [
        (RefinementNetwork, refinement_twin, "rnet", 24),
        (OutputNetwork, output_twin, "onet", 48),
    ],
)
def test_later_stages_are_those_of_the_twin(network, twin, stage, side):
    arrays, x = drawn_arrays(stage), pictures(3, side, side)
    outputs = network(arrays)(as_tensor(x))
    for i in range(3):
        for ours, theirs in zip(
            outputs, twin(x[i].astype(np.float64), arrays), strict=True
        ):
            assert_allclose(ours[i].detach(), theirs, atol=ATOL)


def test_trained_networks_are_for_use_only():
    for network in open_networks():
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())

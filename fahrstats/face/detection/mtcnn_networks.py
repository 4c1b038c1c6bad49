"""The three networks of MTCNN.

Pixels come in as RGB, (value - 127.5) / 128. A stage gives the probability of a face
and the offsets of the four sides of its box in widths and heights of the window it
looked at; the last stage also gives the five landmarks in widths and heights of it.

References
----------
Zhang, Zhang, Li and Qiao (2016), IEEE Signal Processing Letters 23:1499-1503.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fahrstats.face.detection.mtcnn_parameters import read_parameters

Arrays = list[NDArray[np.float32]]

PROPOSAL_WINDOW, PROPOSAL_STRIDE = 12, 2
"""Side in pixels of the window of the first stage, and the step between windows."""
REFINEMENT_WINDOW = 24
"""Side in pixels of the input of the second stage."""
OUTPUT_WINDOW = 48
"""Side in pixels of the input of the last stage."""


class ProposalNetwork(nn.Module):
    """The fully convolutional first stage, P-Net."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *_convolution(*arrays[0:3]),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            *_convolution(*arrays[3:6]),
            *_convolution(*arrays[6:9]),
        )
        kernel, bias = _beside(arrays[9:11], _face_alone(*arrays[11:13]))
        self.heads = _convolution(kernel, bias)[0]

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return what every window of a picture holds.

        Parameters
        ----------
        pixels
            Shape (1, 3, rows, columns), at least 12 by 12.

        Returns
        -------
        probability : tensor of shape (windows down, windows across)
            Probability of a face.
        offsets : tensor of shape (4, windows down, windows across)
            Offsets of left, top, right and bottom.
        """
        heads = self.heads(self.trunk(pixels))[0]  # (5, down, across)
        return heads[4].sigmoid(), heads[:4]


class RefinementNetwork(nn.Module):
    """The second stage, R-Net."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *_convolution(*arrays[0:3]),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *_convolution(*arrays[3:6]),
            nn.MaxPool2d(3, 2),
            *_convolution(*arrays[6:9]),
            *_dense_after_maps(*arrays[9:12]),
        )
        self.heads = _dense(*_beside(arrays[12:14], _face_alone(*arrays[14:16])))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probability of a face (n,) and the offsets (n, 4).

        ``pixels`` has the shape (n, 3, 24, 24).
        """
        heads = self.heads(self.trunk(pixels))  # (n, 5)
        return heads[:, 4].sigmoid(), heads[:, :4]


class OutputNetwork(nn.Module):
    """The last stage, O-Net."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *_convolution(*arrays[0:3]),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *_convolution(*arrays[3:6]),
            nn.MaxPool2d(3, 2),
            *_convolution(*arrays[6:9]),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            *_convolution(*arrays[9:12]),
            *_dense_after_maps(*arrays[12:15]),
        )
        box_and_points = _beside(arrays[15:17], arrays[17:19])
        self.heads = _dense(*_beside(box_and_points, _face_alone(*arrays[19:21])))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the probability of a face (n,), offsets (n, 4), points (n, 5, 2).

        ``pixels`` has the shape (n, 3, 48, 48).
        """
        heads = self.heads(self.trunk(pixels))  # (n, 15): 4 offsets, 5 x, 5 y, face
        points = heads[:, 4:14].unflatten(1, (2, 5)).transpose(1, 2)
        return heads[:, 14].sigmoid(), heads[:, :4], points


def open_networks(
    device: str = "cpu",
) -> tuple[ProposalNetwork, RefinementNetwork, OutputNetwork]:
    """Return the three trained networks, ready to be applied on a device."""
    networks = (
        ProposalNetwork(read_parameters("pnet")),
        RefinementNetwork(read_parameters("rnet")),
        OutputNetwork(read_parameters("onet")),
    )
    for network in networks:
        network.eval().requires_grad_(False)
        network.to(device)
    return networks


def _convolution(
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
    slopes: NDArray[np.float32] | None = None,
) -> list[nn.Module]:
    """Return a convolution without padding and, given slopes, what follows it."""
    height, width, n_in, n_out = kernel.shape
    layer = nn.Conv2d(n_in, n_out, (height, width))
    _set(layer.weight, kernel.transpose(3, 2, 0, 1))
    _set(layer.bias, bias)
    return [layer] if slopes is None else [layer, _prelu(slopes)]


def _dense_after_maps(
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
    slopes: NDArray[np.float32],
) -> list[nn.Module]:
    """Return a dense layer on 3 x 3 maps; the kernel counts columns, rows, channels."""
    n_in, n_out = kernel.shape
    by_channel = kernel.reshape(3, 3, n_in // 9, n_out).transpose(2, 1, 0, 3)
    return [
        nn.Flatten(),
        _dense(by_channel.reshape(n_in, n_out), bias),
        _prelu(slopes),
    ]


def _dense(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Module:
    layer = nn.Linear(*kernel.shape)
    _set(layer.weight, kernel.T)
    _set(layer.bias, bias)
    return layer


def _prelu(slopes: NDArray[np.float32]) -> nn.Module:
    layer = nn.PReLU(slopes.size)
    _set(layer.weight, slopes.ravel())
    return layer


def _beside(first: Arrays, second: Arrays) -> Arrays:
    """Join two heads into one layer."""
    return [np.concatenate(pair, axis=-1) for pair in zip(first, second, strict=True)]


def _face_alone(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> Arrays:
    """Return the layer whose sigmoid is the softmax of the second class, a face."""
    return [kernel[..., 1:] - kernel[..., :1], bias[1:] - bias[:1]]


def _set(parameter: Tensor | None, values: NDArray[np.float32]) -> None:
    assert parameter is not None
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))

"""Batch norm over the places of a feature map that are seen, in every process."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from fahrstats.errors import DataError

_MOMENTUM = 0.1  # of the running means
_EPSILON = 1e-5  # beside the variance


class PlaceNorm(nn.Module):
    """Batch norm over the places of a feature map that are seen; others become 0.

    In training by the mean and variance of the batch, over all processes that train
    together; else by their running means, which training moves a tenth of the way.

    Parameters
    ----------
    width : int
        Channels.

    References
    ----------
    Ioffe and Szegedy 2015, Batch normalization: accelerating deep network training by
    reducing internal covariate shift.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """Normalise features, in the type they have.

        Parameters
        ----------
        x : Tensor, float, shape (batch, channels, height, width)
            Features.
        seen : Tensor, bool, shape (batch, 1, rows, columns), optional
            Which places count, of a map whose sides divide those of the features.

        Raises
        ------
        DataError
            In training, if fewer than two places are seen.
        """
        if seen is None:
            return self._normalised(x)
        where = enlarge_to(seen, x)
        places = x.permute(0, 2, 3, 1)  # (batch, rows, columns, channels)
        index = where.flatten().nonzero().squeeze(1)
        flat = places.reshape(-1, places.shape[3])
        normed = self._normalised(flat.index_select(0, index))
        whole = normed.new_zeros(flat.shape).index_copy(0, index, normed)
        return whole.view(places.shape).permute(0, 3, 1, 2)

    def _normalised(self, x: Tensor) -> Tensor:
        """Normalise channels, the second dimension."""
        if self.training and _n_processes() > 1:
            return self._normalised_together(x)
        if self.training:
            _check_places(x.numel() // x.shape[1])
        return functional.batch_norm(
            x,
            self.mean,
            self.variance,
            self.weight,
            self.bias,
            training=self.training,
            momentum=_MOMENTUM,
            eps=_EPSILON,
        )

    def _normalised_together(self, x: Tensor) -> Tensor:
        """Normalise by the mean and variance over all processes.

        The variance is summed about the mean, in a second pass: differences of sums of
        squares would lose digits.
        """
        over = tuple(axis for axis in range(x.ndim) if axis != 1)
        each = (1, -1, *(1 for _ in over[1:]))  # a number per channel, against x
        values = x.float()
        n_here = x.numel() // x.shape[1]
        sums = _summed(torch.cat([values.sum(over), values.new_tensor([n_here])]))
        n = sums[-1].detach()
        if n_here < 2:  # n is looked at only where it may be too small
            _check_places(int(n))
        mean = sums[:-1] / n
        centred = values - mean.view(each)
        variance = _summed(centred.square().sum(over)) / n
        with torch.no_grad():
            self.mean.lerp_(mean, _MOMENTUM)
            self.variance.lerp_(variance * (n / (n - 1)), _MOMENTUM)
        scale = self.weight * (variance + _EPSILON).rsqrt()
        return (centred * scale.view(each) + self.bias.view(each)).to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over processes; a gradient of the sum is one of every part."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        whole = part.clone()
        distributed.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        whole = gradient.clone()
        distributed.all_reduce(whole)
        return whole


def enlarge_to(seen: Tensor, x: Tensor) -> Tensor:
    """Repeat the places of a mask, (batch, 1, rows, columns), up to the sides of x."""
    factor = x.shape[2] // seen.shape[2]
    return seen.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def _summed(part: Tensor) -> Tensor:
    whole: Tensor = _Sum.apply(part)  # type: ignore[no-untyped-call]
    return whole


def _n_processes() -> int:
    """Return how many processes train together."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


def _check_places(n: int) -> None:
    """Refuse a batch whose variance is unknown."""
    if n < 2:
        raise DataError(
            f"A norm must see two places or more to learn from, but this batch has {n} "
            "in a feature map: raise `batch_size`, or the `pixels` of a face."
        )

r"""What a predicted age costs where the age is known exactly, or within an interval.

Both costs come from one distribution of errors, with density proportional to
:math:`\exp(-\rho(r)/b)`, where :math:`\rho` is the loss of an exact age (Huber or
absolute error, in years) and b the ``spread``. An exact age costs :math:`\rho(r)`; an
age known to lie in an interval costs :math:`-b \log P` of that interval. Both are in
years, neither pulls by more than one year per year, and a narrowing interval pulls as
an exact age does, so that rows of both kinds can share a batch as they come.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from fahrstats.errors import DataError

LARGEST_RATIO = 50.0
"""Of delta to spread; float32 holds the tails well beyond."""


def age_loss(
    predicted: Tensor,
    age_low: Tensor,
    age_high: Tensor,
    *,
    kind: Literal["huber", "l1"] = "huber",
    delta: float = 5.0,
    spread: float = 5.0,
) -> Tensor:
    r"""Mean loss per labelled face.

    Parameters
    ----------
    predicted : Tensor, shape (batch,)
        Age in years.
    age_low, age_high : Tensor, shape (batch,)
        Equal where the age is exact; otherwise the age is in [low, high), where high
        may be infinite. Rows with NaN in either are left out; an interval that is
        upside down, which the labels refuse, makes the loss NaN.
    kind : {"huber", "l1"}
        Loss of an exact age: the absolute error r, or :math:`r^2/(2\delta)` up to
        :math:`\delta` and :math:`r - \delta/2` beyond.
    delta : float
        Years within which Huber's loss is quadratic.
    spread : float
        Years in which the tail of the distribution of errors falls to 1/e. Within an
        interval much wider than this a prediction is free to move.

    Returns
    -------
    Tensor, scalar
        In years; zero, with a zero gradient, where no row is labelled.

    Raises
    ------
    DataError
        If the shapes differ, ``kind`` is unknown, or ``delta`` or ``spread`` is not
        positive or their ratio exceeds 50.

    References
    ----------
    Huber 1964, Annals of Mathematical Statistics 35:73.
    """
    _check_options(kind, delta=delta, spread=spread)
    _check_shapes(predicted, age_low=age_low, age_high=age_high)
    if predicted.dtype != torch.float64:
        predicted = predicted.float()
    low, high = age_low.to(predicted.dtype), age_high.to(predicted.dtype)
    is_labelled, is_exact = ~(low.isnan() | high.isnan()), low == high
    is_interval = is_labelled & ~is_exact
    core = delta if kind == "huber" else 0.0
    exact = _huber(low[is_exact] - predicted[is_exact], core)
    centre = predicted[is_interval]
    interval = -spread * _log_probability(
        low[is_interval] - centre, high[is_interval] - centre, core, spread
    )
    return (exact.sum() + interval.sum()) / is_labelled.sum().clamp(min=1)


def _huber(error: Tensor, delta: float) -> Tensor:
    """Absolute error, rounded off below delta; the absolute error itself at 0."""
    size = error.abs()
    if delta == 0:
        return size
    return torch.where(size < delta, size**2 / (2 * delta), size - delta / 2)


def _log_probability(low: Tensor, high: Tensor, delta: float, spread: float) -> Tensor:
    """Log probability of an error between two bounds.

    Intervals below 0 are mirrored: differences of upper tails keep their digits.
    """
    is_below = low + high < 0
    near = torch.where(is_below, -high, low)
    far = torch.where(is_below, -low, high)
    log_near = _log_tail(near, delta, spread)
    fall = _log_tail(far, delta, spread) - log_near
    return log_near + (-torch.expm1(fall)).log()


def _log_tail(error: Tensor, delta: float, spread: float) -> Tensor:
    """Log probability that an error exceeds the one given, which may be infinite."""
    size = error.abs()
    beyond = spread * math.exp(-delta / (2 * spread))  # mass of one exponential tail
    log_upper = math.log(spread) - (size - delta / 2) / spread
    total = 2 * beyond
    if delta > 0:
        sigma = math.sqrt(delta * spread)  # of the normal core
        height = sigma * math.sqrt(math.pi / 2)
        edge = delta / (sigma * math.sqrt(2))
        total += 2 * height * math.erf(edge)
        inner = torch.special.erfc(size.clamp(max=delta) / (sigma * math.sqrt(2)))
        log_inner = (beyond + height * (inner - math.erfc(edge)).clamp(min=0)).log()
        log_upper = torch.where(size < delta, log_inner, log_upper)
    log_upper = log_upper - math.log(total)
    return torch.where(error < 0, torch.log1p(-log_upper.exp()), log_upper)


def _check_options(kind: str, *, delta: float, spread: float) -> None:
    if kind not in ("huber", "l1"):
        raise DataError(f'`kind` is {kind!r}; give "huber" or "l1".')
    for name, years in {"delta": delta, "spread": spread}.items():
        if not 0 < years < math.inf:
            raise DataError(f"`{name}` is {years}; give a positive number of years.")
    if kind == "huber" and delta > LARGEST_RATIO * spread:
        raise DataError(
            f"`delta` is {delta} and `spread` {spread} years; `delta` may be at most "
            f"{LARGEST_RATIO:g} times `spread`."
        )


def _check_shapes(predicted: Tensor, **bounds: Tensor) -> None:
    """Refuse what would broadcast, such as (batch, 1) against (batch,)."""
    for name, values in bounds.items():
        if predicted.ndim != 1 or values.shape != predicted.shape:
            raise DataError(
                f"`predicted` has shape {tuple(predicted.shape)} and `{name}` "
                f"{tuple(values.shape)}; both must be (batch,)."
            )

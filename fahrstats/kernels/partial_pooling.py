r"""Estimates of k levels drawn towards their mean, as far as they differ by chance.

The model is :math:`y_i \sim N(\theta_i, v_i)`, :math:`\theta_i \sim N(\mu, \tau^2)`
with known variances v. Given tau and a flat prior of mu, :math:`\theta_i` is normal
with mean :math:`\lambda_i y_i + (1 - \lambda_i) \hat\mu`, where :math:`\lambda_i =
\tau^2 / (\tau^2 + v_i)`, and variance :math:`\lambda_i v_i + (1 - \lambda_i)^2 / \sum
w`. Limits are quantiles of the mixture of these normals over tau, which weighs them by
the restricted likelihood and a uniform prior of tau (Gelman 2006, Bayesian Analysis
1:515-534); it is proper from three levels on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from fahrstats.kernels.random_effects import typical_variance

FloatArray = NDArray[np.float64]

FEWEST = 3
"""Levels below which the mixture over tau has no finite weight."""

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(160)
"""Enough for nine digits with standard errors from 0.001 to 1 beside each other."""

_HALVINGS = 80
"""Of an interval of reals, until it is two neighbouring numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Where the k levels, and one more that was not seen, are given the estimates.

    Attributes
    ----------
    weight : ndarray of shape (m,)
        Of each value of tau; they sum to 1.
    mean, std_error : ndarray of shape (m, k + 1)
        Of the normal distribution of each level given tau, the new level last.
    """

    weight: FloatArray
    mean: FloatArray
    std_error: FloatArray


def mix_over_tau(y: FloatArray, v: FloatArray) -> Mixture:
    """Distribution of each level; at least ``FEWEST``, with positive variances."""
    unit = np.sqrt(typical_variance(v))
    u = (_NODES + 1) / 2
    tau_squared = (unit * u / (1 - u))[:, None] ** 2  # (m, 1)
    w = 1 / (v + tau_squared)
    precision = w.sum(axis=1, keepdims=True)
    mu = (w @ y)[:, None] / precision
    q = (w * (y - mu) ** 2).sum(axis=1)
    height = (np.log(w).sum(axis=1) - np.log(precision[:, 0]) - q) / 2
    weight = np.exp(height - height.max()) * _NODE_WEIGHTS / (1 - u) ** 2
    own = tau_squared * w
    mean = own * y + (1 - own) * mu
    variance = own * v + (1 - own) ** 2 / precision
    return Mixture(
        weight=weight / weight.sum(),
        mean=np.hstack([mean, mu]),
        std_error=np.sqrt(np.hstack([variance, tau_squared + 1 / precision])),
    )


def standard_deviation(mixture: Mixture) -> FloatArray:
    """Of each level, shape (k + 1,); that of the new level is not to be relied on.

    With fewer than six levels its tail is too heavy to have a variance.
    """
    centre = mixture.weight @ mixture.mean
    squares = mixture.std_error**2 + (mixture.mean - centre) ** 2
    return np.asarray(np.sqrt(mixture.weight @ squares))


def quantile(mixture: Mixture, probability: float) -> FloatArray:
    """Quantile of each level and of the new one, shape (k + 1,), by bisection."""
    of_parts = mixture.mean + ndtri(probability) * mixture.std_error
    low, high = of_parts.min(axis=0), of_parts.max(axis=0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        z = (middle - mixture.mean) / mixture.std_error
        is_below = mixture.weight @ ndtr(z) < probability
        low = np.where(is_below, middle, low)
        high = np.where(is_below, high, middle)
    return np.asarray((low + high) / 2)

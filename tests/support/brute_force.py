"""The Cox partial likelihood written out: one row per denominator, one column per row.

Independent of the kernels: rows in any order, risk sets as a matrix of memberships,
nothing sorted, nothing summed along the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Denominators:
    """Every denominator of a partial likelihood of n rows.

    Attributes
    ----------
    share : ndarray of shape (n_denominators, n)
        How much of a row's risk a denominator holds: 1 at risk, 0 not; with Efron's
        approximation an event of the block counts less and less.
    weight : ndarray of shape (n_denominators,)
        Mean weight of the events of the block.
    own : ndarray of shape (n_denominators, n)
        1/d for the d events of the block, else 0.
    """

    share: FloatArray
    weight: FloatArray
    own: FloatArray


def find_denominators(
    time, event, *, entry=None, strata=None, weights=None, efron=True
) -> Denominators:
    """List the denominators of each set of events tied in stratum and time."""
    n = len(time)
    entry = np.full(n, -np.inf) if entry is None else entry
    strata = np.zeros(n) if strata is None else strata
    weights = np.ones(n) if weights is None else weights
    share, weight, own = [], [], []
    blocks = sorted(set(zip(strata[event], time[event], strict=True)))
    for stratum, t in blocks:
        at_risk = (strata == stratum) & (entry < t) & (t <= time)
        dies = at_risk & (time == t) & event
        d = dies.sum()
        for death in range(d):
            share.append(at_risk - (death / d if efron else 0) * dies)
            weight.append(weights[dies].mean())
            own.append(dies / d)
    return Denominators(np.array(share), np.array(weight), np.array(own))


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Log-likelihood, its derivatives, and what every row adds to the gradient."""

    value: float
    gradient: FloatArray
    information: FloatArray
    residuals: FloatArray
    expected: FloatArray


def likelihood(
    X: FloatArray, beta: FloatArray, parts: Denominators, *, event, weights=None
) -> Likelihood:
    """Evaluate everything at ``beta``."""
    weights = np.ones(len(X)) if weights is None else weights
    linear_predictor = X @ beta
    top = linear_predictor.max()
    risk = weights * np.exp(linear_predictor - top)
    held = parts.share * risk
    denominator = held.sum(axis=1)
    probability = held / denominator[:, None]
    mean = probability @ X
    second = np.einsum("ki,ia,ib->kab", probability, X, X)
    centred = X[None] - mean[:, None]
    observed = event * weights
    at_events = np.einsum("ki,kia->ia", parts.own, centred) * observed[:, None]
    lived = np.einsum("k,ki,kia->ia", parts.weight, probability, centred)
    return Likelihood(
        value=observed @ linear_predictor - parts.weight @ (np.log(denominator) + top),
        gradient=observed @ X - parts.weight @ mean,
        information=np.einsum("k,kab->ab", parts.weight, second)
        - np.einsum("k,ka,kb->ab", parts.weight, mean, mean),
        residuals=at_events - lived,
        expected=parts.weight @ probability,
    )

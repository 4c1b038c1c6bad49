"""Cohen's weighted kappa of ordered groups, with the standard error of its interval."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from fahrstats.measurement.agreement_statistics import ROUNDING, Estimate

IntArray = NDArray[np.int64]

KappaWeights = Literal["linear", "quadratic"]
KAPPA_WEIGHTS: tuple[KappaWeights, ...] = get_args(KappaWeights)


def weighted_kappa(
    first: IntArray,
    second: IntArray,
    n_groups: int,
    weights: KappaWeights,
    tail: float,
) -> Estimate:
    """Estimate agreement of groups beyond chance.

    A disagreement counts by the distance of the groups, or by its square. The interval
    is Student's of log(1 - kappa), because kappa has its largest value at 1 and its
    estimates are skewed. Perfect agreement has none, nor have groups that change so
    uniformly that the standard error is 0.

    Parameters
    ----------
    first, second
        Group of each pair's scores, from 0, shape (n,).
    n_groups
        Number of groups, at least 2.
    weights
        How distances count.
    tail
        Probability beyond each limit.

    References
    ----------
    Cohen (1968), Psychological Bulletin 70:213-220. Fleiss, Cohen and Everitt (1969),
    Psychological Bulletin 72:323-327, for the standard error where kappa is not zero.
    """
    n = first.size
    counts = np.zeros((n_groups, n_groups))
    np.add.at(counts, (first, second), 1.0)
    p = counts / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    distance = np.abs(np.subtract.outer(np.arange(n_groups), np.arange(n_groups)))
    power = KAPPA_WEIGHTS.index(weights) + 1
    w = 1 - (distance / (n_groups - 1)) ** power
    observed, expected = (
        float((w * p).sum()),
        float((w * np.outer(rows, columns)).sum()),
    )
    if expected >= 1:
        return Estimate(np.nan)
    if (first == second).all():
        return Estimate(1.0)
    kappa = (observed - expected) / (1 - expected)
    means = (w @ columns)[:, None] + (rows @ w)[None, :]
    inner = (p * (w - means * (1 - kappa)) ** 2).sum()
    variance = (inner - (kappa - expected * (1 - kappa)) ** 2) / (
        n * (1 - expected) ** 2
    )
    std_error = float(np.sqrt(max(float(variance), 0.0)))
    if std_error <= ROUNDING:
        return Estimate(kappa)
    factor = float(np.exp(t.isf(tail, n - 1) * std_error / (1 - kappa)))
    low, high = 1 - (1 - kappa) * factor, 1 - (1 - kappa) / factor
    return Estimate(kappa, std_error, max(low, -1.0), high)

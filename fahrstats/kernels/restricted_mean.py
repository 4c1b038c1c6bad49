"""The mean of follow-up restricted to a horizon: the area under a survival curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.product_limit import LifeTable, greenwood_terms, product_limit
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]


def restricted_mean(table: LifeTable, tau: float) -> float:
    """Area under the product-limit curve from 0 to ``tau``.

    Beyond the last time of ``table`` the curve stays where it is.
    """
    before = min(table.time[0], tau)
    return float(before + _area_after(table, tau)[0])


def greenwood_mean_std_error(table: LifeTable, tau: float) -> float:
    """Greenwood-type standard error of the restricted mean.

    The variance sums A(t)^2 d / (n (n - d)) over event times t, A(t) being the area
    from t to ``tau``. Where nobody survives, A is 0, and so is the term.

    References
    ----------
    Meier (1975), in Perspectives in Probability and Statistics, 67-87. Klein and
    Moeschberger (2003), Survival Analysis, section 4.5.
    """
    area = _area_after(table, tau)
    return float(np.sqrt(area**2 @ greenwood_terms(table)))


def robust_mean_std_error(
    sets: RiskSets,
    stratum: int,
    table: LifeTable,
    tau: float,
    subject: NDArray[np.int64],
) -> float:
    """Infinitesimal-jackknife standard error of the mean, for fractional weights.

    The derivative of the mean with respect to the weight of a row is the sum of
    A(t) d / (n (n - d)) over the times at which the row is at risk, less A / (n - d) at
    its own event. Where nobody survives the derivative is 0, as A is. Derivative times
    weight is summed over the rows of each of ``subject``, codes in the order of the
    risk sets.
    """
    rows = slice(*sets.stratum_start[stratum : stratum + 2])
    end = np.searchsorted(table.time, sets.time[rows])
    area = _area_after(table, tau)
    gained = np.cumsum(area * greenwood_terms(table))
    lost = np.zeros(area.size)
    np.divide(area, table.survivors, out=lost, where=table.survivors > 0)
    derivative = gained[end] - sets.event[rows] * lost[end]
    if sets.entry.size:
        derivative -= gained[np.searchsorted(table.time, sets.entry[rows])]
    influence = np.bincount(subject[rows], sets.weights[rows] * derivative)
    return float(np.linalg.norm(influence))


def _area_after(table: LifeTable, tau: float) -> FloatArray:
    """Area under the curve from each time of ``table`` to ``tau``, shape (m,)."""
    steps = np.diff(np.minimum(np.append(table.time, tau), tau))
    return np.cumsum((product_limit(table) * steps)[::-1])[::-1]

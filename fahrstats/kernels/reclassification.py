"""How a second set of predicted risks moves those with and those without the event.

Net reclassification and integrated discrimination improvement are one statistic: the
mean of a value over the cases minus its mean over the controls, weighted for
censoring. The value is the direction in which a row moves (1 up, -1 down), from risk to
risk or from category to category, or the difference of the two risks.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.censoring_weights import CensoringWeights, spread_influence
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]

NRI_WARNING: Final = (
    "Net reclassification can be large for a marker that says nothing, and rises when "
    "a model is poorly calibrated; it is no evidence of added value on its own (Hilden "
    "and Gerds 2014; Pepe et al. 2015)."
)
"""What every result with a net reclassification prints."""

SHIFTS: Final = ("events", "nonevents", "total")
"""What the rows of :func:`shift_between` are: improvement among either, and the sum."""

_SAME_RISK: Final = 1e-12
"""Difference of two risks that rounding alone can leave."""


def direction(old: FloatArray, new: FloatArray) -> FloatArray:
    """Direction in which each risk moves: 1 up, -1 down, 0 unchanged up to rounding.

    References
    ----------
    Pencina, D'Agostino and Steyerberg (2011), Statistics in Medicine 30:11-21.
    """
    change = new - old
    moves = np.abs(change) > _SAME_RISK
    return np.asarray(np.where(moves, np.sign(change), 0.0), np.float64)


def category_direction(
    old: FloatArray, new: FloatArray, cut_points: FloatArray
) -> FloatArray:
    """Direction in which each row moves between categories of risk.

    A risk equal to a cut point belongs to the category above it; ``cut_points`` ascend.

    References
    ----------
    Pencina et al. (2008), Statistics in Medicine 27:157-172.
    """
    before = np.searchsorted(cut_points, old, "right")
    after = np.searchsorted(cut_points, new, "right")
    return np.asarray(np.sign(after - before), np.float64)


def shift_between(weights: CensoringWeights, values: FloatArray) -> FloatArray:
    """Improvement among events, among others, and their sum, for k values: (3, k).

    Up is right for cases and wrong for controls, so the second row is minus the mean
    over the controls. ``values`` is (n, k), rows in the order of the risk sets. With
    directions this is the net reclassification improvement, with differences of risks
    the integrated discrimination improvement. NaN without a case or a control.

    References
    ----------
    Liu, Kapadia and Etzel (2010), Statistics in Medicine 29:2137-2152, on censoring.
    """
    beyond = weights.n_beyond
    cases = weights.inverse[beyond:] @ values[beyond:] / (weights.cases or np.nan)
    controls = weights.inverse[:beyond] @ values[:beyond]
    controls = -controls / (weights.controls or np.nan)
    return np.stack([cases, controls, cases + controls])


def shift_influence(
    sets: RiskSets, weights: CensoringWeights, values: FloatArray
) -> FloatArray:
    """Influence of every row on each of :func:`shift_between`, shape (3, n, k).

    The two risks count as given: that models were fitted is not part of it.
    """
    beyond = weights.n_beyond
    shift = shift_between(weights, values)
    of_cases, of_controls = np.zeros(values.shape), np.zeros(values.shape)
    of_cases[beyond:] = (values[beyond:] - shift[0]) / weights.cases
    of_controls[:beyond] = (-values[:beyond] - shift[1]) / weights.controls
    events = spread_influence(sets, weights, of_cases)
    nonevents = spread_influence(sets, weights, of_controls)
    return np.stack([events, nonevents, events + nonevents])

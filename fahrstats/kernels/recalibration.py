r"""How far predicted risks have to move to agree with those observed.

On the scale of the log cumulative hazard, log(-log(1 - p)), a shift says by how much
all predictions are too low, and a slope by how much they are too close to each other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.calibration import observed_and_expected_influence
from fahrstats.kernels.censoring_weights import CensoringWeights
from fahrstats.kernels.newton import PartialLikelihood, standardize
from fahrstats.kernels.partial_likelihood import TieBlocks
from fahrstats.kernels.risk_sets import RiskSets
from fahrstats.kernels.score_residuals import risk_set_means, score_residuals

FloatArray = NDArray[np.float64]

_MAX_STEPS = 200
_CLOSE = 1e-14
"""Step, relative to a shift above 1, that rounding can make."""


def shifted_risk(log_hazard: FloatArray, shift: float) -> FloatArray:
    """Risk after a shift of the log cumulative hazard."""
    return np.asarray(-np.expm1(-np.exp(log_hazard + shift)), np.float64)


def shift_to(log_hazard: FloatArray, weights: FloatArray, observed: float) -> float:
    """Shift of the log cumulative hazard that makes the mean risk the one observed.

    ``observed`` is above 0 and below 1, and the n log hazards are finite; ``weights``
    (n,) are case weights. Newton's method, kept between the shifts at which the largest
    risk, and the smallest, is the one observed.
    """
    goal = np.log(-np.log1p(-observed))
    low, high = goal - log_hazard.max(), goal - log_hazard.min()
    shift, share = goal - float(weights @ log_hazard / weights.sum()), weights.sum()
    for _ in range(_MAX_STEPS):
        hazard = np.exp(log_hazard + shift)
        survival = np.exp(-hazard)
        excess = float(weights @ -np.expm1(-hazard) / share - observed)
        low, high = (low, shift) if excess > 0 else (shift, high)
        step = -excess * share / float(weights @ (survival * hazard))
        following = shift + step if low < shift + step < high else (low + high) / 2
        if abs(following - shift) <= _CLOSE * max(1.0, abs(shift)):
            break
        shift = following
    return float(shift)


def shift_influence(
    sets: RiskSets, weights: CensoringWeights, log_hazard: FloatArray, shift: float
) -> FloatArray:
    """Influence of every row on :func:`shift_to` the Kaplan-Meier risk, shape (n,)."""
    risk = shifted_risk(log_hazard, shift)
    rise = (1 - risk) * np.exp(log_hazard + shift)
    means = observed_and_expected_influence(sets, weights, risk[:, None])
    per_unit = sets.weights @ rise / weights.total
    return np.asarray((means[:, 0] - means[:, 1]) / per_unit, np.float64)


def shift_per_log_hazard(
    log_hazard: FloatArray, weights: FloatArray, shift: float
) -> FloatArray:
    """Differentiate :func:`shift_to` by the log hazard of every row, shape (n,)."""
    risk = shifted_risk(log_hazard, shift)
    rise = weights * (1 - risk) * np.exp(log_hazard + shift)
    return np.asarray(-rise / rise.sum(), np.float64)


def slope_influence(
    sets: RiskSets,
    blocks: TieBlocks,
    horizon: float,
    log_hazard: FloatArray,
    slope: float,
) -> tuple[FloatArray, FloatArray]:
    """Influence of every row on the coefficient of ``log_hazard``, shape (n,).

    The second array is the derivative by the log hazard of every row. The Cox model is
    that of :func:`fahrstats.kernels.calibration.fit_until`, and ``slope`` its
    coefficient.
    """
    until = replace(sets, event=sets.event & (sets.time <= horizon))
    Z, _, spread = standardize(log_hazard[:, None], np.arange(sets.time.size))
    likelihood = PartialLikelihood(until, blocks, Z, efron=True)
    sums = likelihood.at(slope * spread)
    residual = np.empty(sets.time.size)
    for rows, residuals in score_residuals(until, blocks, sums, Z):
        residual[rows] = residuals[:, 0]
    per_unit = likelihood.information(sums)[0, 0] * spread[0]
    mean = risk_set_means(until, blocks, sums, Z)[blocks.block, 0]
    at_events = until.event * sets.weights * (Z[:, 0] - mean)
    of_row = sums.martingale - slope * spread[0] * (at_events - residual)
    return residual / per_unit, of_row / (per_unit * spread[0])

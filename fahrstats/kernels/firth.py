r"""Firth's penalised partial likelihood, finite where the likelihood is monotone.

Adds half the log determinant of the information to the log-likelihood (Firth 1993;
Heinze and Schemper 2001). The derivative of that penalty is half the contraction of the
third central moments of the covariates over each risk set with the inverse information
V. With :math:`q_i = z_i' V z_i` and risk-set means m, it needs no third-order array:

    Σ_k w̄ [ cov(q, z) - 2 cov(z) V m ]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import (
    BlockSums,
    TieBlocks,
    block_sums,
    gradient,
    information,
)
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MAX_ITERATIONS = 500
_MAX_HALVINGS = 30
_CLOSE = 1e-22


@dataclass(frozen=True, slots=True, eq=False)
class PenalizedPeak:
    """Maximum of the penalised likelihood.

    Attributes
    ----------
    beta : ndarray of shape (p,)
        Coefficients of the columns it was given.
    cov : ndarray of shape (p, p)
        Inverse information at ``beta``.
    has_converged : bool
        Whether the penalised gradient vanished.
    """

    beta: FloatArray
    cov: FloatArray
    has_converged: bool


def maximize_penalized(
    sets: RiskSets, blocks: TieBlocks, Z: FloatArray, *, efron: bool
) -> PenalizedPeak:
    """Climb from zero, with the inverse information as the step matrix.

    ``Z`` holds standardised columns of full rank in the order of the kernels.
    """
    beta = np.zeros(Z.shape[1])
    sums, info, penalized = _evaluate(sets, blocks, Z, beta, efron)
    has_converged = False
    for _ in range(_MAX_ITERATIONS):
        cov = np.linalg.inv(info)
        slope = gradient(sums, Z)
        slope += 0.5 * _penalty_slope(
            Z,
            np.einsum("ij,jk,ik->i", Z, cov, Z),
            cov,
            sums.risk,
            sets.weights,
            sets.event,
            sets.tie_start,
            blocks.stratum_block,
            blocks.entry_block,
            sets.entry_order,
            efron,
        )
        step = cov @ slope
        if slope @ step < _CLOSE:
            has_converged = True
            break
        slack = 1e-13 * abs(penalized)
        for _ in range(_MAX_HALVINGS):
            sums, info, trial = _evaluate(sets, blocks, Z, beta + step, efron)
            if trial >= penalized - slack:
                break
            step /= 2
        else:
            break
        beta, penalized = beta + step, trial
    cov = np.linalg.inv(info).astype(np.float64)
    return PenalizedPeak(beta, cov, has_converged)


def _evaluate(
    sets: RiskSets, blocks: TieBlocks, Z: FloatArray, beta: FloatArray, efron: bool
) -> tuple[BlockSums, FloatArray, float]:
    """Return block sums, information and penalised log-likelihood at ``beta``."""
    sums = block_sums(sets, blocks, Z @ beta, efron=efron)
    info = information(sets, blocks, sums, Z)
    sign, log_determinant = np.linalg.slogdet(info)
    is_proper = sign > 0 and np.isfinite(sums.log_likelihood)
    value = sums.log_likelihood + log_determinant / 2 if is_proper else -np.inf
    return sums, info, float(value)


@njit(cache=True)
def _penalty_slope(
    Z: FloatArray,
    q: FloatArray,
    V: FloatArray,
    risk: FloatArray,
    weights: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    efron: bool,
) -> FloatArray:
    """Gradient of the log determinant of the information, shape (p,), O(n p²).

    Running sums hold 1, z, q, qz and zz' in the columns of one array, weighted by risk,
    for the risk set and for the events of the block.
    """
    p = Z.shape[1]
    width = 2 + 2 * p + p * p
    at_risk, dying, row, part = (
        np.zeros(width),
        np.zeros(width),
        np.zeros(width),
        np.zeros(width),
    )
    slope = np.zeros(p)
    leaving = 0
    for stratum in range(stratum_block.size - 1):
        at_risk[:] = 0.0
        for k in range(stratum_block[stratum], stratum_block[stratum + 1]):
            dying[:] = 0.0
            d, weight = 0, 0.0
            for i in range(tie_start[k], tie_start[k + 1]):
                _fill_moments(row, Z[i], q[i], risk[i])
                at_risk += row
                if event[i]:
                    dying += row
                    d += 1
                    weight += weights[i]
            while leaving < entry_order.size and entry_block[entry_order[leaving]] <= k:
                i = entry_order[leaving]
                _fill_moments(row, Z[i], q[i], risk[i])
                at_risk -= row
                leaving += 1
            for death in range(d):
                part[:] = at_risk
                if efron:
                    part -= (death / d) * dying
                part /= part[0]
                mean = part[1 : p + 1]
                second = part[2 + 2 * p :].copy().reshape((p, p))
                direction = V @ mean
                along = mean @ direction
                skew = part[2 + p : 2 + 2 * p] - part[p + 1] * mean
                skew -= 2 * (second @ direction - mean * along)
                slope += weight / d * skew
        while (
            leaving < entry_order.size
            and entry_order[leaving] < (tie_start[stratum_block[stratum + 1]])
        ):
            leaving += 1
    return slope


@njit(cache=True)
def _fill_moments(row: FloatArray, z: FloatArray, q: float, risk: float) -> None:
    """Write risk times (1, z, q, qz, zz') into ``row``."""
    p = z.size
    row[0] = risk
    row[p + 1] = risk * q
    for a in range(p):
        row[1 + a] = risk * z[a]
        row[2 + p + a] = risk * q * z[a]
        for b in range(p):
            row[2 + 2 * p + a * p + b] = risk * z[a] * z[b]

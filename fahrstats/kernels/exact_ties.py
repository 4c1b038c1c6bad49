r"""The exact partial likelihood of tied events: conditional on how many had the event.

If time is discrete and d of those at risk have the event at t, the likelihood of which
d is :math:`\prod_{events} r_i / e_d`, where :math:`r_i = \exp(z_i'\beta)` and
:math:`e_d` sums the products of r over every subset of size d: conditional logistic
regression (Cox 1972; Gail, Lubin and Rubinstein 1981). Adding one row with risk r to
those at risk gives :math:`e_k \leftarrow e_k + r\,e_{k-1}`.

The e grow past what float64 holds, and their second derivatives lose the digits of the
information. Carried along instead, for k = 1 ... d, are the ratio
:math:`g_k = e_{k-1}/e_k` and the mean and covariance of the sum of z over a random
subset of size k. The new row is in that subset with probability
:math:`w = r g_k / (1 + r g_k)`, so that

    g_k  <-  g_k (1 + r g_{k-1}) / (1 + r g_k)
    M_k  <-  M_k + w δ,                       δ = M_{k-1} + z - M_k
    C_k  <-  (1 - w) C_k + w C_{k-1} + w (1 - w) δ δ'
    log e_d = - Σ_{k <= d} log g_k
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import TieBlocks, add_offset
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SAFE_RANGE = 600.0
"""Range of the linear predictor within which no odds of a row can overflow."""


@dataclass(frozen=True, slots=True, eq=False)
class ExactPoint:
    """The exact log-likelihood at some coefficients, with both derivatives.

    Attributes
    ----------
    log_likelihood : float
        Minus infinity where float64 cannot hold the odds of the rows.
    gradient : ndarray of shape (p,)
        Its first derivative.
    information : ndarray of shape (p, p)
        Minus its second derivative.
    """

    log_likelihood: float
    gradient: FloatArray
    information: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ExactLikelihood:
    """The exact partial likelihood of the rows and columns that it holds.

    Case weights have no meaning here and are not read. One evaluation takes n times
    the largest number of tied events times p² steps; with delayed entry, as many for
    every event time.
    """

    sets: RiskSets
    blocks: TieBlocks
    Z: FloatArray
    offset: FloatArray | None = None

    def at(self, beta: FloatArray) -> ExactPoint:
        """Evaluate the likelihood and its derivatives."""
        predictor = add_offset(self.Z @ beta, self.offset)
        p = beta.size
        lowest, highest = predictor.min(), predictor.max()
        if not highest - lowest <= _SAFE_RANGE:
            return ExactPoint(-np.inf, np.zeros(p), np.zeros((p, p)))
        log_risk = predictor - (lowest + highest) / 2
        gradient, information = np.zeros(p), np.zeros((p, p))
        log_likelihood = _sum_subsets(
            self.Z,
            log_risk,
            self.sets.event,
            self.sets.tie_start,
            self.blocks.stratum_block,
            self.blocks.entry_block,
            self.sets.entry.size > 0,
            gradient,
            information,
        )
        return ExactPoint(log_likelihood, gradient, information)

    def gradient(self, point: ExactPoint) -> FloatArray:
        """Return the first derivative."""
        return point.gradient

    def information(self, point: ExactPoint) -> FloatArray:
        """Return minus the second derivative."""
        return point.information


@njit(cache=True, nogil=True)
def _sum_subsets(
    Z: FloatArray,
    log_risk: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    is_delayed: bool,
    gradient: FloatArray,
    information: FloatArray,
) -> float:
    """Add up both derivatives over tie blocks; return the log-likelihood.

    Without delayed entry those at risk only grow in number on the way down in time, so
    one walk through a stratum serves all its blocks.
    """
    p = Z.shape[1]
    deaths = np.zeros(tie_start.size - 1, np.int64)
    for k in range(deaths.size):
        for i in range(tie_start[k], tie_start[k + 1]):
            deaths[k] += event[i]
    most = deaths.max()
    ratio = np.zeros(most + 1)
    mean = np.zeros((most + 1, p))
    cov = np.zeros((most + 1, p, p))
    shift = np.empty(p)
    largest_left = _largest_left(deaths, stratum_block)
    log_likelihood = 0.0
    for stratum in range(stratum_block.size - 1):
        n_in = 0
        for k in range(stratum_block[stratum], stratum_block[stratum + 1]):
            d = deaths[k]
            first, size = tie_start[k], largest_left[k]
            if is_delayed:
                if d == 0:
                    continue
                n_in, first, size = 0, tie_start[stratum_block[stratum]], d
            for i in range(first, tie_start[k + 1]):
                if entry_block[i] > k:
                    n_in += 1
                    _add_row(
                        Z[i], np.exp(log_risk[i]), n_in, size, ratio, mean, cov, shift
                    )
            for i in range(tie_start[k], tie_start[k + 1]):
                if event[i]:
                    log_likelihood += log_risk[i]
                    gradient += Z[i]
            for j in range(1, d + 1):
                log_likelihood += np.log(ratio[j])
            if d > 0:
                gradient -= mean[d]
                information += cov[d]
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]
    return log_likelihood


@njit(cache=True, nogil=True)
def _largest_left(deaths: IntArray, stratum_block: IntArray) -> IntArray:
    """Return the most events of this block and those still to come in its stratum."""
    largest = deaths.copy()
    for stratum in range(stratum_block.size - 1):
        for k in range(stratum_block[stratum + 1] - 2, stratum_block[stratum] - 1, -1):
            largest[k] = max(largest[k], largest[k + 1])
    return largest


@njit(cache=True, nogil=True)
def _add_row(
    z: FloatArray,
    risk: float,
    n_in: int,
    most: int,
    ratio: FloatArray,
    mean: FloatArray,
    cov: FloatArray,
    shift: FloatArray,
) -> None:
    """Let a row join those at risk, as the last of ``n_in``; subsets of up to ``most``.

    ``ratio`` (most + 1,), ``mean`` (most + 1, p) and the lower triangles of ``cov``
    (most + 1, p, p) are g, M and C of the module, and zero for the empty subset;
    ``shift`` (p,) is room for δ.
    """
    p = z.size
    if n_in <= most:  # the only subset of its size is everybody
        ratio[n_in] = (1 + risk * ratio[n_in - 1]) / risk
        for a in range(p):
            mean[n_in, a] = mean[n_in - 1, a] + z[a]
            for b in range(a + 1):
                cov[n_in, a, b] = cov[n_in - 1, a, b]
    for k in range(min(n_in - 1, most), 0, -1):
        odds = risk * ratio[k]
        w = odds / (1 + odds)
        ratio[k] *= (1 + risk * ratio[k - 1]) / (1 + odds)
        for a in range(p):
            shift[a] = mean[k - 1, a] + z[a] - mean[k, a]
            mean[k, a] += w * shift[a]
            for b in range(a + 1):
                apart = (1 - w) * shift[a] * shift[b]
                cov[k, a, b] += w * (cov[k - 1, a, b] - cov[k, a, b] + apart)

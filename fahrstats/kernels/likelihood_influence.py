r"""How much every row adds to a Cox partial likelihood.

The partial likelihood is no sum over rows, but it is a function of their weights, and
its derivative plays the part of a row's contribution (Fine 2002, Biometrika
89:635-647). In the notation of :mod:`fahrstats.kernels.partial_likelihood`, with
:math:`\eta_i = z_i'\beta` and the denominators :math:`c_l` of the row's block,

    w_i d l / d w_i = w_i δ_i (η_i - mean_l log c_l) - r_i A_i

Tied events share one mean, so the order of tied rows is immaterial. At the maximum the
coefficients add nothing to first order, and the contributions of all rows sum to the
log-likelihood less the weighted number of events.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import BlockSums, TieBlocks
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def likelihood_influence(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, *, efron: bool
) -> FloatArray:
    """Weight times the derivative of the log-likelihood by that weight, shape (n,)."""
    mean_log = _mean_log_denominators(
        sums.risk,
        sets.event,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        sums.shrink,
        efron,
    )
    influence = -sums.expected
    dead = sets.event
    linear_predictor = np.log(sums.risk[dead] / sets.weights[dead])
    influence[dead] += sets.weights[dead] * (
        linear_predictor - mean_log[blocks.block[dead]]
    )
    return influence


@njit(cache=True, nogil=True)
def _mean_log_denominators(
    risk: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    shrink: FloatArray,
    efron: bool,
) -> FloatArray:
    """Mean of log c over the denominators of each block; 0 without an event. O(n)."""
    mean_log = np.zeros(tie_start.size - 1)
    leaving = 0
    for stratum in range(stratum_block.size - 1):
        first, end = stratum_block[stratum], stratum_block[stratum + 1]
        at_risk = 0.0
        for k in range(first, end):
            if shrink.size:
                at_risk *= shrink[k]
            d, dying = 0, 0.0
            for i in range(tie_start[k], tie_start[k + 1]):
                at_risk += risk[i]
                if event[i]:
                    d += 1
                    dying += risk[i]
            while leaving < entry_order.size and entry_block[entry_order[leaving]] <= k:
                at_risk -= risk[entry_order[leaving]]
                leaving += 1
            if must_refresh[k]:
                at_risk = 0.0
                for i in range(tie_start[first], tie_start[k + 1]):
                    if entry_block[i] > k:
                        at_risk += risk[i]
            for death in range(d):
                f = death / d if efron else 0.0
                mean_log[k] += np.log(at_risk - f * dying) / d
        while leaving < entry_order.size and entry_order[leaving] < tie_start[end]:
            leaving += 1
    return mean_log

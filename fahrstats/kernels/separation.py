"""Who leads each risk set: the row with the largest value of a linear predictor."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import TieBlocks

IntArray = NDArray[np.int64]


def risk_set_leaders(
    blocks: TieBlocks, values: NDArray[np.float64], passed: NDArray[np.bool_]
) -> IntArray:
    """Return for each tie block a row at risk with the largest value, O(n log n).

    Rows are in the order of the risk sets; those ``passed`` over do not count in the
    block of their own time. A block in which nobody is at risk has -1.
    """
    stratum_size = np.diff(blocks.stratum_block)
    end = np.repeat(blocks.stratum_block[1:], stratum_size)[blocks.block]
    leader = np.full(blocks.stratum_block[-1], -1, np.int64)
    descending = np.argsort(-values, kind="stable")
    _cover(
        descending, blocks.block + passed, np.minimum(blocks.entry_block, end), leader
    )
    return leader


@njit(cache=True, nogil=True)
def _cover(
    descending: IntArray, first: IntArray, end: IntArray, leader: IntArray
) -> None:
    """Give each block the first row of ``descending`` at risk in it.

    A row is at risk in the blocks from ``first`` up to ``end``; ``free`` leads to the
    next block without a leader, with paths compressed.
    """
    free = np.arange(leader.size + 1)
    for row in descending:
        k = first[row]
        while True:
            root = k
            while free[root] != root:
                root = free[root]
            while free[k] != root:
                free[k], k = root, free[k]
            if root >= end[row]:
                break
            leader[root] = row
            free[root] = root + 1
            k = root

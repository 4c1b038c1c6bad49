"""Columns whose partial likelihood rises for ever.

The partial likelihood has no maximum along a direction d exactly if, in every risk set,
nobody has a larger z'd than each event has: then all its factors rise, or stay (Bryson
and Johnson 1981). Such directions form a cone of linear inequalities, one for each
event and row at risk. Only those that matter are written down: linear programs with
the violated ones added until none is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from fahrstats.errors import ConvergenceError
from fahrstats.kernels.partial_likelihood import TieBlocks
from fahrstats.kernels.risk_sets import RiskSets
from fahrstats.kernels.separation import risk_set_leaders

FloatArray = NDArray[np.float64]

_TOLERANCE = 1e-9
"""Sine of the angle by which a direction may miss an inequality."""

_NOWHERE = 1e-6
"""Largest component that counts as none in a direction whose largest is one."""

_CUTS = 100
"""Inequalities added to a program at a time."""


def monotone_directions(
    sets: RiskSets, blocks: TieBlocks, Z: FloatArray, *, is_exact: bool = False
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the columns that can grow, and those that can fall, without end, (p,) each.

    ``Z`` holds standardised columns in the order of the risk sets, none of which
    repeats others among the rows at risk. A column in no such direction has a finite
    estimate; one that can do both has a likelihood that ends by not depending on it.
    With the exact likelihood of ties, events of one time do not compete.
    """
    p = Z.shape[1]
    passed = sets.event if is_exact else np.zeros(sets.event.size, np.bool_)
    cuts = np.empty((0, p))
    can = np.zeros((2, p), np.bool_)
    for j in range(p):
        for row, sign in enumerate((1.0, -1.0)):
            aim = sign * np.eye(p)[j]
            can[row, j], cuts = _reaches(sets, blocks, Z, aim, cuts, passed)
    return can[0], can[1]


def _reaches(
    sets: RiskSets,
    blocks: TieBlocks,
    Z: FloatArray,
    aim: FloatArray,
    cuts: FloatArray,
    passed: NDArray[np.bool_],
) -> tuple[bool, FloatArray]:
    """Whether a direction of the cone has a part along ``aim``; and all cuts.

    ``passed`` are rows that no event at their own time has to lead.
    """
    bounds = [(-1.0, 1.0)] * aim.size
    while True:
        if len(cuts):
            program = linprog(-aim, A_ub=cuts, b_ub=np.zeros(len(cuts)), bounds=bounds)
            if program.status != 0 or program.x is None:
                raise ConvergenceError(
                    f"No linear program tells whether the likelihood has a maximum: "
                    f"{program.message}"
                )
            direction = program.x
        else:
            direction = aim
        if direction @ aim < _NOWHERE:
            return False, cuts
        violated = _violated(sets, blocks, Z, direction, passed)
        if not len(violated):
            return True, cuts
        cuts = np.concatenate([cuts, violated])


def _violated(
    sets: RiskSets,
    blocks: TieBlocks,
    Z: FloatArray,
    direction: FloatArray,
    passed: NDArray[np.bool_],
) -> FloatArray:
    """Inequalities, as unit rows, by which events are overtaken along a direction."""
    leader = risk_set_leaders(blocks, Z @ direction, passed)
    events = np.flatnonzero(sets.event)
    events = events[leader[blocks.block[events]] >= 0]
    lead = Z[leader[blocks.block[events]]] - Z[events]
    size = np.linalg.norm(lead, axis=1)
    apart = size > 0
    lead = lead[apart] / size[apart, None]
    excess = lead @ direction
    worst = np.argsort(-excess)[:_CUTS]
    return np.unique(lead[worst[excess[worst] > _TOLERANCE]], axis=0)

"""Leaders of risk sets against looking through every risk set.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.separation import risk_set_leaders

N = 50


@pytest.mark.parametrize("without_events", [False, True])
@pytest.mark.parametrize("tied_values", [False, True])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_the_leader_has_the_largest_value_at_risk(case, tied_values, without_events):
    rows = random_rows(1, N, **case)
    sets = sort_risk_sets(**rows)
    rng = np.random.default_rng(2)
    values = rng.integers(0, 5, N).astype(float) if tied_values else rng.normal(size=N)
    leader = risk_set_leaders(
        find_tie_blocks(sets), values, sets.event & without_events
    )
    strata = rows.get("strata", np.zeros(N))[sets.order]
    entry = sets.entry if sets.entry.size else np.full(N, -np.inf)
    assert leader.size == sets.tie_start.size - 1
    for k, first in enumerate(sets.tie_start[:-1]):
        t = sets.time[first]
        at_risk = (strata == strata[first]) & (entry < t) & (t <= sets.time)
        if without_events:
            at_risk &= ~(sets.event & (sets.time == t))
        if at_risk.any():
            assert at_risk[leader[k]]
            assert values[leader[k]] == values[at_risk].max()
        else:
            assert leader[k] == -1

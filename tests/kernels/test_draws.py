"""A draw sorted along with its cohort, against the same rows sorted again."""

from __future__ import annotations

import numpy as np
import pytest
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.draws import draw_risk_sets
from fahrstats.kernels.risk_sets import sort_risk_sets

N = 60


def without_gaps(rows):
    """Return the rows with strata numbered from 0 again, as the gate does."""
    if "strata" in rows:
        rows["strata"] = np.unique(rows["strata"], return_inverse=True)[1]
    return rows


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_a_draw_equals_its_rows_sorted_anew(case):
    rows = random_rows(1, N, **case)
    counts = np.random.default_rng(2).poisson(0.8, N)
    drawn = counts > 0
    anew = sort_risk_sets(
        **without_gaps(
            {name: values[drawn] for name, values in rows.items()}
            | {"weights": (rows.get("weights", np.ones(N)) * counts)[drawn]}
        )
    )
    sets = sort_risk_sets(**rows)
    found, kept = draw_risk_sets(sets, counts[sets.order])
    for name in ("time", "event", "stratum_start", "tie_start"):
        np.testing.assert_array_equal(getattr(found, name), getattr(anew, name))
    # Tied rows stand in any order, so what belongs to a row is looked up by row.
    assert sorted(found.order) == list(np.flatnonzero(drawn))
    np.testing.assert_array_equal(found.order, sets.order[kept])
    weights = rows.get("weights", np.ones(N)) * counts
    np.testing.assert_array_equal(found.weights, weights[found.order])
    if case["delayed"]:
        np.testing.assert_array_equal(found.entry, rows["entry"][found.order])
        np.testing.assert_array_equal(
            found.entry[found.entry_order], anew.entry[anew.entry_order]
        )
        assert sorted(found.entry_order) == list(range(drawn.sum()))


def test_a_stratum_without_a_row_is_gone():
    rows = random_rows(3, N, ties=True, weights="none", strata=3, delayed=False)
    sets = sort_risk_sets(**rows)
    counts = (rows["strata"] != 1).astype(np.int64)
    found, _ = draw_risk_sets(sets, counts[sets.order])
    assert found.stratum_start.size == 3
    assert found.stratum_start[-1] == found.time.size == counts.sum()

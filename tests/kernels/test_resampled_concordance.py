"""Concordance under other weights, against sorting, ranking and counting anew.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.concordance import rank_agreement
from fahrstats.kernels.resampled_concordance import rank_rows, resampled_c_index
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.time_weights import weigh_pairs

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order


def scores_of(seed, n=60):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(0, 25, n), rng.normal(size=n)]).astype(float)


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_a_draw_equals_the_rows_it_took(case):
    """Rows repeated as often as they were drawn, sorted and ranked anew."""
    rows, scores = random_rows(1, 60, **case), scores_of(1)
    sets = sort_risk_sets(**rows)
    ranked = rank_rows(sets, scores[sets.order])
    for seed in range(3):
        taken = np.random.default_rng(seed).multinomial(60, np.full(60, 1 / 60))
        if "strata" in rows:
            taken = np.maximum(taken, np.arange(60) < 3)  # no stratum without rows
        copies = np.repeat(np.arange(60), taken)
        again = sort_risk_sets(**{key: value[copies] for key, value in rows.items()})
        wanted = rank_agreement(again, scores[copies][again.order]).c_index
        weights = (rows.get("weights", 1) * taken)[sets.order]
        np.testing.assert_allclose(
            resampled_c_index(ranked, weights), wanted, TWIN_RTOL
        )


@pytest.mark.parametrize("name", ["n", "S", "S/G", "n/G2", "I"])
def test_a_draw_has_time_weights_of_its_own(name):
    case = {"ties": True, "weights": "none", "strata": 1, "delayed": False}
    rows, scores = random_rows(2, 60, **case), scores_of(2)
    sets = sort_risk_sets(**rows)
    taken = np.random.default_rng(2).multinomial(60, np.full(60, 1 / 60))
    copies = np.repeat(np.arange(60), taken)
    again = sort_risk_sets(**{key: value[copies] for key, value in rows.items()})
    pairs = weigh_pairs(again, name, 7.0)
    wanted = rank_agreement(again, scores[copies][again.order], pairs).c_index
    drawn = replace(sets, weights=taken[sets.order].astype(float))
    found = resampled_c_index(
        rank_rows(sets, scores[sets.order]),
        drawn.weights,
        weigh_pairs(drawn, name, 7.0).weight,
    )
    np.testing.assert_allclose(found, wanted, rtol=TWIN_RTOL)


def test_a_row_drawn_twice_makes_no_pair_with_itself():
    """Two events and their copies: 2 x 2 pairs of different rows, all concordant."""
    sets = sort_risk_sets(np.array([1.0, 2.0]), np.array([True, True]))
    ranked = rank_rows(sets, np.array([[1.0], [3.0]]))
    assert resampled_c_index(ranked, np.array([2.0, 2.0])).tolist() == [1.0]


def test_without_comparable_pairs_there_is_no_concordance():
    sets = sort_risk_sets(np.array([1.0, 2.0]), np.array([True, True]))
    ranked = rank_rows(sets, np.array([[1.0, 2.0], [3.0, 1.0]]))
    assert np.isnan(resampled_c_index(ranked, np.array([2.0, 0.0]))).all()


def test_whole_weights_beyond_int32_stay_exact():
    rows, scores = random_rows(3, 60, **COMPLICATIONS[0]), scores_of(3)
    sets = sort_risk_sets(**rows)
    ranked = rank_rows(sets, scores[sets.order])
    large = resampled_c_index(ranked, np.full(60, 2.0**28))
    np.testing.assert_array_equal(large, resampled_c_index(ranked, np.ones(60)))

"""Weights of pairs in time against their formulas, and influence against derivatives.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.concordance import rank_agreement
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.time_weights import weigh_pairs

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
STEP_RTOL = 1e-6  # central differences of C in one weight, step 1e-5
NAMES = ["n", "S", "S/G", "n/G2", "I"]
FROM_THE_START = [case for case in COMPLICATIONS if not case["delayed"]]
DEFINED = [
    pytest.param(name, case, id=f"{name}, {name_of(case)}")
    for name in NAMES
    for case in (FROM_THE_START if "G" in name else COMPLICATIONS)
]


def weights_by_hand(name, rows, tau=np.inf):
    """Twin: the weight of every event from curves multiplied out for it alone."""
    time, event = rows["time"], rows["event"]
    n = time.size
    entry = rows.get("entry", np.full(n, -np.inf))
    strata = rows.get("strata", np.zeros(n))
    weights = rows.get("weights", np.ones(n))
    found = np.zeros(n)
    for i in np.flatnonzero(event & (time <= tau)):
        mine = strata == strata[i]
        survival = uncensored = 1.0
        for s in np.unique(time[mine & (time < time[i])]):
            at_risk = mine & (entry < s) & (s <= time)
            dies = at_risk & event & (time == s)
            lives = at_risk & ~dies
            survival *= weights[lives].sum() / weights[at_risk].sum()
            if lives.any():
                stays = lives & (time > s)
                uncensored *= weights[stays].sum() / weights[lives].sum()
        at_risk = weights[mine & (entry < time[i]) & (time[i] <= time)].sum()
        total = weights[mine].sum()
        found[i] = {
            "n": lambda: 1.0,
            "S": lambda total=total, s=survival, r=at_risk: total * s / r,
            "S/G": lambda total=total, s=survival, r=at_risk, g=uncensored: (
                total * s / (g * r)
            ),
            "n/G2": lambda g=uncensored: 1 / g**2,
            "I": lambda r=at_risk: 1 / r,
        }[name]()
    return found


def weighed(name, rows, tau=np.inf):
    sets = sort_risk_sets(**rows)
    pairs = weigh_pairs(sets, name, tau)
    in_order = np.empty(sets.time.size)
    in_order[sets.order] = pairs.weight
    return in_order


def agreement(name, rows, scores, tau, weights=None):
    sets = sort_risk_sets(**(rows if weights is None else rows | {"weights": weights}))
    result = rank_agreement(sets, scores[sets.order], weigh_pairs(sets, name, tau))
    influence = np.empty_like(result.influence)
    influence[sets.order] = result.influence_estimated
    return result, influence


@pytest.mark.parametrize("tau", [np.inf, 6.0], ids=["all", "to 6"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
@pytest.mark.parametrize("name", ["S", "I"])
def test_weights_by_survival_and_rows_at_risk_are_their_formula(name, case, tau):
    rows = random_rows(4, 40, **case)
    wanted = weights_by_hand(name, rows, tau)
    np.testing.assert_allclose(weighed(name, rows, tau), wanted, rtol=TWIN_RTOL)


@pytest.mark.parametrize("case", FROM_THE_START, ids=name_of)
@pytest.mark.parametrize("name", ["S/G", "n/G2"])
def test_weights_by_censoring_are_their_formula(name, case):
    rows = random_rows(4, 40, **case)
    np.testing.assert_allclose(
        weighed(name, rows), weights_by_hand(name, rows), rtol=TWIN_RTOL
    )


@pytest.mark.parametrize("case", FROM_THE_START, ids=name_of)
def test_two_of_the_weights_are_one(case):
    """W S(t-) G(t-) is the weight at risk, so S/G and n/G2 are the same number."""
    rows = random_rows(5, 40, **case)
    np.testing.assert_allclose(weighed("S/G", rows), weighed("n/G2", rows), TWIN_RTOL)


def test_pairs_that_all_weigh_one_need_no_weights():
    sets = sort_risk_sets(np.array([1.0, 2.0]), np.array([True, True]))
    assert weigh_pairs(sets, "n") is None
    assert weigh_pairs(sets, "n", 2.0) is None
    assert weigh_pairs(sets, "n", 1.0).weight.tolist() == [0, 1]


@pytest.mark.parametrize("tau", [np.inf, 6.0], ids=["all", "to 6"])
@pytest.mark.parametrize(("name", "case"), DEFINED)
def test_influence_is_the_derivative_in_the_weight(name, case, tau):
    rows = random_rows(3, 30, **case)
    rng = np.random.default_rng(3)
    scores = np.column_stack([rng.integers(0, 9, 30), rng.normal(size=30)])
    weights = rows.get("weights", np.ones(30))
    _, influence = agreement(name, rows, scores, tau)
    for i in range(0, 30, 7):
        moved = np.where(np.arange(30) == i, 1e-5, 0)
        up = agreement(name, rows, scores, tau, weights + moved)[0].c_index
        down = agreement(name, rows, scores, tau, weights - moved)[0].c_index
        slope = weights[i] * (up - down) / 2e-5
        np.testing.assert_allclose(influence[i], slope, rtol=STEP_RTOL, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_known_weights_leave_pairs_as_the_only_influence(name):
    """The known part is the influence when weights are handed in as they are."""
    rows = random_rows(6, 30, ties=True, weights="none", strata=1, delayed=False)
    score = np.random.default_rng(6).normal(size=(30, 1))
    result, _ = agreement(name, rows, score, np.inf)
    sets = sort_risk_sets(**rows)
    s, in_time = score[sets.order, 0], weights_by_hand(name, rows)[sets.order]
    later = sets.time[:, None] < sets.time
    survives = later | ((sets.time[:, None] == sets.time) & ~sets.event)
    pairs = in_time[:, None] * (survives & sets.event[:, None])
    c_index = (pairs * (s[:, None] > s)).sum() / pairs.sum()
    excess = pairs * ((s[:, None] > s) - c_index)
    wanted = (excess.sum(axis=0) + excess.sum(axis=1)) / pairs.sum()
    np.testing.assert_allclose(result.c_index[0], c_index, rtol=TWIN_RTOL)
    np.testing.assert_allclose(
        result.influence[:, 0], wanted, rtol=TWIN_RTOL, atol=1e-13
    )


def test_rows_of_weight_zero_are_not_there():
    rows = random_rows(7, 40, ties=True, weights="none", strata=3, delayed=True)
    kept = np.arange(40) % 3 > 0
    for name in ("S", "I"):
        some = weighed(name, rows | {"weights": kept.astype(float)})
        without = weighed(name, {key: value[kept] for key, value in rows.items()})
        np.testing.assert_allclose(some[kept], without, rtol=TWIN_RTOL)


def test_survival_stays_zero_once_everybody_at_risk_has_died():
    """The row at risk to 1 dies alone; who enters later finds a curve that is 0."""
    time, entry = np.array([1.0, 3.0, 4.0]), np.array([0.0, 1.0, 1.0])
    rows = {"time": time, "event": np.ones(3, bool), "entry": entry}
    assert weighed("S", rows).tolist() == [3, 0, 0]

"""Concordance between groups against counting by hand and against every pair in turn.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fahrstats.kernels.concordance import rank_agreement
from fahrstats.kernels.cross_concordance import cross_agreement
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.time_weights import weigh_pairs

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
TWIN_ATOL = 1e-13  # of influences of order 1/n, zero where terms cancel
STEP_RTOL = 1e-5  # central differences of C in one weight, step 1e-5


def sorted_rows(data, weights=None):
    return sort_risk_sets(
        data["time"],
        data["event"],
        entry=data.get("entry"),
        strata=data.get("strata"),
        weights=data.get("weights") if weights is None else weights,
    )


def cross(data, score, group, weights=None, **options):
    """Kernel's answer with rows put back in the order of ``data``."""
    sets = sorted_rows(data, weights)
    g = int(group.max()) + 1
    found = cross_agreement(sets, score[sets.order], group[sets.order], g, **options)
    influences = []
    for influence in (found.of_event, found.of_survivor, found.of_outside):
        back = np.empty_like(influence)
        back[sets.order] = influence
        influences.append(back)
    return found, influences


def kept_uncensored(data, group, strata, weights):
    """Twin of G: chance not to be censored before t, from first principles."""

    def chance(a, s, t):
        inside = (group == a) & (strata == s)
        share = 1.0
        for u in np.unique(data["time"][inside]):
            if u >= t:
                break
            at_u = inside & (data["time"] == u) & ~data["event"]
            outlast = inside & (
                (data["time"] > u) | ((data["time"] == u) & ~data["event"])
            )
            share *= 1 - weights[at_u].sum() / max(weights[outlast].sum(), 1e-300)
        return share

    return chance


def every_pair(data, score, group, *, tau=np.inf, by_censoring=False):
    """Twin: (n, n) matrices of what pairs weigh and win, row i the event, j the other.

    Returns a function from a choice of pairs, (n, n), to C and the influences on it.
    """
    time, event = data["time"], data["event"]
    n = time.size
    entry = data.get("entry", np.full(n, -np.inf))
    strata = data.get("strata", np.zeros(n))
    weights = data.get("weights", np.ones(n))
    t = time[:, None]
    outlasts = (time > t) | ((time == t) & ~event)
    comparable = (event & (time <= tau))[:, None] & outlasts & (entry < t)
    comparable &= (strata[:, None] == strata) & ~np.eye(n, dtype=bool)
    scale = np.ones((n, n))
    if by_censoring:
        chance = kept_uncensored(data, group, strata, weights)
        for i, j in np.argwhere(comparable):
            both = [chance(group[k], strata[i], time[i]) for k in (i, j)]
            scale[i, j] = 1 / (both[0] * both[1])
    s = score[:, None]
    won = scale * comparable * ((s > score) + (s == score) / 2)
    met = scale * comparable
    product = np.outer(weights, weights)

    def judge(chosen):
        n_pairs = (product * met * chosen).sum()
        if not n_pairs:
            return np.nan, np.full(n, np.nan)
        c_index = (product * won * chosen).sum() / n_pairs
        excess = chosen * (won - c_index * met)
        return c_index, weights * ((excess + excess.T) @ weights) / n_pairs

    return judge


def cohort(seed, n=60, *, ties=True, strata=1, weights="none", delayed=False, g=3):
    """Rows in g groups with heavy ties in time and score."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 12, n).astype(float) if ties else rng.permutation(n) + 1.0
    data = {"time": time, "event": rng.random(n) < 0.6}
    if strata > 1:
        data["strata"] = np.append(np.arange(strata), rng.integers(0, strata, n))[:n]
    if weights == "whole":
        data["weights"] = rng.integers(1, 4, n).astype(float)
    if weights == "fractional":
        data["weights"] = rng.uniform(0.2, 3, n)
    if delayed:
        data["entry"] = np.floor(time * rng.random(n) * (rng.random(n) < 0.7))
    group = np.append(np.arange(g), rng.integers(0, g, n))[:n]
    return data, rng.integers(0, 25, n).astype(float), group


def check_against_every_pair(data, score, group, **options):
    found, (of_event, of_survivor, of_outside) = cross(data, score, group, **options)
    judge = every_pair(data, score, group, **options)
    g = int(group.max()) + 1

    def close(a, b):
        np.testing.assert_allclose(a, b, rtol=TWIN_RTOL, atol=TWIN_ATOL)

    for a in range(g):
        in_a = group == a
        for b in range(g):
            in_b = group == b
            c_index, influence = judge(np.outer(in_a, in_b))
            close(found.c_index[a, b], c_index)
            own = np.where(in_a, of_event[:, b], 0) + np.where(
                in_b, of_survivor[:, a], 0
            )
            close(own, np.where(in_a | in_b, influence, 0))
        for side, chosen in enumerate([np.outer(in_a, ~in_a), np.outer(~in_a, in_a)]):
            c_index, influence = judge(chosen)
            close(found.outside[a, side], c_index)
            close(of_outside[:, a, side], influence)


def test_five_rows_counted_by_hand():
    """Group 0 has events at 2 (score 4) and 4 (score 3), group 1 is censored.

    The event at 2 meets rows of group 1 of scores 5 and 1, and that at 4 of scores 4
    and 1: two of four pairs are concordant. Group 1 has no event.
    """
    data = {
        "time": np.array([2.0, 3.0, 4.0, 4.0, 5.0]),
        "event": np.array([True, False, True, False, False]),
    }
    score = np.array([4.0, 5.0, 3.0, 4.0, 1.0])
    group = np.array([0, 1, 0, 1, 1])
    found, (of_event, of_survivor, _) = cross(data, score, group)
    assert found.counts[0, 1].tolist() == [2, 2, 1]
    assert found.c_index[0, 1] == 2.5 / 5
    assert found.counts[0, 0].tolist() == [1, 0, 0]
    assert found.counts[1].sum() == 0
    assert np.isnan(found.c_index[1]).all()
    # Leaving the row at 5 out takes two concordant pairs away: 2 - 2 C, over 5 pairs.
    assert of_survivor[4, 0] == pytest.approx((2 - 2 * 2.5 / 5) / 5, rel=TWIN_RTOL)
    assert of_event[0, 1] == pytest.approx((1.5 - 3 * 2.5 / 5) / 5, abs=TWIN_ATOL)


@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
@pytest.mark.parametrize("weights", ["none", "whole", "fractional"])
@pytest.mark.parametrize("strata", [1, 4], ids=["one stratum", "four strata"])
@pytest.mark.parametrize("ties", [False, True], ids=["no tied times", "tied times"])
def test_values_and_influences_equal_those_of_every_pair(
    ties, strata, weights, delayed
):
    options = {"ties": ties, "strata": strata, "weights": weights, "delayed": delayed}
    check_against_every_pair(*cohort(1, **options), tau=8.0)
    check_against_every_pair(*cohort(2, **options, n=30, g=6))


@pytest.mark.parametrize("weights", ["none", "fractional"])
@pytest.mark.parametrize("strata", [1, 3])
def test_pairs_weigh_by_the_chance_that_both_are_seen(strata, weights):
    data, score, group = cohort(3, n=50, strata=strata, weights=weights)
    check_against_every_pair(data, score, group, by_censoring=True)
    check_against_every_pair(data, score, group, by_censoring=True, tau=6.0)
    early = np.where(group == 1, 2.0, data["time"])  # group 1 has nobody left after 2
    cut = {**data, "time": early, "event": data["event"] & (early == data["time"])}
    check_against_every_pair(cut, score, group, by_censoring=True)


def test_within_a_group_it_is_that_of_the_group_alone():
    """With weights by censoring these are Uno's, of the group's own censoring."""
    data, score, group = cohort(4, n=80)
    for by_censoring in (False, True):
        found, influences = cross(data, score, group, by_censoring=by_censoring)
        for a in range(3):
            alone = {k: v[group == a] for k, v in data.items()}
            sets = sorted_rows(alone)
            pairs = weigh_pairs(sets, "n/G2" if by_censoring else "n")
            wanted = rank_agreement(sets, score[group == a][sets.order], pairs)
            assert found.c_index[a, a] == pytest.approx(
                wanted.c_index[0], rel=TWIN_RTOL
            )
            own = (influences[0] + influences[1])[group == a, a]
            np.testing.assert_allclose(
                own[sets.order], wanted.influence[:, 0], rtol=1e-11, atol=TWIN_ATOL
            )


def test_influence_is_the_derivative_in_the_weight():
    data, score, group = cohort(6, n=40, strata=2, weights="fractional", delayed=True)
    _, (_, _, of_outside) = cross(data, score, group)
    step = 1e-5
    for i in range(0, 40, 7):
        moved = np.zeros(40)
        moved[i] = step
        up = cross(data, score, group, data["weights"] + moved)[0].outside
        down = cross(data, score, group, data["weights"] - moved)[0].outside
        slope = data["weights"][i] * (up - down) / (2 * step)
        np.testing.assert_allclose(of_outside[i], slope, rtol=STEP_RTOL, atol=1e-9)


seeds = st.integers(0, 2**32 - 1)
designs = st.fixed_dictionaries(
    {
        "ties": st.booleans(),
        "strata": st.sampled_from([1, 3]),
        "weights": st.sampled_from(["none", "whole", "fractional"]),
        "delayed": st.booleans(),
        "g": st.sampled_from([1, 2, 5]),
    }
)
quick = settings(max_examples=25, deadline=None, derandomize=True)


@quick
@given(seeds, designs)
def test_pairs_within_and_between_groups_are_all_pairs(seed, design):
    data, score, group = cohort(seed, n=25, **design)
    sets = sorted_rows(data)
    everyone = rank_agreement(sets, score[sets.order])
    found, _ = cross(data, score, group)
    np.testing.assert_allclose(
        found.counts.sum(axis=(0, 1)),
        everyone.counts[0, :3],
        rtol=TWIN_RTOL,
        atol=1e-10,
    )
    if np.isfinite(everyone.c_index[0]):
        share = found.counts.sum(axis=2) / found.counts.sum()
        mean = (share * np.nan_to_num(found.c_index)).sum()
        assert mean == pytest.approx(everyone.c_index[0], rel=TWIN_RTOL)


@quick
@given(seeds, designs)
def test_replicated_rows_equal_whole_weights(seed, design):
    data, score, group = cohort(seed, n=25, **{**design, "weights": "whole"})
    copies = np.repeat(np.arange(25), data["weights"].astype(int))
    repeated = {k: v[copies] for k, v in data.items() if k != "weights"}
    weighted, own = cross(data, score, group)
    replicated, others = cross(repeated, score[copies], group[copies])
    np.testing.assert_array_equal(weighted.counts, replicated.counts)
    np.testing.assert_array_equal(weighted.outside, replicated.outside)
    for a, b in zip(own, others, strict=True):
        scale = data["weights"][copies].reshape(-1, *[1] * (a.ndim - 1))
        np.testing.assert_allclose(a[copies], b * scale, rtol=TWIN_RTOL, atol=TWIN_ATOL)


@quick
@given(seeds, designs)
@pytest.mark.parametrize("rescale", [np.exp, lambda s: 1e-9 * s, lambda s: 2 * s - 64])
def test_only_the_order_of_a_score_matters(rescale, seed, design):
    data, score, group = cohort(seed, n=25, **design)
    plain, rescaled = (cross(data, s, group)[1] for s in (score, rescale(score)))
    for a, b in zip(plain, rescaled, strict=True):
        np.testing.assert_array_equal(a, b)


@quick
@given(seeds, designs)
def test_row_order_and_numbers_of_groups_do_not_matter(seed, design):
    data, score, group = cohort(seed, n=25, **design)
    rng = np.random.default_rng(seed)
    order = rng.permutation(25)
    number = rng.permutation(group.max() + 1)  # the new number of each group
    shuffled, _ = cross(
        {k: v[order] for k, v in data.items()}, score[order], number[group[order]]
    )
    plain, _ = cross(data, score, group)
    np.testing.assert_allclose(
        shuffled.counts[np.ix_(number, number)], plain.counts, rtol=1e-12, atol=1e-10
    )
    np.testing.assert_allclose(shuffled.outside[number], plain.outside, rtol=1e-11)


@quick
@given(seeds, designs)
def test_reversing_a_score_gives_one_minus_c(seed, design):
    data, score, group = cohort(seed, n=25, **design)
    plain, reversed_ = (cross(data, s, group)[0] for s in (score, -score))
    np.testing.assert_allclose(reversed_.c_index, 1 - plain.c_index, rtol=1e-11)
    np.testing.assert_allclose(reversed_.outside, 1 - plain.outside, rtol=1e-11)


def test_groups_whose_scores_do_not_overlap_are_ranked_by_the_group_alone():
    """A score shifted up by group: the higher group's events always rank above."""
    data, score, group = cohort(7, n=60)
    found, (of_event, of_survivor, _) = cross(data, score + 100.0 * group, group)
    for a, b in permutations(range(3), 2):
        assert found.c_index[a, b] == (a > b)
        assert (of_event[group == a, b] == 0).all()
        assert (of_survivor[group == b, a] == 0).all()

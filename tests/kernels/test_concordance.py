"""Pair counts and influence against counting by hand and against every pair in turn.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fahrstats.kernels.concordance import PAIRS, rank_agreement
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
TWIN_ATOL = 1e-13  # of influences of order 1/n, zero where terms cancel
STEP_RTOL = 1e-5  # central differences of C in one weight, step 1e-5


def agreement(data, scores, weights=None):
    """Kernel's answer with rows put back in the order of ``data``."""
    risk_sets = sort_risk_sets(
        data["time"],
        data["event"],
        entry=data.get("entry"),
        strata=data.get("strata"),
        weights=data.get("weights") if weights is None else weights,
    )
    result = rank_agreement(risk_sets, scores[risk_sets.order])
    influence = np.empty_like(result.influence)
    influence[risk_sets.order] = result.influence
    return result.c_index, result.counts, influence


def every_pair(data, score):
    """Twin: all n x n pairs as matrices, row i the event and column j the other row."""
    time, event = data["time"], data["event"]
    n = time.size
    entry = data.get("entry", np.full(n, -np.inf))
    strata = data.get("strata", np.zeros(n))
    weights = data.get("weights", np.ones(n))
    t = time[:, None]
    together = (strata[:, None] == strata) & ~np.eye(n, dtype=bool)
    outlasts = (time > t) | ((time == t) & ~event)
    comparable = event[:, None] & together & outlasts & (entry < t)
    same_time = event[:, None] & event & together & (time == t)
    s = score[:, None]
    kinds = {
        "concordant": comparable & (s > score),
        "discordant": comparable & (s < score),
        "tied_score": comparable & (s == score),
        "tied_time": np.triu(same_time & (s != score)),
        "tied_both": np.triu(same_time & (s == score)),
    }
    product = np.outer(weights, weights)
    counts = np.array([(product * kinds[name]).sum() for name in PAIRS])
    won = kinds["concordant"] + kinds["tied_score"] / 2
    n_pairs = counts[:3].sum()
    c_index = (product * won).sum() / n_pairs if n_pairs else np.nan
    excess = won - c_index * comparable
    influence = weights * ((excess + excess.T) @ weights) / (n_pairs or np.nan)
    return c_index, counts, influence


def cohort(seed, n=60, *, ties=True, strata=1, weights="none", delayed=False):
    """Rows with heavy ties in time and score, as the kernel's contract allows."""
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
    scores = np.column_stack([rng.integers(0, 25, n), rng.normal(size=n)])
    return data, scores.astype(float)


def test_five_rows_counted_by_hand():
    """Events at 2 and 4, rows censored at 3, 4 and 5.

    The event at 2 meets four rows: scores 3 and 1 below its 4, one equal, one above.
    The event at 4 meets the row censored at 4, of higher score, and the one at 5.
    """
    data = {
        "time": np.array([2.0, 3.0, 4.0, 4.0, 5.0]),
        "event": np.array([True, False, True, False, False]),
    }
    score = np.array([[4.0], [5.0], [3.0], [4.0], [1.0]])
    c_index, counts, influence = agreement(data, score)
    assert counts.tolist() == [[3, 2, 1, 0, 0]]
    assert c_index[0] == 3.5 / 6
    # Leaving row 5 out takes two concordant pairs away: 2 - 2 C, over 6 pairs.
    assert influence[4, 0] == pytest.approx((2 - 2 * 3.5 / 6) / 6, rel=TWIN_RTOL)


@pytest.mark.parametrize("delayed", [False, True], ids=["all from 0", "delayed entry"])
@pytest.mark.parametrize("weights", ["none", "whole", "fractional"])
@pytest.mark.parametrize("strata", [1, 4], ids=["one stratum", "four strata"])
@pytest.mark.parametrize("ties", [False, True], ids=["no tied times", "tied times"])
def test_counts_and_influence_equal_those_of_every_pair(ties, strata, weights, delayed):
    options = {"ties": ties, "strata": strata, "weights": weights, "delayed": delayed}
    for seed in range(3):
        data, scores = cohort(seed, **options)
        c_index, counts, influence = agreement(data, scores)
        for j in range(scores.shape[1]):
            wanted = every_pair(data, scores[:, j])
            np.testing.assert_allclose(c_index[j], wanted[0], rtol=TWIN_RTOL)
            np.testing.assert_allclose(counts[j], wanted[1], rtol=TWIN_RTOL, atol=1e-10)
            np.testing.assert_allclose(
                influence[:, j], wanted[2], rtol=TWIN_RTOL, atol=TWIN_ATOL
            )


def test_influence_is_the_derivative_in_the_weight():
    data, scores = cohort(5, n=40, strata=2, weights="fractional", delayed=True)
    _, _, influence = agreement(data, scores)
    step = 1e-5
    for i in range(0, 40, 7):
        moved = np.zeros(40)
        moved[i] = step
        up = agreement(data, scores, data["weights"] + moved)[0]
        down = agreement(data, scores, data["weights"] - moved)[0]
        slope = data["weights"][i] * (up - down) / (2 * step)
        np.testing.assert_allclose(influence[i], slope, rtol=STEP_RTOL, atol=1e-9)


def test_influences_sum_to_zero():
    data, scores = cohort(6, n=50, weights="fractional")
    total = agreement(data, scores)[2].sum(axis=0)
    np.testing.assert_allclose(total, 0, atol=TWIN_ATOL)


def test_a_matched_pair_a_stratum_uses_each_pair_once():
    """200 strata of two: C is the share of pairs whose event has the higher score."""
    rng = np.random.default_rng(7)
    data = {
        "time": np.tile([1.0, 2.0], 200),
        "event": np.tile([True, False], 200),
        "strata": np.repeat(rng.permutation(200), 2),
    }
    score = rng.normal(size=(400, 1))
    higher = (score[::2] > score[1::2]).sum()
    c_index, counts, _ = agreement(data, score)
    assert counts[0, :3].tolist() == [higher, 200 - higher, 0]
    assert c_index[0] == higher / 200


@pytest.mark.parametrize("weights", ["none", "fractional"])
def test_no_comparable_pair_gives_no_statistic(weights):
    """Rows follow one another, so nobody is at risk at anybody else's event."""
    n = 9
    data, scores = cohort(8, n=n, weights=weights)
    data |= {"time": np.arange(1.0, n + 1), "entry": np.arange(0.0, n)}
    data["event"] = np.ones(n, bool)
    c_index, counts, influence = agreement(data, scores)
    assert np.isnan(c_index).all()
    assert np.isnan(influence).all()
    assert counts.tolist() == np.zeros((2, 5)).tolist()


def test_whole_weights_beyond_int32_stay_exact():
    data, scores = cohort(9, n=30)
    large = agreement(data, scores, np.full(30, 2.0**28))
    one = agreement(data, scores)
    assert (large[0] == one[0]).all()
    assert (large[1] == one[1] * 2.0**56).all()


seeds = st.integers(0, 2**32 - 1)
designs = st.fixed_dictionaries(
    {
        "ties": st.booleans(),
        "strata": st.sampled_from([1, 3]),
        "weights": st.sampled_from(["none", "whole", "fractional"]),
        "delayed": st.booleans(),
    }
)
quick = settings(max_examples=25, deadline=None, derandomize=True)


@quick
@given(seeds, designs)
def test_row_order_does_not_matter(seed, design):
    data, scores = cohort(seed, n=25, **design)
    order = np.random.default_rng(seed).permutation(25)
    shuffled = agreement({k: v[order] for k, v in data.items()}, scores[order])
    c_index, counts, influence = agreement(data, scores)
    np.testing.assert_allclose(shuffled[0], c_index, rtol=TWIN_RTOL)
    np.testing.assert_allclose(shuffled[1], counts, rtol=TWIN_RTOL, atol=1e-10)
    np.testing.assert_allclose(shuffled[2], influence[order], atol=TWIN_ATOL)


@quick
@given(seeds, designs)
def test_names_of_strata_do_not_matter(seed, design):
    data, scores = cohort(seed, n=25, **{**design, "strata": 3})
    renamed = {**data, "strata": np.array([2, 0, 1])[data["strata"]]}
    np.testing.assert_allclose(
        agreement(renamed, scores)[2], agreement(data, scores)[2], atol=TWIN_ATOL
    )


@quick
@given(seeds, designs)
def test_replicated_rows_equal_whole_weights(seed, design):
    data, scores = cohort(seed, n=25, **{**design, "weights": "whole"})
    copies = np.repeat(np.arange(25), data["weights"].astype(int))
    repeated = {k: v[copies] for k, v in data.items() if k != "weights"}
    weighted, replicated = agreement(data, scores), agreement(repeated, scores[copies])
    assert (weighted[1][:, :3] == replicated[1][:, :3]).all()
    np.testing.assert_array_equal(weighted[0], replicated[0])
    np.testing.assert_allclose(
        weighted[2][copies],
        replicated[2] * data["weights"][copies][:, None],
        rtol=TWIN_RTOL,
        atol=TWIN_ATOL,
    )


@quick
@given(seeds, designs)
def test_reversing_a_score_gives_one_minus_c(seed, design):
    data, scores = cohort(seed, n=25, **design)
    plain, reversed_ = agreement(data, scores), agreement(data, -scores)
    np.testing.assert_allclose(reversed_[0], 1 - plain[0], rtol=TWIN_RTOL)
    np.testing.assert_allclose(reversed_[2], -plain[2], atol=TWIN_ATOL)
    np.testing.assert_allclose(
        reversed_[1], plain[1][:, [1, 0, 2, 3, 4]], rtol=TWIN_RTOL, atol=1e-10
    )


@quick
@given(seeds, designs)
@pytest.mark.parametrize("rescale", [np.exp, lambda s: 1e-9 * s, lambda s: 2 * s - 64])
def test_only_the_order_of_a_score_matters(rescale, seed, design):
    data, scores = cohort(seed, n=25, **design)
    np.testing.assert_array_equal(
        agreement(data, rescale(scores))[2], agreement(data, scores)[2]
    )


@quick
@given(seeds, designs)
def test_cutting_follow_up_into_intervals_leaves_the_pairs_as_they_are(seed, design):
    """Each row is cut in half; only the second half can end in the event."""
    data, scores = cohort(seed, n=25, **design)
    entry = data.get("entry", np.zeros(25))
    middle = (entry + data["time"]) / 2
    halves = {k: np.concatenate([v, v]) for k, v in data.items()}
    halves["entry"] = np.concatenate([entry, middle])
    halves["time"] = np.concatenate([middle, data["time"]])
    halves["event"] = np.concatenate([np.zeros(25, bool), data["event"]])
    whole, cut = agreement(data, scores), agreement(halves, np.tile(scores, (2, 1)))
    np.testing.assert_allclose(cut[1], whole[1], rtol=TWIN_RTOL, atol=1e-10)
    np.testing.assert_allclose(
        cut[2][:25] + cut[2][25:], whole[2], rtol=TWIN_RTOL, atol=TWIN_ATOL
    )

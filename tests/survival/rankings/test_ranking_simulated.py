"""How often intervals of C cover and tests of it reject, on simulated cohorts.

Kernels and rows of tables are called directly, so that thousands of cohorts take
seconds. The bands are those that the methods promise; at 2,000 cohorts three Monte
Carlo standard errors are 1.5 percentage points.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, norm

from fahrstats.kernels.concordance import rank_agreement
from fahrstats.kernels.product_limit import chi_squared
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.simultaneous import largest_statistic, single_step_p
from fahrstats.kernels.time_weights import weigh_pairs

pytestmark = pytest.mark.slow

COHORTS = 2000
N = 400
REJECTS = (0.035, 0.065)
COVERS = (0.93, 0.97)


def simulate(rng, n, k=2):
    """Draw k equally informative, correlated scores of one exponential hazard."""
    risk = rng.normal(size=n)
    scores = 0.8 * risk[:, None] + 0.6 * rng.normal(size=(n, k))
    death = rng.exponential(np.exp(-0.8 * risk))
    censoring = rng.exponential(1.0, n)
    return np.minimum(death, censoring), death <= censoring, scores


def ranked(time, event, scores, time_weight="n", tau=np.inf):
    sets = sort_risk_sets(time, event)
    pairs = weigh_pairs(sets, time_weight, tau)
    return rank_agreement(sets, scores[sets.order], pairs)


def truth(tau, *, censored):
    """C of a cohort so large that its own error is a hundredth of an interval's."""
    rng = np.random.default_rng(99)
    time, event, scores = [], [], []
    for _ in range(20):
        risk = rng.normal(size=50_000)
        death = rng.exponential(np.exp(-0.8 * risk))
        end = rng.exponential(1.0, 50_000) if censored else np.inf
        time.append(np.minimum(death, end))
        event.append(death <= end)
        scores.append(0.8 * risk + 0.6 * rng.normal(size=50_000))
    time, event, score = map(np.concatenate, (time, event, scores))
    return ranked(time, event, score[:, None], tau=tau).c_index[0]


def share(values, band):
    low, high = band
    return low <= np.mean(values) <= high


@pytest.mark.parametrize(
    ("time_weight", "tau"), [("n", np.inf), ("n/G2", 1.5)], ids=["Harrell", "Uno"]
)
def test_the_interval_of_c_covers(time_weight, tau):
    """Harrell's limit depends on censoring; Uno's is that without any, up to tau."""
    wanted = truth(tau, censored=time_weight == "n")
    rng = np.random.default_rng(1)
    covers, covers_estimated = [], []
    for _ in range(COHORTS):
        found = ranked(*simulate(rng, N), time_weight, tau)
        off = np.abs(found.c_index - wanted)
        z = norm.isf(0.025)
        covers.append(off < z * np.linalg.norm(found.influence, axis=0))
        error = np.linalg.norm(found.influence_estimated, axis=0)
        covers_estimated.append(off < z * error)
    assert share(covers, COVERS)
    assert share(covers_estimated, COVERS)


@pytest.mark.parametrize("time_weight", ["n", "n/G2"])
def test_the_paired_test_keeps_its_level(time_weight):
    rng = np.random.default_rng(2)
    rejects = []
    for _ in range(COHORTS):
        found = ranked(*simulate(rng, N), time_weight, 1.5)
        difference = found.influence[:, 0] - found.influence[:, 1]
        z = (found.c_index[0] - found.c_index[1]) / np.linalg.norm(difference)
        rejects.append(2 * norm.sf(abs(z)) < 0.05)
    assert share(rejects, REJECTS)


def test_contrasts_of_four_scores_keep_their_level_together():
    """All six differences; no adjustment at all would reject in 20%.

    The adjusted p value lies between the smallest alone and Sidak's bound, so it is
    computed only where these two disagree.
    """
    signs = np.stack([np.eye(4)[i] - np.eye(4)[j] for j in range(4) for i in range(j)])
    rng = np.random.default_rng(3)
    rejects = []
    for _ in range(COHORTS):
        found = ranked(*simulate(rng, N, k=4))
        influence = found.influence @ signs.T
        z = np.abs(signs @ found.c_index / np.linalg.norm(influence, axis=0)).max()
        alone = 2 * norm.sf(z)
        sidak = 1 - (1 - alone) ** len(signs)
        if alone < 0.05 <= sidak:
            largest = largest_statistic(influence.T @ influence)
            rejects.append(single_step_p(largest, np.array([z]))[0] < 0.05)
        else:
            rejects.append(sidak < 0.05)
    assert share(rejects, REJECTS)


def test_the_heterogeneity_test_keeps_its_level():
    """Three levels of 300, 200 and 100 rows, half of them events, with the same C."""
    rng = np.random.default_rng(4)
    rejects = []
    for _ in range(2 * COHORTS):
        time, event, scores = simulate(rng, 600, k=1)
        c_index, variance = [], []
        for level in (slice(300), slice(300, 500), slice(500, None)):
            found = ranked(time[level], event[level], scores[level])
            c_index.append(found.c_index[0])
            variance.append((found.influence**2).sum())
        first = np.array([[1.0, -1, 0], [1, 0, -1]])
        cov = first @ np.diag(variance) @ first.T
        statistic, df = chi_squared(first @ c_index, cov)
        rejects.append(chi2.sf(statistic, df) < 0.05)
    assert share(rejects, REJECTS)

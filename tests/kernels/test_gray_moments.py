"""Gray's score and its variance, against a twin and in their properties.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest

from fahrstats.kernels.gray_moments import gray_moments
from fahrstats.kernels.product_limit import logrank_moments
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-11  # products of many float64 factors, in another order
SCORE_ATOL = 1e-12  # scores near 0 are differences of numbers near 10


def cohort(seed, n=60, n_groups=3, *, ties=True, n_strata=1):
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 15, n).astype(float) if ties else rng.permutation(n) + 1.0
    strata = rng.integers(0, n_strata, n) if n_strata > 1 else None
    return time, rng.integers(-1, 2, n), rng.integers(0, n_groups, n), strata


def moments(time, cause, group, strata=None, *, code=0, n_groups=3):
    sets = sort_risk_sets(time, cause >= 0, strata=strata)
    order = sets.order
    return gray_moments(sets, cause[order], code, group[order], n_groups)


def by_definition(time, cause, group, *, code=0, n_groups=3):
    """Twin: Gray's sums, each written out for one group and one time at once."""
    times = sorted(set(time[cause >= 0]))
    groups = range(n_groups)
    survival, incidence = dict.fromkeys(groups, 1.0), dict.fromkeys(groups, 0.0)
    pooled = 0.0
    seen = []
    score = np.zeros(n_groups)
    for t in times:
        now = {"G_before": 1 - pooled, "r": {}}
        n_events = np.sum((time == t) & (cause == code))
        for r in groups:
            at_risk = np.sum((group == r) & (time >= t))
            h = at_risk / survival[r] if at_risk else 0.0
            d1 = np.sum((group == r) & (time == t) & (cause == code))
            d2 = np.sum((group == r) & (time == t) & (cause >= 0)) - d1
            modified = h * (1 - incidence[r])
            now["r"][r] = [at_risk, survival[r], h, d1, d2, modified]
        for r in groups:
            at_risk, before, _, d1, d2, _ = now["r"][r]
            if at_risk:
                incidence[r] += before * d1 / at_risk
                survival[r] *= 1 - (d1 + d2) / at_risk
            now["r"][r].append(survival[r])
        h_all = sum(row[2] for row in now["r"].values())
        modified_all = sum(row[5] for row in now["r"].values())
        for r in groups:
            score[r] += now["r"][r][3] - n_events * now["r"][r][5] / modified_all
        now |= {"step": n_events / h_all, "h_all": h_all, "n_events": n_events}
        pooled += n_events / h_all
        now["G"] = 1 - pooled
        seen.append(now)

    def d(k, r, now):
        return now["r"][k][2] * ((k == r) - now["r"][r][2] / now["h_all"])

    def c_after(k, r, first):
        return sum(d(k, r, now) * now["step"] / now["G_before"] for now in seen[first:])

    cov = np.zeros((n_groups, n_groups))
    for j, now in enumerate(seen):
        for r in groups:
            at_risk, before, h, _, d2, _, after = now["r"][r]
            if not at_risk:
                continue
            rest = np.array([c_after(k, r, j + 1) for k in groups])
            ratio = now["G"] / after if after > 0 else 0.0
            a = np.array([d(k, r, now) for k in groups]) + (1 - ratio) * rest
            b = -ratio * rest
            tied = max(now["n_events"] - 1, 0)
            size = now["h_all"] * before - 1
            factor = 1 - tied / size if tied else 1.0
            cov += factor * np.outer(a, a) * now["step"] / h
            factor = 1 - (d2 - 1) / (at_risk - 1) if d2 > 1 else 1.0
            cov += factor * np.outer(b, b) * before * d2 / at_risk / h
    return score, cov


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("ties", [False, True], ids=["no tied times", "tied times"])
@pytest.mark.parametrize("seed", range(3))
def test_moments_are_those_of_the_definition(seed, ties, code):
    time, cause, group, _ = cohort(seed, ties=ties)
    observed, expected, cov = moments(time, cause, group, code=code)
    score, wanted = by_definition(time, cause, group, code=code)
    np.testing.assert_allclose(
        observed - expected, score, rtol=TWIN_RTOL, atol=SCORE_ATOL
    )
    np.testing.assert_allclose(cov, wanted, rtol=TWIN_RTOL, atol=SCORE_ATOL)


def test_strata_add_up():
    time, cause, group, strata = cohort(7, 120, n_strata=3)
    whole = moments(time, cause, group, strata)
    parts = [
        moments(time[strata == s], cause[strata == s], group[strata == s])
        for s in range(3)
    ]
    for total, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_allclose(total, sum(pieces), rtol=TWIN_RTOL, atol=SCORE_ATOL)


@pytest.mark.parametrize("seed", range(3))
def test_expected_events_add_up_and_the_covariance_has_no_common_part(seed):
    observed, expected, cov = moments(*cohort(seed, 90))
    assert expected.sum() == pytest.approx(observed.sum(), rel=1e-13)
    np.testing.assert_allclose(cov, cov.T, atol=1e-12)
    np.testing.assert_allclose(cov.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_with_one_cause_the_score_is_the_log_ranks(seed):
    time, cause, group, _ = cohort(seed)
    cause = np.minimum(cause, 0)
    sets = sort_risk_sets(time, cause >= 0)
    observed, expected, _ = moments(time, cause, group)
    of_logrank = logrank_moments(sets, group[sets.order], 3)
    np.testing.assert_array_equal(observed, of_logrank[0])
    np.testing.assert_allclose(expected, of_logrank[1], rtol=TWIN_RTOL)


def test_a_group_without_events_keeps_its_expected_events():
    time, cause, group, _ = cohort(3)
    cause = np.where(group == 2, -1, cause)
    observed, expected, cov = moments(time, cause, group)
    assert observed[2] == 0
    assert expected[2] > 0
    assert np.isfinite(cov).all()

"""The mixture over tau against adaptive quadrature, and where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from fahrstats.kernels.partial_pooling import mix_over_tau, quantile, standard_deviation

QUAD_RTOL = 1e-8  # quad is asked for 1e-9 of each of four parts


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    k = rng.integers(3, 12)
    v = np.exp(rng.normal(-3, rng.uniform(0, 1.5), k))
    return rng.normal(0, np.sqrt(v + rng.choice([0, 0.05, 1]))), v


def below(y, v, i, limit) -> float:
    """P(theta_i < limit) by quad over tau, y having the density of its contrasts.

    ``i`` None stands for a level that was not seen.
    """
    contrasts = np.diff(np.eye(y.size), axis=0)

    def density(tau):
        inner = contrasts @ np.diag(v + tau**2) @ contrasts.T
        z = contrasts @ y
        log = -(np.linalg.slogdet(inner)[1] + z @ np.linalg.solve(inner, z)) / 2
        return np.exp(log)

    def inside(tau):
        w = 1 / (v + tau**2)
        mu, of_mu = w @ y / w.sum(), 1 / w.sum()
        if i is None:
            mean, variance = mu, tau**2 + of_mu
        else:
            own = tau**2 * w[i]
            mean = own * y[i] + (1 - own) * mu
            variance = own * v[i] + (1 - own) ** 2 * of_mu
        return density(tau) * norm.cdf((limit - mean) / np.sqrt(variance))

    def whole(f):
        unit = np.sqrt(v.mean())
        options = {"limit": 400, "epsabs": 0, "epsrel": 1e-9}
        near = quad(f, 0, 20 * unit, points=[unit], **options)[0]
        return near + quad(f, 20 * unit, np.inf, **options)[0]

    return whole(inside) / whole(density)


@pytest.mark.parametrize("seed", range(6))
def test_quantiles_hold_their_share_of_the_distribution(seed):
    y, v = random_case(seed)
    mixture = mix_over_tau(y, v)
    for probability in (0.025, 0.9):
        limits = quantile(mixture, probability)
        for i in (0, y.size - 1, None):
            limit = limits[-1] if i is None else limits[i]
            share = below(y, v, i, limit)
            assert share == pytest.approx(probability, rel=QUAD_RTOL)


def test_equal_estimates_of_equal_precision_have_one_distribution():
    mixture = mix_over_tau(np.full(5, 0.4), np.full(5, 0.01))
    low, high = quantile(mixture, 0.05), quantile(mixture, 0.95)
    np.testing.assert_allclose((low + high) / 2, 0.4, rtol=1e-12)
    assert np.ptp((high - low)[:5]) < 1e-12
    assert (high - low)[5] > (high - low)[0]


def test_the_standard_deviation_lies_between_that_of_no_and_of_all_pooling():
    y, v = random_case(7)
    sd = standard_deviation(mix_over_tau(y, v))[:-1]
    assert (sd > 0.3 * np.sqrt(1 / (1 / v).sum())).all()
    alike = standard_deviation(mix_over_tau(np.full(30, 1.0), np.full(30, 0.04)))
    assert (alike[:-1] < 0.2).all()

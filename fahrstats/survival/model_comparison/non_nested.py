"""Do two Cox models that are not nested fit the same rows equally well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.cohort.design import Design
from fahrstats.kernels.likelihood_influence import likelihood_influence
from fahrstats.kernels.newton import solve_scaled
from fahrstats.kernels.partial_likelihood import BlockSums, TieBlocks
from fahrstats.kernels.score_residuals import score_residuals
from fahrstats.survival.cox_models.hazards import sum_clusters
from fahrstats.survival.cox_models.maximum import Maximum

FloatArray = NDArray[np.float64]

_NONE = 1e-12
"""Share of the largest eigenvalue, or of the likelihood, that rounding leaves of 0."""

_NODES = 24
"""Points of the contour; more would lose digits to cancellation."""


@dataclass(frozen=True, slots=True)
class LikelihoodDifference:
    """Log partial likelihood of one model minus that of another.

    Attributes
    ----------
    estimate, std_error : float
        The difference and its standard error, from the contributions of all rows.
    statistic, p_value : float
        Normal test that both models are equally close to the truth; missing where they
        give every row the same contribution.
    variance : float
        Sum of squares of the differences between contributions.
    variance_p_value : float
        Probability of a larger ``variance`` if both models described the same hazards;
        where it is large the data do not tell the models apart and the normal test
        means little.
    """

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    variance: float
    variance_p_value: float


def contributions(
    design: Design, blocks: TieBlocks, sums: BlockSums, *, efron: bool
) -> FloatArray:
    """Return what each sorted row, or cluster, adds to the log partial likelihood."""
    influence = likelihood_influence(design.risk_sets, blocks, sums, efron=efron)
    if design.cluster is None:
        return influence
    return sum_clusters(design, influence[:, None])[:, 0]


def likelihood_difference(
    design: Design, b: Maximum, a: Maximum, difference: FloatArray
) -> LikelihoodDifference:
    """Test model ``b`` against model ``a``, fitted to the rows of ``design``.

    ``difference`` holds the contributions of ``b`` minus those of ``a``. A partial
    likelihood ratio of models that are not nested is asymptotically normal with the
    variance of these differences, unless both models describe the same hazards; then
    the variance itself is a sum of chi-squared variables, weighted by the eigenvalues
    of the joint covariance of score residuals (Vuong 1989).

    References
    ----------
    Fine (2002), Biometrika 89:635-647. Vuong (1989), Econometrica 57:307-333.
    """
    estimate = float(b.peak.sums.log_likelihood - a.peak.sums.log_likelihood)
    variance = float(np.square(difference - difference.mean()).sum())
    if variance <= _NONE * abs(a.peak.sums.log_likelihood):
        return LikelihoodDifference(estimate, 0.0, np.nan, np.nan, 0.0, np.nan)
    statistic = estimate / np.sqrt(variance)
    return LikelihoodDifference(
        estimate=estimate,
        std_error=float(np.sqrt(variance)),
        statistic=float(statistic),
        p_value=float(2 * norm.sf(abs(statistic))),
        variance=variance,
        variance_p_value=weighted_chi_squared_sf(variance, _eigenvalues(design, b, a)),
    )


def weighted_chi_squared_sf(x: float, weights: FloatArray) -> float:
    """Probability that a weighted sum of squared standard normals exceeds ``x``.

    ``weights`` are positive. Inverts the Laplace transform on Talbot's contour (Abate
    and Valko 2004, International Journal for Numerical Methods in Engineering
    60:979-993), to an absolute 1e-9.
    """
    scaled, x = weights / weights.max(), x / weights.max()
    angle = np.arange(1, _NODES) * np.pi / _NODES
    cot = 1 / np.tan(angle)
    radius = 2 * _NODES / (5 * x)
    nodes = radius * np.append(1, angle * (cot + 1j))
    steps = np.append(0.5, 1 + 1j * (angle + (angle * cot - 1) * cot))
    transform = 1 / np.sqrt(1 + 2 * np.outer(scaled, nodes)).prod(axis=0) / nodes
    below = radius / _NODES * (np.exp(x * nodes) * transform * steps).real.sum()
    return float(np.clip(1 - below, 0.0, 1.0))


def _eigenvalues(design: Design, b: Maximum, a: Maximum) -> FloatArray:
    """Weights of the chi-squared variables that the variance is made of."""
    sets = design.risk_sets
    size = b.Z.shape[1] + a.Z.shape[1]
    parts = []
    products = np.zeros((size, size))
    for (_, ours), (_, theirs) in zip(
        score_residuals(sets, b.blocks, b.peak.sums, b.Z),
        score_residuals(sets, a.blocks, a.peak.sums, a.Z),
        strict=True,
    ):
        both = np.hstack([ours, -theirs])
        if design.cluster is None:
            products += both.T @ both
        else:
            parts.append(both)
    if design.cluster is not None:
        grouped = sum_clusters(design, np.concatenate(parts))
        products = grouped.T @ grouped
    inverse = np.zeros((size, size))
    cut = b.Z.shape[1]
    inverse[:cut, :cut] = solve_scaled(b.information, np.eye(cut))
    inverse[cut:, cut:] = -solve_scaled(a.information, np.eye(size - cut))
    cov = inverse.T @ products @ inverse
    values, vectors = np.linalg.eigh(products)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    found = np.linalg.eigvalsh(root.T @ cov @ root)
    return np.asarray(found[found > _NONE * found.max()], np.float64)

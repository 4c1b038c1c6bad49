"""Influence of every row on the coefficients of a Cox model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.kernels.score_residuals import score_residuals
from fahrstats.survival.cox_models.maximum import Maximum, model_covariance

FloatArray = NDArray[np.float64]


def coefficient_influences(design: Design, maximum: Maximum) -> FloatArray:
    """Influence of every row on each of p coefficients, (n, p), in data order.

    Its squares, summed over rows or clusters, are the sandwich; 0 for coefficients
    without a finite estimate, which no row moves.
    """
    finite = maximum.is_finite
    bread = model_covariance(maximum) * maximum.spread[finite]
    influence = np.zeros((design.n, finite.size))
    order = design.risk_sets.order
    for rows, residuals in score_residuals(
        design.risk_sets, maximum.blocks, maximum.peak.sums, maximum.Z
    ):
        influence[np.ix_(order[rows], finite)] = residuals @ bread.T
    return influence

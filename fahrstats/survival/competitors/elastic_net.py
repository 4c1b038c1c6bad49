"""Penalised Cox coefficients, their penalty chosen by cross-validated likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.kernels.partial_likelihood import block_sums, find_tie_blocks
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets
from fahrstats.survival.competitors.folds import deal_folds

FloatArray = NDArray[np.float64]

_LASSO_SHARE = 0.5
"""Share of the penalty that is the lasso's; the rest is the ridge's."""

_N_FOLDS = 5
_N_PENALTIES = 50


def choose_elastic_net(design: Design, Z: FloatArray, *, seed: int) -> FloatArray:
    """Return coefficients at the penalty with the best cross-validated likelihood.

    ``Z`` (n, q) holds standardised columns in the order of the design's rows. What a
    fold adds to the log partial likelihood, beyond that of the rows learned from, is
    summed over five folds (Verweij and van Houwelingen 1993, Statistics in Medicine
    12:2305-2314).
    """
    penalties, path = _path(design.time, design.event, Z)
    everyone = sort_risk_sets(design.time, design.event)
    folds = deal_folds(design, min(_N_FOLDS, design.n_events), seed)
    gained = np.zeros(penalties.size)
    for fold in range(folds.max() + 1):
        seen = folds != fold
        _, betas = _path(design.time[seen], design.event[seen], Z[seen], penalties)
        others = sort_risk_sets(design.time[seen], design.event[seen])
        gained += _log_likelihoods(everyone, Z @ betas)
        gained -= _log_likelihoods(others, Z[seen] @ betas)
    return np.ascontiguousarray(path[:, np.argmax(gained)])


def _path(
    time: FloatArray,
    event: NDArray[np.bool_],
    Z: FloatArray,
    penalties: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return penalties, falling, and the coefficients (q, n_penalties) at each."""
    from sksurv.linear_model import CoxnetSurvivalAnalysis
    from sksurv.util import Surv

    model = CoxnetSurvivalAnalysis(
        n_alphas=_N_PENALTIES, alphas=penalties, l1_ratio=_LASSO_SHARE
    )
    model.fit(Z, Surv.from_arrays(event, time))
    coefs = np.asarray(model.coef_, np.float64)
    if penalties is None:
        return np.asarray(model.alphas_, np.float64), coefs
    # The library stops where smaller penalties change nothing.
    stopped = penalties.size - coefs.shape[1]
    return penalties, np.pad(coefs, ((0, 0), (0, stopped)), "edge")


def _log_likelihoods(sets: RiskSets, predictors: FloatArray) -> FloatArray:
    """Log partial likelihood of each column of linear predictors, Breslow's ties."""
    blocks = find_tie_blocks(sets)
    ordered = predictors[sets.order].T
    return np.array(
        [
            block_sums(
                sets, blocks, np.ascontiguousarray(one), efron=False
            ).log_likelihood
            for one in ordered
        ]
    )

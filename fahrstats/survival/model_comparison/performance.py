"""How accurate models' predictions are on given rows, as vectors of measures.

The same vectors are computed for models as fitted, for models fitted to a bootstrap
draw on that draw, and for these on all rows; the difference of the last two is their
optimism.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.kernels.calibration import (
    calibration_distances,
    observed_and_expected,
    smooth_risk,
)
from fahrstats.kernels.censoring_weights import CensoringWeights, weigh_by_censoring
from fahrstats.kernels.discrimination import auc, rank_scores
from fahrstats.kernels.draws import draw_risk_sets
from fahrstats.kernels.net_benefit import count_reached, net_benefit
from fahrstats.kernels.newton import maximize, standardize
from fahrstats.kernels.partial_likelihood import (
    BlockSums,
    TieBlocks,
    block_sums,
    find_tie_blocks,
)
from fahrstats.kernels.prediction_error import brier, null_brier
from fahrstats.kernels.reclassification import (
    category_direction,
    direction,
    shift_between,
)
from fahrstats.kernels.resampled_concordance import (
    RankedRows,
    rank_rows,
    resampled_c_index,
)
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets
from fahrstats.survival.model_comparison.measures import Plan
from fahrstats.survival.predictions.horizons import tied_horizons

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judges:
    """Rows that predictions are judged on, in two orders.

    Attributes
    ----------
    sets, blocks : RiskSets, TieBlocks
        The rows within strata, as models are fitted.
    flat, flat_blocks : RiskSets, TieBlocks
        The same rows as one stratum, as predicted risks are judged.
    to_flat : ndarray of int64, shape (n,)
        Position in ``sets`` of every row of ``flat``.
    null_log_likelihood : float
        Log partial likelihood without covariates.
    weights : tuple of CensoringWeights
        Of ``flat``, one per horizon.
    """

    sets: RiskSets
    blocks: TieBlocks
    flat: RiskSets
    flat_blocks: TieBlocks
    to_flat: NDArray[np.int64]
    null_log_likelihood: float
    weights: tuple[CensoringWeights, ...]


def judge_all(design: Design, plan: Plan, *, efron: bool) -> Judges:
    """Let all rows of a design judge."""
    sets, flat = design.risk_sets, design.risk_sets
    if design.strata is not None:
        flat = sort_risk_sets(design.time, design.event, weights=design.weights)
    blocks = find_tie_blocks(sets)
    null = block_sums(sets, blocks, np.zeros(design.n), efron=efron)
    return Judges(
        sets=sets,
        blocks=blocks,
        flat=flat,
        flat_blocks=blocks if flat is sets else find_tie_blocks(flat),
        to_flat=np.argsort(sets.order)[flat.order],
        null_log_likelihood=null.log_likelihood,
        weights=tuple(
            weigh_by_censoring(flat, at) for at in tied_horizons(design, plan.horizons)
        ),
    )


def judge_drawn(judges: Judges, counts: NDArray[np.int64], *, efron: bool) -> Drawn:
    """Let the rows of a bootstrap draw judge; ``counts`` in the order of ``sets``."""
    sets, kept = draw_risk_sets(judges.sets, counts)
    flat, kept_flat = sets, kept
    if judges.flat is not judges.sets:
        flat, kept_flat = draw_risk_sets(judges.flat, counts[judges.to_flat])
    blocks = find_tie_blocks(sets)
    null = block_sums(sets, blocks, np.zeros(kept.size), efron=efron)
    position = np.cumsum(counts > 0) - 1
    drawn = Judges(
        sets=sets,
        blocks=blocks,
        flat=flat,
        flat_blocks=blocks if flat is sets else find_tie_blocks(flat),
        to_flat=position[judges.to_flat[kept_flat]],
        null_log_likelihood=null.log_likelihood,
        weights=tuple(weigh_by_censoring(flat, w.horizon) for w in judges.weights),
    )
    return Drawn(judges=drawn, kept=kept, kept_flat=kept_flat)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Rows of a bootstrap draw, and where they stand among all rows.

    Attributes
    ----------
    judges : Judges
        The rows drawn, their weights multiplied by how often.
    kept, kept_flat : ndarray of int64
        Their positions in ``sets`` and in ``flat`` of all rows.
    """

    judges: Judges
    kept: NDArray[np.int64]
    kept_flat: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model says of n rows, ranked and counted once.

    Attributes
    ----------
    linear_predictor : ndarray of shape (n,)
        In the order of ``sets``.
    ranked : RankedRows
        Its ranks within strata.
    ranks : ndarray of int32, shape (n, 1)
        Its ranks in the order of ``flat``.
    risk : ndarray of shape (n, n_horizons)
        Predicted risks, in the order of ``flat``.
    reached : ndarray of int64, shape (n, n_horizons)
        Thresholds that each risk reaches.
    """

    linear_predictor: FloatArray
    ranked: RankedRows
    ranks: NDArray[np.int32]
    risk: FloatArray
    reached: NDArray[np.int64]


def predict(
    judges: Judges, plan: Plan, linear_predictor: FloatArray, hazards: FloatArray
) -> Predictions:
    """Predict risks of all rows from cumulative hazards by stratum and horizon."""
    sets = judges.sets
    of_row = hazards
    if len(hazards) > 1:
        of_row = np.repeat(hazards, np.diff(sets.stratum_start), axis=0)
    risk = -np.expm1(-of_row * np.exp(linear_predictor)[:, None])
    ranked = rank_rows(sets, linear_predictor[:, None])
    ranks = ranked.rank.T
    if judges.flat is not sets:
        ranks = rank_scores(linear_predictor[judges.to_flat])
    flat_risk = np.asarray(risk[judges.to_flat], np.float64)
    return Predictions(
        linear_predictor=linear_predictor,
        ranked=ranked,
        ranks=ranks,
        risk=flat_risk,
        reached=count_reached(flat_risk, plan.thresholds),
    )


def predictions_of(predictions: Predictions, drawn: Drawn) -> Predictions:
    """Return the predictions for the rows of a draw."""
    ranked = predictions.ranked
    return Predictions(
        linear_predictor=predictions.linear_predictor[drawn.kept],
        ranked=RankedRows(
            drawn.judges.sets, ranked.rank[:, drawn.kept], ranked.n_ranks
        ),
        ranks=predictions.ranks[drawn.kept_flat],
        risk=predictions.risk[drawn.kept_flat],
        reached=predictions.reached[drawn.kept_flat],
    )


def baseline_hazards(
    judges: Judges, sums: BlockSums, linear_predictor: FloatArray
) -> FloatArray:
    """Cumulative hazard by stratum and horizon where the linear predictor is 0.

    Missing where the linear predictor spans so much that sums have no common unit.
    """
    stratum_block = judges.blocks.stratum_block
    if sums.shrink.size:
        return np.full((stratum_block.size - 1, len(judges.weights)), np.nan)
    middle = (linear_predictor.min() + linear_predictor.max()) / 2
    block_time = judges.sets.time[judges.sets.tie_start[:-1]]
    until = block_time[:, None] <= np.array([w.horizon for w in judges.weights])
    steps = sums.per_block[0][:, None] * until
    total = np.add.reduceat(steps, stratum_block[:-1], axis=0)
    return np.asarray(total * np.exp(-middle), np.float64)


def likelihood_and_slope(
    judges: Judges, linear_predictor: FloatArray, *, efron: bool
) -> tuple[float, float]:
    """Likelihood ratio against no covariates, and the slope that would maximise it."""
    sets, blocks = judges.sets, judges.blocks
    sums = block_sums(sets, blocks, linear_predictor, efron=efron)
    ratio = 2 * (sums.log_likelihood - judges.null_log_likelihood)
    order = np.arange(sets.time.size)
    Z, _, spread = standardize(linear_predictor[:, None], order)
    if not spread[0] > 0:
        return ratio, np.nan
    peak = maximize(sets, blocks, Z, efron=efron, start=spread)
    return ratio, float(peak.beta[0] / spread[0])


def measure_model(
    judges: Judges,
    predictions: Predictions,
    plan: Plan,
    lr_chi2: float,
    slope: float,
) -> FloatArray:
    """Return the numbers of :attr:`Plan.of_model`."""
    c_index = resampled_c_index(predictions.ranked, judges.sets.weights)[0]
    numbers = [np.array([lr_chi2, c_index, slope])]
    for k, weights in enumerate(judges.weights):
        risk = predictions.risk[:, [k]]
        error, null = brier(weights, risk)[0], null_brier(weights)
        observed, expected = observed_and_expected(judges.flat, weights, risk)
        numbers.append(
            np.array(
                [
                    auc(weights, predictions.ranks)[0],
                    error,
                    1 - error / null,
                    observed / expected if expected > 0 else np.nan,
                    *_distances(judges, k, risk[:, 0], observed),
                ]
            )
        )
    for k, weights in enumerate(judges.weights):
        reached = predictions.reached[:, [k]]
        benefit = net_benefit(judges.flat, weights.horizon, reached, plan.thresholds)
        numbers.append(benefit[:, 0])
    return np.concatenate(numbers)


def measure_pairs(
    judges: Judges, predictions: Sequence[Predictions], plan: Plan
) -> FloatArray:
    """Return the numbers of :attr:`Plan.of_pair` for every two models, later - earlier.

    Shape (n_pairs, n_measures), pairs in the order of ``itertools.combinations``.
    """
    pairs = list(combinations(range(len(predictions)), 2))
    numbers = np.empty((len(pairs), len(plan.of_pair)))
    for row, (i, j) in enumerate(pairs):
        found: list[float] = []
        for k, weights in enumerate(judges.weights):
            moves = moves_between(
                predictions[i].risk[:, k], predictions[j].risk[:, k], plan
            )
            shift = shift_between(weights, moves)
            found += [shift[2, 0], shift[2, 1], shift[0, 1], shift[1, 1]]
            found += list(shift[2, 2:])
        numbers[row] = found
    return numbers


def moves_between(old: FloatArray, new: FloatArray, plan: Plan) -> FloatArray:
    """Return how predicted risks move: change, direction, change of category.

    Shape (n, 2), or (n, 3) with categories.
    """
    moves = [new - old, direction(old, new)]
    if plan.cut_points.size:
        moves.append(category_direction(old, new, plan.cut_points))
    return np.column_stack(moves)


def _distances(judges: Judges, k: int, risk: FloatArray, observed: float) -> FloatArray:
    """Return ICI, E50 and E90 at horizon k.

    A constant risk has one distance; one with too few distinct values for a spline has
    no smooth curve.
    """
    if risk.min() == risk.max():
        return np.full(3, abs(observed - risk[0]))
    horizon = judges.weights[k].horizon
    smooth = smooth_risk(judges.flat, judges.flat_blocks, horizon, risk)
    return calibration_distances(risk, smooth, judges.flat.weights)

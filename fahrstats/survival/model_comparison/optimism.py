"""Models fitted again to bootstrap draws: how much their accuracy is flattered.

Whole model building is repeated: coefficients, baseline hazards, and what transforms
such as splines learn from the rows (Harrell, Lee and Mark 1996, Statistics in Medicine
15:361-387). A row drawn twice is a row of weight 2.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.cohort.encoding import learn_again
from fahrstats.errors import DataError
from fahrstats.kernels.newton import Peak, maximize, standardize
from fahrstats.kernels.partial_likelihood import BlockSums, linear_predictor
from fahrstats.resampling import draw_counts, map_in_order
from fahrstats.survival.cox_models.maximum import Maximum
from fahrstats.survival.model_comparison.measures import Plan
from fahrstats.survival.model_comparison.model_set import ModelSet
from fahrstats.survival.model_comparison.performance import (
    Drawn,
    Judges,
    Predictions,
    baseline_hazards,
    judge_drawn,
    likelihood_and_slope,
    measure_model,
    measure_pairs,
    predict,
    predictions_of,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEWEST = 20
"""Draws below which percentiles mean nothing."""

_COLLAPSED = 1e-3
"""Share left of a column's information at which its estimate runs away."""


def check_counts(*, n_boot: int, n_workers: int) -> None:
    """Refuse numbers of draws and workers that are none.

    Raises
    ------
    DataError
        A number is not whole, negative, or too small to take percentiles of.
    """
    is_count = isinstance(n_boot, Integral) and not isinstance(n_boot, bool)
    if not is_count or (n_boot and n_boot < _FEWEST):
        raise DataError(
            f"`n_boot` is {n_boot}; give 0 for no bootstrap, or at least {_FEWEST} "
            "draws, since limits are percentiles of them."
        )
    if not isinstance(n_workers, Integral) or n_workers < 1:
        raise DataError(f"`n_workers` is {n_workers}; give a whole number from 1 on.")


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Measures of k models fitted to each of ``n_boot`` draws.

    Attributes
    ----------
    in_draw, on_all : ndarray of shape (n_boot, k, n_measures)
        Measured on the draw that the model was fitted to, and on all rows.
    pairs_in_draw, pairs_on_all : ndarray of shape (n_boot, n_pairs, n_measures)
        The same of every two models.
    n_unbounded : ndarray of int64, shape (k,)
        Draws in which a model's likelihood had no finite maximum.
    """

    in_draw: FloatArray
    on_all: FloatArray
    pairs_in_draw: FloatArray
    pairs_on_all: FloatArray
    n_unbounded: IntArray


def resample(
    models: ModelSet,
    judges: Judges,
    plan: Plan,
    data: pd.DataFrame,
    *,
    n_boot: int,
    seed: int,
    n_workers: int,
) -> Resampled:
    """Fit and measure every model on draws of the rows.

    Clusters are drawn whole, strata separately. The result does not depend on
    ``n_workers``. A bar on the terminal shows progress.
    """
    design = models.designs[0]
    draws = draw_counts(
        seed, n_boot, design.n, strata=design.strata, cluster=design.cluster
    )
    kept = data.iloc[design.rows]
    builders = [
        _builder(design, maximum, kept)
        for design, maximum in zip(models.designs, models.maxima, strict=True)
    ]

    def measure(draw: Callable[[], IntArray]) -> _OneDraw:
        return _measure_draw(models, builders, judges, plan, draw())

    found = list(_shown(map_in_order(measure, draws, n_workers=n_workers), n_boot))
    return Resampled(
        in_draw=np.stack([one.in_draw for one in found]),
        on_all=np.stack([one.on_all for one in found]),
        pairs_in_draw=np.stack([one.pairs_in_draw for one in found]),
        pairs_on_all=np.stack([one.pairs_on_all for one in found]),
        n_unbounded=np.sum([one.is_unbounded for one in found], axis=0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _OneDraw:
    """What one draw adds to :class:`Resampled`."""

    in_draw: FloatArray
    on_all: FloatArray
    pairs_in_draw: FloatArray
    pairs_on_all: FloatArray
    is_unbounded: NDArray[np.bool_]


def _measure_draw(
    models: ModelSet,
    builders: list[Callable[[IntArray], FloatArray]],
    judges: Judges,
    plan: Plan,
    counts: IntArray,
) -> _OneDraw:
    """Fit every model to one draw, and measure it there and on all rows."""
    drawn = judge_drawn(judges, counts[judges.sets.order], efron=models.efron)
    fitted = [
        _fit_to_draw(drawn, build(counts), maximum, efron=models.efron)
        for build, maximum in zip(builders, models.maxima, strict=True)
    ]
    on_all, in_draw = [], []
    everywhere: list[Predictions] = []
    for fit in fitted:
        predictor = fit.linear_predictor
        hazards = baseline_hazards(drawn.judges, fit.peak.sums, predictor[drawn.kept])
        predictions = predict(judges, plan, predictor, hazards)
        ratio, slope = likelihood_and_slope(judges, predictor, efron=models.efron)
        on_all.append(measure_model(judges, predictions, plan, ratio, slope))
        own_ratio = 2 * (
            fit.peak.sums.log_likelihood - drawn.judges.null_log_likelihood
        )
        own = predictions_of(predictions, drawn)
        in_draw.append(measure_model(drawn.judges, own, plan, own_ratio, 1.0))
        everywhere.append(predictions)
    return _OneDraw(
        in_draw=np.stack(in_draw),
        on_all=np.stack(on_all),
        pairs_in_draw=measure_pairs(
            drawn.judges, [predictions_of(p, drawn) for p in everywhere], plan
        ),
        pairs_on_all=measure_pairs(judges, everywhere, plan),
        is_unbounded=np.array([fit.is_unbounded for fit in fitted]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _DrawFit:
    """A model fitted to a draw; its linear predictor for all rows."""

    peak: Peak[BlockSums]
    linear_predictor: FloatArray
    is_unbounded: bool


def _fit_to_draw(
    drawn: Drawn, Z: FloatArray, maximum: Maximum, *, efron: bool
) -> _DrawFit:
    """Maximise the likelihood of the rows drawn, from the estimates of all rows.

    A column that does not vary among the rows drawn (a level that was not drawn) has no
    estimate, and adds nothing.
    """
    own = np.ascontiguousarray(Z[drawn.kept])
    varies = (own != own[:1]).any(axis=0)
    start = np.where(varies, maximum.peak.beta, 0.0)
    sets, blocks = drawn.judges.sets, drawn.judges.blocks
    peak = maximize(sets, blocks, own, efron=efron, start=start)
    is_lost = peak.sums.log_likelihood < drawn.judges.null_log_likelihood
    if is_lost or not peak.has_converged:
        # From far off, as where knots have moved, a climb can end where all is flat.
        peak = maximize(sets, blocks, own, efron=efron)
    before = np.diag(maximum.peak.information)
    has_collapsed = np.diag(peak.information) < _COLLAPSED * before
    return _DrawFit(
        peak=peak,
        linear_predictor=linear_predictor(Z, peak.beta),
        is_unbounded=bool((has_collapsed & varies).any() or not peak.has_converged),
    )


def _builder(
    design: Design, maximum: Maximum, kept: pd.DataFrame
) -> Callable[[IntArray], FloatArray]:
    """Return what makes a model's standardised columns from the counts of a draw."""
    order, estimated = design.risk_sets.order, maximum.is_estimated

    def standardized(X: FloatArray) -> FloatArray:
        return standardize(np.ascontiguousarray(X[:, estimated]), order)[0]

    if not design.encoder.spec.transform_state:
        Z = standardized(design.X)
        return lambda counts: Z
    rows = np.arange(design.n)
    return lambda counts: standardized(
        learn_again(design.encoder, kept, np.repeat(rows, counts))
    )


def _shown(found: Iterable[_OneDraw], n_boot: int) -> Iterable[_OneDraw]:
    """Show progress on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return found
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(found, "Bootstrap draws", total=n_boot, console=console)

"""Differences of a measure between levels, and what is left of them after the fit."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from fahrstats.kernels.cross_covariance import without_rounding
from fahrstats.survival.subgroup_audits.audited_measures import Measure
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEWER: Final = "fewer than two levels can be estimated"
BY_CONSTRUCTION: Final = "alike by construction: the model was fitted to these levels"
NO_VARIATION: Final = "no variation to test"

_LEAST_LEFT = 0.01
"""Share of the variance that a fit must leave a difference for it to say anything."""

_CONFOUNDED = 1e-9
"""Eigenvalue of a correlation matrix that rounding alone can leave."""


def comparable(part: AuditedPart, m: int) -> IntArray:
    """Levels that have measure ``m`` with a standard error."""
    y, s = part.estimate[:, m], part.std_error[:, m]
    return np.flatnonzero(np.isfinite(y) & np.isfinite(s) & (s > 0))


def events_counted(part: AuditedPart, measure: Measure) -> IntArray:
    """Events of every level that count for a measure."""
    sizes = part.sizes
    return sizes.n_events_until if measure.at_horizon else sizes.n_events


def differences(
    part: AuditedPart, m: int, pairs: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Differences between pairs (d, 2) of levels, with their joint covariances (d, d).

    The first allows for the fit that levels share, the second takes predictions as
    given.
    """
    return _contrasts(part.estimate[:, m], part.cov[m], part.cov_given[m], pairs)


def differences_in_logit(
    part: AuditedPart, m: int, pairs: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Differences between pairs of levels in the logit of a concordance, for testing.

    A level of few events that happens to rank well has a small standard error too, and
    would weigh the most; on the scale of the logit it has not. The variance is that of
    a sample of d events, d / (d - 1) times the one of :func:`differences`.
    """
    c, d = part.estimate[:, m], np.maximum(part.sizes.n_events, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.sqrt(d / (d - 1)) / (c * (1 - c))
        estimate = logit(c)
    slope[~np.isfinite(slope)] = 0.0  # at 0 or 1, without variance and not compared
    scale = np.outer(slope, slope)
    return _contrasts(estimate, part.cov[m] * scale, part.cov_given[m] * scale, pairs)


def _contrasts(
    estimate: FloatArray, cov: FloatArray, given: FloatArray, pairs: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Differences of pairs, and both covariances of them."""
    first, second = pairs.T
    of_pairs = np.zeros((len(pairs), estimate.size))
    every = np.arange(len(pairs))
    of_pairs[every, first], of_pairs[every, second] = 1.0, -1.0
    of_cov, of_given = (
        of_pairs @ np.nan_to_num(between, posinf=0.0) @ of_pairs.T
        for between in (cov, given)
    )
    variance = np.diag(given)
    of_given = without_rounding(of_given, variance[first], variance[second])
    return estimate[first] - estimate[second], of_cov, of_given


def is_left(cov: FloatArray, given: FloatArray) -> BoolArray:
    """Which of d differences vary, the fit not having made them equal."""
    left = np.diag(cov) > _LEAST_LEFT * np.diag(given)
    return np.asarray(left & (np.diag(given) > 0), np.bool_)


def why_not_left(given: FloatArray) -> str:
    """Say why differences cannot be tested."""
    return BY_CONSTRUCTION if np.diag(given).any() else NO_VARIATION


def equality_statistic(
    delta: FloatArray, cov: FloatArray, given: FloatArray
) -> tuple[float, int]:
    """Chi-squared statistic of d differences, and its degrees of freedom.

    A model with a coefficient for every level makes levels alike; directions in which
    the fit has left next to nothing of the variance are not tested, nor those without
    any.
    """
    varies = np.diag(given) > 0
    spread = np.sqrt(np.diag(given)[varies])
    both = np.ix_(varies, varies)
    values, vectors = np.linalg.eigh(given[both] / np.outer(spread, spread))
    kept = values > _CONFOUNDED
    whitened = (vectors[:, kept] / np.sqrt(values[kept])).T / spread
    left, directions = np.linalg.eigh(whitened @ cov[both] @ whitened.T)
    tested = left > _LEAST_LEFT
    along = (whitened @ delta[varies]) @ directions[:, tested]
    return float(along @ (along / left[tested])), int(tested.sum())

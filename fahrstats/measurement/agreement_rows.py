"""Everything that is estimated of some pairs of scores, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fahrstats.measurement import agreement_statistics as statistics
from fahrstats.measurement import pair_correlation as correlation
from fahrstats.measurement.agreement_statistics import Estimate
from fahrstats.measurement.change_tests import FEWEST
from fahrstats.measurement.weighted_kappa import KAPPA_WEIGHTS, weighted_kappa

FloatArray = NDArray[np.float64]

_CORRELATIONS = {
    "icc_2_1": correlation.icc_agreement,
    "icc_3_1": correlation.icc_consistency,
    "pearson": correlation.pearson,
    "ccc": correlation.concordance_correlation,
}
_OF_CHANGE = ("mean_change", "mean_absolute_change", "sd_change")
_OF_SPREAD = ("loa_low", "loa_high", "repeatability")
_KAPPAS = tuple(f"kappa_{weights}" for weights in KAPPA_WEIGHTS)
_OF_GROUPS = ("share_changed_quantile", *_KAPPAS)
_ESTIMANDS = (*_OF_CHANGE, *_OF_SPREAD, *_CORRELATIONS, "share_moved", *_OF_GROUPS)
_NO_INTERVAL = {
    "icc_2_1": "the means of pairs do not vary",
    "icc_3_1": "the means of pairs do not vary",
    "pearson": "fewer than 4 pairs",
    "ccc": "the correlation is 0",
    **dict.fromkeys(_KAPPAS, "its standard error is 0"),
}
_UNKNOWN = Estimate(np.nan)


def estimate_rows(
    first: FloatArray,
    second: FloatArray,
    tail: float,
    *,
    moved: float,
    cut_points: Sequence[float],
) -> Iterator[dict[str, Any]]:
    """Yield a row for every estimand of some pairs, those without an estimate included.

    Parameters
    ----------
    first, second
        The two scores, missing where a photo has none, shape (n,).
    tail
        Probability beyond each limit.
    moved, cut_points
        As in :class:`fahrstats.measurement.agreement_result.Agreement`.
    """
    known = np.isfinite(second - first)
    n = int(known.sum())
    sizes = {"n": n, "n_missing": known.size - n}
    found = dict.fromkeys(_ESTIMANDS, _UNKNOWN)
    if n >= FEWEST:
        found = _estimates(first[known], second[known], tail, moved, cut_points)
    few = f"not estimated: fewer than {FEWEST} pairs" if n < FEWEST else ""
    for estimand, one in found.items():
        yield {
            "estimand": estimand,
            **one._asdict(),
            **sizes,
            "note": few or _why_none(estimand, one),
        }
    yield _lost(np.isfinite(first), np.isfinite(second), tail)


def _estimates(
    first: FloatArray,
    second: FloatArray,
    tail: float,
    moved: float,
    cut_points: Sequence[float],
) -> dict[str, Estimate]:
    """Return the estimands of complete pairs."""
    change = second - first
    low, high = statistics.limits_of_agreement(change, tail)
    has_moved = np.abs(change) > moved * (1 + statistics.ROUNDING)
    return {
        "mean_change": statistics.mean_change(change, tail),
        "mean_absolute_change": statistics.mean_absolute_change(change, tail),
        "sd_change": statistics.sd_change(change, tail),
        "loa_low": low,
        "loa_high": high,
        "repeatability": statistics.repeatability_coefficient(change, tail),
        **{name: find(first, second, tail) for name, find in _CORRELATIONS.items()},
        "share_moved": statistics.share(has_moved, tail),
        **_of_groups(first, second, tail, cut_points),
    }


def _of_groups(
    first: FloatArray, second: FloatArray, tail: float, cut_points: Sequence[float]
) -> dict[str, Estimate]:
    """Return how often, and how far, the group of the score changes."""
    group = partial(np.searchsorted, np.array(cut_points), side="left")
    one, two = (np.asarray(group(scores), np.int64) for scores in (first, second))
    kappas = [
        weighted_kappa(one, two, len(cut_points) + 1, weights, tail)
        for weights in KAPPA_WEIGHTS
    ]
    found = [statistics.share(one != two, tail), *kappas]
    return dict(zip(_OF_GROUPS, found, strict=True))


def _lost(
    has_first: NDArray[np.bool_], has_second: NDArray[np.bool_], tail: float
) -> dict[str, Any]:
    """Return how many photos have no second score, of those with a first."""
    n = int(has_first.sum())
    found = statistics.share(~has_second[has_first], tail) if n else _UNKNOWN
    return {
        "estimand": "share_lost",
        **found._asdict(),
        "n": n,
        "n_missing": has_first.size - n,
        "note": "" if n else "not estimated: no first photo has a score",
    }


def _why_none(estimand: str, found: Estimate) -> str:
    """Say why there is no estimate, or no interval."""
    if np.isnan(found.estimate):
        is_of_groups = estimand in _OF_GROUPS
        what = "all scores are in one group" if is_of_groups else "scores do not vary"
        return f"not estimated: {what}"
    if not np.isnan(found.conf_low):
        return ""
    if found.estimate == 1:
        return "no interval: no pair changes its group"
    return f"no interval: {_NO_INTERVAL[estimand]}"

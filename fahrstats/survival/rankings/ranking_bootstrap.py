"""Bootstrap of concordance: intervals without a formula for the standard error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from numbers import Integral
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.errors import DataError, ResultWarning
from fahrstats.kernels.resampled_concordance import rank_rows, resampled_c_index
from fahrstats.resampling import draw_counts, map_in_order
from fahrstats.survival.options import check_conf_level, refuse_unknown
from fahrstats.survival.rankings.ranking import Concordance, rank_all
from fahrstats.survival.rankings.ranking_rows import weighting_columns
from fahrstats.survival.rankings.scored_rows import ScoredRows, score_rows

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BootstrapInterval = Literal["percentile", "basic"]

_SAME = 1e-12
"""Difference in C that another order of the same rows can make."""


@dataclass(frozen=True, slots=True, eq=False)
class ConcordanceBootstrap:
    """Concordance of k scores in draws of the rows.

    Attributes
    ----------
    estimate : Concordance
        On all rows.
    draws : ndarray of shape (n_boot, k)
        Concordance in each draw; missing in draws without comparable pairs.
    seed : int
        Decided the draws.
    """

    estimate: Concordance
    draws: FloatArray
    seed: int

    def tidy(
        self, *, interval: BootstrapInterval = "percentile", conf_level: float = 0.95
    ) -> pd.DataFrame:
        """One row per score, then one per pair: estimate on all rows and limits.

        ``std_error`` is the standard deviation over draws.

        Parameters
        ----------
        interval
            ``"percentile"``: quantiles of the draws. ``"basic"``: these quantiles
            reflected about the estimate.
        conf_level
            Confidence level.

        References
        ----------
        Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 5.
        """
        refuse_unknown("interval", interval, get_args(BootstrapInterval))
        check_conf_level(conf_level)
        fit, pairs = self.estimate, self._pairs
        first, second = [a for a, _ in pairs], [b for _, b in pairs]
        found = np.append(fit.c_index, fit.c_index[first] - fit.c_index[second])
        draws = np.hstack([self.draws, self.draws[:, first] - self.draws[:, second]])
        draws = draws[~np.isnan(draws).any(axis=1)]
        low = high = std_error = np.full(found.size, np.nan)
        if len(draws) > 1:
            tail = (1 - conf_level) / 2
            low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
            std_error = draws.std(axis=0, ddof=1)
        if interval == "basic":
            low, high = 2 * found - high, 2 * found - low
        names = [f"{fit.terms[a]} - {fit.terms[b]}" for a, b in pairs]
        table = pd.DataFrame(
            {
                **weighting_columns(fit.time_weight, fit.tau),
                "term": [*fit.terms, *names],
                "estimand": ["c_index"] * len(fit.terms)
                + ["delta_c_index"] * len(pairs),
                "estimate": found,
                "std_error": std_error,
                "conf_low": low,
                "conf_high": high,
                "n": fit.n,
                "n_events": fit.n_events,
                "note": self._note(interval),
            }
        )
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: comparable pairs, rows, events and rows left out."""
        return self.estimate.glance()

    def plot(self) -> ggplot:
        """Points and percentile intervals: a panel of scores and one of differences."""
        from fahrstats.display.figures import estimates

        return estimates(self.tidy())

    def summary(self) -> str:
        """Describe the draws as text, each score and difference with its interval."""
        table = self.tidy()
        width = table["term"].map(len).max()
        lines = [
            f"Bootstrap of concordance: {self.estimate.formula}",
            f"{len(self.draws)} draws of {self.estimate.n} rows, seed {self.seed}",
        ]
        for row in table.itertuples():
            name = "C" if row.estimand == "c_index" else "difference in C"
            lines.append(
                f"  {row.term:<{width}}  {name} {row.estimate:.4f}  95% CI "
                f"{row.conf_low:.4f} to {row.conf_high:.4f}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    @property
    def _pairs(self) -> list[tuple[int, int]]:
        return list(combinations(range(len(self.estimate.terms)), 2))

    def _note(self, interval: BootstrapInterval) -> str:
        """Say where the limits come from, and which draws had no pairs."""
        failed = int(np.isnan(self.draws[:, 0]).sum())
        note = f"{interval} limits from {len(self.draws)} draws, seed {self.seed}"
        return note + (f"; {failed} without comparable pairs" if failed else "")


def resample_concordance(
    fit: Concordance, data: pd.DataFrame, *, n_boot: int, seed: int, n_workers: int
) -> ConcordanceBootstrap:
    """Draw the rows of ``fit`` again, as :meth:`Concordance.bootstrap` describes."""
    for name, value, least in (("n_boot", n_boot, 2), ("n_workers", n_workers, 1)):
        if not isinstance(value, Integral) or value < least:
            raise DataError(
                f"`{name}` is {value}; give a whole number of at least {least}."
            )
    rows = _same_rows(fit, data)
    design = rows.design
    draws = draw_counts(
        seed, n_boot, design.n, strata=design.strata, cluster=rows.clusters
    )
    compute = _ranker(rows)
    found = np.stack(list(map_in_order(compute, draws, n_workers=n_workers)))
    return ConcordanceBootstrap(fit, found, seed)


def _same_rows(fit: Concordance, data: pd.DataFrame) -> ScoredRows:
    """Pass the data of a concordance through the gate again, or refuse others."""
    tau = fit.tau if np.isfinite(fit.tau) else None
    with warnings.catch_warnings(action="ignore", category=ResultWarning):
        rows = score_rows(
            fit.formula, data, fit.roles, time_weight=fit.time_weight, tau=tau
        )
    again = rank_all(rows)
    if (again.terms, again.n) != (fit.terms, fit.n) or not np.allclose(
        again.c_index, fit.c_index, rtol=0, atol=_SAME
    ):
        raise DataError(
            f"`data` are not those of the concordance: it ranked {fit.n} rows by "
            f"`{fit.terms[0]}` with C {fit.c_index[0]:.6f}, and with these {again.n} "
            f"rows C is {again.c_index[0]:.6f}; give the data frame that it was "
            "estimated from."
        )
    return rows


def _ranker(rows: ScoredRows) -> Callable[[Callable[[], IntArray]], FloatArray]:
    """Return what ranks one draw: scores are ranked once, rows are weighed anew."""
    sets = rows.design.risk_sets
    ranked = rank_rows(sets, rows.design.X[sets.order])

    def rank_draw(draw: Callable[[], IntArray]) -> FloatArray:
        drawn = replace(sets, weights=sets.weights * draw()[sets.order])
        pairs = rows.weigh(drawn)
        in_time = None if pairs is None else pairs.weight
        return resampled_c_index(ranked, drawn.weights, in_time)

    return rank_draw

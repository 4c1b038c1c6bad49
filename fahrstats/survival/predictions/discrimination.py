"""AUC at stated horizons: how well scores tell early events from long survival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.censoring_weights import CensoringWeights
from fahrstats.kernels.discrimination import auc, auc_influence, rank_scores
from fahrstats.kernels.simultaneous import holm
from fahrstats.survival.influence import (
    difference_std_errors,
    scaled_influence,
    with_normal_test,
)
from fahrstats.survival.predictions.horizons import (
    as_horizons,
    count_at_horizons,
    judge_columns,
    weigh_at,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_REVERSED = "below 0.5: higher scores go with later events"


def time_dependent_auc(
    formula: str,
    data: pd.DataFrame,
    *,
    horizons: float | Sequence[float],
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
) -> TimeDependentAuc:
    """Estimate cumulative/dynamic AUC of scores at horizons, with joint covariance.

    The AUC at t is the probability that, of two rows of which one has the event by t
    and the other is followed beyond t, the first has the higher score; ties in the
    score count one half. 0.5 is no discrimination, 1 perfect; below 0.5 the score falls
    with risk. Rows censored by t, whose state at t is unknown, count through the others
    by inverse probability of censoring weights, whose Kaplan-Meier estimate is part of
    the standard error. Censoring may not depend on the scores.

    Every column of the right-hand side is a score judged on its own, on the rows
    complete for all. Rows with a missing value in any column used are left out and
    counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and scores: ``"Surv(time, event) ~ faceage + age"``.
    data
        One row per subject.
    horizons
        One time or several, in the units of the follow-up time.
    cluster
        Column of subjects or sites whose rows depend on each other; the covariance sums
        influences within clusters.
    weights
        Column of case weights, which multiply the censoring weights.
    id
        Column of subjects, checked for repeats.

    Raises
    ------
    FormulaError
        The formula cannot be read, names no score, or has delayed entry.
    DataError
        A horizon is not above 0, no event happens by it, nobody is followed beyond it,
        a column is a factor, or the data do not pass the gate.

    Warns
    -----
    ResultWarning
        Fewer than a tenth are estimated to be uncensored at a horizon, so that single
        rows weigh much; or fewer than 5 have the event by it or are followed beyond.

    Notes
    -----
    Equal to ``Score`` of R's riskRegression with ``cens.model = "km"`` and
    ``conservative = FALSE``, but for standard errors where events and censored rows tie
    in time: there that package has events at risk of censoring in the variance, though
    not in the weights.

    References
    ----------
    Blanche, Dartigues and Jacqmin-Gadda (2013), Statistics in Medicine 32:5381-5397.

    Examples
    --------
    >>> fit = fs.time_dependent_auc("Surv(time, event) ~ faceage + age", cohort,
    ...                             horizons=[1, 5])
    >>> fit.contrast("faceage", "age")
    """
    times = as_horizons(horizons)
    design = judge_columns(
        formula, data, times, cluster=cluster, weights=weights, id=id
    )
    values, influence = _auc_at(design, weigh_at(design, times))
    n_events, n_censored = count_at_horizons(design, times)
    return TimeDependentAuc(
        formula=formula,
        terms=design.terms,
        horizons=times,
        auc=values,
        cov=influence.T @ influence,
        delta_std_error=difference_std_errors(influence),
        n_events=n_events,
        n_censored=n_censored,
        n=design.n,
        n_clusters=0 if design.cluster is None else len(influence),
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class TimeDependentAuc:
    """AUC of k scores at h horizons.

    Attributes
    ----------
    formula : str
        The formula as given.
    terms : tuple of str
        Names of the scores.
    horizons : tuple of float
        The horizons, rising.
    auc : ndarray of shape (h, k)
        AUC of each score at each horizon.
    cov : ndarray of shape (h k, h k)
        Joint covariance of ``auc``, horizon by horizon.
    delta_std_error : ndarray of shape (h k, h k)
        Standard error of the difference of each two; exactly 0 for scores that order
        all rows alike, which ``cov`` would give up to rounding only.
    n_events, n_censored : ndarray of shape (h,)
        Rows with the event and rows censored up to each horizon.
    n, n_clusters, n_dropped : int
        Rows used, clusters (0 without), rows left out.
    """

    formula: str
    terms: tuple[str, ...]
    horizons: tuple[float, ...]
    auc: FloatArray
    cov: FloatArray
    delta_std_error: FloatArray
    n_events: NDArray[np.int64]
    n_censored: NDArray[np.int64]
    n: int
    n_clusters: int
    n_dropped: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per horizon and score; the test is against 0.5.

        The interval is symmetric and can pass 1 in small samples. ``n_events`` and
        ``n_censored`` count up to the horizon.
        """
        k = len(self.terms)
        table = self._rows(list(self.terms) * len(self.horizons), "auc", k)
        values = self.auc.ravel()
        std_error = np.sqrt(np.diag(self.cov))
        table = with_normal_test(table, values, std_error, conf_level, no_effect=0.5)
        falls = np.where(values < 0.5, _REVERSED, "")
        note = np.where(
            table["statistic"].isna(), "the jackknife sees no variation to test", falls
        )
        table = table.assign(note=note)
        return table[in_order(table.columns)]

    def contrast(self, a: str, b: str, *, conf_level: float = 0.95) -> pd.DataFrame:
        """AUC of ``a`` minus that of ``b`` at each horizon, with the paired z test.

        ``p_adjusted`` is Holm's, over the horizons that have a test. Where the scores
        order all pairs alike the difference is 0 without variation, and the test is
        missing.

        Raises
        ------
        DataError
            A name is not among ``terms``.
        """
        i, j = (self._position(name) for name in (a, b))
        first = np.arange(len(self.horizons)) * len(self.terms)
        std_error = self.delta_std_error[first + i, first + j]
        delta = self.auc[:, i] - self.auc[:, j]
        table = self._rows([f"{a} - {b}"] * len(self.horizons), "delta_auc", 1)
        table = with_normal_test(table, delta, std_error, conf_level, no_effect=0.0)
        is_same = table["statistic"].isna()
        note = np.where(
            is_same, "both order every pair alike: no variation to test", ""
        )
        p_value = table["p_value"].to_numpy(np.float64)
        table = table.assign(p_adjusted=holm(p_value), note=note)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events up to the last horizon and rows left out."""
        values = {
            "n": self.n,
            "n_events": int(self.n_events[-1]),
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """AUC with intervals: a line a score over horizons, or dots at a single one."""
        from fahrstats.display.figures import estimates, over_horizons

        draw = over_horizons if len(self.horizons) > 1 else estimates
        return draw(self.tidy())

    def summary(self) -> str:
        """Describe the result as text: sizes, then each score at each horizon."""
        lines = [
            f"AUC at horizons: {self.formula}",
            f"{self.n} rows, {self.n_dropped} left out; "
            "inverse probability of censoring weights",
        ]
        if self.n_clusters:
            lines.append(f"standard errors from {self.n_clusters} clusters")
        width = max(len(term) for term in self.terms)
        table = self.tidy()
        for h, horizon in enumerate(self.horizons):
            lines.append(
                f"at {horizon:g}: {self.n_events[h]} events, "
                f"{self.n_censored[h]} censored before"
            )
            for row in table[table["time"] == horizon].to_dict("records"):
                note = f"  ({row['note']})" if row["note"] else ""
                lines.append(
                    f"  {row['term']:<{width}}  AUC {row['estimate']:.4f}  "
                    f"SE {row['std_error']:.4f}  95% CI {row['conf_low']:.4f} to "
                    f"{row['conf_high']:.4f}{note}"
                )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _position(self, name: str) -> int:
        """Return the position of a score, or refuse an unknown name."""
        if name not in self.terms:
            scores = ", ".join(f"`{term}`" for term in self.terms)
            raise DataError(f"There is no score `{name}`; the scores are {scores}.")
        return self.terms.index(name)

    def _rows(self, terms: list[str], estimand: str, per_horizon: int) -> pd.DataFrame:
        """Names and sizes of rows, ``per_horizon`` at each horizon."""
        return pd.DataFrame(
            {
                "term": terms,
                "estimand": estimand,
                "time": np.repeat(self.horizons, per_horizon),
                "n_censored": np.repeat(self.n_censored, per_horizon),
                "n": self.n,
                "n_events": np.repeat(self.n_events, per_horizon),
            }
        )


def _auc_at(
    design: Design, weights: Sequence[CensoringWeights]
) -> tuple[FloatArray, FloatArray]:
    """AUC of each score at each horizon (h, k), and the scaled influence (m, h k)."""
    sets = design.risk_sets
    ranks = rank_scores(design.X[sets.order])
    influence = [auc_influence(sets, of_rows, ranks) for of_rows in weights]
    values = [auc(of_rows, ranks) for of_rows in weights]
    return np.stack(values), scaled_influence(design, np.hstack(influence))

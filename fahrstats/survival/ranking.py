"""Concordance: how well scores rank survival, each alone and against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.cohort.design import Design, build_design
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.concordance import rank_agreement

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_ROUNDING = 1e-14
"""A standard error of C below this is what summing in float64 leaves of zero."""


def concordance(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
) -> Concordance:
    """Estimate the concordance of scores with survival, with their joint covariance.

    Harrell's statistic: of the pairs whose order of events is known, the share in which
    the row with the earlier event has the higher score, ties in the score counting one
    half. 0.5 is no discrimination, 1 perfect ranking; below 0.5 the score falls with
    risk. Two rows are comparable if one has the event at t while the other is at risk
    at t and has none at t: rows censored at t have outlasted it, events that tie in
    time are not comparable.

    Every column of the right-hand side is a score judged on its own, on the rows
    complete for all, and ties in scores are exact equality. Rows with a missing value
    in any column used are left out and counted in ``n_dropped``. ``data`` is never
    modified.

    Parameters
    ----------
    formula
        Outcome and scores: ``"Surv(time, event) ~ faceage + age"``. With
        ``Surv(entry, exit, event)`` a row is comparable only with events at which it is
        at risk.
    data
        One row per subject, or per interval a subject is at risk.
    strata
        Column within whose levels pairs are formed.
    cluster
        Column of subjects or sites whose rows depend on each other; the covariance sums
        influences within clusters.
    weights
        Column of case weights; a pair weighs the product of its rows' weights.
    id
        Column of subjects, checked for repeats. Intervals of one subject are one
        cluster unless ``cluster`` says otherwise.

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        The formula names no score, no pair of rows is comparable, the covariance rests
        on a single cluster, or the data do not pass the gate.

    Notes
    -----
    Equal to ``concordance(..., reverse = TRUE)`` in R's survival package, and without
    weights :meth:`Concordance.contrast` to its ``concordance(f1, f2)``. With weights
    that function (version 3.5) applies them twice to the covariance of several models;
    here it is the cross product of the weighted influences, whose diagonal is the
    variance of each model alone.

    References
    ----------
    Harrell et al. (1982), JAMA 247:2543-2546. For the infinitesimal jackknife:
    Therneau and Atkinson, vignette "Concordance" of the R package survival.

    Examples
    --------
    >>> fit = fs.concordance("Surv(time, event) ~ faceage + age", cohort)
    >>> fit.contrast("faceage", "age")
    """
    design = build_design(
        formula, data, strata=strata, cluster=cluster, weights=weights, id=id
    )
    if not design.terms:
        raise DataError(f"`{formula}` names no score to rank by; add a column.")
    sets = design.risk_sets
    agreement = rank_agreement(sets, design.X[sets.order])
    if np.isnan(agreement.c_index).any():
        raise DataError(
            f"No two of the {design.n} complete rows are comparable: nobody is at risk "
            f"at the event of another (`{formula}`), so no concordance exists."
        )
    clusters = _clusters(design, data, id)
    influence = agreement.influence
    if clusters is not None:
        influence = _sum_in_clusters(influence, clusters[sets.order])
    return Concordance(
        formula=formula,
        terms=design.terms,
        c_index=agreement.c_index,
        cov=influence.T @ influence,
        delta_std_error=_difference_std_errors(influence),
        counts=agreement.counts,
        n=design.n,
        n_events=design.n_events,
        n_clusters=0 if clusters is None else len(influence),
        n_strata=max(1, len(design.strata_levels)),
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Concordance:
    """Concordance of k scores with survival.

    Attributes
    ----------
    formula : str
        The formula as given.
    terms : tuple of str
        Names of the scores.
    c_index : ndarray of shape (k,)
        Concordance of each score.
    cov : ndarray of shape (k, k)
        Their joint infinitesimal-jackknife covariance.
    delta_std_error : ndarray of shape (k, k)
        Standard error of the difference of each two, from the difference of their
        influences; exactly 0 for scores that order all rows alike, which ``cov`` would
        give up to rounding only.
    counts : ndarray of shape (k, 5)
        Weighted numbers of pairs by kind: columns as
        :data:`fahrstats.kernels.concordance.PAIRS`.
    n, n_events, n_clusters, n_strata, n_dropped : int
        Rows used, events among them, clusters (0 without), strata, rows left out.
    """

    formula: str
    terms: tuple[str, ...]
    c_index: FloatArray
    cov: FloatArray
    delta_std_error: FloatArray
    counts: FloatArray
    n: int
    n_events: int
    n_clusters: int
    n_strata: int
    n_dropped: int

    @property
    def n_pairs(self) -> float:
        """Comparable pairs, weighted; the same for every score."""
        return float(self.counts[0, :3].sum())

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per score; ``statistic`` and ``p_value`` test against 0.5.

        The interval is symmetric on the scale of the statistic itself, as in R, and can
        pass 1 in small samples.
        """
        return self._table(
            self.terms,
            "c_index",
            self.c_index,
            np.sqrt(np.diag(self.cov)),
            no_effect=0.5,
            conf_level=conf_level,
            note="every row is ranked alike: the jackknife sees no variation",
        )

    def contrast(self, a: str, b: str, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row: concordance of ``a`` minus that of ``b``, with the paired z test.

        The test of R's ``concordance(f1, f2)``: both scores rank the same rows, so
        their covariance counts. Where the scores order all comparable pairs alike the
        difference is 0 without variation, and the test is missing.

        Raises
        ------
        DataError
            A name is not among ``terms``.
        """
        for name in (a, b):
            if name not in self.terms:
                scores = ", ".join(f"`{term}`" for term in self.terms)
                raise DataError(f"There is no score `{name}`; the scores are {scores}.")
        i, j = self.terms.index(a), self.terms.index(b)
        return self._table(
            (f"{a} - {b}",),
            "delta_c_index",
            self.c_index[[i]] - self.c_index[[j]],
            self.delta_std_error[[i], [j]],
            no_effect=0.0,
            conf_level=conf_level,
            note="both order every comparable pair alike: no variation to test",
        )

    def glance(self) -> pd.DataFrame:
        """One row: comparable pairs, rows, events and rows left out."""
        values = {
            "n_pairs": self.n_pairs,
            "n": self.n,
            "n_events": self.n_events,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Points and intervals, one line a score."""
        from fahrstats.display.figures import estimates

        return estimates(self.tidy())

    def summary(self) -> str:
        """Describe the result as text: sizes, then each score with its interval."""
        lines = [
            f"Concordance: {self.formula}",
            f"{self.n} rows, {self.n_events} events, {self.n_dropped} left out; "
            f"{self.n_pairs:g} comparable pairs",
        ]
        if self.n_strata > 1:
            lines.append(f"pairs within {self.n_strata} strata")
        if self.n_clusters:
            lines.append(f"standard errors from {self.n_clusters} clusters")
        width = max(len(term) for term in self.terms)
        for row in self.tidy().itertuples():
            lines.append(
                f"  {row.term:<{width}}  C {row.estimate:.4f}  SE {row.std_error:.4f}  "
                f"95% CI {row.conf_low:.4f} to {row.conf_high:.4f}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _table(
        self,
        terms: tuple[str, ...],
        estimand: str,
        estimate: FloatArray,
        std_error: FloatArray,
        *,
        no_effect: float,
        conf_level: float,
        note: str,
    ) -> pd.DataFrame:
        """Estimates with their test against ``no_effect`` and interval."""
        if not 0 < conf_level < 1:
            raise DataError(
                f"`conf_level` is {conf_level}; give a number between 0 and 1."
            )
        varies = std_error > _ROUNDING
        statistic = np.full(estimate.size, np.nan)
        np.divide(estimate - no_effect, std_error, out=statistic, where=varies)
        margin = norm.isf((1 - conf_level) / 2) * std_error
        table = pd.DataFrame(
            {
                "term": terms,
                "estimand": estimand,
                "estimate": estimate,
                "std_error": std_error,
                "statistic": statistic,
                "p_value": 2 * norm.sf(np.abs(statistic)),
                "conf_low": estimate - margin,
                "conf_high": estimate + margin,
                "n": self.n,
                "n_events": self.n_events,
                "note": np.where(varies, "", note),
            }
        )
        return table[in_order(table.columns)]


def _clusters(
    design: Design, data: pd.DataFrame, id: str | None
) -> NDArray[np.int64] | None:
    """Cluster of every kept row: as asked for, or the subjects of repeated rows."""
    codes = design.cluster
    if codes is None and id is not None:
        subjects = data[id].iloc[design.rows]
        if subjects.duplicated().any():
            codes = pd.factorize(subjects)[0]
    if codes is not None and codes.max() == 0:
        raise DataError(
            f"All {design.n} complete rows are one cluster of `{id}`; a robust "
            "covariance needs at least 2."
        )
    return codes


def _sum_in_clusters(influence: FloatArray, codes: NDArray[np.int64]) -> FloatArray:
    """Sum the rows of each cluster, shape (n_clusters, k)."""
    return np.column_stack([np.bincount(codes, column) for column in influence.T])


def _difference_std_errors(influence: FloatArray) -> FloatArray:
    """Return the standard error of the difference of each two columns, (k, k)."""
    k = influence.shape[1]
    std_error = np.zeros((k, k))
    for i in range(k):
        for j in range(i):
            difference = influence[:, i] - influence[:, j]
            std_error[i, j] = std_error[j, i] = np.sqrt(difference @ difference)
    return std_error

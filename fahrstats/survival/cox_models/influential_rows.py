"""How far single rows move the coefficients of a Cox model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.fitted_rows import find_fitted_rows
from fahrstats.survival.cox_models.residuals import (
    dfbeta_residuals,
    refuse_exact,
    sum_within,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_N_KEPT = 10
"""Rows whose positions are kept for each term."""


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """The most influential rows of a Cox fit with p design columns.

    Where clusters were given, a cluster stands for its rows, placed at its first one.

    Attributes
    ----------
    formula : str
        The formula as given.
    terms : tuple of str
        Design columns.
    largest : ndarray of shape (p,)
        Largest absolute dfbetas: a row's change of the coefficient, in standard errors.
        Missing for an aliased column.
    delta_log_hr : ndarray of shape (p,)
        Change of the log hazard ratio that the row with the largest one makes.
    n_beyond : ndarray of int64, shape (p,)
        Rows beyond ``threshold``.
    positions : ndarray of int64, shape (p, k)
        Positions in the data of the rows that move each coefficient most, descending.
    threshold : float
        2 / sqrt(n) for n rows or clusters.
    n, n_events, n_clusters : int
        Rows used, events among them, clusters (0 without).
    """

    formula: str
    terms: tuple[str, ...]
    largest: FloatArray
    delta_log_hr: FloatArray
    n_beyond: NDArray[np.int64]
    positions: NDArray[np.int64]
    threshold: float
    n: int
    n_events: int
    n_clusters: int

    def tidy(self) -> pd.DataFrame:
        """Three rows per term, without a trace of whose they are.

        ``max_dfbetas`` is the largest absolute change in standard errors,
        ``delta_log_hr`` that change of the log hazard ratio with its sign, and
        ``n_influential`` the number of rows beyond the threshold that the note names.
        """
        values = {
            "max_dfbetas": self.largest,
            "delta_log_hr": self.delta_log_hr,
            "n_influential": self.n_beyond.astype(np.float64),
        }
        unit = "clusters" if self.n_clusters else "rows"
        of = f"{unit} beyond 2 / sqrt({self.n_clusters or self.n}) = "
        of += f"{self.threshold:.3g}"
        is_missing = np.isnan(self.largest)
        table = pd.DataFrame(
            {
                "term": np.repeat(np.array(self.terms, object), len(values)),
                "estimand": list(values) * len(self.terms),
                "estimate": np.column_stack(list(values.values())).ravel(),
                "n": self.n,
                "n_events": self.n_events,
                "note": ["", "", of] * len(self.terms),
            }
        )
        left_out = np.repeat(is_missing, len(values))
        table.loc[left_out, "estimate"] = np.nan
        table.loc[left_out, "note"] = "aliased"
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows and events of the fit."""
        return pd.DataFrame([{"n": self.n, "n_events": self.n_events}])

    def rows(self, term: str) -> tuple[int, ...]:
        """Positions in the data of the rows that move a coefficient most, descending.

        Raises
        ------
        DataError
            The fit has no such design column.
        """
        if term not in self.terms:
            known = ", ".join(f"`{name}`" for name in self.terms)
            raise DataError(f"There is no term `{term}`; the terms are {known}.")
        return tuple(int(row) for row in self.positions[self.terms.index(term)])

    def plot(self) -> ggplot:
        """Draw the largest change of each coefficient beside the threshold."""
        from fahrstats.display.figures import largest_influence

        table = self.tidy()
        return largest_influence(
            table[table["estimand"] == "max_dfbetas"], self.threshold
        )

    def summary(self) -> str:
        """Describe the influence as text: a line per term."""
        unit = "clusters" if self.n_clusters else "rows"
        lines = [f"Influence of single {unit}: {self.formula}"]
        for j, term in enumerate(self.terms):
            if np.isnan(self.largest[j]):
                lines.append(f"{term}: aliased")
                continue
            lines.append(
                f"{term}: at most {self.largest[j]:.2f} standard errors (log HR "
                f"{self.delta_log_hr[j]:+.3g}); {self.n_beyond[j]} {unit} beyond "
                f"{self.threshold:.3g}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def find_influence(fit: CoxFit, data: pd.DataFrame) -> Influence:
    """Compute what :meth:`fahrstats.CoxFit.influence` describes."""
    if not fit.columns:
        raise DataError(f"`{fit.formula}` has no coefficient that rows could move.")
    refuse_exact(fit, "dfbeta")
    rows = find_fitted_rows(fit, data)
    change = dfbeta_residuals(fit, rows, is_standardized=False)
    positions = rows.design.rows
    if rows.design.cluster is not None:
        first = np.unique(rows.design.cluster, return_index=True)[1]
        change, positions = sum_within(change, rows.design.cluster), positions[first]
    size = np.abs(change) / np.sqrt(np.diag(fit.model_cov))
    order = np.argsort(-size, axis=0, kind="stable")[:_N_KEPT]
    columns = np.arange(size.shape[1])
    threshold = 2 / float(np.sqrt(len(size)))
    return Influence(
        formula=fit.formula,
        terms=fit.terms,
        largest=size[order[0], columns],
        delta_log_hr=change[order[0], columns],
        n_beyond=(size > threshold).sum(axis=0),
        positions=positions[order].T,
        threshold=threshold,
        n=fit.n,
        n_events=fit.n_events,
        n_clusters=fit.n_clusters,
    )

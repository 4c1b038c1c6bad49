"""The result of a correction for measurement error, and the tables made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f

from fahrstats.cohort.design import Dropped
from fahrstats.cohort.encoding import DesignColumn
from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_number,
    format_p,
    format_ratio,
)
from fahrstats.survival.summaries import align, describe_dropped
from fahrstats.survival.wald import as_ratio, find_steps, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

CORRECTED, MEASURED = "corrected", "as measured"
"""Labels of the model of true scores and of that of the scores as they are."""

_LARGE = 0.3
"""Spread of the log hazard that a measured score hides, from which a note is due."""

_ROUGH = 0.2
"""Standard error of a reliability, due to its error and as a share of it, of a note."""


@dataclass(frozen=True, slots=True, eq=False)
class RegressionCalibration:
    """Log hazard ratios of p design columns, q of them corrected for their error.

    Attributes
    ----------
    formula : str
        The formula as given.
    columns : tuple of DesignColumn
        Names, variables, levels and reference levels of the design columns.
    prone : tuple of int
        Design columns that are measured with error, length q.
    error_sd : ndarray of shape (q,)
        Standard deviation of each error.
    log_hr, measured_log_hr : ndarray of shape (p,)
        Per unit of each true column, and of the columns as measured.
    cov, measured_cov : ndarray of shape (p, p)
        Their covariances, both sandwiches.
    reliability, reliability_std_error : ndarray of shape (q,)
        Share that is not error in the variance of each score given all other columns.
    reliability_df : ndarray of shape (q, 2)
        Degrees of freedom of the variance of that error and of the whole variance.
    hidden_sd : float
        Standard deviation of the log hazard of the true columns given the measured
        ones; where it is large, the correction is short.
    n, n_events, n_clusters : int
        Rows used, events among them, clusters (0 without).
    dropped : tuple of Dropped
        Rows left out, by reason.
    """

    formula: str
    columns: tuple[DesignColumn, ...]
    prone: tuple[int, ...]
    error_sd: FloatArray
    log_hr: FloatArray
    cov: FloatArray
    measured_log_hr: FloatArray
    measured_cov: FloatArray
    reliability: FloatArray
    reliability_std_error: FloatArray
    reliability_df: FloatArray
    hidden_sd: float
    n: int
    n_events: int
    n_clusters: int
    dropped: tuple[Dropped, ...]

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Corrected effects, those of the scores as measured, and reliabilities.

        ``model`` is ``corrected`` or ``as measured``. Rows ``reliability`` hold the
        share that is not error in the variance of a score given all other covariates:
        the factor by which error shrinks the effect of a single such score.

        Parameters
        ----------
        exponentiate, per, conf_level
            As for :meth:`fahrstats.CoxFit.tidy`.
        """
        effects = [
            self._effects(CORRECTED, self.log_hr, self.cov, per, conf_level),
            self._effects(
                MEASURED, self.measured_log_hr, self.measured_cov, per, conf_level
            ),
        ]
        if exponentiate:
            effects = [as_ratio(table) for table in effects]
        table = pd.concat(
            [*effects, self._reliabilities(conf_level)], ignore_index=True
        ).assign(n=self.n, n_events=self.n_events)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events, and rows left out."""
        values = {
            "n": self.n,
            "n_events": self.n_events,
            "n_dropped": sum(row.n for row in self.dropped),
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of the scores with error, as measured and corrected."""
        from fahrstats.display.figures import forest

        table = self.tidy(exponentiate=True, per=per)
        prone = [self.columns[column].term for column in self.prone]
        table = table[table["term"].isin(prone) & (table["estimand"] == "hr")]
        table = table.assign(term=table["term"] + ", " + table["model"])
        order = ["term", "estimand", "estimate", "conf_low", "conf_high", "p_value"]
        return forest(table.sort_values("term")[[*order, "per", "note"]])

    def summary(self) -> str:
        """Describe the correction as text: errors, hazard ratios, what was left out."""
        clusters = f" in {format_count(self.n_clusters)} clusters"
        lines = [
            f"Cox model corrected for measurement error: {self.formula}",
            f"{format_count(self.n)} rows, {format_count(self.n_events)} events; "
            f"robust standard errors{clusters if self.n_clusters else ''}",
            *describe_dropped(self.dropped),
        ]
        for column, sd, share in zip(
            self.prone, self.error_sd, self.reliability, strict=True
        ):
            lines.append(
                f"{self.columns[column].term}: error of SD {format_number(sd, 2)}, "
                f"reliability {format_number(share, 2)} given the other covariates"
            )
        rows = [("", "HR as measured (95% CI)", "HR corrected (95% CI)", "P")]
        table = self.tidy(exponentiate=True)
        corrected = table[table["model"] == CORRECTED].to_dict("records")
        measured = table[table["model"] == MEASURED].to_dict("records")
        for new, old in zip(corrected, measured, strict=True):
            before, after = (
                format_ratio(row["estimate"], row["conf_low"], row["conf_high"])
                for row in (old, new)
            )
            rows.append((str(new["term"]), before, after, format_p(new["p_value"])))
        note = self._note()
        return "\n".join([*lines, "", *align(rows), *([note] if note else [])])

    def __str__(self) -> str:
        return self.summary()

    def _effects(
        self,
        model: str,
        log_hr: FloatArray,
        cov: FloatArray,
        per: Mapping[str, float] | None,
        conf_level: float,
    ) -> pd.DataFrame:
        """Return one row per design column of one of the two models."""
        step = find_steps(self.columns, per)
        table = pd.DataFrame(
            {
                "model": model,
                "variable": [column.variable for column in self.columns],
                "level": [column.level for column in self.columns],
                "term": [column.term for column in self.columns],
                "reference": [column.reference for column in self.columns],
                "per": step,
                "estimand": "log_hr",
                "note": self._note() if model == CORRECTED else "",
            }
        )
        std_error = np.sqrt(np.diag(cov)) * np.abs(step)
        return with_wald(table, log_hr * step, std_error, conf_level)

    def _reliabilities(self, conf_level: float) -> pd.DataFrame:
        """Return one row per score with error."""
        columns = [self.columns[column] for column in self.prone]
        table = pd.DataFrame(
            {
                "model": "",
                "variable": [column.variable for column in columns],
                "level": "",
                "term": [column.term for column in columns],
                "reference": "",
                "estimand": "reliability",
                "note": "",
            }
        )
        table = with_wald(
            table, self.reliability, self.reliability_std_error, conf_level
        )
        low, high = self._reliability_limits(conf_level)
        table = table.assign(conf_low=low, conf_high=high)
        return table.drop(columns=["statistic", "p_value"])

    def _reliability_limits(self, conf_level: float) -> tuple[FloatArray, FloatArray]:
        """Limits (q,) by the F distribution: a share of error is a ratio of variances.

        With normal columns, rows that are independent and a single score with error
        they are exact. Below 0 they end there.
        """
        alpha, df = (1 - conf_level) / 2, self.reliability_df
        lost = 1 - self.reliability
        low = 1 - lost / f.ppf(alpha, *df.T)
        high = 1 - lost / f.isf(alpha, *df.T)
        return np.maximum(low, 0.0), np.maximum(high, 0.0)

    def _note(self) -> str:
        """Say that the correction is short, or its limits, or nothing."""
        notes = []
        if self.hidden_sd > _LARGE:
            notes.append(
                "the measured scores leave an SD of "
                f"{format_number(self.hidden_sd, 2)} of the log hazard unknown: with "
                "many events the correction is short"
            )
        df = self.reliability_df[:, 0]
        spread = (1 - self.reliability) * np.sqrt(2 / df)
        if (spread > _ROUGH * self.reliability).any():
            notes.append(
                f"the error rests on {format_number(df.min(), 0)} degrees of freedom: "
                "limits of a clear effect are too narrow"
            )
        return "; ".join(notes)

"""Brier score and index of prediction accuracy of predicted risks at a horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.censoring_weights import CensoringWeights
from fahrstats.kernels.prediction_error import (
    accuracy_index,
    accuracy_influence,
    brier,
    brier_influence,
    null_brier,
    null_brier_influence,
)
from fahrstats.survival.influence import (
    difference_std_errors,
    scaled_influence,
    with_normal_test,
)
from fahrstats.survival.predictions.horizons import (
    as_horizon,
    check_risks,
    count_at_horizons,
    judge_columns,
    weigh_at,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

NULL_MODEL: Final = "null model"
"""Name of the model that predicts the Kaplan-Meier risk for everybody."""


def prediction_error(
    formula: str,
    data: pd.DataFrame,
    *,
    horizon: float,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
) -> PredictionError:
    """Estimate Brier score and index of prediction accuracy of predicted risks.

    The Brier score is the mean squared difference between the predicted risk and what
    had happened by the horizon, 1 for the event and 0 for none: 0 is perfect. The index
    of prediction accuracy (IPA) is one minus its ratio to the Brier score of the null
    model, which predicts the Kaplan-Meier risk for everybody: 1 is perfect, 0 no better
    than the null model, below 0 worse. Both judge discrimination and calibration
    together. Rows censored by the horizon count through the others by inverse
    probability of censoring weights, whose Kaplan-Meier estimate is part of the
    standard error. The predictions count as given.

    Every column of the right-hand side is a set of predicted risks judged on its own,
    on the rows complete for all. Rows with a missing value in any column used are left
    out and counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and predicted probabilities of the event by the horizon:
        ``"Surv(time, event) ~ risk_clinical + risk_both"``. Another horizon has other
        probabilities, and so a call of its own.
    data
        One row per subject.
    horizon
        Time that the predictions are about, in the units of the follow-up time.
    cluster, weights, id
        As in :func:`fahrstats.time_dependent_auc`.

    Raises
    ------
    FormulaError
        The formula cannot be read, names no column, or has delayed entry.
    DataError
        A predicted risk is outside 0 to 1, the horizon is not above 0, no event happens
        by it, nobody is followed beyond it, or the data do not pass the gate.

    Warns
    -----
    ResultWarning
        As in :func:`fahrstats.time_dependent_auc`.

    Notes
    -----
    Equal to ``Score`` of R's riskRegression as :func:`fahrstats.time_dependent_auc` is.
    That package gives no standard error of the IPA.

    References
    ----------
    Graf et al. (1999), Statistics in Medicine 18:2529-2545. Kattan and Gerds (2018),
    Diagnostic and Prognostic Research 2:7.

    Examples
    --------
    >>> error = fs.prediction_error("Surv(time, event) ~ risk_clinical + risk_both",
    ...                             cohort, horizon=5)
    >>> error.contrast("risk_both", "risk_clinical")
    """
    at = as_horizon(horizon)
    design = judge_columns(
        formula, data, (at,), cluster=cluster, weights=weights, id=id
    )
    risk = check_risks(design)
    (of_rows,) = weigh_at(design, (at,))
    influence = _influence(design, of_rows, risk)
    n_events, n_censored = count_at_horizons(design, (at,))
    return PredictionError(
        formula=formula,
        terms=design.terms,
        horizon=at,
        brier=np.append(null_brier(of_rows), brier(of_rows, risk)),
        ipa=accuracy_index(of_rows, risk),
        cov=influence.T @ influence,
        delta_std_error=difference_std_errors(influence),
        n=design.n,
        n_events=int(n_events[0]),
        n_censored=int(n_censored[0]),
        n_clusters=0 if design.cluster is None else len(influence),
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class PredictionError:
    """Prediction error of k sets of predicted risks at a horizon.

    Attributes
    ----------
    formula : str
        The formula as given.
    terms : tuple of str
        Names of the predicted risks.
    horizon : float
        The horizon.
    brier : ndarray of shape (1 + k,)
        Brier score of the null model, then of each set.
    ipa : ndarray of shape (k,)
        Index of prediction accuracy of each set.
    cov : ndarray of shape (1 + 2 k, 1 + 2 k)
        Joint covariance of ``brier`` and ``ipa``.
    delta_std_error : ndarray of shape (1 + 2 k, 1 + 2 k)
        Standard error of the difference of each two; exactly 0 for equal predictions.
    n, n_events, n_censored : int
        Rows used; rows with the event and rows censored up to the horizon.
    n_clusters, n_dropped : int
        Clusters (0 without), rows left out.
    """

    formula: str
    terms: tuple[str, ...]
    horizon: float
    brier: FloatArray
    ipa: FloatArray
    cov: FloatArray
    delta_std_error: FloatArray
    n: int
    n_events: int
    n_censored: int
    n_clusters: int
    n_dropped: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Brier score of the null model and of each set, then the IPA of each.

        The test of an IPA is against 0, the null model; a Brier score has none.
        Intervals are symmetric.
        """
        std_error = np.sqrt(np.diag(self.cov))
        k = len(self.terms)
        names = self._rows((NULL_MODEL, *self.terms), "brier")
        errors = with_normal_test(
            names, self.brier, std_error[: k + 1], conf_level, no_effect=None
        ).assign(note="")
        indices = with_normal_test(
            self._rows(self.terms, "ipa"),
            self.ipa,
            std_error[k + 1 :],
            conf_level,
            no_effect=0.0,
        )
        worse = np.where(self.ipa < 0, "worse than the null model", "")
        same = "predicts as the null model does: no variation to test"
        note = np.where(indices["statistic"].isna(), same, worse)
        table = pd.concat([errors, indices.assign(note=note)], ignore_index=True)
        return table[in_order(table.columns)]

    def contrast(self, a: str, b: str, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Brier score and IPA of ``a`` minus those of ``b``, with paired z tests.

        A negative difference in Brier scores and a positive one in IPA favour ``a``.
        Either may be ``"null model"``, whose IPA is 0 by definition. Equal predictions
        differ by 0 without variation, and have no test.

        Raises
        ------
        DataError
            A name is neither among ``terms`` nor the null model.
        """
        i, j = (self._position(name) for name in (a, b))
        k = len(self.terms)
        ipa = np.append(0.0, self.ipa)
        std_error = np.sqrt(np.diag(self.cov))
        error_of_ipa = self.delta_std_error[k + i, k + j]
        if 0 in (i, j):
            error_of_ipa = std_error[k + max(i, j)] if i != j else 0.0
        names = [
            self._rows((f"{a} - {b}",), estimand)
            for estimand in ("delta_brier", "delta_ipa")
        ]
        table = with_normal_test(
            pd.concat(names, ignore_index=True),
            np.array([self.brier[i] - self.brier[j], ipa[i] - ipa[j]]),
            np.array([self.delta_std_error[i, j], error_of_ipa]),
            conf_level,
            no_effect=0.0,
        )
        same = "both have the same error in every row: no variation to test"
        table = table.assign(note=np.where(table["statistic"].isna(), same, ""))
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events up to the horizon and rows left out."""
        values = {
            "n": self.n,
            "n_events": self.n_events,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Brier scores and indices of prediction accuracy with their intervals."""
        from fahrstats.display.figures import estimates

        return estimates(self.tidy())

    def summary(self) -> str:
        """Describe the result as text: sizes, then each set of predicted risks."""
        lines = [
            f"Prediction error at {self.horizon:g}: {self.formula}",
            f"{self.n} rows, {self.n_dropped} left out; {self.n_events} events and "
            f"{self.n_censored} censored by then; inverse probability of censoring "
            "weights",
        ]
        if self.n_clusters:
            lines.append(f"standard errors from {self.n_clusters} clusters")
        width = max(len(term) for term in (NULL_MODEL, *self.terms))
        label = {"brier": "Brier", "ipa": "IPA"}
        for row in self.tidy().to_dict("records"):
            note = f"  ({row['note']})" if row["note"] else ""
            lines.append(
                f"  {row['term']:<{width}}  {label[row['estimand']]:<5} "
                f"{row['estimate']:.4f}  SE {row['std_error']:.4f}  95% CI "
                f"{row['conf_low']:.4f} to {row['conf_high']:.4f}{note}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _position(self, name: str) -> int:
        """Return the position of a set of risks, 0 for the null model."""
        known = (NULL_MODEL, *self.terms)
        if name not in known:
            names = ", ".join(f"`{term}`" for term in known)
            raise DataError(f"There is no prediction `{name}`; there are {names}.")
        return known.index(name)

    def _rows(self, terms: tuple[str, ...], estimand: str) -> pd.DataFrame:
        """Names and sizes of rows."""
        return pd.DataFrame(
            {
                "term": terms,
                "estimand": estimand,
                "time": self.horizon,
                "n_censored": self.n_censored,
                "n": self.n,
                "n_events": self.n_events,
            }
        )


def _influence(
    design: Design, weights: CensoringWeights, risk: FloatArray
) -> FloatArray:
    """Scaled influence on the Brier scores, null model first, then on the indices."""
    sets = design.risk_sets
    parts = [
        null_brier_influence(sets, weights),
        brier_influence(sets, weights, risk),
        accuracy_influence(sets, weights, risk),
    ]
    return scaled_influence(design, np.column_stack(parts))

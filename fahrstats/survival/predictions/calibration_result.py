"""The result of a calibration, and the tables made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.columns import in_order
from fahrstats.display.result_table import records
from fahrstats.survival.options import check_conf_level
from fahrstats.survival.over_time.survival_curves import SurvivalCurves

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SmoothCurve:
    """A smooth calibration curve.

    Attributes
    ----------
    predicted : ndarray of shape (m,)
        Predicted risks, rising, at which the curve is given.
    log_hazard, std_error : ndarray of shape (m,)
        Log cumulative hazard observed there, and its standard error.
    distances : ndarray of shape (3,)
        ICI, E50 and E90: mean, median and 90th percentile over all rows of the distance
        between predicted risk and curve.
    """

    predicted: FloatArray
    log_hazard: FloatArray
    std_error: FloatArray
    distances: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RiskCalibration:
    """Calibration of one set of predicted risks.

    Attributes
    ----------
    term : str
        Name of the predicted risks.
    observed, expected : float
        Kaplan-Meier risk, and mean predicted risk.
    log_ratio_std_error, difference_std_error : float
        Standard error of the log of observed over expected, and of their difference;
        both risks vary.
    slope, slope_std_error : float
        Calibration slope; missing where ``slope_note`` says why.
    slope_note : str
        What a reader must know about the slope.
    curve : SmoothCurve or None
        Smooth calibration curve; None where ``curve_note`` says why.
    curve_note : str
        What a reader must know about the curve.
    group_predicted : ndarray of shape (g,)
        Mean predicted risk of each group.
    groups : SurvivalCurves
        Kaplan-Meier curve of each group.
    bin_edges, bin_sizes : ndarray of shape (b + 1,) and (b,)
        Distribution of the predicted risks in bins of equal width.
    """

    term: str
    observed: float
    expected: float
    log_ratio_std_error: float
    difference_std_error: float
    slope: float
    slope_std_error: float
    slope_note: str
    curve: SmoothCurve | None
    curve_note: str
    group_predicted: FloatArray
    groups: SurvivalCurves
    bin_edges: FloatArray
    bin_sizes: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Calibration of k sets of predicted risks at a horizon.

    Attributes
    ----------
    formula : str
        The formula as given.
    horizon : float
        The horizon.
    risks : tuple of RiskCalibration
        Calibration of each set.
    overall : SurvivalCurves
        Kaplan-Meier curve of all rows.
    n, n_events, n_censored, n_dropped : int
        Rows used; with the event and censored up to the horizon; left out.
    """

    formula: str
    horizon: float
    risks: tuple[RiskCalibration, ...]
    overall: SurvivalCurves
    n: int
    n_events: int
    n_censored: int
    n_dropped: int

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the predicted risks."""
        return tuple(risk.term for risk in self.risks)

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per number of each set of predicted risks.

        ``observed_risk`` (log-log limits) and ``mean_predicted_risk``; their ratio
        ``oe_ratio`` (limits and test on the log scale, against 1) and difference
        ``observed_minus_predicted`` (calibration in the large, against 0);
        ``calibration_slope`` (against 1); ``ici``, ``e50`` and ``e90``, which have no
        limits here.
        """
        z = _quantile(conf_level)
        observed = _as_risk(self.overall.at([self.horizon], conf_level=conf_level))
        everybody = records(observed.assign(estimand="observed_risk"))
        rows = [
            {"term": risk.term, **row}
            for risk in self.risks
            for row in [
                *everybody,
                {"estimand": "mean_predicted_risk", "estimate": risk.expected},
                *_comparisons(risk, z),
                *_distances(risk),
            ]
        ]
        table = pd.DataFrame(rows)
        table = table.assign(
            time=self.horizon,
            n_censored=self.n_censored,
            n=self.n,
            n_events=self.n_events,
            p_value=2 * norm.sf(table["statistic"].abs()),
            note=table["note"].fillna(""),
        )
        return table[in_order(table.columns)]

    def by_group(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Kaplan-Meier risk of each group against its mean predicted risk.

        Groups are quantiles of the predicted risk, ``Q1`` the lowest. Where follow-up
        of a group ends before the horizon its risk is missing.
        """
        tables = []
        for risk in self.risks:
            table = risk.groups.at([self.horizon], conf_level=conf_level)
            is_unknown = table["estimate"].isna()
            note = np.where(is_unknown, "follow-up ends before the horizon", "")
            tables.append(
                _as_risk(table).assign(
                    group=table["group"],
                    term=risk.term,
                    estimand="observed_risk",
                    time=self.horizon,
                    predicted=risk.group_predicted,
                    n=table["n"],
                    n_events=table["n_events"],
                    n_censored=table["n_censored"],
                    note=note,
                )
            )
        joined = pd.concat(tables, ignore_index=True)
        return joined[in_order(joined.columns)]

    def smooth_curve(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Smooth calibration curve of each set with pointwise limits.

        It runs from the 1st to the 99th percentile of the predicted risks. Limits are
        symmetric for the log cumulative hazard. A set without a curve has no rows.
        """
        z = _quantile(conf_level)
        curves = {risk.term: risk.curve for risk in self.risks if risk.curve}
        tables = [self._curve_of(term, curve, z) for term, curve in curves.items()]
        if not tables:
            nothing = SmoothCurve(*[np.empty(0)] * 4)
            return self._curve_of("", nothing, z)
        return pd.concat(tables, ignore_index=True)

    def distribution(self) -> pd.DataFrame:
        """Numbers of rows by predicted risk, in bins of equal width."""
        tables = [
            pd.DataFrame(
                {
                    "term": risk.term,
                    "estimand": "bin",
                    "time": self.horizon,
                    "predicted": (risk.bin_edges[:-1] + risk.bin_edges[1:]) / 2,
                    "n": risk.bin_sizes,
                }
            )
            for risk in self.risks
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events up to the horizon and rows left out."""
        values = {"n": self.n, "n_events": self.n_events, "n_dropped": self.n_dropped}
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Smooth curves with bands, grouped points and the spread of predictions."""
        from fahrstats.display.figures import calibration_curves

        return calibration_curves(
            self.by_group(), self.smooth_curve(), self.distribution()
        )

    def summary(self) -> str:
        """Describe the result as text: sizes, then each set of predicted risks."""
        lines = [
            f"Calibration at {self.horizon:g}: {self.formula}",
            f"{self.n} rows, {self.n_dropped} left out; {self.n_events} events and "
            f"{self.n_censored} censored by then",
        ]
        table = self.tidy()
        for term in self.terms:
            lines.append(term)
            rows = records(table[table["term"] == term])
            lines += [f"  {_LABELS[row['estimand']]:<28}{_line(row)}" for row in rows]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _curve_of(self, term: str, curve: SmoothCurve, z: float) -> pd.DataFrame:
        """Table of one curve, its limits ``z`` standard errors away."""
        margin = z * curve.std_error
        table = pd.DataFrame(
            {
                "term": term,
                "estimand": "smooth_observed_risk",
                "time": self.horizon,
                "predicted": curve.predicted,
                "estimate": _risk_of(curve.log_hazard),
                "conf_low": _risk_of(curve.log_hazard - margin),
                "conf_high": _risk_of(curve.log_hazard + margin),
            }
        )
        return table[in_order(table.columns)]


_LABELS = {
    "observed_risk": "observed risk",
    "mean_predicted_risk": "mean predicted risk",
    "oe_ratio": "observed over predicted",
    "observed_minus_predicted": "observed minus predicted",
    "calibration_slope": "calibration slope",
    "ici": "ICI",
    "e50": "E50",
    "e90": "E90",
}
_DISTANCES = ("ici", "e50", "e90")


def _comparisons(risk: RiskCalibration, z: float) -> Iterator[dict[str, Any]]:
    """Yield ratio, difference and slope, with their limits and z statistics."""
    ratio = risk.observed / risk.expected if risk.expected > 0 else np.nan
    spread = np.exp(z * risk.log_ratio_std_error)
    difference, margin = risk.observed - risk.expected, z * risk.difference_std_error
    yield {
        "estimand": "oe_ratio",
        "estimate": ratio,
        "statistic": np.log(ratio) / risk.log_ratio_std_error,
        "note": "" if risk.expected > 0 else "the mean predicted risk is 0",
        "conf_low": ratio / spread,
        "conf_high": ratio * spread,
    }
    yield {
        "estimand": "observed_minus_predicted",
        "estimate": difference,
        "std_error": risk.difference_std_error,
        "statistic": difference / risk.difference_std_error,
        "conf_low": difference - margin,
        "conf_high": difference + margin,
    }
    yield {
        "estimand": "calibration_slope",
        "estimate": risk.slope,
        "std_error": risk.slope_std_error,
        "statistic": (risk.slope - 1) / risk.slope_std_error,
        "conf_low": risk.slope - z * risk.slope_std_error,
        "conf_high": risk.slope + z * risk.slope_std_error,
        "note": risk.slope_note,
    }


def _distances(risk: RiskCalibration) -> Iterator[dict[str, Any]]:
    """Yield ICI, E50 and E90."""
    for position, estimand in enumerate(_DISTANCES):
        value = np.nan if risk.curve is None else risk.curve.distances[position]
        yield {"estimand": estimand, "estimate": value, "note": risk.curve_note}


def _as_risk(survival: pd.DataFrame) -> pd.DataFrame:
    """Risk in place of survival."""
    return pd.DataFrame(
        {
            "estimate": 1 - survival["estimate"],
            "std_error": survival["std_error"],
            "conf_low": 1 - survival["conf_high"],
            "conf_high": 1 - survival["conf_low"],
        }
    )


def _risk_of(log_hazard: FloatArray) -> FloatArray:
    """Risk from the log of a cumulative hazard."""
    return np.asarray(-np.expm1(-np.exp(log_hazard)), np.float64)


def _quantile(conf_level: float) -> float:
    """Return the normal quantile of a two-sided interval."""
    check_conf_level(conf_level)
    return float(norm.isf((1 - conf_level) / 2))


def _line(row: Mapping[Any, Any]) -> str:
    """One number as text, with its limits or why it is missing."""
    if np.isnan(row["estimate"]):
        return f"none: {row['note']}"
    text = f"{row['estimate']:.4f}"
    if np.isfinite(row["conf_low"]):
        text += f"  95% CI {row['conf_low']:.4f} to {row['conf_high']:.4f}"
    return text + (f"  ({row['note']})" if row["note"] else "")

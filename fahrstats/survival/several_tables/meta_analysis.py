"""The result of a meta-analysis, and the tables made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, t

from fahrstats.columns import in_order
from fahrstats.errors import ConvergenceError, DataError
from fahrstats.kernels.random_effects import (
    RandomEffects,
    fit_reml,
    tau_squared_at,
    typical_variance,
    weighted_mean,
)
from fahrstats.survival.options import check_conf_level
from fahrstats.survival.several_tables.scales import Scale, no_effect, scale_of
from fahrstats.survival.wald import check_step

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

OVERALL = "overall"
"""Label of the rows about all cohorts."""

_EQUAL = 1e-24
"""Hartung and Knapp's factor that rounding gives to equal estimates."""


@dataclass(frozen=True, slots=True)
class CohortEstimate:
    """Estimate of one cohort, on its own scale; missing where there is none."""

    cohort: str
    estimate: float
    std_error: float
    n: int
    n_events: int
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class MetaAnalysis:
    """One estimate in k cohorts, and across those that have it.

    Attributes
    ----------
    formula : str
        Model fitted in each cohort; empty where estimates were given.
    term, estimand : str
        What is estimated.
    cohorts : tuple of CohortEstimate
        One per cohort, in the caller's order.
    is_pooled : ndarray of bool, shape (k,)
        Cohorts with a finite estimate and standard error.
    random : RandomEffects
        Random-effects model, on the scale of the estimand.
    """

    formula: str
    term: str
    estimand: str
    cohorts: tuple[CohortEstimate, ...]
    is_pooled: NDArray[np.bool_]
    random: RandomEffects

    @property
    def n_pooled(self) -> int:
        """Cohorts that the averages are made of."""
        return int(self.is_pooled.sum())

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per cohort, then the averages and what cohorts differ by.

        With the estimand ``log_hr`` the rows about all cohorts are ``log_hr_random``
        (random effects, Hartung and Knapp's interval), ``log_hr_common`` (common
        effect, normal interval), ``log_hr_prediction`` (where the true value of another
        cohort would lie), ``tau_squared`` (on ``scale``, with the limits of its Q
        profile), ``i_squared`` (as a share) and ``heterogeneity_chi2`` (Cochran's Q).

        Parameters
        ----------
        exponentiate
            Hazard ratios instead of log hazard ratios.
        per
            Size of the step of the score: ``{"faceage": 10}``.
        conf_level
            Confidence level of all intervals.
        """
        check_conf_level(conf_level)
        step = self._step(per)
        rows = [*self._cohort_rows(conf_level), *self._average_rows(conf_level)]
        table = pd.DataFrame([*rows, *self._heterogeneity_rows(conf_level)])
        table = table.assign(term=self.term, scale=scale_of(self.estimand).name)
        of_term = table["estimand"].str.startswith(self.estimand)
        if self.estimand == "log_hr":
            table = _per_step(table, of_term, step)
        if not table["n"].any():  # estimates without sizes
            table = table.drop(columns=["n", "n_events"])
        table = table[in_order(table.columns)]
        return _as_ratios(table, of_term) if exponentiate else table

    def glance(self) -> pd.DataFrame:
        """One row: cohorts pooled, their rows and events."""
        pooled = self._pooled()
        values = {
            "n_cohorts": len(pooled),
            "n": sum(row.n for row in pooled),
            "n_events": sum(row.n_events for row in pooled),
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot: cohorts, averages as diamonds, the prediction interval a bar."""
        from fahrstats.display.figures import cohort_forest

        is_log_hr = self.estimand == "log_hr"
        return cohort_forest(self.tidy(exponentiate=is_log_hr, per=per))

    def summary(self) -> str:
        """Describe the meta-analysis as text."""
        is_log_hr = self.estimand == "log_hr"
        table = self.tidy(exponentiate=is_log_hr)
        lines = [
            f"{self.term}, {'hazard ratio' if is_log_hr else self.estimand} in "
            f"{self.n_pooled} of {len(self.cohorts)} cohorts"
            + (f": {self.formula}" if self.formula else "")
            + "; 95% limits"
        ]
        names = {
            "random": "random effects",
            "common": "common effect",
            "prediction": "another cohort",
        }
        for row in table.to_dict("records"):
            cohort, kind = str(row["cohort"]), str(row["estimand"]).rpartition("_")[2]
            if cohort == OVERALL and kind not in names:
                continue
            numbers = [float(row[key]) for key in ("estimate", "conf_low", "conf_high")]
            text = "{:.4g} ({:.4g} to {:.4g})".format(*numbers)
            number = "-" if np.isnan(numbers[1]) else text
            name = names[kind] if cohort == OVERALL else cohort
            lines.append(f"  {name}: {number}  {row['note']!s}".rstrip())
        spread = table.set_index("estimand")
        tau_squared = float(spread["estimate"]["tau_squared"])
        q, df, p = (
            float(spread[column]["heterogeneity_chi2"])
            for column in ("statistic", "df", "p_value")
        )
        lines.append(
            f"tau squared {tau_squared:.4g}, I squared "
            f"{100 * self.random.i_squared:.0f}%, Q {q:.2f} on {df:.0f} df, p = {p:.3g}"
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _step(self, per: Mapping[str, float] | None) -> float:
        """Return the step of the score, or refuse one that it cannot have."""
        for name, size in (per or {}).items():
            if name != self.term or self.estimand != "log_hr":
                raise DataError(
                    f"`per` names `{name}`; only the log hazard ratio of `{self.term}` "
                    "has a step."
                )
            return check_step(name, size)
        return 1.0

    def _pooled(self) -> list[CohortEstimate]:
        return [
            row
            for row, is_in in zip(self.cohorts, self.is_pooled, strict=True)
            if is_in
        ]

    def _scaled(self) -> tuple[FloatArray, FloatArray]:
        return to_scale(scale_of(self.estimand), self._pooled())

    def _cohort_rows(self, conf_level: float) -> list[dict[str, Any]]:
        """Estimates of the cohorts, with their weights in the random-effects model."""
        y, v = self._scaled()
        weights = iter(1 / (v + self.random.tau_squared) * self.random.variance)
        inference = iter(
            self._inference(mean, np.sqrt(variance), np.inf, conf_level)
            for mean, variance in zip(y, v, strict=True)
        )
        blank = dict.fromkeys(
            ("statistic", "p_value", "conf_low", "conf_high", "weight"), np.nan
        )
        return [
            {
                "cohort": row.cohort,
                "estimand": self.estimand,
                **(next(inference) | {"weight": next(weights)} if is_in else blank),
                "estimate": row.estimate,
                "std_error": row.std_error,
                "n": row.n,
                "n_events": row.n_events,
                "note": row.note,
            }
            for row, is_in in zip(self.cohorts, self.is_pooled, strict=True)
        ]

    def _average_rows(self, conf_level: float) -> list[dict[str, Any]]:
        """Random effects, common effect, and where another cohort would lie."""
        y, v = self._scaled()
        k, fit, scale = y.size, self.random, scale_of(self.estimand)
        mean, variance, _ = weighted_mean(y, v)
        is_equal = fit.scale < _EQUAL
        error = np.nan if is_equal else np.sqrt(fit.scale * fit.variance)
        margin = np.nan
        if k > 2:
            quantile = t.isf((1 - conf_level) / 2, k - 2)
            margin = quantile * np.sqrt(error**2 + fit.tau_squared)
        ends = scale.backward(fit.mean + np.array([-margin, margin]))
        common = self._inference(mean, np.sqrt(variance), np.inf, conf_level)
        random = self._inference(fit.mean, error, k - 1, conf_level)
        notes = ["two cohorts: t has 1 degree of freedom, so wide limits"] * (k == 2)
        if is_equal:
            notes = ["equal estimates: Hartung and Knapp's interval has no width"]
        if _width(random) < _width(common):
            notes.append(
                "narrower than the common effect's, as few cohorts can make it"
            )
        prediction = {
            "estimate": random["estimate"],
            "conf_low": ends.min(),
            "conf_high": ends.max(),
            "df_residual": k - 2 if k > 2 else np.nan,
        }
        said = {
            "random": "; ".join(notes),
            "common": "assumes one true value in all cohorts",
            "prediction": "" if k > 2 else "needs 3 cohorts",
        }
        numbers = {"random": random, "common": common, "prediction": prediction}
        return [
            {
                "cohort": OVERALL,
                "estimand": f"{self.estimand}_{kind}",
                **values,
                **self._sizes(),
                "note": said[kind],
            }
            for kind, values in numbers.items()
        ]

    def _heterogeneity_rows(self, conf_level: float) -> list[dict[str, Any]]:
        """Variance between cohorts, its share, and the test that it is zero."""
        y, v = self._scaled()
        k, unit = y.size, typical_variance(v)
        q = weighted_mean(y, v)[2]
        tail = (1 - conf_level) / 2
        limits = np.array(
            [
                tau_squared_at(y, v, chi2.isf(tail, k - 1)),
                tau_squared_at(y, v, chi2.ppf(tail, k - 1)),
            ]
        )
        shares = limits / (limits + unit)
        common = {"cohort": OVERALL, **self._sizes(), "note": ""}
        return [
            {
                **common,
                "estimand": "tau_squared",
                "estimate": self.random.tau_squared,
                "conf_low": limits[0],
                "conf_high": limits[1],
            },
            {
                **common,
                "estimand": "i_squared",
                "estimate": self.random.i_squared,
                "conf_low": shares[0],
                "conf_high": shares[1],
            },
            {
                **common,
                "estimand": "heterogeneity_chi2",
                "statistic": q,
                "df": float(k - 1),
                "p_value": chi2.sf(q, k - 1),
            },
        ]

    def _sizes(self) -> dict[str, int]:
        glance = self.glance().iloc[0]
        return {"n": int(glance["n"]), "n_events": int(glance["n_events"])}

    def _inference(
        self, point: float, error: float, df: float, conf_level: float
    ) -> dict[str, float]:
        """Estimate, error, test and limits, carried back from the scale."""
        scale = scale_of(self.estimand)
        margin = t.isf((1 - conf_level) / 2, df) * error
        ends = scale.backward(point + np.array([-margin, margin]))
        estimate = scale.backward(np.array([point]))
        null = float(scale.forward(np.array(no_effect(self.estimand))))
        statistic = (point - null) / error if error > 0 else np.nan
        return {
            "estimate": float(estimate[0]),
            "std_error": float(error / abs(scale.slope(estimate)[0])),
            "statistic": statistic,
            "df_residual": np.nan if np.isinf(df) else df,
            "p_value": float(2 * t.sf(abs(statistic), df)),
            "conf_low": float(ends.min()),
            "conf_high": float(ends.max()),
        }


def combine_cohorts(
    cohorts: tuple[CohortEstimate, ...], formula: str, term: str, estimand: str
) -> MetaAnalysis:
    """Fit the random-effects model to the cohorts that have an estimate.

    Raises
    ------
    DataError
        Fewer than two cohorts have a finite estimate; the message says why not.
    ConvergenceError
        The iteration for tau squared ended without a maximum.
    """
    scale = scale_of(estimand)
    is_pooled = np.array(
        [
            bool(scale.holds(np.array(row.estimate))) and 0 < row.std_error < np.inf
            for row in cohorts
        ],
        np.bool_,
    )
    if is_pooled.sum() < 2:
        reasons = [
            f"`{row.cohort}`: {row.note or 'no finite estimate'}"
            for row, is_in in zip(cohorts, is_pooled, strict=True)
            if not is_in
        ]
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise DataError(
            f"`{term}` is estimated in {int(is_pooled.sum())} of {len(cohorts)} "
            f"cohorts, and a meta-analysis needs two{why}."
        )
    kept = [row for row, is_in in zip(cohorts, is_pooled, strict=True) if is_in]
    random = fit_reml(*to_scale(scale, kept))
    if not random.has_converged:
        raise ConvergenceError(
            f"The variance of `{term}` between {len(kept)} cohorts reached no maximum "
            "of the restricted likelihood; look for extreme standard errors."
        )
    return MetaAnalysis(formula, term, estimand, cohorts, is_pooled, random)


def to_scale(
    scale: Scale, rows: Sequence[CohortEstimate]
) -> tuple[FloatArray, FloatArray]:
    """Estimates and variances on a scale, by the delta method."""
    estimate = np.array([row.estimate for row in rows])
    std_error = np.array([row.std_error for row in rows])
    return scale.forward(estimate), (scale.slope(estimate) * std_error) ** 2


def _width(row: Mapping[str, float]) -> float:
    return row["conf_high"] - row["conf_low"]


def _per_step(table: pd.DataFrame, of_term: pd.Series, step: float) -> pd.DataFrame:
    """Give log hazard ratios, and their variance between cohorts, per step."""
    scaled = table.assign(per=step)
    limits = ["conf_low", "conf_high"]
    ends = table.loc[of_term, limits].to_numpy() * step
    scaled.loc[of_term, limits] = np.sort(ends, axis=1)
    scaled.loc[of_term, "estimate"] *= step
    scaled.loc[of_term, "std_error"] *= abs(step)
    scaled.loc[of_term, "statistic"] *= np.sign(step)
    is_variance = table["estimand"] == "tau_squared"
    scaled.loc[is_variance, ["estimate", *limits]] *= step**2
    return scaled


def _as_ratios(table: pd.DataFrame, of_term: pd.Series) -> pd.DataFrame:
    """Exponentiate the rows of the log hazard ratio; ratios have no standard error."""
    ratios = table.copy()
    for column in ("estimate", "conf_low", "conf_high"):
        ratios.loc[of_term, column] = np.exp(table.loc[of_term, column])
    ratios.loc[of_term, "std_error"] = np.nan
    renamed = table.loc[of_term, "estimand"].str.replace("log_hr", "hr")
    ratios.loc[of_term, "estimand"] = renamed
    return ratios

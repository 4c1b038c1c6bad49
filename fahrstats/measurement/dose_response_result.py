"""The result of a panel of simulated changes, and the tables made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from fahrstats.columns import contrast_name, in_order
from fahrstats.display.journals import format_count, format_number
from fahrstats.errors import DataError
from fahrstats.kernels.simultaneous import holm
from fahrstats.measurement.passing_doses import dose_at, passing_severity
from fahrstats.measurement.shared_draws import (
    FEWEST_DRAWS,
    check_conf_level,
    percentile_tail,
    percentiles,
    spread,
    with_tests,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_SHARES = ("share_moved", "share_lost")
_CURVES = ("mean_absolute_change", "mean_change")
"""Whose size is followed to where it passes a limit."""


@dataclass(frozen=True, slots=True, eq=False)
class DoseResponse:
    """Changes of k scores under simulated changes of the face.

    Attributes
    ----------
    models : tuple of str
        Columns of the scores.
    limits : tuple of float
        Sizes of change whose passing is looked for, ascending.
    moved : float
        Size of change above which a photo has moved.
    table : DataFrame
        Estimates by model, condition, severity and statistic, without intervals.
    draws : ndarray of shape (n_boot, rows)
        The same estimates in each draw of the subjects.
    start : dict
        Dose of each condition at severity 0, where it is known.
    n, n_subjects : int
        Photos with a score of the photo itself by every model, and whom they show.
    n_dropped : int
        Photos without one.
    seed : int
        Decided the draws.
    """

    models: tuple[str, ...]
    limits: tuple[float, ...]
    moved: float
    table: pd.DataFrame
    draws: FloatArray
    start: dict[str, float]
    n: int
    n_subjects: int
    n_dropped: int
    seed: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per model, condition, severity and statistic.

        ``n`` counts the photos compared (of ``share_lost``, those tested), and
        ``n_missing`` the faces lost. Severity 0, the photo itself, has a change of 0 by
        definition; its row tells the dose that a condition starts from.
        """
        check_conf_level(conf_level)
        table = self.table.copy()
        people = table["n_subjects"].to_numpy()
        low, high, _ = percentiles(self.draws, people, conf_level)
        table["std_error"] = spread(self.draws, people)
        table["conf_low"], table["conf_high"] = low, high
        is_share = table["estimand"].isin(_SHARES)
        limits = _wilson(table[is_share], conf_level)
        table.loc[is_share, ["conf_low", "conf_high"]] = limits
        return table[in_order(table.columns)]

    def origin(self) -> pd.DataFrame:
        """One row per model and condition: the photo itself, at its dose.

        Rows are like those of :meth:`tidy`, with severity 0 and a change of 0.
        """
        is_curve = self.table["estimand"].isin(_CURVES)
        first = self.table[is_curve].drop_duplicates(["model", "condition", "estimand"])
        found = first.assign(
            severity=0.0,
            dose=[self.start.get(name, np.nan) for name in first["condition"]],
            estimate=0.0,
            n=self.n,
            n_subjects=self.n_subjects,
            n_missing=0,
            note="the photo itself",
        )
        return found[in_order(found.columns)].reset_index(drop=True)

    def passing(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Severity and dose at which each limit is passed, by model and condition.

        ``variable`` is what passes: the mean size of the change, or the size of the
        mean change; ``value`` is the limit. A limit that is not passed within the panel
        has an infinite estimate, and a limit of confidence beyond the panel is infinite
        (towards smaller doses where doses fall).
        """
        check_conf_level(conf_level)
        rows = [
            row
            for model in self.models
            for condition in dict.fromkeys(self.table["condition"])
            for variable in _CURVES
            for row in self._passed(model, condition, variable, conf_level)
        ]
        table = pd.DataFrame(rows)
        return table[in_order(table.columns)]

    def contrasts(
        self,
        *,
        estimand: str = "mean_absolute_change",
        severity: float | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Differences of all pairs of models in each condition, on the same photos.

        One row for each pair ``a - b`` and condition: the mean over its severities, or
        one severity. Above 0, the first model moves more. ``p_adjusted`` and the joint
        limits hold for all rows together: single-step max-T.

        Raises
        ------
        DataError
            There is one model, or no such statistic or severity.

        References
        ----------
        Hothorn, Bretz and Westfall (2008), Biometrical Journal 50:346-363.
        """
        check_conf_level(conf_level)
        if len(self.models) < 2:
            raise DataError(
                f"`{self.models[0]}` is the only model; a difference needs two."
            )
        table = _chosen(self.table, "estimand", estimand)
        if severity is not None:
            table = _chosen(table, "severity", severity)
        rows, draws = [], []
        for condition, part in table.groupby("condition", sort=False):
            for a, b in combinations(self.models, 2):
                first, second = (part[part["model"] == name] for name in (a, b))
                ours, theirs = self.draws[:, first.index], self.draws[:, second.index]
                draws.append((ours - theirs).mean(axis=1))
                gaps = first["estimate"].to_numpy() - second["estimate"].to_numpy()
                row = {
                    "condition": str(condition),
                    "term": contrast_name(a, b),
                    "estimand": f"delta_{estimand}",
                    "estimate": gaps.mean(),
                    "n": int(first["n"].min()),
                    "n_subjects": int(first["n_subjects"].min()),
                    "note": _over(first["severity"]),
                }
                rows.append(row if severity is None else row | {"severity": severity})
        found = pd.DataFrame(rows)
        people = found["n_subjects"].to_numpy()
        return with_tests(found, np.column_stack(draws), people, conf_level)

    def equivalence(self, margin: float, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Test whether the mean change is within ``margin`` of none (TOST).

        One row per model, condition and severity. ``p_value`` is the larger of the two
        one-sided tests, by Student's t on the subjects less one; small values say that
        the change is within the margin. ``p_adjusted`` is Holm's, over all rows of a
        model. ``conf_low`` and ``conf_high`` are the limits of the mean change at
        ``2 conf_level - 1`` (90% at 95%), which lie within the margin where the test at
        ``1 - conf_level`` rejects. ``note`` is what was shown: ``within`` the margin
        (the adjusted test rejects), ``beyond`` it (both limits of :meth:`tidy` lie on
        one side of it), or ``neither``.

        Raises
        ------
        DataError
            ``margin`` is not above 0.

        References
        ----------
        Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15:657-680.
        Holm (1979), Scandinavian Journal of Statistics 6:65-70.
        """
        check_conf_level(conf_level)
        if not margin > 0 or not np.isfinite(margin):
            raise DataError(
                f"`margin` is {margin}; give a size of change above 0 that would not "
                "matter: no data can show that a change is exactly none."
            )
        table = self.table[self.table["estimand"] == "mean_change"]
        people = table["n_subjects"].to_numpy()
        std_error = spread(self.draws[:, table.index], people)
        df = np.maximum(people - 1, 1)
        distance = margin - table["estimate"].abs().to_numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            statistic = np.where(std_error > 0, distance / std_error, np.nan)
        reach = t.isf(1 - conf_level, df) * std_error
        table = table.assign(
            estimand="equivalence",
            std_error=std_error,
            statistic=statistic,
            df_residual=df,
            p_value=t.sf(statistic, df),
            conf_low=table["estimate"] - reach,
            conf_high=table["estimate"] + reach,
        ).reset_index(drop=True)
        table["p_adjusted"] = table.groupby("model")["p_value"].transform(
            lambda p_values: holm(p_values.to_numpy(np.float64))
        )
        limits = self.tidy(conf_level=conf_level).query("estimand == 'mean_change'")
        is_beyond = (limits["conf_low"] > margin) | (limits["conf_high"] < -margin)
        shown = np.where(table["p_adjusted"] < 1 - conf_level, "within", "neither")
        table["note"] = np.where(is_beyond, "beyond", shown)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: photos, subjects, photos without a score of the photo itself."""
        values = {
            "n": self.n,
            "n_subjects": self.n_subjects,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Mean size of the change by dose, a panel for each condition."""
        from fahrstats.display.figures import dose_curves

        table = pd.concat([self.origin(), self.tidy()], ignore_index=True)
        shown = table[table["estimand"] == "mean_absolute_change"]
        return dose_curves(shown, limits=self.limits)

    def summary(self) -> str:
        """Describe where each model passes the limits, condition by condition."""
        lines = [
            f"Simulated changes of {format_count(self.n)} photos of "
            f"{format_count(self.n_subjects)} subjects; {format_count(self.n_dropped)} "
            "photos without a score of the photo itself left out",
        ]
        passing = self.passing()
        is_told = (passing["estimand"] == "passing_dose") & (
            passing["variable"] == "mean_absolute_change"
        )
        for model, part in passing[is_told].groupby("model", sort=False):
            lines.append(f"{model}: dose at which the mean size of the change passes")
            for condition, rows in part.groupby("condition", sort=False):
                told = [
                    f"{row['value']:g} at {_dose_text(row['estimate'])}"
                    for row in rows.to_dict("records")
                ]
                lines.append(f"  {condition}: {'; '.join(told)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _passed(
        self, model: str, condition: str, variable: str, conf_level: float
    ) -> Iterator[dict[str, object]]:
        """Yield the severity and dose at which one curve passes each limit."""
        table = self.table
        is_curve = (
            (table["model"] == model)
            & (table["condition"] == condition)
            & (table["estimand"] == variable)
            & table["estimate"].notna()
        )
        curve = table[is_curve]
        severity = curve["severity"].to_numpy()
        people = int(curve["n_subjects"].min()) if len(curve) else 0
        shown = {"model": model, "condition": condition, "variable": variable}
        sizes = {"n": int(curve["n"].min()) if len(curve) else 0, "n_subjects": people}
        values = np.vstack([curve["estimate"], self.draws[:, curve.index]])
        places = np.append(0.0, severity)
        doses = np.append(self.start.get(condition, np.nan), curve["dose"])
        for limit in self.limits:
            row = {**shown, "value": limit, **sizes}
            if not len(curve):
                nothing = {"estimate": np.nan, "note": "no face was scored"}
                for estimand in ("passing_severity", "passing_dose"):
                    yield {**row, "estimand": estimand, **nothing}
                continue
            weights = curve["n"].to_numpy(np.float64)
            found = passing_severity(np.abs(values), weights, severity, limit)
            limits = _order_limits(found[1:], people, conf_level)
            at = np.array([found[0], *limits])
            note = _note(curve, at, float(np.abs(values[0]).max()), limit)
            for estimand, numbers in (
                ("passing_severity", at),
                ("passing_dose", dose_at(at, places, doses)),
            ):
                low, high = sorted(numbers[1:])
                yield {
                    **row,
                    "estimand": estimand,
                    "estimate": numbers[0],
                    "conf_low": low,
                    "conf_high": high,
                    "note": note,
                }


def _chosen(table: pd.DataFrame, column: str, wanted: object) -> pd.DataFrame:
    """Return the rows of one value, or refuse an unknown one."""
    known = table[column].unique()
    if wanted not in known:
        options = ", ".join(f"`{value}`" for value in known)
        raise DataError(f"`{column}` is `{wanted}`; choose one of {options}.")
    return table[table[column] == wanted]


def _over(severity: pd.Series) -> str:
    """Say over which severities a mean was taken."""
    if len(severity) == 1:
        return ""
    return f"mean of severities {severity.min():g} to {severity.max():g}"


def _wilson(shares: pd.DataFrame, conf_level: float) -> FloatArray:
    """Return Wilson's limits, of as many photos as give the standard error."""
    p = shares["estimate"].to_numpy()
    n = shares["n"].to_numpy(np.float64)
    people = shares["n_subjects"].to_numpy(np.float64)
    variance = shares["std_error"].to_numpy() ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(variance > 0, np.minimum(p * (1 - p) / variance, n), people)
        z2 = norm.isf((1 - conf_level) / 2) ** 2
        middle = (p + z2 / (2 * size)) / (1 + z2 / size)
        reach = np.sqrt(z2 * (p * (1 - p) / size + z2 / (4 * size**2)))
        reach /= 1 + z2 / size
    return np.column_stack(
        [np.maximum(middle - reach, 0), np.minimum(middle + reach, 1)]
    )


def _order_limits(
    draws: FloatArray, people: int, conf_level: float
) -> tuple[float, float]:
    """Return percentiles of draws that may be infinite; missing where few have any."""
    known = draws[~np.isnan(draws)]
    if known.size < FEWEST_DRAWS or people < 2:
        return np.nan, np.nan
    (tail,) = percentile_tail(np.array([people]), conf_level)
    low = np.quantile(known, tail, method="lower")
    return float(low), float(np.quantile(known, 1 - tail, method="higher"))


def _note(curve: pd.DataFrame, at: FloatArray, largest: float, limit: float) -> str:
    """Say where a limit is not passed, or its confidence limit lies beyond."""
    last = f"severity {curve['severity'].iloc[-1]:g}"
    if np.isposinf(at[0]):
        if largest >= limit:
            return (
                f"not passed by a curve that rises throughout, though {largest:.2g} at "
                "one severity"
            )
        return f"not passed within the panel: at most {largest:.2g} up to {last}"
    return f"interval reaches beyond {last}" if np.isposinf(at[2]) else ""


def _dose_text(dose: float) -> str:
    return "no dose of the panel" if np.isinf(dose) else format_number(dose)

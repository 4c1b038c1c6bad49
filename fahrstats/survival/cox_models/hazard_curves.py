"""How the hazard changes with one variable: a curve relative to a reference value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.variables import move_variable, spline_terms, terms_moved
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.wald import as_ratio, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_GRID = 101
"""Values at which a curve is given where the caller names none."""


@dataclass(frozen=True, slots=True, eq=False)
class HazardCurve:
    """Log hazard ratios of m values of a variable against its reference value.

    Attributes
    ----------
    formula, variable : str
        The model, and the column of the data that moves.
    reference : float
        Value at which the log hazard ratio is zero.
    values, log_hr, std_error : ndarray of shape (m,)
        Values of the variable, ascending, with the estimate and its standard error.
    knots : tuple of float
        Knots of its splines.
    n, n_events : int
        Rows behind the fit, and events among them.
    note : str
        Why there is no estimate, if there is none.
    """

    formula: str
    variable: str
    reference: float
    values: FloatArray
    log_hr: FloatArray
    std_error: FloatArray
    knots: tuple[float, ...]
    n: int
    n_events: int
    note: str

    def tidy(
        self, *, exponentiate: bool = False, conf_level: float = 0.95
    ) -> pd.DataFrame:
        """One row per value, with a pointwise interval that is nil at the reference."""
        table = pd.DataFrame(
            {
                "variable": self.variable,
                "value": self.values,
                "reference": f"{self.reference:g}",
                "estimand": "log_hr",
                "n": self.n,
                "n_events": self.n_events,
                "note": self.note,
            }
        )
        table = with_wald(table, self.log_hr, self.std_error, conf_level)
        table = table[in_order(table.columns)]
        return as_ratio(table) if exponentiate else table

    def glance(self) -> pd.DataFrame:
        """One row: the variable, its reference value, and sizes."""
        values = {
            "variable": self.variable,
            "reference": f"{self.reference:g}",
            "n": self.n,
            "n_events": self.n_events,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self, *, x_label: str = "", conf_level: float = 0.95) -> ggplot:
        """Draw the hazard ratio against the variable, its knots along the axis."""
        from fahrstats.display.figures import hr_curve

        table = self.tidy(exponentiate=True, conf_level=conf_level)
        return hr_curve(table, knots=self.knots, x_label=x_label)

    def summary(self) -> str:
        """Describe the curve as text: its hazard ratio at both ends and in between."""
        from fahrstats.display.journals import format_ratio

        lines = [
            f"Hazard ratio by `{self.variable}`, relative to {self.reference:g}: "
            f"{self.formula}"
        ]
        if self.note:
            return "\n".join([*lines, self.note])
        shown = np.unique(np.linspace(0, self.values.size - 1, 5).round().astype(int))
        for row in self.tidy(exponentiate=True).iloc[shown].to_dict("records"):
            ratio = format_ratio(row["estimate"], row["conf_low"], row["conf_high"])
            lines.append(f"{row['value']:g}: {ratio}")
        if self.knots:
            lines.append(f"Knots at {', '.join(f'{knot:g}' for knot in self.knots)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def estimate_curve(
    fit: CoxFit, variable: str, reference: float | None, at: Iterable[float] | None
) -> HazardCurve:
    """Compute what :meth:`fahrstats.CoxFit.curve` describes."""
    terms_moved(fit.encoder, variable)
    origin, values = _grid(fit, variable, reference, at)
    columns, X = move_variable(fit.encoder, variable, np.append(values, origin))
    n_bad = int((~np.isfinite(X)).any(axis=1).sum())
    if n_bad:
        raise DataError(
            f"`{variable}` has {n_bad} values in `at` or `reference` that its "
            "transform does not fit; give values like those of the data."
        )
    infinite = [m.term for m in fit.monotone if fit.terms.index(m.term) in columns]
    beta = fit.log_hr[columns]
    known = ~np.isnan(beta)  # an aliased column adds nothing to what it repeats
    moved = (X[:-1] - X[-1])[:, known]
    cov = fit.cov[np.ix_(columns[known], columns[known])]
    missing = np.full(values.size, np.nan)
    return HazardCurve(
        formula=fit.formula,
        variable=variable,
        reference=origin,
        values=values,
        log_hr=missing if infinite else moved @ beta[known],
        std_error=missing if infinite else _std_errors(moved, cov),
        knots=tuple(
            knot
            for spline in spline_terms(fit.encoder)
            if spline.variable == variable and spline.is_plain
            for knot in spline.knots
        ),
        n=fit.n,
        n_events=fit.n_events,
        note=f"no estimate: `{infinite[0]}` has an infinite coefficient"
        if infinite
        else "",
    )


def _std_errors(moved: FloatArray, cov: FloatArray) -> FloatArray:
    """Return the standard error of rows (m, q) of differences times coefficients."""
    variance = np.einsum("ia,ab,ib->i", moved, cov, moved)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), np.float64)


def _grid(
    fit: CoxFit, variable: str, reference: float | None, at: Iterable[float] | None
) -> tuple[float, FloatArray]:
    """Return the reference value and the values of a curve, ascending."""
    known = fit.encoder.ranges.get(variable)
    if known is None and (reference is None or at is None):
        raise DataError(
            f"`{variable}` enters `{fit.formula}` as it is, and the fit keeps the "
            "range of transformed variables only; give `reference` and `at`."
        )
    if at is None:
        assert known is not None
        values = np.linspace(known[0], known[2], _GRID)
    else:
        values = _numbers("at", at)
    if reference is None:
        assert known is not None
        return known[1], values
    return float(_numbers("reference", [reference])[0]), values


def _numbers(name: str, given: Iterable[float]) -> FloatArray:
    """Return finite numbers in rising order, or refuse what holds none."""
    try:
        values = np.unique(np.asarray(list(given), np.float64))
    except (TypeError, ValueError) as error:
        raise DataError(f"`{name}` is {given}; give numbers.") from error
    if not values.size or not np.isfinite(values).all():
        raise DataError(f"`{name}` is {given}; give finite numbers.")
    return values

"""Tests of proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.roles import Roles
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.newton import solve_scaled
from fahrstats.kernels.time_varying import TimeVarying, time_varying_terms
from fahrstats.survival.cox_models.maximum import Maximum, find_maximum
from fahrstats.survival.cox_models.time_smooth import (
    TRANSFORMS,
    TimeResiduals,
    TimeSmooth,
    Transform,
    residuals_over_time,
    smooth_over_time,
    time_scale,
)
from fahrstats.survival.options import Ties, refuse_unknown
from fahrstats.survival.wald import as_ratio, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_SCALES: dict[Transform, str] = {
    "km": "1 - Kaplan-Meier",
    "identity": "time",
    "rank": "the rank of time",
    "log": "the log of time",
}
"""Functions of time in words."""

_UNTESTED = "not tested: no finite estimate, or it cannot vary in time"

_LOST_INFORMATION = 1e-11
"""Share of an added term's information, given the model, that counts as none."""


@dataclass(frozen=True, slots=True, eq=False)
class ProportionalityTest:
    """Score tests of a coefficient that changes with a function of time.

    Attributes
    ----------
    terms : tuple of str
        Variables of the model, a factor's columns tested together, and ``global``.
    statistic, df, p_value : ndarray of shape (n_terms,)
        Chi-squared statistics of Grambsch and Therneau, their degrees of freedom and
        p values. Missing for a variable without a finite estimate, and where events
        are too few to tell a change in time; these have 0 degrees of freedom.
    transform : str
        The function of time.
    over_g : TimeResiduals
        What :attr:`smooth` is made from.
    n, n_events : int
        Rows used, events among them.
    """

    terms: tuple[str, ...]
    statistic: FloatArray
    df: NDArray[np.int64]
    p_value: FloatArray
    transform: Transform
    over_g: TimeResiduals
    n: int
    n_events: int

    @property
    def smooth(self) -> TimeSmooth:
        """Each design column's log hazard ratio as a smooth function of time."""
        return smooth_over_time(self.over_g)

    def tidy(self) -> pd.DataFrame:
        """One row per variable and one for all together, ``global``."""
        table = pd.DataFrame(
            {
                "term": self.terms,
                "estimand": "ph_chi2",
                "statistic": self.statistic,
                "df": self.df,
                "p_value": self.p_value,
                "n": self.n,
                "n_events": self.n_events,
            }
        )
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: the test of all variables together."""
        table = self.tidy().tail(1).reset_index(drop=True)
        return table.drop(columns=["term", "estimand"])

    def over_time(
        self, *, exponentiate: bool = False, conf_level: float = 0.95
    ) -> pd.DataFrame:
        """Log hazard ratio of each design column as a smooth function of time.

        One row per column and point of a grid. A column without a finite estimate has
        no row, and with fewer than four distinct event times there is no curve.

        Notes
        -----
        A natural cubic spline with four degrees of freedom through the scaled
        Schoenfeld residuals, on the scale of ``transform``: the curve that R's
        ``plot(cox.zph(fit, terms = FALSE))`` draws, there with two standard errors on
        each side.
        """
        smooth, n_points = self.smooth, self.smooth.time.size
        table = pd.DataFrame(
            {
                "term": np.repeat(np.array(smooth.terms, object), n_points),
                "estimand": "log_hr",
                "time": np.tile(smooth.time, len(smooth.terms)),
            }
        )
        estimate, std_error = smooth.log_hr.T.ravel(), smooth.std_error.T.ravel()
        table = with_wald(table, estimate, std_error, conf_level)
        table = table[in_order(table.columns)].drop(columns=["statistic", "p_value"])
        return as_ratio(table) if exponentiate else table

    def plot(self) -> ggplot:
        """Draw the hazard ratio of each design column over time, with its band."""
        from fahrstats.display.figures import hazard_ratios_over_time

        smooth = self.smooth
        constant = {"term": smooth.terms, "estimate": np.exp(smooth.constant)}
        return hazard_ratios_over_time(
            self.over_time(exponentiate=True), pd.DataFrame(constant)
        )

    def summary(self) -> str:
        """Describe the tests as text."""
        from fahrstats.display.journals import format_number, phrase_p

        scale = _SCALES[self.transform]
        lines = [f"Proportional hazards, score tests of a change with {scale}"]
        lines += [
            f"{row['term']}: chi-squared {format_number(row['statistic'])} "
            f"on {row['df']} df, {phrase_p(row['p_value'])}"
            if row["df"]
            else f"{row['term']}: {_UNTESTED}"
            for row in self.tidy().to_dict("records")
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def ph_test(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    offset: str | None = None,
    ties: Ties = "efron",
    transform: Transform = "km",
) -> ProportionalityTest:
    """Test whether the coefficients of a Cox model change with time.

    The exact score test for an added term ``g(t) x``, from the information of both
    terms together. The approximation in wide use, which takes the variance of the
    covariates to be the same at every event, is not this test.

    Parameters
    ----------
    formula, data, strata, weights, id, offset, ties
        As in :func:`fahrstats.cox`.
    transform
        g(t): ``"km"`` for 1 - Kaplan-Meier just before t, ``"identity"``, ``"log"``, or
        ``"rank"``, the mean rank of t among all follow-up times.

    Raises
    ------
    FormulaError, DataError, ConvergenceError
        As :func:`fahrstats.cox`; also without covariates.

    References
    ----------
    Grambsch and Therneau (1994), Biometrika 81:515-526; Therneau, R package survival,
    from version 3.0 on.

    Examples
    --------
    >>> fs.ph_test("Surv(time, event) ~ faceage + age", cohort).tidy()
    """
    refuse_unknown("ties", ties, ("efron", "breslow"))
    refuse_unknown("transform", transform, TRANSFORMS)
    roles = Roles(strata=strata, weights=weights, id=id, offset=offset)
    design = build_design(formula, data, **roles.named())
    if not design.columns:
        raise DataError(f"`{formula}` has no covariate whose proportionality to test.")
    maximum = find_maximum(design, efron=ties == "efron")
    return tested_at_maximum(design, maximum, transform)


def tested_at_maximum(
    design: Design, maximum: Maximum, transform: Transform
) -> ProportionalityTest:
    """Test proportional hazards where a likelihood is maximised already."""
    scale = time_scale(design, transform)
    variables = [
        column.variable
        for column, is_finite in zip(design.columns, maximum.is_finite, strict=True)
        if is_finite
    ]
    groups = [(v, [v]) for v in dict.fromkeys(c.variable for c in design.columns)]
    groups.append(("global", variables))
    added = time_varying_terms(
        design.risk_sets, maximum.blocks, maximum.peak.sums, maximum.Z, scale.centred
    )
    chosen = [np.flatnonzero(np.isin(variables, group)) for _, group in groups]
    statistics, dfs = _score_tests(maximum.information, added, chosen)
    return ProportionalityTest(
        terms=tuple(name for name, _ in groups),
        statistic=statistics,
        df=dfs,
        p_value=np.where(dfs > 0, chdtrc(dfs, statistics), np.nan),
        transform=transform,
        over_g=residuals_over_time(design, maximum, scale, added.residuals),
        n=design.n,
        n_events=design.n_events,
    )


def _score_tests(
    info: FloatArray, added: TimeVarying, groups: list[NDArray[np.int64]]
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Statistic and degrees of freedom of each group of added terms.

    From the information of the added terms given the coefficients of all columns. A
    direction in which nothing is left of it, as where a covariate varies at one event
    only, is not tested; a group without any other has a missing statistic.
    """
    given = added.own - added.shared @ solve_scaled(info, added.shared)
    unit = np.sqrt(np.diag(added.own))
    unit = np.divide(1.0, unit, out=np.zeros_like(unit), where=unit > 0)
    statistics, dfs = [], []
    for columns in groups:
        scale = unit[columns]
        part = given[np.ix_(columns, columns)] * np.outer(scale, scale)
        left, directions = np.linalg.eigh(part)
        along = directions.T @ (added.gradient[columns] * scale)
        is_left = left > _LOST_INFORMATION
        statistics.append((along[is_left] ** 2 / left[is_left]).sum())
        dfs.append(int(is_left.sum()))
    df = np.array(dfs)
    return np.where(df > 0, statistics, np.nan), df

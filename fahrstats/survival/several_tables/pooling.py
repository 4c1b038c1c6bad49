"""Analyses of completed tables, pooled by Rubin's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.rubins_rules import (
    Combined,
    PooledStatistic,
    chi_squared_test,
    combine,
)
from fahrstats.survival.options import check_conf_level
from fahrstats.survival.several_tables.completed import (
    NAMING,
    Formulas,
    check_tables,
    result_problems,
    result_tables,
    row_name,
)
from fahrstats.survival.several_tables.pooled_rows import as_ratios, in_words, per_step
from fahrstats.survival.several_tables.pooled_tests import tail_probability
from fahrstats.survival.several_tables.scales import no_effect, scale_of

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]


class HasTidy(Protocol):
    """A result with a table of estimates."""

    def tidy(self) -> pd.DataFrame:
        """Return one row per estimate."""


Verb = Callable[..., HasTidy | pd.DataFrame]

_SIZES = ("n", "n_events")
_ROUNDING = 1e-14


def pool(
    verb: Verb,
    formula: Formulas,
    tables: Iterable[pd.DataFrame],
    *,
    complete_df: float | None = None,
    **options: Any,
) -> Pooled:
    """Analyse every completed table, and pool the results by Rubin's rules.

    Estimates are averaged row by row; the variance of the average is that within tables
    plus that between them. Intervals and tests use t with Barnard and Rubin's degrees
    of freedom. Concordances and AUCs are averaged on the logit scale, survival on the
    log-log scale, everything else as it is; the column ``scale`` says which. A row that
    is a chi-squared test is pooled by D2, and an estimate without a standard error is
    averaged only.

    Parameters
    ----------
    verb
        A function of this package whose result has ``tidy()``, such as ``fs.cox``, or
        any function of a formula and a table that returns such a result, or its table.
    formula
        What the verb wants first: a formula, or several by label.
    tables
        Two or more completed tables, such as :func:`fahrstats.impute` gives.
    complete_df
        Degrees of freedom without missing values. By default the events of each row
        less its number of coefficients, as in R; infinite where a row has no events.
    options
        Keywords for the verb.

    Raises
    ------
    DataError
        Fewer than two tables, tables of different rows or with values missing, results
        whose rows differ, or ratios, which have no standard error.

    Notes
    -----
    Equal to ``mice::pool`` for Cox models.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys. Barnard and Rubin
    (1999), Biometrika 86:948-955. Marshall et al. (2009), BMC Medical Research
    Methodology 9:57, for the scales.

    Examples
    --------
    >>> tables = fs.impute("Surv(time, event) ~ faceage + bmi", cohort, seed=1)
    >>> fs.pool(fs.cox, "Surv(time, event) ~ faceage + bmi", tables).tidy()
    """
    completed = check_tables(formula, tables, options)
    results = []
    for number, table in enumerate(completed, start=1):
        try:
            results.append(verb(formula, table, **options))
        except DataError as error:
            raise DataError(f"Table {number} of {len(completed)}: {error}") from error
    return pool_results(results, complete_df=complete_df)


def pool_results(
    results: Iterable[HasTidy | pd.DataFrame], *, complete_df: float | None = None
) -> Pooled:
    """Pool results that exist already, one per completed table, as :func:`pool` does.

    Parameters
    ----------
    results
        Results with ``tidy()``, or tables with ``estimand``, ``estimate`` and
        ``std_error``, such as those of ``Concordance.contrast``.
    complete_df
        As in :func:`pool`.

    Raises
    ------
    DataError
        There are fewer than two results, or they do not have the same rows.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, chapter 3.

    Examples
    --------
    >>> contrasts = [fs.concordance("Surv(time, event) ~ faceage + age", table)
    ...              .contrast("faceage", "age") for table in tables]
    >>> fs.pool_results(contrasts).tidy()
    """
    if complete_df is not None and not complete_df > 0:
        raise DataError(f"`complete_df` is {complete_df}; give a number above 0.")
    parts = result_tables(results)
    for problem in result_problems(parts):
        raise DataError(problem)
    rows = _named_rows(parts)
    estimand = rows["estimand"].to_numpy()
    estimates, std_errors = (_stack(parts, name) for name in ("estimate", "std_error"))
    points, errors = _rescale(estimand, estimates, std_errors)
    df = _complete_df(rows) if complete_df is None else np.full(len(rows), complete_df)
    combined = combine(points, errors**2, df)
    is_tested = np.all(np.isfinite(_stack(parts, "statistic")), axis=0)
    tests = _pooled_tests(parts, is_tested & np.all(np.isnan(estimates), axis=0))
    notes = _notes(parts, estimand, estimates, std_errors, tests)
    return Pooled(
        rows=rows.assign(note=notes),
        n_tables=len(parts),
        combined=combined,
        means=np.where(
            np.isfinite(estimates).all(axis=0), estimates.mean(axis=0), np.nan
        ),
        is_tested=is_tested,
        tests=tests,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Results of m completed tables, pooled.

    Attributes
    ----------
    rows : DataFrame
        What each of the q rows is about, its sizes and its note.
    n_tables : int
        Completed tables, m.
    combined : Combined
        Estimates, variances and degrees of freedom, on the scale of each row.
    means : ndarray of shape (q,)
        Plain means of the untransformed estimates.
    is_tested : ndarray of bool, shape (q,)
        Rows with a test in every table.
    tests : mapping of int to PooledStatistic
        Chi-squared tests among the rows, by position.
    """

    rows: pd.DataFrame
    n_tables: int
    combined: Combined
    means: FloatArray
    is_tested: NDArray[np.bool_]
    tests: Mapping[int, PooledStatistic]

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per row of the analysis.

        ``df_residual`` belongs to t, or to F in a pooled chi-squared test, whose
        ``statistic`` is D2. Limits are found on ``scale`` and carried back.

        Parameters
        ----------
        exponentiate
            Hazard ratios, which have no standard error, instead of log hazard ratios.
        per
            Size of the step of a term whose log hazard ratio is pooled, such as
            ``{"faceage": 10}``.
        conf_level
            Confidence level of the intervals.
        """
        check_conf_level(conf_level)
        table = self.rows.assign(
            relative_increase=self.combined.relative_increase,
            missing_information=self.combined.missing_information,
            **self._inference(conf_level),
        )
        for position, test in self.tests.items():
            table.loc[position, ["statistic", "df", "df_residual", "p_value"]] = (
                test.statistic,
                test.df,
                test.df_residual,
                tail_probability(test),
            )
            table.loc[position, "relative_increase"] = test.relative_increase
        if not self.tests:
            table = table.drop(columns="df")
        table = per_step(table, per)
        table = table[in_order(table.columns)]
        return as_ratios(table) if exponentiate else table

    def glance(self) -> pd.DataFrame:
        """One row: tables, and the rows and events of the largest analysis."""
        sizes = {
            name: int(self.rows[name].max()) for name in _SIZES if name in self.rows
        }
        values = {"n_tables": self.n_tables, **sizes}
        return pd.DataFrame([values])[in_order(values)]

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of hazard ratios, or estimates with their intervals."""
        from fahrstats.display.figures import estimates, forest

        if (self.rows["estimand"] == "log_hr").any():
            return forest(self.tidy(exponentiate=True, per=per))
        return estimates(self.tidy(per=per))

    def summary(self) -> str:
        """Describe the pooled estimates as text."""
        names = [row_name(row) for row in self.rows.to_dict("records")]
        rows = self.tidy().to_dict("records")
        return "\n".join(
            [f"{self.n_tables} completed tables, pooled by Rubin's rules"]
            + [
                f"  {name:<{max(map(len, names))}}  {in_words(row)}"
                for name, row in zip(names, rows, strict=True)
            ]
        )

    def __str__(self) -> str:
        return self.summary()

    def _inference(self, conf_level: float) -> dict[str, Any]:
        """Estimates with their t tests and intervals, carried back to their scale."""
        scales = [scale_of(name) for name in self.rows["estimand"]]
        point, total = self.combined.estimate, self.combined.total
        estimate = np.where(np.isnan(point), self.means, point)
        std_error, statistic, low, high = np.full((4, point.size), np.nan)
        margin = t.isf((1 - conf_level) / 2, self.combined.df) * np.sqrt(total)
        for i in np.flatnonzero(np.isfinite(point)):
            scale, at = scales[i], point[[i]]
            estimate[i] = scale.backward(at)[0]
            if np.isnan(total[i]):
                continue
            slope = abs(scale.slope(estimate[[i]])[0])
            std_error[i] = np.sqrt(total[i]) / slope
            limits = scale.backward(point[i] + np.array([-margin[i], margin[i]]))
            low[i], high[i] = np.sort(limits)
            if self.is_tested[i] and total[i] > 0:
                null = scale.forward(np.array(no_effect(self.rows["estimand"].iloc[i])))
                statistic[i] = (point[i] - null) / np.sqrt(total[i])
        return {
            "scale": [scale.name for scale in scales],
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "df": np.full(point.size, np.nan),
            "df_residual": self.combined.df,
            "p_value": 2 * t.sf(np.abs(statistic), self.combined.df),
            "conf_low": low,
            "conf_high": high,
        }


def _named_rows(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Say what the rows are about, and their sizes, averaged where tables differ."""
    naming = [name for name in parts[0].columns if name in NAMING]
    rows = parts[0][naming].reset_index(drop=True)
    for name in _SIZES:
        if name in parts[0]:
            rows[name] = np.rint(_stack(parts, name).mean(axis=0)).astype(np.int64)
    return rows


def _stack(parts: Sequence[pd.DataFrame], column: str) -> FloatArray:
    """One column of all tables, shape (m, q); missing where there is no such column."""
    return np.stack(
        [
            part[column].to_numpy(np.float64)
            if column in part
            else np.full(len(part), np.nan)
            for part in parts
        ]
    )


def _rescale(
    estimand: NDArray[np.object_], estimates: FloatArray, std_errors: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Estimates and errors on their scale; missing where it has no value for them."""
    points, errors = np.full((2, *estimates.shape), np.nan)
    for j, name in enumerate(estimand):
        scale, column = scale_of(name), estimates[:, j]
        if scale.holds(column).all():
            points[:, j] = scale.forward(column)
            errors[:, j] = np.abs(scale.slope(column)) * std_errors[:, j]
    return points, errors


def _complete_df(rows: pd.DataFrame) -> FloatArray:
    """Events of each row less its coefficients, at least 1; infinite without events."""
    if "n_events" not in rows:
        return np.full(len(rows), np.inf)
    is_coefficient = rows["estimand"] == "log_hr"
    names = ["subgroup", "level"] if "subgroup" in rows else []
    names += [name for name in ("outcome", "model") if name in rows]
    fits = [rows[name] for name in names] or [pd.Series("", index=rows.index)]
    n_coefficients = is_coefficient.groupby(fits).transform("sum")
    spent = n_coefficients.where(is_coefficient, 1).to_numpy(np.float64)
    df: FloatArray = np.maximum(rows["n_events"].to_numpy(np.float64) - spent, 1.0)
    return df


def _pooled_tests(
    parts: Sequence[pd.DataFrame], is_test: NDArray[np.bool_]
) -> dict[int, PooledStatistic]:
    """Pool the rows that are chi-squared tests, by position."""
    statistics, df = _stack(parts, "statistic"), _stack(parts, "df")
    return {
        int(j): chi_squared_test(statistics[:, j], int(df[0, j]))
        for j in np.flatnonzero(is_test & (df == df[0]).all(axis=0) & (df[0] > 0))
    }


def _notes(
    parts: Sequence[pd.DataFrame],
    estimand: NDArray[np.object_],
    estimates: FloatArray,
    std_errors: FloatArray,
    tests: Mapping[int, PooledStatistic],
) -> list[str]:
    """Say of every row what its numbers leave out."""
    m, notes = len(parts), []
    events = _stack(parts, "n_events")
    for j, name in enumerate(estimand):
        known = np.isfinite(estimates[:, j])
        given = [str(part["note"].iloc[j]) for part in parts if "note" in part]
        reasons = list(dict.fromkeys(note for note in given if note))
        said = []
        if j in tests:
            said.append("D2 of the chi-squared statistics")
        elif not known.all():
            said.append(f"no finite estimate in {m - int(known.sum())} of {m} tables")
        elif not scale_of(name).holds(estimates[:, j]).all():
            said.append("mean only: an estimate lies at the end of its scale")
        elif np.isnan(std_errors[:, j]).any():
            said.append("mean over the tables, which have no standard error")
        elif (std_errors[:, j] <= _ROUNDING).all() and np.ptp(estimates[:, j]) == 0:
            said.append("no variation to test")
        if np.ptp(events[:, j]) > 0:
            said.append(f"events from {events[:, j].min():g} to {events[:, j].max():g}")
        notes.append("; ".join([*said, *reasons]))
    return notes

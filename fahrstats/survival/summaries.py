"""Printed summaries of fitted models, as text."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_number,
    format_p,
    format_ratio,
    phrase_p,
)
from fahrstats.kernels.reclassification import NRI_WARNING
from fahrstats.survival.coefficient_rows import FIRTH_NOTE
from fahrstats.survival.penalization import Firth, Ridge

if TYPE_CHECKING:
    from fahrstats.cohort.design import Dropped
    from fahrstats.survival.comparison import ModelComparison
    from fahrstats.survival.cox_fit import CoxFit
    from fahrstats.survival.subgroups import SubgroupAudit


def summarize_cox(fit: CoxFit) -> str:
    """Describe a Cox model: sizes, hazard ratios, tests and everything left out."""
    ties = {"efron": "Efron's", "breslow": "Breslow's", "exact": "exact"}[fit.ties]
    errors = "robust standard errors" if fit.is_robust else "model standard errors"
    if fit.n_clusters:
        errors += f" in {format_count(fit.n_clusters)} clusters"
    lines = [
        f"Cox model: {fit.formula}",
        f"{format_count(fit.n)} rows, {format_count(fit.n_events)} events; "
        f"{ties} ties; {errors}"
        + (f"; {format_count(fit.n_strata)} strata" if fit.n_strata > 1 else "")
        + (f"; offset {fit.roles.offset}" if fit.roles.offset else ""),
        *_penalty(fit),
        *describe_dropped(fit.dropped),
        "",
        *([*_coefficients(fit), *_references(fit), ""] if fit.columns else []),
        f"C-index {format_number(fit.c_index, 3)} "
        f"(standard error {format_number(fit.c_index_std_error, 4)})",
    ]
    lines += [
        f"{name}: chi-squared {format_number(statistic, 2)} on "
        f"{format_number(df, 0 if df == int(df) else 2)} df, "
        f"{phrase_p(chi2.sf(statistic, df))}"
        for name, statistic, df in _overall_tests(fit)
        if df and np.isfinite(statistic)
    ]
    return "\n".join(lines)


def _overall_tests(fit: CoxFit) -> list[tuple[str, float, float]]:
    """Name, statistic and df of the tests of all coefficients.

    A penalty leaves the likelihood ratio alone, and a sandwich the Wald test.
    """
    ratio = ("Likelihood ratio", fit.lr_statistic, fit.effective_df)
    wald = ("Wald", fit.wald_statistic, fit.wald_df)
    if fit.penalty is not None:
        return [wald if fit.is_robust else ratio]
    if fit.is_robust:
        return [wald]
    return [ratio, wald, ("Score", fit.score_statistic, fit.df)]


def _penalty(fit: CoxFit) -> list[str]:
    """Return one line that names the penalty of a fit, or none."""
    if isinstance(fit.penalty, Firth):
        return ["Firth's penalised likelihood; profile intervals, likelihood-ratio P"]
    if isinstance(fit.penalty, Ridge):
        return [
            f"Ridge penalty {fit.penalty.theta:g} per standard deviation; "
            f"{format_number(fit.penalty.df, 2)} effective of {fit.df} df"
        ]
    return []


_TOLD = {
    "c_index": ("C-index", 3),
    "delta_c_index": ("difference in C", 4),
    "new_information": ("new share of information", 3),
    "auc": ("AUC", 3),
    "delta_auc": ("difference in AUC", 4),
    "ipa": ("index of prediction accuracy", 3),
    "delta_ipa": ("difference in index of prediction accuracy", 4),
}
"""Measures of compared models that a summary tells, and their decimals."""


def summarize_comparison(comparison: ModelComparison) -> str:
    """Describe models on identical rows: what is said of each, and of every two."""
    fit = comparison.fits[0]
    lines = [
        f"{len(comparison.labels)} Cox models on the same {format_count(fit.n)} rows, "
        f"{format_count(fit.n_events)} events",
        *describe_dropped(fit.dropped),
        "",
    ]
    for row in comparison.tidy().to_dict("records"):
        if row["estimand"] in _TOLD:
            lines.append(_measure_line(row))
        elif row["estimand"] == "lr_chi2":
            test = row["note"] or (
                f"chi-squared {format_number(row['statistic'])} on {row['df']:.0f} df, "
                f"{phrase_p(row['p_value'])}"
            )
            lines.append(f"{row['term']}: likelihood ratio, {test}")
        elif row["estimand"] == "delta_log_likelihood":
            text = f"difference in log-likelihood {format_number(row['estimate'])}"
            test = "; ".join(filter(None, [phrase_p(row["p_value"]), row["note"]]))
            lines.append(f"{row['term']}: {text}, {test}")
    if comparison.accuracy.plan.horizons:
        lines += ["", NRI_WARNING]
    return "\n".join(lines)


def _measure_line(row: Mapping[Hashable, Any]) -> str:
    """Tell one measure: whose, at which horizon, corrected or not, and its test."""
    name, decimals = _TOLD[row["estimand"]]
    if np.isfinite(row["time"]):
        name += f" at {row['time']:g}"
    if row["validation"] == "optimism-corrected":
        name += ", corrected for optimism,"
    limits = row["estimate"], row["conf_low"], row["conf_high"]
    text = f"{row['model'] or row['term']}: {name} "
    text += format_interval(*limits, decimals=decimals)
    is_tested = row["estimand"].startswith("delta") and np.isfinite(row["p_value"])
    test = row["note"] or (phrase_p(row["p_value"]) if is_tested else "")
    return f"{text}, {test}" if test else text


def summarize_subgroups(audit: SubgroupAudit) -> str:
    """Describe a subgroup audit: a line per level, and the test of each subgroup."""
    lines = [
        f"Hazard ratio of `{audit.term}` per unit in subgroups: {audit.formula}",
        *describe_dropped(audit.overall.dropped),
        "",
    ]
    for row in audit.tidy(exponentiate=True).to_dict("records"):
        sizes = f"{format_count(row['n_events'])}/{format_count(row['n'])}"
        if row["estimand"] == "interaction_chi2":
            test = f"{phrase_p(row['p_value'])} on {row['df']:.0f} df"
            text = f"  interaction {test if row['df'] else 'not tested'}"
        else:
            limits = row["estimate"], row["conf_low"], row["conf_high"]
            is_everyone = row["subgroup"] == "overall"
            name = "everyone" if is_everyone else f"{row['subgroup']} {row['level']}"
            text = f"{name}: {sizes}  {format_ratio(*limits)}"
        lines.append(text + (f"  ({row['note']})" if row["note"] else ""))
    return "\n".join(lines)


def describe_dropped(dropped: tuple[Dropped, ...]) -> list[str]:
    """Return one line that counts the rows left out by reason, or none."""
    if not dropped:
        return []
    reasons = "; ".join(
        f"{row.reason} in `{row.column}`: {format_count(row.n_affected)}"
        for row in dropped
    )
    total = sum(row.n for row in dropped)
    return [
        f"{format_count(total)} {'row' if total == 1 else 'rows'} left out ({reasons})"
    ]


def _coefficients(fit: CoxFit) -> list[str]:
    """Return aligned lines of log hazard ratio, its error, hazard ratio and p."""
    table = fit.tidy()
    ratios = fit.tidy(exponentiate=True)
    rows = [("", "log HR", "SE", "HR (95% CI)", "P")]
    notes = []
    for row, ratio in zip(
        table.to_dict("records"), ratios.to_dict("records"), strict=True
    ):
        is_firth = row["estimand"] == "log_hr_firth"
        has_error = bool(np.isfinite(row["std_error"]))
        limits = ratio["estimate"], ratio["conf_low"], ratio["conf_high"]
        rows.append(
            (
                f"{row['term']} (Firth)" if is_firth else str(row["term"]),
                format_number(row["estimate"], 4),
                format_number(row["std_error"], 4) if has_error else "",
                format_ratio(*limits) if np.isfinite(ratio["estimate"]) else "",
                format_p(row["p_value"]) if np.isfinite(row["p_value"]) else "",
            )
        )
        if row["note"] not in ("", FIRTH_NOTE) and not is_firth:
            notes.append(f"{row['term']}: {row['note']}")
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        row[0].ljust(widths[0])
        + "".join("  " + row[k].rjust(widths[k]) for k in range(1, len(widths)))
        for row in rows
    ]
    return [*lines, *notes]


def _references(fit: CoxFit) -> list[str]:
    """Return one line that names the reference level of every factor, or none."""
    levels = {c.variable: c.reference for c in fit.columns if c.reference}
    if not levels:
        return []
    named = ", ".join(f"{name} = {level}" for name, level in levels.items())
    return [f"Reference levels: {named}"]

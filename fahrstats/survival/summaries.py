"""Printed summaries of fitted models, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from fahrstats.display.journals import (
    format_count,
    format_number,
    format_p,
    format_ratio,
    phrase_p,
)
from fahrstats.display.labels import per_label, term_label
from fahrstats.survival.cox_models.coefficient_rows import FIRTH_NOTE
from fahrstats.survival.cox_models.penalization import Firth, Ridge

if TYPE_CHECKING:
    from fahrstats.cohort.design import Dropped
    from fahrstats.survival.cox_models.cox_fit import CoxFit
    from fahrstats.survival.subgroup_audits.subgroup_audit import SubgroupAudit


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


def name_with_step(row: dict[str, Any]) -> str:
    """Return ``age (per 10 units)`` or ``sex: women (vs men)`` for a row of a model."""
    step = f"vs {row['reference']}" if row["reference"] else per_label(row["per"])
    return f"{term_label(row['term'])} ({step})"


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


def align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Write rows of cells as lines: the first column to the left, others to the right.

    Without blanks at the end of a line.
    """
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
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
    return [*align(rows), *notes]


def _references(fit: CoxFit) -> list[str]:
    """Return one line that names the reference level of every factor, or none."""
    levels = {c.variable: c.reference for c in fit.columns if c.reference}
    if not levels:
        return []
    named = ", ".join(f"{name} = {level}" for name, level in levels.items())
    return [f"Reference levels: {named}"]

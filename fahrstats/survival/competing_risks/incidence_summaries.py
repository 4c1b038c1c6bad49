"""Printed summaries of models of competing causes, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from fahrstats.display.journals import (
    format_count,
    format_number,
    format_p,
    format_ratio,
    phrase_p,
)
from fahrstats.survival.summaries import describe_dropped

if TYPE_CHECKING:
    from fahrstats.survival.competing_risks.cause_specific import CauseSpecificFits
    from fahrstats.survival.competing_risks.subdistribution_fit import FineGrayFit


def summarize_fine_gray(fit: FineGrayFit) -> str:
    """Describe Fine and Gray's model: sizes, ratios, test and everything left out."""
    weights = f"weights from {len(fit.censoring_strata) or 1} curve"
    weights += "s" * (len(fit.censoring_strata) > 1) + " of censoring"
    clusters = f"; {format_count(fit.n_clusters)} clusters" if fit.n_clusters else ""
    statistic = fit.wald_statistic
    test = (
        [
            f"Wald: chi-squared {format_number(statistic, 2)} on {fit.df} df, "
            f"{phrase_p(chi2.sf(statistic, fit.df))}"
        ]
        if np.isfinite(statistic)
        else []
    )
    return "\n".join(
        [
            f"Fine and Gray's model of `{fit.of}` (`{fit.cause}`): {fit.formula}",
            f"{format_count(fit.n)} rows, {format_count(fit.n_events)} events, "
            f"{format_count(fit.n_competing)} competing; {weights}{clusters}",
            *describe_dropped(fit.dropped),
            "",
            *_coefficients(fit),
            "",
            *test,
        ]
    )


def summarize_cause_specific(fits: CauseSpecificFits) -> str:
    """Describe the Cox model of every cause, one after another."""
    parts = [
        f"Cause-specific Cox models of {len(fits.causes)} causes in `{fits.cause}`; "
        "events of other causes are censored"
    ]
    for name, fit in fits.fits.items():
        parts += [f"{name}\n{fit.summary()}"]
    return "\n\n".join(parts)


def _coefficients(fit: FineGrayFit) -> list[str]:
    """Return aligned lines of log ratio, its error, ratio and p, and the notes."""
    rows = [("", "log SHR", "SE", "SHR (95% CI)", "P")]
    table, ratios = fit.tidy(), fit.tidy(exponentiate=True)
    for row, ratio in zip(
        table.to_dict("records"), ratios.to_dict("records"), strict=True
    ):
        limits = ratio["estimate"], ratio["conf_low"], ratio["conf_high"]
        numbers = (
            format_number(row["estimate"], 4),
            format_number(row["std_error"], 4),
            format_ratio(*limits),
            format_p(row["p_value"]),
        )
        rows.append((row["term"], *(("",) * 4 if row["note"] else numbers)))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        row[0].ljust(widths[0])
        + "".join("  " + row[k].rjust(widths[k]) for k in range(1, len(widths)))
        for row in rows
    ]
    notes = [f"{r['term']}: {r['note']}" for r in table.to_dict("records") if r["note"]]
    references = {c.variable: c.reference for c in fit.columns if c.reference}
    named = ", ".join(f"{name} = {level}" for name, level in references.items())
    return [
        *(line.rstrip() for line in lines),
        *notes,
        *([f"Reference levels: {named}"] if named else []),
    ]

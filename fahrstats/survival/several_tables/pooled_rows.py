"""Rows of pooled results: per step, as ratios, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fahrstats.cohort.encoding import DesignColumn
from fahrstats.survival.wald import find_steps


def per_step(table: pd.DataFrame, per: Mapping[str, float] | None) -> pd.DataFrame:
    """Give log hazard ratios per step of their term.

    Raises
    ------
    DataError
        ``per`` names no term that has a log hazard ratio, or a step is not finite.
    """
    if per is None:
        return table
    is_log = (table["estimand"] == "log_hr").to_numpy()
    rows = table[is_log].to_dict("records")
    columns = [
        DesignColumn(str(row["term"]), str(row.get("variable", row["term"])))
        for row in rows
    ]
    step = np.ones(len(table))
    step[is_log] = find_steps(columns, per)
    limits = ["conf_low", "conf_high"]
    earlier = table["per"] if "per" in table else pd.Series(1.0, index=table.index)
    scaled = table.assign(
        per=(earlier * step).where(is_log, earlier),
        estimate=table["estimate"] * step,
        std_error=table["std_error"] * np.abs(step),
        statistic=table["statistic"] * np.sign(step),
    )
    scaled[limits] = np.sort(table[limits].to_numpy() * step[:, None], axis=1)
    return scaled


def as_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Exponentiate the log hazard ratios, which then have no standard error."""
    is_log = table["estimand"] == "log_hr"
    ratios = table.copy()
    for column in ("estimate", "conf_low", "conf_high"):
        ratios.loc[is_log, column] = np.exp(table.loc[is_log, column])
    ratios.loc[is_log, "std_error"] = np.nan
    ratios.loc[is_log, "estimand"] = "hr"
    return ratios


def in_words(row: Mapping[Any, Any]) -> str:
    """Write the numbers of a row, and its note, for the summary."""
    text = f"{row['estimate']:.4g}" if np.isfinite(row["estimate"]) else "-"
    if np.isfinite(row["std_error"]):
        text += f"  SE {row['std_error']:.4g}"
    if np.isfinite(row["conf_low"]):
        text += (
            f"  95% CI {row['conf_low']:.4g} to {row['conf_high']:.4g}"
            f"  df {row['df_residual']:.4g}"
            f"  missing information {100 * row['missing_information']:.0f}%"
        )
    if np.isfinite(row["p_value"]):
        text += f"  p {row['p_value']:.3g}"
    if np.isfinite(row.get("df", np.nan)):
        text = (
            f"F {row['statistic']:.4g} on {row['df']:g} and "
            f"{row['df_residual']:.1f} df, p = {row['p_value']:.3g}"
        )
    return f"{text}  ({row['note']})" if row["note"] else text

"""Forest plot of a meta-analysis, whatever is estimated."""

from __future__ import annotations

from typing import Final

import pandas as pd
from plotnine import ggplot

from fahrstats.display.forests import forest
from fahrstats.display.intervals import estimates
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.labels import Labels
from fahrstats.display.result_table import need_columns
from fahrstats.display.theme import page_width
from fahrstats.errors import DataError

_AVERAGES: Final = {
    "random": "Random effects",
    "common": "Common effect",
    "prediction": "Prediction interval",
}


def cohort_forest(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the estimates of cohorts, their averages, and the prediction interval.

    Hazard ratios are drawn by :func:`forest` between columns of text; anything else,
    such as concordances, as dots on intervals.

    Parameters
    ----------
    table
        ``cohort``, ``estimand``, ``estimate``, ``conf_low``, ``conf_high``: rows of one
        estimand for the cohorts, and of that with ``_random``, ``_common`` and
        ``_prediction`` for all of them.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the rows.

    Raises
    ------
    DataError
        A column is absent, or the table holds log hazard ratios.
    """
    width = page_width(width, style)
    wanted = ("cohort", "estimand", "estimate", "conf_low", "conf_high")
    need_columns(table, wanted, "a forest of cohorts")
    estimand = str(table["estimand"].iloc[0])
    if estimand == "hr":
        return forest(table, labels=labels, title=title, width=width, style=style)
    if estimand == "log_hr":
        raise DataError(
            "`estimand` is log_hr, but a forest of cohorts shows hazard ratios; ask "
            "for the table with `exponentiate=True`."
        )
    kinds = table["estimand"].str.removeprefix(f"{estimand}_").map(_AVERAGES)
    is_shown = (table["estimand"] == estimand) | kinds.notna()
    rows = table.assign(level=kinds.fillna(table["cohort"]), estimand=estimand)
    return estimates(rows[is_shown], title=title, width=width, style=style)

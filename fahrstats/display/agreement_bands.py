"""Change of a score by the mean of both photos, in bands that show nobody."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    facet_wrap,
    geom_blank,
    geom_hline,
    geom_linerange,
    geom_point,
    geom_rect,
    ggplot,
    labs,
    scale_y_continuous,
)

from fahrstats.display.alt_text import one_by_one, with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.display_table import count_or_empty
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain
from fahrstats.display.result_table import need_columns
from fahrstats.display.theme import FAINT, INK, MUTED, house_theme, page_width
from fahrstats.errors import DataError

_HEIGHT: Final = 3.2  # inches
_MEAN: Final = "mean_change"
_LIMITS: Final = ("loa_low", "loa_high")
_NEED: Final = ("model", "estimand", "estimate", "conf_low", "conf_high")


def changes_by_mean(
    table: pd.DataFrame,
    bands: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw mean change and limits of agreement, in everyone and in bands of the score.

    It is Bland and Altman's plot without its points, each of which is a person: lines
    are the mean change and the limits of agreement of all pairs, with their intervals
    as bands; in each band of the mean of both photos a point is the mean change there,
    and its line reaches from one limit of agreement to the other.

    Parameters
    ----------
    table
        Rows about everyone in one condition: ``model``, ``estimand`` (mean_change,
        loa_low, loa_high), ``estimate`` and limits.
    bands
        The same in bands, with ``level`` and ``n``.
    labels
        Label of each model.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, or no mean change was estimated.
    """
    width = page_width(width, style)
    need_columns(table, _NEED, "changes by mean")
    need_columns(bands, (*_NEED, "level", "n"), "changes by mean")
    names = {name: plain(column_label(name, labels)) for name in table["model"]}
    order = list(dict.fromkeys(names.values()))
    lines = table[table["estimand"].isin((_MEAN, *_LIMITS))].dropna(subset="estimate")
    if lines.empty:
        raise DataError("No mean change of the table was estimated.")
    lines = lines.assign(model=pd.Categorical(lines["model"].map(names), order))
    points = _points(bands[bands["n"].fillna(1) > 0], style)
    points = points.assign(
        model=pd.Categorical(points["model"].map(names), order),
        band=pd.Categorical(points["band"], list(dict.fromkeys(points["band"]))),
    )
    means = lines[lines["estimand"] == _MEAN]
    told = one_by_one(
        zip(means["model"].astype(str), means["estimate"], strict=True),
        lambda value: format_number(value, 1, style=style),
    )
    plot = (
        ggplot(points, aes("band"))
        + geom_blank()
        + geom_rect(
            aes(ymin="conf_low", ymax="conf_high"),
            lines,
            inherit_aes=False,
            xmin=-np.inf,
            xmax=np.inf,
            fill=FAINT,
            alpha=0.7,
        )
        + geom_hline(aes(yintercept="estimate"), lines, color=MUTED, linetype="dashed")
        + geom_hline(yintercept=0, color=INK, size=0.3)
        + geom_linerange(
            aes(ymin="loa_low", ymax="loa_high"), color=style.main, size=0.9, na_rm=True
        )
        + geom_point(aes(y=_MEAN), color=style.main, size=2.2, na_rm=True)
        + facet_wrap("model", nrow=1, scales="free_x")
        + scale_y_continuous(labels=tick_numbers(style))
        + labs(
            x="Mean of both photos (years), number of pairs",
            y="Change (years)",
            title=plain(title),
        )
        + house_theme(width, _HEIGHT)
    )
    return with_alt_text(plot, title, [f"Mean change in years: {told}"])


def _points(bands: pd.DataFrame, style: JournalStyle) -> pd.DataFrame:
    """Return a row for each model and band, named by its bounds and its pairs."""
    keys = ["model", "level"]
    wide = bands.pivot(index=keys, columns="estimand", values="estimate")
    sizes = bands.drop_duplicates(keys)[[*keys, "n"]]
    found = sizes.merge(wide.reset_index(), on=keys)  # in the order of the table
    short = found["level"].str.replace("under ", "<").str.replace(" to ", "\N{EN DASH}")
    counts = [count_or_empty(n, style) for n in found["n"]]
    return found.assign(band=short + "\n" + pd.Series(counts, found.index))

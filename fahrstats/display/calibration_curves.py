"""Observed against predicted risk: smooth curve, grouped points, spread below."""

from __future__ import annotations

import math
from typing import Any, Final

import pandas as pd
from plotnine import (
    aes,
    coord_cartesian,
    element_line,
    facet_wrap,
    geom_line,
    geom_linerange,
    geom_point,
    geom_rect,
    geom_ribbon,
    geom_segment,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.axes import tick_percents
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import (
    BASE_SIZE,
    FAINT,
    INK,
    MUTED,
    house_theme,
    page_width,
)

_SPREAD: Final = 0.12  # height of the distribution below 0, as a share of the axis
_LARGEST: Final = 1.0
_ROUND: Final = (1, 2, 2.5, 5, 10)  # distances between marks
_MOST_MARKS: Final = 6
_FEW_MARKS: Final = 4

# Inches
_ONE_PANEL: Final = 3.6
_LARGEST_PANEL: Final = 2.35  # of several
_SMALL_PANEL: Final = 2.5  # with fewer marks on its axes
_PANEL_FRAME: Final = 0.55
_HEADING: Final = 0.2
_TITLE_HEIGHT: Final = 0.3
_AXIS_WIDTH: Final = 0.6
_SPACING: Final = 0.25


def calibration_curves(
    groups: pd.DataFrame,
    curves: pd.DataFrame,
    distribution: pd.DataFrame | None = None,
    *,
    labels: Labels | None = None,
    title: str = "",
    columns: int | None = None,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw observed against predicted risk, one panel for each set of predictions.

    The curve with its band is the smooth calibration, points with lines are groups, and
    the dashed diagonal is perfect calibration. Bars below 0 show how many rows have
    each predicted risk. Axes end where the predictions and groups do.

    Parameters
    ----------
    groups
        ``term``, ``predicted``, ``estimate``, ``conf_low``, ``conf_high``; groups whose
        risk is missing are not drawn.
    curves
        The same columns along the smooth curve; it may have no rows.
    distribution
        ``term``, ``predicted`` (middles of bins of equal width) and ``n``.
    labels
        Label and unit of each column of the data.
    columns
        Most panels beside each other; two for four panels and three for more, by
        default.
    width
        Inches, at most; a page of the journal by default. Panels are square, and no
        larger than a reader needs.

    Raises
    ------
    DataError
        A column is absent, or the tables hold more than one horizon.

    References
    ----------
    Van Calster et al. (2019), BMC Medicine 17:230.
    """
    width = page_width(width, style)
    shown = ("term", "predicted", "estimate", "conf_low", "conf_high")
    need_columns(groups, shown, "a calibration plot")
    only_one(groups, ("time", "biomarker", "outcome"), "a calibration plot")
    terms = list(groups["term"].unique())
    n_columns = min(len(terms), columns or (2 if len(terms) == 4 else 3))
    n_rows = math.ceil(len(terms) / n_columns)
    largest = _ONE_PANEL if len(terms) == 1 else _LARGEST_PANEL
    side = min((width - _AXIS_WIDTH) / n_columns, largest)
    names = [_heading(column_label(term, labels), side - 0.4) for term in terms]
    groups, curves, *bars = (
        table.assign(panel=_panels(table["term"], terms, names))
        for table in (groups, curves, distribution)
        if table is not None
    )
    most = _MOST_MARKS if side >= _SMALL_PANEL else _FEW_MARKS
    top, step = _top_and_step(groups, curves, most)
    heading = _HEADING * max(name.count("\n") + 1 for name in names)
    height = n_rows * (side + (heading if len(terms) > 1 else 0)) + _PANEL_FRAME
    marks: dict[str, Any] = {
        "breaks": [k * step for k in range(int(top / step + 1e-9) + 1)],
        "labels": tick_percents(style),
        "expand": (0.02, 0),
    }
    plot = (
        ggplot(groups.dropna(subset="estimate"), aes("predicted", "estimate"))
        + geom_segment(
            aes(x=0, y=0, xend=top, yend=top),
            groups.drop_duplicates("panel"),
            color=MUTED,
            linetype="dashed",
            size=0.4,
        )
        + [_bars(table, top) for table in bars]
        + _smooth(curves, style)
        + geom_linerange(
            aes(ymin="conf_low", ymax="conf_high"),
            groups.dropna(subset=["conf_low", "conf_high"]),
            color=INK,
            size=0.4,
        )
        + geom_point(color=INK, size=1.6)
        + (facet_wrap("panel", ncol=n_columns) if len(terms) > 1 else None)
        + coord_cartesian(xlim=(0, top), ylim=(-_SPREAD * top if bars else 0, top))
        + scale_x_continuous(**marks)
        + scale_y_continuous(**marks)
        + labs(x="Predicted risk", y="Observed risk (95% CI)", title=plain(title))
        + house_theme(
            n_columns * side + _AXIS_WIDTH, height + (_TITLE_HEIGHT if title else 0)
        )
        + theme(
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing=_SPACING / (n_columns * side + _AXIS_WIDTH),
        )
    )
    return with_alt_text(plot, title, [_in_words(groups, style)])


def _in_words(groups: pd.DataFrame, style: JournalStyle) -> str:
    """Set observed beside predicted risk in the highest group of each panel."""
    told = groups.dropna(subset="estimate").sort_values("predicted")
    highest = told.drop_duplicates("panel", keep="last").sort_values("panel")
    texts = [
        f"{format_number(100 * row['predicted'], 0, style=style)}% predicted and "
        f"{format_number(100 * row['estimate'], 0, style=style)}% observed "
        f"({row['panel']})"
        for row in records(highest)
    ]
    return f"In the group of highest risk: {', '.join(texts)}" if texts else ""


def _heading(name: str, room: float) -> str:
    """Return a name in lines of at most ``room`` inches, broken at spaces or within."""
    lines: list[str] = []
    for line in wrap(plain(name), room, BASE_SIZE).split("\n"):
        rest = line
        while text_width(rest, BASE_SIZE) > room:
            fits = int(len(rest) * room / text_width(rest, BASE_SIZE))
            lines.append(rest[:fits])
            rest = rest[fits:]
        lines.append(rest)
    return "\n".join(lines)


def _panels(term: pd.Series[Any], terms: list[str], names: list[str]) -> Any:
    """Return the heading of every row's panel, in the order of the table."""
    headings = dict(zip(terms, names, strict=True))
    return pd.Categorical([headings[name] for name in term], list(dict.fromkeys(names)))


def _top_and_step(
    groups: pd.DataFrame, curves: pd.DataFrame, most: int
) -> tuple[float, float]:
    """Return where both axes end, a risk that holds all, and between their marks."""
    values = [
        *groups[["predicted", "estimate", "conf_high"]].max(),
        *curves[["predicted", "estimate"]].max(),
    ]
    largest = max(float(value) for value in values if value == value)
    power = 10.0 ** math.floor(math.log10(largest / (most - 1)))
    step = next(m * power for m in _ROUND if largest / (m * power) <= most)
    return min(_LARGEST, math.ceil(largest / step - 1e-9) * step), step


def _smooth(curves: pd.DataFrame, style: JournalStyle) -> list[Any]:
    """Return the smooth curve and its band."""
    if curves.empty:
        return []
    band = aes(ymin="conf_low", ymax="conf_high")
    return [
        geom_ribbon(band, curves, fill=style.main, alpha=0.18),
        geom_line(data=curves, color=style.main, size=0.9),
    ]


def _bars(distribution: pd.DataFrame, top: float) -> geom_rect:
    """Return bars that hang below 0, the tallest of each panel of the same height."""
    by_panel = distribution.groupby("panel", observed=True)
    most = by_panel["n"].transform("max")
    half = by_panel["predicted"].transform("min")  # the first bin starts at 0
    bottom = -_SPREAD * top
    bars = distribution.assign(
        left=distribution["predicted"] - 0.9 * half,
        right=distribution["predicted"] + 0.9 * half,
        low=bottom,
        high=bottom * (1 - 0.85 * distribution["n"] / most),
    )
    bars = bars[bars["n"] > 0]
    return geom_rect(
        aes(xmin="left", xmax="right", ymin="low", ymax="high"),
        bars,
        inherit_aes=False,
        fill=MUTED,
    )

"""Cumulative incidence of competing causes above a table of those at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from plotnine import (
    aes,
    coord_cartesian,
    facet_wrap,
    geom_line,
    geom_ribbon,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_linetype_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.journals import DEFAULT, NumberStyle, format_count
from fahrstats.display.margin_text import geom_margin_text, plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.theme import (
    INK,
    TEXT_SIZE,
    WIDTH,
    colours,
    house_theme,
    line_types,
)

_EXPAND: Final = (0.02, 0)
_MOST_STEPS: Final = 1500  # finer than a printed page resolves
_HEIGHTS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)

# Inches
_ONE_PANEL: Final = 2.9
_EACH_PANEL: Final = 1.7
_STRIP: Final = 0.28
_PANEL_GAP: Final = 0.12
_AXIS_HEIGHT: Final = 0.35
_AXIS_WIDTH: Final = 0.42
_TITLE_HEIGHT: Final = 0.3
_LEGEND_ROW_HEIGHT: Final = 0.24
_LEGEND_KEY_WIDTH: Final = 0.5
_FIRST_ROW: Final = 0.62
_ROW_HEIGHT: Final = 0.16
_NAME_GAP: Final = 0.28  # half of a count below the time 0, and a space
_NAME_WIDTH: Final = 1.8
_MARK_WIDTH: Final = 0.13
_EDGE: Final = 0.08


def incidence_curves(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    time_label: str = "Time",
    title: str = "",
    few_at_risk: int = 10,
    width: float = WIDTH,
    style: NumberStyle = DEFAULT,
) -> ggplot:
    """Draw the cumulative incidence of every cause with confidence bands.

    Several groups have a panel for each cause, on one scale; a single group has all its
    causes in one panel.

    Parameters
    ----------
    curves
        Steps of the curves: ``cause``, ``time``, ``estimate``, ``conf_low``,
        ``conf_high``, and ``group`` where there are several. With ``n_at_risk``, a
        curve fades where fewer than ``few_at_risk`` are left.
    at_risk
        One row per group and time: ``n_at_risk``. Its times become the breaks of the
        time axis.
    labels
        What to call the groups and the causes.
    time_label
        Title of the time axis, with its unit.
    width
        Inches. The height follows from the numbers of causes and groups.

    Raises
    ------
    DataError
        A column is absent, the table holds more than one estimand, or more groups or
        causes than can be told apart.
    """
    needed = ("cause", "time", "estimate", "conf_low", "conf_high")
    need_columns(curves, needed, "a plot of incidence")
    only_one(curves, ("biomarker", "model", "estimand"), "a plot of incidence")
    groups, causes = _names(curves, "group", labels), _names(curves, "cause", labels)
    lines = groups if len(groups) > 1 else causes
    steps = _steps(curves, groups, causes, few_at_risk)
    n_panels = len(causes) if len(groups) > 1 else 1
    n_columns = _legend_columns(lines, width)
    height = _height(n_panels, len(lines), n_columns, title)
    plot = _bands_and_lines(steps) + _scales(lines, n_columns)
    if n_panels > 1:
        panels = facet_wrap("cause", ncol=1, labeller=lambda name: causes[name])
        plot = plot + panels + theme(panel_spacing_y=_PANEL_GAP / width)
    furthest = float(steps["time"].max())
    if at_risk is None:
        axis = [scale_x_continuous(limits=(0, furthest), expand=_EXPAND)]
        size = house_theme(width, height)
    else:
        need_columns(at_risk, ("time", "n_at_risk"), "an at-risk table")
        rows = _rows_at_risk(groups)
        axis = [_axis(at_risk, furthest), *_table(at_risk, rows, list(causes), style)]
        size = house_theme(width, height + _below(rows)) + _room(rows, width)
    titles = labs(x=plain(time_label), y="Cumulative incidence", title=plain(title))
    return plot + axis + titles + size + _legend(lines)


def round_times(last: float) -> NDArray[np.float64]:
    """Return about six round times from 0 to the end of follow-up."""
    return np.array([tick for tick in _ticks(last, 6) if 0 <= tick <= last])


def _ticks(last: float, n_intervals: int) -> list[float]:
    """Return round numbers from 0 to about ``last``."""
    locator = MaxNLocator(n_intervals, steps=[1, 2, 2.5, 5, 10])
    return [float(tick) for tick in np.atleast_1d(locator.tick_values(0, last))]


def _names(
    curves: pd.DataFrame, column: str, labels: Mapping[str, str] | None
) -> dict[str, str]:
    """Return the shown name of every group or cause, in the order of the table."""
    values = curves[column].astype(str).unique() if column in curves else [""]
    return {value: plain((labels or {}).get(value, value)) for value in values}


def _steps(
    curves: pd.DataFrame,
    groups: Mapping[str, str],
    causes: Mapping[str, str],
    few_at_risk: int,
) -> pd.DataFrame:
    """Return the corners of all curves, and the ``line`` that each belongs to."""
    keys = curves.assign(
        cause=curves["cause"].astype(str),
        group=curves["group"].astype(str) if "group" in curves else "",
    )
    parts = []
    for group in groups:
        for cause in causes:
            is_curve = (keys["group"] == group) & (keys["cause"] == cause)
            corners = _corners(curves[is_curve].sort_values("time"), few_at_risk)
            line = group if len(groups) > 1 else cause
            parts.append(corners.assign(cause=cause, line=line))
    lines = groups if len(groups) > 1 else causes
    steps = pd.concat(parts, ignore_index=True)
    return steps.assign(
        cause=pd.Categorical(steps["cause"], categories=list(causes)),
        line=pd.Categorical(steps["line"], categories=list(lines)),
    )


def _corners(curve: pd.DataFrame, few_at_risk: int) -> pd.DataFrame:
    """Return the corners of one curve, from 0 at time 0.

    A level lasts from its time to the next one, and ``few`` says whether fewer than
    ``few_at_risk`` are left from then on.
    """
    levels = curve[["time", "estimate", "conf_low", "conf_high"]].astype(float)
    levels["few"] = False
    if "n_at_risk" in curve:
        at_risk = curve["n_at_risk"].to_numpy(dtype=np.float64)
        is_few = np.append(at_risk[1:], at_risk[-1:]) < few_at_risk
        levels["few"] = np.logical_and.accumulate(is_few[::-1])[::-1]
    if levels["time"].iloc[0] > 0:
        start = pd.DataFrame(
            [(0.0, 0.0, np.nan, np.nan, False)], columns=levels.columns
        )
        levels = pd.concat([start, levels], ignore_index=True)
    pixel = (levels["time"] * _MOST_STEPS).floordiv(levels["time"].iloc[-1] or 1.0)
    levels = levels[~pixel.duplicated(keep="last") | (levels["time"] == 0)]
    ends = levels.assign(time=levels["time"].shift(-1)).dropna(subset="time")
    order = np.argsort(np.r_[np.arange(len(levels)), np.arange(len(ends)) + 0.5])
    return pd.concat([levels, ends], ignore_index=True).iloc[order]


def _bands_and_lines(steps: pd.DataFrame) -> ggplot:
    has_limits = steps["conf_low"].notna() & steps["conf_high"].notna()
    band = geom_ribbon(
        aes(ymin="conf_low", ymax="conf_high", fill="line"),
        steps[has_limits],
        alpha=0.15,
        color="none",
        show_legend=False,
    )
    # The faded part begins with the last point of the other, so that they meet.
    is_few = steps.groupby(["line", "cause"], observed=True)["few"]
    faded = steps[steps["few"] | is_few.shift(-1, fill_value=False)]
    highest = np.nanmax(
        [steps["estimate"].max(), steps.loc[~steps["few"], "conf_high"].max()]
    )
    top = next((height for height in _HEIGHTS if height >= highest), 1.0)
    ticks = [tick for tick in _ticks(top, 5) if tick < 1.001 * top]
    return (
        ggplot(steps, aes("time", "estimate", color="line", linetype="line"))
        + band
        + geom_line(data=steps[~steps["few"]], size=0.8)
        + geom_line(data=faded, size=0.8, alpha=0.35, show_legend=False)
        + scale_y_continuous(breaks=ticks, expand=(0.01, 0))
        + coord_cartesian(ylim=(0, top))
    )


def _scales(lines: Mapping[str, str], n_columns: int) -> list[Any]:
    shown = {"name": "", "labels": list(lines.values())}
    return [
        scale_color_manual(colours(len(lines)), **shown),
        scale_fill_manual(colours(len(lines)), **shown),
        scale_linetype_manual(line_types(len(lines)), **shown),
        guides(**{ae: guide_legend(ncol=n_columns) for ae in ("color", "linetype")}),
    ]


def _legend_columns(lines: Mapping[str, str], width: float) -> int:
    widest = max(text_width(name, TEXT_SIZE) for name in lines.values())
    return max(1, min(len(lines), int((width - 1) / (widest + _LEGEND_KEY_WIDTH))))


def _legend(lines: Mapping[str, str]) -> Any:
    if len(lines) == 1:
        return theme(legend_position="none")
    return theme(legend_position="top", legend_key_width=28, legend_box_spacing=0.01)


def _height(n_panels: int, n_lines: int, n_columns: int, title: str) -> float:
    panels = (
        _ONE_PANEL if n_panels == 1 else n_panels * (_EACH_PANEL + _STRIP + _PANEL_GAP)
    )
    legend = -(-n_lines // n_columns) * _LEGEND_ROW_HEIGHT if n_lines > 1 else 0
    return panels + _AXIS_HEIGHT + legend + (_TITLE_HEIGHT if title else 0)


def _axis(at_risk: pd.DataFrame, furthest: float) -> scale_x_continuous:
    breaks = sorted(at_risk["time"].unique())
    return scale_x_continuous(
        breaks=breaks,
        labels=[f"{time:g}" for time in breaks],
        limits=(0, max(furthest, breaks[-1])),
        expand=_EXPAND,
    )


def _rows_at_risk(groups: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per group: its name in lines, and inches below the panel."""
    names = list(groups.values()) if len(groups) > 1 else ["At risk"]
    labels = [wrap(name, _NAME_WIDTH, TEXT_SIZE) for name in names]
    heights = np.array([1 + label.count("\n") for label in labels]) * _ROW_HEIGHT
    first = _FIRST_ROW + (_ROW_HEIGHT if len(groups) > 1 else 0)
    dy = -(first + np.cumsum(heights) - heights / 2)
    return pd.DataFrame({"group": list(groups), "label": labels, "dy": dy})


def _table(
    at_risk: pd.DataFrame, rows: pd.DataFrame, causes: list[str], style: NumberStyle
) -> list[Any]:
    """Return the numbers at risk below the last panel, and whose they are."""
    last = pd.Categorical([causes[-1]], categories=causes)
    start, end = _beside(rows)
    common = {"inherit_aes": False, "show_legend": False, "size": TEXT_SIZE}
    rows = rows.assign(cause=last.repeat(len(rows)))
    text = {"fontweight": "normal", "color": INK, **common}
    place = aes(label="label", dy="dy")
    layers = []
    if len(rows) > 1:
        head = rows.iloc[:1].assign(label="At risk", dy=-_FIRST_ROW)
        layers += [
            geom_margin_text(place, head, dx=start, **{**text, "fontweight": "bold"}),
            geom_margin_text(
                aes(label="mark", dy="dy", color="group"),
                rows.assign(
                    mark="\N{BLACK SQUARE}",
                    group=pd.Categorical(rows["group"], categories=rows["group"]),
                ),
                dx=start,
                **common,
            ),
        ]
        layers.append(geom_margin_text(place, rows, dx=start + _MARK_WIDTH, **text))
    else:
        layers.append(geom_margin_text(place, rows, dx=end, ha="right", **text))
    cells = _cells(at_risk, rows, style)
    count = aes(x="time", label="label", dy="dy")
    layers.append(geom_margin_text(count, cells, ha="center", **text))
    return layers


def _cells(
    at_risk: pd.DataFrame, rows: pd.DataFrame, style: NumberStyle
) -> pd.DataFrame:
    found = []
    for row in rows.itertuples():
        inside = at_risk
        if "group" in at_risk and row.group:
            inside = at_risk[at_risk["group"].astype(str) == row.group]
        texts = [format_count(count, style=style) for count in inside["n_at_risk"]]
        cells = pd.DataFrame({"time": inside["time"], "label": texts, "dy": row.dy})
        found.append(cells.assign(cause=rows["cause"].iloc[0]))
    cells = pd.concat(found, ignore_index=True)
    return cells.assign(cause=cells["cause"].astype(rows["cause"].dtype))


def _beside(rows: pd.DataFrame) -> tuple[float, float]:
    """Return where marks start and names end, in inches left of the panel."""
    widest = max(text_width(label, TEXT_SIZE) for label in [*rows["label"], "At risk"])
    return -(_NAME_GAP + widest + _MARK_WIDTH), -_NAME_GAP


def _room(rows: pd.DataFrame, width: float) -> theme:
    """Return margins that hold the numbers at risk; both count in widths."""
    beside = max(-_beside(rows)[0] - _AXIS_WIDTH, 0) + _EDGE
    return theme(
        plot_margin_bottom=_below(rows) / width, plot_margin_left=beside / width
    )


def _below(rows: pd.DataFrame) -> float:
    """Return the inches that the numbers at risk need below the axis and its title."""
    return -float(rows["dy"].min()) - _AXIS_HEIGHT + 1.5 * _ROW_HEIGHT

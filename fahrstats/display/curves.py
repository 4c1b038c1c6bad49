"""Kaplan-Meier curves above a table of those at risk, censored and with the event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from plotnine import (
    aes,
    coord_cartesian,
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
from fahrstats.display.margin_text import geom_margin_text, plain, text_width
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.theme import (
    INK,
    TEXT_SIZE,
    WIDTH,
    colours,
    house_theme,
    line_types,
)

_COUNTS: Final = {
    "n_at_risk": "At risk",
    "n_censored": "Censored",
    "n_events": "Events",
}
_EXPAND: Final = (0.02, 0)
_MOST_STEPS: Final = 1500  # finer than a printed page resolves

# Inches
_PANEL_HEIGHT: Final = 2.9
_AXIS_HEIGHT: Final = 0.35
_AXIS_WIDTH: Final = 0.42
_TITLE_HEIGHT: Final = 0.3
_LEGEND_ROW_HEIGHT: Final = 0.24
_LEGEND_KEY_WIDTH: Final = 0.5
_FIRST_ROW: Final = 0.62
_ROW_HEIGHT: Final = 0.145
_MARK_WIDTH: Final = 0.13
_GROUP_GAP: Final = 0.05
_EDGE: Final = 0.08


def survival_curves(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    time_label: str = "Time",
    y_label: str = "Survival probability",
    title: str = "",
    few_at_risk: int = 10,
    width: float = WIDTH,
    style: NumberStyle = DEFAULT,
) -> ggplot:
    """Draw Kaplan-Meier curves with confidence bands and, below, who is at risk.

    Parameters
    ----------
    curves
        Steps of the curves of one score: ``time``, ``estimate``, ``conf_low``,
        ``conf_high``, and ``group`` where there are several. With ``n_at_risk``, a
        curve fades where fewer than ``few_at_risk`` are left.
    at_risk
        One row per group and time: ``n_at_risk`` and, up to ``time``, ``n_censored``
        and ``n_events``. Its times become the breaks of the time axis.
    labels
        What to call the groups.
    time_label
        Title of the time axis, with its unit.
    width
        Inches. The height follows from the number of groups.

    Raises
    ------
    DataError
        A column is absent, or the table holds more than one score, or more groups
        than can be told apart.

    References
    ----------
    Morris et al. (2019), BMJ Open 9:e030215, on the extended table.
    """
    need_columns(curves, ("time", "estimate", "conf_low", "conf_high"), "a curve")
    only_one(curves, ("biomarker", "model", "estimand"), "a survival plot")
    names = _group_names(curves, labels)
    steps = _steps_of_groups(curves, names, few_at_risk)
    furthest = float(steps["time"].max())
    plot = _bands_and_lines(steps) + _scales(names)
    height = _height_of_curves(names, title, width)
    if at_risk is None:
        axis = [scale_x_continuous(limits=(0, furthest), expand=_EXPAND)]
        size = house_theme(width, height)
    else:
        need_columns(at_risk, ("time", "n_at_risk"), "an at-risk table")
        rows = _table_rows(at_risk, names)
        axis = [_axis_with_breaks(at_risk, furthest), *_table(at_risk, rows, style)]
        size = house_theme(width, height + _below(rows)) + _room(rows, width)
    titles = labs(x=plain(time_label), y=plain(y_label), title=plain(title))
    return plot + axis + titles + size + _legend(names, width)


def _group_names(
    curves: pd.DataFrame, labels: Mapping[str, str] | None
) -> dict[str, str]:
    """Return the shown name of every group, in the order of the table."""
    groups = curves["group"].astype(str).unique() if "group" in curves else [""]
    return {group: plain((labels or {}).get(group, group)) for group in groups}


def _by_group(
    table: pd.DataFrame, names: Mapping[str, str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    for group in names:
        yield group, table[table["group"].astype(str) == group] if group else table


def _as_groups(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    groups = pd.Categorical(table["group"], categories=list(names))
    return table.assign(group=groups)


def _steps_of_groups(
    curves: pd.DataFrame, names: Mapping[str, str], few_at_risk: int
) -> pd.DataFrame:
    steps = [
        _steps(curve.sort_values("time"), few_at_risk).assign(group=group)
        for group, curve in _by_group(curves, names)
    ]
    return _as_groups(pd.concat(steps, ignore_index=True), names)


def _steps(curve: pd.DataFrame, few_at_risk: int) -> pd.DataFrame:
    """Return the corners of one curve, starting from everybody alive at time 0.

    A level lasts from its time to the next one, and ``few`` says whether fewer than
    ``few_at_risk`` are left meanwhile.
    """
    levels = curve[["time", "estimate", "conf_low", "conf_high"]].astype(float)
    levels["few"] = _is_thin_tail(curve, few_at_risk)
    if levels["time"].iloc[0] > 0:
        start = pd.DataFrame(
            [(0.0, 1.0, np.nan, np.nan, False)], columns=levels.columns
        )
        levels = pd.concat([start, levels], ignore_index=True)
    pixel = (levels["time"] * _MOST_STEPS).floordiv(levels["time"].iloc[-1] or 1.0)
    levels = levels[~pixel.duplicated(keep="last") | (levels["time"] == 0)]
    ends = levels.assign(time=levels["time"].shift(-1)).dropna(subset="time")
    order = np.argsort(np.r_[np.arange(len(levels)), np.arange(len(ends)) + 0.5])
    return pd.concat([levels, ends], ignore_index=True).iloc[order]


def _is_thin_tail(curve: pd.DataFrame, few_at_risk: int) -> NDArray[np.bool_]:
    """Return, per level, whether from now on fewer than ``few_at_risk`` are left.

    With delayed entry few may be at risk at first, and many later; that is no tail.
    """
    if "n_at_risk" not in curve:
        return np.zeros(len(curve), np.bool_)
    at_risk = curve["n_at_risk"].to_numpy(dtype=np.float64)
    is_few = np.append(at_risk[1:], at_risk[-1:]) < few_at_risk
    return np.logical_and.accumulate(is_few[::-1])[::-1]


def _bands_and_lines(steps: pd.DataFrame) -> ggplot:
    has_limits = steps["conf_low"].notna() & steps["conf_high"].notna()
    band = geom_ribbon(
        aes(ymin="conf_low", ymax="conf_high", fill="group"),
        steps[has_limits],
        alpha=0.15,
        color="none",
        show_legend=False,
    )
    # The faded part begins with the last point of the other, so that they meet.
    is_few = steps.groupby("group", observed=True)["few"]
    faded = steps[steps["few"] | is_few.shift(-1, fill_value=False)]
    return (
        ggplot(steps, aes("time", "estimate", color="group", linetype="group"))
        + band
        + geom_line(data=steps[~steps["few"]], size=0.8)
        + geom_line(data=faded, size=0.8, alpha=0.35, show_legend=False)
        + scale_y_continuous(breaks=np.linspace(0, 1, 6), expand=(0.01, 0))
        + coord_cartesian(ylim=(0, 1))
    )


def _scales(names: Mapping[str, str]) -> list[Any]:
    shown = {"name": "", "labels": list(names.values())}
    return [
        scale_color_manual(colours(len(names)), **shown),
        scale_fill_manual(colours(len(names)), **shown),
        scale_linetype_manual(line_types(len(names)), **shown),
    ]


def _legend_columns(names: Mapping[str, str], width: float) -> int:
    widest = max(text_width(name, TEXT_SIZE) for name in names.values())
    return max(1, min(len(names), int((width - 1) / (widest + _LEGEND_KEY_WIDTH))))


def _legend(names: Mapping[str, str], width: float) -> Any:
    if len(names) == 1:
        return theme(legend_position="none")
    n_columns = _legend_columns(names, width)
    return [
        guides(**{ae: guide_legend(ncol=n_columns) for ae in ("color", "linetype")}),
        theme(legend_position="top", legend_key_width=28, legend_box_spacing=0.01),
    ]


def _height_of_curves(names: Mapping[str, str], title: str, width: float) -> float:
    legend_rows = 0
    if len(names) > 1:
        legend_rows = -(-len(names) // _legend_columns(names, width))
    return (
        _PANEL_HEIGHT
        + _AXIS_HEIGHT
        + legend_rows * _LEGEND_ROW_HEIGHT
        + (_TITLE_HEIGHT if title else 0)
    )


def _axis_with_breaks(at_risk: pd.DataFrame, furthest: float) -> scale_x_continuous:
    breaks = sorted(at_risk["time"].unique())
    return scale_x_continuous(
        breaks=breaks,
        labels=[f"{time:g}" for time in breaks],
        limits=(0, max(furthest, breaks[-1])),
        expand=_EXPAND,
    )


def _table_rows(at_risk: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per line of the at-risk table: its name, and inches below the panel.

    The line that names a group has no ``column``.
    """
    counts = {column: name for column, name in _COUNTS.items() if column in at_risk}
    lines: list[tuple[str, str, str, float]] = []
    dy = -_FIRST_ROW
    for group, shown in names.items():
        heads = {"": shown} if len(names) > 1 else {}
        for column, label in {**heads, **counts}.items():
            lines.append((group, column, label, dy))
            dy -= _ROW_HEIGHT
        dy -= _GROUP_GAP
    rows = pd.DataFrame(lines, columns=["group", "column", "label", "dy"])
    return _as_groups(rows, names)


def _left_of_panel(rows: pd.DataFrame) -> tuple[float, float]:
    """Return where group names start and names of counts end, in inches."""
    gap = 0.28  # half of a count below the time 0, and a space
    widest = max(text_width(label, TEXT_SIZE) for label in _COUNTS.values())
    return -(gap + widest), -gap


def _table(at_risk: pd.DataFrame, rows: pd.DataFrame, style: NumberStyle) -> list[Any]:
    start, end = _left_of_panel(rows)
    common = {"inherit_aes": False, "show_legend": False, "size": TEXT_SIZE}
    heads, names = rows[rows["column"] == ""], rows[rows["column"] != ""]
    cells = _cells(at_risk, names, style)
    place = aes(label="label", dy="dy")
    return [
        geom_margin_text(
            aes(label="mark", dy="dy", color="group"),
            heads.assign(mark="\N{BLACK SQUARE}"),
            dx=start,
            **common,
        ),
        geom_margin_text(
            place,
            heads,
            dx=start + _MARK_WIDTH,
            fontweight="bold",
            color=INK,
            **common,
        ),
        geom_margin_text(place, names, dx=end, ha="right", color=INK, **common),
        geom_margin_text(
            aes(x="time", label="label", dy="dy"),
            cells,
            ha="center",
            color=INK,
            **common,
        ),
    ]


def _cells(
    at_risk: pd.DataFrame, names: pd.DataFrame, style: NumberStyle
) -> pd.DataFrame:
    found = []
    for line in names.itertuples():
        inside = at_risk
        if "group" in at_risk and line.group:
            inside = at_risk[at_risk["group"].astype(str) == line.group]
        texts = [format_count(count, style=style) for count in inside[line.column]]
        cells = {"time": inside["time"], "label": texts, "dy": line.dy}
        found.append(pd.DataFrame(cells))
    return pd.concat(found, ignore_index=True)


def _below(rows: pd.DataFrame) -> float:
    """Return the inches that the at-risk table needs below the axis and its title."""
    return -float(rows["dy"].min()) - _AXIS_HEIGHT + _ROW_HEIGHT


def _room(rows: pd.DataFrame, width: float) -> theme:
    """Return margins that hold the at-risk table; both count in widths."""
    start, _ = _left_of_panel(rows)
    beside = max(-start - _AXIS_WIDTH, 0) + _EDGE
    return theme(
        plot_margin_bottom=_below(rows) / width, plot_margin_left=beside / width
    )

"""What figures of step curves share: corners, bands, legends, counts below the axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from plotnine import (
    aes,
    geom_line,
    geom_ribbon,
    guide_legend,
    guides,
    scale_color_manual,
    scale_fill_manual,
    scale_linetype_manual,
    scale_x_continuous,
    theme,
)

from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.journal_styles import JournalStyle
from fahrstats.display.journals import format_count
from fahrstats.display.margin_text import plain, text_width, wrap
from fahrstats.display.theme import TEXT_SIZE, colours, line_types

_EXPAND: Final = (0.02, 0)
_MOST_STEPS: Final = 1500  # finer than a printed page resolves

# Inches
AXIS_HEIGHT: Final = 0.35
TITLE_HEIGHT: Final = 0.3
FIRST_ROW: Final = 0.5
MARK_WIDTH: Final = 0.13
COUNT_GAP: Final = 0.28  # half of a count below the time 0, and a space
_AXIS_WIDTH: Final = 0.42
_EDGE: Final = 0.08
_LEGEND_ROW_HEIGHT: Final = 0.24
_LEGEND_LINE_HEIGHT: Final = 0.15
_LEGEND_KEY_WIDTH: Final = 0.5
_LEGEND_EDGES: Final = 0.5


def shown_names(
    table: pd.DataFrame, column: str, labels: Mapping[str, str] | None, width: float
) -> dict[str, str]:
    """Return the name of every value of a column, in lines that a legend can hold."""
    values = table[column].astype(str).unique() if column in table else [""]
    room = width - _LEGEND_EDGES - _LEGEND_KEY_WIDTH
    return {
        value: wrap(plain((labels or {}).get(value, value)), room, TEXT_SIZE)
        for value in values
    }


def last_estimates(
    curves: pd.DataFrame, column: str, names: Mapping[str, str], few_at_risk: int
) -> list[tuple[str, float]]:
    """Return where each curve is when ``few_at_risk`` are left, or ends before."""
    found = []
    for value, shown in names.items():
        curve = curves[curves[column].astype(str) == value] if value else curves
        curve = curve.dropna(subset="estimate").sort_values("time")
        if "n_at_risk" in curve and (curve["n_at_risk"] >= few_at_risk).any():
            curve = curve[curve["n_at_risk"] >= few_at_risk]
        found += [(shown, float(end)) for end in curve["estimate"].tail(1)]
    return found


def corners(curve: pd.DataFrame, few_at_risk: int, first: float) -> pd.DataFrame:
    """Return the corners of one curve, starting from ``first`` at time 0.

    A level lasts from its time to the next one, and ``few`` says whether fewer than
    ``few_at_risk`` are left meanwhile.
    """
    levels = curve[["time", "estimate", "conf_low", "conf_high"]].astype(float)
    levels["few"] = _is_thin_tail(curve, few_at_risk)
    if levels["time"].iloc[0] > 0:
        start = pd.DataFrame(
            [(0.0, first, np.nan, np.nan, False)], columns=levels.columns
        )
        levels = pd.concat([start, levels], ignore_index=True)
    pixel = (levels["time"] * _MOST_STEPS).floordiv(levels["time"].iloc[-1] or 1.0)
    levels = levels[~pixel.duplicated(keep="last") | (levels["time"] == 0)]
    ends = levels.assign(time=levels["time"].shift(-1)).dropna(subset="time")
    order = np.argsort(np.r_[np.arange(len(levels)), np.arange(len(ends)) + 0.5])
    return pd.concat([levels, ends], ignore_index=True).iloc[order]


def bands_and_lines(steps: pd.DataFrame, keys: list[str]) -> list[Any]:
    """Return bands and lines, faded where few are left; ``keys`` tell curves apart."""
    has_limits = steps["conf_low"].notna() & steps["conf_high"].notna()
    # The faded part begins with the last point of the other, so that they meet.
    is_few = steps.groupby(keys, observed=True)["few"]
    faded = steps[steps["few"] | is_few.shift(-1, fill_value=False)]
    return [
        *(
            geom_ribbon(
                aes(ymin="conf_low", ymax="conf_high", fill=keys[0]),
                part,
                alpha=alpha,
                color="none",
                show_legend=False,
            )
            for part, alpha in (
                (steps[has_limits & ~steps["few"]], 0.15),
                (steps[has_limits & steps["few"]], 0.06),
            )
        ),
        geom_line(data=steps[~steps["few"]], size=0.8),
        geom_line(data=faded, size=0.8, alpha=0.35, show_legend=False),
    ]


def scales_and_legend(
    names: Mapping[str, str], width: float, style: JournalStyle
) -> list[Any]:
    """Return colours and line types of curves, and their legend above the panel."""
    shown = {"name": "", "labels": list(names.values())}
    scales: list[Any] = [
        scale_color_manual(colours(len(names), style), **shown),
        scale_fill_manual(colours(len(names), style), **shown),
        scale_linetype_manual(line_types(len(names)), **shown),
    ]
    if len(names) == 1:
        return [*scales, theme(legend_position="none")]
    return [*scales, *legend_above(names, width)]


def legend_above(names: Mapping[str, str], width: float) -> list[Any]:
    """Return a legend above the panel, in as many columns as there is room for."""
    n_columns = _legend_columns(names, width)
    return [
        guides(**{ae: guide_legend(ncol=n_columns) for ae in ("color", "linetype")}),
        theme(legend_position="top", legend_key_width=28),
    ]


def legend_height(names: Mapping[str, str], width: float) -> float:
    """Return the inches that the legend takes."""
    if len(names) == 1:
        return 0.0
    more_lines = max(name.count("\n") for name in names.values())
    n_rows = -(-len(names) // _legend_columns(names, width))
    return n_rows * (_LEGEND_ROW_HEIGHT + more_lines * _LEGEND_LINE_HEIGHT)


def time_axis(
    at_risk: pd.DataFrame | None, furthest: float, style: JournalStyle
) -> scale_x_continuous:
    """Return the axis of time, broken where those at risk are counted."""
    if at_risk is None:
        return scale_x_continuous(
            labels=tick_numbers(style), limits=(0, furthest), expand=_EXPAND
        )
    breaks = sorted(at_risk["time"].unique())
    return scale_x_continuous(
        breaks=breaks,
        labels=tick_ratios(style)(breaks),
        limits=(0, max(furthest, breaks[-1])),
        expand=_EXPAND,
    )


def round_times(last: float) -> NDArray[np.float64]:
    """Return about six round times from 0 to the end of follow-up."""
    return np.array([tick for tick in round_ticks(last, 6) if 0 <= tick <= last])


def round_ticks(last: float, n_intervals: int) -> list[float]:
    """Return round numbers from 0 to about ``last``."""
    locator = MaxNLocator(n_intervals, steps=[1, 2, 2.5, 5, 10])
    return [float(tick) for tick in np.atleast_1d(locator.tick_values(0, last))]


def count_cells(
    at_risk: pd.DataFrame, rows: pd.DataFrame, style: JournalStyle
) -> pd.DataFrame:
    """Return the counts below the axis: ``time``, ``label`` and ``dy`` of each.

    ``rows`` holds the ``group`` and the ``column`` of each line of counts, and ``dy``.
    """
    found = []
    for row in rows.itertuples():
        inside = at_risk
        if "group" in at_risk and row.group:
            inside = at_risk[at_risk["group"].astype(str) == row.group]
        texts = [format_count(count, style=style) for count in inside[row.column]]
        cells = {"time": inside["time"], "label": texts, "dy": row.dy}
        found.append(pd.DataFrame(cells))
    return pd.concat(found, ignore_index=True)


def table_room(start: float, below: float, width: float) -> theme:
    """Return margins that hold the table below the axis, both in inches.

    The table starts at ``start``, left of the panel; margins count in widths.
    """
    beside = max(-start - _AXIS_WIDTH, 0) + _EDGE
    return theme(plot_margin_bottom=below / width, plot_margin_left=beside / width)


def _is_thin_tail(curve: pd.DataFrame, few_at_risk: int) -> NDArray[np.bool_]:
    """Return, per level, whether from now on fewer than ``few_at_risk`` are left.

    With delayed entry few may be at risk at first, and many later; that is no tail.
    """
    if "n_at_risk" not in curve:
        return np.zeros(len(curve), np.bool_)
    at_risk = curve["n_at_risk"].to_numpy(dtype=np.float64)
    is_few = np.append(at_risk[1:], at_risk[-1:]) < few_at_risk
    return np.logical_and.accumulate(is_few[::-1])[::-1]


def _legend_columns(names: Mapping[str, str], width: float) -> int:
    widest = max(text_width(name, TEXT_SIZE) for name in names.values())
    room = width - _LEGEND_EDGES
    return max(1, min(len(names), int(room / (widest + _LEGEND_KEY_WIDTH))))

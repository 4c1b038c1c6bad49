"""Funnel: a measure of every group against its events, between control limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_line,
    geom_hline,
    geom_label,
    geom_line,
    geom_point,
    geom_text,
    ggplot,
    labs,
    scale_color_manual,
    scale_x_log10,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import from_to, with_alt_text
from fahrstats.display.audit_measures import MEASURES, OVERALL, measure_of
from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, group_label
from fahrstats.display.margin_text import plain, text_width
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import (
    FAINT,
    INK,
    MOST_COLOURS,
    MUTED,
    TEXT_SIZE,
    colours,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

_NEED: Final = (
    *("subgroup", "level", "term", "estimand"),
    *("estimate", "std_error", "n_events"),
)
_LIMITS: Final = {"95%": (1.959964, "dashed"), "99.8%": (3.090232, "dotted")}
_N_POINTS: Final = 60
_INSET: Final = 0.01  # from the left end of a limit to its name, in powers of ten
_MARGIN: Final = 0.06  # of the height, above and below what is drawn

# Inches
_HEIGHT: Final = 4.2
_ACROSS: Final = 0.75
_DOWN: Final = 0.95
_TITLE_HEIGHT: Final = 0.3
_DOT: Final = 0.04
_APART: Final = 0.07
_LINE: Final = 0.12

_TRIES: Final = 12  # half lines, up and down, in which a name looks for a place
_Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top."""
_WIDER: Final = 1.25  # the axis goes on this far beyond the smallest and largest group


def funnel(
    table: pd.DataFrame,
    *,
    measure: str = "c_index",
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw a measure of every level against its events, with limits around everyone's.

    Small groups scatter by chance. Limits hold 95% and 99.8% of groups of a size that
    differ from everyone by chance only; they are as wide as everyone's standard error
    would be with as many events, so that a group in which people are more alike can lie
    outside for that reason. Levels outside the inner limits are named where there is
    room.

    Parameters
    ----------
    table
        An audit of one score: ``subgroup``, ``level``, ``estimand``, ``estimate``,
        ``std_error`` and ``n_events``; levels without an estimate are not drawn.
    measure
        A measure with a standard error.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, the table holds several scores, or everyone or all levels
        lack the measure.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185-1202.
    """
    width = page_width(width, style)
    need_columns(table, _NEED, "a funnel")
    only_one(table, ("biomarker", "outcome"), "a funnel")
    everyone, levels = _known(table, measure)
    curves = _limits(everyone, levels)
    x, y = _axes(curves, levels, width)
    names = {s: plain(group_label(s, labels)) for s in levels["subgroup"].unique()}
    order = list(names.values())
    levels = levels.assign(group=pd.Categorical(levels["subgroup"].map(names), order))
    plot = (
        ggplot(levels, aes("n_events", "estimate"))
        + geom_hline(yintercept=everyone["estimate"], color=MUTED, size=0.4)
        + _drawn_limits(curves, style)
        + _dots(len(order), style)
        + _names(_outside(levels, everyone), levels, (x, y))
        + scale_x_log10(labels=tick_ratios(style), expand=(0, 0))
        + scale_y_continuous(
            labels=tick_numbers(style), limits=(y.low, y.high), expand=(0, 0)
        )
        + labs(
            x="Events in the group (log scale)",
            y=MEASURES[measure].name,
            title=plain(title),
        )
        + house_theme(width, _HEIGHT + (_TITLE_HEIGHT if title else 0))
        + theme(legend_position="top", panel_grid_major_y=element_line(color=FAINT))
    )
    reach = from_to(
        zip(levels["level"].astype(str), levels["estimate"], strict=True),
        lambda value: format_number(value, MEASURES[measure].decimals, style=style),
    )
    return with_alt_text(plot, title, [f"{MEASURES[measure].name} from {reach}"])


def _known(table: pd.DataFrame, measure: str) -> tuple[pd.Series[Any], pd.DataFrame]:
    """Return the measure of everyone, and of the levels that have it."""
    known = table[(measure_of(table) == measure) & table["estimate"].notna()]
    known = known.dropna(subset=["std_error", "n_events"]).astype({"n_events": float})
    is_overall = known["subgroup"] == OVERALL
    if not is_overall.any() or is_overall.all():
        raise DataError(
            f"The table has no `{measure}` with a standard error of "
            f"{'any level' if is_overall.any() else 'everyone'}; a funnel needs both."
        )
    return known[is_overall].iloc[0], known[~is_overall]


def _axes(
    curves: pd.DataFrame, levels: pd.DataFrame, width: float
) -> tuple[_Axis, _Axis]:
    """Return the axes of events, in powers of ten, and of the measure."""
    n_events = np.log10(curves["n_events"])
    values = pd.concat([curves["limit"], levels["estimate"]])
    margin = _MARGIN * float(values.max() - values.min())
    return (
        _Axis(n_events.min(), n_events.max(), width - _ACROSS),
        _Axis(values.min() - margin, values.max() + margin, _HEIGHT - _DOWN),
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis from ``low`` to ``high`` that is ``length`` inches long."""

    low: float
    high: float
    length: float

    def inches(self, values: Any) -> Any:
        """Return where values stand, from the start of the axis."""
        return (values - self.low) / (self.high - self.low) * self.length

    def value(self, inches: float) -> float:
        """Return the value that stands somewhere."""
        return self.low + inches / self.length * (self.high - self.low)


def _dots(n_groups: int, style: JournalStyle) -> list[Any]:
    """Return the levels, in the colour of their group if there are few groups."""
    if n_groups > MOST_COLOURS:
        return [geom_point(size=2.2, color=style.main)]
    colour = scale_color_manual(values=colours(n_groups, style))
    return [geom_point(aes(color="group"), size=2.2), colour]


def _limits(everyone: pd.Series[Any], levels: pd.DataFrame) -> pd.DataFrame:
    """Return both limits by number of events, for each confidence."""
    low, high = levels["n_events"].min() / _WIDER, levels["n_events"].max() * _WIDER
    n_events = np.geomspace(low, high, _N_POINTS)
    std_error = everyone["std_error"] * np.sqrt(everyone["n_events"] / n_events)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "n_events": n_events,
                    "limit": everyone["estimate"] + sign * z * std_error,
                    "confidence": confidence,
                    "line": f"{confidence} {sign}",
                }
            )
            for confidence, (z, _) in _LIMITS.items()
            for sign in (-1, 1)
        ]
    )


def _drawn_limits(curves: pd.DataFrame, style: JournalStyle) -> list[Any]:
    """Return the limits as lines, each named at its right end."""
    layers: list[Any] = []
    for confidence, (_, line_type) in _LIMITS.items():
        part = curves[curves["confidence"] == confidence]
        line = aes("n_events", "limit", group="line")
        layers.append(geom_line(line, part, color=MUTED, linetype=line_type, size=0.4))
        upper = part[part["limit"] == part["limit"].max()]
        upper = upper.assign(confidence=confidence.replace(".", style.decimal_mark))
        layers.append(
            geom_text(
                aes("n_events", "limit", label="confidence"),
                upper,
                color=MUTED,
                size=TEXT_SIZE,
                ha="left",
                va="bottom",
                nudge_x=_INSET,
            )
        )
    return layers


def _outside(levels: pd.DataFrame, everyone: pd.Series[Any]) -> pd.DataFrame:
    """Return the levels beyond the inner limits."""
    z, _ = _LIMITS["95%"]
    std_error = everyone["std_error"] * np.sqrt(
        everyone["n_events"] / levels["n_events"]
    )
    distance = (levels["estimate"] - everyone["estimate"]).abs().to_numpy()
    outside: pd.DataFrame = levels[distance > z * std_error.to_numpy()]
    return outside


def _names(
    outside: pd.DataFrame, levels: pd.DataFrame, axes: tuple[_Axis, _Axis]
) -> list[Any]:
    """Return names near dots, where neither a dot nor another name is.

    A name that finds no place is left out.
    """
    if outside.empty:
        return []
    x, y = axes
    taken = [
        (across - _DOT, up - _DOT, across + _DOT, up + _DOT)
        for across, up in zip(
            x.inches(np.log10(levels["n_events"])),
            y.inches(levels["estimate"]),
            strict=True,
        )
    ]
    rows = []
    for row in records(outside):
        text = plain(str(row["level"]))
        at = (
            float(x.inches(np.log10(row["n_events"]))),
            float(y.inches(row["estimate"])),
        )
        ends = (x.length, y.length)
        box = _free_place(at, text_width(text, TEXT_SIZE), ends, taken)
        if box is None:
            continue
        taken.append(box)
        left, bottom, _, top = box
        place = {"x": 10 ** x.value(left), "y": y.value((bottom + top) / 2)}
        rows.append({"name": text, **place})
    if not rows:
        return []
    return [
        geom_label(
            aes("x", "y", label="name"),
            pd.DataFrame(rows),
            color=INK,
            fill="white",  # over the limits
            alpha=0.8,
            size=TEXT_SIZE,
            label_size=0,
            label_padding=0.02,
            ha="left",
        )
    ]


def _free_place(
    at: tuple[float, float], width: float, ends: tuple[float, float], taken: list[_Box]
) -> _Box | None:
    """Return a box near a dot, in inches, that holds nothing else; None without one."""
    across, up = at
    for shift in (sign * k * _LINE / 2 for k in range(_TRIES) for sign in (1, -1)):
        for left in (across - _APART - width, across + _APART):
            middle = up + shift
            box = (left, middle - _LINE / 2, left + width, middle + _LINE / 2)
            is_inside = left >= 0 <= box[1] and box[2] <= ends[0] and box[3] <= ends[1]
            if is_inside and not any(_overlap(box, one) for one in taken):
                return box
    return None


def _overlap(one: _Box, other: _Box) -> bool:
    return min(one[2], other[2]) > max(one[0], other[0]) and min(
        one[3], other[3]
    ) > max(one[1], other[1])

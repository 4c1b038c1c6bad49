"""Funnel: a measure of every group against its events, between control limits."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_line,
    geom_hline,
    geom_line,
    geom_point,
    geom_text,
    ggplot,
    labs,
    scale_color_manual,
    scale_x_log10,
    theme,
)

from fahrstats.display.audit_measures import MEASURES, OVERALL, measure_of
from fahrstats.display.labels import Labels, group_label
from fahrstats.display.margin_text import plain
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.theme import (
    BLUE,
    FAINT,
    INK,
    MOST_COLOURS,
    MUTED,
    TEXT_SIZE,
    WIDTH,
    colours,
    house_theme,
)
from fahrstats.errors import DataError

_NEED: Final = (
    *("subgroup", "level", "term", "estimand"),
    *("estimate", "std_error", "n_events"),
)
_HEIGHT: Final = 3.6  # inches
_LIMITS: Final = {"95%": (1.959964, "dashed"), "99.8%": (3.090232, "dotted")}
_N_POINTS: Final = 60
_WIDER: Final = 1.25  # the axis goes on this far beyond the smallest and largest group


def funnel(
    table: pd.DataFrame,
    *,
    measure: str = "c_index",
    labels: Labels | None = None,
    title: str = "",
    width: float = WIDTH,
) -> ggplot:
    """Draw a measure of every level against its events, with limits around everyone's.

    Small groups scatter by chance. Limits hold 95% and 99.8% of groups of a size that
    differ from everyone by chance only; they are as wide as everyone's standard error
    would be with as many events, so that a group in which people are more alike can lie
    outside for that reason. Levels outside the inner limits are named.

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
        Inches.

    Raises
    ------
    DataError
        A column is absent, the table holds several scores, or everyone or all levels
        lack the measure.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185-1202.
    """
    need = (
        "subgroup",
        "level",
        "term",
        "estimand",
        "estimate",
        "std_error",
        "n_events",
    )
    need_columns(table, need, "a funnel")
    only_one(table, ("biomarker", "outcome"), "a funnel")
    known = table[(measure_of(table) == measure) & table["estimate"].notna()]
    known = known.dropna(subset=["std_error", "n_events"]).astype({"n_events": float})
    is_overall = known["subgroup"] == OVERALL
    if not is_overall.any() or is_overall.all():
        raise DataError(
            f"The table has no `{measure}` with a standard error of "
            f"{'any level' if is_overall.any() else 'everyone'}; a funnel needs both."
        )
    everyone, levels = known[is_overall].iloc[0], known[~is_overall]
    curves = _limits(everyone, levels)
    names = {s: plain(group_label(s, labels)) for s in levels["subgroup"].unique()}
    order = list(names.values())
    levels = levels.assign(group=pd.Categorical(levels["subgroup"].map(names), order))
    return (
        ggplot(levels, aes("n_events", "estimate"))
        + geom_hline(yintercept=everyone["estimate"], color=MUTED, size=0.4)
        + _drawn_limits(curves)
        + _dots(len(order))
        + _names(_outside(levels, everyone), curves["n_events"])
        + scale_x_log10(labels=_as_counts)
        + labs(
            x="Events in the group (log scale)",
            y=MEASURES[measure].name,
            title=plain(title),
        )
        + house_theme(width, _HEIGHT)
        + theme(legend_position="top", panel_grid_major_y=element_line(color=FAINT))
    )


def _dots(n_groups: int) -> list[Any]:
    """Return the levels, in the colour of their group if there are few groups."""
    if n_groups > MOST_COLOURS:
        return [geom_point(size=2.2, color=BLUE)]
    colour = scale_color_manual(values=colours(n_groups))
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


def _drawn_limits(curves: pd.DataFrame) -> list[Any]:
    """Return the limits as lines, each named at its right end."""
    layers: list[Any] = []
    for confidence, (_, line_type) in _LIMITS.items():
        part = curves[curves["confidence"] == confidence]
        line = aes("n_events", "limit", group="line")
        layers.append(geom_line(line, part, color=MUTED, linetype=line_type, size=0.4))
        first = part[part["n_events"] == part["n_events"].min()]
        upper = first[first["limit"] == first["limit"].max()]
        layers.append(
            geom_text(
                aes("n_events", "limit", label="confidence"),
                upper,
                color=MUTED,
                size=TEXT_SIZE - 1,
                ha="left",
                va="bottom",
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


def _names(outside: pd.DataFrame, n_events: pd.Series[float]) -> list[Any]:
    """Return names beside dots, on the side where there is room."""
    if outside.empty:
        return []
    middle = float(np.sqrt(n_events.min() * n_events.max()))
    layers = []
    for is_left, part in outside.groupby(outside["n_events"] <= middle):
        names = [f"  {plain(str(level))}  " for level in part["level"]]
        layers.append(
            geom_text(
                aes(label="name"),
                part.assign(name=names),
                color=INK,
                size=TEXT_SIZE - 1,
                ha="left" if is_left else "right",
            )
        )
    return layers


def _as_counts(ticks: list[float]) -> list[str]:
    return [f"{tick:,.0f}" for tick in ticks]

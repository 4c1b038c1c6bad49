"""Importance of places and regions, drawn on the mean face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from plotnine import (
    aes,
    coord_fixed,
    element_blank,
    element_rect,
    element_text,
    facet_wrap,
    geom_point,
    geom_raster,
    ggplot,
    guide_colorbar,
    labs,
    scale_color_gradient2,
    scale_fill_identity,
    theme,
)

from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain
from fahrstats.display.result_table import need_columns
from fahrstats.display.theme import BASE_SIZE, INK, TEXT_SIZE, house_theme, page_width
from fahrstats.errors import DataError

PALE: Final = "#f7f7f7"
_STRONGEST: Final = 0.85  # share of colour where the importance is largest
_TITLE_HEIGHT: Final = 0.35
_GAP: Final = 12  # points between the title of the legend and its bar
_LEGEND_HEIGHT: Final = 0.65  # with the names of the panels


def face_maps(
    face: NDArray[np.floating],
    maps: Mapping[str, NDArray[np.floating]],
    *,
    labels: Labels | None = None,
    title: str = "",
    shown: float = 1.0,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw maps of importance on a face in grey, one panel for each score.

    Places that raise a score are red, those that lower it blue; the colour is the
    stronger the larger the importance, as a share of the largest of its panel, since
    scores have different units.

    Parameters
    ----------
    face
        The mean of many faces, RGB from 0 to 255, shape (s, s, 3), with s a multiple of
        the maps' side. It is the caller who decides whose face is printed.
    maps
        Importance of every place by score, shape (m, m).
    labels
        What stands above a panel, by score; the score itself by default.
    title
        Stands above the figure.
    shown
        Share of the side that is drawn, about the middle: what surrounds the face may
        be left out. Colours are still relative to the whole map.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        There is no map, shapes do not fit, a map has missing values or is 0, or
        ``shown`` is no share.
    """
    width = page_width(width, style)
    _check(face, maps)
    if not 0 < shown <= 1:
        raise DataError(f"`shown` is {shown}; give a share of the side, up to 1.")
    table = _shaded(face, maps, labels, style)
    height = width / len(maps) + _LEGEND_HEIGHT + _TITLE_HEIGHT * bool(title)
    last = table["x"].max()
    sides = [(1 - shown) / 2 * (last + 1) - 0.5, (1 + shown) / 2 * (last + 1) - 0.5]
    # Points that are not seen bring the legend: blended colours have no scale
    plot = (
        ggplot(table, aes("x", "y"))
        + geom_raster(aes(fill="shade"))
        + geom_point(aes(color="share"), alpha=0, data=table.drop_duplicates("panel"))
        + scale_fill_identity()
        + scale_color_gradient2(
            low=style.main,
            mid=PALE,
            high=style.accent,
            limits=(-1, 1),
            breaks=[-1, 0, 1],
            labels=["lowers", "0", "raises"],
            name="Score",
            # A shaded gradient is a mesh, which not every reader of SVG draws.
            guide=guide_colorbar(display="rectangles"),
        )
        + facet_wrap("panel", nrow=1)
        + coord_fixed(expand=False, xlim=sides, ylim=[side - last for side in sides])
        + labs(x="", y="", title=plain(title))
        + house_theme(width, height)
        + theme(
            axis_text=element_blank(),
            axis_ticks=element_blank(),
            axis_line=element_blank(),
            strip_background=element_rect(fill="none", color="none"),
            strip_text=element_text(size=BASE_SIZE, color=INK),
            legend_position="bottom",
            legend_title=element_text(size=TEXT_SIZE, margin={"r": _GAP}),
            legend_title_position="left",
            legend_key_width=90,
            legend_key_height=8,
        )
    )
    return with_alt_text(plot, title, [", ".join(table["panel"].astype(str).unique())])


def painted_regions(
    table: pd.DataFrame, places: NDArray[np.integer], regions: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Return maps on which every region has its importance, for :func:`face_maps`.

    Parameters
    ----------
    table
        ``model``, ``region`` and ``estimate``, one row for each score and region.
    places
        The region of every place, as positions in ``regions``, shape (m, m), such as
        ``fahrstats.face.saliency.regions.region_map(112)``.
    regions
        Their names in order.

    Raises
    ------
    DataError
        A column is absent, or a score lacks a region or has it twice.
    """
    need_columns(table, ("model", "region", "estimate"), "regions on a face")
    maps = {}
    for score, rows in table.groupby("model", sort=False):
        values = rows.set_index("region")["estimate"]
        if sorted(values.index) != sorted(regions):
            raise DataError(
                f"`{score}` must have one row for each of the {len(regions)} regions, "
                f"but it has {len(values)} rows of {values.index.nunique()} regions."
            )
        maps[str(score)] = values.loc[list(regions)].to_numpy(float)[places]
    return maps


def _shaded(
    face: NDArray[np.floating],
    maps: Mapping[str, NDArray[np.floating]],
    labels: Labels | None,
    style: JournalStyle,
) -> pd.DataFrame:
    """Return a row for each place of each panel, with its colour on the face."""
    panels = []
    for score, values in maps.items():
        share = values / np.abs(values).max()
        rows, columns = np.indices(share.shape)
        panels.append(
            pd.DataFrame(
                {
                    "panel": plain(column_label(score, labels)),
                    "x": columns.ravel(),
                    "y": -rows.ravel(),
                    "share": share.ravel(),
                    "shade": _blended(_grey(face, len(share)), share, style),
                }
            )
        )
    table = pd.concat(panels, ignore_index=True)
    names = pd.Categorical(table["panel"], categories=table["panel"].unique())
    return table.assign(panel=names)


def _check(
    face: NDArray[np.floating], maps: Mapping[str, NDArray[np.floating]]
) -> None:
    """Refuse what cannot be drawn."""
    if not maps:
        raise DataError("`maps` holds no map.")
    for score, values in maps.items():
        side = len(values)
        if values.shape != (side, side) or face.shape != (len(face), len(face), 3):
            raise DataError(
                f"`face` and maps must be square, but have the shapes {face.shape} and "
                f"{values.shape} (`{score}`)."
            )
        if not side or len(face) % side:
            raise DataError(
                f"The side of `face`, {len(face)}, must be a multiple of that of the "
                f"map of `{score}`, {side}."
            )
        n_missing = int((~np.isfinite(values)).sum())
        if n_missing:
            raise DataError(
                f"{n_missing} of {values.size} places of the map of `{score}` are "
                "missing or infinite; average maps of faces with a score."
            )
        if not np.abs(values).max() > 0:
            raise DataError(f"The map of `{score}` is 0 everywhere; nothing is drawn.")


def _grey(face: NDArray[np.floating], side: int) -> NDArray[np.float64]:
    """Return the luma of a face, 0 to 1, in the size of a map."""
    luma = np.asarray(face, float) @ (0.2126, 0.7152, 0.0722) / 255
    step = len(face) // side
    return np.asarray(luma.reshape(side, step, side, step).mean(axis=(1, 3)))


def _blended(
    grey: NDArray[np.float64], share: NDArray[np.floating], style: JournalStyle
) -> list[str]:
    """Return the colours of places: grey under the colour of their importance."""
    strength = _STRONGEST * np.abs(share)[..., None]
    colour = np.where(share[..., None] > 0, to_rgb(style.accent), to_rgb(style.main))
    mixed = (1 - strength) * grey[..., None] + strength * colour
    levels = np.rint(255 * mixed.clip(0, 1)).astype(int).reshape(-1, 3)
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in levels]

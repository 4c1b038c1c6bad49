"""Colours of one group, of two and so on, cold to warm because groups are ordered.

Every two colours of a line are told apart by readers with and without red-green
blindness; a test simulates it. Where they are from is in the rules of the styles.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Palettes: TypeAlias = tuple[tuple[str, ...], ...]

OKABE_ITO_COLOURS: Final[Palettes] = (
    ("#0072B2",),
    ("#0072B2", "#D55E00"),
    ("#0072B2", "#009E73", "#D55E00"),
    ("#0072B2", "#56B4E9", "#E69F00", "#D55E00"),
    ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00"),
    ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"),
)
JAMA_COLOURS: Final[Palettes] = (
    ("#374E55",),
    ("#00A1D5", "#B24745"),
    ("#374E55", "#00A1D5", "#DF8F44"),
    ("#374E55", "#00A1D5", "#DF8F44", "#B24745"),
    ("#374E55", "#00A1D5", "#79AF97", "#DF8F44", "#B24745"),
    ("#374E55", "#6A6599", "#00A1D5", "#79AF97", "#DF8F44", "#B24745"),
)
LANCET_COLOURS: Final[Palettes] = (
    ("#00468B",),
    ("#00468B", "#ED0000"),
    ("#00468B", "#0099B4", "#ED0000"),
    ("#1B1919", "#00468B", "#0099B4", "#ED0000"),
    ("#1B1919", "#00468B", "#0099B4", "#ADB6B6", "#ED0000"),
    ("#1B1919", "#00468B", "#0099B4", "#ADB6B6", "#ED0000", "#AD002A"),
)
NEJM_COLOURS: Final[Palettes] = (
    ("#0072B5",),
    ("#0072B5", "#BC3C29"),
    ("#0072B5", "#E18727", "#BC3C29"),
    ("#0072B5", "#6F99AD", "#E18727", "#BC3C29"),
    ("#0072B5", "#6F99AD", "#20854E", "#E18727", "#BC3C29"),
    ("#222222", "#0072B5", "#6F99AD", "#20854E", "#E18727", "#BC3C29"),
)

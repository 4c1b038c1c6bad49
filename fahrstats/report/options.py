"""The cell options of the portable subset of Quarto, checked and typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from fahrstats.errors import DataError

EXECUTE_DEFAULTS: Mapping[str, object] = {
    "echo": True,
    "eval": True,
    "include": True,
    "output": True,
    "warning": True,
    "error": False,
    "code-fold": False,
    "code-summary": "Code",
}
CELL_OPTIONS = frozenset(EXECUTE_DEFAULTS) | {
    "label",
    "tags",
    "fig-cap",
    "fig-alt",
    "fig-subcap",
    "fig-width",
    "fig-height",
    "tbl-cap",
    "lst-cap",
    "lst-label",
    "layout-ncol",
}
_LABEL = re.compile(r"^[\w:.-]*$")
FLOATS = ("fig", "tbl", "lst")


@dataclass(frozen=True, slots=True)
class CellOptions:
    """What one code cell asks for.

    Attributes
    ----------
    label : str
        Anchor of the output, ``fig-`` or ``tbl-`` first where it is a float; empty
        when the cell has none.
    echo, eval, include, warning, error : bool
        Show the code; run it; show anything at all; show standard error; go on
        after an exception and show it.
    output : bool or "asis"
        Show results; ``"asis"`` reads them as markdown of the document.
    code_fold : bool or "show"
        Fold the code away; ``"show"`` folds it but leaves it open.
    code_summary : str
        The words that unfold the code.
    fig_cap, tbl_cap, lst_cap, fig_alt : str or None
        Captions and the text alternative, in markdown.
    fig_subcap : tuple of str
        One caption per figure of the cell.
    fig_width, fig_height : float or None
        Inches, for Matplotlib figures that set no size themselves. Quarto with
        Python cells reads these two in the header only.
    lst_label : str
        Anchor of the code itself.
    layout_ncol : int or None
        Columns in which several outputs are set.
    tags : tuple of str
        ``parameters`` marks the cell whose values a caller may replace.
    """

    label: str = ""
    echo: bool = True
    eval: bool = True
    include: bool = True
    warning: bool = True
    error: bool = False
    output: bool | Literal["asis"] = True
    code_fold: bool | Literal["show"] = False
    code_summary: str = "Code"
    fig_cap: str | None = None
    tbl_cap: str | None = None
    lst_cap: str | None = None
    fig_alt: str | None = None
    fig_subcap: tuple[str, ...] = ()
    fig_width: float | None = None
    fig_height: float | None = None
    lst_label: str = ""
    layout_ncol: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``fig``, ``tbl`` or ``lst`` where the label names a float, else empty."""
        prefix = self.label.split("-", 1)[0]
        return prefix if prefix in FLOATS and "-" in self.label else ""

    @property
    def caption(self) -> str | None:
        """The caption of the cell's output."""
        first, second = self.fig_cap, self.tbl_cap
        return second or first if self.kind == "tbl" else first or second


def cell_options(given: Mapping[str, object], where: str) -> CellOptions:
    """Type the options of one cell, ``where`` naming its place in messages.

    Options that are not in ``CELL_OPTIONS`` are left to ``portability.findings``.

    Raises
    ------
    DataError
        A value is of the wrong type, or a choice that the option does not have.
    """
    read = _Reader(given, where)
    return CellOptions(
        label=read.label("label"),
        echo=read.flag("echo", True),
        eval=read.flag("eval", True),
        include=read.flag("include", True),
        warning=read.flag("warning", True),
        error=read.flag("error", False),
        output=cast("bool | Literal['asis']", read.choice("output", True, "asis")),
        code_fold=cast(
            "bool | Literal['show']", read.choice("code-fold", False, "show")
        ),
        code_summary=read.text("code-summary") or "Code",
        fig_cap=read.text("fig-cap"),
        tbl_cap=read.text("tbl-cap"),
        lst_cap=read.text("lst-cap"),
        fig_alt=read.text("fig-alt"),
        fig_subcap=read.texts("fig-subcap"),
        fig_width=read.size("fig-width"),
        fig_height=read.size("fig-height"),
        lst_label=read.label("lst-label"),
        layout_ncol=read.count("layout-ncol"),
        tags=read.texts("tags"),
    )


def header_number(settings: Mapping[str, object], name: str, default: float) -> float:
    """Read a setting of the header that is a number above 0.

    Raises
    ------
    DataError
        It is something else.
    """
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise DataError(
            f"The header setting `{name}` must be a number above 0, "
            f"but it is `{value}`."
        )
    return value


class _Reader:
    """Typed access to the options of one cell."""

    def __init__(self, given: Mapping[str, object], where: str) -> None:
        self.given = given
        self.where = where

    def flag(self, name: str, default: bool) -> bool:
        value = self.given.get(name, default)
        if not isinstance(value, bool):
            raise self.refusal(name, "true or false")
        return value

    def choice(self, name: str, default: bool, word: str) -> bool | str:
        value = self.given.get(name, default)
        if not (isinstance(value, bool) or value == word):
            raise self.refusal(name, f"true, false or {word}")
        return value

    def text(self, name: str) -> str | None:
        value = self.given.get(name)
        if value is None:
            return None
        if isinstance(value, bool | list | dict):
            raise self.refusal(name, "text")
        return " ".join(str(value).split())

    def label(self, name: str) -> str:
        value = self.text(name) or ""
        if not _LABEL.match(value):
            raise self.refusal(name, "letters, digits, and - _ : . alone")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.given.get(name)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            raise self.refusal(name, "text or a list of texts")
        return tuple(items)

    def size(self, name: str) -> float | None:
        value = self.given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self.refusal(name, "a size in inches above 0")
        return float(value)

    def count(self, name: str) -> int | None:
        value = self.given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.refusal(name, "a whole number of columns from 1")
        return value

    def refusal(self, name: str, expected: str) -> DataError:
        return DataError(
            f"{self.where}: the cell option `{name}` must be {expected}, "
            f"but it is `{self.given[name]}`."
        )

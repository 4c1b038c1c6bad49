"""What a cell of a report displays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.display import Markdown


def display(shown: object) -> None:
    """Display something in the cell that is running; nothing of None.

    Markdown has blank lines around it: Quarto joins what a cell displays one after the
    other, where a list would go on with the paragraph above.
    """
    if shown is None:
        return
    from IPython import display as of_cells

    show: Callable[[object], None] = of_cells.display
    if isinstance(shown, of_cells.Markdown):
        shown = as_markdown(f"\n{shown.data}\n")
    show(shown)


def as_markdown(text: str) -> Markdown:
    """Return text that is shown as Markdown where it is displayed."""
    from IPython import display as of_cells

    make: Callable[[str], Markdown] = of_cells.Markdown
    return make(text)


def box(kind: str, title: str, text: str) -> Markdown:
    """Return a callout: ``note``, ``tip``, ``important``, ``warning``, ``caution``."""
    return as_markdown(f'::: {{.callout-{kind} title="{title}"}}\n{text}\n:::\n')


def metadata(values: Mapping[str, object]) -> Markdown:
    """Return title, authors and the like of a document, whatever its format.

    They are known when the document is rendered, and not when it is written.
    """
    return as_markdown(f"---\n{json.dumps(values, ensure_ascii=False)}\n---\n")

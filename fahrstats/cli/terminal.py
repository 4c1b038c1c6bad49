"""What the commands print while they work."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watch = Callable[[str, int, int], None]
"""Told the step, its position and the number of steps."""


@contextmanager
def progress(quiet: bool) -> Iterator[Watch]:
    """Show a progress bar on a terminal; when quiet, no warnings either."""
    if quiet:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lambda step, position, total: None
        return
    if not sys.stderr.isatty():
        yield lambda step, position, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading the study", total=None)

        def watch(step: str, position: int, total: int) -> None:
            progress.update(
                task,
                description=step,
                completed=position,
                total=total if total > 1 else None,
            )

        yield watch


def counted(n: int, noun: str) -> str:
    """Return ``1 problem`` or ``2 problems``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"

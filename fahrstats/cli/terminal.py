"""What the commands print while they work."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from fahrstats.watching import Watch

_SECONDS_OF_RATE = 600.0  # steps may take minutes
_NARROW = 60  # columns below which numbers are shown instead of a bar


@contextmanager
def progress(quiet: bool, unit: str = "") -> Iterator[Watch]:
    """Show a progress bar on a terminal; when quiet, no warnings either.

    If the steps have a ``unit``, such as photos, their rate and the time left are shown
    instead of the time that has passed.
    """
    if quiet:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lambda step, position, total: None
        return
    if not sys.stderr.isatty():
        yield lambda step, position, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    step_name = TextColumn("{task.description}")
    plain = (step_name, BarColumn()) if console.width >= _NARROW else (step_name,)
    timed = (MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    columns = (*timed, TimeRemainingColumn()) if unit else (TimeElapsedColumn(),)
    with Progress(
        *plain,
        *columns,
        console=console,
        transient=True,
        speed_estimate_period=_SECONDS_OF_RATE,
    ) as bar:
        task = bar.add_task("starting", total=None, rate="")

        def watch(step: str, position: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(
                task,
                description=step,
                completed=position,
                total=total if total > 1 else None,
                rate=f"{speed:.1f} {unit}/s" if speed else "",
            )

        yield watch


def counted(n: int, noun: str) -> str:
    """Return ``1 problem`` or ``2 problems``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"

"""The program: its commands, and how it ends."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from fahrstats.cli import (
    checkpoint_commands,
    data_commands,
    photo_commands,
    study_commands,
)
from fahrstats.errors import FahrstatsError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From face photographs, or a table of scores, to a publication report.",
)
for commands in (study_commands.app, photo_commands.app):
    app.add_typer(commands)
app.add_typer(checkpoint_commands.app, name="checkpoint", help="Checkpoints.")
app.add_typer(data_commands.app, name="data", help="Public data sets.")


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """From face photographs, or a table of scores, to a publication report."""
    if show:
        from fahrstats import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; wrong input ends with one line on stderr and status 1."""
    warnings.showwarning = _note_printer()
    try:
        with _stopped_by_signals():
            app()
    except _StoppedError as stop:
        typer.echo(stop.message, err=True)
        raise SystemExit(128 + stop.signal) from None
    except FahrstatsError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"`{error.filename}`: {error.strerror}" if error.filename else str(error))


class _StoppedError(BaseException):
    """A signal that ends the program, once children and partial files are gone."""

    def __init__(self, number: int) -> None:
        self.signal = number
        is_interrupt = number == signal.SIGINT
        self.message = "Interrupted." if is_interrupt else "Terminated."
        super().__init__(self.message)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into an exception, unless they are to be ignored."""

    def stop(number: int, frame: object) -> None:
        raise _StoppedError(number)

    before = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }
    for number, handler in before.items():
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _note_printer() -> Callable[..., None]:
    """Return what prints a warning as one line on stderr, each text once."""
    printed: set[str] = set()

    def show(message: Warning | str, *where: object, **how: object) -> None:
        text = _one_line(str(message))
        if text not in printed:
            typer.echo(f"Note: {text}", err=True)
        printed.add(text)

    return show


def _fail(message: str) -> None:
    """End with one line on stderr."""
    typer.echo(f"Error: {_one_line(message)}", err=True)
    raise SystemExit(1)


def _one_line(text: str) -> str:
    """Join the lines of a message."""
    return " ".join(text.split())

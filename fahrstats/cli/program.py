"""The program: its commands, and how it ends."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from fahrstats.cli import (
    checklist_command,
    checkpoint_commands,
    data_commands,
    explain_commands,
    perturb_commands,
    photo_commands,
    site_command,
    study_commands,
    train_commands,
)
from fahrstats.cli.signals import StoppedError, stopped_by_signals
from fahrstats.errors import FahrstatsError
from fahrstats.extras import missing_extra

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From face photographs, or a table of scores, to a publication report.",
)
for commands in (
    study_commands.app,
    site_command.app,
    checklist_command.app,
    photo_commands.app,
    perturb_commands.app,
    explain_commands.app,
):
    app.add_typer(commands)
app.add_typer(checkpoint_commands.app, name="checkpoint", help="Checkpoints.")
app.add_typer(train_commands.app, name="train", help="Training of the face models.")
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
        with stopped_by_signals():
            app()
    except StoppedError as stop:
        typer.echo(stop.message, err=True)
        raise SystemExit(128 + stop.signal) from None
    except FahrstatsError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        missing = missing_extra(error)
        if missing is None:
            raise
        _fail(str(missing))
    except OSError as error:
        _fail(
            f"`{error.filename}`: {error.strerror}" if error.filename else _told(error)
        )


def _told(error: OSError) -> str:
    """Return what a library says of a file, without the number of the error."""
    return re.sub(r"^\[Errno \d+\] ", "", str(error).partition("\n")[0])


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

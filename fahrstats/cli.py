"""The command line: read arguments, call the package, print what came of it."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fahrstats.errors import FahrstatsError

if TYPE_CHECKING:
    from fahrstats.study.analyse import Watch

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From a table of scores to a publication report.",
)

StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help="Study file, or the name of a shipped study: flchain, nhanes.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the data; otherwise FAHRSTATS_DATA, or ../shared/data if it "
        "exists.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the results; results/<name of the study> by default."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@app.command()
def new(
    table: Annotated[str, typer.Argument(help="Table of the cohort: CSV or Parquet.")],
    out: Annotated[Path, typer.Option(help="Study file to write.")] = Path(
        "study.toml"
    ),
    data_dir: DataDir = None,
) -> None:
    """Write a commented study file for a table, guessed from its columns."""
    from fahrstats.study.starter import write_starter

    guess = write_starter(table, out, data_dir)
    found = {
        "time": guess.time,
        "event": guess.event,
        "scores": ", ".join(guess.scores),
        "covariates": ", ".join(guess.covariates),
    }
    for what, columns in found.items():
        typer.echo(f"{what}: {columns or 'not found, to be filled in'}")
    typer.echo("All of this is guessed from names and values.")
    for note in guess.notes:
        typer.echo(f"CAREFUL: {note}")
    typer.echo(f"Wrote {out}; correct it, then: fahrstats check {out}")


@app.command()
def check(study: StudyArgument, data_dir: DataDir = None, quiet: Quiet = False) -> None:
    """List every problem of a study file and its data at once."""
    from fahrstats.study.checks import check_study
    from fahrstats.study.study_file import find_study

    path = find_study(study)
    with _progress(quiet) as watch:
        watch("checking the data", 0, 1)
        found = check_study(path, data_dir)
    for note in [] if quiet else found.notes:
        typer.echo(f"Note: {note}")
    for problem in found.problems:
        typer.echo(f"Problem: {problem}", err=True)
    if found.problems:
        typer.echo(f"{path.name}: {_counted(len(found.problems), 'problem')}", err=True)
        raise typer.Exit(1)
    if not quiet:
        typer.echo(f"{path.name}: no problems")


@app.command()
def analyse(
    study: StudyArgument,
    data_dir: DataDir = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Check a study and write its result tables; finished ones are kept."""
    from fahrstats.study.analyse import analyse_study
    from fahrstats.study.study_file import find_study

    with _progress(quiet) as watch:
        folder = analyse_study(find_study(study), data_dir, out, watch)
    if not quiet:
        typer.echo(f"Tables: {folder / 'tables'}")


@app.command()
def render(
    study: StudyArgument,
    data_dir: DataDir = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Render the report of a study whose result tables are written."""
    from fahrstats.study.analyse import results_folder
    from fahrstats.study.study_file import find_study

    path = find_study(study)
    with _progress(quiet) as watch:
        page = _render(path, results_folder(path, out), data_dir, watch)
    if not quiet:
        typer.echo(f"Report: {page}")


@app.command()
def run(
    study: StudyArgument,
    data_dir: DataDir = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Check a study, write its result tables and render the report."""
    from fahrstats.study.analyse import analyse_study
    from fahrstats.study.study_file import find_study

    path = find_study(study)
    with _progress(quiet) as watch:
        folder = analyse_study(path, data_dir, out, watch)
        page = _render(path, folder, data_dir, watch)
    if not quiet:
        typer.echo(f"Report: {page}")


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """From a table of scores to a publication report."""
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


def _render(path: Path, folder: Path, data_dir: Path | None, watch: Watch) -> Path:
    """Render the report from the result tables in ``folder``, if they are sound."""
    from fahrstats.report import render as render_document
    from fahrstats.report import report_source
    from fahrstats.study.results_in import check_results

    name = check_results(path, folder, data_dir)["name"]
    watch("rendering the report", 0, 1)
    return render_document(
        report_source("biomarker"),
        folder / f"{name}.html",
        params={"results": str(folder)},
    )


@contextmanager
def _progress(quiet: bool) -> Iterator[Watch]:
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


def _counted(n: int, noun: str) -> str:
    """Return ``1 problem`` or ``2 problems``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


if __name__ == "__main__":
    main()

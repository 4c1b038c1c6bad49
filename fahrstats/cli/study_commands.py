"""Commands on study files: new, check, analyse, render, run."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fahrstats.cli.terminal import counted, progress
from fahrstats.errors import ResultWarning
from fahrstats.watching import Watch

app = typer.Typer()


class Format(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    DOCX = "docx"
    PDF = "pdf"


class Renderer(StrEnum):
    """What can render a report."""

    AUTO = "auto"
    OWN = "own"
    QUARTO = "quarto"


StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help="Study file, or the name of a shipped study: congress, congress-ages, "
        "congress-paper, congress-robustness, congress-saliency, flchain, nhanes, "
        "nhanes-audit. A script that it names is run by check, analyse and run.",
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
    typer.Option(
        "--out",
        "-o",
        help="Folder of the results; results/<name of the study> by default.",
    ),
]
Public = Annotated[
    bool,
    typer.Option(
        "--public",
        help="Write the version for publication, tables and report, to a folder of "
        "its own beside that of the results: small counts are left out, others "
        "rounded, ages of 90 and over not told apart.",
    ),
]
RoundTo = Annotated[
    int | None,
    typer.Option(
        help="With --public: counts become multiples of this, 5 by default, and those "
        "below twice as many are left out.",
        min=2,
    ),
]
To = Annotated[
    list[Format] | None,
    typer.Option(
        "--to",
        help="Format of the report, html by default. Given more than once, all are "
        "written from one execution: --to html --to docx --to pdf.",
    ),
]
Journal = Annotated[
    str | None,
    typer.Option(
        help="Whose rules numbers and figures of the report keep to: annals, jama, "
        "lancet or nejm. Without it they keep to no journal's.",
    ),
]
Engine = Annotated[
    Renderer,
    typer.Option(
        help="What renders the report: own, the package's renderer, quarto, or auto, "
        "which takes Quarto where it is installed.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@app.command()
def new(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE|STUDY...",
            help="Table of the cohort, CSV or Parquet; with --paper, the studies that "
            "the paper is made of, by file or name.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Study file to write; study.toml by default."),
    ] = None,
    paper: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Start a paper in this folder instead: study.toml, and a document of "
            "tables and figures to edit.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write a commented study file for a table, or start a paper from studies."""
    if paper is not None:
        if out is not None:
            raise typer.BadParameter(
                "a paper is written to the folder of --paper.", param_hint="--out"
            )
        _new_paper(sources, paper)
    elif len(sources) > 1:
        raise typer.BadParameter(
            "a study has one table; studies go into a paper with --paper FOLDER.",
            param_hint="TABLE",
        )
    else:
        _new_study(sources[0], out or Path("study.toml"), data_dir)


def _new_paper(studies: Sequence[str], folder: Path) -> None:
    """Write the file of a paper and the document that prints it."""
    from fahrstats.report.editable_copy import check_is_free, copy_report
    from fahrstats.study.paper.starter import write_paper_starter

    check_is_free("paper", folder)
    out = folder / "study.toml"
    parts = write_paper_starter(studies, out, document="paper.qmd")
    document = copy_report("paper", folder)
    for role, name in parts.items():
        typer.echo(f"{role}: {name}")
    typer.echo(f"Wrote {out} and {document}; correct them, then: fahrstats run {out}")


def _new_study(table: str, out: Path, data_dir: Path | None) -> None:
    """Write a study file for a table, and say what was guessed."""
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
def check(
    study: StudyArgument,
    data_dir: DataDir = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """List every problem of a study file and its data at once."""
    from fahrstats.study.kinds import find_kind
    from fahrstats.study.study_file import find_study

    path = find_study(study)
    with progress(quiet) as watch:
        watch("checking the data", 0, 1)
        found = find_kind(path).check(path, data_dir, out)
    for note in [] if quiet else found.notes:
        typer.echo(f"Note: {note}")
    for problem in found.problems:
        typer.echo(f"Problem: {problem}", err=True)
    if found.problems:
        typer.echo(f"{path.name}: {counted(len(found.problems), 'problem')}", err=True)
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
    from fahrstats.study.kinds import find_kind
    from fahrstats.study.study_file import find_study

    path = find_study(study)
    with progress(quiet) as watch:
        folder = find_kind(path).analyse(path, data_dir, out, watch)
    if not quiet:
        tables = folder / "tables"
        typer.echo(f"Tables: {tables if tables.is_dir() else folder}")


@app.command()
def render(
    study: StudyArgument,
    data_dir: DataDir = None,
    out: Out = None,
    public: Public = False,
    round_to: RoundTo = None,
    to: To = None,
    journal: Journal = None,
    engine: Engine = Renderer.AUTO,
    quiet: Quiet = False,
) -> None:
    """Render the report of a study whose result tables are written."""
    from fahrstats.study.study_file import find_study, results_folder

    asked = _asked(
        public=public, round_to=round_to, to=to, journal=journal, engine=engine
    )
    path = find_study(study)
    with progress(quiet) as watch:
        folder = results_folder(path, out)
        pages = _render(path, folder, data_dir, watch, asked)
    for page in () if quiet else pages:
        typer.echo(f"Report: {page}")


@app.command()
def run(
    study: StudyArgument,
    data_dir: DataDir = None,
    out: Out = None,
    public: Public = False,
    round_to: RoundTo = None,
    to: To = None,
    journal: Journal = None,
    engine: Engine = Renderer.AUTO,
    quiet: Quiet = False,
) -> None:
    """Check a study, write its result tables and render the report."""
    from fahrstats.study.kinds import find_kind
    from fahrstats.study.study_file import find_study

    asked = _asked(
        public=public, round_to=round_to, to=to, journal=journal, engine=engine
    )
    path = find_study(study)
    with progress(quiet) as watch:
        folder = find_kind(path).analyse(path, data_dir, out, watch)
        pages = _render(path, folder, data_dir, watch, asked)
    for page in () if quiet else pages:
        typer.echo(f"Report: {page}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a report.

    Attributes
    ----------
    base : int or None
        What counts are multiples of in a version for publication; None for none.
    formats : tuple of Format
        What it is written as.
    journal : str or None
        Whose rules it keeps to.
    engine : Renderer
        What renders it.
    """

    base: int | None
    formats: tuple[Format, ...]
    journal: str | None
    engine: Renderer


def _asked(
    *,
    public: bool,
    round_to: int | None,
    to: Sequence[Format] | None,
    journal: str | None,
    engine: Renderer,
) -> _Asked:
    """Return what is asked of a report, refused before anything is computed."""
    if round_to is not None and not public:
        raise typer.BadParameter(
            "it rounds the counts of --public; add that.", param_hint="--round-to"
        )
    if journal is not None:
        from fahrstats.display.journal_styles import journal_style

        journal_style(journal)
    base = None
    if public:
        from fahrstats.study.publication.counts import BASE

        base = round_to or BASE
    return _Asked(base, tuple(to or (Format.HTML,)), journal, engine)


def _render(
    path: Path, folder: Path, data_dir: Path | None, watch: Watch, asked: _Asked
) -> tuple[Path, ...]:
    """Render the report from the result tables in ``folder``, if they are sound.

    With a base for rounding it is that of their public version.
    """
    from fahrstats.report import render as render_document
    from fahrstats.report import report_source
    from fahrstats.study.kinds import find_kind, own_document

    study_kind = find_kind(path)
    manifest = study_kind.check_results(path, folder, data_dir)
    if asked.base is not None:
        watch("leaving out small counts", 0, 1)
        folder = study_kind.publish(folder, manifest, base=asked.base)
    watch("rendering the report", 0, 1)
    params = {"results": str(folder)}
    if asked.journal is not None:
        params["journal"] = asked.journal
    pages = render_document(
        own_document(path) or report_source(study_kind.report),
        [folder / f"{manifest['name']}.{kind}" for kind in asked.formats],
        params=params,
        engine=asked.engine.value,
    )
    _note_older_formats(folder, manifest["name"], asked.formats)
    return pages


def _note_older_formats(folder: Path, name: str, written: Sequence[Format]) -> None:
    """Name the files in other formats that are of results before these."""
    from fahrstats.report.freshness import is_of_results

    for kind in Format:
        page = folder / f"{name}.{kind}"
        if kind not in written and page.is_file() and not is_of_results(page, folder):
            warnings.warn(
                f"`{page}` was not rendered from the results beside it; add "
                f"`--to {kind}`, or remove it.",
                ResultWarning,
                stacklevel=2,
            )

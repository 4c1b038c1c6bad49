"""Commands on public data: list, path, fetch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fahrstats.cli.terminal import progress
from fahrstats.errors import DataError

if TYPE_CHECKING:
    from fahrstats.datasets.catalogue import DataSet

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a data set.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the data; otherwise FAHRSTATS_DATA, or ../shared/data if it "
        "exists.",
    ),
]
_BYTES = 1000  # in a step of the progress bar


@app.command("list")
def list_sets(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Show all that is known of these."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """List public data sets: what they are, and whether they are on this machine."""
    from fahrstats.datasets.catalogue import data_sets, find_data_set

    if names:
        for name in names:
            typer.echo("\n".join(_lines(find_data_set(name), data_dir)))
        return
    width = max(len(data_set.name) for data_set in data_sets())
    for data_set in data_sets():
        state = _state(data_set, data_dir)
        typer.echo(f"{data_set.name:{width}}  {state:9}  {data_set.title}")
    typer.echo("More of one: fahrstats data list NAME")


@app.command()
def path(name: Name, data_dir: DataDir = None) -> None:
    """Print where a data set lies on this machine."""
    from fahrstats.datasets.catalogue import existing_place, find_data_set

    typer.echo(existing_place(find_data_set(name), data_dir))


@app.command()
def fetch(
    name: Name,
    to: Annotated[
        Path | None,
        typer.Option(help="Folder to put it into; NAME in the data folder by default."),
    ] = None,
    data_dir: DataDir = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
) -> None:
    """Fetch a data set over https, and check it; run again to go on after a break."""
    from fahrstats.datasets.catalogue import find_data_set, how_to_get
    from fahrstats.datasets.download import download

    data_set = find_data_set(name)
    if not data_set.fetchable:
        raise DataError(
            f"`{name}` cannot be fetched by a command. {how_to_get(data_set)}"
        )
    folder = to or _folder_of(data_set, data_dir)
    with progress(quiet, unit="kB") as watch:
        for file in data_set.remote:
            step = f"fetching {file.name}"

            def report(done: int, total: int | None, step: str = step) -> None:
                watch(step, done // _BYTES, (total or 0) // _BYTES)

            got = download(file, folder, watch=report)
            if not quiet:
                typer.echo(f"Fetched and checked: {got}")
    if not quiet:
        typer.echo(f"Terms: {data_set.terms}")
        typer.echo(data_set.obtain)


def _folder_of(data_set: DataSet, data_dir: Path | None) -> Path:
    """Return the folder of a data set in the data folder."""
    from fahrstats.datasets.folder import DATA_VARIABLE, data_folder

    folder = data_folder(data_dir)
    if folder is None:
        raise DataError(
            f"There is no data folder to put `{data_set.name}` into; name a folder "
            f"with `--to`, or the data folder with `--data-dir` or {DATA_VARIABLE}."
        )
    return folder / data_set.name


def _state(data_set: DataSet, data_dir: Path | None) -> str:
    """Say in a word or two how to come by a data set."""
    from fahrstats.datasets.catalogue import place_of

    if place_of(data_set, data_dir) is not None:
        return "here"
    return "fetchable" if data_set.fetchable else "elsewhere"


def _lines(data_set: DataSet, data_dir: Path | None) -> list[str]:
    """Return all that is known of a data set, a fact per line."""
    from fahrstats.datasets.catalogue import place_of

    facts = {
        "What": data_set.title,
        "Publisher": data_set.publisher,
        "Source": data_set.source,
        "Terms": data_set.terms,
        "Used for": data_set.use,
        "How to get it": data_set.obtain,
        "Here": place_of(data_set, data_dir) or "no",
    }
    lines = [data_set.name, *(f"  {fact}: {text}" for fact, text in facts.items())]
    for file in data_set.files:
        size = f", {file.size} bytes" if file.size else ""
        where = f", {file.url}" if file.url else ""
        lines.append(f"  File: {file.name}, SHA-256 {file.sha256}{size}{where}")
    return lines

"""The command that puts reports on a site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fahrstats.cli.terminal import counted, progress

app = typer.Typer()


@app.command()
def site(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS...",
            help="Folders of results whose reports are rendered, such as "
            "results/flchain-public.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the site.")] = (
        Path("site")
    ),
    title: Annotated[str, typer.Option(help="Title of the site.")] = "Reports",
    confidential: Annotated[
        bool,
        typer.Option(
            "--confidential",
            help="Accept results that are not for publication, and mark every page.",
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only.")
    ] = False,
) -> None:
    """Put reports on a site of plain files, with navigation and search."""
    from fahrstats.report.site import build_site

    with progress(quiet) as watch:
        watch("making the site", 0, 1)
        page = build_site(results, out, title=title, confidential=confidential)
    if not quiet:
        typer.echo(f"Site of {counted(len(results), 'report')}: {page}")

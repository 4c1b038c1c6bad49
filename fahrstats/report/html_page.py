"""A document as one HTML page that fetches nothing."""

from __future__ import annotations

from pathlib import Path

from fahrstats.report.pandoc import HERE, KEY, run_pandoc, toc_depth
from fahrstats.report.source import Source


def write_html(
    markdown: str, source: Source, output: Path, *, folder: Path, key: str
) -> None:
    """Write an executed document as one HTML file.

    Parameters
    ----------
    markdown
        The document as ``to_markdown`` gives it.
    source
        Where it comes from; its settings make the title block and the numbering.
    output
        File to write.
    folder
        For intermediate files.
    key
        Kept in the page, so that a later call can see whether it is up to date.

    Raises
    ------
    DataError
        A reference, a citation or a resource cannot be resolved.
    """
    title = str(source.settings.get("title", source.path.stem))
    options = [
        "--to=html5",
        "--embed-resources",
        "--mathml",
        "--section-divs",
        f"--toc-depth={toc_depth(source.settings) + 1}",
        f"--template={HERE / 'template.html'}",
        f"--css={HERE / 'style.css'}",
        f"--syntax-highlighting={HERE / 'code.theme'}",
    ]
    run_pandoc(
        markdown,
        source,
        output,
        folder=folder,
        metadata={KEY: key, "pagetitle": title},
        options=options,
    )

"""A document as PDF, typeset by typst."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fahrstats.errors import DataError
from fahrstats.report.extras import required
from fahrstats.report.pandoc import HERE, KEY, complaint, run_pandoc
from fahrstats.report.source import Source

STANDARDS = ("ua-1",)
"""Accessible PDF: tagged, titled, every figure and formula with words for it."""

_NO_LABEL = re.compile(r"label `<([^>]+)>` does not exist")


def write_pdf(
    markdown: str, source: Source, output: Path, *, folder: Path, key: str
) -> None:
    """Write an executed document as a tagged PDF.

    Fonts are those that come with typst and Matplotlib: the same on every machine.
    ``key`` stands among the keywords of the file. The parameters are those of
    :func:`fahrstats.report.html_page.write_html`.

    Raises
    ------
    DataError
        A reference, a citation or a resource cannot be resolved, or typst refuses.
    """
    typst = required("typst", "typst")
    text = folder / f"{output.stem}.typ"
    options = [
        "--to=typst",
        f"--lua-filter={HERE / 'typst.lua'}",
        f"--template={HERE / 'template.typ'}",
    ]
    run_pandoc(
        markdown,
        source,
        text,
        folder=folder,
        metadata={KEY: key, "pagetitle": source.settings.get("title", "")},
        options=options,
    )
    fonts = _fonts()
    compiler = typst.Compiler(
        root=str(folder), font_paths=fonts, ignore_system_fonts=True
    )
    try:
        compiler.compile(str(text), output=str(output), pdf_standards=list(STANDARDS))
    except typst.TypstError as error:
        raise DataError(_refusal(source, error)) from error


def _fonts() -> list[str]:
    """Find the fonts of Matplotlib, whose signs typst's own fonts do not all have."""
    matplotlib: Any = required("matplotlib", "matplotlib")
    return [str(Path(matplotlib.get_data_path()) / "fonts" / "ttf")]


def _refusal(source: Source, error: Exception) -> str:
    message = " ".join(str(error).split())
    label = _NO_LABEL.search(message)
    if label:
        return complaint(source, "nowhere", label[1])
    return f"`{source.path.name}`: typst refuses: {message}"

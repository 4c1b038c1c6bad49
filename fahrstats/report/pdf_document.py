"""A document as PDF, typeset by typst."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.report.extras import required
from fahrstats.report.pandoc import HERE, KEY, complaint, run_pandoc
from fahrstats.report.source import Source
from fahrstats.report.title import title_block
from fahrstats.report.typesetting import compiler

STANDARDS = ("ua-1",)
"""Accessible PDF: tagged, titled, every figure and formula with words for it."""

_LONGEST_TITLE = 80  # letters of the line above each page
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_MARKS = re.compile(rf"{_ESCAPE.pattern}|[*`_]")
_NO_SIGN = re.compile(r"the text `\"(.+?)\"` could not be displayed with font")
_NO_LABEL = re.compile(r"label `<([^>]+)>` does not exist")


def write_pdf(
    markdown: str, source: Source, output: Path, *, folder: Path, key: str
) -> None:
    """Write an executed document as a tagged PDF.

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
        *_properties(source, key),
    ]
    run_pandoc(markdown, source, text, folder=folder, metadata={}, options=options)
    try:
        compiler(folder).compile(
            str(text), output=str(output), pdf_standards=list(STANDARDS)
        )
    except typst.TypstError as error:
        raise DataError(_refusal(source, error)) from error


def _properties(source: Source, key: str) -> list[str]:
    """Give title, authors and keywords of the file as strings of typst."""
    title = _plain(str(source.settings.get("title", source.path.stem)))
    short = textwrap.shorten(title, _LONGEST_TITLE, placeholder=" …")
    named = [("pdf-title", title), ("running-title", short)]
    for name, given in (
        ("pdf-author", title_block(source.settings)["author-meta"]),
        ("pdf-keyword", source.settings.get("keywords", [])),
        ("pdf-keyword", f"{KEY} {key}"),
    ):
        several = given if isinstance(given, list) else [given]
        named += [(name, _ESCAPE.sub(r"\1", str(item))) for item in several]
    return [
        f"--variable={name}:{json.dumps(value, ensure_ascii=False)}"
        for name, value in named
    ]


def _plain(text: str) -> str:
    """Return the words of Markdown, without marks and escapes."""
    return _MARKS.sub(lambda found: found[1] or "", text)


def _refusal(source: Source, error: Exception) -> str:
    message = " ".join(str(error).split())
    for kind, known in (("nowhere", _NO_LABEL), ("sign", _NO_SIGN)):
        if found := known.search(message):
            return complaint(source, kind, found[1])
    return f"`{source.path.name}`: typst refuses: {message}"

"""A document for Word."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

from fahrstats.report.drawings import DPI
from fahrstats.report.extras import required
from fahrstats.report.pandoc import HERE, KEY, run_pandoc
from fahrstats.report.source import Source
from fahrstats.report.title import title_block

_REFERENCE = HERE / "reference.docx"
_FILTER = HERE / "docx.lua"


def write_docx(
    markdown: str, source: Source, output: Path, *, folder: Path, key: str
) -> None:
    """Write an executed document as a Word file, in the styles of ``reference.docx``.

    Tables are tables and headings are headings, so that both can be edited; ``key``
    becomes a property of the file. The parameters are those of
    :func:`fahrstats.report.html_page.write_html`.

    Raises
    ------
    DataError
        A reference, a citation or a resource cannot be resolved.
    """
    authors = title_block(source.settings)["author-meta"]
    stand_ins = {
        name: str(_as_pixels(path, folder))
        for name, path in source.images.items()
        if path.suffix == ".svg"
    }
    options = ["--to=docx"]
    if _FILTER.is_file():
        options.append(f"--lua-filter={_FILTER}")
    if _REFERENCE.is_file():
        options.append(f"--reference-doc={_REFERENCE}")
    run_pandoc(
        markdown,
        source,
        output,
        folder=folder,
        metadata={KEY: key, "author": authors, "stand-ins": stand_ins},
        options=options,
    )


def _as_pixels(drawing: Path, folder: Path) -> Path:
    """Write an SVG beside the document as PNG, which every Word can show."""
    typst = required("typst", "typst")
    copy = folder / f"{sha256(str(drawing).encode()).hexdigest()}.svg"
    shutil.copyfile(drawing, copy)
    sheet = "#set page(width: auto, height: auto, margin: 0pt)\n"
    page = f'{sheet}#image("{copy.name}")'.encode()
    picture = copy.with_suffix(".png")
    typst.Compiler(root=str(folder), ignore_system_fonts=True).compile(
        page, output=str(picture), format="png", ppi=DPI
    )
    return picture

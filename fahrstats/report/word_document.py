"""A document for Word."""

from __future__ import annotations

from pathlib import Path

from fahrstats.report.pandoc import HERE, KEY, run_pandoc
from fahrstats.report.source import Source, image_names
from fahrstats.report.title import title_block
from fahrstats.report.typesetting import as_pixels


def write_docx(
    markdown: str, source: Source, output: Path, *, folder: Path, key: str
) -> None:
    """Write an executed document as a Word file, in the styles of ``reference.docx``.

    Tables are tables and headings are headings, so that both can be edited. Drawings
    become PNG images, which every Word shows alike; ``key`` becomes a property of the
    file. The parameters are those of :func:`fahrstats.report.html_page.write_html`.

    Raises
    ------
    DataError
        A reference, a citation or a resource cannot be resolved.
    """
    drawings = {
        name: path
        for name in image_names(markdown)
        for path in (source.path.resolve().parent / name, folder / name)
        if path.suffix.lower() == ".svg" and path.is_file()
    }
    images = as_pixels(drawings, folder)
    metadata = {
        KEY: key,
        "author": title_block(source.settings)["author-meta"],
        "stand-ins": {name: image.name for name, image in images.items()},
    }
    options = [
        "--to=docx",
        f"--reference-doc={HERE / 'reference.docx'}",
        f"--template={HERE / 'template.openxml'}",
        f"--syntax-highlighting={HERE / 'code.theme'}",
        f"--lua-filter={HERE / 'docx.lua'}",
    ]
    run_pandoc(
        markdown, source, output, folder=folder, metadata=metadata, options=options
    )

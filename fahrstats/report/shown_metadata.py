"""Title and authors that a cell of a document displays, as if its header had them."""

from __future__ import annotations

import re
from dataclasses import replace

from fahrstats.report.source import Source, load_yaml, merged

# On one line, so that no table or rule of the text is taken for a block.
_BLOCK = re.compile(r"(?m)^---\n(\{.*\})\n---$\n?")


def with_shown_metadata(source: Source, markdown: str) -> tuple[Source, str]:
    """Move the metadata blocks that cells display to the settings of the document.

    A block is a YAML mapping on one line between lines of three hyphens, as Pandoc and
    Quarto read it wherever it stands. What a document is called can so depend on its
    results.

    Parameters
    ----------
    source
        The document, under the settings of a format.
    markdown
        What it became when it was executed.

    Returns
    -------
    tuple of Source and str
        The document with the settings of the blocks, and the text without these.
    """
    settings = dict(source.settings)
    for block in _BLOCK.findall(markdown):
        where = f"`{source.path.name}`, output of a cell"
        settings = merged(settings, load_yaml(block, where))
    return replace(source, settings=settings), _BLOCK.sub("", markdown)

"""What a document uses beyond the subset that Quarto and this package share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fahrstats.errors import DataError
from fahrstats.report.markdown import META
from fahrstats.report.options import CELL_OPTIONS, EXECUTE_DEFAULTS
from fahrstats.report.source import FORMATS, Line, Prose, Source, Verbatim, section

_SHORTCODE = re.compile(r"(?<!\{)\{\{<\s*(\S+)(?:\s+[^>]*?)?\s*>\}\}(?!\})")
_LANGUAGE = re.compile(r"^\{\{?\s*([A-Za-z]\w*)")
_INNER_CELL = re.compile(r"^\s*`{3,}\s*\{[A-Za-z]")
_DIV = re.compile(r"^\s*:{3,}\s*(.+?)\s*:*$|\]\{([^}]*)\}")
_CALLOUT = re.compile(r"\.callout-([\w-]+)")

SHORTCODES = frozenset({"include", "meta", "pagebreak"})
CALLOUTS = frozenset({"note", "tip", "warning", "caution", "important"})
EXECUTE_SETTINGS = frozenset(EXECUTE_DEFAULTS) | {"enabled"}

# Settings that are acted on.
SETTINGS = frozenset(EXECUTE_DEFAULTS) | {
    "title",
    "subtitle",
    "author",
    "date",
    "date-format",
    "abstract",
    "abstract-title",
    "description",
    "keywords",
    "lang",
    "bibliography",
    "csl",
    "nocite",
    "link-citations",
    "reference-section-title",
    "suppress-bibliography",
    "crossref",
    "toc",
    "toc-depth",
    "toc-title",
    "number-sections",
    "number-depth",
    "papersize",
    "fig-width",
    "fig-height",
    "fig-format",
    "fig-dpi",
    "execute",
    "format",
    "jupyter",
    "engine",
}
# Settings that dress Quarto's page and have no say in its content, or that ask for
# what is always so here.
DRESS = frozenset(
    {
        "anchor-sections",
        "citations-hover",
        "code-copy",
        "code-tools",
        "crossrefs-hover",
        "embed-resources",
        "footnotes-hover",
        "html-math-method",
        "minimal",
        "page-layout",
        "self-contained",
        "smooth-scroll",
        "theme",
        "title-block-style",
        "toc-location",
    }
)
_FLOAT_WORDS = frozenset(
    f"{kind}-{part}"
    for kind in ("fig", "tbl", "lst", "sec", "eq")
    for part in ("title", "prefix")
)
_OF_LATEX = "a PDF by LaTeX; the name of this one is typst"
_FURTHER = "thm|lem|cor|prp|cnj|def|exm|exr|nte|tip|wrn|imp|cau"
# Pieces of an attribute list that Quarto knows and this package does not.
_FOREIGN = (
    (re.compile(r"\.column-[\w-]+"), "margin and wide columns"),
    (re.compile(r"\.aside\b"), "margin notes"),
    (re.compile(r"\.panel-(?!tabset\b)[\w-]+"), "panels other than tabsets"),
    (re.compile(r"\.(?:incremental|fragment)\b"), "slides"),
    (re.compile(r"\blayout(?:-nrow|-valign|-align)?\s*="), "layouts but layout-ncol"),
    (re.compile(r"\b(?:when|unless)-(?!format\b)[\w-]+"), "conditions but formats"),
    (re.compile(r"\bgroup\s*="), "linked tabsets"),
    (re.compile(r"\b(?:when|unless)-format\s*=\s*\"?(?:pdf|latex)\b\"?"), _OF_LATEX),
    (re.compile(rf"#(?:{_FURTHER})-[\w-]+"), "numbered theorems and callouts"),
)


def findings(source: Source) -> tuple[str, ...]:
    """List everything in a document that this package does not act on.

    Each entry names the construct and its place. Empty means that the document
    stays within the portable subset.

    Raises
    ------
    DataError
        The document needs what cannot be left out without changing its meaning:
        code in another language, or ``params`` in the header.
    """
    return (*_header(source), *_cells(source), *_body(source))


def _header(source: Source) -> Iterator[str]:
    name = source.path.name
    if "params" in source.settings:
        raise DataError(
            f"`{name}` has `params` in its header, which Quarto ignores for Python; "
            "put the defaults in a cell with `#| tags: [parameters]`."
        )
    engine = source.settings.get("engine", "jupyter")
    if engine != "jupyter":
        raise DataError(f"`{name}` asks for `engine: {engine}`; only jupyter works.")
    known = SETTINGS | DRESS | _asked(source)
    for key in source.shared:
        if key not in known:
            yield f"`{name}`: the header setting `{key}` is not acted on."
    for kind, own in section(source.shared, "format").items():
        for key in own if kind in FORMATS.values() and isinstance(own, dict) else ():
            if key not in known:
                setting = f"format: {kind}: {key}"
                yield f"`{name}`: the header setting `{setting}` is not acted on."
    for key in section(source.settings, "execute"):
        if key not in EXECUTE_SETTINGS:
            yield f"`{name}`: the setting `execute: {key}` is not acted on."
    for key in section(source.settings, "crossref"):
        if key not in _FLOAT_WORDS:
            yield f"`{name}`: the setting `crossref: {key}` is not acted on."
    method = source.settings.get("html-math-method", "mathml")
    if method != "mathml":
        yield f"`{name}`: `html-math-method: {method}` is not acted on, but mathml."
    for key, value in source.own_header.items():
        if isinstance(value, str) and "{{<" in value:
            yield f"`{name}`: the shortcode in the header setting `{key}` is not read."


def _asked(source: Source) -> set[str]:
    """Header settings of the author's own, which ``meta`` shortcodes quote."""
    asked = set()
    for line in source.lines:
        for name in META.findall(line.text):
            value: object = source.settings
            for key in name.split("."):
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is None:
                raise DataError(f"{line.where}: the header has no setting `{name}`.")
            asked.add(name.split(".")[0])
    return asked


def _cells(source: Source) -> Iterator[str]:
    for cell in source.cells:
        for name in cell.given:
            if name not in CELL_OPTIONS:
                yield f"{cell.where}: the cell option `{name}` is not acted on."


def _body(source: Source) -> Iterator[str]:
    for piece in source.pieces:
        if isinstance(piece, Verbatim):
            yield from _fence(piece)
        elif isinstance(piece, Prose):
            for line in piece.lines:
                yield from _shortcodes(line)
                yield from _attributes(line)


def _fence(piece: Verbatim) -> Iterator[str]:
    line = piece.lines[0]
    if piece.info in ("{=latex}", "{=tex}"):
        yield f"{line.where}: a raw LaTeX block is left out of every other format."
    for inner in piece.lines[1:]:
        if _INNER_CELL.match(inner.text):
            yield f"{inner.where}: Quarto runs this cell, though it stands in a fence."
    language = _LANGUAGE.match(piece.info)
    if language:
        raise DataError(
            f"{line.where}: a code cell `{piece.info}` cannot be run; only plain "
            "`{python}` cells with `#|` options can."
        )


def _shortcodes(line: Line) -> Iterator[str]:
    for name in _SHORTCODE.findall(line.text):
        if name not in SHORTCODES:
            yield f"{line.where}: the shortcode `{name}` is not read."
        elif name == "include":
            yield f"{line.where}: `include` is read only on a line of its own."


def _attributes(line: Line) -> Iterator[str]:
    for block, inline in _DIV.findall(line.text):
        attributes = block or inline
        for pattern, subject in _FOREIGN:
            found = pattern.search(attributes)
            if found:
                what = found[0].rstrip("= ")
                yield f"{line.where}: `{what}` is not acted on ({subject})."
        for kind in _CALLOUT.findall(attributes):
            if kind not in CALLOUTS:
                yield f"{line.where}: `callout-{kind}` is not a kind of callout."

"""An executed document as pandoc markdown, the same for every output format."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping

from fahrstats.report.execution import INLINE, Executed, Output, Place
from fahrstats.report.html_tables import semantic
from fahrstats.report.options import CellOptions
from fahrstats.report.source import Cell, Prose, Source, Verbatim, section

META = re.compile(r"(?<!\{)\{\{<\s*meta\s+([\w.-]+)\s*>\}\}")
# Richest first. A display table offers HTML and a plain repr; a figure offers an
# image and a plain repr.
_PREFERENCE = (
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/latex",
    "text/plain",
)
_SPECIAL = re.compile(r"([\\`*_\[\]<>#$@~^|{}!])")
_PAGEBREAK = re.compile(r"^\s*\{\{<\s*pagebreak\s*>\}\}\s*$")
_ESCAPED_SHORTCODE = re.compile(r"\{(\{\{<.*?>\}\})\}")
# Colours, what a progress bar writes over, and signs that no page can show.
_FOR_TERMINALS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[^\n]*\r(?=[^\n])|[\x00-\x08\x0b-\x1f\x7f]"
)
# Drawing functions return what they drew; next to the figure its repr is noise.
_DRAWN = re.compile(
    r"^(?:\[|\()*(?:<(?:Figure|Axes|BarContainer|matplotlib\.|seaborn\.)|Text\()"
)


def to_markdown(source: Source, executed: Executed) -> str:
    """Put the outputs in place of the code, in pandoc's markdown.

    Floats become the fenced divs that an author would write by hand, so that one
    filter numbers both. Tables that a cell gives as HTML are reduced to what they say:
    each format has one look for all of them.
    """
    parts: list[str] = []
    for i, piece in enumerate(source.pieces):
        if isinstance(piece, Cell):
            outputs = executed.outputs.get((i, 0, 0), ())
            parts.append(textwrap.indent(_cell(piece, outputs), piece.indent))
        elif isinstance(piece, Verbatim):
            parts.append("\n".join(line.text for line in piece.lines))
        else:
            parts.append(_prose(i, piece, executed.outputs, source.settings))
    return "\n".join(parts) + "\n"


def fenced(text: str, attributes: str = "") -> str:
    """Put text into a fenced block that no backtick in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{attributes}\n{text}\n{fence}"


def _prose(
    i: int,
    piece: Prose,
    outputs: Mapping[Place, tuple[Output, ...]],
    settings: Mapping[str, object],
) -> str:
    lines = []
    for j, line in enumerate(piece.lines):
        text = line.text
        for found in reversed(list(INLINE.finditer(text))):
            shown = outputs.get((i, j, found.start()))
            # Without `eval` there is no value, and the expression itself is shown.
            value = _inline(shown[0]) if shown else f"`{found[1].strip()}`"
            text = text[: found.start()] + value + text[found.end() :]
        lines.append(_shortcodes(text, settings))
    return "\n".join(lines)


def _inline(output: Output) -> str:
    for mime in ("text/markdown", "text/latex"):
        if mime in output.data:
            return output.data[mime]
    plain = output.data.get("text/plain", "")
    return _SPECIAL.sub(r"\\\1", plain)


def _shortcodes(text: str, settings: Mapping[str, object]) -> str:
    if "{{<" not in text:
        return text
    if _PAGEBREAK.match(text):
        return "\n::: {.pagebreak}\n:::\n"
    text = META.sub(lambda found: _setting(settings, found[1]), text)
    return _ESCAPED_SHORTCODE.sub(r"\1", text)


def _setting(settings: Mapping[str, object], name: str) -> str:
    *path, last = name.split(".")
    for key in path:
        settings = section(settings, key)
    return str(settings[last])


def _cell(cell: Cell, outputs: tuple[Output, ...]) -> str:
    options = cell.options
    if not options.include:
        return ""
    parts = [_code(cell)] if options.echo and cell.shown else []
    if options.output and outputs:
        parts += _results(options, _visible(outputs, options))
    return "\n" + "\n\n".join(part for part in parts if part) + "\n"


def _code(cell: Cell) -> str:
    options = cell.options
    attributes = ".python"
    if options.lst_label:
        caption = (options.lst_cap or "").replace('"', "&quot;")
        attributes = f'#{options.lst_label} .python lst-cap="{caption}"'
    code = fenced(cell.shown, "{" + attributes + "}")
    if not options.code_fold:
        return code
    state = "open" if options.code_fold == "show" else "closed"
    summary = options.code_summary.replace('"', "&quot;")
    return f'::: {{.code-fold state="{state}" summary="{summary}"}}\n{code}\n:::'


def _visible(outputs: tuple[Output, ...], options: CellOptions) -> list[Output]:
    """Leave out what is noise, or what the cell asks not to see."""
    drawn = any(key.startswith("image/") for out in outputs for key in out.data)
    return [
        output
        for output in outputs
        if not (output.kind == "stderr" and not options.warning)
        and not (drawn and _is_noise(output))
    ]


def _is_noise(output: Output) -> bool:
    plain = output.data.get("text/plain", "")
    return set(output.data) == {"text/plain"} and bool(_DRAWN.match(plain))


def _results(options: CellOptions, outputs: list[Output]) -> Iterator[str]:
    shown = [_output(output, options) for output in outputs]
    shown = [part for part in shown if part.strip()]
    if not shown:
        return
    if options.output == "asis":
        yield "\n\n".join(shown)
    elif options.kind:
        yield _float(options, shown, _is_drawn(outputs))
    elif options.caption:
        kind = "fig" if options.fig_cap else "tbl"
        parts = [*shown, options.caption]
        yield _div(["captioned", f"captioned-{kind}"], options, parts)
    elif options.layout_ncol:
        yield _div([], options, shown)
    elif options.label:
        yield f"::: {{#{options.label}}}\n" + "\n\n".join(shown) + "\n:::"
    else:
        yield "\n\n".join(shown)


def _is_drawn(outputs: list[Output]) -> list[bool]:
    return [any(key.startswith("image/") for key in out.data) for out in outputs]


def _float(options: CellOptions, shown: list[str], drawn: list[bool]) -> str:
    """Write a numbered figure or table, its caption last as an author would."""
    if options.fig_subcap:
        captions = iter(enumerate(options.fig_subcap, start=1))
        for i, part in enumerate(shown):
            number, caption = next(captions, (0, "")) if drawn[i] else (0, "")
            if number:
                label = f"{options.label}-{number}"
                shown[i] = f"::: {{#{label}}}\n{part}\n\n{caption}\n:::"
    main_caption = [options.caption] if options.caption else []
    return _div([], options, shown + main_caption, label=options.label)


def _div(
    classes: list[str], options: CellOptions, parts: list[str], label: str = ""
) -> str:
    attributes = [f"#{label}"] if label else []
    attributes += [f".{name}" for name in classes]
    if options.layout_ncol:
        attributes.append(f'layout-ncol="{options.layout_ncol}"')
    if not options.caption:
        attributes.append('caption="none"')
    body = "\n\n".join(parts)
    return f"::: {{{' '.join(attributes)}}}\n{body}\n:::"


def _output(output: Output, options: CellOptions) -> str:
    if output.kind in ("stdout", "stderr", "error"):
        if options.output == "asis" and output.kind == "stdout":
            return output.text
        return _plain(output.text.rstrip("\n"), output.kind)
    for mime in _PREFERENCE:
        if mime in output.data:
            return _represented(mime, output, options)
    return ""


def _represented(mime: str, output: Output, options: CellOptions) -> str:
    content = output.data[mime]
    if mime.startswith("image/"):
        return _image(content, output.metadata.get(mime, {}), options)
    if mime == "text/html":
        shown = semantic(content) if "<table" in content else content
        return "::: {.scroll}\n" + fenced(shown, "{=html}") + "\n:::"
    if mime == "text/plain":
        if options.output == "asis":
            return content
        return _plain(content, "value")
    return content


def _plain(text: str, kind: str) -> str:
    # The classes are those of a div: pandoc searches the languages it can colour for
    # every class of a code block, which costs more than the rest of the page.
    shown = fenced(_FOR_TERMINALS.sub("", text))
    return f"::: {{.output .{kind}}}\n{shown}\n:::"


def _image(name: str, metadata: Mapping[str, object], options: CellOptions) -> str:
    attributes = []
    if "width" in metadata:
        attributes.append(f'width="{metadata["width"]}px"')
    alt = _alternative(options.fig_alt, str(metadata.get("alt", "")))
    if alt is not None:
        alt = alt.replace("&", "&amp;").replace('"', "&quot;")
        attributes.append(f'fig-alt="{alt}"')
    suffix = "{" + " ".join(attributes) + "}" if attributes else ""
    return f"![](<{name}>){suffix}"


def _alternative(of_cell: str | None, of_figure: str) -> str | None:
    """Return what a cell says of all its figures, and then what this one says.

    A cell that says nothing on purpose has figures that are for the eye alone.
    """
    if not of_figure or of_cell == "":
        return of_cell
    return of_figure if of_cell is None else f"{of_cell} {of_figure}"

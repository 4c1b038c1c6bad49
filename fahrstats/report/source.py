"""A Quarto document as text, code cells and settings, each with its line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

from fahrstats.errors import DataError
from fahrstats.report.extras import required
from fahrstats.report.options import (
    EXECUTE_DEFAULTS,
    CellOptions,
    cell_options,
)
from fahrstats.report.project import PROJECT_FILE, without_project

# Formats by their suffix, and what Quarto calls them.
FORMATS: Mapping[str, str] = {"html": "html", "docx": "docx", "pdf": "typst"}
_INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+([\"']?)(.+?)\1\s*>\}\}\s*$")
_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<ticks>`{3,}|~{3,})\s*(?P<info>.*?)\s*$")
_CELL = re.compile(r"^\{python\s*\}$")
_IMAGE = re.compile(
    r"!\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*(?:<([^>]+)>|([^)\"]+?))\s*[)\"]"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document and where it stands."""

    text: str
    path: Path
    number: int

    @property
    def where(self) -> str:
        """The place in words, for messages."""
        return f"`{self.path.name}`, line {self.number}"


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown in which inline expressions and shortcodes are read."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A fenced block that is shown or passed on as it stands."""

    lines: tuple[Line, ...]
    info: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell.

    Attributes
    ----------
    fence : Line
        The line that opens the cell.
    lines : tuple of Line
        Everything between the fences, option lines included.
    n_option_lines : int
        How many of them are ``#|`` lines.
    given : Mapping
        The options as written in the cell.
    options : CellOptions
        Project, header and cell merged and typed.
    indent : str
        White space before the fence, as in a list.
    """

    fence: Line
    lines: tuple[Line, ...]
    n_option_lines: int
    given: Mapping[str, object]
    options: CellOptions
    indent: str

    @property
    def code(self) -> str:
        """The whole cell, so that line numbers of Python are those of the cell."""
        return _text(self.lines)

    @property
    def shown(self) -> str:
        """The code as a reader sees it, without option lines."""
        return _text(self.lines[self.n_option_lines :]).strip("\n")

    @property
    def where(self) -> str:
        """The cell in words, for messages."""
        label = f", cell `{self.options.label}`" if self.options.label else ""
        return self.fence.where + label


Piece: TypeAlias = Prose | Verbatim | Cell


@dataclass(frozen=True, slots=True)
class Source:
    """A document read from disk, its includes expanded.

    Attributes
    ----------
    path : Path
        The document.
    own_header : Mapping
        The YAML header as written.
    shared : Mapping
        Project file and header merged, paths made absolute.
    settings : Mapping
        The same with the header's section for one format: that for HTML, whose
        settings cells follow, until ``for_format`` is asked for another.
    pieces : tuple of Prose, Verbatim or Cell
        The body in order.
    files : tuple of Path
        Every file that the document reads: itself, includes, the project file,
        bibliographies, citation style, local images.
    """

    path: Path
    own_header: Mapping[str, object]
    shared: Mapping[str, object]
    settings: Mapping[str, object]
    pieces: tuple[Piece, ...]
    files: tuple[Path, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The code cells in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Cell))

    @property
    def lines(self) -> Iterator[Line]:
        """Every line of the body."""
        for piece in self.pieces:
            yield from piece.lines

    def for_format(self, kind: str) -> Source:
        """Return the document under the settings of ``html``, ``docx`` or ``pdf``."""
        return replace(self, settings=_settings_of(kind, self.shared))


def read_source(path: Path) -> Source:
    """Read a Quarto document.

    Included files are read where they are named, relative to the file that names
    them. Settings are those of the nearest ``_quarto.yml``, overridden by the
    header, overridden by the header's section for the format (``html``, ``docx``, or
    ``typst`` for PDF).

    Raises
    ------
    DataError
        A file is absent, an include goes in a circle, YAML cannot be read, a fence
        is left open, or a cell option has a wrong value.
    """
    if not path.is_file():
        raise DataError(f"The document `{path}` does not exist.")
    text = _read_lines(path)
    header, start = _split_header(text)
    files = [path]
    body = list(_expand(text[start:], (path.resolve(),), files))
    project = _project_file(path)
    shared = _shared_settings(project, header, path)
    settings = _settings_of("html", shared)
    pieces = tuple(_pieces(body, settings))
    files += [project] if project else []
    for kind in FORMATS:
        files += _named_files(_settings_of(kind, shared))
    prose = (piece for piece in pieces if isinstance(piece, Prose))
    lines = (line.text for piece in prose for line in piece.lines)
    names = (name for text in lines for name in image_names(text))
    files += [image for name in names if (image := path.parent / name).is_file()]
    unique = tuple(dict.fromkeys(files))
    return Source(path, header, shared, settings, pieces, unique)


def image_names(markdown: str) -> list[str]:
    """List the images that a text names, signs such as ``%20`` decoded."""
    found = _IMAGE.findall(markdown)
    return [unquote(in_brackets or plain) for in_brackets, plain in found]


def load_yaml(text: str, where: str) -> dict[str, object]:
    """Read a YAML mapping; ``where`` names its place in messages."""
    yaml = required("yaml", "pyyaml")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{where}: the YAML cannot be read: {problem}.") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected `name: value` lines, not `{value}`.")
    return value


def merged(low: Mapping[str, object], high: Mapping[str, object]) -> dict[str, object]:
    """Merge two settings, the second winning; mappings are merged key by key."""
    result = dict(low)
    for key, value in high.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def section(settings: Mapping[str, object], name: str) -> dict[str, object]:
    """Return the mapping below ``name``; empty when the settings have none."""
    value = settings.get(name)
    return value if isinstance(value, dict) else {}


def _text(lines: tuple[Line, ...]) -> str:
    return "\n".join(line.text for line in lines)


def _read_lines(path: Path) -> list[Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"`{path}` is not UTF-8 text: {error}.") from error
    lines = text.removesuffix("\n").split("\n") if text else []
    return [Line(line, path, i) for i, line in enumerate(lines, start=1)]


def _split_header(lines: list[Line]) -> tuple[dict[str, object], int]:
    if not lines or lines[0].text.rstrip() != "---":
        return {}, 0
    for end, line in enumerate(lines[1:], start=1):
        if line.text.rstrip() in ("---", "..."):
            return load_yaml(_text(tuple(lines[1:end])), lines[0].where), end + 1
    raise DataError(f"{lines[0].where}: the header is never closed by `---`.")


def _expand(
    lines: list[Line], trail: tuple[Path, ...], files: list[Path]
) -> Iterator[Line]:
    for line in lines:
        named = _INCLUDE.match(line.text)
        if not named:
            yield line
            continue
        target = line.path.parent / named[2]
        if not target.is_file():
            raise DataError(f"{line.where}: the included file `{target}` is absent.")
        if target.resolve() in trail:
            raise DataError(f"{line.where}: `{named[2]}` includes itself.")
        inner = _read_lines(target)
        header, start = _split_header(inner)
        if header:
            raise DataError(
                f"{line.where}: the included file `{named[2]}` has a YAML header; "
                "move its settings to the document that includes it."
            )
        files.append(target)
        yield from _expand(inner[start:], (*trail, target.resolve()), files)


def _project_file(path: Path) -> Path | None:
    for folder in path.resolve().parents:
        if (folder / PROJECT_FILE).is_file():
            return folder / PROJECT_FILE
    return None


def _shared_settings(
    project: Path | None, header: Mapping[str, object], path: Path
) -> dict[str, object]:
    settings: dict[str, object] = {}
    if project:
        shared = load_yaml(project.read_text(encoding="utf-8"), f"`{project}`")
        settings = _with_full_paths(without_project(shared), project.parent)
    return merged(settings, _with_full_paths(dict(header), path.resolve().parent))


def _settings_of(kind: str, shared: Mapping[str, object]) -> dict[str, object]:
    # A format may be a word (`html`) or a mapping of formats to their settings.
    chosen = section(shared, "format").get(FORMATS[kind])
    return merged(shared, chosen) if isinstance(chosen, dict) else dict(shared)


def _with_full_paths(settings: dict[str, object], folder: Path) -> dict[str, object]:
    """Make bibliography and style absolute: each is relative to its own file."""
    result = dict(settings)
    formats = section(settings, "format")
    if formats:
        result["format"] = {
            name: _with_full_paths(own, folder) if isinstance(own, dict) else own
            for name, own in formats.items()
        }
    for key in ("bibliography", "csl"):
        value = settings.get(key)
        if isinstance(value, str):
            result[key] = os.path.normpath(folder / value)
        elif isinstance(value, list):
            result[key] = [os.path.normpath(folder / str(item)) for item in value]
    return result


def _pieces(lines: list[Line], settings: Mapping[str, object]) -> Iterator[Piece]:
    shared = merged(settings, section(settings, "execute"))
    defaults = {key: shared[key] for key in EXECUTE_DEFAULTS if key in shared}
    prose: list[Line] = []
    i = 0
    while i < len(lines):
        fence = _FENCE.match(lines[i].text)
        if not fence or (fence["ticks"][0] == "`" and "`" in fence["info"]):
            prose.append(lines[i])
            i += 1
            continue
        if prose:
            yield Prose(tuple(prose))
            prose = []
        end = _closing(lines, i, fence["ticks"])
        if _CELL.match(fence["info"]):
            inner = tuple(lines[i + 1 : end])
            yield _cell(lines[i], inner, fence["indent"], defaults)
        else:
            yield Verbatim(tuple(lines[i : end + 1]), fence["info"])
        i = end + 1
    if prose:
        yield Prose(tuple(prose))


def _closing(lines: list[Line], start: int, ticks: str) -> int:
    closing = re.compile(rf"^[ \t]*{re.escape(ticks[0])}{{{len(ticks)},}}\s*$")
    for i in range(start + 1, len(lines)):
        if closing.match(lines[i].text):
            return i
    raise DataError(f"{lines[start].where}: the fence {ticks} is never closed.")


def _cell(
    fence: Line, lines: tuple[Line, ...], indent: str, defaults: Mapping[str, object]
) -> Cell:
    lines = tuple(
        Line(line.text.removeprefix(indent), line.path, line.number) for line in lines
    )
    n_option_lines = 0
    while n_option_lines < len(lines) and lines[n_option_lines].text.startswith("#|"):
        n_option_lines += 1
    option_text = "\n".join(
        line.text[2:].removeprefix(" ") for line in lines[:n_option_lines]
    )
    given = load_yaml(option_text, fence.where)
    options = cell_options(merged(defaults, given), fence.where)
    return Cell(fence, lines, n_option_lines, given, options, indent)


def _named_files(settings: Mapping[str, object]) -> list[Path]:
    named: list[Path] = []
    for key in ("bibliography", "csl"):
        value = settings.get(key)
        for item in value if isinstance(value, list) else [value] if value else []:
            path = Path(str(item))
            if not path.is_file():
                raise DataError(f"`{key}` names `{path}`, which does not exist.")
            named.append(path)
    return named

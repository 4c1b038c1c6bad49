"""Tables as packages write them for a browser, reduced to what a table says."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Final

_IDLE: Final = frozenset({"style", "script", "head", "template"})
_VOID: Final = frozenset({"br", "hr", "img", "wbr", "col", "input", "meta", "link"})
_LISTS: Final = frozenset({"ul", "ol", "li"})
_BLOCKS: Final = frozenset({"p", "div", "table", "tr", "section", "h1", "h2", "h3"})
_CELLS: Final = frozenset({"td", "th"})
_ROWS: Final = frozenset({"thead", "tbody", "tfoot", "tr", "caption"})
# Elements that keep their meaning, under the name that they get.
_KEPT: Final = {
    "a": "a",
    "b": "strong",
    "code": "code",
    "em": "em",
    "i": "em",
    "s": "s",
    "strong": "strong",
    "sub": "sub",
    "sup": "sup",
} | {name: name for name in _LISTS}
_ALIGNMENT: Final = re.compile(r"text-align:\s*(left|right|center)")
_ALIGNED_BY_CLASS: Final = re.compile(r"(?:^|\s)gt_(left|right|center)(?:\s|$)")
_BOLD: Final = re.compile(r"font-weight:\s*(?:bold|[6-9]00)")
_ITALIC: Final = re.compile(r"font-style:\s*italic")
_NO_WRAP: Final = re.compile(r"white-space:\s*nowrap")
_STEP: Final = re.compile(r"(?:^|\s)gt_indent_([1-5])(?:\s|$)")
_TITLE: Final = re.compile(r"(?:^|\s)gt_(title|subtitle)(?:\s|$)")
_MARK: Final = re.compile(r"(?:^|\s)gt_footnote_marks(?:\s|$)")
_SPACE: Final = "[ \t\n\r\f]"
_OUTER_SPACE: Final = re.compile(rf"^(?:{_SPACE}|<br>)+|(?:{_SPACE}|<br>)+$")
_INDENT: Final = "\N{EM SPACE}"
_MOST_COLUMNS: Final = 1000  # as browsers have it, for one cell


@dataclass(slots=True)
class _Cell:
    """A cell: its content as HTML, and how it stands in the grid."""

    head: bool = False
    columns: int = 1
    rows: int = 1
    align: str = ""
    bold: bool = False
    no_wrap: bool = False
    title: bool = False
    text: str = ""


@dataclass(slots=True, eq=False)
class _Row:
    part: str
    cells: list[_Cell] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    caption: _Cell = field(default_factory=_Cell)
    rows: list[_Row] = field(default_factory=list)


def semantic(source: str) -> str:
    """Return the tables of an HTML fragment as plain HTML, their looks left behind.

    What a table says is kept: spanning cells, row heads, alignment, cells on one
    line, bold, italic, raised and lowered text, links and lists. A name above
    several rows spans all columns and begins a row group. A line below the table
    becomes a paragraph after it, a title or caption a paragraph before it. Styles,
    scripts, classes and identifiers are dropped. Every row has the same number of
    columns; a class ``indent`` tells that a cell begins with em spaces.

    Parameters
    ----------
    source
        HTML of great-tables, pandas or any other table package; it need not be well
        formed.

    Returns
    -------
    str
        HTML that is balanced and that pandoc reads as tables and paragraphs. Text
        around the tables stays as paragraphs.

    Notes
    -----
    Where a cell has more than one line, pandoc gives all columns the same width;
    its writers for paper want widths of their own.
    """
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return "\n".join(part for part in reader.finished() if part)


class _Reader(HTMLParser):
    """Collect tables and the text around them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._around = _Cell()
        self._parts: list[_Cell | _Table] = [self._around]
        self._table: _Table | None = None
        self._depth = 0
        self._part = ""
        self._row_align = ""
        self._cell = self._around
        self._open: list[tuple[str, str]] = []
        self._idle: str = ""

    def finished(self) -> Iterator[str]:
        self._leave_cell()
        for part in self._parts:
            if isinstance(part, _Table):
                yield from _written(part)
            else:
                yield _paragraph(_content(part))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._idle or tag in _IDLE:
            self._idle = self._idle or tag
        elif tag == "table":
            self._begin_table()
        elif self._table and self._depth == 1 and tag in _ROWS:
            self._begin_part(tag, given, self._table)
        elif self._table and self._depth == 1 and tag in _CELLS:
            self._begin_cell(tag, given, self._table)
        else:
            self._begin_text(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if self._idle:
            self._idle = "" if tag == self._idle else self._idle
        elif tag == "table" and self._depth:
            self._end_table()
        elif self._depth == 1 and tag in _ROWS | _CELLS:
            self._leave_cell()
        else:
            self._end_text(tag)

    def handle_data(self, data: str) -> None:
        if not self._idle:
            self._cell.text += html.escape(data, quote=False)

    def _begin_table(self) -> None:
        self._depth += 1
        if self._depth > 1:
            self._break_line()
            return
        self._leave_cell()
        self._table, self._part = _Table(), ""
        self._parts.append(self._table)
        self._cell = _Cell()  # what stands between rows, white space as a rule

    def _end_table(self) -> None:
        self._depth -= 1
        if self._depth:
            self._break_line()
            return
        self._leave_cell()
        self._table = None
        self._cell = self._around = _Cell()
        self._parts.append(self._around)

    def _begin_part(self, tag: str, given: dict[str, str], table: _Table) -> None:
        self._leave_cell()
        if tag == "caption":
            self._cell = table.caption
        elif tag == "tr":
            table.rows.append(_Row(self._part))
            self._row_align = _alignment(given)
        else:
            self._part = tag

    def _begin_cell(self, tag: str, given: dict[str, str], table: _Table) -> None:
        self._leave_cell()
        if not table.rows:
            table.rows.append(_Row(self._part))
        style, names = given.get("style", ""), given.get("class", "")
        step, title = _STEP.search(names), _TITLE.search(names)
        self._cell = _Cell(
            head=tag == "th",
            columns=_span(given, "colspan"),
            rows=_span(given, "rowspan"),
            align=_alignment(given) or self._row_align,
            bold=bool(_BOLD.search(style)) or bool(title and title[1] == "title"),
            no_wrap=bool(_NO_WRAP.search(style)),
            title=bool(title),
            text=_INDENT * int(step[1]) if step else "",
        )
        table.rows[-1].cells.append(self._cell)
        if _ITALIC.search(style):
            self._put("td", "em")

    def _begin_text(self, tag: str, given: dict[str, str]) -> None:
        style = given.get("style", "")
        if tag == "br":
            self._cell.text += "<br>"
        elif tag == "img" and given.get("src"):
            alt = html.escape(given.get("alt", ""))
            self._cell.text += f'<img src="{html.escape(given["src"])}" alt="{alt}">'
        elif tag in _BLOCKS or tag in _CELLS:
            self._break_line()
            self._open.append((tag, ""))
        elif tag == "a" and not given.get("href"):
            self._open.append((tag, ""))
        elif tag in _KEPT:
            if tag == "li" and self._innermost_of_list() == "li":
                self._end_text("li")
            self._put(tag, _KEPT[tag], given.get("href", "") if tag == "a" else "")
        elif _MARK.search(given.get("class", "")):
            self._put(tag, "sup")
        elif _BOLD.search(style):
            self._put(tag, "strong")
        elif _ITALIC.search(style):
            self._put(tag, "em")
        elif tag not in _VOID:
            self._open.append((tag, ""))

    def _put(self, tag: str, name: str, address: str = "") -> None:
        href = f' href="{html.escape(address)}"' if address else ""
        self._cell.text += f"<{name}{href}>"
        self._open.append((tag, name))

    def _end_text(self, tag: str) -> None:
        if tag not in (opened for opened, _ in self._open):
            return
        opened = ""
        while opened != tag:
            opened, name = self._open.pop()
            self._cell.text += f"</{name}>" if name else ""
        if tag in _BLOCKS or tag in _CELLS:
            self._break_line()

    def _innermost_of_list(self) -> str:
        return next((tag for tag, _ in reversed(self._open) if tag in _LISTS), "")

    def _break_line(self) -> None:
        if self._cell.text.strip() and not self._cell.text.rstrip().endswith("<br>"):
            self._cell.text += "<br>"

    def _leave_cell(self) -> None:
        for _, name in reversed(self._open):
            self._cell.text += f"</{name}>" if name else ""
        self._open.clear()
        self._cell = _Cell() if self._table else self._around


def _alignment(given: dict[str, str]) -> str:
    found = _ALIGNMENT.search(given.get("style", ""))
    found = found or _ALIGNED_BY_CLASS.search(given.get("class", ""))
    stated = found[1] if found else given.get("align", given.get("halign", "")).lower()
    return stated if stated in ("left", "right", "center") else ""


def _span(given: dict[str, str], name: str) -> int:
    digits = given.get(name, "").strip()
    wanted = int(digits) if digits.isascii() and digits.isdigit() else 1
    return min(max(wanted, 1), _MOST_COLUMNS)


def _content(cell: _Cell) -> str:
    text = _OUTER_SPACE.sub("", cell.text)
    return f"<strong>{text}</strong>" if cell.bold and text else text


def _paragraph(text: str) -> str:
    tag = "div" if "<ul>" in text or "<ol>" in text else "p"
    return f"<{tag}>{text}</{tag}>" if text else ""


def _written(table: _Table) -> Iterator[str]:
    """Write what stands above a table, the table, and the lines below it."""
    titles = [c for row in table.rows for c in row.cells if c.title]
    for cell in [replace(table.caption, bold=True), *titles]:
        yield _paragraph(_content(cell))
    rows = [row for row in table.rows if row.cells and not row.cells[0].title]
    below = [row for row in rows if row.part == "tfoot" and len(row.cells) == 1]
    rows = [row for row in rows if row not in below]
    if rows:
        yield "\n".join(["<table>", *_parts(rows), "</table>"])
    notes = [_paragraph(_content(row.cells[0])) for row in below]
    if any(notes):
        yield "\n".join(['<div class="table-notes">', *filter(None, notes), "</div>"])


def _parts(rows: list[_Row]) -> Iterator[str]:
    """Write the head, the row groups and the foot of a table."""
    head = [row for row in rows if row.part == "thead"]
    if not any(row.part for row in rows) and all(cell.head for cell in rows[0].cells):
        head = rows[:1]
    body = [row for row in rows if row.part != "tfoot" and row not in head]
    foot = [row for row in rows if row.part == "tfoot"]
    width = max(_fit(part) for part in (head, body, foot))
    yield from _part("thead", [_line(*row, width, in_head=True) for row in _grid(head)])
    groups: list[list[str]] = [[]]
    for row, taken in _grid(body):
        if _names_a_group(row, taken, width):
            groups.append([_group_line(row, width)])
        else:
            groups[-1].append(_line(row, taken, width))
    for group in groups:
        yield from _part("tbody", group)
    yield from _part("tfoot", [_line(*row, width) for row in _grid(foot)])


def _part(tag: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield "\n".join([f"<{tag}>", *lines, f"</{tag}>"])


def _grid(rows: list[_Row]) -> Iterator[tuple[_Row, int]]:
    """Yield rows with the number of columns that cells above them reach into.

    A cell reaches no further down than the last row of its part, and no further to
    the right than a cell that reaches down from above.
    """
    reach: list[int] = []  # rows that each column is still taken for
    for i, row in enumerate(rows):
        taken = sum(1 for left in reach if left)
        at, placed = 0, dict[int, int]()
        for cell in row.cells:
            cell.rows = min(cell.rows, len(rows) - i)
            while at < len(reach) and reach[at]:
                at += 1
            stop = next((j for j in range(at, len(reach)) if reach[j]), sys.maxsize)
            cell.columns = min(cell.columns, stop - at)
            placed |= dict.fromkeys(range(at, at + cell.columns), cell.rows)
            at += cell.columns
        yield row, taken
        reach += [0] * (at - len(reach))
        reach = [max(placed.get(j, left) - 1, 0) for j, left in enumerate(reach)]


def _fit(rows: list[_Row]) -> int:
    """Return the number of columns that some rows need."""
    return max(
        (taken + sum(c.columns for c in row.cells) for row, taken in _grid(rows)),
        default=0,
    )


def _names_a_group(row: _Row, taken: int, width: int) -> bool:
    first, *others = row.cells
    if taken or any(cell.rows > 1 for cell in row.cells) or not _content(first):
        return False
    if others:
        return first.bold and not any(_content(cell) for cell in others)
    return first.columns == width > 1 and (first.head or first.bold)


def _group_line(row: _Row, width: int) -> str:
    first = row.cells[0]
    text = _content(replace(first, bold=True))
    indent = _indent(text.removeprefix("<strong>"))
    return f'<tr>\n<th colspan="{width}"{indent} scope="rowgroup">{text}</th>\n</tr>'


def _line(row: _Row, taken: int, width: int, *, in_head: bool = False) -> str:
    missing = width - taken - sum(cell.columns for cell in row.cells)
    cells = [*row.cells, *(_Cell() for _ in range(missing))]
    return "\n".join(["<tr>", *(_written_cell(c, in_head) for c in cells), "</tr>"])


def _written_cell(cell: _Cell, in_head: bool) -> str:
    text = _content(cell)
    tag = "th" if text and (in_head or cell.head) else "td"
    attributes = [
        f' colspan="{cell.columns}"' if cell.columns > 1 else "",
        f' rowspan="{cell.rows}"' if cell.rows > 1 else "",
        _indent(text),
        _style(cell),
    ]
    if tag == "th":
        direction = "col" if in_head else "row"
        over = cell.columns if in_head else cell.rows
        attributes.append(f' scope="{direction}{"group" if over > 1 else ""}"')
    return f"<{tag}{''.join(attributes)}>{text}</{tag}>"


def _indent(text: str) -> str:
    return ' class="indent"' if text.startswith(_INDENT) else ""


def _style(cell: _Cell) -> str:
    rules = [f"text-align: {cell.align}"] if cell.align else []
    rules += ["white-space: nowrap"] if cell.no_wrap else []
    return f' style="{"; ".join(rules)}"' if rules else ""

"""A publication table as text, and its typesetting."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from fahrstats.display.journal_styles import JournalStyle
from fahrstats.display.journals import format_count, format_counted, format_p, in_style
from fahrstats.display.labels import Labels, column_label, note_in_words
from fahrstats.display.result_table import by_value

if TYPE_CHECKING:
    from great_tables import GT

INDENT: Final = "\N{EM SPACE}"
"""Put before the name of a level below the name of its variable."""

EMPTY: Final = "\N{EN DASH}"
"""A cell for which there is nothing to say."""

_LETTERS: Final = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
_RULE: Final = re.compile(r"^\s*#\S+ \.(?P<name>gt_\w+) \{.*\}\s*$")
_NUMBER: Final = re.compile(
    r"\N{MINUS SIGN}?\d[\d,\N{NARROW NO-BREAK SPACE}]*"
    rf"(?P<part>[.\N{{MIDDLE DOT}}]\d+)?%?[{_LETTERS}]*"
)
_FONT_SIZE: Final = "13px"
_PADDING: Final = "3px"


@dataclass(frozen=True, slots=True, eq=False)
class DisplayTable:
    """A table whose every cell is the text that a reader sees.

    In a notebook or a report it shows itself as a great-tables table.

    Attributes
    ----------
    cells : DataFrame of str
        The body; its column names only tell columns apart.
    headers : Mapping
        The header of each column.
    spanners : Mapping
        Headers above several columns, and those columns.
    heads : tuple of int
        Rows that name what stands below them; they are set in bold.
    prose : tuple of str
        Columns of words, set flush left as the first is. Columns of numbers with as
        many decimals each are set flush right, and others are centred.
    notes : tuple of str
        Lines below the table.
    """

    cells: pd.DataFrame
    headers: Mapping[str, str]
    spanners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    heads: tuple[int, ...] = ()
    prose: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def frame(self) -> pd.DataFrame:
        """Return the cells below their full headers, as ``Adjusted: HR (95% CI)``."""
        above = {name: text for text, names in self.spanners.items() for name in names}
        names = {
            name: ": ".join(part for part in (above.get(name), header) if part)
            for name, header in self.headers.items()
        }
        return self.cells.rename(columns=names)

    def to_markdown(self) -> str:
        """Return a pipe table, its notes below."""
        frame = self.frame()
        lines = [[*frame.columns], ["---"] * len(frame.columns), *frame.to_numpy()]
        table = "\n".join(
            f"| {' | '.join(map(escape_markdown, line))} |" for line in lines
        )
        return "\n\n".join([table, *map(escape_markdown, self.notes)])

    def gt(self) -> GT:
        """Return the table as a great-tables object, its text escaped."""
        from great_tables import GT, loc, style
        from great_tables import html as as_html

        first, *others = self.cells.columns
        numbers = [name for name in others if name not in self.prose]
        table = (
            GT(self.cells, rowname_col=first, id=self._identity())
            .fmt(html.escape)
            .cols_label(
                {name: as_html(_in_html(self.headers[name])) for name in others}
            )
            .tab_stubhead(as_html(_in_html(self.headers[first])))
            .tab_style(style.css("text-align: left;"), [loc.stubhead(), loc.stub()])
            .tab_style(style.css("white-space: nowrap;"), loc.body(columns=numbers))
            .tab_options(
                table_font_size=_FONT_SIZE,
                data_row_padding=_PADDING,
                source_notes_padding=_PADDING,
                column_labels_font_weight="bold",
                column_labels_hidden=not any(self.headers.values()),
                stub_border_style="none",
                table_body_hlines_style="none",
                table_border_top_color="black",
                table_border_bottom_color="black",
                column_labels_border_top_color="black",
                column_labels_border_bottom_color="black",
                table_body_border_bottom_color="black",
            )
        )
        for name in others:
            side = self._side(name)
            places = [loc.body(columns=name), loc.column_labels(columns=name)]
            # Pandoc, which makes a Word file of the page, reads styles and no classes.
            flush = style.css(f"text-align: {side};")
            table = table.cols_align(side, name).tab_style(flush, places)
        for text, names in self.spanners.items():
            above = as_html(_in_html(text))
            table = table.tab_spanner(above, columns=list(names), id=text)
        indented = self.cells.index[self.cells[first].str.startswith(INDENT)]
        if len(indented):
            hanging = style.css("padding-left: calc(5px + 1em); text-indent: -1em;")
            table = table.tab_style(hanging, loc.stub(rows=[*indented]))
        if self.heads:
            bold = style.text(weight="bold")
            table = table.tab_style(bold, loc.stub(rows=list(self.heads)))
        for note in self.notes:
            table = table.tab_source_note(as_html(_in_html(note)))
        return table

    def _side(self, name: str) -> Literal["left", "right", "center"]:
        if name in self.prose:
            return "left"
        return "right" if _is_even(self.cells[name]) else "center"

    def _identity(self) -> str:
        """Return an identifier of the content: the same table, the same HTML."""
        text = self.frame().to_csv() + "\n".join(self.notes)
        return f"table-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    def _repr_html_(self) -> str:
        return _without_idle_rules(str(self.gt()._repr_html_()))


def count_or_empty(count: float | None, style: JournalStyle) -> str:
    """Return a count as text, or an empty cell where there is none."""
    return (
        EMPTY if count is None or pd.isna(count) else format_count(count, style=style)
    )


def p_or_empty(p_value: float | None, style: JournalStyle) -> str:
    """Return a p value as text, or an empty cell where there was no test."""
    if p_value is None or pd.isna(p_value):
        return EMPTY
    return format_p(p_value, style=style)


def rows_used(table: pd.DataFrame, style: JournalStyle) -> tuple[str, ...]:
    """Return a note on the rows behind a table, where all of it has the same."""
    sizes = table.reindex(columns=["n", "n_events"]).dropna().drop_duplicates()
    if len(sizes) != 1:
        return ()
    n, n_events = sizes.iloc[0]
    events = format_counted(n_events, "events", style=style)
    return (f"All on the same rows: n = {format_count(n, style=style)}, {events}.",)


def filled(lines: list[list[str]], columns: Iterable[str]) -> pd.DataFrame:
    """Return lines as cells, short ones filled up with empty text."""
    names = list(columns)
    return pd.DataFrame(
        [line + [""] * (len(names) - len(line)) for line in lines], columns=names
    )


def under_scores(
    table: pd.DataFrame,
    labels: Labels | None,
    lines_of: Callable[[pd.DataFrame], list[list[str]]],
) -> tuple[list[list[str]], tuple[int, ...]]:
    """Return the lines of every score, below its name, and the places of the names.

    A table about one score, or about none, has no names.
    """
    scores = by_value(table, "biomarker")
    if len(scores) == 1:
        return lines_of(table), ()
    lines: list[list[str]] = []
    heads: list[int] = []
    for score, part in scores:
        heads.append(len(lines))
        lines.append([column_label(score, labels)])
        lines += [[INDENT + first, *others] for first, *others in lines_of(part)]
    return lines, tuple(heads)


class Footnotes:
    """Notes below a table, each with a letter that marks the cells it belongs to."""

    def __init__(self, labels: Labels | None, style: JournalStyle) -> None:
        self._marks: dict[str, str] = {}
        self._labels = labels
        self._style = style

    def mark(self, text: str, note: str | None) -> str:
        """Return ``text`` with the letter of ``note``; unchanged without a note."""
        if not isinstance(note, str) or not note:
            return text
        note = in_style(note_in_words(note, self._labels), style=self._style)
        self._marks.setdefault(note, _LETTERS[len(self._marks) % len(_LETTERS)])
        return text + self._marks[note]

    def lines(self) -> tuple[str, ...]:
        """Return the notes in the order of their letters."""
        return tuple(f"{mark} {note}" for note, mark in self._marks.items())


def _is_even(cells: pd.Series[str]) -> bool:
    """Whether all that a column holds are numbers with as many decimals each."""
    told = [cell for cell in cells if cell not in ("", EMPTY)]
    numbers = [_NUMBER.fullmatch(cell) for cell in told]
    if not all(numbers):
        return False
    return len({len(number["part"] or "") for number in numbers if number}) == 1


def _without_idle_rules(page: str) -> str:
    """Drop the style rules of classes that a table does not have; most are idle."""
    style, end, table = page.partition("</style>")
    kept = [
        line
        for line in style.split("\n")
        if not (found := _RULE.match(line)) or found["name"] in table
    ]
    return "\n".join(kept) + end + table


def _in_html(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it stands, on one line."""
    for mark in "\\|`*_$<>[]#~^@{}":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")

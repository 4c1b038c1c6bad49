"""What a page says, by section, and where something can be put into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import accumulate
from typing import Final

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4"})
# Elements whose text nobody searches for.
_SILENT: Final = frozenset({"head", "nav", "script", "style", "svg", "annotation"})
# Elements that may begin or end within a word.
_INLINE: Final = frozenset(
    {"a", "abbr", "b", "code", "em", "i", "mark", "s", "small", "span", "strong"}
    | {"sub", "sup", "u", "mi", "mn", "mo", "mtext", "mrow", "msub", "msup"}
)


@dataclass(slots=True)
class Section:
    """A heading and the text up to the next.

    Attributes
    ----------
    anchor : str
        What a link to it ends with; empty for the top of the page.
    heading, text : str
        In plain words.
    """

    anchor: str
    heading: str = ""
    text: str = ""


@dataclass(slots=True)
class Page:
    """A page taken apart.

    Attributes
    ----------
    sections : list of Section
        From top to bottom, those without any text left out.
    head_end : int
        Where the ``head`` ends, as a position in the text of the page.
    body_start : int
        Where the content of the ``body`` begins, behind a link that skips to the text.
    """

    sections: list[Section] = field(default_factory=list)
    head_end: int = 0
    body_start: int = 0


def read_page(html: str) -> Page:
    """Take a page apart."""
    reader = _Reader(html)
    reader.feed(html)
    reader.close()
    reader.end_section()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.page = Page()
        lengths = (len(line) + 1 for line in html.split("\n"))
        self.line_starts = [0, *accumulate(lengths)]
        self.section = Section("")
        self.words: list[str] = []
        self.silent = ""  # the outermost element whose text is left out
        self.depth = 0
        self.heading = ""  # the heading that is being read
        self.anchor = ""  # of a section whose heading comes next
        self.skips = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "body":
            self.page.body_start = self.place + len(self.get_starttag_text() or "")
        if self.silent or tag in _SILENT:
            self.silent = self.silent or tag
            self.depth += tag == self.silent
            return
        self.skips = tag == "a" and "skip-link" in (given.get("class") or "")
        if tag in _HEADINGS:
            self.end_section()
            self.section = Section(given.get("id") or self.anchor)
            self.heading = tag
        elif tag == "section":
            self.anchor = given.get("id") or ""
        self.part(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "head" and self.silent == "head":
            self.page.head_end = self.place
        if self.silent:
            self.depth -= tag == self.silent
            self.silent = self.silent if self.depth else ""
            return
        if tag == "a" and self.skips:
            self.page.body_start = self.place + len("</a>")
            self.skips = False
            self.words.clear()
        if tag == self.heading:
            self.section.heading = self.taken()
            self.heading = self.anchor = ""
        self.part(tag)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(data)

    def part(self, tag: str) -> None:
        """Keep words of neighbouring blocks or cells apart."""
        if tag not in _INLINE:
            self.words.append(" ")

    @property
    def place(self) -> int:
        line, column = self.getpos()
        return self.line_starts[line - 1] + column

    def taken(self) -> str:
        text = " ".join("".join(self.words).split())
        self.words.clear()
        return text

    def end_section(self) -> None:
        self.section.text = self.taken()
        if self.section.heading or self.section.text:
            self.page.sections.append(self.section)

"""Text of a study that its report prints: what a reader must know of the data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.study.tabled import Noted
from fahrstats.study.tables_in import find_file

_FOREIGN = (
    (re.compile(r"^\s*(?:```|~~~|:::)"), "a fenced block"),
    (re.compile(r"^\s*#"), "a heading"),
    (re.compile(r"^\s*(?:=+|-{2,})\s*$"), "a heading or a rule"),
    (re.compile(r"\{[{#.]|\{python\}"), "a shortcode, attribute or code"),
    (re.compile(r"</?[A-Za-z!]"), "HTML"),
    (re.compile(r"!\["), "an image"),
    (re.compile(r"(?<![\w.])\[?@[\w{]"), "a citation or cross-reference"),
    (re.compile(r"(?<!\\)\$"), r"TeX; a dollar is written `\$`"),
    (re.compile(r"\\[A-Za-z]"), "TeX"),
    (
        re.compile(
            r"(?:\]\(|^\s*\[[^\]]*\]:)\s*(?!\s|https?://|mailto:)", re.IGNORECASE
        ),
        "a link to no web or mail address",
    ),
)


def read_notes(study: Noted) -> str:
    """Return the text of a study; empty where it has none.

    Raises
    ------
    DataError
        The file is absent, is not UTF-8, or has a problem that
        :func:`note_problems` lists.
    """
    if study.notes is None:
        return ""
    path = find_file(study.notes, study.path.parent)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"`{study.notes}` is not UTF-8 text; save it as UTF-8."
        ) from error
    for problem in note_problems(text, study.notes):
        raise DataError(problem)
    return text.strip()


def notes_sha256(study: Noted) -> str:
    """Return the hash of the notes of a study; empty where it has none.

    Raises
    ------
    DataError
        The file is absent.
    """
    if study.notes is None:
        return ""
    return file_sha256(find_file(study.notes, study.path.parent))


def note_problems(text: str, name: str) -> Iterator[str]:
    """Yield what stands in a text beyond paragraphs, lists, emphasis and links.

    More could not be shown alike by everything that renders a report, or would get in
    the way of the report's own headings and references.
    """
    if not text.strip():
        yield f"`{name}` is empty; write the text, or take out `notes`."
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, what in _FOREIGN:
            if pattern.search(line):
                yield (
                    f"Line {number} of `{name}` holds {what}; use paragraphs, lists, "
                    "emphasis and links only."
                )
                break

"""What the authors say of a study, and what they have not said yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fahrstats.display.labels import opening
from fahrstats.statements import STATEMENTS

if TYPE_CHECKING:
    from fahrstats.report.study_results import StudyResults

_OPEN: Final = "to be written by the authors"
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def stated(study: StudyResults, key: str) -> str:
    """Return what the authors say under a key, in Markdown; empty where nothing."""
    text: str = study.manifest.get("statements", {}).get(key, "")
    return text


def statements(study: StudyResults, *keys: str) -> str:
    """Return what the authors say under some keys, and a line of those left open.

    Each text stands behind its heading. What is open is named by the key under which
    the study file takes it.
    """
    given = [
        f"**{STATEMENTS[key].label}.** {stated(study, key)}"
        for key in keys
        if stated(study, key)
    ]
    missing = [f"`{key}`" for key in keys if not stated(study, key)]
    left = f"*{opening(_OPEN)} under* `[statements]`: {', '.join(missing)}."
    return "\n\n".join([*given, *([left] if missing else [])])


def headed(study: StudyResults, key: str) -> str:
    """Return the heading of one text, and the text or that it is open."""
    text = stated(study, key) or f"*{opening(_OPEN)}* (`{key}`)."
    return f"**{STATEMENTS[key].label}.** {text}"


def in_one_line(study: StudyResults, *keys: str) -> str:
    """Return texts under some keys without marks, as a cell of a table has them."""
    texts = [_plain(stated(study, key)) for key in keys if stated(study, key)]
    return " ".join(texts) or f"{_OPEN}: {', '.join(keys)}"


def _plain(text: str) -> str:
    """Return the Markdown of a statement as it reads in one line of a table."""
    linked = _LINK.sub(r"\1", text)
    return " ".join(linked.replace("**", "").replace("*", "").split())

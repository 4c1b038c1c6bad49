"""What was announced while results were made, as a report repeats it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fahrstats import __version__
from fahrstats.display.labels import Labels, note_in_words

_NAME = re.compile(r"`[^`]*`")


def announcements(manifest: Mapping[str, Any], labels: Labels) -> list[str]:
    """Return what a reader should know before any number, each text once.

    Parameters
    ----------
    manifest
        Of the study. Its ``warnings`` are texts by table, or texts alone.
    labels
        Labels of the columns that a text names.
    """
    found = manifest.get("warnings") or []
    if isinstance(found, Mapping):
        found = [text for texts in found.values() for text in texts]
    return [*_of_version(manifest), *_alike_once(found, labels)]


def _alike_once(found: Iterable[str], labels: Labels) -> list[str]:
    """Say texts that differ in the names of columns only once, and how many follow."""
    alike: dict[str, list[str]] = {}
    for text in dict.fromkeys(found):
        alike.setdefault(_NAME.sub("", text), []).append(text)
    return [
        note_in_words(first, labels)
        + (f" The same holds for {len(others)} more." if others else "")
        for first, *others in alike.values()
    ]


def _of_version(manifest: Mapping[str, Any]) -> list[str]:
    """Say that the results are of another version of the package than the report."""
    made_by = manifest.get("provenance", {}).get("package", __version__)
    if made_by == __version__:
        return []
    return [
        f"The results were computed by fahrstats {made_by}, and this report was "
        f"written by fahrstats {__version__}; run the study again to have both of one "
        "version."
    ]

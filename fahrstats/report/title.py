"""The title block: authors and date as a reader sees them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from fahrstats.errors import DataError

TODAY = ("today", "now")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_STYLES = {
    "iso": "YYYY-MM-DD",
    "short": "M/D/YY",
    "medium": "MMM D, YYYY",
    "long": "MMMM D, YYYY",
}
_TOKEN = re.compile(r"YYYY|YY|MMMM|MMM|MM|M|DD|D")


def title_block(settings: Mapping[str, object]) -> dict[str, object]:
    """Return the template's variables for title, authors, date and abstract.

    A date is written as Quarto does, ``January 15, 2026`` unless ``date-format`` says
    otherwise. ``today`` is the day given by ``SOURCE_DATE_EPOCH`` where it is set.
    """
    block: dict[str, object] = {
        name: settings[name]
        for name in ("title", "subtitle", "abstract", "description")
        if name in settings
    }
    block["abstract-title"] = settings.get("abstract-title", "Abstract")
    authors = _authors(settings.get("author"))
    block["by-author"] = authors
    block["several-authors"] = len(authors) > 1
    block["author-meta"] = [author["name"] for author in authors]
    if "description" in settings:
        block["description-meta"] = str(settings["description"])
    when = settings.get("date")
    if when is not None:
        day = _today() if when in TODAY else when
        block["date"] = _in_words(day, str(settings.get("date-format", "long")))
        block["date-meta"] = str(day)
    return block


def _authors(given: object) -> list[dict[str, str]]:
    if given is None:
        return []
    authors = []
    for item in given if isinstance(given, list) else [given]:
        if isinstance(item, Mapping):
            if "name" not in item:
                raise DataError("An `author` of the header has no `name`.")
            author = {"name": _name(item["name"])}
            places = item.get("affiliation", item.get("affiliations"))
            if places:
                author["affiliation"] = _places(places)
            if "orcid" in item:
                author["orcid"] = str(item["orcid"])
        else:
            author = {"name": str(item)}
        authors.append(author)
    return authors


def _name(given: object) -> str:
    if isinstance(given, Mapping):
        parts = [str(given[part]) for part in ("given", "family") if part in given]
        return " ".join(parts)
    return str(given)


def _places(given: object) -> str:
    places = given if isinstance(given, list) else [given]
    names = [
        str(place.get("name", "")) if isinstance(place, Mapping) else str(place)
        for place in places
    ]
    return "; ".join(name for name in names if name)


def _today() -> date:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        return datetime.fromtimestamp(int(epoch), tz=UTC).date()
    return datetime.now().astimezone().date()


def _in_words(when: object, style: str) -> str:
    if not isinstance(when, date):
        try:
            when = date.fromisoformat(str(when))
        except ValueError:
            return str(when)  # already in the author's own words
    parts = {
        "YYYY": f"{when.year:04d}",
        "YY": f"{when.year % 100:02d}",
        "MMMM": _MONTHS[when.month - 1],
        "MMM": _MONTHS[when.month - 1][:3],
        "MM": f"{when.month:02d}",
        "M": str(when.month),
        "DD": f"{when.day:02d}",
        "D": str(when.day),
    }
    return _TOKEN.sub(lambda token: parts[token[0]], _STYLES.get(style, style))

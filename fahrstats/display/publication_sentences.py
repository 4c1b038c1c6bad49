"""What a report for publication says of what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count
from fahrstats.display.labels import listed


def public_version(public: Mapping[str, Any], *, style: JournalStyle = DEFAULT) -> str:
    """Say what was rounded and left out, and by which rule.

    Parameters
    ----------
    public
        The part ``public`` of the manifest of a version for publication.
    """
    base, floor, oldest = (
        format_count(public[key], style=style) for key in ("base", "floor", "oldest")
    )
    texts = [
        f"Counts of people and events are multiples of {base}, off by less than "
        f"{base}; a dash stands for a count from 1 to {public['floor'] - 1}.",
    ]
    if not public["prints_zero"]:
        texts[0] = texts[0].replace("from 1 to", "from 0 to")
    if public["n_withheld"]:
        texts.append(
            "So that none of these can be found from others, "
            f"{format_count(public['n_withheld'], style=style)} larger "
            f"{'count is' if public['n_withheld'] == 1 else 'counts are'} a dash, too."
        )
    texts += [
        f"What is estimated from fewer than {floor} people or events is left out, "
        f"shares of people move by steps of {base} people, and curves are drawn at "
        f"round times while {floor} or more are at risk. Intervals of means, and of "
        "observed over expected events, are those of the rounded counts.",
        f"Ages of {oldest} and over are not told apart, and printed as {oldest}.",
    ]
    reasons: dict[str, list[str]] = {}
    for name, why in public["left_out"].items():
        reasons.setdefault(why, []).append(f"`{name}`")
    texts += [
        f"Left out as {'tables' if len(names) > 1 else 'a table'}: {listed(names)}, "
        f"because {why}."
        for why, names in reasons.items()
    ]
    return " ".join(texts)

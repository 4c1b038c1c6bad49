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
    texts = (public_rule(public, style=style), also_left_out(public, style=style))
    return " ".join(text for text in texts if text)


def public_rule(public: Mapping[str, Any], *, style: JournalStyle = DEFAULT) -> str:
    """Say by which rule counts are rounded and others left out.

    Parameters
    ----------
    public
        See :func:`public_version`.
    """
    base, floor, oldest = (
        format_count(public[key], style=style) for key in ("base", "floor", "oldest")
    )
    least = 1 if public["prints_zero"] else 0
    return (
        f"Counts of people and events are multiples of {base}, off by less than "
        f"{base}; a dash stands for a count from {least} to {public['floor'] - 1}. "
        f"What is estimated from fewer than {floor} people or events is left out, "
        f"shares of people move by steps of {base} people, and curves are drawn at "
        f"round times while {floor} or more are at risk. Intervals of means, and of "
        "observed over expected events, are those of the rounded counts. "
        f"Ages of {oldest} and over are not told apart, and printed as {oldest}."
    )


def also_left_out(public: Mapping[str, Any], *, style: JournalStyle = DEFAULT) -> str:
    """Say which larger counts and which tables are left out; empty without any.

    Parameters
    ----------
    public
        See :func:`public_version`.
    """
    texts = []
    if public["n_withheld"]:
        texts.append(
            "So that no such count can be found from others, "
            f"{format_count(public['n_withheld'], style=style)} larger "
            f"{'count is' if public['n_withheld'] == 1 else 'counts are'} a dash, too."
        )
    reasons: dict[str, list[str]] = {}
    for name, why in public["left_out"].items():
        reasons.setdefault(why, []).append(f"`{name}`")
    texts += [
        f"Left out as {'tables' if len(names) > 1 else 'a table'}: {listed(names)}, "
        f"because {why}."
        for why, names in reasons.items()
    ]
    return " ".join(texts)

"""Sentences on what models look at, and whether they look at the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_number,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import Labels, column_label, listed
from fahrstats.display.region_names import region_in_sentence
from fahrstats.display.result_table import in_percent, need_columns, records

_SHARE: Final = "importance_share"
_NAMED: Final = 3
_BACKGROUND: Final = "background"
_LEVEL: Final = 0.05
_PASSED: Final = "passed"


def looked_at(
    table: pd.DataFrame,
    model: str,
    *,
    background: bool = True,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Name the regions that a model rests on most, and the share of the background.

    Parameters
    ----------
    table
        As :meth:`fahrstats.RegionImportance.tidy` returns it.
    model
        Column of the score.
    background
        Whether to name the background though other parts have larger shares.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, ("model", "region", "estimand", "estimate"), "a sentence")
    own = table[(table["model"] == model) & (table["estimand"] == _SHARE)]
    name = column_label(model, labels)
    if own["estimate"].isna().all():
        return f"What {name} rests on was not estimated."
    ranked = records(own.sort_values("estimate", ascending=False, kind="stable"))
    first, others = ranked[:_NAMED], ranked[_NAMED:]
    named = [
        f"{region_in_sentence(row['region'], labels)} ({_bracketed(row, style)})"
        for row in first
    ]
    told = f"{name} rested most on {listed(named)}"
    behind = [row for row in others if row["region"] == _BACKGROUND]
    if behind and background:
        told += f"; the background, which is no face, had {_percent(behind[0], style)}"
    return f"{told}."


def same_regions(
    tests: pd.DataFrame,
    overlap: pd.DataFrame,
    differences: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> Iterator[str]:
    """Say of each pair of models whether it weighs the regions alike.

    Parameters
    ----------
    tests, overlap, differences
        As the methods ``test``, ``overlap`` and ``tidy`` of
        :class:`fahrstats.RegionComparison` return them.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(tests, ("term", "region", "estimate"), "a sentence")
    need_columns(overlap, ("term", "estimand", "estimate"), "a sentence")
    needed = ("term", "region", "estimate", "joint_low", "joint_high")
    need_columns(differences, needed, "a sentence")
    for test in records(tests):
        of_pair = overlap[overlap["term"] == test["term"]]
        (common,) = records(of_pair[of_pair["estimand"] == "common_importance"])
        rows = records(differences[differences["term"] == test["term"]])
        yield _verdict(test, common, rows, labels, style)


def _verdict(
    test: Mapping[str, Any],
    common: Mapping[str, Any],
    rows: list[dict[str, Any]],
    labels: Labels | None,
    style: JournalStyle,
) -> str:
    """Say whether two models weigh the regions alike, and where they differ most."""
    first, second = (
        column_label(name, labels) for name in test["term"].split(CONTRAST)
    )
    alike = f"{_percent(common, style)} of their importance lay on the same regions"
    if "p_value" not in test or pd.isna(test["p_value"]):
        return f"Of {first} and {second}, {alike}."
    apart = [row for row in rows if row["joint_low"] > 0 or row["joint_high"] < 0]
    p_value = phrase_p(test["p_value"], style=style)
    if test["p_value"] > _LEVEL:
        widest = max(max(abs(row["joint_low"]), abs(row["joint_high"])) for row in rows)
        points = format_number(100 * widest, 0, style=style)
        return (
            f"That {first} and {second} weigh the regions differently was not shown "
            f"({p_value}): {alike}, and no region differed by more than {points} "
            "percentage points of importance, as the joint limits have it."
        )
    most = max(rows, key=lambda row: abs(row["estimate"]))
    more, less = (first, second) if most["estimate"] > 0 else (second, first)
    size = sorted(100 * abs(most[name]) for name in ("joint_low", "joint_high"))
    points = format_interval(
        100 * abs(most["estimate"]), *size, decimals=0, style=style
    )
    told = points.replace("(", "(joint 95% CI ", 1)
    count = format_count(len(apart), style=style)
    region = region_in_sentence(most["region"], labels)
    return (
        f"{first} and {second} weigh the regions differently ({p_value}): {alike}. "
        f"They differ in {count} of {format_count(len(rows), style=style)} regions, "
        f"most in {region}, which has {told} percentage points more of the importance "
        f"in {more} than in {less}."
    )


def checked(
    sanity: pd.DataFrame,
    areas: pd.DataFrame,
    model: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say whether the explanation of a model's score passed the checks.

    Parameters
    ----------
    sanity
        Rank correlation of importance with that of a network drawn anew, by ``step``.
    areas
        Mean score along ``deletion`` and ``insertion``, by importance less at random.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(sanity, ("model", "step", "estimate", "note"), "a sentence")
    need_columns(areas, ("model", "condition", "note"), "a sentence")
    name = column_label(model, labels)
    own = records(sanity[sanity["model"] == model].sort_values("step"))
    parts = []
    if own and not pd.isna(own[-1]["estimate"]):
        last = own[-1]
        left = format_number(last["estimate"], 2, style=style)
        was = "was destroyed" if last["note"] == _PASSED else "was not destroyed"
        parts.append(
            f"what it rests on {was} when all that it had learned was replaced by "
            f"chance (rank correlation {left}): {last['note']}"
        )
    else:
        parts.append("what it has learned cannot be replaced by chance: not checked")
    for row in records(areas[areas["model"] == model]):
        order = {
            "deletion": "the score falls faster when important regions are blurred "
            "first than in a random order",
            "insertion": "it rises faster when they are restored first",
        }[row["condition"]]
        parts.append(f"{order}: {row['note']}")
    return f"{name}: {'; '.join(parts)}."


def _percent(row: Mapping[str, Any], style: JournalStyle) -> str:
    """Return a share in percent with its limits: ``16% (95% CI 15-17)``."""
    text = format_interval(*in_percent(row), decimals=0, style=style)
    number, _, within = text.partition(" ")
    return phrase_interval(f"{number}% {within}".strip(), style=style)


def _bracketed(row: Mapping[str, Any], style: JournalStyle) -> str:
    """Return the same as it stands inside brackets: ``16%, 95% CI 15-17``."""
    return _percent(row, style).replace(" (", ", ").removesuffix(")")

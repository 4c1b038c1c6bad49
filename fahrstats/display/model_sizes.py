"""How many people and events the models of a table have, as notes below it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fahrstats.display.journal_styles import JournalStyle
from fahrstats.display.journals import format_count, format_counted
from fahrstats.display.labels import Labels, column_label, opening
from fahrstats.display.result_table import by_value


def by_outcome_and_score(
    table: pd.DataFrame,
) -> list[tuple[str, str, pd.DataFrame]]:
    """Return outcome, score and rows of each pair of the two, in their order."""
    return [
        (outcome, score, part)
        for outcome, of_outcome in by_value(table, "outcome")
        for score, part in by_value(of_outcome, "biomarker")
    ]


def sizes_of_models(
    table: pd.DataFrame,
    models: Sequence[str],
    labels: Labels | None,
    style: JournalStyle,
) -> tuple[str, ...]:
    """Return participants and events of all models, or of each that has one size.

    Where scores are known in different people, those of each score; a row of another
    variable on its own is of all in whom that is known.
    """
    if "n" not in table or "n_events" not in table:
        return ()
    shown = table[table["model"].isin(models)]
    parts = {f"{opening(model)}": shown[shown["model"] == model] for model in models}
    texts = _of_one_size(parts, style)
    if len(texts) == len(models) and len(set(texts.values())) == 1:
        return (f"All models: {texts[opening(models[0])]}",)
    if not texts:
        of_scores = {
            ": ".join(filter(None, (outcome, column_label(score, labels)))): _own(
                part, score
            )
            for outcome, score, part in by_outcome_and_score(shown)
        }
        texts = _of_one_size(of_scores, style)
    named = " ".join(f"{name}: {text}" for name, text in texts.items())
    return (named,) if named else ()


def _own(part: pd.DataFrame, score: str) -> pd.DataFrame:
    """Return the rows of a score or its groups; all of them where there are none."""
    variable = part["variable"].astype(str)
    is_own = variable.eq(score) | variable.str.startswith(f"{score}_")
    return part[is_own] if is_own.any() else part


def _of_one_size(parts: dict[str, pd.DataFrame], style: JournalStyle) -> dict[str, str]:
    """Return participants and events of each part whose rows share them."""
    sizes = {
        name: part[["n", "n_events"]].drop_duplicates() for name, part in parts.items()
    }
    return {
        name: f"n = {format_count(size['n'].iloc[0], style=style)}, "
        f"{format_counted(size['n_events'].iloc[0], 'events', style=style)}."
        for name, size in sizes.items()
        if len(size) == 1
    }

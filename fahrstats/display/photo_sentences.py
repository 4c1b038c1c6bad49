"""How photographs were scored, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fahrstats.display.display_table import escape_markdown
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count, format_number

_SEVERAL: Final = {
    "refuse": "A photo with several faces was not scored.",
    "largest": "Of several faces in a photo, the largest was scored.",
    "central": "Of several faces in a photo, the one nearest its centre was scored.",
}

_WHOLE_FROM: Final = 10
"""Penalty from which decimals say nothing."""


def photos_scored(
    provenance: Mapping[str, Any], *, style: JournalStyle = DEFAULT
) -> str:
    """Say how many photos were scored, by which models, and how faces were found.

    Parameters
    ----------
    provenance
        What a table of scores says of itself: ``photos``, ``status``, ``checkpoint``,
        ``licences``, ``detector``, ``several``, ``precision``; what it lacks is not
        spoken of.
    """
    parts = []
    n = provenance.get("photos")
    scored = provenance.get("status", {}).get("ok")
    models = _models(provenance)
    if n is not None and scored is not None:
        counts = (format_count(number, style=style) for number in (scored, n))
        parts.append("{} of {} photographs were scored".format(*counts) + models + ".")
    elif models:
        parts.append(f"Photographs were scored{models}.")
    if provenance.get("detector"):
        detector = escape_markdown(str(provenance["detector"]))
        parts.append(f"Faces and their five landmarks were found by {detector}.")
    parts.append(_SEVERAL.get(str(provenance.get("several")), ""))
    return " ".join(["**Photographs.**", *filter(None, parts)])


def cross_fitted(
    provenance: Mapping[str, Any], *, style: JournalStyle = DEFAULT
) -> str:
    """Say how FaceSurvival was cross-fitted, and what its intervals leave out.

    Parameters
    ----------
    provenance
        What a table of cross-fitted scores says of itself: ``checkpoint``, ``folds``,
        ``penalties``, ``n_subjects``, ``n_events``.
    """
    folds, penalties = provenance["folds"], provenance["penalties"]
    n, n_events = (
        format_count(provenance[key], style=style) for key in ("n_subjects", "n_events")
    )
    chosen = dict.fromkeys(
        format_number(penalty, 0 if penalty >= _WHOLE_FROM else 2, style=style)
        for penalty in (min(penalties), max(penalties))
    )
    embedder = escape_markdown(str(provenance["checkpoint"]))
    return (
        "**FaceSurvival, cross-fitted.** No parameters of FaceSurvival were ever "
        "released; this one was learned from the people of this study, and nobody was "
        f"scored by a model that had seen them. {n} subjects with {n_events} events "
        f"were dealt into {folds} folds, each subject whole. Each fold was scored by a "
        "ridge Cox model that was fitted to the others, on embeddings of their "
        f"photographs by {embedder}; its penalty was chosen by cross-validation among "
        f"these others alone ({' to '.join(chosen)} on columns of unit variance). The "
        "score is the log hazard in standard deviations of the subjects fitted to, and "
        "its own hazard ratios are per such a deviation; beside another score they are "
        "per standard deviation of the scores that came out. "
        "Intervals and P values take the scores as given and are too narrow, "
        "since the models of two folds share most of their subjects."
    )


def _models(provenance: Mapping[str, Any]) -> str:
    """Name the models with fingerprint, number format and licence."""
    if not provenance.get("checkpoint"):
        return ""
    licences = provenance.get("licences", {})
    names = [
        f"{name} (licence: {licences[name]})" if licences.get(name) else name
        for name in str(provenance["checkpoint"]).split("; ")
    ]
    precision = provenance.get("precision")
    end = f", in {str(precision).replace('; ', ' and ')}" if precision else ""
    return f" by {escape_markdown(' and '.join(names) + end)}"

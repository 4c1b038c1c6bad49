"""The settings of a project, in ``_quarto.yml``, that are a document's."""

from __future__ import annotations

from collections.abc import Mapping

PROJECT_FILE = "_quarto.yml"
_OF_PROJECT = ("project", "website")
_IN_PROJECT = "fahrstats/report"


def for_quarto(folder: str) -> dict[str, object]:
    """Return what makes Quarto do as this package always does, by files of a folder."""
    return {
        "filters": [
            {"at": "pre-ast", "path": f"{folder}/one_caption.lua"},
            {"at": "post-render", "path": f"{folder}/word_cells.lua"},
        ],
        "format": {
            "docx": {"reference-doc": f"{folder}/reference.docx"},
            "typst": {"citeproc": True, "include-in-header": f"{folder}/quarto.typ"},
        },
    }


def without_project(settings: Mapping[str, object]) -> dict[str, object]:
    """Leave out of a project file what is of its folder, its website or Quarto."""
    own = {key: settings[key] for key in settings if key not in _OF_PROJECT}
    return _without(own, for_quarto(_IN_PROJECT))


def _without(
    settings: Mapping[str, object], others: Mapping[str, object]
) -> dict[str, object]:
    """Leave out of settings those that have the same value in ``others``."""
    kept: dict[str, object] = {}
    for key, value in settings.items():
        other = others.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            kept[key] = _without(value, other)
        elif value != other:
            kept[key] = value
    return kept

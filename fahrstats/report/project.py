"""The settings of a project, in ``_quarto.yml``, that are a document's."""

from __future__ import annotations

from collections.abc import Mapping

PROJECT_FILE = "_quarto.yml"
_OF_PROJECT = ("project", "website")
# What makes Quarto do as this package always does.
_FOR_QUARTO: Mapping[str, object] = {
    "filters": [
        {"at": "pre-ast", "path": "fahrstats/report/one_caption.lua"},
        {"at": "post-render", "path": "fahrstats/report/word_cells.lua"},
    ],
    "format": {
        "docx": {"reference-doc": "fahrstats/report/reference.docx"},
        "typst": {"citeproc": True, "include-in-header": "fahrstats/report/quarto.typ"},
    },
}


def without_project(settings: Mapping[str, object]) -> dict[str, object]:
    """Leave out of a project file what is of its folder, its website or Quarto."""
    own = {key: settings[key] for key in settings if key not in _OF_PROJECT}
    return _without(own, _FOR_QUARTO)


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

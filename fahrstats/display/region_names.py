"""What a reader calls regions of the face, and pairs of models compared in them."""

from __future__ import annotations

from typing import Final

from fahrstats.columns import CONTRAST
from fahrstats.display.labels import Labels, column_label, in_sentence

_NAMES: Final = {
    "periorbital": "Around the eyes",
    "nasolabial": "Folds beside the mouth",
    "jaw_neck": "Jaw and neck",
    "hair": "Hair and ears",
}


def region_name(region: str, labels: Labels | None = None) -> str:
    """Return a region as it stands on a line of its own."""
    given = column_label(region, labels)
    if given != region:
        return given
    return _NAMES.get(region, region[:1].upper() + region[1:].replace("_", " "))


def region_in_sentence(region: str, labels: Labels | None = None) -> str:
    """Return a region as it stands inside a sentence: ``the mouth``."""
    name = in_sentence(region_name(region, labels))
    is_place = name.startswith("around ")
    return f"the part {name}" if is_place else f"the {name}"


def pair_name(
    term: str, labels: Labels | None = None, *, between: str = " minus "
) -> str:
    """Return a pair ``a - b`` of models for a reader: ``A minus B``."""
    return between.join(column_label(name, labels) for name in term.split(CONTRAST))

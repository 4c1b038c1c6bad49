"""The section of a study file about photographs that are scored first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from fahrstats.section import Section

Several = Literal["refuse", "largest", "central"]
_SEVERAL = ("refuse", "largest", "central")


@dataclass(frozen=True, slots=True)
class Photos:
    """Photographs, and the models that score them before anything is analysed.

    Attributes
    ----------
    folder : str
        Folder of the photos, or a manifest or Parquet file of them; beside the study
        file or in the data folder.
    models : tuple of str
        Checkpoints and benchmark models, by name or path.
    id : str
        Column of the table that names the photo of a row, as its path in the folder;
        with a manifest that says whom photos show, the subject.
    several : str
        Which face is scored where a photo shows several.
    allow_unmatched : bool
        Leave out and count the photos without a row in the table, and rows without a
        photo.
    """

    folder: str
    models: tuple[str, ...]
    id: str
    several: Several = "refuse"
    allow_unmatched: bool = False


def read_photos(top: Section) -> Photos | None:
    """Read which photos are scored, and by what, where the file says so."""
    if not top.is_given("photos"):
        return None
    section = top.section("photos")
    models = section.texts("models")
    if not models:
        section.problem("`models` is missing; name a checkpoint or benchmark model.")
    photos = Photos(
        folder=section.text("folder", required=True),
        models=models,
        id=section.text("id", required=True),
        several=cast(Several, section.choice("several", _SEVERAL, "refuse")),
        allow_unmatched=section.flag("allow_unmatched"),
    )
    section.finish()
    return photos

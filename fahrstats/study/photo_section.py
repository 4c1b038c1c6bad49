"""The section of a study file about photographs that are scored first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from fahrstats.section import Section

if TYPE_CHECKING:
    from fahrstats.study.specification import Study

Several = Literal["refuse", "largest", "central"]
SEVERAL = ("refuse", "largest", "central")
"""Which face is scored where a photo shows several."""

_ROLES = ("weights", "cluster", "id")


@dataclass(frozen=True, slots=True)
class CrossFit:
    """FaceSurvival by heads that are fitted to the study itself, without who is scored.

    Attributes
    ----------
    checkpoint : str
        What embeds the photos, by name or path.
    n_folds, seed : int
        Into how many parts the subjects are dealt, and how.
    """

    checkpoint: str
    n_folds: int
    seed: int


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
    survival : CrossFit or None
        How FaceSurvival is learned from the study's own outcome, if it is.
    """

    folder: str
    models: tuple[str, ...]
    id: str
    several: Several = "refuse"
    allow_unmatched: bool = False
    survival: CrossFit | None = None


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
        several=cast(Several, section.choice("several", SEVERAL, "refuse")),
        allow_unmatched=section.flag("allow_unmatched"),
        survival=_cross_fit(section),
    )
    section.finish()
    return photos


def _cross_fit(photos: Section) -> CrossFit | None:
    """Read how FaceSurvival is learned, where the section says so."""
    if not photos.is_given("survival"):
        return None
    section = photos.section("survival")
    cross_fit = CrossFit(
        checkpoint=section.text("checkpoint", required=True),
        n_folds=section.whole("folds", 5, at_least=2),
        seed=section.whole("seed", 1),
    )
    section.finish()
    return cross_fit


def cross_fit_problems(study: Study) -> Iterator[str]:
    """Yield what heads cannot be fitted with: they count every row once, from 0 on."""
    if study.photos is None or study.photos.survival is None:
        return
    roles = [role for role in _ROLES if getattr(study.analysis, role) is not None]
    for key in [*(["entry"] if study.main.entry is not None else []), *roles]:
        where = "[outcome]" if key == "entry" else "[analysis]"
        yield (
            f"[photos.survival]: heads are fitted to one row a subject, of equal "
            f"weight and followed from the start, so that `{key}` of {where} would go "
            "unheeded; take out one of the two."
        )

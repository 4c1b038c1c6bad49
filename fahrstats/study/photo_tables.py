"""Result tables about the photographs of a study, in groups only."""

from __future__ import annotations

import pandas as pd

from fahrstats.cohort.characteristics import table_one
from fahrstats.study.checks import StudyCohort
from fahrstats.study.people_tables import stacked
from fahrstats.study.photo_scores import PREFIX, STATUS_WORDS

QUALITIES = {
    "status": ("Status of the photo", ""),
    "face_pixels": ("Height of the face", "pixels"),
    "eye_distance": ("Distance between the eyes", "pixels"),
    "confidence": ("Certainty of the detector", "0 to 1"),
    "yaw": ("Turn of the head", "degrees"),
    "pitch": ("Nod of the head", "degrees"),
    "roll": ("Tilt of the head", "degrees"),
    "blur": ("Blur of the face", "0 to 1"),
    "brightness": ("Brightness of the face", "0 to 1"),
}
"""What is described of photos: label and unit of each column."""

_TURNS = ("yaw", "pitch", "roll")


def photo_quality(cohort: StudyCohort) -> pd.DataFrame:
    """Count photos by status and describe their quality, in every subgroup.

    All photos take part, also of people who are not analysed. Turns of the head are
    described by their size, whatever their direction.
    """
    assert cohort.photos is not None
    assert cohort.study.photos is not None
    id = cohort.study.photos.id
    names = [name for name in QUALITIES if f"{PREFIX}{name}" in cohort.photos.photos]
    photos = _in_words(cohort.photos.photos)
    variables = [f"{PREFIX}{name}" for name in names]
    subgroups = [subgroup.name for subgroup in cohort.study.subgroups]
    people = cohort.rows[subgroups].assign(**{id: cohort.source.data[id]})
    photos = photos[[id, *variables]].merge(people, on=id, how="left")
    tables = [
        table_one(photos, variables, by=name).tidy().assign(subgroup=name)
        for name in subgroups
    ]
    return stacked(tables or [table_one(photos, variables).tidy().assign(subgroup="")])


def _in_words(photos: pd.DataFrame) -> pd.DataFrame:
    """Name statuses in words, all of them, and take the size of turns."""
    shown = photos.copy()
    words = pd.CategoricalDtype(list(STATUS_WORDS.values()))
    shown[f"{PREFIX}status"] = photos[f"{PREFIX}status"].map(STATUS_WORDS).astype(words)
    for turn in _TURNS:
        if f"{PREFIX}{turn}" in photos:
            shown[f"{PREFIX}{turn}"] = photos[f"{PREFIX}{turn}"].astype(float).abs()
    return shown

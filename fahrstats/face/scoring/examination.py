"""One photo: the face that is scored, or why there is none."""

from __future__ import annotations

from fahrstats.errors import FahrstatsError, PhotoError
from fahrstats.face.detection.faces import Detector, FoundFace
from fahrstats.face.detection.found import Finding, find_face
from fahrstats.face.pictures.photos import Photo
from fahrstats.face.pictures.picture import Picture
from fahrstats.face.pictures.reading import read_picture
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.score_table import Row

_FACE_IN_PHOTO = 2  # a face that fills half of a photo is read at the size it is wanted

_OF_THE_PHOTO = (MemoryError, OSError, ArithmeticError, ValueError, RuntimeError)
_OF_THE_PROGRAM = (FahrstatsError, NotImplementedError, RecursionError)


def examine(
    photo: Photo, detector: Detector, plan: Plan, pixels_wanted: int
) -> tuple[Row, FoundFace | None]:
    """Return the row of a photo and its face, if there is one to score.

    A photo that cannot be read is ``unreadable``, and so is one at which the detector
    fails as code does at odd input: the note names the exception. Exceptions of other
    kinds, such as a TypeError, are errors of the program and are not caught.
    """
    finding = _find(photo, detector, plan, pixels_wanted)
    known = {"photo": photo.photo, "subject": photo.subject, "session": photo.session}
    return finding.row() | known, finding.face


def _find(photo: Photo, detector: Detector, plan: Plan, pixels_wanted: int) -> Finding:
    """Read a photo and find its face."""
    data = photo.data
    if data is None:
        return Finding(photo.photo, "unreadable", note=photo.problem)

    def read(at_least: int | None = None) -> Picture:
        return read_picture(
            photo.photo, data, at_least=at_least, keep_date=plan.keep_date
        )

    try:
        return find_face(
            read(_FACE_IN_PHOTO * pixels_wanted or None),
            detector,
            several=plan.several,
            pixels_wanted=pixels_wanted,
            min_face=plan.min_face,
            reread=read,
        )
    except PhotoError as error:
        return Finding(photo.photo, "unreadable", note=error.reason)
    except _OF_THE_PHOTO as error:
        if isinstance(error, _OF_THE_PROGRAM):
            raise
        note = f"{type(error).__name__}: {error}".strip(": ")
        return Finding(photo.photo, "unreadable", note=note)

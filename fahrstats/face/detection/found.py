"""A picture to the one face that is scored, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import LARGEST_MARGIN
from fahrstats.face.detection.alignment import (
    ARCFACE_SIDE,
    align,
    similarity,
    template,
)
from fahrstats.face.detection.faces import Detector, Faces, FoundFace
from fahrstats.face.detection.pose import pose
from fahrstats.face.detection.quality import blur, brightness
from fahrstats.face.pictures.picture import Picture

Several = Literal["refuse", "largest", "central"]
"""Which face is scored where there are several: none, or the named one."""

SMALLEST_FACE = 40
"""Height of a face in pixels of the file below which it is not scored.

The eyes are then about 15 pixels apart: landmarks are off by a tenth of that, and a
network that looks at 224 pixels would be shown little that was photographed.
"""

_KERNEL = 0.1
"""What the edge of a crop may depend on around it, as a share of the ArcFace crop."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What was found in a photo.

    Attributes
    ----------
    photo : str
        Name of the photo.
    status : str
        ``"ok"``, ``"no_face"``, ``"several_faces"``, ``"too_small"`` or
        ``"unreadable"``.
    note : str
        Why it is that; with ``"ok"``, which of several faces was taken, or empty.
    face : FoundFace or None
        The face to score, if the status is ``"ok"``.
    n_faces : int or None
        Number of faces found.
    face_pixels, eye_distance, confidence, yaw, pitch, roll, blur, brightness : float
        Of the face, also if it is too small; else NaN. Meaning and units are those of
        :data:`~fahrstats.face.score_columns.SCORE_GLOSSARY`.
    width, height : int or None
        Size of the upright photo in pixels.
    taken : datetime or None
        When the photo was taken, if asked for.
    content : str or None
        SHA-256 of the file's bytes.
    """

    photo: str
    status: str
    note: str = ""
    face: FoundFace | None = None
    n_faces: int | None = None
    face_pixels: float = math.nan
    eye_distance: float = math.nan
    confidence: float = math.nan
    yaw: float = math.nan
    pitch: float = math.nan
    roll: float = math.nan
    blur: float = math.nan
    brightness: float = math.nan
    width: int | None = None
    height: int | None = None
    taken: datetime | None = None
    content: str | None = None

    def row(self) -> dict[str, Any]:
        """Return the columns of a table of scores, without the face."""
        names = [field.name for field in fields(self) if field.name != "face"]
        return {name: getattr(self, name) for name in names}


def find_face(
    picture: Picture,
    detector: Detector,
    *,
    several: Several,
    pixels_wanted: int,
    min_face: int = SMALLEST_FACE,
    reread: Callable[[], Picture] | None = None,
) -> Finding:
    """Find the face of a photo that is scored, with its quality.

    The first that applies is the status: ``no_face`` if the detector finds none,
    ``several_faces`` if it finds more than one and ``several`` is ``"refuse"``,
    ``no_face`` if the chosen face has no usable landmarks, ``too_small``, ``ok``. Every
    face counts, however small or uncertain: a face in the background may be the only
    one that is a person's, and software cannot know whose photo it is.

    Parameters
    ----------
    picture
        The photo, possibly decoded at a reduced size.
    detector
        What finds faces in it.
    several
        Which face is scored where there are several: ``"refuse"`` takes none,
        ``"largest"`` the one with the largest box, ``"central"`` the one whose box is
        nearest to the centre of the photo. The note says so and of how many.
    pixels_wanted
        Largest side at which a model looks at a face; 0 if none does.
    min_face
        Smallest height of the face's box in pixels of the file.
    reread
        Decodes the photo again in full. It is called when the picture was decoded at a
        reduced size and the side of the ArcFace crop is smaller there than is wanted,
        or than the 112 pixels at which blur is measured.

    Raises
    ------
    DataError
        ``several`` is unknown, or the detector's arrays have wrong shapes.
    """
    if several not in ("refuse", "largest", "central"):
        raise DataError(
            f"`several` must be refuse, largest or central, but it is {several!r}."
        )
    faces = detector.find(picture)
    _check(faces, detector)
    nothing = _nothing(picture, faces.n)
    if faces.n == 0:
        return nothing
    if faces.n > 1 and several == "refuse":
        note = f"{faces.n} faces were found"
        return replace(nothing, status="several_faces", note=note)
    chosen = _chosen(faces, picture, several)
    box, points = faces.boxes[chosen], faces.points[chosen]
    fault = _fault(box, points)
    if fault:
        return replace(nothing, note=f"a face was found, but {fault}")
    wanted = max(pixels_wanted, ARCFACE_SIDE)  # blur is measured at the latter
    face = _face(picture, box, points, wanted, reread)
    graded = replace(
        _graded(nothing, face),
        face_pixels=float(box[3] - box[1]) * picture.reduction,
        eye_distance=float(np.hypot(*(points[1] - points[0]))) * picture.reduction,
        confidence=float(faces.confidence[chosen]),
    )
    if graded.face_pixels < min_face:
        note = (
            f"the face is {graded.face_pixels:.0f} pixels high; {min_face} are needed"
        )
        return replace(graded, status="too_small", note=note)
    note = f"the {several} of {faces.n} faces" if faces.n > 1 else ""
    return replace(graded, status="ok", note=note, face=face)


def find_again(face: FoundFace, detector: Detector) -> FoundFace | None:
    """Find a face anew whose pixels were changed.

    Parameters
    ----------
    face
        The face, with its landmarks where they lie after the change.
    detector
        What finds faces in the pixels.

    Returns
    -------
    FoundFace or None
        Of the faces that are found, the one whose landmarks have their mean nearest to
        where it was, whatever else is in the picture. None if that is further away than
        the eyes are from each other, since it is then not this person's, or if its
        landmarks cannot be a face's.

    Raises
    ------
    DataError
        The detector's arrays have wrong shapes.
    """
    rows, columns = face.pixels.shape[:2]
    faces = detector.find(Picture(face.photo, face.pixels, columns, rows, content=""))
    _check(faces, detector)
    away = np.hypot(*(faces.points.mean(axis=1) - face.points.mean(axis=0)).T)
    away = np.where(np.isfinite(away), away, np.inf)
    if not away.min(initial=np.inf) <= np.hypot(*(face.points[1] - face.points[0])):
        return None
    box, points = faces.boxes[away.argmin()], faces.points[away.argmin()]
    return None if _fault(box, points) else replace(face, box=box, points=points)


def _nothing(picture: Picture, n_faces: int) -> Finding:
    """Return what is known of a photo before a face is chosen."""
    return Finding(
        photo=picture.photo,
        status="no_face",
        note="no face was found",
        n_faces=n_faces,
        width=picture.width,
        height=picture.height,
        taken=picture.taken,
        content=picture.content,
    )


def _check(faces: Faces, detector: Detector) -> None:
    """Refuse arrays that do not describe the same n faces."""
    n = len(faces.boxes)
    shapes = faces.boxes.shape, faces.points.shape, faces.confidence.shape
    if shapes != ((n, 4), (n, 5, 2), (n,)):
        raise DataError(
            f"The detector `{detector.name}` must return boxes, points and confidence "
            f"of the shapes (n, 4), (n, 5, 2) and (n,), but they are "
            f"{', '.join(map(str, shapes))}."
        )


def _chosen(faces: Faces, picture: Picture, several: Several) -> int:
    """Return the index of the face that is scored; of equal ones the most certain."""
    if several == "central":
        rows, columns = picture.pixels.shape[:2]
        centres = (faces.boxes[:, :2] + faces.boxes[:, 2:] + 1) / 2
        merit = -np.hypot(*(centres - (columns / 2, rows / 2)).T)
    else:
        merit = np.prod(np.maximum(faces.boxes[:, 2:] - faces.boxes[:, :2], 0), axis=1)
    return int(np.argmax(np.where(np.isfinite(merit), merit, -np.inf)))


def _fault(box: NDArray[np.float64], points: NDArray[np.float64]) -> str:
    """Return what makes a face unusable, or nothing."""
    if not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
        return "its box is missing or empty"
    if not np.isfinite(points).all():
        return "its landmarks are missing"
    beyond = (box[2:] - box[:2]) / 2  # detectors may cut boxes close to the eyes
    if ((points < box[:2] - beyond) | (points > box[2:] + beyond)).any():
        return "its landmarks lie outside of its box"
    eyes = points[1] - points[0]
    down = points[3:].mean(axis=0) - points[:2].mean(axis=0)
    # Both are lengths times lengths; a face seen from the side keeps a few per cent.
    if eyes[0] * down[1] - eyes[1] * down[0] <= 1e-3 * np.prod(box[2:] - box[:2]):
        return (
            "its landmarks are no face's: mirrored, or in a line (left and right are "
            "those of the image)"
        )
    return ""


def _face(
    picture: Picture,
    box: NDArray[np.float64],
    points: NDArray[np.float64],
    pixels_wanted: int,
    reread: Callable[[], Picture] | None,
) -> FoundFace:
    """Cut a face out of its picture, or out of the photo in full if that shows more."""
    factor = picture.reduction
    _, side = _arcface_square(points)
    if reread is not None and factor > 1 and side < pixels_wanted:
        picture = reread()
        factor /= picture.reduction
        box, points = (box + 0.5) * factor - 0.5, (points + 0.5) * factor - 0.5
    return _cut(picture, box, points, pixels_wanted)


def _cut(
    picture: Picture,
    box: NDArray[np.float64],
    points: NDArray[np.float64],
    pixels_wanted: int,
) -> FoundFace:
    """Copy the pixels around a face, enough for the largest margin at every roll.

    If the ArcFace crop would be four times as large as wanted, blocks of pixels are
    averaged so that it stays at least twice as large.
    """
    centre, side = _arcface_square(points)
    reach = side * ((0.5 + LARGEST_MARGIN) * math.sqrt(2) + _KERNEL) + 3
    size = np.array(picture.pixels.shape[1::-1])
    start = np.clip(np.floor(centre - reach), 0, size - 1).astype(int)
    end = np.clip(np.ceil(centre + reach), start + 1, size).astype(int)
    pixels = picture.pixels[start[1] : end[1], start[0] : end[0]].copy()
    block = max(int(side / (2 * pixels_wanted)), 1)
    if block > 1:
        pixels = np.array(Image.fromarray(pixels).reduce(block))
    return FoundFace(
        photo=picture.photo,
        pixels=pixels,
        box=(box - np.tile(start, 2) + 0.5) / block - 0.5,
        points=(points - start + 0.5) / block - 0.5,
    )


def _arcface_square(
    points: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    """Return centre and side of the ArcFace crop in pixels of the picture."""
    matrix = similarity(points, template(ARCFACE_SIDE, 0))
    middle = (ARCFACE_SIDE - 1) / 2
    centre = np.asarray(np.linalg.solve(matrix[:, :2], middle - matrix[:, 2]), float)
    return centre, float(ARCFACE_SIDE / np.sqrt(np.linalg.det(matrix[:, :2])))


def _graded(finding: Finding, face: FoundFace) -> Finding:
    """Add pose, blur and brightness, the latter two of the aligned face."""
    turned = pose(face.points)
    crop = align(face, size=ARCFACE_SIDE, margin=0, interpolation="bilinear")
    return replace(
        finding,
        yaw=turned.yaw,
        pitch=turned.pitch,
        roll=turned.roll,
        blur=blur(crop),
        brightness=brightness(crop),
    )

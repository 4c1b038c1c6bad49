"""Every condition and severity on one face, for documentation and for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image, ImageDraw

from fahrstats.face.detection.alignment import align
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.catalogue import CONDITIONS, SEVERITIES
from fahrstats.face.perturbations.changes import perturbed

_LABEL_HEIGHT = 14
_MARGIN = 0.35


def contact_sheet(
    face: FoundFace, *, conditions: Sequence[str] = tuple(CONDITIONS), side: int = 160
) -> Image.Image:
    """Draw a face under conditions (rows) at severities 0 to 5 (columns).

    A figure of this kind shows a person: use a face that may be shown.

    Parameters
    ----------
    face
        The face.
    conditions
        Names in :data:`~fahrstats.face.perturbations.catalogue.CONDITIONS`.
    side
        Side of each picture in pixels.

    Raises
    ------
    DataError
        There is no such condition.
    """
    step = side + _LABEL_HEIGHT
    size = (side * (1 + len(SEVERITIES)), step * len(conditions))
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for row, name in enumerate(conditions):
        for severity in (0, *SEVERITIES):
            changed = perturbed(face, name, severity)
            place = severity * side, row * step
            dose = f"{CONDITIONS[name].dose(severity):g}"
            pen.text(place, f"{name} {dose}" if severity else name, "black")
            seen = align(
                replace(face, pixels=changed.pixels),  # as the untouched face lies
                size=side,
                margin=_MARGIN,
                interpolation="bilinear",
            )
            below = place[0], place[1] + _LABEL_HEIGHT
            sheet.paste(Image.fromarray(seen), below)
    return sheet

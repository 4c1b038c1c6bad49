"""MTCNN, the detector used unless another is asked for.

Three networks of growing size look at a picture: the first at every window of a pyramid
of reduced pictures, the others at what the one before left.

References
----------
Zhang, Zhang, Li and Qiao (2016), IEEE Signal Processing Letters 23:1499-1503.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from fahrstats.face.detection.boxes import as_squares, moved_sides, suppress
from fahrstats.face.detection.faces import Faces
from fahrstats.face.detection.mtcnn_networks import (
    OUTPUT_WINDOW,
    PROPOSAL_STRIDE,
    PROPOSAL_WINDOW,
    REFINEMENT_WINDOW,
    open_networks,
)
from fahrstats.face.detection.views import Size, View, reduced, turned, windows
from fahrstats.face.pictures.picture import Picture

LONG_SIDE = 320
"""Pixels of the long side to which a picture is reduced."""
LONGER_SIDE = 1000
"""The same where no face was found, for faces that are small in the picture."""
TURNS = (-20.0, 20.0)
"""Degrees by which a picture is turned where no face was found."""
SMALLEST_FACE = 20
"""Side in pixels, at the reduced size, of the smallest face that is looked for."""
STEP = 0.709
"""Side of a level of the pyramid relative to the level before: half the area."""
CERTAIN = (0.6, 0.7, 0.8)
"""Probability of a face that each of the three stages asks for."""
MOST_PROPOSALS = 1000
"""Proposals of the first stage that are kept, the most certain ones."""


class Mtcnn:
    """MTCNN with the parameters of the package ``mtcnn`` 1.0.0.

    What is found in a picture depends on that picture alone.

    Parameters
    ----------
    device
        Where the networks run, such as ``"cpu"`` or ``"cuda"``.
    """

    def __init__(self, *, device: str = "cpu") -> None:
        self._device = device
        self._proposal, self._refinement, self._output = open_networks(device)

    @property
    def name(self) -> str:
        """Name and version, for the provenance of the scores."""
        return "mtcnn 1.0.0"

    @torch.inference_mode()
    def find(self, picture: Picture) -> Faces:
        """Return the faces of a picture, none if there is none.

        Where none is found, the picture is searched turned by 20 degrees to either
        side, then at a larger size.
        """
        for views in self._attempts(picture):
            found = [self._search(view) for view in views]
            best = max(found, key=lambda faces: faces.confidence.max(initial=0.0))
            if best.n:
                return best
        return best

    def _attempts(self, picture: Picture) -> Iterator[list[View]]:
        """Give the views of a picture, those of one attempt together."""
        view = reduced(picture.pixels, LONG_SIDE, self._device)
        yield [view]
        yield [turned(view, degrees) for degrees in TURNS]
        if max(picture.pixels.shape[:2]) > LONG_SIDE:
            yield [reduced(picture.pixels, LONGER_SIDE, self._device)]

    def _search(self, view: View) -> Faces:
        """Return the faces of a view, in pixels of its picture."""
        squares = self._refine(view, self._propose(view))
        if not len(squares):
            return Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0))
        sure, offsets, places = (
            output.double().cpu().numpy()
            for output in self._output(windows(view, squares, OUTPUT_WINDOW))
        )
        kept = sure >= CERTAIN[2]
        squares, sure = squares[kept], sure[kept]
        size = (squares[:, 2:] - squares[:, :2])[:, None]
        points = squares[:, None, :2] + places[kept] * size
        boxes = moved_sides(squares, offsets[kept])
        kept_boxes = suppress(boxes, sure, overlap=0.7, share="smaller")
        # pixels are counted from their centres, views from the corner
        return Faces(
            view.boxes_in_picture(boxes[kept_boxes]) - 0.5,
            view.points_in_picture(points[kept_boxes]) - 0.5,
            sure[kept_boxes],
        )

    def _propose(self, view: View) -> NDArray[np.float64]:
        """Return squares (n, 4) that may hold a face."""
        boxes, sure = [np.empty((0, 4))], [np.empty(0)]
        for size in pyramid(view.size):
            pixels = interpolate(view.pixels, size, mode="area")
            probability, offsets = self._proposal(pixels)
            likely = probability >= CERTAIN[0]
            down, across = likely.nonzero(as_tuple=True)
            corner = PROPOSAL_STRIDE * torch.stack([across, down], dim=1)
            window = torch.cat([corner, corner + PROPOSAL_WINDOW], dim=1)
            scale = np.array([view.size[1] / size[1], view.size[0] / size[0]] * 2)
            level = window.double().cpu().numpy()
            level = moved_sides(level, offsets[:, likely].T.double().cpu().numpy())
            certainty = probability[likely].double().cpu().numpy()
            kept = suppress(level, certainty, overlap=0.5)[:MOST_PROPOSALS]
            boxes.append(level[kept] * scale)
            sure.append(certainty[kept])
        every, certainty = np.concatenate(boxes), np.concatenate(sure)
        kept = suppress(every, certainty, overlap=0.7)[:MOST_PROPOSALS]
        return as_squares(every[kept])

    def _refine(self, view: View, squares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the squares (n, 4) that the second stage keeps, moved."""
        if not len(squares):
            return squares
        sure, offsets = (
            output.double().cpu().numpy()
            for output in self._refinement(windows(view, squares, REFINEMENT_WINDOW))
        )
        kept = sure >= CERTAIN[1]
        squares, sure, offsets = squares[kept], sure[kept], offsets[kept]
        kept = suppress(squares, sure, overlap=0.7)
        return as_squares(moved_sides(squares[kept], offsets[kept]))


def pyramid(size: Size) -> list[Size]:
    """Return the sizes at which the first stage looks at a view, the largest first."""
    rows, columns = size
    scale = PROPOSAL_WINDOW / SMALLEST_FACE
    sizes = []
    while min(rows, columns) * scale >= PROPOSAL_WINDOW:
        sizes.append((round(rows * scale), round(columns * scale)))
        scale *= STEP
    return sizes

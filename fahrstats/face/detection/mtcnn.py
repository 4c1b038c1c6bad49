"""MTCNN, the detector used unless another is asked for.

Three networks of growing size look at a picture: the first at every window of a pyramid
of reduced pictures, the others at what the one before left. Beyond the paper, tones are
stretched, a picture without a certain face is searched again turned and larger, and the
last network looks at each face again in windows that its own landmarks place.

References
----------
Zhang, Zhang, Li and Qiao (2016), IEEE Signal Processing Letters 23:1499-1503.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from fahrstats.face.detection.alignment import ARCFACE_POINTS, similarity
from fahrstats.face.detection.boxes import as_squares, moved_sides, suppress
from fahrstats.face.detection.faces import Faces
from fahrstats.face.detection.mtcnn_networks import (
    OUTPUT_WINDOW,
    PROPOSAL_STRIDE,
    PROPOSAL_WINDOW,
    REFINEMENT_WINDOW,
    open_networks,
)
from fahrstats.face.detection.views import (
    Size,
    View,
    mapped,
    reduced,
    shrunk,
    turned,
    upright,
    windows,
)
from fahrstats.face.pictures.picture import Picture

LONG_SIDE = 320
"""Pixels of the long side to which a picture is reduced."""
LONGER_SIDE = 1000
"""The same where no face was found, for faces that are small in the picture."""
TILTS = (-20.0, 20.0)
"""Degrees by which a picture is turned where no face was found."""
QUARTERS = (-90.0, 90.0, 180.0)
"""The same where no face is beyond doubt, for photos on their side or upside down."""
SMALLEST_FACE = 24
"""Side in pixels, at the reduced size, of the smallest face that is looked for."""
STEP = 0.709
"""Side of a level of the pyramid relative to the level before: half the area."""
CERTAIN = (0.6, 0.7, 0.7)
"""Probability of a face that each of the three stages asks for."""
SETTLED = 0.9
"""The same of the windows in which a face is looked at last."""
SMALL_DOUBT = 0.01
"""One minus the same below which a face is taken to be upright. Of 293 portraits laid
upside down, 96 had a face the wrong way up, mouth for eyes, 2 of them with less doubt
than this; of 879 upright ones 848 had."""
QUARTER_DOUBT = 0.02
"""One minus the same that a face must be below to count in a picture turned by
quarters, where faceless pictures have some of up to 0.95."""
MOST_PROPOSALS = 1000
"""Proposals that the first stage compares, the most certain ones."""

MIRRORED = [1, 0, 2, 4, 3]
"""Where each landmark is in a mirror image."""


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
        side. Where none is beyond doubt, it is searched turned by quarters, which
        counts if it leaves little doubt and less than half as much. Where there is none
        yet, the picture is searched at a larger size, only as it lies.
        """
        view = reduced(picture.pixels, LONG_SIDE, self._device)
        faces = self._search(view)
        if not faces.n:
            faces = self._surest(view, TILTS)
        if _doubt(faces) >= SMALL_DOUBT:
            other = self._surest(view, QUARTERS)
            if _doubt(other) < min(QUARTER_DOUBT, _doubt(faces) / 2):
                faces = other
        if not faces.n and max(picture.pixels.shape[:2]) > LONG_SIDE:
            faces = self._search(reduced(picture.pixels, LONGER_SIDE, self._device))
        return faces

    def _surest(self, view: View, turns: tuple[float, ...]) -> Faces:
        """Return the faces of the view, turned, that has the most certain one."""
        return min((self._search(turned(view, turn)) for turn in turns), key=_doubt)

    def _search(self, view: View) -> Faces:
        """Return the faces of a view, in pixels of its picture."""
        squares = self._refine(view, self._propose(view))
        if not len(squares):
            return _NONE
        sure, offsets, points = self._look(view, upright(squares))
        boxes = moved_sides(squares, offsets)
        likely = np.flatnonzero(sure >= CERTAIN[2])
        distinct = suppress(boxes[likely], sure[likely], overlap=0.7, share="smaller")
        boxes, points = boxes[likely[distinct]], points[likely[distinct]]
        if not len(boxes):
            return _NONE
        sure, points = self._settle(view, points)
        order = np.argsort(-sure, kind="stable")
        order = order[sure[order] >= SETTLED]
        # pixels are counted from their centres, views from the corner
        return Faces(
            view.boxes_in_picture(boxes[order]) - 0.5,
            view.points_in_picture(points[order]) - 0.5,
            sure[order],
        )

    def _look(
        self, view: View, frames: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what the last stage says of n windows of a view.

        The probability of a face (n,), the offsets (n, 4), the points (n, 5, 2) in
        pixels of the view.
        """
        sure, offsets, points = (
            output[: len(frames)].double().cpu().numpy()
            for output in self._output(windows(view, frames, OUTPUT_WINDOW))
        )
        return sure, offsets, mapped(points, frames)

    def _settle(
        self, view: View, points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Look at n faces again, in windows that their points (n, 5, 2) place.

        The windows of the search lie where the proposals happen to. These four are
        upright on the face and two are mirror images of the others. The means of what
        they give are less sure of what is no face, and move less when the picture is
        shifted, scaled, turned or mirrored: the points a quarter as much.

        Returns
        -------
        sure : ndarray of shape (n,)
            Probability of a face.
        points : ndarray of shape (n, 5, 2)
            Landmarks in pixels of the view.
        """
        faces = np.array([similarity(ARCFACE_POINTS, face) for face in points])
        corners = mapped(_SETTLING[None, :, :, 2], faces)  # (n, 4, 2)
        sides = np.einsum("fij,wjk->fwik", faces[:, :, :2], _SETTLING[:, :, :2])
        frames = np.concatenate([sides, corners[..., None]], axis=-1)
        sure, _, seen = self._look(view, frames.reshape(-1, 2, 3))
        seen = seen.reshape(len(points), -1, 5, 2)
        seen[:, 1::2] = seen[:, 1::2, MIRRORED]
        return sure.reshape(len(points), -1).mean(axis=1), seen.mean(axis=1)

    def _propose(self, view: View) -> NDArray[np.float64]:
        """Return squares (n, 4) that may hold a face."""
        sizes = pyramid(view.size)
        if not sizes:
            return np.empty((0, 4))
        levels = [self._propose_at(view, size) for size in sizes]
        boxes, sure = (np.concatenate(parts) for parts in zip(*levels, strict=True))
        kept = suppress(boxes, sure, overlap=0.7, most=MOST_PROPOSALS)
        return as_squares(boxes[kept])

    def _propose_at(
        self, view: View, size: Size
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return boxes (n, 4), and how certain they are, from one level."""
        probability, offsets = self._proposal(shrunk(view, size))
        likely = probability >= CERTAIN[0]
        down, across = likely.nonzero(as_tuple=True)
        corner = PROPOSAL_STRIDE * torch.stack([across, down], dim=1)
        moved = moved_sides(
            torch.cat([corner, corner + PROPOSAL_WINDOW], dim=1).cpu().numpy(),
            offsets[:, likely].T.double().cpu().numpy(),
        )
        sure = probability[likely].double().cpu().numpy()
        kept = suppress(moved, sure, overlap=0.5, most=MOST_PROPOSALS)
        scale = np.divide(view.size, size)[::-1]
        return moved[kept] * np.tile(scale, 2), sure[kept]

    def _refine(self, view: View, squares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the squares (n, 4) that the second stage keeps, moved."""
        if not len(squares):
            return squares
        sure, offsets = (
            output[: len(squares)].double().cpu().numpy()
            for output in self._refinement(
                windows(view, upright(squares), REFINEMENT_WINDOW)
            )
        )
        likely = np.flatnonzero(sure >= CERTAIN[1])
        kept = likely[suppress(squares[likely], sure[likely], overlap=0.7)]
        moved = as_squares(moved_sides(squares[kept], offsets[kept]))
        return moved[moved[:, 2] - moved[:, 0] >= 1]  # sides may have crossed


_SETTLING = np.array(
    [
        [[sign * 2 * half, 0, 56 - sign * half], [0, 2 * half, 64 - half]]
        for half in (46.0, 54.0)
        for sign in (1, -1)
    ]
)
"""Windows on the ArcFace template, a plain one before its mirror image: centre and half
side of the boxes that the search finds, and a closer one."""
_NONE = Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0))


def _doubt(faces: Faces) -> float:
    """Return how uncertain the most certain face is, 1 if there is none."""
    return 1 - float(faces.confidence.max(initial=0.0))


def pyramid(size: Size) -> list[Size]:
    """Return the sizes at which the first stage looks at a view, the largest first."""
    rows, columns = size
    scale = PROPOSAL_WINDOW / SMALLEST_FACE
    sizes = []
    while min(rows, columns) * scale >= PROPOSAL_WINDOW:
        sizes.append((round(rows * scale), round(columns * scale)))
        scale *= STEP
    return sizes

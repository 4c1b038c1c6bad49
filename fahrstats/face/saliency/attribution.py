"""Maps of importance by captum: integrated gradients, and occlusion.

Both compare a face with its blurred self, not with a black picture: a network has seen
blurred faces and never black ones, and a black picture would call dark pixels
unimportant, because they differ least from it (Sturmfels et al. 2020).

References
----------
Sundararajan, Taly and Yan (2017), ICML, PMLR 70:3319-3328. Zeiler and Fergus (2014),
ECCV, 818-833. Sturmfels, Lundberg and Lee (2020), Distill 5(1):e22. Kokhlikyan et al.
(2020), arXiv 2009.07896 (captum).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fahrstats.errors import DataError, MissingExtraError
from fahrstats.face.detection.alignment import ARCFACE_SIDE
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.saliency.ablation import predict_all
from fahrstats.face.saliency.edits import blurred, replaced, softened
from fahrstats.face.saliency.explanation import (
    FIELD_SIDE,
    Explanation,
    explained_by_maps,
)
from fahrstats.face.saliency.networks import OpenNetwork

N_STEPS = 64
"""Points of the path from the blurred face at which gradients are taken."""

WINDOW = 16
"""Side of a window that is blurred, in pixels of the ArcFace crop.

Windows of 8 pixels mislead: the age of six portraits by mini-age did not follow their
maps (its deletion curves lay 8 years below random ones, standard error 3), but did
those of windows of 16 (19 years, 2). Without soft edges it was 1 year and 14.
"""

WINDOW_FEATHER = 0.05
"""Spread of the soft edge of a window, in distances between the eyes.

It is wider than that of regions, since straight edges are seen: deletion curves of 16
portraits by mini-age lay 18 years below random ones (standard error 2), and 15 (2) by
windows with the edges of regions.
"""

OCCLUDED_MARGIN = 0.25
"""Margin of the square in which windows are moved over a model that has no card."""

_AT_ONCE = 8


def integrated_gradients(
    network: OpenNetwork, faces: Sequence[FoundFace], *, n_steps: int = N_STEPS
) -> Explanation:
    """Share out the difference between the score of a face and of its blurred self.

    The gradient of the score is averaged along the straight path between both, by
    Gauss-Legendre quadrature, and multiplied by their difference. All pixels together
    have the difference of the two scores, but for the error of the quadrature.

    Parameters
    ----------
    network
        A network of either kind.
    faces
        The n faces, taken one by one.
    n_steps
        Points of the quadrature.

    Raises
    ------
    MissingExtraError
        captum is not installed.
    """
    method = _captum().IntegratedGradients(network.network)
    crops = []
    for face in faces:
        veiled = replace(face, pixels=blurred(face))
        by_column = [
            method.attribute(
                network.inputs([face]),
                baselines=network.inputs([veiled]),
                target=column,
                n_steps=n_steps,
                internal_batch_size=_AT_ONCE,
            ).sum(dim=1)  # (1, s, s)
            for column in range(len(network.columns))
        ]
        crops.append(torch.cat(by_column).double().cpu().numpy())
    return explained_by_maps(
        predict_all(network, faces),
        _stacked(crops, len(network.columns)),
        margin=network.card.preprocessing.crop_margin,
    )


def occlusion(
    model: FaceModel, faces: Sequence[FoundFace], *, window: int = WINDOW
) -> Explanation:
    """Explain scores of any model by windows that are blurred one after the other.

    Windows lie side by side, with soft edges. What the score
    loses by one is spread over its pixels, so that the map adds up to the changes that
    all of them make; it is as fine as a window.

    Parameters
    ----------
    model
        What scores the faces. Windows cover what it sees of the aligned face if its
        card says so, else the ArcFace crop with a quarter more on each side: by
        default 51 passes a face and score for the ArcFace crop, 123 for the latter.
    faces
        The n faces, taken one by one.
    window
        Side of a window in pixels of the ArcFace crop, where the eyes are 35 pixels
        apart; an even number.

    Raises
    ------
    MissingExtraError
        captum is not installed.
    DataError
        ``window`` is not an even number from 2 to 224.
    """
    if window not in range(2, FIELD_SIDE + 1, 2):
        raise DataError(
            f"`window` must be an even number of pixels, from 2 to {FIELD_SIDE}, but "
            f"it is {window}."
        )
    card = getattr(model, "card", None)
    margin = OCCLUDED_MARGIN if card is None else card.preprocessing.crop_margin
    wanted = math.ceil(round(ARCFACE_SIDE * (1 + 2 * margin), 6) / window)
    n_windows = min(wanted, FIELD_SIDE // window)
    captum = _captum()
    crops = []
    for face in faces:
        method = captum.Occlusion(_Veiled(model, face, window))
        by_column = [
            method.attribute(
                torch.ones((1, n_windows, n_windows), dtype=torch.float64),
                sliding_window_shapes=(1, 1),
                baselines=0,
                target=column,
                perturbations_per_eval=_AT_ONCE,
            )
            for column in range(len(model.columns))
        ]
        crops.append(torch.cat(by_column).numpy())
    return explained_by_maps(
        predict_all(model, faces),
        _stacked(crops, len(model.columns)),
        margin=(n_windows * window / ARCFACE_SIDE - 1) / 2,
    )


class _Veiled:
    """A model's scores of one face, as a function of the windows left untouched."""

    def __init__(self, model: FaceModel, face: FoundFace, window: int) -> None:
        self._model, self._face, self._window = model, face, window
        self._fill = blurred(face)

    def __call__(self, kept: Tensor) -> Tensor:
        """Return the scores, shape (b, k), for windows of shape (b, w, w)."""
        edited = (
            replaced(self._face, self._fill, self._field(1 - windows.numpy()))
            for windows in kept
        )
        return torch.from_numpy(predict_all(self._model, edited))

    def _field(self, veiled: NDArray[np.float64]) -> NDArray[np.float32]:
        """Lay windows around the centre of the field."""
        field = np.zeros((FIELD_SIDE, FIELD_SIDE), np.float32)
        square = veiled.repeat(self._window, axis=0).repeat(self._window, axis=1)
        start = (FIELD_SIDE - len(square)) // 2
        field[start : start + len(square), start : start + len(square)] = square
        return softened(field, WINDOW_FEATHER)


def _stacked(crops: list[NDArray[np.float64]], n_columns: int) -> NDArray[np.float64]:
    """Return maps of faces as one array, shape (n, k, s, s), also of no face."""
    return np.stack(crops) if crops else np.empty((0, n_columns, 1, 1))


def _captum() -> Any:
    """Import what computes the maps."""
    try:
        import captum.attr
    except ImportError as error:
        raise MissingExtraError(
            "Maps by integrated gradients or occlusion need captum; install it with "
            "`pip install 'fahrstats[saliency]'`. Ablation needs nothing more."
        ) from error
    return captum.attr

"""From aligned faces to the numbers that a network reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fahrstats.face.checkpoints.card import Preprocessing
from fahrstats.face.detection.alignment import align
from fahrstats.face.detection.faces import FoundFace


def prepare_faces(
    faces: Sequence[FoundFace], preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Align found faces and scale them as a card says, shape (n, 3, s, s)."""
    crops = [
        align(
            face,
            size=preprocessing.input_size,
            margin=preprocessing.crop_margin,
            interpolation=preprocessing.interpolation,
        )
        for face in faces
    ]
    return prepare(np.stack(crops), preprocessing)


def prepare(
    crops: NDArray[np.uint8], preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Scale, order and standardise the channels of aligned faces.

    Parameters
    ----------
    crops
        Aligned faces in sRGB, shape (n, s, s, 3), 0 to 255.
    preprocessing
        Channel order, mean and spread of the checkpoint.

    Returns
    -------
    ndarray of shape (n, 3, s, s), float32
        (value / 255 - mean) / spread, mean and spread in the order of the channels.
    """
    levels = np.arange(256, dtype=np.float64) / 255
    mean, spread = (
        np.array(x) for x in (preprocessing.channel_mean, preprocessing.channel_spread)
    )
    table = ((levels[:, None] - mean) / spread).astype(np.float32)  # (256, 3)
    channels = range(3) if preprocessing.channel_order == "RGB" else range(2, -1, -1)
    planes = [table[crops[..., source], i] for i, source in enumerate(channels)]
    return np.stack(planes, axis=1)

"""YuNet, a fast detector, from an ONNX file that the user supplies.

The file is one of the YuNet models of libfacedetection or of the OpenCV model zoo
(release 2023mar), which are not distributed on PyPI.

References
----------
Wu, Peng and Yu (2023), Machine Intelligence Research 20:656-665.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fahrstats.errors import DataError
from fahrstats.face.detection.boxes import suppress
from fahrstats.face.detection.faces import Faces
from fahrstats.face.detection.views import Size, reduced_image
from fahrstats.face.onnx_session import open_session
from fahrstats.face.pictures.picture import Picture

LONG_SIDES: Final = (320, 1000)
"""Pixels of the long side to which a picture is reduced: at first, and where no face
was found."""
STRIDES: Final = (8, 16, 32)
"""Pixels from one cell of an output to the next; sides are multiples of the last."""
CERTAIN = 0.6
"""Least confidence of a face."""
OVERLAP = 0.3
"""Overlap above which two boxes are one face."""

_OUTPUTS: Final = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Numbers that each output gives for a cell."""


class Yunet:
    """YuNet through onnxruntime, on one thread.

    What is found in a picture depends on that picture alone.

    Parameters
    ----------
    path
        The ONNX file. It may have a fixed input size; a picture is then reduced to
        fit.

    Raises
    ------
    DataError
        The file is absent or is not a YuNet model.
    MissingExtraError
        onnxruntime is not installed.
    """

    def __init__(self, path: Path) -> None:
        model = _content(path)
        self._session = open_session(model, name=path.name)
        self._sha256 = hashlib.sha256(model).hexdigest()
        inputs = self._session.get_inputs()
        outputs = {output.name for output in self._session.get_outputs()}
        absent = [name for name in _names() if name not in outputs]
        if absent or len(inputs) != 1 or len(inputs[0].shape) != 4:
            raise DataError(
                f"`{path.name}` is not a YuNet model: it must have one picture as its "
                f"input and 12 outputs, and has no `{'`, `'.join(absent)}`."
            )
        self._input = inputs[0].name
        self._fixed = tuple(
            side if isinstance(side, int) else None for side in inputs[0].shape[2:]
        )

    @property
    def name(self) -> str:
        """Name and fingerprint of the file, for the provenance of the scores."""
        return f"yunet@{self._sha256[:12]}"

    def find(self, picture: Picture) -> Faces:
        """Return the faces of a picture, none if there is none."""
        rows, columns = picture.pixels.shape[:2]
        for long_side in LONG_SIDES:
            image = reduced_image(picture.pixels, self._fitting(long_side, picture))
            faces = self._search(image, np.array([columns, rows]) / image.size)
            if faces.n or image.size == (columns, rows):
                return faces
        return faces

    def _fitting(self, long_side: int, picture: Picture) -> int:
        """Return the long side of the picture that fits into a fixed input."""
        sides = picture.pixels.shape[:2]
        factors = [
            fixed / side
            for fixed, side in zip(self._fixed, sides, strict=True)
            if fixed is not None
        ]
        return min([long_side, *(int(max(sides) * factor) for factor in factors)])

    def _search(self, image: Image.Image, scale: NDArray[np.float64]) -> Faces:
        """Return the faces of a reduced picture, in pixels of the picture."""
        size = self._padded(image.height, image.width)
        tones = np.zeros((1, 3, *size), dtype=np.float32)
        bgr = np.asarray(image)[..., ::-1]
        tones[0, :, : image.height, : image.width] = bgr.transpose(2, 0, 1)
        names = _names()
        found = self._session.run(names, {self._input: tones})
        faces = decode(dict(zip(names, found, strict=True)), size)
        # pixels are counted from their centres, those of the network from the corner
        return Faces(
            faces.boxes * np.tile(scale, 2) - 0.5,
            faces.points * scale - 0.5,
            faces.confidence,
        )

    def _padded(self, rows: int, columns: int) -> Size:
        """Return the size of the input that holds a picture."""
        step = STRIDES[-1]
        free = -(-rows // step) * step, -(-columns // step) * step
        fixed_rows, fixed_columns = self._fixed
        return fixed_rows or free[0], fixed_columns or free[1]


def decode(outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Faces:
    """Return the faces that the outputs of the network tell of.

    Each output has a row for each cell, counted along the rows of the input. Of a cell
    at (x, y), ``cls`` and ``obj`` are probabilities whose geometric mean is the
    confidence; ``bbox`` holds the shift of the centre from (x, y) in strides and the
    logarithm of width and height in strides; ``kps`` the shifts of the five points.

    Parameters
    ----------
    outputs
        Arrays of shape (1, cells, 1, 4 or 10) by name, such as ``cls_8``.
    size
        Rows and columns of the input.

    Returns
    -------
    Faces
        In pixels of the input, counted from its corner.
    """
    boxes, points, confidence = [], [], []
    for stride in STRIDES:
        cls, obj, bbox, kps = (
            np.asarray(outputs[f"{kind}_{stride}"], dtype=np.float64).reshape(-1, n)
            for kind, n in _OUTPUTS.items()
        )
        sure = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))[:, 0]
        kept = np.flatnonzero(sure >= CERTAIN)
        cells = np.column_stack(np.divmod(kept, size[1] // stride)[::-1])  # x, y
        centre = (cells + bbox[kept, :2]) * stride
        half = np.exp(bbox[kept, 2:]) * stride / 2
        boxes.append(np.hstack([centre - half, centre + half]))
        points.append((kps[kept].reshape(-1, 5, 2) + cells[:, None]) * stride)
        confidence.append(sure[kept])
    every, certainty = np.concatenate(boxes), np.concatenate(confidence)
    kept = suppress(every, certainty, overlap=OVERLAP)
    return Faces(every[kept], np.concatenate(points)[kept], certainty[kept])


def _names() -> list[str]:
    return [f"{kind}_{stride}" for kind in _OUTPUTS for stride in STRIDES]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"The YuNet file `{path}` cannot be read: {error.strerror}; give the path "
            "of an ONNX file as `yunet:PATH`."
        ) from error

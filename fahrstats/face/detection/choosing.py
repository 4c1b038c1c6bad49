"""Detectors by name."""

from __future__ import annotations

from fahrstats.errors import DataError
from fahrstats.face.detection.faces import Detector


def open_detector(name: str, *, device: str = "cpu") -> Detector:
    """Return the detector of a name.

    Parameters
    ----------
    name
        ``"mtcnn"``.
    device
        Where MTCNN runs, such as ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    DataError
        There is no such detector.
    MissingExtraError
        What the detector needs is not installed.
    """
    if name == "mtcnn":
        from fahrstats.face.detection.mtcnn import Mtcnn

        return Mtcnn(device=device)
    raise DataError(f"There is no detector `{name}`; there is `mtcnn`.")

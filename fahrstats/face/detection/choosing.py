"""Detectors by name."""

from __future__ import annotations

from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.face.detection.faces import Detector


def open_detector(name: str, *, device: str = "cpu") -> Detector:
    """Return the detector of a name.

    Parameters
    ----------
    name
        ``"mtcnn"``; ``"yunet:PATH"``, an ONNX file of that detector; or
        ``"precomputed:PATH"``, a table of faces found elsewhere, see
        :func:`~fahrstats.face.detection.precomputed.open_precomputed`.
    device
        Where MTCNN runs, such as ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    DataError
        There is no such detector, or its file is no such file.
    MissingExtraError
        What the detector needs is not installed.
    """
    kind, _, path = name.partition(":")
    if name == "mtcnn":
        from fahrstats.face.detection.mtcnn import Mtcnn

        return Mtcnn(device=device)
    if kind == "yunet" and path:
        from fahrstats.face.detection.yunet import Yunet

        return Yunet(Path(path))
    if kind == "precomputed" and path:
        from fahrstats.face.detection.precomputed import open_precomputed

        return open_precomputed(Path(path))
    if kind in ("yunet", "precomputed"):
        raise DataError(f"The detector `{name}` needs a file: `{kind}:PATH`.")
    raise DataError(
        f"There is no detector `{name}`; there are `mtcnn`, `yunet:PATH` and "
        "`precomputed:PATH`."
    )

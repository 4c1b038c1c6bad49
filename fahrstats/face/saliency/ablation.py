"""Importance of a region: what the score loses when the region is blurred."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.saliency.edits import blurred, region_fields, replaced
from fahrstats.face.saliency.explanation import Explanation
from fahrstats.face.saliency.regions import REGIONS

N_PASSES = 1 + len(REGIONS)
"""Times that the model reads a face: untouched, and without each region."""

_BATCH = 8


def ablation(model: FaceModel, faces: Sequence[FoundFace]) -> Explanation:
    """Explain scores of any model by regions, in 12 passes a face.

    The importance of a region is the score of the untouched face minus that of the face
    with the region replaced by its blurred self, edges softened. The model sees the
    edited photo from its pixels on, with the landmarks of the untouched one; a model
    that places landmarks of its own places them in the edited photo.

    Parameters
    ----------
    model
        What scores the faces.
    faces
        The n faces; no result depends on the others.

    Returns
    -------
    Explanation
        Without maps.
    """
    edited = (version for face in faces for version in _versions(face))
    found = predict_all(model, edited)  # (12 n, k)
    by_face = found.reshape(len(faces), N_PASSES, found.shape[1])
    scores = by_face[:, 0]
    changes = scores[:, None] - by_face[:, 1:]  # (n, 11, k)
    return Explanation(scores, changes.transpose(0, 2, 1))


def predict_all(model: FaceModel, faces: Iterable[FoundFace]) -> NDArray[np.float64]:
    """Score many faces of which only one batch is held in memory, shape (n, k)."""
    waiting = iter(faces)
    size = getattr(model, "batch_size", _BATCH)
    found = [np.empty((0, len(model.columns)))]
    while some := list(islice(waiting, size)):
        found.append(model.predict(some))
    return np.concatenate(found)


def _versions(face: FoundFace) -> Iterator[FoundFace]:
    """Give the untouched face, then the face without each region."""
    yield face
    fill = blurred(face)
    for name, field in zip(REGIONS, region_fields(), strict=True):
        yield replaced(face, fill, field, beyond=name == "background")

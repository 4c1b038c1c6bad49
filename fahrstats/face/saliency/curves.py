"""Deletion and insertion: does the score follow what was called important.

References
----------
Petsiuk, Das and Saenko (2018), RISE, BMVC. Blurred instead of black, as for the other
explanations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.saliency.ablation import predict_all
from fahrstats.face.saliency.edits import blurred, region_fields, replaced
from fahrstats.face.saliency.explanation import FIELD_SIDE, Explanation

_SQUARE = 16  # pixels of a map that are replaced together
_MOST_STEPS = 14


@dataclass(frozen=True, slots=True, eq=False)
class ReplacementCurves:
    """What a score does while a face is blurred or restored piece by piece.

    Attributes
    ----------
    steps : DataFrame
        One row per curve, order and step: ``curve``, ``"deletion"`` (from the untouched
        face) or ``"insertion"`` (from the blurred one); ``order``, ``"importance"``
        (highest first) or ``"random"``; ``share`` of the pieces that are blurred, or
        restored; ``score``, the mean over faces (and random orders).
    areas : DataFrame
        One row per curve: ``area`` under the curve by importance, the mean score along
        it; ``area_random``; ``difference`` between both and its ``std_error`` over
        faces; ``share_better``, the share of faces whose curve beats the mean of its
        random orders; ``passed``, whether the difference has the right sign by more
        than two standard errors: below random in deletion, above it in insertion.
    n : int
        Faces behind them.
    """

    steps: pd.DataFrame
    areas: pd.DataFrame
    n: int


def replacement_curves(
    model: FaceModel,
    faces: Sequence[FoundFace],
    explanation: Explanation,
    *,
    column: int = 0,
    n_random: int = 5,
    seed: int = 0,
) -> ReplacementCurves:
    """Blur faces, and restore them, in the order of importance and in random orders.

    Pieces are regions, or squares of 16 pixels where the explanation has maps; they are
    taken in at most 14 steps.

    Parameters
    ----------
    model
        What scores the faces.
    faces
        The n faces that were explained, at least two.
    explanation
        What is tested.
    column
        Position of the score among the model's.
    n_random
        Random orders for each face.
    seed
        Of these orders; a face's do not depend on the other faces.

    Raises
    ------
    DataError
        There are fewer than two faces, not those of the explanation, or no random
        order.
    """
    if len(faces) < 2 or len(faces) != len(explanation.scores) or n_random < 1:
        raise DataError(
            f"Curves need at least two `faces`, those of the explanation, and one "
            f"random order, but there are {len(faces)} faces, {len(explanation.scores)}"
            f" explained ones and {n_random} orders."
        )
    pieces = _Pieces.of(explanation)
    importance = pieces.importance(explanation, column)  # (n, pieces)
    streams = np.random.SeedSequence(seed).spawn(len(faces))
    curves = []
    for face, values, stream in zip(faces, importance, streams, strict=True):
        rng = np.random.default_rng(stream)
        orders = [np.argsort(-values, kind="stable")]
        orders += [rng.permutation(len(values)) for _ in range(n_random)]
        found = predict_all(model, pieces.edits(face, orders))[:, column]
        curves.append(found.reshape(len(orders), 2, pieces.n_steps + 1))
    return _summary(np.stack(curves))


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Parts of a face that are replaced one after the other."""

    fields: NDArray[np.float32]
    has_beyond: bool

    @classmethod
    def of(cls, explanation: Explanation) -> _Pieces:
        """Return regions, or squares where there are maps."""
        if explanation.maps is None:
            return cls(region_fields(), has_beyond=True)
        n = FIELD_SIDE // _SQUARE
        squares = np.eye(n**2, dtype=np.float32).reshape(n**2, n, n)
        whole = squares.repeat(_SQUARE, axis=1).repeat(_SQUARE, axis=2)
        return cls(whole, has_beyond=False)

    @property
    def n_steps(self) -> int:
        """Steps in which they are replaced."""
        return min(len(self.fields), _MOST_STEPS)

    def importance(self, explanation: Explanation, column: int) -> NDArray[np.float64]:
        """Return the importance of each piece, shape (n, pieces)."""
        if explanation.maps is None:
            return explanation.regions[:, column]
        n = FIELD_SIDE // _SQUARE
        cells = explanation.maps[:, column].reshape(-1, n, _SQUARE, n, _SQUARE)
        return np.asarray(cells.sum(axis=(2, 4), dtype=np.float64).reshape(-1, n**2))

    def edits(
        self, face: FoundFace, orders: Sequence[NDArray[np.intp]]
    ) -> Iterator[FoundFace]:
        """Give the steps of deletion, then of insertion, for every order."""
        fill = blurred(face)
        last = len(self.fields)
        for order in orders:
            ends = [round(last * i / self.n_steps) for i in range(self.n_steps + 1)]
            for chosen in [order[:end] for end in ends] + [order[end:] for end in ends]:
                taken = np.zeros(last, np.float32)
                taken[chosen] = 1
                field = np.tensordot(taken, self.fields, axes=1)
                beyond = self.has_beyond and last - 1 in chosen
                yield replaced(face, fill, np.minimum(field, 1), beyond=beyond)


def _summary(curves: NDArray[np.float64]) -> ReplacementCurves:
    """Average curves of shape (n, 1 + random orders, 2, steps + 1) over faces."""
    names = ("deletion", "insertion")
    by_order = {"importance": curves[:, 0], "random": curves[:, 1:].mean(axis=1)}
    share = np.linspace(0, 1, curves.shape[-1])
    steps = [
        pd.DataFrame(
            {
                "curve": name,
                "order": order,
                "share": share,
                "score": found[:, i].mean(axis=0),
            }
        )
        for i, name in enumerate(names)
        for order, found in by_order.items()
    ]
    areas = {
        order: np.trapezoid(found, share, axis=-1) for order, found in by_order.items()
    }  # (n, 2)
    difference = areas["importance"] - areas["random"]
    better = difference * (-1, 1)
    std_error = difference.std(axis=0, ddof=1) / np.sqrt(len(curves))
    table = pd.DataFrame(
        {
            "curve": names,
            "area": areas["importance"].mean(axis=0),
            "area_random": areas["random"].mean(axis=0),
            "difference": difference.mean(axis=0),
            "std_error": std_error,
            "share_better": (better > 0).mean(axis=0),
            "passed": better.mean(axis=0) > 2 * std_error,
        }
    )
    return ReplacementCurves(pd.concat(steps, ignore_index=True), table, len(curves))

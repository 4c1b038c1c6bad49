"""What every way of explaining scores gives, whatever the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.saliency.regions import REGION_MARGIN, REGIONS, region_map

Method = Literal["ablation", "occlusion", "integrated-gradients", "rollout"]
"""Ways to explain a score."""

FIELD_SIDE = 224
"""Side of a map: one pixel for each of the ArcFace crop, with the regions' margin."""

LARGEST_CORRELATION = 0.5
"""Mean rank correlation, without its sign, up to which a map counts as destroyed."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How scores are explained in a run.

    Attributes
    ----------
    method : str
        ``"ablation"`` (any model, 12 passes a face), ``"occlusion"`` (any model, some
        hundred), ``"integrated-gradients"`` (checkpoints) or ``"rollout"`` (vision
        transformers).
    maps : bool
        Keep a map of every face, which ablation does not give.
    """

    method: Method = "ablation"
    maps: bool = False

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise DataError(
                f"`method` must be one of {', '.join(get_args(Method))}, but it is "
                f"{self.method!r}."
            )
        if self.maps and self.method == "ablation":
            raise DataError(
                "Ablation tells of regions and gives no map; choose occlusion, "
                "integrated-gradients or rollout by `method`."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Scores of n faces, and what they rest on.

    Attributes
    ----------
    scores : ndarray of shape (n, k), float64
        Scores of the untouched faces; NaN where the model has none.
    regions : ndarray of shape (n, k, 11), float64
        Importance of each region in the order of
        :data:`~fahrstats.face.saliency.regions.REGIONS`. By ablation, occlusion and
        integrated gradients it is a signed part of the score, in its units: positive
        where the region raises the score above that of a blurred one. By rollout it
        is a share of all relevance, from 0 to 1.
    maps : ndarray of shape (n, k, 224, 224), float32, or None
        The same for every place of the aligned face with the margin of the regions; a
        map adds up to its regions. None where the method tells of regions only.
    """

    scores: NDArray[np.float64]
    regions: NDArray[np.float64]
    maps: NDArray[np.float32] | None = None


def explained_by_maps(
    scores: NDArray[np.float64], crops: NDArray[np.float64], *, margin: float
) -> Explanation:
    """Lay maps of an aligned crop on the field of the regions, and sum them up there.

    Parameters
    ----------
    scores
        Scores of the faces, shape (n, k).
    crops
        Importance of every pixel of the crop, shape (n, k, s, s).
    margin
        Margin of the crop. Where it is larger than that of the regions, what lies
        beyond counts as background and is left out of the maps.
    """
    spread = _overlaps(crops.shape[-1], margin)  # (224, s)
    fields = spread @ crops @ spread.T
    regions = region_map(FIELD_SIDE)
    sums = np.stack(
        [fields[..., regions == i].sum(axis=-1) for i in range(len(REGIONS))], axis=-1
    )
    sums[..., REGIONS.index("background")] += crops.sum((-2, -1)) - fields.sum((-2, -1))
    return Explanation(scores, sums, fields.astype(np.float32))


def _overlaps(side: int, margin: float) -> NDArray[np.float64]:
    """Return which share of a crop's row lies in which row of the field, (224, s)."""
    zoom = (1 + 2 * margin) / (1 + 2 * REGION_MARGIN)
    edges = FIELD_SIDE * (0.5 + zoom * (np.arange(side + 1) / side - 0.5))
    rows = np.arange(FIELD_SIDE)[:, None]
    common = np.minimum(edges[1:], rows + 1) - np.maximum(edges[:-1], rows)
    return np.asarray(np.maximum(common, 0) / np.diff(edges), np.float64)

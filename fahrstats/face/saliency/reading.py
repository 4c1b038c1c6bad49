"""Importance of regions as what a run does to every face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.engine import Device, WantedPrecision
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.models.opening import check_columns, open_models
from fahrstats.face.saliency.ablation import ablation
from fahrstats.face.saliency.attribution import (
    N_STEPS,
    WINDOW,
    WINDOW_FEATHER,
    integrated_gradients,
    occlusion,
)
from fahrstats.face.saliency.edits import BLUR, FEATHER
from fahrstats.face.saliency.explanation import (
    FIELD_SIDE,
    Explanation,
    Importance,
    Method,
)
from fahrstats.face.saliency.importance_table import (
    MAP_SIDE,
    MAP_SUFFIX,
    REGIONS_SUFFIX,
)
from fahrstats.face.saliency.networks import OpenNetwork, open_network
from fahrstats.face.saliency.regions import REGIONS
from fahrstats.face.saliency.rollout import check_attention, rollout

_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class ImportanceReading:
    """Scores of one or several models, and what they rest on.

    Attributes
    ----------
    models : tuple of FaceModel
        What is explained; networks for the methods that need gradients.
    importance : Importance
        How, and whether maps are kept.
    """

    models: tuple[FaceModel, ...]
    importance: Importance

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Each score, its regions, and its map if it is kept."""
        found: dict[str, pa.DataType] = {}
        for score in (column for model in self.models for column in model.columns):
            found[score] = pa.float64()
            found[f"{score}{REGIONS_SUFFIX}"] = pa.list_(pa.float64(), len(REGIONS))
            if self.importance.maps:
                found[f"{score}{MAP_SUFFIX}"] = pa.list_(pa.float32(), MAP_SIDE**2)
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """Method and regions, and what faces are compared with."""
        settings = {
            "ablation": {"blur": BLUR, "feather": FEATHER},
            "occlusion": {
                "blur": BLUR,
                "feather": WINDOW_FEATHER,
                "window": WINDOW,
            },
            "integrated-gradients": {"blur": BLUR, "steps": N_STEPS},
            "rollout": {},
        }[self.importance.method]
        described = {**asdict(self.importance), "regions": list(REGIONS), **settings}
        return {"importance": described}

    @property
    def pixels_wanted(self) -> int:
        """The most that a model wants."""
        return max(model.pixels_wanted for model in self.models)

    @property
    def batch_size(self) -> int:
        """Few, since each face is read many times."""
        return _BATCH

    def read(self, faces: Sequence[FoundFace]) -> dict[str, Iterable[Any]]:
        """Return scores, regions and maps; None where a model has no score."""
        found: dict[str, Iterable[Any]] = {}
        for model in self.models:
            explanation = explain(model, faces, self.importance.method)
            for i, score in enumerate(model.columns):
                known = np.isfinite(explanation.scores[:, i])
                found[score] = explanation.scores[:, i]
                found[f"{score}{REGIONS_SUFFIX}"] = _known(
                    explanation.regions[:, i], known
                )
                if self.importance.maps:
                    assert explanation.maps is not None
                    found[f"{score}{MAP_SUFFIX}"] = _known(
                        _stored(explanation.maps[:, i]), known
                    )
        return found


def open_importance(
    names: Sequence[str],
    importance: Importance,
    *,
    device: Device = "auto",
    precision: WantedPrecision = "auto",
) -> ImportanceReading:
    """Open models whose scores are explained.

    Parameters
    ----------
    names
        Models by name, as :func:`~fahrstats.face.models.opening.open_model` reads them.
    importance
        How they are explained. Gradients are taken in float32 in any case.
    device, precision
        As for :class:`~fahrstats.face.engine.Engine`.

    Raises
    ------
    DataError
        A model cannot be opened, or not be explained by this method.
    """
    models: Sequence[FaceModel]
    if importance.method in ("integrated-gradients", "rollout"):
        networks = [open_network(name, device=device) for name in names]
        if importance.method == "rollout":
            for network in networks:
                check_attention(network)
        check_columns(networks)
        models = networks
    else:
        models = open_models(names, device=device, precision=precision)
    return ImportanceReading(tuple(models), importance)


def explain(
    model: FaceModel, faces: Sequence[FoundFace], method: Method
) -> Explanation:
    """Explain the scores of faces by one of the methods, with its default settings.

    Raises
    ------
    DataError
        The method needs gradients, and the model is not opened for them.
    """
    if method == "ablation":
        return ablation(model, faces)
    if method == "occlusion":
        return occlusion(model, faces)
    if not isinstance(model, OpenNetwork):
        raise DataError(
            f"Gradients cannot be taken of `{model.name}`; explain it by ablation or "
            "occlusion."
        )
    if method == "rollout":
        return rollout(model, faces)
    return integrated_gradients(model, faces)


def _known(
    values: NDArray[np.floating[Any]], known: NDArray[np.bool_]
) -> list[NDArray[np.floating[Any]] | None]:
    """Return rows, None where nothing is known."""
    return [row if there else None for row, there in zip(values, known, strict=True)]


def _stored(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return maps in the size that is stored, with the same sums, shape (n, 112^2)."""
    step = FIELD_SIDE // MAP_SIDE
    cells = maps.reshape(len(maps), MAP_SIDE, step, MAP_SIDE, step).sum(axis=(2, 4))
    return np.asarray(cells.reshape(len(maps), -1), np.float32)

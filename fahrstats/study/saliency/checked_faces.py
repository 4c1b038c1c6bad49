"""Whether explanations can be believed, on some of the faces, as result tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.columns import in_order
from fahrstats.study.saliency.photos import find_faces, model_names
from fahrstats.study.saliency.specification import Saliency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fahrstats.face.detection.faces import FoundFace
    from fahrstats.face.models.face_model import FaceModel

PASSED, FAILED = "passed", "failed"
"""Notes of a check."""

_REACH = norm.isf(0.025)
_DRAWS = 2  # of parameters, over at least twenty faces each
_BY_READING = ("ablation", "occlusion")
_BY_GRADIENTS = "not estimated: gradients are taken"
_NO_PARAMETERS = "not estimated: its parameters cannot be drawn anew"


@dataclass(frozen=True, slots=True, eq=False)
class CheckedFaces:
    """What checks of explanations found.

    Attributes
    ----------
    sanity : DataFrame
        Rank correlation of importance before and after parameters are drawn anew.
    areas : DataFrame
        Mean score along deletion and insertion, by importance less at random.
    curves : DataFrame
        Mean score step by step.
    cost : DataFrame
        Passes through each model that explain one face.
    """

    sanity: pd.DataFrame
    areas: pd.DataFrame
    curves: pd.DataFrame
    cost: pd.DataFrame


def check_explanations(
    study: Saliency, data_dir: Path | None, results: Path
) -> CheckedFaces:
    """Check how the scores of some faces are explained.

    Raises
    ------
    DataError
        The photos or a model are absent, or too few photos have a usable face.
    """
    from fahrstats.face.saliency.explanation import Importance
    from fahrstats.face.saliency.reading import open_importance

    names = model_names(study, results)
    opened = open_importance(names, Importance(study.photos.method)).models
    wanted = max(model.pixels_wanted for model in opened)
    faces = find_faces(study, data_dir, wanted)
    sanity: list[dict[str, Any]] = []
    areas: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    cost: list[dict[str, Any]] = []
    for name, model in zip(names, opened, strict=True):
        if not set(model.columns) & set(study.columns):
            continue
        sanity += _randomised(study, name, model, faces)
        of_curves = _replaced(study, model, faces)
        areas += of_curves[0]
        curves += of_curves[1]
        cost.append(_passes(study, model, faces[0]))
    parts = (sanity, areas, curves, cost)
    return CheckedFaces(*(_table(rows, study.columns) for rows in parts))


def _table(rows: list[dict[str, Any]], models: Sequence[str]) -> pd.DataFrame:
    """Return rows as a table, models in their order."""
    table = pd.DataFrame(
        [row for name in models for row in rows if row["model"] == name]
    )
    return table[in_order(table.columns)]


def _randomised(
    study: Saliency, name: str, model: FaceModel, faces: Sequence[FoundFace]
) -> list[dict[str, Any]]:
    """Explain a network again after its parameters are drawn, from the head down."""
    from fahrstats.face.models.opening import BENCHMARK, split_name
    from fahrstats.face.saliency.networks import open_network
    from fahrstats.face.saliency.sanity import randomisation_check

    row = {"model": model.columns[0], "estimand": "rank_correlation", "n": len(faces)}
    if split_name(name)[1] == BENCHMARK:
        nothing = {"level": "", "step": 0, "estimate": float("nan")}
        return [{**row, **nothing, "note": _NO_PARAMETERS}]
    found = randomisation_check(
        open_network(name),
        faces,
        method=study.photos.method,
        n_draws=_DRAWS,
        seed=study.seed,
    )
    verdict = PASSED if found["passed"].iloc[-1] else FAILED
    return [
        {
            **row,
            "level": stage["randomised"],
            "step": at + 1,
            "estimate": stage["correlation"],
            "note": verdict if at == len(found) - 1 else "",
        }
        for at, stage in enumerate(found.to_dict("records"))
    ]


def _replaced(
    study: Saliency, model: FaceModel, faces: Sequence[FoundFace]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Blur faces and restore them in the order of importance, and at random."""
    from fahrstats.face.saliency.curves import replacement_curves
    from fahrstats.face.saliency.reading import explain

    explanation = explain(model, faces, study.photos.method)
    areas: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for at, column in enumerate(model.columns):
        if column not in study.columns:
            continue
        found = replacement_curves(
            model, faces, explanation, column=at, seed=study.seed
        )
        row = {"model": column, "n": found.n}
        areas += [{**row, **area} for area in _areas(found.areas)]
        steps += [
            {
                **row,
                "condition": step["curve"],
                "dose": step["share"],
                "group": step["order"],
                "estimand": "mean_score",
                "estimate": step["score"],
            }
            for step in found.steps.to_dict("records")
        ]
    return areas, steps


def _areas(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the mean score along each curve, less that at random, with its limits."""
    for row in table.to_dict("records"):
        reach = _REACH * row["std_error"]
        yield {
            "condition": row["curve"],
            "estimand": "delta_mean_score",
            "estimate": row["difference"],
            "std_error": row["std_error"],
            "conf_low": row["difference"] - reach,
            "conf_high": row["difference"] + reach,
            "note": PASSED if row["passed"] else FAILED,
        }


def _passes(study: Saliency, model: FaceModel, face: FoundFace) -> dict[str, Any]:
    """Count how often a model reads a face to explain its score."""
    from fahrstats.face.saliency.reading import explain

    row = {"model": model.columns[0], "estimand": "passes", "n": 1}
    if study.photos.method not in _BY_READING:
        return {**row, "estimate": float("nan"), "note": _BY_GRADIENTS}
    counted = _Counted(model)
    explain(counted, [face], study.photos.method)
    return {**row, "estimate": float(counted.n_read), "note": ""}


class _Counted:
    """A model, and how many faces it has read."""

    def __init__(self, model: FaceModel) -> None:
        self._model, self.n_read = model, 0
        self.name, self.columns = model.name, model.columns
        self.pixels_wanted = model.pixels_wanted
        self.card = getattr(model, "card", None)

    def predict(self, faces: Sequence[FoundFace]) -> NDArray[np.float64]:
        """Return the scores of the model."""
        self.n_read += len(faces)
        return self._model.predict(faces)

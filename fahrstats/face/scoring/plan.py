"""What is done to every photo of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import LARGEST_MARGIN, Interpolation
from fahrstats.face.detection.found import SMALLEST_FACE, Several
from fahrstats.face.engine import Device, WantedPrecision
from fahrstats.face.perturbations.catalogue import Panel
from fahrstats.face.saliency.explanation import Importance

_LARGEST_CROP = 512  # a shard of crops is held in memory


@dataclass(frozen=True, slots=True)
class Crop:
    """How faces are cut out, as :func:`~fahrstats.face.detection.alignment.align` does.

    By default 89 pixels lie across the ArcFace crop. A network with a margin of 0.2
    sees 124 of the 160, so that a face can be shifted by a tenth of what it sees, or
    turned by some degrees, without showing what was never photographed.

    Attributes
    ----------
    size : int
        Side in pixels.
    margin : float
        Share of the ArcFace crop's side added on each side, from 0 to 1.
    interpolation : str
        ``"bilinear"`` or ``"bicubic"``.
    """

    size: int = 160
    margin: float = 0.4
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        if not 1 <= self.size <= _LARGEST_CROP:
            raise DataError(
                f"`size` must be between 1 and {_LARGEST_CROP} pixels, but it is "
                f"{self.size}."
            )
        if not 0 <= self.margin <= LARGEST_MARGIN:
            raise DataError(
                f"`margin` must be between 0 and {LARGEST_MARGIN:g}, but it is "
                f"{self.margin}."
            )
        if self.interpolation not in get_args(Interpolation):
            raise DataError(
                f"`interpolation` must be bilinear or bicubic, but it is "
                f"{self.interpolation!r}."
            )

    @property
    def n_bytes(self) -> int:
        """Bytes of one crop: sRGB, row by row."""
        return 3 * self.size**2


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to every photo; small and picklable, since each worker has one.

    Attributes
    ----------
    models : tuple of str
        Models by name, as :func:`~fahrstats.face.models.opening.open_model` reads them;
        none for crops.
    predictions : str or None
        Table of ages predicted elsewhere, which become further scores.
    detector : str
        Detector by name, as
        :func:`~fahrstats.face.detection.choosing.open_detector` reads it.
    several, min_face
        Which face is scored where there are several, and the height in pixels of the
        smallest one, as for :func:`~fahrstats.face.detection.found.find_face`.
    device, precision : str
        As for :class:`~fahrstats.face.engine.Engine`.
    keep_date : bool
        Keep when a photo was taken, as its EXIF says, in the column ``taken``.
    batch_size : int or None
        Faces that the models are given at once, by default as many as suits them; no
        result depends on it.
    outcome : str
        ``"scores"``, ``"embeddings"`` of the one model, ``"crops"``,
        ``"perturbed"``: scores under simulated changes, or ``"importance"`` of the
        regions of the face for the scores.
    crop : Crop
        How faces are cut out, if the outcome is crops.
    panel : Panel
        What is changed, if the outcome is perturbed.
    importance : Importance
        How scores are explained, if the outcome is importance.
    """

    models: tuple[str, ...]
    predictions: str | None = None
    detector: str = "mtcnn"
    several: Several = "refuse"
    min_face: int = SMALLEST_FACE
    device: Device = "auto"
    precision: WantedPrecision = "auto"
    keep_date: bool = False
    batch_size: int | None = None
    outcome: Literal["scores", "embeddings", "crops", "perturbed", "importance"] = (
        "scores"
    )
    crop: Crop = Crop()
    panel: Panel = field(default_factory=Panel)
    importance: Importance = field(default_factory=Importance)

    def __post_init__(self) -> None:
        has_model = bool(self.models) or self.predictions is not None
        if self.outcome == "crops" and has_model:
            raise DataError("Crops are cut without a model; name none.")
        if self.outcome != "crops" and not has_model:
            table = ", or a table of ages by `predictions`"
            raise DataError(
                "Photos cannot be scored without a model: name one by `checkpoint`"
                f"{table if self.outcome == 'scores' else ''}."
            )
        if self.several not in get_args(Several):
            raise DataError(
                f"`several` must be refuse, largest or central, but it is "
                f"{self.several!r}."
            )
        if self.outcome == "embeddings" and len(self.models) != 1:
            raise DataError(
                f"Embeddings are those of one checkpoint, not of {len(self.models)}."
            )
        if self.outcome == "importance" and self.predictions is not None:
            raise DataError(
                "A table of ages, `predictions`, has not looked at faces and cannot be "
                "explained; name models by `checkpoint` only."
            )
        if self.outcome == "perturbed":
            self._check_panel()
        if self.min_face < 0:
            raise DataError(f"`min_face` must not be negative, as {self.min_face} is.")
        if self.batch_size is not None and self.batch_size < 1:
            raise DataError(
                f"`batch_size` must be at least 1, but it is {self.batch_size}."
            )

    @property
    def is_slow(self) -> bool:
        """Whether a photo takes seconds, since models look at it many times."""
        return self.outcome in ("perturbed", "importance")

    def _check_panel(self) -> None:
        """Refuse what cannot look at a changed picture."""
        if self.predictions is not None:
            raise DataError(
                "A table of ages, `predictions`, says nothing about changed pictures; "
                "name models by `checkpoint` only."
            )
        if self.panel.landmarks == "detected" and self.detector.startswith(
            "precomputed:"
        ):
            raise DataError(
                f"The detector `{self.detector}` cannot look at changed pictures; "
                "set `landmarks` to carried, or choose another detector."
            )


def model_names(checkpoint: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    """Return one or several checkpoints as a plan names them."""
    if isinstance(checkpoint, str | Path):
        return (str(checkpoint),)
    return tuple(str(one) for one in checkpoint)

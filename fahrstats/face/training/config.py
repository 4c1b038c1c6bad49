"""What decides the outcome of a training, besides the data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from fahrstats.face.checkpoints.card import AnyArchitecture, Preprocessing
from fahrstats.face.training.faces.augment import Augmentation

Kind = Literal["pretrain", "age", "survival"]
TrainedPrecision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a training with a schedule of its own; the next starts from its best.

    Attributes
    ----------
    epochs : int
        Times that every photo is seen; with ``balanced``, as many draws.
    batch_size : int
        Photos of a step, over all processes.
    chunks : int
        Parts of a process's photos that are read one after another, for memory. The
        gradient stays that of the whole batch, but batch norms see a part at a time,
        over all processes: keep parts large. Parts are read twice, and move the running
        means twice to the same place, which then forget earlier steps sooner.
    peak : float
        Highest learning rate of AdamW.
    warm_up : float
        Share of the steps in which the rate rises, before it falls along a cosine.
    weight_decay, layer_decay : float
        As for :func:`~fahrstats.face.training.optimisation.parameter_groups`.
    average : float
        Decay of the moving average of the parameters, which is what is saved.
    clip : float
        Largest norm of a step's gradient; a very large one leaves gradients alone.
    balanced : bool
        Draw photos so that every age bin is equally frequent.
    patience : int
        Epochs without a better error on the tuning photos after which the stage ends;
        0 goes on to the end.
    """

    epochs: int
    batch_size: int = 128
    chunks: int = 1
    peak: float = 1e-3
    warm_up: float = 0.05
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    average: float = 0.999
    clip: float = 5.0
    balanced: bool = False
    patience: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that decides the outcome of a training, besides the data.

    Attributes
    ----------
    kind : str
        ``"pretrain"``, ``"age"`` or ``"survival"``.
    crops : tuple of Path
        Tables that ``fahrstats crop`` wrote.
    labels : Path or None
        Table of labels; for pretraining it says which photos are left for testing.
    shares : tuple of (str, float)
        Splits and their shares of the persons, where the labels name no split.
    label_share : float
        Share of the persons of the training split whose labels are used.
    start : str or None
        Checkpoint whose network is trained further.
    architecture, preprocessing
        Of the network, and how it is fed.
    augmentation : Augmentation
        How training photos are varied.
    stages : tuple of Stage
        One after another.
    seed : int
        Of all draws.
    precision : str
        Of the large products while training.
    loss : str
        ``"huber"`` or ``"l1"`` for ages, ``"cox"`` or ``"ranking"`` for survival.
    delta, spread : float
        Of :func:`~fahrstats.face.training.age_losses.age_loss`.
    age_bins : tuple of float
        Lower edges of the age bins that are balanced and averaged over; the last bin
        is open.
    adjust : tuple of str
        ``"age"`` and ``"sex"``, where the log hazard is learned beside them.
    mask_ratio, patch_size, decoder_width, decoder_depth
        Of the masked autoencoder; the sides of hidden patches are those of the network
        where it has patches itself.
    folder : Path
        Where all is written.
    name, training_data, licence, notes : str
        Of the card.
    """

    kind: Kind
    crops: tuple[Path, ...]
    labels: Path | None
    shares: tuple[tuple[str, float], ...]
    label_share: float
    start: str | None
    architecture: AnyArchitecture
    preprocessing: Preprocessing
    augmentation: Augmentation
    stages: tuple[Stage, ...]
    seed: int
    precision: TrainedPrecision
    loss: str
    delta: float
    spread: float
    age_bins: tuple[float, ...]
    adjust: tuple[str, ...]
    mask_ratio: float
    patch_size: int
    decoder_width: int
    decoder_depth: int
    folder: Path
    name: str
    training_data: str
    licence: str
    notes: str

    def text(self) -> str:
        """Return what decides the parameters that come out, one setting a line.

        Where files lie, and what the card says, is not part of it.
        """
        told = asdict(self)
        for key in ("crops", "labels", "folder", "name", "training_data", "licence"):
            del told[key]
        del told["notes"]
        return "".join(
            f"{key} = {json.dumps(value)}\n" for key, value in sorted(told.items())
        )

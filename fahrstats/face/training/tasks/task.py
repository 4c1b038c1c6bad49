"""What the loop asks of a training, and how the labels of one are read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from fahrstats.errors import DataError, ResultWarning
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.training.config import Config, Stage
from fahrstats.face.training.faces.crops import Crops
from fahrstats.face.training.faces.labels import Labels, read_labels
from fahrstats.face.training.faces.splits import split_subjects
from fahrstats.face.training.learner import Learner
from fahrstats.resampling import IntArray

FloatArray = NDArray[np.float64]


class Task(Protocol):
    """What the loop asks of a training.

    Attributes
    ----------
    rows, tune_rows : ndarray of int64
        Crops that are learned from, and crops that tell when to stop; there may be
        none of the latter.
    outputs : tuple of Output
        Columns of the head of what is trained.
    error_name : str
        What `error` measures.
    tune_extra : Tensor or None
        What the learner is given beside the images of `tune_rows`.
    data : str
        Fingerprint of crops and labels.
    left_out : str
        How many photos have no split, and why; "" where all have one.
    """

    rows: IntArray
    tune_rows: IntArray
    outputs: tuple[Output, ...]
    error_name: str
    tune_extra: Tensor | None
    data: str
    left_out: str

    def learner(self, seed: int) -> Learner:
        """Return what is trained, its parameters drawn."""

    def begin(self, learner: Learner, start: Checkpoint) -> None:
        """Let what is trained begin from the parameters of a checkpoint."""

    def batches(self, stage: Stage, *, seed: int, epoch: int) -> Sequence[IntArray]:
        """Return the batches of an epoch; numbers are places in `rows`."""

    def extra(self, places: IntArray, generator: torch.Generator) -> Tensor | None:
        """Return what the learner is given beside the images of a batch."""

    def loss(self, outputs: Tensor, places: IntArray) -> Tensor:
        """Return the loss of a whole batch, (batch,) outputs, as one number."""

    def error(self, outputs: FloatArray) -> float:
        """Return how wrong outputs for `tune_rows` are; lower is better."""

    def stored(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the parameters of a checkpoint from those that were trained."""

    def describe(self, stage: Stage) -> str:
        """Say in one line what a stage learns from."""


def labels_of(config: Config, crops: Crops) -> Labels:
    """Read the labels and, unless the table names them, deal the splits."""
    if config.labels is None:
        raise DataError("`labels` is missing in [data]; name the table of labels.")
    labels = read_labels(config.labels, crops)
    if not labels.split.any():
        labels = labels.deal(dict(config.shares), seed=config.seed)
    _warn_of_copies(labels, crops)
    return labels


def _warn_of_copies(labels: Labels, crops: Crops) -> None:
    """Warn if a network would be judged by photos that it has learned."""
    split = pd.Series(labels.split, dtype=object)
    n_splits = split.groupby(crops.content[labels.row]).transform("nunique")
    n_torn = int((n_splits > 1).sum())
    if n_torn:
        warnings.warn(
            f"{n_torn:,} of {len(labels):,} photos have copies, the same to the byte, "
            "in another split, so that the network is judged by faces it has learned; "
            "put copies into one split, by one `subject`, or take them out.",
            ResultWarning,
            stacklevel=2,
        )


def left_out_of(labels: Labels, crops: Crops, **n_without: int) -> str:
    """Say how many photos are left out, and why; "" if none are.

    Parameters
    ----------
    labels
        All that were joined to `crops`.
    crops
        Faces.
    **n_without
        Photos among `labels` that lack what is learned, by what it is.
    """
    counts = {
        "crop": labels.n_without_crop,
        "label": len(crops) - len(labels),
        **n_without,
    }
    return ", ".join(f"{n:,} without {what}" for what, n in counts.items() if n)


def share_of(labels: Labels, config: Config) -> Labels:
    """Keep the photos of a share of the persons."""
    share = config.label_share
    if share == 1:
        return labels
    n_people = len(np.unique(labels.subject))
    if not 0 < round(share * n_people) < n_people:
        raise DataError(
            f"`label_share` is {share:g} of {n_people:,} persons, which leaves none "
            "in or none out; change it."
        )
    drawn = split_subjects(
        labels.subject, shares={"used": share, "left": 1 - share}, seed=config.seed
    )
    return labels.take(drawn == "used")


def middle_of(labels: Labels) -> FloatArray:
    """Return the age, or where it is about, to scale the outputs of the network."""
    high = np.where(np.isinf(labels.age_high), labels.age_low, labels.age_high)
    return (labels.age_low + high) / 2


def under(prefix: str, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the parameters whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in parameters.items()
        if name.startswith(prefix)
    }

"""Predicting ages that are known exactly, or within an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.pictures.photos import hash_of
from fahrstats.face.training.age_losses import age_loss
from fahrstats.face.training.config import Config, Stage
from fahrstats.face.training.faces.batches import (
    age_balanced_batches,
    draw_shares,
    effective_sample_size,
    shuffled_batches,
)
from fahrstats.face.training.faces.crops import Crops
from fahrstats.face.training.faces.labels import age_bins
from fahrstats.face.training.learner import (
    Learner,
    new_network,
    take_over,
    without_head,
)
from fahrstats.face.training.tasks.task import (
    FloatArray,
    labels_of,
    left_out_of,
    middle_of,
    share_of,
    under,
)
from fahrstats.resampling import IntArray


class AgeTask:
    """Predicting ages that are known exactly or within an interval.

    The network learns ages less their mean, over their spread, which its head undoes
    when it is stored: its outputs then are years.
    """

    error_name = "macro MAE, years"
    tune_extra: Tensor | None = None

    def __init__(self, config: Config, crops: Crops) -> None:
        self.outputs: tuple[Output, ...] = (Output("faceage", "years"),)
        self._config = config
        given = labels_of(config, crops)
        labels = given.with_age()
        lacking = {"known age": len(given) - len(labels)}
        self.left_out = left_out_of(given, crops, **lacking)
        self.data = hash_of([crops.fingerprint, labels.fingerprint])
        self._train = share_of(labels.of("train"), config)
        self._tune = labels.of("tune")
        self.rows, self.tune_rows = self._train.row, self._tune.row
        edges = (*config.age_bins, np.inf)
        self._bins, self._tune_bins = (
            age_bins(part, edges) for part in (self._train, self._tune)
        )
        _refuse_outside(self._bins, config.age_bins, "train")
        _refuse_outside(self._tune_bins, config.age_bins, "tune")
        known = middle_of(self._train)
        self._centre, self._scale = float(known.mean()), float(known.std()) or 1.0

    def learner(self, seed: int) -> Learner:
        """Return a network with one output."""
        return Learner(new_network(self._config.architecture, 1, seed=seed))

    def begin(self, learner: Learner, start: Checkpoint) -> None:
        """Begin from a network; a head of years is kept, any other is not."""
        given = without_head(start.parameters)
        if start.card.outputs == self.outputs:
            weight, bias = (
                start.parameters[f"head.{what}"] for what in ("weight", "bias")
            )
            given["head.weight"] = weight / self._scale
            given["head.bias"] = (bias - self._centre) / self._scale
        take_over(learner.encoder, given)

    def batches(self, stage: Stage, *, seed: int, epoch: int) -> Sequence[IntArray]:
        """Return every photo once, or as many draws with all age bins as frequent."""
        n, size = len(self.rows), stage.batch_size
        if not stage.balanced:
            return shuffled_batches(n, batch_size=size, seed=seed, epoch=epoch)
        return list(
            age_balanced_batches(
                self._bins,
                batch_size=min(size, n),
                seed=seed,
                epoch=epoch,
                n_batches=max(1, n // size),
                subject=self._train.subject,
            )
        )

    def extra(self, places: IntArray, generator: torch.Generator) -> None:
        """Nothing but the images is given."""

    def loss(self, outputs: Tensor, places: IntArray) -> Tensor:
        """Return the loss in years."""
        low, high = (
            torch.from_numpy(bound[places]).to(outputs.device)
            for bound in (self._train.age_low, self._train.age_high)
        )
        return age_loss(
            self._years(outputs),
            low,
            high,
            kind="l1" if self._config.loss == "l1" else "huber",
            delta=self._config.delta,
            spread=self._config.spread,
        )

    def error(self, outputs: FloatArray) -> float:
        """Return the mean over age bins of the mean absolute error in years.

        Where an age is known within an interval, the error is the distance to it.
        """
        predicted = outputs * self._scale + self._centre
        below = self._tune.age_low - predicted
        wrong = np.maximum(0, np.maximum(below, predicted - self._tune.age_high))
        bins = self._tune_bins
        return float(np.mean([wrong[bins == one].mean() for one in np.unique(bins)]))

    def stored(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the network, whose head gives years."""
        found = under("network.", parameters)
        found["head.weight"] = found["head.weight"] * self._scale
        found["head.bias"] = self._years(found["head.bias"])
        return found

    def describe(self, stage: Stage) -> str:
        """Say how many photos there are, and how many the balanced draws are worth."""
        n, people = len(self.rows), len(np.unique(self._train.subject))
        text = f"{n:,} photos of {people:,} subjects"
        if not stage.balanced:
            return text
        shares = draw_shares(self._bins, subject=self._train.subject)
        worth = effective_sample_size(shares)
        n_bins = len(np.unique(self._bins))
        return (
            f"{text}, balanced over {n_bins} age bins: an effective sample of "
            f"{worth:,.0f}"
        )

    def _years(self, outputs: Tensor) -> Tensor:
        return outputs * self._scale + self._centre


def _refuse_outside(bins: IntArray, edges: tuple[float, ...], split: str) -> None:
    """Refuse ages below the first bin."""
    n_outside = int((bins < 0).sum())
    if n_outside:
        raise DataError(
            f"{n_outside:,} of {bins.size:,} photos of the split `{split}` are younger "
            f"than {edges[0]:g}, where `bins` begin; begin them at 0."
        )

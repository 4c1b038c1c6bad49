"""Predicting the log hazard of an event from a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.training.config import Config, Stage
from fahrstats.face.training.faces.batches import event_stratified_batches
from fahrstats.face.training.faces.crops import Crops
from fahrstats.face.training.faces.labels import Labels
from fahrstats.face.training.learner import (
    Learner,
    new_network,
    take_over,
    without_head,
)
from fahrstats.face.training.survival_losses import cox_loss, ranking_loss
from fahrstats.face.training.tasks.task import (
    FloatArray,
    labels_of,
    middle_of,
    share_of,
    under,
)
from fahrstats.resampling import IntArray


class SurvivalTask:
    """Predicting the log hazard of death, alone or beside age and sex."""

    error_name = "loss"

    def __init__(self, config: Config, crops: Crops) -> None:
        self.outputs: tuple[Output, ...] = (Output("facesurvival", "log hazard"),)
        self._config = config
        labels = labels_of(config, crops).with_follow_up()
        _check_covariates(labels, config.adjust)
        self.split = labels.fingerprint
        self._train = share_of(labels.of("train"), config)
        self._tune = labels.of("tune")
        self.rows, self.tune_rows = self._train.row, self._tune.row
        if config.adjust:
            self._covariates = _covariates(self._train, config.adjust)

    def learner(self, seed: int) -> Learner:
        """Return a network with one output, and coefficients of age and sex."""
        network = new_network(self._config.architecture, 1, seed=seed)
        return Learner(network, n_covariates=len(self._config.adjust))

    def begin(self, learner: Learner, start: Checkpoint) -> None:
        """Begin from a network; a head of log hazards is kept, any other is not."""
        is_same = start.card.outputs == self.outputs
        given = start.parameters if is_same else without_head(start.parameters)
        take_over(learner.encoder, given)

    def batches(self, stage: Stage, *, seed: int, epoch: int) -> Sequence[IntArray]:
        """Return every photo once, the events shared evenly."""
        _, event = _follow_up(self._train)
        return event_stratified_batches(
            event,
            batch_size=min(stage.batch_size, len(event)),
            seed=seed,
            epoch=epoch,
            stratum=self._train.stratum,
        )

    def extra(self, places: IntArray, generator: torch.Generator) -> Tensor | None:
        """Return age and sex."""
        if not self._config.adjust:
            return None
        return torch.from_numpy(self._covariates[places]).float()

    def loss(self, outputs: Tensor, places: IntArray) -> Tensor:
        """Return the partial likelihood per event, or the ranking loss per pair."""
        return self._cost(outputs, self._train, places)

    def error(self, outputs: FloatArray) -> float:
        """Return the loss of what the face alone says."""
        every = np.arange(len(self._tune))
        return float(self._cost(torch.from_numpy(outputs), self._tune, every))

    def stored(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the network, without the coefficients of age and sex."""
        return under("network.", parameters)

    def describe(self, stage: Stage) -> str:
        """Say how many photos and events there are."""
        _, event = _follow_up(self._train)
        people = len(np.unique(self._train.subject))
        return f"{event.size:,} photos of {people:,} subjects, {event.sum():,} events"

    def _cost(self, outputs: Tensor, labels: Labels, places: IntArray) -> Tensor:
        time, event = (
            torch.from_numpy(known[places]).to(outputs.device)
            for known in _follow_up(labels)
        )
        stratum = None
        if labels.stratum is not None:
            stratum = torch.from_numpy(labels.stratum[places]).to(outputs.device)
        cost = cox_loss if self._config.loss == "cox" else ranking_loss
        return cost(outputs, time, event, stratum=stratum)


def _check_covariates(labels: Labels, adjust: tuple[str, ...]) -> None:
    """Refuse photos whose age or sex is missing."""
    known = np.ones(len(labels), bool)
    if "age" in adjust:
        known &= ~np.isnan(labels.age_low) & np.isfinite(labels.age_high)
    if "sex" in adjust:
        if labels.sex is None:
            raise DataError(
                "`adjust` holds `sex`, but the table of labels has no column `sex`."
            )
        known &= ~np.isnan(labels.sex)
    if not known.all():
        raise DataError(
            f"`adjust` names {' and '.join(f'`{name}`' for name in adjust)}, missing "
            f"for {(~known).sum():,} of {known.size:,} photos; complete them, or take "
            "these photos out of the table."
        )


def _covariates(labels: Labels, adjust: tuple[str, ...]) -> FloatArray:
    """Return age and sex in standard deviations, shape (n, k)."""
    known = {"age": middle_of(labels), "sex": labels.sex}
    columns = [np.asarray(known[name], np.float64) for name in adjust]
    return np.stack(
        [(column - column.mean()) / (column.std() or 1) for column in columns], axis=1
    )


def _follow_up(labels: Labels) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return times and events, which `with_follow_up` has made sure of."""
    if labels.time is None or labels.event is None:
        raise DataError("The table of labels has no columns `time` and `event`.")
    return labels.time, labels.event

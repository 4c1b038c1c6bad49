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
from fahrstats.face.pictures.photos import hash_of
from fahrstats.face.training.config import Config, Stage
from fahrstats.face.training.faces.batches import event_stratified_batches
from fahrstats.face.training.faces.crops import Crops
from fahrstats.face.training.faces.labels import Labels
from fahrstats.face.training.frozen.heads import fit_frozen_head
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
    left_out_of,
    middle_of,
    share_of,
    under,
)
from fahrstats.resampling import IntArray

_HARDLY_ANY = 1e-3  # penalty; what is left finite where age or sex tells all


class SurvivalTask:
    """Predicting the log hazard of death, alone or beside age and sex."""

    error_name = "loss"

    def __init__(self, config: Config, crops: Crops) -> None:
        self.outputs: tuple[Output, ...] = (Output("facesurvival", "log hazard"),)
        self._config = config
        given = labels_of(config, crops)
        labels = given.with_follow_up()
        lacking = {"follow-up": len(given) - len(labels)}
        self.left_out = left_out_of(given, crops, **lacking)
        _check_covariates(labels, config.adjust)
        self.data = hash_of([crops.fingerprint, labels.fingerprint])
        self._train = share_of(labels.of("train"), config)
        self._tune = labels.of("tune")
        self.rows, self.tune_rows = self._train.row, self._tune.row
        self._covariates: Tensor | None = None
        self.tune_extra: Tensor | None = None
        self._alone: Tensor | None = None
        if config.adjust:
            self._covariates, self.tune_extra = _covariates(
                self._train, self._tune, adjust=config.adjust
            )
            self._alone = _log_hr_of(self._covariates, self._train)

    def learner(self, seed: int) -> Learner:
        """Return a network with one output, and coefficients of age and sex.

        These begin as what age and sex say alone: steps of the optimiser are too short
        to take them there before the network has learned the same from the face.
        """
        network = new_network(self._config.architecture, 1, seed=seed)
        return Learner(network, coefficients=self._alone)

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
        return None if self._covariates is None else self._covariates[places]

    def loss(self, outputs: Tensor, places: IntArray) -> Tensor:
        """Return the partial likelihood per event, or the ranking loss per pair."""
        return self._cost(outputs, self._train, places)

    def error(self, outputs: FloatArray) -> float:
        """Return the loss of the face, beside age and sex where it is so learned."""
        every = np.arange(len(self._tune))
        return float(self._cost(torch.from_numpy(outputs), self._tune, every))

    def stored(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the network, without the coefficients of age and sex."""
        return under("network.", parameters)

    def describe(self, stage: Stage) -> str:
        """Say how many photos there are, of how many subjects with how many events."""
        _, event = _follow_up(self._train)
        subject = self._train.subject
        people, died = (len(np.unique(of)) for of in (subject, subject[event]))
        return f"{event.size:,} photos of {people:,} subjects, {died:,} events"

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


def _covariates(
    train: Labels, tune: Labels, *, adjust: tuple[str, ...]
) -> tuple[Tensor, Tensor]:
    """Return age and sex in standard deviations of `train`, (n, k) and (m, k)."""
    learned, tuned = (
        np.stack([_column(labels, name) for name in adjust], axis=1)
        for labels in (train, tune)
    )
    centre, spread = learned.mean(axis=0), learned.std(axis=0)
    for name, one in zip(adjust, spread, strict=True):
        if one == 0:
            raise DataError(
                f"`adjust` holds `{name}`, which is the same in all {len(train):,} "
                "photos that are learned from; leave it out."
            )
    return (
        torch.from_numpy((learned - centre) / spread).float(),
        torch.from_numpy((tuned - centre) / spread).float(),
    )


def _log_hr_of(covariates: Tensor, labels: Labels) -> Tensor:
    """Return the log hazard ratios of age and sex without the face, (k,)."""
    time, event = _follow_up(labels)
    fitted = fit_frozen_head(
        covariates.numpy(),
        time,
        event,
        stratum=labels.stratum,
        penalties=[_HARDLY_ANY],
    )
    return torch.from_numpy(fitted.per_unit).float()


def _column(labels: Labels, name: str) -> FloatArray:
    """Return an age or a sex of each face, (n,)."""
    known = middle_of(labels) if name == "age" else labels.sex
    return np.asarray(known, np.float64)


def _follow_up(labels: Labels) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return times and events, which `with_follow_up` has made sure of."""
    if labels.time is None or labels.event is None:
        raise DataError("The table of labels has no columns `time` and `event`.")
    return labels.time, labels.event

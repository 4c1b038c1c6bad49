"""Where a stage of a training stands, in memory and on disk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import torch

from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.training.job import Job
from fahrstats.face.training.learner import Learner
from fahrstats.face.training.optimisation import MovingAverage
from fahrstats.face.training.state import (
    TrainingState,
    load_state,
    moments_of,
    restore_moments,
    save_state,
)

_BETAS = (0.9, 0.95)  # of AdamW; He et al. 2022


@dataclass(slots=True, eq=False)
class Course:
    """What a stage changes from step to step.

    Attributes
    ----------
    learner : Learner
        What is trained.
    average : MovingAverage
        Of its parameters.
    optimiser : AdamW
        Its learning rates are set before every step.
    per_epoch : int
        Steps of an epoch.
    step : int
        Steps done.
    saved : int
        Those after which the newest state was saved; 0 before the first.
    first_loss : float
        Mean loss of the first steps.
    best, best_epoch : float, int
        Smallest error on the tuning photos so far, and the epoch it was found after;
        NaN and -1 before the first.
    has_ended : bool
        Whether there is nothing left to do.
    """

    learner: Learner
    average: MovingAverage
    optimiser: torch.optim.AdamW
    per_epoch: int
    step: int = 0
    saved: int = 0
    first_loss: float = 0.0
    best: float = math.nan
    best_epoch: int = -1
    has_ended: bool = False

    @property
    def ends_epoch(self) -> bool:
        """Whether the last step was the last one of an epoch."""
        return self.step % self.per_epoch == 0


def open_course(job: Job, start: Checkpoint | None) -> Course:
    """Begin a stage, or go on from its newest state, the same in every process.

    Parameters
    ----------
    job
        The stage.
    start
        What it begins from; None draws all parameters.

    Raises
    ------
    DataError
        The newest state is of another configuration or other data, or none can be read.
    """
    stage, ranks = job.stage, job.ranks
    learner = job.task.learner(job.config.seed)
    if start is not None:
        job.task.begin(learner, start)
    learner.to(ranks.device)
    groups = learner.groups(
        weight_decay=stage.weight_decay, layer_decay=stage.layer_decay
    )
    course = Course(
        learner=learner,
        average=MovingAverage(learner, decay=stage.average),
        optimiser=torch.optim.AdamW(
            cast(list[dict[str, Any]], groups), lr=0.0, betas=_BETAS
        ),
        per_epoch=len(job.batches(0)),
    )
    state = load_state(job.states, config=job.settings, data=job.task.data)
    if state is not None:
        _restore(course, state)
    ranks.wait()  # until all have read the state, and none is writing the next
    return course


def save_course(job: Job, course: Course) -> None:
    """Write all that going on needs; what is drawn follows from the step."""
    course.saved = course.step
    if not job.ranks.is_first:
        return
    state = TrainingState(
        step=course.step,
        network=course.learner.state_dict(),
        average=course.average.values,
        n_averaged=course.average.n_updates,
        moments=moments_of(course.optimiser, course.learner),
        config=job.settings,
        data=job.task.data,
        numbers={
            "first_loss": course.first_loss,
            "best": course.best,
            "best_epoch": course.best_epoch,
            "has_ended": course.has_ended,
        },
    )
    save_state(job.states, state)


def _restore(course: Course, state: TrainingState) -> None:
    """Give a course what an earlier run saved."""
    course.learner.load_state_dict(state.network)
    course.average.restore(state.average, n_updates=state.n_averaged)
    restore_moments(course.optimiser, course.learner, state.moments)
    course.step = course.saved = state.step
    course.first_loss = state.numbers["first_loss"]
    course.best = state.numbers["best"]
    course.best_epoch = int(state.numbers["best_epoch"])
    course.has_ended = bool(state.numbers["has_ended"])

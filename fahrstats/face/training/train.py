"""Training of the face models, from top to bottom.

Every number that is drawn follows from the seed, the stage and the step alone, so that
a run that was killed goes on exactly where it was, and several processes draw what one
process would.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fahrstats.errors import ConvergenceError
from fahrstats.face.checkpoints.card import Card
from fahrstats.face.checkpoints.store import (
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from fahrstats.face.engine import Device
from fahrstats.face.training.config import Config
from fahrstats.face.training.faces.crops import open_crops
from fahrstats.face.training.job import Job
from fahrstats.face.training.learner import Learner
from fahrstats.face.training.loading import Batch, load_batches, read_images
from fahrstats.face.training.optimisation import (
    MovingAverage,
    learning_rate,
    set_learning_rate,
)
from fahrstats.face.training.ranks import open_ranks
from fahrstats.face.training.start import check_crops, check_start
from fahrstats.face.training.state import (
    TrainingState,
    load_state,
    moments_of,
    restore_moments,
    save_state,
)
from fahrstats.face.training.tasks.opening import open_task
from fahrstats.face.training.training_log import Clock, TrainingLog, draw_log

Watch = Callable[[str, int, int], None]

_SECONDS_BETWEEN_STATES = 120.0
_EXPLOSION = 10.0  # times the loss of the first steps, but at least 10
_FIRST_STEPS = 10
_READ_AT_ONCE = 128  # photos, where nothing is learned
_BETAS = (0.9, 0.95)  # of AdamW; He et al. 2022


@dataclass(frozen=True, slots=True)
class StageSummary:
    """How a stage went.

    Attributes
    ----------
    learned_from : str
        Photos, subjects, events.
    error_name : str
        What the error of the tuning photos measures.
    error : float
        Of the parameters that were kept; NaN where nothing is tuned.
    n_steps : int
        Steps of this and earlier runs.
    speed : float
        Photos that all processes learned from in a second, tuning left out; NaN where
        the stage was finished before.
    waiting : float
        Share of that time in which the first process waited for photos.
    """

    learned_from: str
    error_name: str
    error: float
    n_steps: int
    speed: float
    waiting: float


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training has made, and how its stages went."""

    checkpoint: Checkpoint
    stages: tuple[StageSummary, ...]


def train(config: Config, *, device: Device = "auto", watch: Watch) -> Trained:
    """Train a network as a configuration says, or go on where an earlier run stopped.

    Under ``torchrun`` every process takes its part of each batch. In the folder of the
    configuration are written: ``log.csv`` and ``loss.png``; the kept parameters of each
    stage, ``stage-1.safetensors`` and so on; the state of the training; and at the end
    ``<name>.safetensors``, each with its card.

    What is kept is the moving average of the parameters: after the epoch with the
    smallest error on the tuning photos, or after the last one where nothing is tuned.
    With the same seed and number of processes a machine finds the same parameters.

    Parameters
    ----------
    config
        What is trained on what.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: CUDA where there is a device.
    watch
        Told the stage, the step and the number of steps.

    Raises
    ------
    DataError
        Crops, labels and checkpoint do not fit; all is checked before the first step.
    ConvergenceError
        The loss is not finite or has exploded.
    """
    with open_ranks(device) as ranks:
        crops = open_crops(config.crops, cache=config.folder / "crops.cache")
        check_crops(config, crops)
        task = open_task(config, crops)
        kept = None if config.start is None else load_checkpoint(config.start)
        check_start(config, kept)
        summaries = []
        for number in range(1, len(config.stages) + 1):
            job = Job(config, number, task, crops, ranks)
            summaries.append(_train_stage(job, kept, watch))
            kept = load_checkpoint(job.kept)
        path = config.folder / f"{config.name}.safetensors"
        if kept is not None and ranks.is_first:
            save_checkpoint(path, kept.card, kept.parameters)
            draw_log(config.folder, error_name=task.error_name)
        ranks.wait()
    return Trained(load_checkpoint(path), tuple(summaries))


def _train_stage(job: Job, start: Checkpoint | None, watch: Watch) -> StageSummary:
    """Train a stage from its first step, or from where an earlier run stopped."""
    stage, ranks = job.stage, job.ranks
    learner = job.task.learner(job.config.seed)
    if start is not None:
        job.task.begin(learner, start)
    learner.to(ranks.device)
    groups = learner.groups(
        weight_decay=stage.weight_decay, layer_decay=stage.layer_decay
    )
    optimiser = torch.optim.AdamW(
        cast(list[dict[str, Any]], groups), lr=0.0, betas=_BETAS
    )
    average = MovingAverage(learner, decay=stage.average)
    course = _resume(job, learner, average, optimiser)
    ranks.wait()  # until all have read the state, and none is writing the next
    per_epoch = len(job.batches(0))
    n_steps = 0 if course.has_ended else stage.epochs * per_epoch
    log = TrainingLog(job, step=course.step)
    parallel, clock = ranks.parallel(learner), Clock()
    saved = time.monotonic()
    batches = load_batches(job, range(course.step, n_steps), per_epoch=per_epoch)
    for batch in clock.timed(batches):
        rate = learning_rate(
            course.step,
            n_steps=n_steps,
            warm_up=int(stage.warm_up * n_steps),
            peak=stage.peak,
        )
        set_learning_rate(optimiser, rate)
        optimiser.zero_grad()
        loss = _backward(job, parallel, batch)
        norm = float(nn.utils.clip_grad_norm_(learner.parameters(), stage.clip))
        if course.step < _FIRST_STEPS:
            course.first_loss += loss / _FIRST_STEPS
        _stop_if_broken(job, course, rate=rate, loss=loss, norm=norm)
        optimiser.step()
        average.update(learner)
        course.step += 1
        clock.learned(len(batch.places))
        ends_epoch = course.step % per_epoch == 0
        error = _judge(job, learner, average, course, per_epoch) if ends_epoch else None
        log.write(course.step, rate=rate, loss=loss, error=error)
        watch(f"stage {job.number}: loss {loss:.3f}", course.step, n_steps)
        if ends_epoch or time.monotonic() - saved > _SECONDS_BETWEEN_STATES:
            _save(job, learner, average, optimiser, course, per_epoch)
            saved = time.monotonic()
        clock.paused()
        if course.has_ended:
            break
    ranks.wait()
    return StageSummary(
        learned_from=job.task.describe(stage),
        error_name=job.task.error_name,
        error=course.best,
        n_steps=course.step,
        speed=clock.speed,
        waiting=clock.waiting,
    )


@dataclass(slots=True)
class _Course:
    """Where a stage stands.

    ``best`` is the smallest error so far and ``best_epoch`` the epoch it was found
    after; ``first_loss`` is the mean loss of the first steps.
    """

    step: int = 0
    best: float = math.nan
    best_epoch: int = -1
    first_loss: float = 0.0
    has_ended: bool = False


def _backward(job: Job, learner: nn.Module, batch: Batch) -> float:
    """Leave the gradient of the loss of the whole batch, and return the loss.

    The loss may compare faces with each other. Where they do not fit into memory at
    once, all are read without gradients first, the loss is differentiated by the
    outputs, and each chunk is read again and passed its part.
    """
    task, ranks, n = job.task, job.ranks, len(batch.places)
    if job.stage.chunks == 1:
        loss = task.loss(ranks.joined(_read(job, learner, batch), n), batch.places)
        # Gradients are averaged over processes, each of which knows its faces' alone
        torch.autograd.backward(loss * ranks.world)
        return float(loss.detach())
    chunks = batch.chunks(job.stage.chunks)
    with torch.no_grad():
        outputs = torch.cat([_read(job, learner, chunk) for chunk in chunks])
    outputs.requires_grad_()
    loss = task.loss(ranks.joined(outputs, n), batch.places)
    torch.autograd.backward(loss * ranks.world)
    shares = [] if outputs.grad is None else outputs.grad.tensor_split(len(chunks))
    for number, (chunk, share) in enumerate(zip(chunks, shares, strict=True), start=1):
        with nullcontext() if number == len(chunks) else ranks.alone(learner):
            torch.autograd.backward(_read(job, learner, chunk), share)
    return float(loss.detach())


def _read(job: Job, learner: nn.Module, batch: Batch) -> Tensor:
    """Return one number per face, float32, the large products in the type asked for."""
    with torch.autocast(
        torch.device(job.ranks.device).type,
        torch.bfloat16,
        enabled=job.config.precision == "bfloat16",
    ):
        outputs: Tensor = learner(batch.images, batch.extra)
    return outputs.float()


def _judge(
    job: Job, learner: Learner, average: MovingAverage, course: _Course, per_epoch: int
) -> float | None:
    """Measure the average after an epoch, and keep it if it is the best so far."""
    epoch = course.step // per_epoch - 1
    is_last = course.step == job.stage.epochs * per_epoch
    error = None
    if job.task.tune_rows.size:
        judged = job.task.learner(job.config.seed).to(job.ranks.device)
        average.copy_to(judged)
        error = job.ranks.agreed(job.task.error(_outputs(job, judged)))
    if is_last if error is None else not error >= course.best:
        course.best = math.nan if error is None else error
        course.best_epoch = epoch
        _keep(job, average, error)
    patience = job.stage.patience
    course.has_ended = is_last or 0 < patience <= epoch - course.best_epoch
    return error


def _outputs(job: Job, learner: Learner) -> NDArray[np.float64]:
    """Return what a learner says of the tuning photos, (n,)."""
    rows, found = job.task.tune_rows, []
    learner.eval()
    with torch.inference_mode():
        for start in range(0, rows.size, _READ_AT_ONCE):
            some = rows[start : start + _READ_AT_ONCE]
            batch = Batch(some, read_images(job, some), None)
            found.append(_read(job, learner, batch).double().cpu())
    return torch.cat(found).numpy()


def _keep(job: Job, average: MovingAverage, error: float | None) -> None:
    """Write the average as the parameters of the stage."""
    told = job.config
    card = Card(
        name=told.name,
        architecture=told.architecture,
        preprocessing=told.preprocessing,
        outputs=job.task.outputs,
        training_data=told.training_data,
        licence=told.licence,
        accuracy={}
        if error is None
        else {f"{job.task.error_name}, photos it was tuned by": error},
        notes=told.notes,
    )
    if job.ranks.is_first:
        save_checkpoint(job.kept, card, job.task.stored(average.values))


def _resume(
    job: Job,
    learner: Learner,
    average: MovingAverage,
    optimiser: torch.optim.Optimizer,
) -> _Course:
    """Go on from the newest state, if there is one."""
    state = load_state(job.states, config=job.settings, split=job.task.split)
    if state is None:
        return _Course()
    learner.load_state_dict(state.network)
    average.restore(state.average, n_updates=state.n_averaged)
    restore_moments(optimiser, learner, state.moments)
    numbers = state.numbers
    return _Course(
        step=state.step,
        best=numbers["best"],
        best_epoch=int(numbers["best_epoch"]),
        first_loss=numbers["first_loss"],
        has_ended=bool(numbers["has_ended"]),
    )


def _save(
    job: Job,
    learner: Learner,
    average: MovingAverage,
    optimiser: torch.optim.Optimizer,
    course: _Course,
    per_epoch: int,
) -> None:
    """Write all that going on needs; what is drawn follows from the step."""
    if not job.ranks.is_first:
        return
    state = TrainingState(
        step=course.step,
        epoch=course.step // per_epoch,
        network=learner.state_dict(),
        average=average.values,
        n_averaged=average.n_updates,
        moments=moments_of(optimiser, learner),
        generators={},
        config=job.settings,
        split=job.task.split,
        numbers={
            "best": course.best,
            "best_epoch": course.best_epoch,
            "first_loss": course.first_loss,
            "has_ended": course.has_ended,
        },
    )
    save_state(job.states, state)


def _stop_if_broken(
    job: Job, course: _Course, *, rate: float, loss: float, norm: float
) -> None:
    """Stop before a step that would carry numbers that are lost into the network."""
    limit = _EXPLOSION * max(1.0, course.first_loss)
    is_late = course.step >= _FIRST_STEPS
    if math.isfinite(loss) and math.isfinite(norm) and not (is_late and loss > limit):
        return
    raise ConvergenceError(
        f"Stage {job.number}, step {course.step + 1}: the loss is {loss:.4g} and its "
        f"gradient {norm:.4g} at a learning rate of {rate:.3g}, after "
        f"{course.first_loss:.4g} in the first steps. The last good state and the best "
        f"parameters so far are in `{job.config.folder}`; lower `peak` or raise "
        "`warm_up` in that stage, and train in another folder."
    )

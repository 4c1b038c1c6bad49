"""Training of the face models, from top to bottom.

Every number that is drawn follows from the seed, the stage and the step alone, so that
a run that was killed goes on exactly where it was, and several processes draw what one
process would.
"""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fahrstats.errors import ConvergenceError, DataError
from fahrstats.face.checkpoints.card import Card
from fahrstats.face.checkpoints.store import (
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from fahrstats.face.engine import Device
from fahrstats.face.locks import alone
from fahrstats.face.training.config import Config
from fahrstats.face.training.course import Course, open_course, save_course
from fahrstats.face.training.faces.crops import open_crops
from fahrstats.face.training.job import Job
from fahrstats.face.training.learner import Learner
from fahrstats.face.training.loading import Batch, load_batches, read_images
from fahrstats.face.training.optimisation import learning_rate, set_learning_rate
from fahrstats.face.training.ranks import Ranks, open_ranks
from fahrstats.face.training.start import check_crops, check_start
from fahrstats.face.training.tasks.opening import open_task
from fahrstats.face.training.tasks.task import Task
from fahrstats.face.training.training_log import Clock, TrainingLog, draw_log
from fahrstats.watching import Watch

_SECONDS_BETWEEN_STATES = 120.0
_EXPLOSION = 10.0  # times the loss of the first steps, but at least 10
_FIRST_STEPS = 10
_READ_AT_ONCE = 128  # photos, where nothing is learned


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
    """What a training has made, and how its stages went.

    Attributes
    ----------
    checkpoint : Checkpoint
        What has come out.
    stages : tuple of StageSummary
        One after another.
    left_out : str
        How many photos have no split, and why; "" where all have one.
    """

    checkpoint: Checkpoint
    stages: tuple[StageSummary, ...]
    left_out: str


def train(config: Config, *, device: Device = "auto", watch: Watch) -> Trained:
    """Train a network as a configuration says, or go on where an earlier run stopped.

    Under ``torchrun`` every process takes its part of each batch. In the folder of the
    configuration are written: ``log.csv`` and ``loss.png``; the kept parameters of each
    stage, ``stage-1.safetensors`` and so on; the state of the training; and at the end
    ``<name>.safetensors``, each with its card.

    What is kept is the moving average of the parameters: after the epoch with the
    smallest error on the tuning photos, or after the last one where nothing is tuned.
    On a processor, the same seed and number of processes give the same parameters to
    the bit, however often the run was stopped.

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
        Crops, labels and checkpoint do not fit, or another run trains in the folder,
        which is told before the first step; or what an earlier run has kept is gone.
    ConvergenceError
        The loss is not finite or has exploded.
    """
    with open_ranks(device) as ranks, ExitStack() as held:
        crops = open_crops(config.crops, cache=config.folder / "crops.cache")
        check_crops(config, crops)
        task = open_task(config, crops)
        kept = None if config.start is None else load_checkpoint(config.start)
        check_start(config, kept)
        if kept is not None:  # its fingerprint decides, not where it lies
            config = replace(config, start=kept.name)
        held.enter_context(_alone(config, ranks))
        summaries = []
        for number in range(1, len(config.stages) + 1):
            job = Job(config, number, task, crops, ranks)
            summaries.append(_train_stage(job, kept, watch))
            kept = _kept(job, error=summaries[-1].error)
        path = config.folder / f"{config.name}.safetensors"
        if kept is not None and ranks.is_first:
            card = _card(config, task, error=summaries[-1].error)
            save_checkpoint(path, card, kept.parameters)
            draw_log(config.folder, error_name=task.error_name)
        ranks.wait()
    return Trained(load_checkpoint(path), tuple(summaries), task.left_out)


def _alone(config: Config, ranks: Ranks) -> AbstractContextManager[None]:
    """Keep other runs out of the folder, in which each would overwrite the other."""
    if not ranks.is_first:
        return nullcontext()
    config.folder.mkdir(parents=True, exist_ok=True)
    lock = config.folder / ".training.lock"
    return alone(lock, config.folder.name, remedy="train in another folder")


def _train_stage(job: Job, start: Checkpoint | None, watch: Watch) -> StageSummary:
    """Train a stage from its first step, or from where an earlier run stopped."""
    course, clock = open_course(job, start), Clock()
    if not course.has_ended:
        _learn(job, course, clock, watch)
    job.ranks.wait()  # until what is kept has been written
    return StageSummary(
        learned_from=job.task.describe(job.stage),
        error_name=job.task.error_name,
        error=course.best,
        n_steps=course.step,
        speed=clock.speed,
        waiting=clock.waiting,
    )


def _learn(job: Job, course: Course, clock: Clock, watch: Watch) -> None:
    """Take the steps of a stage that are left; the one loop of a training."""
    n_steps = job.stage.epochs * course.per_epoch
    parallel = job.ranks.parallel(course.learner)
    log = TrainingLog(job, step=course.step)
    saved_at = time.monotonic()
    steps = range(course.step, n_steps)
    for batch in clock.timed(load_batches(job, steps, per_epoch=course.per_epoch)):
        rate = _rate(job, course.step, n_steps)
        set_learning_rate(course.optimiser, rate)
        course.optimiser.zero_grad()
        loss = _backward(job, parallel, batch)
        norm = nn.utils.clip_grad_norm_(course.learner.parameters(), job.stage.clip)
        _stop_if_broken(job, course, rate=rate, loss=loss, norm=float(norm))
        course.optimiser.step()
        course.average.update(course.learner)
        if course.step < _FIRST_STEPS:
            course.first_loss += loss / _FIRST_STEPS
        course.step += 1
        clock.learned(len(batch.places))
        error = _judge(job, course) if course.ends_epoch else None
        log.write(course.step, rate=rate, loss=loss, error=error)
        watch(f"stage {job.number}: loss {loss:.3f}", course.step, n_steps)
        if course.ends_epoch or time.monotonic() - saved_at > _SECONDS_BETWEEN_STATES:
            save_course(job, course)
            saved_at = time.monotonic()
        clock.paused()
        if course.has_ended:
            break


def _rate(job: Job, step: int, n_steps: int) -> float:
    """Return the learning rate of a step, from 0."""
    return learning_rate(
        step,
        n_steps=n_steps,
        warm_up=int(job.stage.warm_up * n_steps),
        peak=job.stage.peak,
    )


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
    # As many in every process, whose norms may have to meet in each
    chunks = batch.chunks(min(job.stage.chunks, n // ranks.world))
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


def _judge(job: Job, course: Course) -> float | None:
    """Measure the average after an epoch, and keep it if it is the best so far."""
    epoch = course.step // course.per_epoch - 1
    is_last = epoch + 1 == job.stage.epochs
    error = None
    if job.task.tune_rows.size:
        judged = job.task.learner(job.config.seed).to(job.ranks.device)
        course.average.copy_to(judged)
        error = job.ranks.agreed(job.task.error(_outputs(job, judged)))
    is_first = math.isnan(course.best)
    if is_last if error is None else is_first or error < course.best:
        course.best_epoch = epoch
        course.best = math.nan if error is None else error
        if job.ranks.is_first:
            card = _card(job.config, job.task, error=course.best)
            save_checkpoint(job.kept, card, job.task.stored(course.average.values))
    patience = job.stage.patience
    course.has_ended = is_last or 0 < patience <= epoch - course.best_epoch
    return error


def _outputs(job: Job, learner: Learner) -> NDArray[np.float64]:
    """Return what a learner says of the tuning photos, (n,)."""
    rows, extra, found = job.task.tune_rows, job.task.tune_extra, []
    learner.eval()
    with torch.inference_mode():
        for start in range(0, rows.size, _READ_AT_ONCE):
            some = slice(start, start + _READ_AT_ONCE)
            beside = None if extra is None else extra[some].to(job.ranks.device)
            batch = Batch(rows[some], read_images(job, rows[some]), beside)
            found.append(_read(job, learner, batch).double().cpu())
    return torch.cat(found).numpy()


def _kept(job: Job, *, error: float) -> Checkpoint:
    """Return what a stage has kept, which an earlier run may have done."""
    found = load_checkpoint(job.kept) if job.kept.is_file() else None
    wanted = _card(job.config, job.task, error=error).accuracy
    if found is not None and found.card.accuracy == wanted:
        return found
    what = "is gone" if found is None else "is of another training"
    raise DataError(
        f"`{job.kept}` {what}, but stage {job.number} has ended and has kept its "
        f"parameters there. Put the file and its card back, or delete `{job.states}` "
        "to train the stage again."
    )


def _card(config: Config, task: Task, *, error: float) -> Card:
    """Return the card of what was trained; an error of NaN has not been measured."""
    measured = f"{task.error_name}, photos it was tuned by"
    return Card(
        name=config.name,
        architecture=config.architecture,
        preprocessing=config.preprocessing,
        outputs=task.outputs,
        training_data=config.training_data,
        licence=config.licence,
        accuracy={} if math.isnan(error) else {measured: error},
        notes=config.notes,
    )


def _stop_if_broken(
    job: Job, course: Course, *, rate: float, loss: float, norm: float
) -> None:
    """Stop before a step that would carry numbers that are lost into the network."""
    is_late = course.step >= _FIRST_STEPS
    limit = _EXPLOSION * max(1.0, course.first_loss) if is_late else math.inf
    if math.isfinite(norm) and abs(loss) < limit:
        return
    before = f", after {course.first_loss:.4g} in the first steps" if is_late else ""
    state, best = "no state was saved yet", "nothing was kept yet"
    if course.saved:
        state = f"the state after step {course.saved} is in `{job.states}`"
    if course.best_epoch >= 0:
        best = f"the best parameters so far are in `{job.kept}`"
    raise ConvergenceError(
        f"Stage {job.number}, step {course.step + 1}: the loss is {loss:.4g} and the "
        f"norm of its gradient {norm:.4g} at a learning rate of {rate:.3g}{before}. "
        f"Of this stage, {state}, and {best}. Lower `peak` or raise `warm_up` of the "
        "stage, and train in another folder."
    )

"""The loop learns, keeps its best, stops when it breaks, and repeats to the bit."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from made_faces import (
    CONVOLUTIONAL,
    UNVARIED,
    VIT,
    made_ages,
    open_job,
    open_training,
    train_quietly,
)
from torch import Tensor

from fahrstats.errors import ConvergenceError, DataError
from fahrstats.face.checkpoints.store import Checkpoint, load_checkpoint
from fahrstats.face.training import train as training
from fahrstats.face.training.config import Config
from fahrstats.face.training.course import open_course
from fahrstats.face.training.loading import load_batches, read_images
from fahrstats.face.training.optimisation import MovingAverage
from fahrstats.face.training.state import load_state
from fahrstats.face.training.tasks.age import AgeTask
from fahrstats.face.training.train import train

SHORT = ("epochs = 2\nbatch_size = 16",)  # eight steps
TWO_STAGES = SHORT * 2


def _read(config: Config, checkpoint: Checkpoint) -> np.ndarray:
    """Return what a checkpoint says of all pictures as they are, (n, outputs)."""
    job = open_job(config)
    images = read_images(job, np.arange(len(job.crops)))
    with torch.inference_mode():
        return checkpoint.network().eval()(images).numpy()


def _log(config: Config) -> pd.DataFrame:
    return pd.read_csv(config.folder / "log.csv", float_precision="round_trip")


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.mark.parametrize(
    ("network", "epochs"),
    [(VIT, 50), pytest.param(CONVOLUTIONAL, 40, marks=pytest.mark.slow)],
    ids=["vit", "convolutional"],
)
def test_sixty_four_faces_are_learned_to_within_a_year(tmp_path, network, epochs):
    def error(folder: Path, rate: float, epochs: int) -> float:
        stage = f"epochs = {epochs}\nbatch_size = 16\npeak = {rate}\naverage = 0.9"
        varied = f"[augmentation]\n{UNVARIED}"
        config = open_training(folder, stages=(stage,), network=network, more=varied)
        checkpoint = train_quietly(config).checkpoint
        assert checkpoint.card.outputs[0].column == "faceage"
        ages = made_ages(64 + 16)
        return float(np.abs(_read(config, checkpoint)[:, 0] - ages)[:64].mean())

    assert error(tmp_path / "learned", 3e-3, epochs) < 1
    if network == VIT:
        assert error(tmp_path / "not", 1e-12, 2) > 5


def test_survival_is_learned_from_who_died_sooner(tmp_path):
    stage = "epochs = 40\nbatch_size = 64\npeak = 3e-3\naverage = 0.9"
    varied = f"[augmentation]\n{UNVARIED}"
    config = open_training(
        tmp_path, "survival", stages=(stage,), n=256, n_tune=64, more=varied
    )
    trained = train_quietly(config)
    hazard, ages = _read(config, trained.checkpoint)[:, 0], made_ages(256 + 64)
    assert np.corrcoef(hazard[256:], ages[256:])[0, 1] > 0.8
    assert trained.stages[0].error_name == "loss"
    assert trained.stages[0].error < _log(config)["error"].dropna().iloc[0] - 0.2


def test_pretraining_learns_to_fill_in_and_age_begins_from_it(tmp_path):
    stage = "epochs = 40\nbatch_size = 16\npeak = 3e-3\naverage = 0.9"
    more = f"[augmentation]\n{UNVARIED}\n[pretrain]\ndecoder_width = 32"
    config = open_training(tmp_path, "pretrain", stages=(stage,), more=more)
    trained = train_quietly(config)
    losses = _log(config)["loss"]  # 1 is what the mean of a patch is worth
    assert losses[:8].mean() > 0.98
    assert losses[-40:].mean() < 0.96
    assert _log(config)["error"].isna().all()
    assert math.isnan(trained.stages[0].error)
    assert trained.checkpoint.card.outputs == ()
    assert trained.checkpoint.card.accuracy == {}
    age = open_training(
        tmp_path / "age",
        network=f'{VIT}\nstart = "{trained.checkpoint.path}"',
        stages=("epochs = 1\npeak = 1e-12\nweight_decay = 0",),
    )
    ours = train_quietly(age).checkpoint.parameters
    for name, value in trained.checkpoint.parameters.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=1e-8)


def test_runs_are_the_same_to_the_bit_and_differ_with_the_seed(tmp_path):
    configs = [
        open_training(tmp_path / name, stages=SHORT, more=f"[training]\nseed = {seed}")
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    ]
    one, again, other = (train_quietly(config).checkpoint for config in configs)
    assert one.card.sha256 == again.card.sha256
    assert _log(configs[0]).equals(_log(configs[1]))
    assert one.card.sha256 != other.card.sha256
    assert not _log(configs[0])["loss"].equals(_log(configs[2])["loss"])


def test_a_share_of_the_labels_is_a_share_of_the_persons(tmp_path):
    few = open_training(tmp_path, stages=SHORT, data="label_share = 0.25")
    trained = train_quietly(few)
    assert trained.stages[0].learned_from == "16 photos of 16 subjects"
    assert trained.stages[0].n_steps == 2
    assert len(open_job(few).task.tune_rows) == 16


@pytest.mark.parametrize(
    ("kind", "n", "more"),
    [
        ("age", 63, ""),
        ("survival", 131, '[survival]\nadjust = ["age", "sex"]'),
        ("survival", 131, '[survival]\nloss = "ranking"'),
        ("pretrain", 63, "[pretrain]\ndecoder_width = 32"),
    ],
)
def test_chunks_leave_the_gradient_of_the_whole_batch(tmp_path, kind, n, more):
    def found(chunks: int) -> tuple[float, Tensor]:
        stage = f"epochs = 1\nbatch_size = 64\nchunks = {chunks}"
        folder = tmp_path / str(chunks)
        job = open_job(open_training(folder, kind, stages=(stage,), n=n, more=more))
        learner = open_course(job, None).learner
        batch = next(load_batches(job, range(1), per_epoch=1))
        loss = training._backward(job, learner, batch)
        gradients = [p.grad.flatten() for p in learner.parameters() if p.requires_grad]
        return loss, torch.cat(gradients).double()

    loss, gradient = found(1)
    for chunks in (3, 200):
        same_loss, same = found(chunks)
        assert same_loss == pytest.approx(loss, rel=1e-6)
        assert (same - gradient).norm() < 1e-6 * max(1, gradient.norm())
        assert gradient.norm() > 0.1


def test_what_is_kept_is_the_moving_average_after_the_best_epoch(tmp_path, monkeypatch):
    errors = iter([3.0, 2.0, 2.0, math.nan, 9.0])
    monkeypatch.setattr(AgeTask, "error", lambda *_: next(errors))
    averages: list[dict[str, Tensor]] = []
    update = MovingAverage.update

    def noted(average, network):
        update(average, network)
        values = {name: value.clone() for name, value in average.values.items()}
        averages.append(open_job(config).task.stored(values))
        assert any(
            not torch.equal(value, average.values[name])
            for name, value in network.state_dict().items()
        ) == (len(averages) > 1)  # the first average is the parameters themselves

    monkeypatch.setattr(MovingAverage, "update", noted)
    config = open_training(tmp_path, stages=("epochs = 5\nbatch_size = 32",))
    trained = train_quietly(config)
    assert trained.stages[0].error == 2.0
    assert trained.checkpoint.card.accuracy == {
        "macro MAE, years, photos it was tuned by": 2.0
    }
    for name, value in trained.checkpoint.parameters.items():
        assert torch.equal(value, averages[3][name])  # after two epochs of two steps


@pytest.mark.parametrize(("patience", "n_epochs"), [(0, 6), (1, 3), (2, 4)])
def test_a_stage_ends_when_patience_does(tmp_path, monkeypatch, patience, n_epochs):
    errors = iter([3.0, 2.0, 4.0, 5.0, 5.0, 5.0])
    monkeypatch.setattr(AgeTask, "error", lambda *_: next(errors))
    stage = f"epochs = 6\nbatch_size = 32\npatience = {patience}"
    config = open_training(tmp_path, stages=(stage,))
    trained = train_quietly(config)
    assert trained.stages[0].n_steps == 2 * n_epochs
    assert trained.stages[0].error == 2.0
    again = train_quietly(config)  # which would ask for a seventh error
    assert again.stages[0].n_steps == 2 * n_epochs


def test_a_stage_begins_from_the_best_of_the_one_before(tmp_path, monkeypatch):
    errors = iter([2.0, 3.0, 4.0])
    monkeypatch.setattr(AgeTask, "error", lambda *_: next(errors))
    still = "epochs = 1\npeak = 1e-12\nweight_decay = 0\nbalanced = true"
    config = open_training(tmp_path, stages=(*SHORT, still))
    trained = train_quietly(config)
    first = load_checkpoint(config.folder / "stage-1.safetensors")
    for name, value in trained.checkpoint.parameters.items():
        torch.testing.assert_close(value, first.parameters[name], rtol=1e-6, atol=1e-6)
    assert [stage.error for stage in trained.stages] == [2.0, 4.0]
    assert "balanced over 6 age bins: an effective sample of" in (
        trained.stages[1].learned_from
    )


def test_bfloat16_learns_and_keeps_float32(tmp_path):
    stage = "epochs = 15\nbatch_size = 16\npeak = 3e-3\naverage = 0.9"
    losses = {}
    for precision in ("float32", "bfloat16"):
        more = f'[training]\nprecision = "{precision}"\n[augmentation]\n{UNVARIED}'
        folder = tmp_path / precision
        config = open_training(folder, stages=(stage,), more=more)
        parameters = train_quietly(config).checkpoint.parameters
        assert {value.dtype for value in parameters.values()} == {torch.float32}
        losses[precision] = _log(config)["loss"]
    assert losses["bfloat16"][0] == pytest.approx(losses["float32"][0], rel=0.01)
    assert losses["bfloat16"][0] != losses["float32"][0]
    assert losses["bfloat16"][-8:].mean() < losses["bfloat16"][:8].mean() / 2


def test_a_finished_run_that_is_started_again_does_nothing_and_says_the_same(tmp_path):
    config = open_training(tmp_path, stages=TWO_STAGES)
    first = train_quietly(config)
    before = _files(config.folder)

    def refuse(*_: object) -> None:
        raise AssertionError("a step was taken")

    again = train(config, device="cpu", watch=refuse)
    assert _files(config.folder) == before
    assert again.checkpoint.card == first.checkpoint.card
    for one, other in zip(first.stages, again.stages, strict=True):
        assert (one.learned_from, one.error, one.n_steps) == (
            other.learned_from,
            other.error,
            other.n_steps,
        )
        assert one.speed > 0
        assert 0 <= one.waiting < 1
        assert math.isnan(other.speed)
        assert math.isnan(other.waiting)


def test_a_run_does_not_go_on_with_other_labels(tmp_path):
    config = open_training(tmp_path, stages=SHORT)
    train_quietly(config)
    table = pd.read_csv(tmp_path / "labels.csv")
    table.loc[3, "age"] += 1
    table.to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(DataError, match="is of other data: crops or labels, or who"):
        train_quietly(config)


def test_what_a_stage_has_kept_must_be_there_and_its_own(tmp_path):
    config = open_training(tmp_path / "one", stages=SHORT * 2)
    other = open_training(tmp_path / "other", stages=SHORT, more="[training]\nseed = 2")
    ours, theirs = train_quietly(config), train_quietly(other)
    for suffix in (".safetensors", ".json"):
        (other.folder / f"stage-1{suffix}").replace(config.folder / f"stage-1{suffix}")
    again = r"stage 1 has ended .* delete `.*states.stage-1` to train the stage again"
    with pytest.raises(
        DataError, match=f"stage-1.* is of another training, but {again}"
    ):
        train_quietly(config)
    (config.folder / "stage-1.safetensors").unlink()
    with pytest.raises(DataError, match=f"stage-1.* is gone, but {again}"):
        train_quietly(config)
    shutil.rmtree(config.folder / "states" / "stage-1")
    assert train_quietly(config).checkpoint.name == ours.checkpoint.name
    assert ours.checkpoint.name != theirs.checkpoint.name


def test_what_the_card_says_may_change_when_all_is_learned(tmp_path):
    config = open_training(tmp_path, stages=SHORT)
    first = train_quietly(config).checkpoint.card
    path = tmp_path / "training.toml"
    told = path.read_text().replace('licence = "CC0"', 'licence = "CC BY 4.0"')
    path.write_text(told)
    config = training.replace(config, licence="CC BY 4.0", notes="Corrected.")
    second = train_quietly(config).checkpoint.card
    assert (second.licence, second.notes) == ("CC BY 4.0", "Corrected.")
    assert (second.sha256, second.accuracy) == (first.sha256, first.accuracy)


def _break_at(monkeypatch, n_before: int, loss: float) -> None:
    """Let the loss, and its gradient, be of a size from a step on."""
    true = AgeTask.loss
    n = 0

    def broken(task, outputs, places):
        nonlocal n
        n += 1
        found = true(task, outputs, places)
        return found if n <= n_before else found * (loss / found.detach())

    monkeypatch.setattr(AgeTask, "loss", broken)


@pytest.mark.parametrize("loss", [math.nan, math.inf, 1e6])
def test_a_broken_loss_stops_and_what_is_said_to_be_there_is(
    tmp_path, monkeypatch, loss
):
    config = open_training(tmp_path, stages=("epochs = 5\nbatch_size = 16",))
    _break_at(monkeypatch, 13, loss)
    with pytest.raises(ConvergenceError) as stopped:
        train_quietly(config)
    message = str(stopped.value)
    assert message.startswith(f"Stage 1, step 14: the loss is {loss:.4g} and the norm")
    first = _log(config)["loss"][:10].mean()
    assert f", after {first:.4g} in the first steps. " in message
    job = open_job(config)
    assert f"the state after step 12 is in `{job.states}`" in message
    assert f"the best parameters so far are in `{job.kept}`" in message
    assert message.endswith("and train in another folder.")
    state = load_state(job.states, config=job.settings, data=job.task.data)
    assert state is not None
    assert state.step == 12
    assert all(value.isfinite().all() for value in state.network.values())
    assert load_checkpoint(job.kept).card.name == "stripes"
    assert len(_log(config)) == 13
    assert not (config.folder / "stripes.safetensors").exists()
    _break_at(monkeypatch, 0, math.nan)  # as the same steps would be broken again
    with pytest.raises(
        ConvergenceError, match=r"Stage 1, step 13: .* after step 12 is"
    ):
        train_quietly(config)


def test_a_loss_that_breaks_at_once_leaves_nothing_and_says_so(tmp_path, monkeypatch):
    config = open_training(tmp_path, stages=SHORT)
    _break_at(monkeypatch, 2, math.nan)
    with pytest.raises(
        ConvergenceError,
        match=r"Stage 1, step 3: the loss is nan and the norm of its gradient nan at a "
        r"learning rate of 0\.000854\. Of this stage, no state was saved yet, and "
        r"nothing was kept yet\. Lower `peak`",
    ):
        train_quietly(config)
    assert not list(config.folder.glob("stage*"))
    assert not (config.folder / "states").exists()


def test_a_rate_far_too_high_explodes(tmp_path):
    stage = "epochs = 20\nbatch_size = 16\npeak = 1e4\nclip = 1e9\nwarm_up = 0.3"
    config = open_training(tmp_path, stages=(stage,))
    with pytest.raises(ConvergenceError, match=r"Stage 1, step \d+: the loss is "):
        train_quietly(config)


def test_all_is_checked_before_the_first_step(tmp_path):
    config = open_training(
        tmp_path, stages=SHORT, network=f'{VIT}\nstart = "stage-1.safetensors"'
    )
    with pytest.raises(DataError, match="stage-1"):
        train_quietly(config)
    assert {path.name for path in config.folder.iterdir()} <= {
        "crops.cache",
        ".crops.cache.lock",
    }


def test_two_runs_cannot_train_in_one_folder(tmp_path):
    config = open_training(tmp_path, stages=SHORT)

    def start_again(stage: str, step: int, n_steps: int) -> None:
        message = r"being made by another run \(process \d+\); wait .* another folder"
        with pytest.raises(DataError, match=message):
            train_quietly(config)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, device="cpu", watch=start_again)
    assert train_quietly(config).stages[0].n_steps == 8


def test_who_watches_is_told_every_step_of_every_stage(tmp_path):
    told = []
    config = open_training(tmp_path, stages=TWO_STAGES)
    train(config, device="cpu", watch=lambda *what: told.append(what))
    assert [(step, of) for _, step, of in told] == [(s, 8) for s in range(1, 9)] * 2
    assert told[0][0].startswith("stage 1: loss ")
    assert told[-1][0].startswith("stage 2: loss ")

"""Runs that are stopped end as those that are not, to the bit."""

from __future__ import annotations

import signal
import subprocess
import sys

import killed_training
import pandas as pd
import pytest
from made_faces import VIT, open_training, train_quietly, write_training

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.training import train as training
from fahrstats.face.training.config import Config
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.train import train

TWO_STAGES = (
    "epochs = 2\nbatch_size = 16",
    "epochs = 2\nbatch_size = 16\nbalanced = true",
)


class _StopError(Exception):
    """Stops a run."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return a training of two stages that has ended, never stopped."""
    config = open_training(tmp_path_factory.mktemp("whole"), stages=TWO_STAGES)
    train_quietly(config)
    return config


def _stop_after(config: Config, n_steps: int) -> None:
    """Train so many steps, and stop before the state after the last of them."""
    left = n_steps

    def watch(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise _StopError

    with pytest.raises(_StopError):
        train(config, device="cpu", watch=watch)


def _assert_same(config: Config, other: Config) -> None:
    for name in ("log.csv", "stage-1.safetensors", "stage-2.safetensors"):
        assert (config.folder / name).read_bytes() == (
            other.folder / name
        ).read_bytes(), name
    name = f"{config.name}.safetensors"
    assert (config.folder / name).read_bytes() == (other.folder / name).read_bytes()


@pytest.mark.parametrize("seconds", [0.0, 1000.0], ids=["every step", "every epoch"])
@pytest.mark.parametrize("n_steps", [4, 6, 9])
def test_a_stopped_run_ends_as_one_that_was_not(
    whole, tmp_path, monkeypatch, n_steps, seconds
):
    monkeypatch.setattr(training, "_SECONDS_BETWEEN_STATES", seconds)
    config = open_training(tmp_path, stages=TWO_STAGES)
    _stop_after(config, n_steps)
    assert len(pd.read_csv(config.folder / "log.csv")) == n_steps
    train_quietly(config)
    _assert_same(config, whole)


@pytest.mark.slow
def test_a_run_killed_in_an_epoch_and_between_stages_ends_as_one_that_was_not(
    whole, tmp_path
):
    path = write_training(tmp_path, stages=TWO_STAGES)
    config = read_config(path, kind="age")
    for n_steps in (3, 7):  # the third is taken again, as no state held it
        program = [sys.executable, killed_training.__file__, str(path), str(n_steps)]
        killed = subprocess.run(program, check=False)
        assert killed.returncode == -signal.SIGKILL
    log = pd.read_csv(config.folder / "log.csv")
    assert log.iloc[-1][["stage", "step"]].tolist() == [2, 1]
    train_quietly(config)
    _assert_same(config, whole)


def test_what_a_killed_process_left_half_written_is_forgotten(whole, tmp_path):
    config = open_training(tmp_path, stages=TWO_STAGES)
    _stop_after(config, 6)
    with (config.folder / "log.csv").open("a") as file:
        file.write("1,7,0.0004,12.")
    states = config.folder / "states/stage-1"
    (states / ".state-000000007.safetensors.999999999.partial").touch()
    train_quietly(config)
    _assert_same(config, whole)
    assert {path.name for path in states.iterdir()} == {
        "state-000000004.safetensors",
        "state-000000008.safetensors",
    }


def test_a_run_goes_on_from_the_state_before_a_damaged_one(whole, tmp_path):
    config = open_training(tmp_path, stages=TWO_STAGES)
    _stop_after(config, 15)
    newest = config.folder / "states/stage-2/state-000000004.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.raises(DataError, match="none of 1 states can be read"):
        train_quietly(config)
    newest.unlink()
    train_quietly(config)
    _assert_same(config, whole)


def test_a_network_to_start_from_is_known_by_its_parameters_not_its_place(
    whole, tmp_path
):
    first = load_checkpoint(whole.folder / "stage-1.safetensors")
    for name in ("here", "there"):
        write_training(tmp_path / name, network=f'{VIT}\nstart = "first.safetensors"')
        for suffix in (".safetensors", ".json"):
            content = first.path.with_suffix(suffix).read_bytes()
            (tmp_path / name / "first").with_suffix(suffix).write_bytes(content)
    here, there = (
        read_config(tmp_path / name / "training.toml", kind="age")
        for name in ("here", "there")
    )
    _stop_after(here, 5)
    (tmp_path / "here/run").rename(tmp_path / "there/run")
    train_quietly(there)
    train_quietly(here)
    for name in ("log.csv", "stripes.safetensors"):
        assert (here.folder / name).read_bytes() == (there.folder / name).read_bytes()


def test_a_state_of_another_configuration_is_refused(tmp_path):
    config = open_training(tmp_path, stages=TWO_STAGES)
    _stop_after(config, 5)
    other = open_training(
        tmp_path, stages=(TWO_STAGES[0] + "\npeak = 0.01", TWO_STAGES[1])
    )
    with pytest.raises(DataError, match="is of another configuration"):
        train_quietly(other)


def test_a_later_stage_may_change_until_it_has_begun(tmp_path):
    config = open_training(tmp_path, stages=TWO_STAGES)
    _stop_after(config, 8)
    other = open_training(tmp_path, stages=(TWO_STAGES[0], "epochs = 1"))
    train_quietly(other)
    log = pd.read_csv(other.folder / "log.csv")
    assert log["stage"].tolist() == [1] * 8 + [2]

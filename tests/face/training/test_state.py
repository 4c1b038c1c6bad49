from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from safetensors.torch import save_file

from fahrstats.errors import DataError, ResultWarning
from fahrstats.face.checkpoints.card import Architecture
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.training.optimisation import (
    MovingAverage,
    learning_rate,
    parameter_groups,
    set_learning_rate,
)
from fahrstats.face.training.state import (
    TrainingState,
    load_state,
    moments_of,
    restore_moments,
    save_state,
)

SHAPE = Architecture(
    image_size=16, patch_size=8, width=16, depth=2, heads=2, mlp_width=32
)
CONFIG = "seed = 1\npeak = 0.01\n"
DATA = "3f2a9c"


class Run:
    """A small training, with every kind of state that a real one has."""

    def __init__(self) -> None:
        self.network = VisionTransformer(SHAPE, 1, seed=3)
        groups = parameter_groups(self.network, weight_decay=0.05, layer_decay=0.75)
        self.optimiser = torch.optim.AdamW(groups, lr=0.0)
        self.average = MovingAverage(self.network, decay=0.8)
        self.step = 0

    def train(self, n_steps: int) -> None:
        for _ in range(n_steps):
            rate = learning_rate(self.step, n_steps=12, warm_up=3, peak=0.01)
            set_learning_rate(self.optimiser, rate)
            drawn = torch.Generator().manual_seed(self.step)
            images = torch.randn(4, 3, 16, 16, generator=drawn)
            self.optimiser.zero_grad()
            error = self.network(images)[:, 0] - images.mean(dim=(1, 2, 3))
            error.square().mean().backward()
            self.optimiser.step()
            self.average.update(self.network)
            self.step += 1

    def state(self) -> TrainingState:
        return TrainingState(
            step=self.step,
            network=self.network.state_dict(),
            average=self.average.values,
            n_averaged=self.average.n_updates,
            moments=moments_of(self.optimiser, self.network),
            config=CONFIG,
            data=DATA,
            numbers={"best": 0.1 + 0.2},
        )

    def go_on_from(self, state: TrainingState) -> None:
        self.network.load_state_dict(state.network)
        self.average.restore(state.average, n_updates=state.n_averaged)
        restore_moments(self.optimiser, self.network, state.moments)
        self.step = state.step


def test_a_resumed_run_is_the_same_to_the_bit(tmp_path):
    whole = Run()
    whole.train(10)
    stopped = Run()
    stopped.train(4)
    save_state(tmp_path, stopped.state())
    del stopped
    resumed = Run()
    resumed.go_on_from(load(tmp_path))
    resumed.train(6)
    mine, other = resumed.state(), whole.state()
    assert mine.n_averaged == other.n_averaged == 10
    for part in ("network", "average", "moments"):
        found, wanted = getattr(mine, part), getattr(other, part)
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_run_resumed_without_moments_is_another_one(tmp_path):
    whole = Run()
    whole.train(6)
    resumed = Run()
    stopped = Run()
    stopped.train(4)
    resumed.go_on_from(replace(stopped.state(), moments={}))
    resumed.train(2)
    assert not torch.equal(resumed.network.head.weight, whole.network.head.weight)


def test_numbers_and_texts_come_back(tmp_path):
    run = Run()
    run.train(5)
    save_state(tmp_path, run.state())
    state = load(tmp_path)
    assert (state.step, state.n_averaged) == (5, 5)
    assert (state.config, state.data) == (CONFIG, DATA)
    assert state.numbers == {"best": 0.1 + 0.2}


def test_an_empty_folder_has_no_state(tmp_path):
    assert load(tmp_path) is None
    assert load(tmp_path / "absent") is None


def test_two_states_are_kept(tmp_path):
    saved(tmp_path, 1, 2, 3)
    assert names(tmp_path) == [
        "state-000000002.safetensors",
        "state-000000003.safetensors",
    ]


def test_a_state_of_a_later_step_goes_when_an_earlier_one_is_written(tmp_path):
    saved(tmp_path, 1, 2)
    state = replace(Run().state(), step=9)
    damage(save_state(tmp_path, state))
    saved(tmp_path, 3)
    assert load(tmp_path).step == 3
    assert names(tmp_path) == [
        "state-000000002.safetensors",
        "state-000000003.safetensors",
    ]


@pytest.mark.parametrize("moment", ["writing", "renaming", "deleting"])
def test_a_run_killed_while_it_saves_goes_on_from_a_whole_state(
    tmp_path, monkeypatch, moment
):
    saved(tmp_path, 1, 2)
    kill = {
        "writing": (Path, "write_bytes", 2),
        "renaming": (Path, "replace", 2),
        "deleting": (Path, "unlink", 3),
    }
    owner, method, wanted = kill[moment]

    def die(self: Path, *args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, method, die)
        with pytest.raises(Killed):
            saved(tmp_path, 3)
    assert load(tmp_path).step == wanted


def test_a_process_killed_for_real_leaves_a_whole_state(tmp_path):
    saving = f"""
import sys
from pathlib import Path
import torch
from fahrstats.face.training.state import TrainingState, save_state
for step in range(1, 1_000_000):
    save_state(Path(sys.argv[1]), TrainingState(
        step=step, network={{"x": torch.full((500_000,), step)}}, average={{}},
        n_averaged=0, moments={{}}, config={CONFIG!r},
        data={DATA!r}, numbers={{}}))
    print(step, flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", saving, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            reported = [int(process.stdout.readline()) for _ in range(5)][-1]
        finally:
            process.kill()
        reported = max([reported, *map(int, process.stdout.read().split())])
    state = load(tmp_path)
    assert reported <= state.step <= reported + 1
    assert state.network["x"].eq(state.step).all()


@pytest.mark.parametrize("n_bytes", [0, 5, 200, -1])
def test_the_state_before_a_truncated_one_is_used(tmp_path, n_bytes):
    _, last = saved(tmp_path, 1, 2)
    damage(last, n_bytes)
    with pytest.warns(ResultWarning, match="`state-000000002.safetensors`.*step 1,"):
        state = load(tmp_path)
    assert state.step == 1


def test_a_file_that_is_no_state_is_damaged(tmp_path):
    saved(tmp_path, 1)
    save_file({"network/x": torch.zeros(1)}, tmp_path / "state-000000002.safetensors")
    with pytest.warns(ResultWarning, match="__metadata__"):
        assert load(tmp_path).step == 1


def test_two_broken_states_are_an_error(tmp_path):
    for path in saved(tmp_path, 1, 2):
        damage(path)
    with pytest.raises(DataError, match=r"none of 2 states can be read.*Delete them"):
        load(tmp_path)


def test_another_configuration_is_refused_by_its_lines(tmp_path):
    saved(tmp_path, 1)
    with pytest.raises(
        DataError, match=r"it was `peak = 0\.01` and is `peak = 0\.02`\. Undo"
    ):
        load_state(tmp_path, config="seed = 1\npeak = 0.02\n", data=DATA)
    with pytest.raises(DataError, match="no other line and is no other line"):
        load_state(tmp_path, config="peak = 0.01\nseed = 1\n", data=DATA)
    with pytest.raises(DataError, match="and is `a`, `b`, `c`, `d` and 2 more lines"):
        load_state(tmp_path, config="a\nb\nc\nd\ne\nf", data=DATA)


def test_of_nested_settings_those_that_differ_are_told(tmp_path):
    def settings(peak: float) -> str:
        stages = [{"epochs": 3, "peak": 0.01}, {"epochs": 3, "peak": peak}]
        network = {"width": 8, "depth": 2}
        told = {"age_bins": [0.0, 3.0], "network": network, "stages": stages}
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())

    save_state(tmp_path, replace(Run().state(), config=settings(0.02)))
    with pytest.raises(
        DataError,
        match=r"was `stages 2 peak = 0\.02` and is `stages 2 peak = 0\.5`\. U",
    ):
        load_state(tmp_path, config=settings(0.5), data=DATA)


def test_other_data_are_refused(tmp_path):
    saved(tmp_path, 1)
    with pytest.raises(DataError, match=r"other data: crops .*`3f2a9c`, now `000000`"):
        load_state(tmp_path, config=CONFIG, data="000000")


def test_moments_of_another_network_are_refused():
    run = Run()
    with pytest.raises(DataError, match="`absent/exp_avg` of shape"):
        restore_moments(run.optimiser, run.network, {"absent/exp_avg": torch.zeros(2)})
    with pytest.raises(DataError, match=r"`head\.bias/exp_avg` of shape"):
        restore_moments(
            run.optimiser, run.network, {"head.bias/exp_avg": torch.zeros(2)}
        )


class Killed(BaseException):
    """What no handler of an error catches."""


def saved(folder: Path, *steps: int) -> list[Path]:
    state = Run().state()
    return [save_state(folder, replace(state, step=step)) for step in steps]


def load(folder: Path) -> TrainingState:
    return load_state(folder, config=CONFIG, data=DATA)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def damage(path: Path, n_bytes: int = 100) -> None:
    path.write_bytes(path.read_bytes()[:n_bytes])

"""Processes that train together find what one would."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import joint_training
import pandas as pd
import pytest
import torch
from made_faces import (
    CONVOLUTIONAL,
    open_job,
    open_training,
    train_quietly,
    write_training,
)
from safetensors.torch import load_file
from torch import Tensor, nn

from fahrstats.face.training import train as training
from fahrstats.face.training.course import open_course
from fahrstats.face.training.loading import load_batches
from fahrstats.face.training.ranks import Ranks, is_first_process, open_ranks

# No batch of the odd ones is shared evenly by two
TRAININGS = {
    "age": ("age", {"stages": ("epochs = 2\nbatch_size = 16",)}),
    "age odd": (
        "age",
        {
            "n": 63,
            "stages": (
                "epochs = 1\nbatch_size = 21",
                "epochs = 1\nbatch_size = 21\nbalanced = true\nchunks = 3",
            ),
        },
    ),
    "survival odd": (
        "survival",
        {
            "n": 131,
            "stages": ("epochs = 3\nbatch_size = 64\nchunks = 2",),
            "more": '[survival]\nadjust = ["age", "sex"]',
        },
    ),
    "pretrain odd": (
        "pretrain",
        {
            "n": 63,
            "stages": ("epochs = 2\nbatch_size = 21",),
            "more": "[pretrain]\ndecoder_width = 32",
        },
    ),
}
# One step: rounding decides the sign of gradients that batch norm makes tiny, and with
# it where Adam goes
ONE_STEP = ("epochs = 1\nbatch_size = 63\nclip = 1e9",)
STEPS = {
    "convolutional": ("age", {"n": 63, "network": CONVOLUTIONAL, "stages": ONE_STEP}),
    "vit": ("age", {"n": 63, "stages": ONE_STEP}),
}
# The loss is the same whatever these are, so that rounding alone moves them: attention
# by the biases of its keys, a partial likelihood by a log hazard that all have
ALL = TRAININGS | STEPS
UNSEEN = {"age": ("qkv.bias",), "survival": ("qkv.bias", "norm.bias", "head.bias")}


def _free_ports(n: int) -> list[str]:
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which two processes have trained together."""
    folder = tmp_path_factory.mktemp("joint")
    told = []
    for (name, (kind, how)), port in zip(
        ALL.items(), _free_ports(len(ALL)), strict=True
    ):
        told += [kind, str(write_training(folder / name, kind, **how)), port]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    program = [sys.executable, *launcher, joint_training.__file__, *told]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_all_processes_hold_the_same_parameters_to_the_bit(joint, name):
    first, second = (load_file(joint / name / f"rank-{i}.safetensors") for i in (0, 1))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_two_processes_find_what_one_does(joint, tmp_path, name):
    kind, how = TRAININGS[name]
    alone = open_training(tmp_path, kind, **how)
    train_quietly(alone)
    run = joint / name / "run"
    logs = [pd.read_csv(folder / "log.csv") for folder in (run, alone.folder)]
    pd.testing.assert_frame_equal(*logs, rtol=1e-6, atol=1e-6)
    ours, theirs = (
        load_file(folder / "stripes.safetensors") for folder in (run, alone.folder)
    )
    seen = [key for key in theirs if not key.endswith(UNSEEN.get(kind, ()))]
    assert len(seen) > 20
    for key in seen:
        torch.testing.assert_close(ours[key], theirs[key], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_two_processes_find_the_gradient_that_one_does(joint, tmp_path, name):
    kind, how = STEPS[name]
    job = open_job(open_training(tmp_path, kind, **how))
    learner = open_course(job, None).learner
    batch = next(load_batches(job, range(1), per_epoch=1))
    training._backward(job, learner, batch)
    theirs = joint_training.gradients_of(learner)
    ours = load_file(joint / name / "gradients-0.safetensors")
    assert ours.keys() == theirs.keys()
    size = torch.stack([value.norm() for value in theirs.values()]).norm()
    for key, value in theirs.items():
        assert (ours[key] - value).norm() < 1e-5 * size, key


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_only_the_first_process_writes(joint, name):
    written = [
        {Path(file).name for file in json.loads(path.read_text())}
        for path in sorted((joint / name).glob("written-*.json"))
    ]
    # Whoever comes first unpacks the crops
    first, second = (
        {file for file in files if "crops.cache" not in file} for files in written
    )
    assert second == set()
    assert "log.csv" in first
    assert {path.name for path in (joint / name / "run").glob("*.csv")} == {"log.csv"}


def test_one_process_is_alone_without_a_launcher():
    network = nn.Linear(2, 1)
    with open_ranks("cpu") as ranks:
        assert (ranks.rank, ranks.world, ranks.device) == (0, 1, "cpu")
        assert ranks.is_first
        assert ranks.parallel(network) is network
        part = torch.arange(3.0)
        assert ranks.joined(part, 3) is part
        assert ranks.agreed(0.1) == 0.1
        ranks.wait()
        with ranks.alone(network):
            pass


@pytest.mark.parametrize("n", [1, 4, 5, 7])
@pytest.mark.parametrize("rank", [0, 1, 2])
def test_values_are_joined_in_the_order_of_the_batch(monkeypatch, n, rank):
    world = 3
    values = torch.arange(n, dtype=torch.float32) + 1

    def gather(parts: list[Tensor], padded: Tensor) -> None:
        assert not padded.requires_grad
        for number, part in enumerate(parts):
            part.zero_()
            theirs = values[number::world]
            part[: len(theirs)] = theirs

    monkeypatch.setattr(torch.distributed, "all_gather", gather)
    own = values[rank::world].clone().requires_grad_()
    whole = Ranks(rank, world, "cpu").joined(own, n)
    assert whole.tolist() == values.tolist()
    if len(own):  # gradients flow to the values of this process alone
        (whole * torch.arange(n)).sum().backward()
        assert own.grad.tolist() == list(range(n))[rank::world]


@pytest.mark.parametrize(
    ("rank", "is_first"), [(None, True), ("0", True), ("1", False)]
)
def test_the_first_process_is_known_before_they_meet(monkeypatch, rank, is_first):
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert is_first_process() is is_first

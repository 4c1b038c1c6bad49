"""Steps of a small convolutional network, by one process or by two together."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.network.convolutional import ConvolutionalNetwork

_SHAPE = ConvolutionalArchitecture(image_size=16, widths=(8, 16), blocks=(1, 1))
_WORLD = 2
_RATE = 0.05

Numbers = dict[str, Tensor]


@dataclass(frozen=True)
class Step:
    """One step of gradient descent on a batch.

    Attributes
    ----------
    n : int
        Faces of the whole batch, dealt in turn.
    side : int
        Of a face in pixels.
    seen : bool
        Whether only some places are seen, another number of every face.
    chunks : int
        Parts of a process's faces that are passed through one after another.
    shift : float
        Added to all pixels.
    """

    n: int
    side: int = 16
    seen: bool = False
    chunks: int = 1
    shift: float = 0.0


def take_steps(steps: list[Step]) -> Numbers:
    """Take steps in this process; return gradients, parameters and running means."""
    return _take(steps, rank=0, world=1)


def take_steps_together(
    courses: list[list[Step]], folder: Path
) -> list[list[Numbers | str]]:
    """Take steps in two processes; return of each course what each of them has.

    What a process has is its message where it raised one.
    """
    torch.multiprocessing.spawn(_process, (courses, folder), nprocs=_WORLD)
    told = [torch.load(folder / f"{rank}.pt") for rank in range(_WORLD)]
    return [list(of_course) for of_course in zip(*told, strict=True)]


def _process(rank: int, courses: list[list[Step]], folder: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=_WORLD,
        timeout=timedelta(seconds=60),
    )
    told: list[Numbers | str] = []
    for steps in courses:
        try:
            told.append(_take(steps, rank=rank, world=_WORLD))
        except DataError as error:
            told.append(str(error))
    torch.save(told, folder / f"{rank}.pt")
    distributed.destroy_process_group()


def _take(steps: list[Step], *, rank: int, world: int) -> Numbers:
    """Take steps on every ``world``-th face, from ``rank``."""
    network = _Summed(ConvolutionalNetwork(_SHAPE, 1, seed=2))
    wrapped = network if world == 1 else DistributedDataParallel(network)
    for number, step in enumerate(steps):
        images, seen = _batch(step, seed=number)
        network.zero_grad()
        # With two processes, chunk i holds the same faces as chunk i of one
        for i, part in enumerate(torch.arange(step.n).tensor_split(step.chunks)):
            own = part[rank::world]
            is_last = i + 1 == step.chunks
            with nullcontext() if world == 1 or is_last else wrapped.no_sync():
                total = wrapped(images[own], None if seen is None else seen[own])
                (total * (world / step.n)).backward()
        with torch.no_grad():
            for value in network.parameters():
                value -= _RATE * value.grad
    gradients = {f"gradient of {k}": x.grad for k, x in network.named_parameters()}
    return {name: x.clone() for name, x in (gradients | network.state_dict()).items()}


class _Summed(nn.Module):
    """A sum over faces that depends on every number of a network."""

    def __init__(self, network: ConvolutionalNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, seen: Tensor | None) -> Tensor:
        features = self.network.features(images, seen)
        outputs = self.network.head(features.square().mean(dim=(2, 3)))
        return outputs.square().sum()


def _batch(step: Step, *, seed: int) -> tuple[Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(step.n, 3, step.side, step.side, generator=generator)
    if not step.seen:
        return images + step.shift, None
    share = torch.linspace(0.1, 0.9, step.n).view(-1, 1, 1, 1)
    places = (step.n, 1, step.side // 4, step.side // 4)
    return images, torch.rand(places, generator=generator) < share

"""The processes that train together, each on its part of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from fahrstats.face.engine import Device, choose_device


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which process this is of how many, as ``torchrun`` started them.

    Attributes
    ----------
    rank : int
        This process, from 0; the first one writes the files.
    world : int
        Number of processes.
    device : str
        Where this one computes.
    """

    rank: int
    world: int
    device: str

    @property
    def is_first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def parallel(self, network: nn.Module) -> nn.Module:
        """Wrap a network so that gradients are averaged over the processes."""
        return network if self.world == 1 else DistributedDataParallel(network)

    def alone(self, network: nn.Module) -> AbstractContextManager[None]:
        """Hold gradients back from the other processes for a while."""
        if isinstance(network, DistributedDataParallel):
            return cast(AbstractContextManager[None], network.no_sync())
        return nullcontext()

    def joined(self, part: Tensor, n: int) -> Tensor:
        """Return the values of a whole batch, of which this process has computed some.

        Parameters
        ----------
        part
            Values of the rows ``rank, rank + world, ...``, shape (k,). Gradients flow
            to these alone.
        n
            Rows of the whole batch.
        """
        if self.world == 1:
            return part
        longest = -(-n // self.world)
        padded = part.new_zeros(longest)
        padded[: len(part)] = part.detach()
        parts = [torch.empty_like(padded) for _ in range(self.world)]
        distributed.all_gather(parts, padded)
        whole = torch.stack(parts, dim=1).flatten()[:n]
        whole[self.rank :: self.world] = part
        return whole

    def agreed(self, number: float) -> float:
        """Return the number that the first process found."""
        if self.world == 1:
            return number
        shared = torch.tensor([number], dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, 0)
        return float(shared)

    def wait(self) -> None:
        """Wait until every process has come here."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def open_ranks(device: Device) -> Iterator[Ranks]:
    """Join the other processes, if ``torchrun`` started several.

    Parameters
    ----------
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: CUDA where there is a device.

    Raises
    ------
    DataError
        CUDA is asked for and absent, or the device is unknown.
    """
    on_cuda = choose_device(device) == "cuda"
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    place = f"cuda:{local}" if on_cuda else "cpu"
    if world == 1:
        yield Ranks(0, 1, place)
        return
    if on_cuda:
        torch.cuda.set_device(local)
    distributed.init_process_group("nccl" if on_cuda else "gloo")
    try:
        yield Ranks(distributed.get_rank(), world, place)
    finally:
        distributed.destroy_process_group()


def is_first_process() -> bool:
    """Tell whether this is the first of the processes that ``torchrun`` started."""
    return os.environ.get("RANK", "0") == "0"

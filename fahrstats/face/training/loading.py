"""Faces on their way to the network: the next batch is made while one is learned."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from fahrstats.face.training.faces.augment import draw_variations, prepare
from fahrstats.face.training.faces.batches import slice_of_rank
from fahrstats.face.training.job import Job
from fahrstats.resampling import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a process needs for a step.

    Attributes
    ----------
    places : ndarray of int64
        The whole batch, as places in the rows of the task.
    images : Tensor, float32, shape (k, 3, size, size)
        This process's part of it.
    extra : Tensor or None
        What the learner is given beside the images.
    """

    places: IntArray
    images: Tensor
    extra: Tensor | None

    def chunks(self, n: int) -> list[Batch]:
        """Return this process's part in ``n`` parts, whose sizes differ by at most one.

        There must be as many faces.
        """
        images = self.images.tensor_split(n)
        extra = [None] * n if self.extra is None else self.extra.tensor_split(n)
        return [Batch(self.places, *part) for part in zip(images, extra, strict=True)]


def load_batches(job: Job, steps: range, *, per_epoch: int) -> Iterator[Batch]:
    """Yield the batches of some steps, in order.

    What is drawn for a face depends on the seed, the stage and the step, and is drawn
    for the whole batch, of which each process then takes its part.
    """
    epoch_of = lru_cache(maxsize=2)(job.batches)

    def make(step: int) -> Batch:
        epoch, index = divmod(step, per_epoch)
        return _made(job, epoch_of(epoch)[index], step)

    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(make, step) for step in steps[:1]]
        for following in steps[1:]:
            done = ahead.pop().result()
            ahead.append(pool.submit(make, following))
            yield done
        if ahead:
            yield ahead.pop().result()


def read_images(job: Job, rows: IntArray) -> Tensor:
    """Return the images of some crops as they are, (k, 3, size, size)."""
    return _normalised(job, rows, None)


def _made(job: Job, places: IntArray, step: int) -> Batch:
    """Draw for the whole batch, and prepare the part of this process."""
    ranks, key = job.ranks, (job.number, step)
    words = np.random.SeedSequence(job.config.seed, spawn_key=key).generate_state(2)
    generator = torch.Generator().manual_seed(int(words.view(np.uint64)[0] >> 1))
    draws = draw_variations(len(places), generator)
    extra = job.task.extra(places, generator)
    mine = slice(ranks.rank, None, ranks.world)
    own = slice_of_rank(places, rank=ranks.rank, world=ranks.world)
    return Batch(
        places=places,
        images=_normalised(
            job,
            job.task.rows[own],
            {what: uniform[mine] for what, uniform in draws.items()},
        ),
        extra=None if extra is None else extra[mine].to(ranks.device),
    )


def _normalised(job: Job, rows: IntArray, draws: dict[str, Tensor] | None) -> Tensor:
    """Return images as the card says, varied if there are draws."""
    how, device = job.config.preprocessing, job.ranks.device
    images = prepare(
        torch.from_numpy(job.crops.take(rows)).to(device),
        margin=job.crops.margin,
        pixels=how.input_size,
        wanted_margin=how.crop_margin,
        augmentation=None if draws is None else job.config.augmentation,
        draws=draws,
    )
    mean, spread = (
        torch.tensor(channels, device=device).view(3, 1, 1)
        for channels in (how.channel_mean, how.channel_spread)
    )
    return (images - mean) / spread

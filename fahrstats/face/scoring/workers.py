"""Shards scored by processes with one thread each."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pyarrow as pa
import torch
from threadpoolctl import threadpool_limits

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import Shard
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.workbench import open_workbench

_SECONDS_TO_END = 5.0


def available_cores() -> int:
    """Return the cores that this process may use, as affinity and cgroup say."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return cores
    if quota == "max":
        return cores
    return max(1, min(cores, int(quota) // int(period)))


def score_in_processes(
    plan: Plan, shards: Iterable[Shard], n_workers: int
) -> Iterator[tuple[Shard, pa.Table]]:
    """Yield shards and their tables as they are finished, in any order.

    Each process opens the detector and the models once. A shard whose process dies, as
    when the system runs out of memory, is given to a new process once more.

    Raises
    ------
    DataError
        Two processes died on the same shard; the message names its photos.
    """
    waiting = iter(shards)
    crew: dict[Connection, _Worker] = {}
    died: set[int] = set()
    try:
        for shard in islice(waiting, n_workers):
            _hire(plan, shard, crew)
        while crew:
            for pipe in wait(list(crew)):
                worker = crew[pipe]  # type: ignore[index]
                answer = worker.answer()
                if answer is None:
                    del crew[worker.pipe]
                    _check_first_death(worker, died)
                    _hire(plan, worker.shard, crew)
                    continue
                if isinstance(answer, Exception):
                    raise answer
                finished = worker.shard
                following = next(waiting, None)
                if following is None:
                    crew.pop(worker.pipe).end()
                else:
                    worker.take(following)
                yield finished, answer
    finally:
        for worker in crew.values():
            worker.end()


def use_one_thread() -> None:
    """Let this process compute with one thread, since there are others like it."""
    torch.set_num_threads(1)
    threadpool_limits(limits=1)


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, the pipe to it, and the shard it works on."""

    process: SpawnProcess
    pipe: Connection
    shard: Shard

    def take(self, shard: Shard) -> None:
        """Give the process a shard; if it has died, its answer will say so."""
        self.shard = shard
        try:
            self.pipe.send(shard)
        except OSError:
            return

    def answer(self) -> pa.Table | Exception | None:
        """Return what came of the shard, or None if the process died."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(_SECONDS_TO_END)
            return None

    def end(self) -> None:
        """End the process, whatever it does."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(_SECONDS_TO_END)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _hire(plan: Plan, shard: Shard, crew: dict[Connection, _Worker]) -> None:
    """Start a process and give it its first shard."""
    context = get_context("spawn")
    pipe, far_end = context.Pipe()
    process = context.Process(target=_work, args=(plan, far_end), daemon=True)
    process.start()
    far_end.close()  # so that the pipe ends when the process does
    crew[pipe] = _Worker(process, pipe, shard)
    crew[pipe].take(shard)


def _check_first_death(worker: _Worker, died: set[int]) -> None:
    """Remember that a process died on a shard; raise if it is the second time."""
    shard = worker.shard
    if shard.index not in died:
        died.add(shard.index)
        return
    names = [photo.photo for photo in shard]
    raise DataError(
        f"Two processes died on the same {len(names)} photos, `{names[0]}` to "
        f"`{names[-1]}` (exit code {worker.process.exitcode}; -9 is often the system "
        "short of memory). Finished photos are kept: run again with fewer `--workers`, "
        "or take the photo that causes it out."
    )


def _work(plan: Plan, pipe: Connection) -> None:
    """Score the shards that come through a pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        use_one_thread()
        bench = open_workbench(plan)
        while (shard := _next_shard(pipe)) is not None:
            pipe.send(bench.score(shard))
    except Exception as error:
        error.add_note(traceback.format_exc())
        pipe.send(error)


def _next_shard(pipe: Connection) -> Shard | None:
    """Return the next shard, or None when there is none."""
    try:
        shard: Shard = pipe.recv()
    except EOFError:
        return None
    return shard


def _end_with_parent() -> None:
    """Leave no process behind when the parent is killed."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

"""Shards scored by Ray Data actors, on one machine or many."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from fahrstats.errors import MissingExtraError
from fahrstats.face.pictures.photos import Shard, in_runs
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.workbench import open_workbench
from fahrstats.face.scoring.workers import use_one_thread

_SHARDS_PER_WORKER = 64  # given to Ray at a time, so that memory stays flat


def score_on_cluster(
    plan: Plan, shards: Iterable[Shard], n_workers: int
) -> Iterator[tuple[Shard, pa.Table]]:
    """Yield shards and their tables as they are finished, in any order.

    Each actor opens the detector and the models once. Ray starts a lost actor again and
    gives its shard to another. The cluster is the one of ``RAY_ADDRESS``, or one that
    is started on this machine alone and stopped afterwards.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    """
    with _ray(n_workers) as ray:
        for run in in_runs(shards, _SHARDS_PER_WORKER * n_workers):
            by_index = {shard.index: shard for shard in run}
            scored = ray.data.from_items(
                [{"shard": shard} for shard in run]
            ).map_batches(
                _ShardScorer,
                fn_constructor_args=(plan,),
                batch_size=1,
                compute=ray.data.ActorPoolStrategy(size=min(n_workers, len(run))),
                num_cpus=1,
            )
            for row in scored.iter_rows():
                yield by_index[row["index"]], _unpacked(row["table"])


class _ShardScorer:
    """An actor: its models, and what it does to a batch of one shard."""

    def __init__(self, plan: Plan) -> None:
        use_one_thread()
        self._bench = open_workbench(plan)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        (shard,) = batch["shard"]
        return {"index": [shard.index], "table": [_packed(self._bench.score(shard))]}


@contextmanager
def _ray(n_workers: int) -> Iterator[Any]:
    """Give Ray, connected to a cluster; nothing is reported about its use."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError(
            "`--engine ray` needs Ray: pip install 'fahrstats[ray]'"
        ) from error
    ray.data.DataContext.get_current().enable_progress_bars = False  # ours is shown
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    if ray.is_initialized():
        yield ray
        return
    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False, logging_level="warning")
    else:
        ray.init(
            num_cpus=n_workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="warning",
            _node_ip_address="127.0.0.1",
        )
    try:
        yield ray
    finally:
        ray.shutdown()


def _packed(table: pa.Table) -> bytes:
    """Return a table as the bytes of an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _unpacked(content: bytes) -> pa.Table:
    """Return the table of an Arrow stream."""
    return pa.ipc.open_stream(content).read_all()

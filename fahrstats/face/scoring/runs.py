"""Scoring at any scale: shards to parts to one table, going on where a run stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from fahrstats.errors import DataError
from fahrstats.face.models.predictions import check_overlap
from fahrstats.face.pictures.photos import PhotoSource, Shard, hash_of
from fahrstats.face.scoring.finished import check_name, finished_counts, merge_parts
from fahrstats.face.scoring.parts import Parts, Restart, open_parts
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.workbench import FINGERPRINT_KEY, open_workbench
from fahrstats.face.scoring.workers import available_cores, score_in_processes
from fahrstats.watching import Watch

Engine = Literal["processes", "ray"]

_FEWEST_PHOTOS = 16
_FEWEST_SLOW = 2  # of photos that take seconds each
_MOST_PHOTOS = 512
_SHARDS_WANTED = 64


def score_to(
    out: Path,
    source: PhotoSource,
    *,
    plan: Plan,
    workers: int | None = None,
    engine: Engine = "processes",
    restart: Restart = False,
    watch: Watch = lambda step, position, total: None,
) -> dict[str, int]:
    """Score photos, embed or crop them, into a file; return photos by status.

    Finished shards are kept in ``OUT.parts`` until the table is whole. A run that was
    stopped, however it was, goes on from them, and a finished table is left as it is.
    Results depend on photos and plan alone.

    Parameters
    ----------
    out
        The table to write: .parquet, or .csv if the plan asks for scores.
    source
        Photos that :func:`~fahrstats.face.pictures.sources.open_source` opened.
    plan
        What is done to every photo.
    workers
        Processes, of one thread each; as many as there are cores by default.
    engine
        ``"processes"`` of this machine, or ``"ray"`` for the machines of a Ray cluster
        that all see the photos under the same path.
    restart
        Discard what is there instead of going on from it; ``"if stale"``, only what
        was made from other photos or by another plan.
    watch
        Told about the progress.

    Raises
    ------
    DataError
        A model cannot be opened, a table of predictions knows none of the photos,
        ``out`` or its parts were made from other photos or by another plan, another
        run is making it, or two processes died on the same shard.
    """
    scores = plan.outcome == "scores"
    check_name(out, (".parquet", ".csv") if scores else (".parquet",))
    if workers is not None and workers < 1:
        raise DataError(f"`workers` must be at least 1, but it is {workers}.")
    watch("opening the models", 0, 1)
    described, fingerprint = _checked(plan, source)
    key = hash_of([fingerprint, source.fingerprint()])
    with open_parts(out, fingerprint, restart=restart) as parts:
        counts = finished_counts(out, key, restart=restart)
        if counts is None:
            n_parts = _fill(parts, source, plan, workers, engine, watch)
            if hash_of([fingerprint, source.fingerprint()]) != key:
                raise DataError(
                    "Photos were changed, or their disk was absent, while they were "
                    "scored; run again, and only they are scored anew."
                )
            watch("joining the parts", len(source), len(source))
            provenance = {**described, "source": source.name, "key": key}
            counts = merge_parts(parts, n_parts, out, provenance)
        parts.remove()
    return counts


def check_scored(counts: dict[str, int], out: Path) -> None:
    """Refuse a run in which no photo could be used.

    Raises
    ------
    DataError
        No photo has the status ``ok``; the message counts the others.
    """
    if counts["ok"]:
        return
    found = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
    raise DataError(
        f"None of the {sum(counts.values())} photos has a usable face ({found}); the "
        f"column `note` of `{out.name}` says why."
    )


def shard_size(n_photos: int, *, is_slow: bool = False) -> int:
    """Return how many photos are scored between two parts.

    It depends on the number of photos and on whether each takes seconds, so that a run
    can be resumed with any number of workers: enough shards to keep them busy, few
    enough to be quick.
    """
    fewest = _FEWEST_SLOW if is_slow else _FEWEST_PHOTOS
    return min(max(n_photos // _SHARDS_WANTED, fewest), _MOST_PHOTOS)


def _names(source: PhotoSource) -> Iterator[str]:
    """Yield the names of the photos."""
    for shard in source.shards(shard_size(len(source))):
        for photo in shard:
            yield photo.photo


def _checked(plan: Plan, source: PhotoSource) -> tuple[dict[str, Any], str]:
    """Open what workers will open, so that mistakes come to light; describe it."""
    bench = open_workbench(plan)
    check_overlap(bench.reading.models, _names(source))
    return bench.describe(), bench.fingerprint


def _fill(
    parts: Parts,
    source: PhotoSource,
    plan: Plan,
    workers: int | None,
    engine: Engine,
    watch: Watch,
) -> int:
    """Score the shards that have no part yet; return how many there are in all."""
    stamps: dict[int, str] = {}
    n_shards = n_done = 0

    def missing() -> Iterator[Shard]:
        nonlocal n_shards, n_done
        size = shard_size(len(source), is_slow=plan.is_slow)
        for shard in source.shards(size):
            n_shards += 1
            stamp = shard.fingerprint()
            if parts.has(shard.index, stamp):
                n_done += len(shard)
            else:
                if not stamps:
                    watch("scoring", n_done, len(source))
                stamps[shard.index] = stamp
                yield shard

    n_workers = workers or available_cores()
    for shard, table in _scored(plan, missing(), n_workers, engine):
        if table.schema.metadata != {FINGERPRINT_KEY: parts.fingerprint.encode()}:
            raise DataError(
                "A worker has scored with other models, settings or number format than "
                "were opened at the start: a file was replaced, or the machines of a "
                "cluster differ (then give `--device` and `--precision`). Finished "
                "photos are kept; run again."
            )
        parts.write(shard.index, stamps.pop(shard.index), table)
        n_done += len(shard)
        watch("scoring", n_done, len(source))
    return n_shards


def _scored(
    plan: Plan, shards: Iterable[Shard], n_workers: int, engine: Engine
) -> Iterator[tuple[Shard, pa.Table]]:
    """Start the engine of a name."""
    if engine == "processes":
        return score_in_processes(plan, shards, n_workers)
    if engine == "ray":
        from fahrstats.face.scoring.cluster import score_on_cluster

        return score_on_cluster(plan, shards, n_workers)
    raise DataError(f"`engine` is `processes` or `ray`, but it is {engine!r}.")

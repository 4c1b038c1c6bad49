"""What a photo costs from its file to two scores, and what forty million would cost.

Run `OMP_NUM_THREADS=1 python -m benchmarks.photos FOLDER` from the root of the project,
with a folder of at least 16 portraits. The photos are brought to two sizes; two models
of one size read each face, bfloat16 where the processor multiplies it. Their parameters
are drawn at random: this is for speed only, and the scores mean nothing. Times are CPU
times on one thread, so that a busy machine changes them little; what two processes
gain is wall clock, and says something on an idle machine only.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from fahrstats.face import Plan, open_source
from fahrstats.face.checkpoints.card import Card, Output, Preprocessing
from fahrstats.face.checkpoints.store import save_checkpoint
from fahrstats.face.engine import Engine
from fahrstats.face.network.sizes import Size, architecture, flop_per_image
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.scoring.workbench import Workbench, open_workbench
from fahrstats.face.scoring.workers import score_in_processes

PHOTO_SIZES = ((225, 275), (900, 1100))
NETWORKS: tuple[Size, ...] = ("small", "base")
FEWEST = 16
WANTED_REST = 0.15
WANTED_GAIN = 1.8
N_PLANNED = 40_000_000
H200_FLOP_PER_S = 989e12  # dense bfloat16, as its maker states
H200_USED = 0.4  # assumed, not measured
H200_CORES = 16
_SHARD = 8  # a pass of the networks; smaller ones are filled up


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one photo: all of them, and those of the networks."""

    whole: float
    network: float

    @property
    def rest(self) -> float:
        """Share of the time that is not the networks'."""
        return 1 - self.network / self.whole


@dataclass(frozen=True, slots=True)
class Bill:
    """What many photos cost on some machines."""

    core_hours: float
    hours: float
    price: float


def bill(
    photos: int, *, core_seconds: float, machines: int, cores: int, price: float
) -> Bill:
    """Multiply out: photos x core-seconds over cores, and ``price`` a core-hour."""
    core_hours = photos * core_seconds / 3600
    return Bill(core_hours, core_hours / (machines * cores), core_hours * price)


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.photos", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--price", type=float, default=0.04, help="of a core-hour")
    parser.add_argument("--cores", type=int, default=64, help="of a machine")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        folders = [
            resized(
                options.folder, place / f"{size[0]}x{size[1]}", size, options.photos
            )
            for size in PHOTO_SIZES
        ]
        models = {name: save_networks(place, name) for name in NETWORKS}
        costs = print_costs(folders, models)
        print_gain(folders[0], models["base"], options.repeats)
        print_bills(costs, options.cores, options.price)


def print_costs(
    folders: list[Path], models: dict[Size, tuple[str, str]]
) -> dict[Size, Cost]:
    """Print what one photo costs; return it for two models at the larger size."""
    print(f"One thread, torch {torch.__version__}; speed only, parameters at random.\n")
    print("| photo | models | type | photos/s | not the network, base < 0.15 |")
    print("|---|---|---|--:|--:|")
    costs = {}
    for folder in folders:
        for name, both in models.items():
            for used in (both[:1], both):
                bench = open_workbench(Plan(models=used, several="largest"))
                costs[name] = cost = measure(bench, folder)
                missed = name == "base" and cost.rest >= WANTED_REST
                (precision,) = {model.precision for model in bench.reading.models}  # type: ignore[attr-defined]
                print(
                    f"| {folder.name} | {len(used)} x {name} | {precision} | "
                    f"{1 / cost.whole:.2f} | {cost.rest:.3f}"
                    f"{', missed' if missed else ''} |",
                    flush=True,
                )
    return costs


def measure(bench: Workbench, folder: Path) -> Cost:
    """Score a folder in this process; CPU seconds of a photo, medians over batches."""
    spent = [0.0]
    wholes, networks = [], []
    with network_timed(spent):
        for shard in open_source(folder).shards(bench.batch_size):
            before, start = spent[0], time.process_time()
            bench.score(shard)
            wholes.append((time.process_time() - start) / len(shard))
            networks.append((spent[0] - before) / len(shard))
    # the first batch warms up
    return Cost(statistics.median(wholes[1:]), statistics.median(networks[1:]))


@contextmanager
def network_timed(spent: list[float]) -> Iterator[None]:
    """While it is entered, the CPU time of every network is added to ``spent``."""
    outputs = Engine.outputs

    def timed(engine: Engine, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        start = time.process_time()
        found = outputs(engine, inputs)
        spent[0] += time.process_time() - start
        return found

    Engine.outputs = timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        Engine.outputs = outputs  # type: ignore[method-assign]


def print_gain(folder: Path, models: tuple[str, str], repeats: int) -> None:
    """Print what two processes score in the time of one; wall clock, by turns."""
    plan = Plan(models=models, several="largest")
    speeds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for n_workers, found in speeds.items():
            found.append(photos_per_s(plan, folder, n_workers))
    one, two = (statistics.median(found) for found in speeds.values())
    missed = "" if two / one >= WANTED_GAIN else ", missed"
    print(f"\n| processes | photos/s, 2 x base, median of {repeats} | times one, 1.8 |")
    print("|--:|--:|--:|")
    print(f"| 1 | {one:.2f} | |")
    print(f"| 2 | {two:.2f} | {two / one:.2f}{missed} |")
    print(
        f"\nLoad of the machine in these minutes: {os.getloadavg()[1]:.1f}, ours incl."
    )


def photos_per_s(plan: Plan, folder: Path, n_workers: int) -> float:
    """Return the speed between the first results of processes and the last ones.

    Opening the models is left out, and so are the last shards, during which a process
    may have nothing left to do.
    """
    ends = [
        time.perf_counter()
        for _ in score_in_processes(plan, open_source(folder).shards(_SHARD), n_workers)
    ]
    counted = ends[n_workers - 1 : len(ends) - n_workers + 1]
    return _SHARD * (len(counted) - 1) / (counted[-1] - counted[0])


def print_bills(costs: Mapping[Size, Cost], cores: int, price: float) -> None:
    """Print the plan for forty million photos."""
    print(
        f"\n| {N_PLANNED:,} photos, two models | machines x {cores} cores | hours | "
        f"core-hours | cost at {price:g} a core-hour |"
    )
    print("|---|--:|--:|--:|--:|")
    for name, cost in costs.items():
        for machines in (1, 10, 100):
            found = bill(
                N_PLANNED,
                core_seconds=cost.whole,
                machines=machines,
                cores=cores,
                price=price,
            )
            print(
                f"| 2 x {name} | {machines} | {found.hours:,.1f} | "
                f"{found.core_hours:,.0f} | {found.price:,.0f} |"
            )
    print(
        f"\nArithmetic, not measured: one H200 at {H200_USED:.0%} of "
        f"{H200_FLOP_PER_S / 1e12:.0f} TFLOP/s beside {H200_CORES} such cores that "
        "read, find and align."
    )
    for name, cost in costs.items():
        flop = 2 * flop_per_image(architecture(name), class_token_only=True)
        by_gpu = H200_USED * H200_FLOP_PER_S / flop
        by_cores = H200_CORES / (cost.whole - cost.network)
        hours = N_PLANNED / min(by_gpu, by_cores) / 3600
        print(
            f"- 2 x {name}: {by_gpu:,.0f} photos/s by the GPU, {by_cores:,.0f} by the "
            f"cores; {hours:,.0f} hours."
        )


def resized(folder: Path, out: Path, size: tuple[int, int], n: int) -> Path:
    """Write the first n photos of a folder as JPEG files of one size."""
    out.mkdir()
    shards = list(open_source(folder).shards(n))
    photos = [photo for photo in shards[0] if photo.data is not None]
    if len(photos) < FEWEST:
        raise SystemExit(f"`{folder}` holds {len(photos)} photos; {FEWEST} are needed.")
    for number, photo in enumerate(photos):
        data = photo.data if isinstance(photo.data, Path) else io.BytesIO(photo.data)
        with Image.open(data) as image:
            scaled = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        scaled.save(out / f"{number:05d}.jpg", quality=90)
    return out


def save_networks(folder: Path, name: Size) -> tuple[str, str]:
    """Write two checkpoints with drawn parameters, for speed only."""
    shape = architecture(name)
    paths = []
    for column, unit in (("faceage", "years"), ("facesurvival", "log hazard")):
        card = Card(
            name=f"speed-only-{name}-{column}",
            architecture=shape,
            preprocessing=Preprocessing(
                input_size=shape.image_size,
                crop_margin=0.2,
                interpolation="bicubic",
                channel_order="RGB",
                channel_mean=(0.5, 0.5, 0.5),
                channel_spread=(0.5, 0.5, 0.5),
            ),
            outputs=(Output(column, unit),),
            training_data="none: the parameters are drawn at random",
            licence="CC0-1.0",
        )
        path = folder / f"{card.name}.safetensors"
        save_checkpoint(path, card, VisionTransformer(shape, 1).state_dict())
        paths.append(str(path))
    return paths[0], paths[1]


if __name__ == "__main__":
    main()

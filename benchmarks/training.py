"""How fast training is, as a share of what the machine multiplies.

Run `OMP_NUM_THREADS=1 python -m benchmarks.training` from the root of the project. A
network is trained by turns with products of two square matrices of the type it
multiplies in: first the parts of a step on their own, then the package's whole loop,
which reads, varies and learns faces of noise from files made for it. Times are CPU
times, medians over steps, so that a busy machine changes them little; what the loop
waits is wall clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from fahrstats.cohort.store import PROVENANCE_KEY
from fahrstats.face.checkpoints.card import AnyArchitecture, ConvolutionalArchitecture
from fahrstats.face.network.convolutional_sizes import (
    convolutional_architecture,
    convolutional_flop,
)
from fahrstats.face.network.sizes import architecture, flop_per_image
from fahrstats.face.scoring.plan import Crop
from fahrstats.face.training.config import TrainedPrecision
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.learner import Learner, new_network
from fahrstats.face.training.optimisation import MovingAverage
from fahrstats.face.training.train import train

SIDE = 4096
WANTED = 0.60  # of the vision transformer; nothing is asked of the other network
PRECISIONS: tuple[TrainedPrecision, ...] = ("float32", "bfloat16")
PARTS = ("forward", "backward", "clip", "AdamW", "average")
MARGIN, SHOWN_MARGIN = 0.4, 0.2  # of the stored faces, and of what a network sees
WARM_UP = 2
OUT = Path(__file__).with_name("results-training.md")
KINDS = {  # of operators, by their names; the first that fits
    "convolutions": "convolution",
    "attention": "scaled_dot_product",
    "products": r"::(add|b)?mm$",
    "norms": "_norm",
    "activations": "gelu|threshold|clamp_min",
    "copies": "copy_",
    "the rest": "",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A network that is trained: its kind, pixels, and faces and steps of a run."""

    kind: str
    pixels: int
    batch: int
    steps: int

    @property
    def shape(self) -> AnyArchitecture:
        """Architecture of the network."""
        if self.kind == "vit":
            return architecture("small", image_size=self.pixels)
        return convolutional_architecture("mini", image_size=self.pixels)

    @property
    def flop(self) -> int:
        """Operations for one face; backward is counted as twice forward."""
        shape = self.shape
        if isinstance(shape, ConvolutionalArchitecture):
            return 3 * convolutional_flop(shape)
        return 3 * flop_per_image(shape, class_token_only=True)

    def told(self, precision: TrainedPrecision) -> str:
        """Return the cells of a table that name the case."""
        name = "ViT-S/16" if self.kind == "vit" else "mini"
        return f"{name} | {self.pixels} | {precision}"


CASES = (
    Case("vit", 112, batch=64, steps=10),
    Case("vit", 224, batch=16, steps=10),
    Case("convolutional", 80, batch=128, steps=20),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """CPU seconds of a step, of a product beside it, and operations of the step."""

    step: float
    product: float
    batch: int
    flop: int

    @property
    def images_per_s(self) -> float:
        """Faces that one core learns from in a second."""
        return self.batch / self.step

    @property
    def share(self) -> float:
        """Of the product's operations a second, those of the step."""
        return self.images_per_s * self.flop / (2 * SIDE**3 / self.product)

    def told(self, *, is_judged: bool) -> str:
        """Return the cells of a table that tell the speed."""
        missed = ", missed" if is_judged and self.share < WANTED else ""
        return (
            f"{self.images_per_s:.1f} | {self.images_per_s * self.flop / 1e9:.0f} | "
            f"{2 * SIDE**3 / self.product / 1e9:.0f} | {self.share:.2f}{missed}"
        )


class Turns:
    """Told by the loop of every step; multiplies matrices between them if asked to.

    Attributes
    ----------
    steps : list of float
        CPU seconds from step to step, of all threads, less those of the products.
    loading : list of float
        Those of them that other threads spent than the one that learns.
    products : list of float
    """

    def __init__(self, product: Callable[[], Tensor] | None) -> None:
        self.steps: list[float] = []
        self.loading: list[float] = []
        self.products: list[float] = []
        self._product = product
        self._last = (0.0, 0.0, 0.0)

    def __call__(self, stage: str, step: int, n_steps: int) -> None:
        """Take the time, and multiply."""
        process, thread, spent = time.process_time(), time.thread_time(), 0.0
        if step > WARM_UP:
            last_process, last_thread, last_spent = self._last
            self.steps.append(process - last_process - last_spent)
            self.loading.append(process - last_process - (thread - last_thread))
        if self._product is not None:
            # of this thread: another one may be loading
            spent = _seconds(self._product, clock=time.thread_time)
            self.products.append(spent)
        self._last = process, thread, spent


def main() -> None:
    """Measure, print the tables as Markdown and keep them beside this file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training", description=__doc__
    )
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tables: list[list[str]] = [[], [], []]
    for case in CASES:
        for precision in PRECISIONS:
            rows = measured(case, precision, options.turns)
            for table, row in zip(tables, rows, strict=True):
                print(row, file=sys.stderr, flush=True)
                table.append(row)
    text = "\n\n".join(report(*tables))
    print(text)
    options.out.write_text(text + "\n", encoding="utf-8")


def measured(case: Case, precision: TrainedPrecision, turns: int) -> Iterator[str]:
    """Yield the row of a case in each table."""
    is_judged, name = case.kind == "vit", f"| {case.told(precision)} | "
    learn = step_of(case, precision)
    step, parts = measure_step(case, precision, learn, turns)
    shares = (f"{seconds / step.step:.3f}" for seconds in parts.values())
    yield f"{name}{step.told(is_judged=is_judged)} | {' | '.join(shares)} |"
    loop, loading, waiting = measure_loop(case, precision)
    told = f"{name}{loop.told(is_judged=is_judged)}"
    yield f"{told} | {loading:.3f} | {waiting:.4f} |"
    yield f"{name}{' | '.join(f'{share:.3f}' for share in profile(learn))} |"


def measure_step(
    case: Case,
    precision: TrainedPrecision,
    learn: Callable[[], dict[str, float]],
    turns: int,
) -> tuple[Speed, dict[str, float]]:
    """Time a step that has its faces in memory, and its parts, medians of seconds."""
    product = product_of(precision)
    learn(), product()
    steps, products = [], []
    for _ in range(turns):
        steps.append(learn())
        products.append(_seconds(product))
    parts = {part: statistics.median(step[part] for step in steps) for part in PARTS}
    whole = statistics.median(sum(step.values()) for step in steps)
    return Speed(whole, statistics.median(products), case.batch, case.flop), parts


def step_of(case: Case, precision: TrainedPrecision) -> Callable[[], dict[str, float]]:
    """Return what does a step as the loop does, and tells the seconds of its parts."""
    learner = Learner(new_network(case.shape, 1, seed=0))
    groups = learner.groups(weight_decay=0.05, layer_decay=1.0)
    optimiser = torch.optim.AdamW(groups, lr=1e-4)  # type: ignore[arg-type]
    average = MovingAverage(learner, decay=0.999)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(case.batch, 3, case.pixels, case.pixels, generator=generator)

    def forward() -> Tensor:
        optimiser.zero_grad()
        is_bfloat16 = precision == "bfloat16"
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16):
            outputs: Tensor = learner(images)
        return (outputs.float() - 1).square().mean()

    def step() -> dict[str, float]:
        start = time.process_time()
        loss = forward()
        seconds = {"forward": time.process_time() - start}
        calls: tuple[Callable[[], object], ...] = (
            lambda: torch.autograd.backward(loss),
            lambda: nn.utils.clip_grad_norm_(learner.parameters(), 5.0),
            optimiser.step,
            lambda: average.update(learner),
        )
        return seconds | dict(zip(PARTS[1:], map(_seconds, calls), strict=True))

    return step


def measure_loop(case: Case, precision: TrainedPrecision) -> tuple[Speed, float, float]:
    """Train from files: speed, share of loading in it, and share of waiting.

    Waiting is that of a run of its own, because the loader works on while matrices are
    multiplied.
    """
    turns = Turns(product_of(precision))
    with tempfile.TemporaryDirectory() as made:
        path = write_training(Path(made), case, precision)
        train(read_config(path, kind="age"), device="cpu", watch=turns)
    with tempfile.TemporaryDirectory() as made:
        path = write_training(Path(made), case, precision)
        trained = train(read_config(path, kind="age"), device="cpu", watch=Turns(None))
    step = statistics.median(turns.steps)
    product = statistics.median(turns.products)
    return (
        Speed(step, product, case.batch, case.flop),
        statistics.median(turns.loading) / step,
        trained.stages[0].waiting,
    )


def write_training(folder: Path, case: Case, precision: TrainedPrecision) -> Path:
    """Write faces of noise, their ages, and the file of a training; return its path."""
    n = case.batch * case.steps + 1  # one to tune by
    size = round(case.pixels * (1 + 2 * MARGIN) / (1 + 2 * SHOWN_MARGIN))
    rng = np.random.default_rng(0)
    photo = [f"{i}.png" for i in range(n)]
    crops = pa.table(
        {
            "photo": photo,
            "subject": pa.nulls(n, pa.string()),
            "status": ["ok"] * n,
            "content": photo,
            "crop": pa.array([rng.bytes(3 * size**2) for _ in photo]).cast(
                pa.binary(3 * size**2)
            ),
        }
    )
    provenance = json.dumps({"crop": asdict(Crop(size=size, margin=MARGIN))})
    crops = crops.replace_schema_metadata({PROVENANCE_KEY: provenance})
    pq.write_table(crops, folder / "crops.parquet", compression="none")
    ages = rng.uniform(0, 90, n)
    split = ["train"] * (n - 1) + ["tune"]
    labels = pd.DataFrame({"photo": photo, "age": ages, "split": split})
    labels.to_csv(folder / "labels.csv", index=False)
    path = folder / "age.toml"
    path.write_text(
        f"""
[data]
crops = "crops.parquet"
labels = "labels.csv"
[network]
kind = "{case.kind}"
pixels = {case.pixels}
crop_margin = {SHOWN_MARGIN}
[training]
precision = "{precision}"
[[stage]]
epochs = 1
batch_size = {case.batch}
[output]
folder = "out"
name = "speed-only"
training_data = "noise"
licence = "CC0-1.0"
"""
    )
    return path


def profile(step: Callable[[], object]) -> list[float]:
    """Return the share of each kind of operator in the CPU time of a step."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU]
    ) as seen:
        step()
    spent: Counter[str] = Counter()
    for operator in seen.key_averages():
        kind = next(k for k, name in KINDS.items() if re.search(name, operator.key))
        spent[kind] += operator.self_cpu_time_total
    return [spent[kind] / spent.total() for kind in KINDS]


def product_of(precision: TrainedPrecision) -> Callable[[], Tensor]:
    """Return what multiplies two square matrices."""
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(2, SIDE, SIDE, generator=generator).to(
        getattr(torch, precision)
    )
    return lambda: torch.mm(left, right)


def report(steps: list[str], loops: list[str], profiles: list[str]) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    speed = (
        f"network | pixels | type | images/s | GFLOP/s | {SIDE}-cubed product | share"
    )
    batches = ", ".join(f"{case.batch} at {case.pixels}" for case in CASES)
    yield (
        f"{_processor()}, {platform.system()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}; one thread. Medians of CPU times; a network and a "
        "product of matrices of the same type take turns. Operations are those of "
        "products and convolutions, three times those of forward. Faces of a step by "
        f"pixels: {batches}. Wanted of ViT-S/16: a share of {WANTED:.2f}."
    )
    yield "A step with its faces in memory, and the share of each part in its time:"
    yield _table(f"{speed} | {' | '.join(PARTS)}", steps)
    yield (
        "The whole loop, from stored faces on: loading is the share of reading and "
        "varying faces in its CPU time, which another thread spends; waiting is the "
        "share of wall-clock time in which the network had no faces to learn from, on "
        f"{os.cpu_count()} cores with a load of {os.getloadavg()[2]:.1f}, ours incl.:"
    )
    yield _table(f"{speed} | loading | waiting", loops)
    yield "What a step spends its time on, by kind of operator:"
    yield _table(f"network | pixels | type | {' | '.join(KINDS)}", profiles)


def _table(head: str, rows: list[str]) -> str:
    names = head.count("|") - 2
    return "\n".join([f"| {head} |", "|---|--:|---|" + "--:|" * names, *rows])


def _processor() -> str:
    """Return the name of the processor, where the system tells it."""
    about = Path("/proc/cpuinfo")
    told = about.read_text(encoding="utf-8") if about.exists() else ""
    name = re.search(r"model name\s*: (.+)", told)
    return name[1] if name else platform.machine()


def _seconds(
    call: Callable[[], object], *, clock: Callable[[], float] = time.process_time
) -> float:
    start = clock()
    call()
    return clock() - start


if __name__ == "__main__":
    main()

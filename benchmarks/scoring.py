"""Memory and speed of scoring many photos, without the cost of network and detector.

Run `python -m benchmarks.scoring 1000 100000` from the root of the project. The photos
are hard links to a thousand drawn ones, the detector does not look, and the network has
two blocks of 16 hidden units: what is measured is everything else.
Each number of photos has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fahrstats.face import Plan, open_source, score_to
from fahrstats.face.checkpoints.card import Architecture, Card, Output, Preprocessing
from fahrstats.face.checkpoints.store import save_checkpoint
from fahrstats.face.detection.alignment import ARCFACE_POINTS
from fahrstats.face.detection.faces import Faces
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.pictures.picture import Picture
from fahrstats.face.scoring import workbench

N_DRAWN = 1000
SIDE = 112
PER_FOLDER = 1000


class Middle:
    """A detector that does not look."""

    name = "middle 1.0"

    def find(self, picture: Picture) -> Faces:
        """Return one face, where it is in an ArcFace crop."""
        box = np.array([[10.0, 5, SIDE - 10, SIDE - 5]])
        return Faces(box, ARCFACE_POINTS[None], np.ones(1))


workbench.open_detector = lambda name: Middle()  # in the workers too, by import


def main() -> None:
    """Print one row per number of photos as Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scoring", description=__doc__
    )
    parser.add_argument("photos", type=int, nargs="+")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(Path(options.inside), options.workers)))
        return
    print("| photos | parent, MB | largest worker, MB | photos/s | table, MB |")
    print("|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for n in options.photos:
            place = Path(folder, str(n))
            link_photos(place / "photos", n)
            save_network(place / "small.safetensors")
            found = _in_own_process(place, n, options.workers)
            print(
                f"| {n:,} | {found['parent']:.0f} | {found['worker']:.0f} | "
                f"{n / found['seconds']:.0f} | {found['table']:.1f} |",
                flush=True,
            )


def measure(place: Path, workers: int) -> dict[str, float]:
    """Score the photos of a folder; return peaks of memory in MB, and seconds."""
    plan = Plan(models=(str(place / "small.safetensors"),), device="cpu")
    out = place / "scores.parquet"
    start = time.perf_counter()
    score_to(out, open_source(place / "photos"), plan=plan, workers=workers)
    return {
        "seconds": time.perf_counter() - start,
        "parent": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3,
        "table": out.stat().st_size / 1e6,
    }


def link_photos(folder: Path, n: int) -> None:
    """Make n photos: the first thousand are drawn, the others are links to them."""
    rng = np.random.default_rng(0)
    for i in range(n):
        path = folder / f"{i // PER_FOLDER:06d}" / f"{i:09d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if i < N_DRAWN:
            coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            coarse.resize((SIDE, SIDE)).save(path, quality=90)
        else:
            os.link(folder / "000000" / f"{i % N_DRAWN:09d}.jpg", path)


def save_network(path: Path) -> None:
    """Write a checkpoint of a network so small that it costs nothing."""
    shape = Architecture(
        image_size=32, patch_size=8, width=16, depth=2, heads=2, mlp_width=32
    )
    card = Card(
        name="small",
        architecture=shape,
        preprocessing=Preprocessing(
            input_size=32,
            crop_margin=0.0,
            interpolation="bilinear",
            channel_order="RGB",
            channel_mean=(0.5, 0.5, 0.5),
            channel_spread=(0.5, 0.5, 0.5),
        ),
        outputs=(Output("faceage", "years"),),
        training_data="none: the parameters are drawn at random",
        licence="CC0-1.0",
    )
    torch.manual_seed(0)
    save_checkpoint(path, card, VisionTransformer(shape, 1).state_dict())


def _in_own_process(place: Path, n: int, workers: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.scoring", str(n)]
    command += ["--workers", str(workers), "--inside", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()

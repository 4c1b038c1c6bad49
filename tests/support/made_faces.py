"""Small trainings on made pictures, from which the age can be read.

A "face" is stripes, and the older it is the narrower they are; who is older dies
sooner. Phase, direction and noise vary from picture to picture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from crop_files import write_crops
from numpy.typing import NDArray

from fahrstats.face.training.config import Config, Kind
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.faces.crops import open_crops
from fahrstats.face.training.job import Job
from fahrstats.face.training.ranks import Ranks
from fahrstats.face.training.tasks.opening import open_task
from fahrstats.face.training.train import Trained, train

SIZE = 16
MARGIN = 0.2
YOUNGEST, OLDEST = 20.0, 80.0
CONVOLUTIONAL = 'kind = "convolutional"'
VIT = 'kind = "vit"\npatch_size = 4\nwidth = 32\ndepth = 2\nheads = 2'
UNVARIED = """mirrored_share = 0
rotation_degrees = 0
scale = 0
shift = 0
brightness = 0
contrast = 0
saturation = 0
temperature = 0
grey_share = 0
coarse_share = 0
"""


def made_ages(n: int) -> NDArray[np.float64]:
    """Return n ages, evenly spread, in no order of the pictures."""
    ages = np.linspace(YOUNGEST, OLDEST, n).round(1)
    return np.random.default_rng(1).permutation(ages)


def made_pictures(ages: NDArray[np.float64], seed: int = 1) -> NDArray[np.uint8]:
    """Return a picture of each age, shape (n, 16, 16, 3)."""
    rng = np.random.default_rng(seed)
    n = len(ages)
    cycles = (0.5 + 4 * (ages - YOUNGEST) / (OLDEST - YOUNGEST))[:, None, None]
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    tilt = rng.uniform(-0.3, 0.3, (n, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    stripes = np.sin(2 * np.pi * cycles * (rows + tilt * columns) + phase)
    pixels = 127 + 80 * stripes[..., None] + rng.normal(0, 8, (n, SIZE, SIZE, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def write_training(
    folder: Path,
    kind: Kind = "age",
    *,
    stages: tuple[str, ...] = ("epochs = 2\nbatch_size = 16",),
    network: str = VIT,
    n: int = 64,
    n_tune: int = 16,
    data: str = "",
    more: str = "",
) -> Path:
    """Write crops, labels and the file of a training that learns from n pictures.

    Parameters
    ----------
    folder
        Where ``training.toml`` is written; the training itself writes into ``run``.
    kind
        What the training is for.
    stages
        Lines of each ``[[stage]]``.
    network
        Lines that say which network.
    n, n_tune
        Pictures in the splits ``train`` and ``tune``.
    data
        Further lines of ``[data]``.
    more
        Further sections.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ages = made_ages(n + n_tune)
    write_crops(folder / "crops.parquet", made_pictures(ages), margin=MARGIN)
    labels_of(ages, n_tune=n_tune).to_csv(folder / "labels.csv", index=False)
    listed = "\n".join(f"[[stage]]\n{lines}\n" for lines in stages)
    path = folder / "training.toml"
    path.write_text(
        f"""[data]
crops = "crops.parquet"
labels = "labels.csv"
{data}
[network]
{network}
pixels = {SIZE}
crop_margin = {MARGIN}

{listed}
[output]
folder = "run"
name = "stripes"
training_data = "stripes"
licence = "CC0"

{more}""",
        encoding="utf-8",
    )
    return path


def open_training(folder: Path, kind: Kind = "age", **told: object) -> Config:
    """Write a training as `write_training` does, and read its file."""
    return read_config(write_training(folder, kind, **told), kind=kind)  # type: ignore[arg-type]


def train_quietly(config: Config) -> Trained:
    """Train on the CPU, or go on with it."""
    return train(config, device="cpu", watch=lambda *_: None)


def open_job(config: Config, number: int = 1) -> Job:
    """Return a stage of a training by one process."""
    crops = open_crops(config.crops, cache=config.folder / "crops.cache")
    return Job(config, number, open_task(config, crops), crops, Ranks(0, 1, "cpu"))


def labels_of(ages: NDArray[np.float64], *, n_tune: int) -> pd.DataFrame:
    """Return the table of labels; the last pictures are those to tune by."""
    rng = np.random.default_rng(2)
    n = len(ages)
    death = rng.exponential(10 * np.exp(-(ages - 50) / 15))
    censoring = rng.uniform(2, 20, n)
    return pd.DataFrame(
        {
            "photo": [f"p{i:03d}.png" for i in range(n)],
            "split": ["train"] * (n - n_tune) + ["tune"] * n_tune,
            "age": ages,
            "sex": rng.choice(["f", "m"], n),
            "time": np.minimum(death, censoring).round(3) + 0.001,
            "event": (death <= censoring).astype(int),
        }
    )

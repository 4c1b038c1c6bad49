"""A small cohort of drawn portraits, where their faces are, and a small checkpoint.

The network has drawn parameters: what it says of a portrait means nothing, and depends
on all of its pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from fahrstats.face.checkpoints.card import Architecture, Card, Output, Preprocessing
from fahrstats.face.checkpoints.store import save_checkpoint
from fahrstats.face.detection.alignment import ARCFACE_POINTS
from fahrstats.face.network.vit import VisionTransformer

SIDE = 96
ARCHITECTURE = Architecture(
    image_size=32, patch_size=8, width=16, depth=2, heads=2, mlp_width=32
)


def draw_portraits(folder: Path, n: int, seed: int = 1) -> Path:
    """Write n photos of coloured noise, ``p000.png`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(n):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        coarse.resize((SIDE, SIDE)).save(folder / f"p{i:03d}.png", compress_level=1)
    return folder


def table_of_faces(path: Path, photos: list[str]) -> Path:
    """Write a table of faces: one in each photo, for the detector ``precomputed``."""
    points = ARCFACE_POINTS * 0.7 + 8
    row = dict(zip(("left", "top", "right", "bottom"), (12, 5, 84, 85), strict=True))
    for name, (x, y) in zip(
        ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth"),
        points,
        strict=True,
    ):
        row |= {f"{name}_x": x, f"{name}_y": y}
    pd.DataFrame([{"photo": photo, **row} for photo in photos]).to_csv(
        path, index=False
    )
    return path


def small_checkpoint(
    path: Path, columns: tuple[str, ...] = ("faceage",), seed: int = 1
) -> Path:
    """Write a checkpoint of a small network with drawn parameters."""
    units = {"facesurvival": "log hazard"}
    card = Card(
        name=path.stem,
        architecture=ARCHITECTURE,
        preprocessing=Preprocessing(
            input_size=32,
            crop_margin=0.1,
            interpolation="bilinear",
            channel_order="RGB",
            channel_mean=(0.5, 0.5, 0.5),
            channel_spread=(0.5, 0.5, 0.5),
        ),
        outputs=tuple(Output(name, units.get(name, "years")) for name in columns),
        training_data="none: the parameters are drawn at random",
        licence="CC0-1.0",
    )
    generator = torch.Generator().manual_seed(seed)
    network = VisionTransformer(ARCHITECTURE, len(columns))
    parameters = {
        name: torch.randn(value.shape, generator=generator) * 2.0
        for name, value in network.state_dict().items()
    }
    save_checkpoint(path, card, parameters)
    return path

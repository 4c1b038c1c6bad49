"""Outputs of a small vision transformer, from a tensor and from an image file.

Run `python tests/reference/network.py` from the root of the project; it writes
tests/reference/network.json. It needs numpy and the astronaut picture of scikit-image,
and nothing of the package: alignment and network are written here from their
definitions, loop by loop, in double precision. Parameters, inputs and settings are
those of tests/support/checkpoints.py, from the same formula.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import skimage
from skimage.data import astronaut

HERE = Path(__file__)
WIDTH, DEPTH, HEADS, HIDDEN, EPS = 16, 2, 2, 24, 1e-6
# Where insightface publishes that the landmarks of an ArcFace crop of side 112 lie.
ARCFACE = [
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
]
POINTS = [
    (204, 101),
    (246, 103),
    (224, 128),
    (201, 139),
    (245, 141),
]  # of the astronaut


def parameters(image_size: int, patch: int) -> dict[str, np.ndarray]:
    shapes = {
        "class_token": (1, 1, WIDTH),
        "positions": (1, 1 + (image_size // patch) ** 2, WIDTH),
        "patch.weight": (WIDTH, 3, patch, patch),
        "patch.bias": (WIDTH,),
    }
    for i in range(DEPTH):
        shapes |= {
            f"blocks.{i}.norm1.weight": (WIDTH,),
            f"blocks.{i}.norm1.bias": (WIDTH,),
            f"blocks.{i}.qkv.weight": (3 * WIDTH, WIDTH),
            f"blocks.{i}.qkv.bias": (3 * WIDTH,),
            f"blocks.{i}.out.weight": (WIDTH, WIDTH),
            f"blocks.{i}.out.bias": (WIDTH,),
            f"blocks.{i}.norm2.weight": (WIDTH,),
            f"blocks.{i}.norm2.bias": (WIDTH,),
            f"blocks.{i}.up.weight": (HIDDEN, WIDTH),
            f"blocks.{i}.up.bias": (HIDDEN,),
            f"blocks.{i}.down.weight": (WIDTH, HIDDEN),
            f"blocks.{i}.down.bias": (WIDTH,),
        }
    shapes |= {"norm.weight": (WIDTH,), "norm.bias": (WIDTH,)}
    shapes |= {"head.weight": (1, WIDTH), "head.bias": (1,)}
    found = {}
    for j, (name, shape) in enumerate(shapes.items()):
        i = np.arange(math.prod(shape))
        values = ((7919 * i + 104729 * j) % 1009) / 1009 - 0.5
        if "norm" in name and name.endswith("weight"):
            values = values + 1
        found[name] = values.astype(np.float32).astype(np.float64).reshape(shape)
    return found


def normed(x: np.ndarray, p: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean()
    scaled = centred / math.sqrt((centred**2).mean() + EPS)
    return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]


def affine(x: np.ndarray, p: dict[str, np.ndarray], name: str) -> np.ndarray:
    return p[f"{name}.weight"] @ x + p[f"{name}.bias"]


def gelu(x: np.ndarray) -> np.ndarray:
    return np.array([v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x])


def attended(
    tokens: list[np.ndarray], p: dict[str, np.ndarray], i: int
) -> list[np.ndarray]:
    """Mix the tokens of block i, one query and one head at a time."""
    qkv = [
        affine(normed(x, p, f"blocks.{i}.norm1"), p, f"blocks.{i}.qkv") for x in tokens
    ]
    size = WIDTH // HEADS
    mixed = []
    for query in qkv:
        parts = []
        for h in range(HEADS):
            q, k, v = (
                slice(s * WIDTH + h * size, s * WIDTH + (h + 1) * size)
                for s in range(3)
            )
            weights = np.exp([query[q] @ other[k] / math.sqrt(size) for other in qkv])
            parts.append(
                sum(w * other[v] for w, other in zip(weights, qkv, strict=True))
                / weights.sum()
            )
        mixed.append(affine(np.concatenate(parts), p, f"blocks.{i}.out"))
    return mixed


def read(image: np.ndarray, patch: int) -> tuple[float, list[float]]:
    """Output and embedding of an image of shape (3, side, side)."""
    side = image.shape[1] // patch
    p = parameters(image.shape[1], patch)
    tokens = [p["class_token"][0, 0] + p["positions"][0, 0]]
    for row in range(side):
        for column in range(side):
            cut = image[
                :,
                row * patch : (row + 1) * patch,
                column * patch : (column + 1) * patch,
            ]
            token = np.array([(weight * cut).sum() for weight in p["patch.weight"]])
            tokens.append(token + p["patch.bias"] + p["positions"][0, len(tokens)])
    for i in range(DEPTH):
        tokens = [x + m for x, m in zip(tokens, attended(tokens, p, i), strict=True)]
        for t, x in enumerate(tokens):
            hidden = gelu(
                affine(normed(x, p, f"blocks.{i}.norm2"), p, f"blocks.{i}.up")
            )
            tokens[t] = x + affine(hidden, p, f"blocks.{i}.down")
    embedding = normed(tokens[0], p, "norm")
    return float(affine(embedding, p, "head")[0]), embedding.tolist()


def kernel(t: float, interpolation: str) -> float:
    t = abs(t)
    if interpolation == "bilinear":
        return max(1 - t, 0.0)
    a = -0.75
    if t < 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def aligned(
    picture: np.ndarray, size: int, margin: float, interpolation: str
) -> np.ndarray:
    """Cut out the face, one pixel at a time; only for faces that become larger."""
    scale = size / (112 * (1 + 2 * margin))
    target = [
        ((x + 0.5 + 112 * margin) * scale - 0.5, (y + 0.5 + 112 * margin) * scale - 0.5)
        for x, y in ARCFACE
    ]
    # x' = a x - b y + c, y' = b x + a y + d, by least squares
    rows, values = [], []
    for (x, y), (u, v) in zip(POINTS, target, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows, float), np.array(values), rcond=None)[0]
    assert math.hypot(a, b) > 1, "the face becomes smaller"
    back = np.linalg.inv([[a, -b], [b, a]])
    crop = np.zeros((size, size, 3), np.uint8)
    for row in range(size):
        for column in range(size):
            x, y = back @ (column - c, row - d)
            total = np.zeros(3)
            for j in range(math.floor(y) - 1, math.floor(y) + 3):
                for i in range(math.floor(x) - 1, math.floor(x) + 3):
                    total += (
                        kernel(x - i, interpolation)
                        * kernel(y - j, interpolation)
                        * picture[j, i]
                    )
            crop[row, column] = np.rint(np.clip(total, 0, 255))
    return crop


def stored_tensor() -> dict[str, object]:
    i = np.arange(3 * 3 * 24 * 24)
    images = (((31337 * i) % 2003) / 1001 - 1).reshape(3, 3, 24, 24)
    read_all = [read(image.astype(np.float32).astype(float), 8) for image in images]
    return {
        "name": "stored tensor",
        "outputs": [output for output, _ in read_all],
        "embeddings": [embedding for _, embedding in read_all],
    }


def image_file(**how) -> dict[str, object]:
    picture = astronaut()
    crop = aligned(picture, 192, how["crop_margin"], how["interpolation"]) / 255
    if how["channel_order"] == "BGR":
        crop = crop[:, :, ::-1]
    prepared = (crop - how["channel_mean"]) / how["channel_spread"]
    output, embedding = read(prepared.transpose(2, 0, 1), 24)
    return {
        "name": f"image file, {how['interpolation']}",
        "preprocessing": how,
        "points": POINTS,
        "picture_sha256": hashlib.sha256(picture.tobytes()).hexdigest(),
        "output": output,
        "embedding": embedding,
    }


def main() -> None:
    reference = {
        "script_sha256": hashlib.sha256(HERE.read_bytes()).hexdigest(),
        "versions": {"numpy": np.__version__, "skimage": skimage.__version__},
        "cases": [
            stored_tensor(),
            image_file(
                crop_margin=0.2,
                interpolation="bicubic",
                channel_order="RGB",
                channel_mean=[0.5, 0.4, 0.3],
                channel_spread=[0.25, 0.2, 0.3],
            ),
            image_file(
                crop_margin=0.0,
                interpolation="bilinear",
                channel_order="BGR",
                channel_mean=[0.4, 0.45, 0.5],
                channel_spread=[0.3, 0.25, 0.2],
            ),
        ],
    }
    text = json.dumps(reference, indent=2) + "\n"
    HERE.with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Two checkpoints that were trained for seconds, on pictures made from one photograph.

"Age" is the contrast of wrinkles drawn on the forehead and the cheeks of scikit-image's
astronaut, and the hazard rises with it and with pallor; light, noise and the place of
the face vary. The networks learn to read both. What they say of a real face means
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.data import astronaut

from fahrstats.face.checkpoints.card import Architecture, Card, Output, Preprocessing
from fahrstats.face.checkpoints.store import save_checkpoint
from fahrstats.face.detection.alignment import align
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.preprocessing import prepare

N_TRAINING = 1200
_TOP, _LEFT, _SIDE = 20, 130, 190  # of the face in the astronaut picture
_PHOTOGRAPH = astronaut()[_TOP : _TOP + _SIDE, _LEFT : _LEFT + _SIDE].astype(float)
_POINTS = np.array([[204, 101], [246, 103], [224, 128], [201, 139], [245, 141]], float)
_WRINKLES = [  # top, bottom, left, right of a patch of skin, and rows from line to line
    (62, 90, 196, 256, 7),
    (112, 134, 188, 206, 6),
    (114, 136, 240, 258, 6),
]
_HAZARD_PER_YEAR, _HAZARD_OF_PALLOR = 0.06, 1.5
_ARCHITECTURE = Architecture(
    image_size=56, patch_size=8, width=64, depth=3, heads=4, mlp_width=128
)
_PREPROCESSING = Preprocessing(
    input_size=56,
    crop_margin=0.1,
    interpolation="bilinear",
    channel_order="RGB",
    channel_mean=(0.5, 0.5, 0.5),
    channel_spread=(0.25, 0.25, 0.25),
)
_EPOCHS, _BATCH, _LEARNING_RATE = 14, 40, 2e-3


@dataclass(frozen=True, slots=True, eq=False)
class MadePeople:
    """Faces with what is visible in them, and what became of their owners.

    Attributes
    ----------
    faces : list of FoundFace
        Landmarks are off by a pixel or so, as a detector's are.
    age : ndarray of shape (n,)
        20 to 90.
    log_hazard : ndarray of shape (n,)
        Known to nature only.
    time, event : ndarray of shape (n,)
        Follow-up in years, and whether the person died.
    """

    faces: list[FoundFace]
    age: NDArray[np.float64]
    log_hazard: NDArray[np.float64]
    time: NDArray[np.float64]
    event: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trained:
    """The two checkpoints.

    Attributes
    ----------
    age, survival : Path
        Files of parameters with the columns ``faceage`` and ``facesurvival``.
    """

    age: Path
    survival: Path


def make_people(n: int, seed: int) -> MadePeople:
    """Return n people of uniform age, followed for at most ten years."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 90, n)
    pallor = rng.uniform(0, 1, n)
    log_hazard = _HAZARD_PER_YEAR * (age - 55) + _HAZARD_OF_PALLOR * (pallor - 0.5)
    death = rng.exponential(12 * np.exp(-log_hazard))
    censoring = rng.uniform(2, 10, n)
    faces = [
        FoundFace(
            photo=f"{i:04d}.png",
            pixels=made_photo(years, pale, rng),
            box=np.array([38, 38, 138, 152], float),
            points=_POINTS - [_LEFT, _TOP] + rng.normal(0, 0.8, (5, 2)),
        )
        for i, (years, pale) in enumerate(zip(age, pallor, strict=True))
    ]
    return MadePeople(
        faces, age, log_hazard, np.minimum(death, censoring), death <= censoring
    )


def made_photo(
    age: float, pallor: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a picture of a face of this age, 190 x 190 pixels."""
    picture = _PHOTOGRAPH.copy()
    for top, bottom, left, right, period in _WRINKLES:
        rows = np.arange(top, bottom)[:, None, None]
        depth = (
            0.6 * (age - 20) * (0.5 + 0.5 * np.cos(2 * np.pi * (rows - top) / period))
        )
        picture[top - _TOP : bottom - _TOP, left - _LEFT : right - _LEFT] -= depth
    grey = picture.mean(axis=2, keepdims=True)
    picture = picture + 0.6 * pallor * (grey - picture)
    picture *= rng.uniform(0.6, 1.2)
    picture += rng.normal(0, 4, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def train_checkpoints(folder: Path) -> Trained:
    """Train one trunk with two heads, and write a checkpoint for each."""
    people = make_people(N_TRAINING, seed=1)
    network = _train(_inputs(people), people)
    state = network.state_dict()
    center, spread = people.age.mean(), people.age.std()
    scales = {"faceage": (spread, center), "facesurvival": (1.0, 0.0)}
    paths = []
    for i, (column, (scale, offset)) in enumerate(scales.items()):
        head = {
            "head.weight": scale * state["head.weight"][i : i + 1],
            "head.bias": scale * state["head.bias"][i : i + 1] + offset,
        }
        path = folder / f"trained-{column}.safetensors"
        save_checkpoint(path, _card(column), {**state, **head})
        paths.append(path)
    return Trained(*paths)


def _inputs(people: MadePeople) -> torch.Tensor:
    how = _PREPROCESSING
    crops = [
        align(
            face,
            size=how.input_size,
            margin=how.crop_margin,
            interpolation=how.interpolation,
        )
        for face in people.faces
    ]
    return torch.from_numpy(prepare(np.stack(crops), how))


def _train(inputs: torch.Tensor, people: MadePeople) -> VisionTransformer:
    """Minimise the squared error of age and the partial likelihood of death."""
    network = VisionTransformer(_ARCHITECTURE, 2, seed=1)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _LEARNING_RATE, total_steps=_EPOCHS * (len(inputs) // _BATCH)
    )
    age = torch.from_numpy((people.age - people.age.mean()) / people.age.std()).float()
    time, event = torch.from_numpy(people.time), torch.from_numpy(people.event)
    shuffle = torch.Generator().manual_seed(1)
    for _ in range(_EPOCHS):
        for rows in torch.randperm(len(inputs), generator=shuffle).split(_BATCH):
            found = network(inputs[rows])
            loss = (found[:, 0] - age[rows]).square().mean()
            loss = loss + 0.3 * _partial_likelihood(
                found[:, 1], time[rows], event[rows]
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def _partial_likelihood(
    log_hazard: torch.Tensor, time: torch.Tensor, event: torch.Tensor
) -> torch.Tensor:
    """Minus Cox's log partial likelihood per death; times are without ties."""
    order = time.argsort(descending=True)
    risk = log_hazard[order].logcumsumexp(dim=0)
    return (risk - log_hazard[order])[event[order]].mean()


def _card(column: str) -> Card:
    units = {"faceage": "years", "facesurvival": "log hazard"}
    return Card(
        name=f"trained-{column}",
        architecture=_ARCHITECTURE,
        preprocessing=_PREPROCESSING,
        outputs=(Output(column, units[column]),),
        training_data=f"{N_TRAINING} pictures made in code from one photograph, "
        "scikit-image's astronaut",
        licence="CC0-1.0",
        notes="Trained for seconds in a test, on drawn wrinkles. Not an age and not a "
        "risk: what it says of a real face means nothing.",
    )

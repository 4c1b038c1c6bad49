"""Models that look at the mouth and nowhere else, and a drawn face to show them.

What they look at is by default the inner part of the mouth's region, so that the soft
edges of what is blurred beside it do not reach it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from checkpoints import CARD, CONVOLUTIONAL_CARD
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from fahrstats.face.checkpoints.card import Architecture, Preprocessing
from fahrstats.face.detection.alignment import align, similarity, template
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.saliency.networks import OpenNetwork
from fahrstats.face.saliency.regions import REGIONS, region_map

SIDE = 112
PATCH = 4
PREPROCESSING = Preprocessing(
    input_size=SIDE,
    crop_margin=0.0,
    interpolation="bilinear",
    channel_order="RGB",
    channel_mean=(0.5, 0.5, 0.5),
    channel_spread=(0.5, 0.5, 0.5),
)


def seen(region: str = "mouth", *, inset: int = 5) -> NDArray[np.bool_]:
    """Return the inner part of a region of the ArcFace crop, shape (112, 112)."""
    inside = region_map(SIDE, 0.0) == REGIONS.index(region)
    return binary_erosion(inside, iterations=inset) if inset else inside


class RegionModel:
    """Contrast and brightness within one region; counts how often it reads a face."""

    name = "region-model"
    columns = ("faceage",)
    pixels_wanted = SIDE

    def __init__(self, region: str = "mouth", *, inset: int = 5, batch_size: int = 8):
        self._seen = seen(region, inset=inset)
        self.batch_size = batch_size
        self.n_passes = 0
        self.largest = 0

    def predict(self, faces):
        self.n_passes += len(faces)
        self.largest = max(self.largest, len(faces))
        crops = [
            align(face, size=SIDE, margin=0, interpolation="bilinear")[self._seen]
            for face in faces
        ]
        return np.array([[x.std() + 0.1 * x.mean()] for x in crops])


class MouthNetwork(torch.nn.Module):
    """The mean of squares within the mouth."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.from_numpy(seen()).float())

    def forward(self, x):
        return ((x + 1) ** 2 * self.seen).sum(dim=(1, 2, 3))[:, None] / 100


def mouth_network() -> OpenNetwork:
    """Return a network that is not a transformer."""
    card = replace(CONVOLUTIONAL_CARD, preprocessing=PREPROCESSING)
    return OpenNetwork("mouth@0", ("faceage",), card, MouthNetwork().eval())


def mouth_transformer() -> OpenNetwork:
    """Return a transformer whose class token attends to patches of the mouth alone.

    Dimension 0 of a token says whether it is such a patch, dimension 1 how bright it
    is, dimensions 2 and 3 balance them. Keys read dimension 0, queries are constant,
    values pass on dimension 1, and the head reads it.
    """
    shape = Architecture(
        image_size=SIDE, patch_size=PATCH, width=4, depth=2, heads=1, mlp_width=4
    )
    network = VisionTransformer(shape, 1)
    n = SIDE // PATCH
    inside = seen(inset=4)
    patches = inside.reshape(n, PATCH, n, PATCH).all(axis=(1, 3)).ravel()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for module in network.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(1)
        sign = torch.tensor([-1.0, *np.where(patches, 1.0, -1.0)])
        network.positions[0, :, 0] = 3 * sign
        network.positions[0, :, 2] = -3 * sign
        network.patch.weight[1] = 1 / PATCH**2 / 3
        network.patch.weight[3] = -1 / PATCH**2 / 3
        first = network.blocks[0]
        first.qkv.bias[0] = 20  # query
        first.qkv.weight[4, 0] = 2  # key
        first.qkv.weight[9, 1] = 1  # value
        first.qkv.bias[9] = 3
        first.out.weight[1, 1], first.out.weight[3, 1] = 1, -1
        network.head.weight[0, 1] = 10
    card = replace(CARD, architecture=shape, preprocessing=PREPROCESSING)
    network = network.eval().requires_grad_(False)
    return OpenNetwork("mouth-vit@0", ("faceage",), card, network)


def drawn_face(seed: int = 1, *, degrees: float = 10, scale: float = 1.3) -> FoundFace:
    """Return noise on a gradient, with the landmarks of a face that is turned."""
    rng = np.random.default_rng(seed)
    side = 300
    rows, columns = np.mgrid[:side, :side] / side
    light = 90 + 60 * rows + 40 * columns
    coarse = rng.normal(0, 35, (side // 4, side // 4)).repeat(4, 0).repeat(4, 1)
    pixels = light[..., None] + coarse[..., None] + rng.normal(0, 8, (side, side, 3))
    angle = np.deg2rad(degrees)
    turn = scale * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    points = (template(SIDE, 0) - 56) @ turn.T + side / 2
    return FoundFace(
        f"{seed}.png",
        pixels.clip(0, 255).astype(np.uint8),
        np.array([50.0, 50, 250, 250]),
        points,
    )


def aligned_field(face: FoundFace) -> NDArray[np.float64]:
    """Return the similarity from the photo to the ArcFace crop, shape (2, 3)."""
    return similarity(face.points, template(SIDE, 0))

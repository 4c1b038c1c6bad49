"""From stored crops to the pictures a network learns from, varied or as they are.

Geometry is one interpolation: the step from the stored margin to the wanted one, the
change of size, and the movements of the augmentation are composed before a pixel is
read. All draws come from a generator on the processor, so that a graphics card varies
the same faces in the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import LARGEST_MARGIN
from fahrstats.face.detection.alignment import template

_LUMA = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)  # Rec. ITU-R BT.709
_UPRIGHT = torch.eye(2, 3, dtype=torch.float64)
_CHUNK = 16  # faces whose intermediate results stay in the cache of a processor
_LEAST_ERASED, _LARGEST_ASPECT = 0.02, 2.0
_LIMITS = {
    "mirrored_share": 1.0,
    "rotation_degrees": 180.0,
    "scale": 1.0,
    "shift": 0.5,
    "brightness": 1.0,
    "contrast": 1.0,
    "saturation": 1.0,
    "temperature": 1.0,
    "grey_share": 1.0,
    "coarse_share": 1.0,
    "coarsest": 1.0,
    "erased_share": 1.0,
    "erased_area": 0.5,
}
_DRAWS = (
    *("mirror", "rotation", "scale", "shift_x", "shift_y"),
    *("brightness", "contrast", "saturation", "temperature", "grey"),
    *("coarse", "side", "erased", "area", "aspect", "left", "top"),
)

Draws = dict[str, Tensor]
"""Uniform numbers from 0 to 1 of each face, float64, (n,), by what they decide."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly training photos are varied, each face by draws of its own.

    A strength s of ``scale`` and of the colours is a factor between 1 / (1 + s) and
    1 + s, its logarithm uniform; 0 leaves the face as it is. The usual values keep
    what an age is read from: wrinkles and skin stay unless a face is made coarse, which
    is there so that a sharp photo is not taken for an old face.

    Attributes
    ----------
    mirrored_share : float
        Share of the faces that are mirrored left to right, 0 to 1.
    rotation_degrees : float
        Largest rotation to either side, uniform, about the middle of the landmarks;
        0 to 180.
    scale : float
        Strength of the change of size, about the same point; 0 to 1.
    shift : float
        Largest shift in each direction, uniform, as a share of the side of the prepared
        crop; 0 to 0.5.
    brightness, contrast, saturation : float
        Strengths of a factor of all channels, of the distance from the face's mean
        luminance, and of the distance from grey; 0 to 1.
    temperature : float
        Strength of a factor of red, by which blue is divided; 0 to 1.
    grey_share : float
        Share of the faces that lose their colours, 0 to 1.
    coarse_share : float
        Share of the faces that are reduced and enlarged again, 0 to 1.
    coarsest : float
        Smallest side of a reduced face as a share of the side of the prepared crop,
        above 0 and at most 1; the logarithm of the side is uniform.
    erased_share : float
        Share of the faces of which a rectangle is hidden by their mean colour, 0 to 1.
    erased_area : float
        Largest rectangle as a share of the area of the prepared crop, 0.02 to 0.5.

    Raises
    ------
    DataError
        A strength is out of range.
    """

    mirrored_share: float = 0.5
    rotation_degrees: float = 8.0
    scale: float = 0.1
    shift: float = 0.03
    brightness: float = 0.25
    contrast: float = 0.25
    saturation: float = 0.25
    temperature: float = 0.1
    grey_share: float = 0.05
    coarse_share: float = 0.2
    coarsest: float = 0.4
    erased_share: float = 0.0
    erased_area: float = 0.2

    def __post_init__(self) -> None:
        for field in fields(self):
            value, high = getattr(self, field.name), _LIMITS[field.name]
            low = _LEAST_ERASED if field.name == "erased_area" else 0.0
            if not low <= value <= high:
                raise DataError(
                    f"`{field.name}` is {value}; it must be from {low:g} to {high:g}."
                )
        if self.coarsest == 0:
            raise DataError("`coarsest` is 0; a face of no pixels cannot be enlarged.")

    @classmethod
    def none(cls) -> Augmentation:
        """Return the augmentation that leaves every face as it is."""
        return cls(
            mirrored_share=0,
            rotation_degrees=0,
            scale=0,
            shift=0,
            brightness=0,
            contrast=0,
            saturation=0,
            temperature=0,
            grey_share=0,
            coarse_share=0,
            erased_share=0,
        )


def draw_variations(n: int, generator: torch.Generator) -> Draws:
    """Draw what varies n faces.

    Every face takes the same number of draws, whichever strengths are 0: turning one
    variation off leaves the others as they were.

    Raises
    ------
    DataError
        The generator is not on the processor.
    """
    if generator.device.type != "cpu":
        raise DataError(
            f"`generator` is on `{generator.device}`; give a `torch.Generator` on the "
            "processor, so that the draws are the same on every device."
        )
    uniform = torch.rand(n, len(_DRAWS), generator=generator, dtype=torch.float64)
    return dict(zip(_DRAWS, uniform.T, strict=True))


@torch.no_grad()
def prepare(
    crops: Tensor,
    *,
    margin: float,
    pixels: int,
    wanted_margin: float,
    augmentation: Augmentation | None = None,
    draws: Draws | None = None,
) -> Tensor:
    """Return stored crops at the size and margin of a network, varied if asked.

    Landmarks come to lie where
    :func:`~fahrstats.face.detection.alignment.template` puts them. Where a face becomes
    smaller, pixels are first averaged to the variance of the triangle kernel of
    :func:`~fahrstats.face.detection.alignment.align`. What lies outside the stored crop
    is black, so a stored margin wider than the wanted one gives the movements room.

    Parameters
    ----------
    crops : Tensor, uint8, shape (batch, S, S, 3)
        Aligned faces in sRGB, on any device.
    margin : float
        Margin they were cut with, as ``crop_margin`` of `template`.
    pixels : int
        Side of the result.
    wanted_margin : float
        Margin of the result, from 0 to `margin`.
    augmentation : Augmentation, optional
        None, as in use and testing, varies nothing.
    draws : dict of str to Tensor, optional
        From `draw_variations`, one of each for every face; needed with `augmentation`,
        whose only source of chance they are.

    Returns
    -------
    Tensor, float32, shape (batch, 3, pixels, pixels)
        RGB from 0 to 1, on the device of the crops. With the stored size and margin and
        no augmentation exactly ``crops / 255``.

    Raises
    ------
    DataError
        Crops of another type or shape, a margin that the crops do not have, a size
        below 1, or no draws, or not as many as crops.
    """
    _check_crops(crops)
    if not 0 <= wanted_margin <= margin <= LARGEST_MARGIN:
        raise DataError(
            f"`wanted_margin` is {wanted_margin} and `margin` {margin}; a crop has its "
            f"own margin or less to give, from 0 to {LARGEST_MARGIN:g}. For more, cut "
            "the photos again."
        )
    points = template(pixels, wanted_margin)
    n = len(crops)
    movement = _UPRIGHT.expand(n, 2, 3)
    if augmentation is not None:
        draws = _checked(draws, n)
        middle = torch.from_numpy((2 * points.mean(axis=0) + 1) / pixels - 1)
        movement = _movement(augmentation, draws, middle)
    to_crop = movement * ((1 + 2 * wanted_margin) / (1 + 2 * margin))
    prepared = torch.empty(n, 3, pixels, pixels, device=crops.device)
    chunk = _CHUNK if crops.device.type == "cpu" else n
    for first in range(0, n, chunk):
        here = slice(first, first + chunk)
        images = _sampled(crops[here], to_crop[here], pixels)
        if augmentation is not None and draws is not None:
            mine = {name: draw[here] for name, draw in draws.items()}
            images = _recoloured(images, augmentation, mine)
            _coarsen(images, augmentation, mine)
            _erase(images, augmentation, mine)
        prepared[here] = images.clamp_(0, 1)  # sums of weights round above 1
    return prepared


def _check_crops(crops: Tensor) -> None:
    square = crops.ndim == 4 and crops.shape[1] == crops.shape[2]
    if (
        crops.dtype != torch.uint8
        or not square
        or crops.shape[3] != 3
        or not len(crops)
    ):
        raise DataError(
            f"`crops` is {crops.dtype} of shape {tuple(crops.shape)}; give uint8 of "
            "shape (batch, S, S, 3), with at least one face."
        )


def _checked(draws: Draws | None, n: int) -> Draws:
    """Refuse draws that are not those of the crops."""
    if draws is None:
        raise DataError("`draws` is missing; `draw_variations` makes them.")
    found = {len(draw) for draw in draws.values()}
    if draws.keys() != set(_DRAWS) or found != {n}:
        raise DataError(
            f"`draws` holds {len(draws)} draws of {max(found, default=0)} faces for "
            f"{n} crops; `draw_variations` makes {len(_DRAWS)} of each."
        )
    return draws


def _centred(draw: Tensor, reach: float) -> Tensor:
    return (2 * draw - 1) * reach


def _factor(draw: Tensor, strength: float) -> Tensor:
    return (1.0 + strength) ** (2 * draw - 1)


def _movement(augmentation: Augmentation, draws: Draws, middle: Tensor) -> Tensor:
    """Return where the places of the varied face were before, shape (n, 2, 3).

    Both in units that count from -1 to 1 between the outer edges. A place q went to
    ``middle + size * turn @ (mirror @ q - middle) + shift``.
    """
    angle = torch.deg2rad(_centred(draws["rotation"], augmentation.rotation_degrees))
    size = _factor(draws["scale"], augmentation.scale)
    cos, sin = angle.cos() / size, angle.sin() / size
    back = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)
    shift = torch.stack([draws["shift_x"], draws["shift_y"]], dim=1)
    origin = middle + _centred(shift, 2 * augmentation.shift)
    offset = middle - (back * origin[:, None, :]).sum(dim=2)
    movement = torch.cat([back, offset[:, :, None]], dim=2)
    movement[draws["mirror"] < augmentation.mirrored_share, 0] *= -1
    return movement


def _sampled(crops: Tensor, to_crop: Tensor, pixels: int) -> Tensor:
    """Return what the crops show at the places of a new grid, (n, 3, pixels, pixels).

    ``to_crop`` (n, 2, 3) takes places of the result to places of the crop, both counted
    from -1 to 1 between the outer edges.
    """
    # In memory channel by channel, which all that follows does faster
    planes = crops.permute(0, 3, 1, 2).contiguous().float()  # (n, 3, S, S)
    side = crops.shape[1]
    if side == pixels and torch.equal(to_crop, _UPRIGHT.expand_as(to_crop)):
        return planes / 255
    area = to_crop[:, 0, 0] * to_crop[:, 1, 1] - to_crop[:, 0, 1] * to_crop[:, 1, 0]
    step = area.abs().sqrt() * side / pixels  # pixels of the crop per pixel
    planes = _softened(planes, step)
    # Where a place lies beyond an edge by less than half a pixel, the edge is repeated
    grid = _grid(to_crop, pixels).to(crops.device)
    images = functional.grid_sample(
        planes, grid, padding_mode="border", align_corners=False
    )
    if bool((_reach(to_crop, pixels) > 1 + 1e-9).any()):
        images *= (grid.abs().amax(dim=3) <= 1)[:, None]
    return images.mul_(1 / 255)


def _softened(planes: Tensor, step: Tensor) -> Tensor:
    """Average pixels so that, interpolated at a step, they do not turn into patterns.

    A triangle kernel has the variance step^2 / 6 in pixels of the crop, along either
    axis. Linear interpolation has 1/6; the weights v/2, 1 - v, v/2 add v, which is at
    most 1/2 each time.
    """
    missing = (step**2 - 1).clamp(min=0) / 6
    while bool((missing > 0).any()):
        added = missing.clamp(max=0.5)
        weight = added.to(planes).view(-1, 1, 1, 1)
        wide = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
        beside = (wide[..., :-2] + wide[..., 2:]).mul_(0.5)
        rows = torch.lerp(wide[..., 1:-1], beside, weight, out=beside)
        beside = (rows[:, :, :-2] + rows[:, :, 2:]).mul_(0.5)
        planes = torch.lerp(rows[:, :, 1:-1], beside, weight, out=beside)
        missing = missing - added
    return planes


def _grid(to_crop: Tensor, pixels: int) -> Tensor:
    """Return the places of the pixels in the crop, float32, (n, pixels, pixels, 2)."""
    places = (2 * torch.arange(pixels, dtype=torch.float64) + 1) / pixels - 1
    along = (to_crop[:, :, 0, None] * places).float()  # (n, 2, pixels)
    down = (to_crop[:, :, 1, None] * places + to_crop[:, :, 2, None]).float()
    grid = torch.empty(len(to_crop), pixels, pixels, 2)
    for axis in range(2):
        torch.add(along[:, axis, None, :], down[:, axis, :, None], out=grid[..., axis])
    return grid


def _reach(to_crop: Tensor, pixels: int) -> Tensor:
    """Return how far from its middle the crop is read along each axis, (n, 2)."""
    outermost = to_crop.new_tensor([1 - 1 / pixels, 1 - 1 / pixels, 1.0])
    return (to_crop.abs() * outermost).sum(dim=2)


def _recoloured(images: Tensor, augmentation: Augmentation, draws: Draws) -> Tensor:
    """Change the tones and colours of pictures (n, 3, rows, columns), 0 to 1."""
    warm = _factor(draws["temperature"], augmentation.temperature)
    gain = torch.stack([warm, torch.ones_like(warm), 1 / warm], dim=1)  # (n, 3)
    gain = gain * _factor(draws["brightness"], augmentation.brightness)[:, None]
    saturation = _factor(draws["saturation"], augmentation.saturation)[:, None]
    saturation[draws["grey"] < augmentation.grey_share] = 0
    contrast = _factor(draws["contrast"], augmentation.contrast)[:, None]
    own = (contrast * saturation * gain).to(images)
    luma = (contrast * (1 - saturation) * gain * _LUMA).to(images)
    # Saturation leaves luminance as it is, so its mean is that of the gains alone
    level = ((1 - contrast) * gain * _LUMA).to(images)
    offset = (level * images.mean(dim=(2, 3))).sum(dim=1)[:, None, None]
    for channel in range(3):
        offset = torch.addcmul(offset, images[:, channel], luma[:, channel, None, None])
    return torch.addcmul(offset[:, None], images, own[:, :, None, None]).clamp_(0, 1)


def _coarsen(images: Tensor, augmentation: Augmentation, draws: Draws) -> None:
    """Reduce some pictures and enlarge them again, in place."""
    pixels = images.shape[2]
    sides = torch.round(pixels * augmentation.coarsest ** draws["side"]).clamp(min=1)
    for face in torch.nonzero(draws["coarse"] < augmentation.coarse_share).flatten():
        side = int(sides[face])
        reduced = functional.interpolate(
            images[face][None], size=(side, side), mode="bilinear", antialias=True
        )
        images[face] = functional.interpolate(
            reduced, size=(pixels, pixels), mode="bilinear"
        )[0]


def _erase(images: Tensor, augmentation: Augmentation, draws: Draws) -> None:
    """Hide a rectangle of some pictures by their mean colour, in place."""
    pixels = images.shape[2]
    largest = augmentation.erased_area / _LEAST_ERASED
    area = _LEAST_ERASED * largest ** draws["area"]
    aspect = _LARGEST_ASPECT ** _centred(draws["aspect"], 1)
    for face in torch.nonzero(draws["erased"] < augmentation.erased_share).flatten():
        height = round(pixels * math.sqrt(area[face] / aspect[face]))
        width = round(pixels * math.sqrt(area[face] * aspect[face]))
        top = round(float(draws["top"][face]) * (pixels - height))
        left = round(float(draws["left"][face]) * (pixels - width))
        mean = images[face].mean(dim=(1, 2), keepdim=True)
        images[face, :, top : top + height, left : left + width] = mean

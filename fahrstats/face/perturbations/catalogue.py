"""The simulated changes: what each one means, its unit and its five doses.

Nothing here computes, so that tables of results can be labelled without torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from fahrstats.errors import DataError
from fahrstats.section import did_you_mean

Family = Literal["pose", "light", "camera", "occlusion", "makeup", "surgery"]
Landmarks = Literal["carried", "detected"]
"""Whether landmarks move with the face, or are looked for in the changed picture."""

SEVERITIES = (1, 2, 3, 4, 5)
"""Severities of every condition; 0 is the untouched photo."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to change a photo.

    Attributes
    ----------
    name : str
        As in tables: lower case, words joined by ``_``.
    label : str
        As in figures.
    family : str
        One of :data:`Family`.
    meaning : str
        What is done, and what the dose is, in words.
    unit : str
        Of the dose.
    doses : tuple of float
        At severities 1 to 5; they rise or fall throughout.
    untouched : float
        Dose of the untouched photo, or NaN where it has no such number: of how few
        pixels a photo consists depends on the photo.
    """

    name: str
    label: str
    family: Family
    meaning: str
    unit: str
    doses: tuple[float, float, float, float, float]
    untouched: float = 0.0

    @property
    def direction(self) -> Literal["rising", "falling"]:
        """Whether more severe changes have larger or smaller doses."""
        return "rising" if self.doses[-1] > self.doses[0] else "falling"

    def dose(self, severity: int) -> float:
        """Return the dose at a severity from 0 to 5."""
        return (self.untouched, *self.doses)[severity]


_ALL: tuple[Condition, ...] = (
    Condition(
        "roll",
        "head or camera tilted",
        "pose",
        "The picture is turned clockwise about the middle of the face.",
        "degrees",
        (5, 10, 20, 30, 45),
    ),
    Condition(
        "yaw_left",
        "head turned to the image's left",
        "pose",
        "A smooth face-shaped surface is turned, seen by parallel rays, up to its "
        "edge. Nothing hidden comes into view, and shadows stay where they were.",
        "degrees",
        (5, 10, 15, 20, 25),
    ),
    Condition(
        "yaw_right",
        "head turned to the image's right",
        "pose",
        "As the turn to the left, to the other side.",
        "degrees",
        (5, 10, 15, 20, 25),
    ),
    Condition(
        "pitch_up",
        "head raised",
        "pose",
        "The same surface nods upwards; shadows stay where they were.",
        "degrees",
        (5, 10, 15, 20, 25),
    ),
    Condition(
        "pitch_down",
        "head lowered",
        "pose",
        "The same surface nods downwards; shadows stay where they were.",
        "degrees",
        (5, 10, 15, 20, 25),
    ),
    Condition(
        "underexposure",
        "too little light",
        "light",
        "Linear light is divided by two to the power of the dose.",
        "stops (EV)",
        (0.5, 1, 1.5, 2, 3),
    ),
    Condition(
        "overexposure",
        "too much light",
        "light",
        "Linear light is multiplied by two to the power of the dose; what is then "
        "brighter than white is cut off.",
        "stops (EV)",
        (0.5, 1, 1.5, 2, 2.5),
    ),
    Condition(
        "darker_midtones",
        "darker midtones",
        "light",
        "Values from black (0) to white (1) are raised to the power of the dose.",
        "gamma",
        (1.2, 1.4, 1.7, 2.0, 2.5),
        untouched=1.0,
    ),
    Condition(
        "lighter_midtones",
        "lighter midtones",
        "light",
        "Values from black (0) to white (1) are raised to the power of the dose.",
        "gamma",
        (0.85, 0.7, 0.6, 0.5, 0.4),
        untouched=1.0,
    ),
    Condition(
        "warm_light",
        "warm light",
        "light",
        "Linear light has the colour of a black body of that temperature, instead of "
        "6500 K, at the same luminance of white; the camera does not correct it.",
        "kelvin",
        (5500, 4500, 3800, 3200, 2700),
        untouched=6500.0,
    ),
    Condition(
        "cool_light",
        "cool light",
        "light",
        "As warm light, towards the colour of the blue sky.",
        "kelvin",
        (7500, 9000, 11000, 15000, 20000),
        untouched=6500.0,
    ),
    Condition(
        "light_from_left",
        "light from the image's left",
        "light",
        "Linear light falls off smoothly from one side of the face to the other, which "
        "differ by the dose; no shadow is cast.",
        "stops (EV)",
        (0.5, 1, 1.5, 2, 3),
    ),
    Condition(
        "light_from_right",
        "light from the image's right",
        "light",
        "As light from the left, from the other side.",
        "stops (EV)",
        (0.5, 1, 1.5, 2, 3),
    ),
    Condition(
        "veil",
        "haze over the picture",
        "light",
        "Stray light: the dose is the share of linear light that is replaced by the "
        "mean of the picture.",
        "% of the light",
        (10, 20, 35, 50, 70),
    ),
    Condition(
        "defocus",
        "out of focus",
        "camera",
        "Linear light is spread by a Gaussian whose standard deviation is the dose.",
        "% of eye distance",
        (2, 4, 7, 11, 16),
    ),
    Condition(
        "motion_blur",
        "camera moved sideways",
        "camera",
        "Linear light is averaged along a horizontal line of that length.",
        "% of eye distance",
        (5, 10, 17, 26, 40),
    ),
    Condition(
        "resolution",
        "few pixels",
        "camera",
        "The picture is reduced until the eyes are that many pixels apart, and "
        "enlarged again; photos with fewer pixels stay as they are.",
        "pixels between the eyes",
        (24, 18, 13, 9, 6),
        untouched=math.nan,
    ),
    Condition(
        "jpeg",
        "strong JPEG compression",
        "camera",
        "The picture is stored as JPEG of that quality and read again.",
        "quality",
        (70, 45, 28, 16, 8),
        untouched=math.nan,
    ),
    Condition(
        "noise",
        "sensor noise",
        "camera",
        "Random noise of linear light in every pixel and colour: the dose is its "
        "standard deviation at mid-grey (18% of white); four fifths of that variance "
        "are photon noise, which grows with the light, the rest is the same "
        "everywhere. What falls below black is cut off, so that strong noise makes "
        "dark places lighter.",
        "% of the signal at mid-grey",
        (5, 10, 20, 35, 60),
    ),
    Condition(
        "colour_loss",
        "colours fade to grey",
        "camera",
        "Linear light is mixed with its luminance; at 100% the photo is black and "
        "white.",
        "% of the colour",
        (20, 40, 60, 80, 100),
    ),
    Condition(
        "glasses",
        "glasses",
        "occlusion",
        "A dark frame around both eyes, of that thickness; the lenses are clear.",
        "% of eye distance",
        (3, 6, 9, 13, 18),
    ),
    Condition(
        "sunglasses",
        "sunglasses",
        "occlusion",
        "Lenses that take away that share of linear light, with a frame that does the "
        "same.",
        "% of the light",
        (30, 55, 75, 90, 98),
    ),
    Condition(
        "face_mask",
        "face mask",
        "occlusion",
        "A pale blue mask from the chin upwards that covers that share of the way to "
        "the eyes.",
        "% of the lower face",
        (20, 38, 55, 72, 88),
    ),
    Condition(
        "hair_band",
        "hair band",
        "occlusion",
        "A dark band from the hairline downwards that covers that share of the way to "
        "the brows.",
        "% of the forehead",
        (20, 40, 60, 80, 100),
    ),
    Condition(
        "lipstick",
        "lipstick",
        "makeup",
        "Lips become darker and redder: the colour moves by the dose in CIELAB.",
        "delta E",
        (6, 12, 20, 30, 42),
    ),
    Condition(
        "eye_makeup",
        "eye shadow",
        "makeup",
        "Lids and the edges of the eyes become darker: the colour moves by the dose in "
        "CIELAB.",
        "delta E",
        (6, 12, 20, 30, 42),
    ),
    Condition(
        "blush",
        "blush on the cheeks",
        "makeup",
        "Cheeks become redder: the colour in their middle moves by the dose in CIELAB.",
        "delta E",
        (4, 8, 13, 19, 26),
    ),
    Condition(
        "foundation",
        "foundation",
        "makeup",
        "That share of the blotches of the skin that are larger than pores and smaller "
        "than an eye is removed; its fine grain stays.",
        "% of the variation",
        (20, 40, 60, 80, 100),
    ),
    Condition(
        "skin_smoothing",
        "skin smoothed by software",
        "makeup",
        "That share of the fine grain of the skin (pores, fine lines, spots) is "
        "removed; strong edges stay.",
        "% of the detail",
        (20, 40, 60, 80, 100),
    ),
    Condition(
        "nose_narrowing",
        "narrower nose",
        "surgery",
        "Both sides of the nose move towards its ridge, at most by the dose.",
        "% of eye distance",
        (1.5, 3, 5, 7, 10),
    ),
    Condition(
        "eyelid_lift",
        "lifted upper eyelids",
        "surgery",
        "Upper lids and the folds above them move upwards, at most by the dose; eyes "
        "and brows stay.",
        "% of eye distance",
        (1, 2, 3, 4.5, 6),
    ),
    Condition(
        "jaw_slimming",
        "slimmer jaw",
        "surgery",
        "Both sides of the jaw move inwards, at most by the dose.",
        "% of eye distance",
        (3, 6, 10, 14, 20),
    ),
    Condition(
        "lip_filling",
        "fuller lips",
        "surgery",
        "The edges of the lips move away from each other, each at most by the dose; an "
        "open mouth opens a little more.",
        "% of eye distance",
        (1, 2, 3, 4.5, 6),
    ),
)

CONDITIONS: dict[str, Condition] = {condition.name: condition for condition in _ALL}
"""All conditions by name, in the order of tables and figures."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Which changes are simulated, and where the landmarks come from.

    Attributes
    ----------
    conditions : tuple of str
        Names in :data:`CONDITIONS`, each at all severities.
    landmarks : str
        ``"detected"``: the detector looks at every changed picture, and at the
        untouched one in the same frame, as it would if the photo had been taken so;
        where it does not find this face any more, scores are missing, even if it
        finds another one beside it. ``"carried"``: landmarks
        are those of the untouched photo, moved as the face is, as if they were found
        without error: what is left is the answer of the model alone. It takes less
        than a third of the time, and no face is ever lost.
    """

    conditions: tuple[str, ...] = tuple(CONDITIONS)
    landmarks: Landmarks = "detected"

    def __post_init__(self) -> None:
        for name in self.conditions:
            check_condition(name)
        if not self.conditions or len(set(self.conditions)) < len(self.conditions):
            raise DataError(
                f"`conditions` names {len(self.conditions)} conditions, "
                f"{len(set(self.conditions))} of them different; name one or more, "
                "each once."
            )
        if self.landmarks not in get_args(Landmarks):
            raise DataError(
                f"`landmarks` must be carried or detected, but it is "
                f"{self.landmarks!r}."
            )

    @property
    def n_versions(self) -> int:
        """Changed pictures of a photo."""
        return len(self.conditions) * len(SEVERITIES)


def check_condition(name: str) -> None:
    """Refuse a name that no condition has.

    Raises
    ------
    DataError
        There is no such condition; the closest name is suggested.
    """
    if name not in CONDITIONS:
        hint = did_you_mean(name, CONDITIONS)
        known = "" if hint else f" There are {', '.join(CONDITIONS)}."
        raise DataError(f"There is no condition `{name}`.{hint}{known}")


def panel_of(conditions: Sequence[str] | None, landmarks: Landmarks) -> Panel:
    """Return a panel of some conditions in the order of the catalogue, or of all."""
    if not conditions:
        return Panel(landmarks=landmarks)
    for name in conditions:
        check_condition(name)
    return Panel(tuple(sorted(conditions, key=list(CONDITIONS).index)), landmarks)

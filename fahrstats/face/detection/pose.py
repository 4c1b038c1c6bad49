"""Where a head is turned, as far as five landmarks tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fahrstats.errors import DataError

MEAN_FACE = np.array(
    [
        [-31.5, 0.0, 0.0],
        [31.5, 0.0, 0.0],
        [0.0, 38.0, -26.0],
        [-26.0, 67.0, 0.0],
        [26.0, 67.0, 0.0],
    ]
)
"""Five landmarks of a face that looks into the camera, in millimetres, shape (5, 3).

x to the image's right, y down, z away from the camera, from the point between the eyes.
Round values for adults at rest: 63 mm between the pupils, the mouth 67 mm below them,
the tip of the nose 38 mm below and 26 mm before the plane of eyes and mouth.
"""
MEAN_FACE.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Pose:
    """Rotation of a head in degrees: first the nod, then the turn, then the tilt.

    All are 0 where the plane of eyes and mouth faces the camera.

    Attributes
    ----------
    yaw : float
        Turn about the vertical axis, positive towards the image's right.
    pitch : float
        Nod, positive upwards.
    roll : float
        Tilt in the image, positive clockwise: the angle of the line of the eyes.
    """

    yaw: float
    pitch: float
    roll: float


def pose(points: ArrayLike) -> Pose:
    """Return how a head is turned, from its five landmarks.

    The nose stands out of the plane of eyes and mouth. With parallel rays, its tip
    moves against the line from eyes to mouth by the sine of the turn or nod, while that
    line and the line of the eyes shorten by the cosine: both ratios are tangents. The
    lengths are those of the face itself, so that its size and proportions do not
    matter; how far and how low noses stand out is that of :data:`MEAN_FACE`.

    Five landmarks cannot tell the shape of a face from its pose. A millimetre of the
    nose's place is 2 degrees of yaw or pitch, and people differ by several in height; a
    smile lifts the mouth and so lowers the pitch by about 5 degrees, a camera at 60 cm
    by 4. Compare pitch within people rather than between them. Landmarks that err by 3%
    of the distance between the eyes give standard errors of 5, 5 and 3 degrees of yaw,
    pitch and roll. Beyond 60 degrees of yaw the landmarks themselves are guesses.

    Parameters
    ----------
    points
        Landmarks in the order of ``POINTS``, shape (5, 2), in any pixels.

    Raises
    ------
    DataError
        A coordinate is missing, or the eyes or eyes and mouth coincide.
    """
    seen = np.asarray(points, float)
    if seen.shape != (5, 2):
        raise DataError(f"`points` must have the shape (5, 2), but has {seen.shape}.")
    if not np.isfinite(seen).all():
        raise DataError("`points` has a missing or infinite coordinate.")
    left, right, nose, left_mouth, right_mouth = seen @ (1, 1j)
    eyes, mouth = (left + right) / 2, (left_mouth + right_mouth) / 2
    width = abs(right - left)
    level = (right - left) / width if width else 1
    height = ((mouth - eyes) / level).imag
    if not width or not height:
        raise DataError("The eyes, or eyes and mouth, coincide in `points`.")
    depth = -MEAN_FACE[2, 2]
    below = MEAN_FACE[2, 1] / MEAN_FACE[3, 1]  # as a share of the line to the mouth
    offset = (nose - eyes - below * (mouth - eyes)) / level
    nod = -offset.imag / height * MEAN_FACE[3, 1] / depth
    turn = offset.real / width * 2 * MEAN_FACE[1, 0] / depth
    return Pose(
        yaw=math.degrees(math.atan(turn * math.hypot(nod, 1))),  # over cos(pitch)
        pitch=math.degrees(math.atan(nod)),
        roll=math.degrees(math.atan2(level.imag, level.real)),
    )

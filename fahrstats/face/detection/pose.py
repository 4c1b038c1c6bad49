"""Where a head is turned, as far as five landmarks tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import ARCFACE_POINTS

_MILLIMETRES = 63.0 / np.hypot(*(ARCFACE_POINTS[1] - ARCFACE_POINTS[0]))
_DEPTHS = (0.0, 0.0, -28.0, -4.0, -4.0)


def _mean_face() -> NDArray[np.float64]:
    """Return the ArcFace landmarks made symmetric, in millimetres, with a depth."""
    mirrored = ARCFACE_POINTS[[1, 0, 2, 4, 3]] * (-1, 1)
    width = (ARCFACE_POINTS - ARCFACE_POINTS[:2].mean(axis=0)) + (
        mirrored - mirrored[:2].mean(axis=0)
    )
    return np.column_stack([width / 2 * _MILLIMETRES, _DEPTHS])


MEAN_FACE = _mean_face()
"""Five landmarks of a face that looks into the camera, in millimetres, shape (5, 3).

x to the image's right, y down, z away from the camera; the origin is between the eyes.
Width and height are those of the ArcFace template at a distance between the pupils of
63 mm; the tip of the nose lies 28 mm and the corners of the mouth 4 mm before the eyes,
round values from the anthropometry of adults.
"""
MEAN_FACE.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Pose:
    """Rotation of a head in degrees; all are 0 for a face that looks into the camera.

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

    Least squares of :data:`MEAN_FACE` under a scaled orthographic camera: one scale,
    one rotation and a shift. The rotation nods first, then turns, then tilts in the
    image, so that turning the image changes the roll alone.

    Five landmarks cannot tell the shape of a face from its pose. Yaw rests on the nose
    against the middle of eyes and mouth, pitch on the height of the nose between them;
    of a face that looks into the camera a millimetre of either is 2 degrees, and people
    differ by several in the height: compare pitch within people, not between them.
    Landmarks that err by 3% of the distance between the eyes give standard errors of
    5, 5 and 1 degrees of yaw, pitch and roll. A camera at 60 cm lowers pitch by 3. The
    landmarks of profiles (yaw beyond 60) are guesses of the detector.

    Parameters
    ----------
    points
        Landmarks in the order of ``POINTS``, shape (5, 2), in any pixels.

    Raises
    ------
    DataError
        A coordinate is missing, or the points coincide.
    """
    seen = np.asarray(points, float)
    if seen.shape != (5, 2):
        raise DataError(f"`points` must have the shape (5, 2), but it is {seen.shape}.")
    if not np.isfinite(seen).all():
        raise DataError("`points` has a missing or infinite coordinate.")
    model = MEAN_FACE - MEAN_FACE.mean(axis=0)
    seen = seen - seen.mean(axis=0)
    size = np.sqrt((seen**2).sum() / (model**2).sum())
    if size <= 1e-9 * (1 + np.abs(np.asarray(points, float)).max()):
        raise DataError("The five `points` coincide; they say nothing about a pose.")

    def misfit(q: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ravel(model @ _scaled_rotation(q)[:2].T - seen / size)

    fit = least_squares(misfit, _first_guess(model, seen / size), method="lm")
    return _angles(_scaled_rotation(fit.x))


def _scaled_rotation(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation of a quaternion times its squared length, shape (3, 3)."""
    w, x, y, z = q
    return np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )


def _first_guess(
    model: NDArray[np.float64], seen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the quaternion of the rotation nearest to the best linear map."""
    linear = np.linalg.lstsq(model, seen, rcond=None)[0].T  # (2, 3)
    left, scales, right = np.linalg.svd(linear, full_matrices=False)
    rows = left @ right
    rotation = np.vstack([rows, np.cross(*rows)])
    quaternion = Rotation.from_matrix(rotation).as_quat(scalar_first=True)
    return np.asarray(quaternion * math.sqrt(scales.mean()))


def _angles(matrix: NDArray[np.float64]) -> Pose:
    """Return the angles of tilt after turn after nod; the scale does not matter."""
    return Pose(
        yaw=math.degrees(math.atan2(matrix[2, 0], math.hypot(*matrix[:2, 0]))),
        pitch=math.degrees(math.atan2(-matrix[2, 1], matrix[2, 2])),
        roll=math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])),
    )

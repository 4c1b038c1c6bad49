"""A face as every condition of the catalogue changes it."""

from __future__ import annotations

from collections.abc import Callable

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations import (
    camera,
    light,
    makeup,
    occlusion,
    pose,
    surgery,
)
from fahrstats.face.perturbations.catalogue import CONDITIONS, check_condition

Change = Callable[[FoundFace, float], FoundFace]

_CHANGES: dict[str, Change] = {
    "roll": pose.turned_clockwise,
    "yaw_left": lambda face, dose: pose.turned_sideways(face, -dose),
    "yaw_right": pose.turned_sideways,
    "pitch_up": pose.nodding,
    "pitch_down": lambda face, dose: pose.nodding(face, -dose),
    "underexposure": lambda face, dose: light.exposed(face, -dose),
    "overexposure": light.exposed,
    "darker_midtones": light.graded,
    "lighter_midtones": light.graded,
    "warm_light": light.coloured,
    "cool_light": light.coloured,
    "light_from_left": lambda face, dose: light.lit_from_right(face, -dose),
    "light_from_right": light.lit_from_right,
    "veil": light.veiled,
    "defocus": camera.defocused,
    "motion_blur": camera.smeared,
    "resolution": camera.reduced,
    "jpeg": camera.compressed,
    "noise": camera.noisy,
    "colour_loss": light.faded,
    "glasses": occlusion.with_glasses,
    "sunglasses": occlusion.with_sunglasses,
    "face_mask": occlusion.with_mask,
    "hair_band": occlusion.with_hair_band,
    "lipstick": makeup.with_lipstick,
    "eye_makeup": makeup.with_eye_makeup,
    "blush": makeup.with_blush,
    "foundation": makeup.with_foundation,
    "skin_smoothing": makeup.with_smooth_skin,
    "nose_narrowing": surgery.narrower_nose,
    "eyelid_lift": surgery.lifted_lids,
    "jaw_slimming": surgery.slimmer_jaw,
    "lip_filling": surgery.fuller_lips,
}


def perturbed(face: FoundFace, condition: str, severity: int) -> FoundFace:
    """Return a face as a condition changes it.

    The result depends on the pixels and landmarks of the face alone; landmarks move as
    the face does.

    Parameters
    ----------
    face
        The face and the pixels around it; never modified.
    condition
        Name in :data:`~fahrstats.face.perturbations.catalogue.CONDITIONS`.
    severity
        From 1 to 5; at 0 the face is returned as it is.

    Raises
    ------
    DataError
        There is no such condition.
    """
    check_condition(condition)
    if not severity:
        return face
    return _CHANGES[condition](face, CONDITIONS[condition].dose(severity))

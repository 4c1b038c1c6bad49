from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn_face import draw_face, panel_digest

from fahrstats.errors import DataError
from fahrstats.face.perturbations import changes
from fahrstats.face.perturbations.catalogue import CONDITIONS, SEVERITIES
from fahrstats.face.perturbations.changes import perturbed


def difference(face, other):
    return np.abs(other.pixels.astype(float) - face.pixels).mean()


def test_every_condition_has_its_change():
    assert list(changes._CHANGES) == list(CONDITIONS)


@pytest.mark.parametrize("name", CONDITIONS)
def test_pictures_change_more_at_every_severity(face, name):
    """And a face has the same shape and types, and is itself not changed."""
    before = face.pixels.copy()
    steps = [perturbed(face, name, severity) for severity in (0, *SEVERITIES)]
    assert steps[0] is face
    assert (np.diff([difference(face, step) for step in steps]) > 0).all()
    for step in steps:
        assert step.pixels.shape == face.pixels.shape
        assert step.pixels.dtype == np.uint8
        assert np.isfinite(step.points).all()
    np.testing.assert_array_equal(face.pixels, before)


def test_another_process_makes_the_same_pictures(face):
    code = (
        "from drawn_face import draw_face, panel_digest; import torch;"
        "torch.set_num_threads(1); print(panel_digest(draw_face()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2] / "support",
    )
    assert done.stdout.strip() == panel_digest(face)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_face_at_the_edge_of_its_photo_is_no_error(name):
    face = draw_face(side=90, unit=60.0, tilt=35)  # much of it lies outside
    assert perturbed(face, name, 5).pixels.shape == (90, 90, 3)


def test_a_condition_is_one_of_the_catalogue(face):
    with pytest.raises(DataError, match=r"`yaw_let`\. Did you mean `yaw_left`"):
        perturbed(face, "yaw_let", 1)

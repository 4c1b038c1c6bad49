from __future__ import annotations

import numpy as np
import pytest

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import align
from fahrstats.face.perturbations.contact_sheet import contact_sheet


def test_a_sheet_has_a_row_per_condition_and_a_column_per_severity(face):
    sheet = contact_sheet(face, conditions=["jpeg", "roll"], side=64)
    pixels = np.array(sheet)
    assert pixels.shape == (2 * (64 + 14), 6 * 64, 3)
    seen = align(face, size=64, margin=0.35, interpolation="bilinear")
    np.testing.assert_array_equal(pixels[14:78, :64], seen)
    assert (pixels[14:78, 5 * 64 :] != seen).any()


def test_a_sheet_is_of_known_conditions(face):
    with pytest.raises(DataError, match=r"no condition `jpg`\. Did you mean `jpeg`"):
        contact_sheet(face, conditions=["jpg"])

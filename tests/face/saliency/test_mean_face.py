"""The mean of many faces."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import ARCFACE_POINTS, align
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.saliency.mean_face import mean_face


def test_the_mean_is_that_of_aligned_faces(cohort):
    found = mean_face(cohort.photos, detector=cohort.detector)
    assert found.n == 34
    points = ARCFACE_POINTS * 0.7 + 8
    twins = []
    for path in sorted(cohort.photos.glob("p0*.png")):
        pixels = np.array(Image.open(path).convert("RGB"))
        face = FoundFace(path.name, pixels, np.zeros(4), points)
        twins.append(align(face, size=224, margin=0.5, interpolation="bilinear"))
    assert_allclose(found.pixels, np.mean(twins, axis=0), atol=1e-9)


def test_the_mean_of_few_faces_is_not_given_out(cohort):
    names = pd.DataFrame({"photo": [f"p{i:03d}.png" for i in range(29)]})
    few = open_source(names, root=cohort.photos)
    told = "29 of 29 photos have a usable face; a mean of fewer than 30 would show them"
    with pytest.raises(DataError, match=told):
        mean_face(few, detector=cohort.detector)

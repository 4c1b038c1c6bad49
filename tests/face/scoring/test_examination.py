from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fahrstats.errors import DataError, PhotoError
from fahrstats.face.detection.faces import Faces
from fahrstats.face.pictures.photos import Photo
from fahrstats.face.scoring.examination import examine


class Failing:
    """A detector that fails."""

    name = "failing 1.0"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def find(self, picture: object) -> Faces:
        raise self.error


@pytest.fixture
def photo(cohort):
    return Photo("a.png", cohort.photos / "p000.png", subject="007", session="1")


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (MemoryError(), "MemoryError"),
        (RuntimeError("the size is odd"), "RuntimeError: the size is odd"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (np.linalg.LinAlgError("Singular matrix"), "LinAlgError: Singular matrix"),
        (PhotoError("its points lie outside"), "its points lie outside"),
    ],
)
def test_a_detector_that_fails_at_a_photo_costs_one_row(cohort, photo, error, note):
    row, face = examine(photo, Failing(error), cohort.plan(), 32)
    assert (row["status"], row["note"], face) == ("unreadable", note, None)
    assert (row["photo"], row["subject"], row["session"]) == ("a.png", "007", "1")


@pytest.mark.parametrize(
    "error",
    [
        TypeError("find() takes 1 argument"),
        KeyError("box"),
        AttributeError("no attribute"),
        AssertionError("never"),
        NotImplementedError("later"),
        RecursionError("too deep"),
        DataError("`several` must be something else"),
    ],
)
def test_errors_of_the_program_are_not_hidden(cohort, photo, error):
    with pytest.raises(type(error)):
        examine(photo, Failing(error), cohort.plan(), 32)


def test_a_refused_photo_is_not_opened(cohort, photo):
    refused = replace(photo, data=None, problem="the link leads nowhere")
    row, face = examine(refused, Failing(TypeError()), cohort.plan(), 32)
    assert (row["status"], row["note"]) == ("unreadable", "the link leads nowhere")
    assert face is None

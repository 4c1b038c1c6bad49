from __future__ import annotations

from collections.abc import Callable

import pytest
from drawn_face import draw_face

from fahrstats.face.detection.faces import FoundFace


@pytest.fixture
def face() -> FoundFace:
    return draw_face()


@pytest.fixture
def draw() -> Callable[..., FoundFace]:
    return draw_face

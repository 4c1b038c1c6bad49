from __future__ import annotations

import subprocess
import sys

import pytest

from fahrstats import face


def test_every_public_name_is_there():
    assert set(face.__all__) <= set(dir(face))
    for name in face.__all__:
        assert getattr(face, name) is not None
    with pytest.raises(AttributeError, match=r"`fahrstats.face` has no attribute `x`"):
        face.x  # noqa: B018


def test_importing_the_face_layer_loads_no_torch():
    code = "import fahrstats.face, sys; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"

from __future__ import annotations

import subprocess
import sys

import pytest

from fahrstats.extras import missing_extra

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; "


@pytest.mark.parametrize("name", ["torch", "torch.nn", "PIL.Image", "safetensors"])
def test_what_a_missing_package_needs_is_a_command(name):
    found = missing_extra(ModuleNotFoundError(name=name))
    assert found is not None
    assert "`pip install 'fahrstats[face]'`" in str(found)


def test_a_package_that_no_extra_brings_is_not_explained():
    assert missing_extra(ModuleNotFoundError(name="torchx")) is None
    assert missing_extra(ModuleNotFoundError()) is None


def test_the_command_line_names_the_extra(tmp_path):
    script = WITHOUT_TORCH + "from fahrstats.cli import main; main()"
    arguments = ["score", str(tmp_path), "--checkpoint", "x", "-o", "scores.parquet"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "Error: This needs the package `torch`, which is not installed; run `pip "
        "install 'fahrstats[face]'`.\n"
    )


def test_the_face_module_names_the_extra():
    script = WITHOUT_TORCH + (
        "from fahrstats.errors import MissingExtraError\n"
        "import fahrstats.face\n"
        "try:\n    fahrstats.face.score_photos\n"
        "except MissingExtraError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("This needs the package `torch`")

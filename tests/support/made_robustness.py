"""A robustness study on made scores: a panel, two sets of pairs, repeated photos."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fahrstats.cohort import store
from fahrstats.face.perturbations.catalogue import SEVERITIES
from fahrstats.study.robustness.photos import panel_file
from fahrstats.study.robustness.study_file import parse_robustness

PANEL_CONDITIONS = ("roll", "jpeg", "lipstick")

ROBUSTNESS = """\
kind = "robustness"
title = "What moves two models"
notes = "notes.md"
models = { faceage = "FaceAge", other = "Other model" }
groups.sex = { label = "Sex", levels = { F = "Women", M = "Men" } }

[panel]
landmarks = "carried"
photos = "faces"
models = ["mini-age", "other=mini-age"]
conditions = ["roll", "jpeg", "lipstick"]

[pairs.makeup]
label = "Makeup"
table = "makeup.csv"
by = "sex"

[pairs.sessions]
label = "Two sessions"
table = "sessions.csv"

[serial]
table = "serial.csv"
subject = "who"
date = "taken"

[analysis]
margin = 2
n_boot = 60
seed = 3
"""


def make_tables() -> dict[str, pd.DataFrame]:
    """Return the tables of real pairs and of repeated photos."""
    return {
        "makeup": _pairs(1, 60, "", shift=0.3),
        "sessions": pd.concat(
            [
                _pairs(2, 50, "light", shift=0.0),
                _pairs(3, 50, "pose", shift=4.0),
            ]
        ),
        "serial": _serial(),
    }


def _pairs(seed: int, n: int, condition: str, *, shift: float) -> pd.DataFrame:
    """Return pairs whose second photo is read older by ``shift`` years."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(30, 80, n)
    parts = [
        pd.DataFrame(
            {
                "subject": [f"s{at:03d}" for at in range(n)],
                "moment": moment,
                "condition": condition,
                "sex": np.where(np.arange(n) % 2, "F", "M"),
                "faceage": age + by + rng.normal(0, 1.5, n),
                "other": age + 0.5 * by + rng.normal(0, 3.0, n),
            }
        )
        for moment, by in (("before", 0.0), ("after", shift))
    ]
    return pd.concat(parts).round(3)


def _serial() -> pd.DataFrame:
    """Return three photos of each of forty people, two of them of one day."""
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(40), 3)
    day = np.tile([0, 0, 30], 40)
    age = np.repeat(rng.uniform(30, 80, 40), 3)
    taken = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    scores = {
        "faceage": age + rng.normal(0, 1.5, 120),
        "other": age + rng.normal(0, 3.0, 120),
    }
    return pd.DataFrame({"who": who, "taken": taken.date, **scores}).round(3)


def write_all(folder: Path, text: str, tables: dict[str, pd.DataFrame]) -> Path:
    """Write the study with its tables, and the scores of its panel; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    path.write_text(text)
    (folder / "notes.md").write_text("**Made up.** All of it.\n")
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    study, _ = parse_robustness(path)
    if study is not None and study.panel is not None:
        out = folder.with_name("out")
        file = panel_file(study.panel, out)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_panel(file)
    return path


def write_panel(file: Path, n: int = 80) -> None:
    """Write scores under simulated changes, as a run does.

    Tilting moves the one model, compression both, and lipstick neither; of the
    strongest compression a tenth of the faces is lost.
    """
    rng = np.random.default_rng(5)
    age = rng.uniform(30, 80, n)
    steps = np.array(SEVERITIES, float)
    slopes = {"faceage": (0.0, 1.0, 0.0), "other": (2.0, 0.5, 0.0)}
    columns: dict[str, pa.Array] = {
        "photo": pa.array([f"{at}.jpg" for at in range(n)]),
        "subject": pa.nulls(n, pa.string()),
        "status": pa.array(["ok"] * n),
    }
    for model, slope in slopes.items():
        change = np.array(slope)[None, :, None] * steps + rng.normal(0, 1, (n, 3, 5))
        changed = age[:, None, None] + change
        changed[: n // 10, 1, 4] = np.nan
        flat = pa.array(changed.reshape(-1))
        columns[model] = pa.array(age)
        columns[f"{model}_perturbed"] = pa.FixedSizeListArray.from_arrays(flat, 15)
    provenance = {
        "conditions": list(PANEL_CONDITIONS),
        "photos": n,
        "status": {"ok": n},
        "checkpoint": "made",
        "detector": "none",
    }
    table = pa.table(columns).replace_schema_metadata(
        {store.PROVENANCE_KEY: json.dumps(provenance)}
    )
    pq.write_table(table, file)

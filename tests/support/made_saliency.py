"""A made-up saliency study: two models of known regions, and checks of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from importances import EVEN, REGIONS

from fahrstats.cohort.store import PROVENANCE_KEY
from fahrstats.columns import in_order
from fahrstats.study.photo_scores import make_personal
from fahrstats.study.saliency.checked_faces import CheckedFaces
from fahrstats.study.saliency.photos import (
    AVERAGES,
    explained_sha256,
    importance_file,
    maps_file,
)
from fahrstats.study.saliency.specification import Saliency

SALIENCY = """
kind = "saliency"
title = "Two models"
notes = "notes.md"
models = { faceage = "FaceAge", other = "Other model" }
units = { faceage = "years" }

[photos]
folder = "photos"
models = ["made", "other=made"]

[maps]
limit = 30

[analysis]
n_boot = 60
n_swaps = 199
seed = 3
"""

MAPS = "[maps]\nlimit = 30\n"
"""Part of the study that it can do without."""

MOUTH = REGIONS.index("mouth")


def write_all(folder: Path, text: str) -> Path:
    """Write the study file and its notes."""
    folder.mkdir(parents=True)
    (folder / "notes.md").write_text("**Made up.** All of it.")
    path = folder / "study.toml"
    path.write_text(text)
    return path


def make_changes(n: int, model: int) -> np.ndarray:
    """Make up importance, shape (n, 11); the second model looks at the mouth more."""
    rng = np.random.default_rng(model)
    shares = np.array(EVEN)
    if model:
        shares[MOUTH] *= 3
    found = rng.gamma(40 * shares / shares.sum(), size=(n, 11))
    sign = np.where(np.arange(11) % 2, 1, -1)
    return sign * found / found.sum(axis=1, keepdims=True)


def write_explained(
    study: Saliency, results: Path, *, n: int = 40, n_lost: int = 3
) -> None:
    """Write what a run of all photos leaves, and averages, as if it had been made."""
    make_personal(results)
    status = ["no_face"] * n_lost + ["ok"] * (n - n_lost)
    columns: dict[str, object] = {
        "photo": [f"p{i:03d}.jpg" for i in range(n)],
        "subject": [f"s{i:03d}" for i in range(n)],
        "status": status,
    }
    for at, name in enumerate(study.columns):
        changes = make_changes(n, at)
        columns[name] = [None if i < n_lost else 50.0 for i in range(n)]
        columns[f"{name}_regions"] = [
            None if i < n_lost else row.tolist() for i, row in enumerate(changes)
        ]
    table = pa.table(columns)
    told = {
        "photos": n,
        "status": {"ok": n - n_lost, "no_face": n_lost},
        "checkpoint": "made",
        "detector": "mtcnn",
        "several": "refuse",
    }
    table = table.replace_schema_metadata({PROVENANCE_KEY: json.dumps(told)})
    pq.write_table(table, importance_file(study, results))
    arrays = {"face": np.full((224, 224, 3), 120, np.uint8)}
    if study.maps is not None:
        pq.write_table(table, maps_file(study, results))
        wave = np.sin(np.arange(112) / 9.0).astype(np.float32)
        for at, name in enumerate(study.columns):
            arrays[f"map_{name}"] = np.outer(wave, np.roll(wave, 8 * at))
    made_of = np.array(explained_sha256(study, results))
    np.savez_compressed(results / AVERAGES, made_of=made_of, **arrays)


def make_checks(study: Saliency, data_dir: object, results: Path) -> CheckedFaces:
    """Make up checks: the second model has no parameters, and fails one of them."""
    nothing = "not estimated: its parameters cannot be drawn anew"
    sanity = [
        ("faceage", "head", 1, 0.9, ""),
        ("faceage", "blocks.0", 2, 0.2, "passed"),
        ("other", "", 0, np.nan, nothing),
    ]
    areas = [
        (model, curve, sign * size, 0.5, note)
        for model, size, note in (("faceage", 8.0, "passed"), ("other", 0.2, "failed"))
        for curve, sign in (("deletion", -1), ("insertion", 1))
    ]
    steps = [
        (model, curve, share, order, 50 + share * (2 if order == "random" else 4))
        for model in ("faceage", "other")
        for curve in ("deletion", "insertion")
        for order in ("importance", "random")
        for share in (0.0, 0.5, 1.0)
    ]
    kept = list(study.columns)
    tables = [
        pd.DataFrame(rows, columns=names)
        for rows, names in (
            (sanity, ["model", "level", "step", "estimate", "note"]),
            (areas, ["model", "condition", "estimate", "std_error", "note"]),
            (steps, ["model", "condition", "dose", "group", "estimate"]),
            ([(m, 12.0) for m in kept], ["model", "estimate"]),
        )
    ]
    names = ("rank_correlation", "delta_mean_score", "mean_score", "passes")
    tables = [
        table[table["model"].isin(kept)].assign(estimand=name, n=20)
        for table, name in zip(tables, names, strict=True)
    ]
    reach = 1.96 * tables[1]["std_error"]
    tables[1] = tables[1].assign(
        conf_low=tables[1]["estimate"] - reach, conf_high=tables[1]["estimate"] + reach
    )
    return CheckedFaces(*(table[in_order(table.columns)] for table in tables))

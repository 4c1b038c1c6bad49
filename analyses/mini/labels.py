"""FairFace's label files to the table that trains ``mini-age``.

FairFace (Karkkainen and Joo 2021, CC BY 4.0) tells ages in bins, which stay intervals
here. Copies of the files that went through a spreadsheet have two bins turned into
dates, which are put right. The published validation photos are kept for testing; the
photos that tell when to stop are every sixteenth of the published training photos. Some
photos are published twice, the same to the byte: of these the one for testing is kept,
else the one that tells when to stop.

    python labels.py LABELS PHOTOS labels.csv

LABELS holds ``fairface_label_train.csv`` and ``fairface_label_val.csv``, PHOTOS the
folders ``train`` and ``val``; labels of photos that are not there are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from fahrstats.files import file_sha256

BINS = {
    "0-2": (0, 3),
    "3-9": (3, 10),
    "10-19": (10, 20),
    "20-29": (20, 30),
    "30-39": (30, 40),
    "40-49": (40, 50),
    "50-59": (50, 60),
    "60-69": (60, 70),
    "more than 70": (70, None),
}
DATES = {"9-Mar": "3-9", "3-Sep": "3-9", "03-Sep": "3-9"}
DATES |= {"19-Oct": "10-19", "Oct-19": "10-19"}
EVERY = 16


def read_labels(folder: Path, photos: Path) -> pd.DataFrame:
    """Return one row per photo: photo, split, age_low, age_high and group columns."""
    parts = [
        pd.read_csv(folder / f"fairface_label_{part}.csv", dtype=str)
        for part in ("train", "val")
    ]
    published = pd.concat(parts, ignore_index=True)
    is_there = [(photos / name).is_file() for name in published["file"]]
    published = published[is_there].reset_index(drop=True)
    is_test = published["file"].str.startswith("val/")
    number = published["file"].str.extract(r"(\d+)")[0].astype(int)
    is_tune = ~is_test & (number % EVERY == 0)
    low, high = zip(*published["age"].replace(DATES).map(BINS), strict=True)
    labels = pd.DataFrame(
        {
            "photo": published["file"],
            "split": is_test.map({True: "test", False: "train"}).mask(is_tune, "tune"),
            "age_low": low,
            "age_high": pd.array(high, "Int64"),
            "sex": published["gender"],
            "race": published["race"],
        }
    )
    return labels[~is_spare(labels, photos)]


def is_spare(labels: pd.DataFrame, photos: Path) -> pd.Series:
    """Tell which photos are copies of one that is kept."""
    content = labels["photo"].map(lambda name: file_sha256(photos / name))
    kept_first = labels["split"].map({"test": 0, "tune": 1, "train": 2})
    in_order = content[kept_first.sort_values(kind="stable").index]
    return in_order.duplicated().reindex(labels.index)


if __name__ == "__main__":
    table = read_labels(Path(sys.argv[1]), Path(sys.argv[2]))
    table.to_csv(sys.argv[3], index=False)

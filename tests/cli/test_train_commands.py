from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from crop_files import write_crops
from embedding_files import draw_cohort, write_embeddings
from made_faces import MARGIN, VIT, made_ages, made_pictures, write_training

from fahrstats.face.checkpoints.store import load_checkpoint

STAGE = ("epochs = 1\nbatch_size = 64",)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def relabelled(folder, kind, change=lambda table: table, **told):
    """Write a training whose labels are changed, and return its file."""
    path = write_training(folder, kind, **{"stages": STAGE, "n_tune": 32, **told})
    table = pd.read_csv(folder / "labels.csv")
    change(table).to_csv(folder / "labels.csv", index=False)
    return path


def set_values(**values):
    """Return a change of the fourth row of the labels."""

    def change(table):
        for name, value in values.items():
            table[name] = table.get(name, pd.Series(np.nan, table.index))
            table.loc[3, name] = value
        return table

    return change


@pytest.mark.parametrize(
    ("kind", "error_name"),
    [("pretrain", None), ("age", "macro MAE, years"), ("survival", "loss")],
)
def test_a_training_says_how_it_went_and_where_the_checkpoint_is(
    run, tmp_path, kind, error_name
):
    path = relabelled(tmp_path, kind, stages=STAGE * 2)
    status, said, errors = run("train", kind, path, "--device", "cpu")
    assert (status, errors) == (0, "")
    lines = said.splitlines()
    checkpoint = load_checkpoint(tmp_path / "run/stripes.safetensors")
    assert lines[-1] == f"{checkpoint.name}: {checkpoint.path}"
    for number, line in enumerate(lines[:-1], start=1):
        assert line.startswith(f"Stage {number}: 64 photos")
        assert "; 1 step; " in line
        assert re.search(r"; \d+ photos/s, \d+% of it waiting$", line)
        judged = re.search(r"; (.*) of the tuning photos \d+\.\d{3};", line)
        assert (judged and judged[1].split("; ")[-1]) == error_name
    assert len(lines) == 3
    again = run("train", kind, path, "--device", "cpu")
    assert again[0] == 0
    assert "photos/s" not in again[1]
    assert again[1].splitlines()[-1] == lines[-1]
    assert run("train", kind, path, "-q", "--device", "cpu") == (0, "", "")


@pytest.mark.parametrize(
    ("kind", "columns", "what"),
    [
        ("pretrain", [], None),
        ("age", ["age"], "known age"),
        ("survival", ["time", "event"], "follow-up"),
    ],
)
def test_photos_that_are_left_out_are_counted(run, tmp_path, kind, columns, what):
    def thinned(table):
        table.loc[5:8, columns] = np.nan
        table.loc[0, "photo"] = "uncropped.png"  # p000.png then has no label
        return table.drop(index=[2, 3])

    path = relabelled(tmp_path, kind, thinned)
    status, said, _ = run("train", kind, path, "--device", "cpu")
    assert status == 0
    without = f", 4 without {what}" if what else ""
    told = f"Photos left out: 1 without crop, 3 without label{without}"
    assert said.splitlines()[0] == told
    n_left = 61 - (4 if what else 0)
    assert said.splitlines()[1].startswith(f"Stage 1: {n_left} photos")


def test_only_the_first_of_several_processes_says_how_it_went(
    run, tmp_path, monkeypatch
):
    monkeypatch.setenv("RANK", "1")
    path = relabelled(tmp_path, "age")
    assert run("train", "age", path, "--device", "cpu") == (0, "", "")


def leaking(table):
    return table.assign(subject=["s1", *(f"t{i}" for i in range(len(table) - 2)), "s1"])


def all_censored(table):
    return table.assign(event=table["event"] * (table["split"] == "train"))


BAD = [
    (
        "age",
        set_values(age=250),
        r"`age` is outside of 0 to 125 years in 1 of 96 rows, .*row 4 \(250\)",
    ),
    (
        "age",
        set_values(age=np.nan, age_low=30.0, age_high=20.0),
        r"`age_low` is not below `age_high` in 1 of 96 rows, first in row 4",
    ),
    ("age", leaking, r"`split` has 1 of \d+ persons in several splits"),
    ("survival", leaking, r"`split` has 1 of \d+ persons in several splits"),
    (
        "survival",
        all_censored,
        r"None of the 32 photos of the split `tune` has an `event` that was observed",
    ),
    ("survival", set_values(time=-1), r"`time` is negative in 1 of 96 rows"),
    (
        "survival",
        set_values(event=2),
        r"`event` must be 0/1 or boolean, .*2 \(1 rows\)",
    ),
    ("age", set_values(split="test2"), r"`split` is none of the known .*\(`test2`\)"),
    ("age", lambda table: table.drop(columns="photo"), r"has no column `photo`"),
    ("pretrain", leaking, r"`split` has 1 of \d+ persons in several splits"),
]


def refused(run, tmp_path, path, kind) -> str:
    """Return the one line that a training ends with before its first step."""
    status, said, errors = run("train", kind, path, "--device", "cpu")
    assert (status, said) == (1, "")
    assert errors.startswith("Error: ")
    assert errors.count("\n") == 1
    left = {file.name for file in (tmp_path / "run").glob("*")}
    assert left <= {"crops.cache", ".crops.cache.lock", ".training.lock"}, left
    return errors


@pytest.mark.parametrize(("kind", "change", "message"), BAD)
def test_labels_that_cannot_be_are_refused_before_the_first_step(
    run, tmp_path, kind, change, message
):
    told = refused(run, tmp_path, relabelled(tmp_path, kind, change), kind)
    assert re.search(message, told), told


@pytest.mark.parametrize("kind", ["pretrain", "age", "survival"])
@pytest.mark.parametrize("name", ["crops.parquet", "labels.csv"])
def test_a_missing_file_is_named(run, tmp_path, kind, name):
    path = relabelled(tmp_path, kind)
    (tmp_path / name).unlink()
    assert name in refused(run, tmp_path, path, kind)


@pytest.mark.parametrize("kind", ["pretrain", "age", "survival"])
def test_a_missing_configuration_is_named(run, tmp_path, kind):
    told = refused(run, tmp_path, tmp_path / "none.toml", kind)
    assert re.search(r"There is no file `.*none\.toml`", told)


@pytest.mark.parametrize("kind", ["pretrain", "age", "survival"])
def test_an_unknown_key_is_named(run, tmp_path, kind):
    path = relabelled(tmp_path, kind, stages=("epochs = 1\nepoch = 2",))
    told = refused(run, tmp_path, path, kind)
    assert "`training.toml`: [[stage]] 1: `epoch` is not known" in told


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("none.safetensors", r"There is no file of parameters `.*none\.safetensors`"),
        ("nonesuch", r"There is no checkpoint `nonesuch`"),
        ("older.pth", r"`older\.pth` may hold code and is not opened"),
        ("facesurvival", "its authors never released one"),
    ],
)
def test_a_start_that_is_not_there_is_named(run, tmp_path, start, message):
    path = relabelled(tmp_path, "age", network=f'{VIT}\nstart = "{start}"')
    assert re.search(message, refused(run, tmp_path, path, "age"))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (VIT.replace("depth = 2", "depth = 1"), "whose architecture differs: `depth`"),
        (f"{VIT}\nchannel_mean = [0, 0, 0]", "preprocessing differs: `channel_mean`"),
        ('kind = "convolutional"', "differs: it is of the kind `vit`"),
    ],
)
def test_a_start_of_another_network_is_refused(run, tmp_path, network, message):
    path = relabelled(tmp_path / "first", "pretrain")
    assert run("train", "pretrain", path, "-q", "--device", "cpu")[0] == 0
    network = f'{network}\nstart = "first/run/stripes.safetensors"'
    path = relabelled(tmp_path, "age", network=network)
    assert message in refused(run, tmp_path, path, "age")


@pytest.mark.parametrize("kind", ["pretrain", "age", "survival"])
def test_crops_that_show_less_than_is_wanted_are_refused(run, tmp_path, kind):
    path = relabelled(tmp_path, kind)
    pictures = made_pictures(made_ages(96))
    write_crops(tmp_path / "crops.parquet", pictures, margin=MARGIN / 2)
    told = refused(run, tmp_path, path, kind)
    assert "`crop_margin` is 0.2, but the crops were made with a margin of 0.1" in told


def test_a_device_that_is_unknown_is_refused(run, tmp_path):
    path = relabelled(tmp_path, "age")
    status, said, errors = run("train", "age", path, "--device", "tpu")
    assert (status, said) == (1, "")
    assert "tpu" in errors


def test_one_subject_on_very_many_photos_is_noted(run, tmp_path):
    def of_one(table):
        return table.assign(subject=["s"] * 1000 + ["t"] * 32)

    path = relabelled(tmp_path, "age", of_one, n=1000)
    status, _, errors = run("train", "age", path, "--device", "cpu")
    assert status == 0
    assert errors.startswith("Note: One `subject` is on 1,000 of 1,032 photos")


def test_a_section_frozen_trains_a_head_on_embeddings(run, tmp_path):
    vectors, labels = draw_cohort(60, 3)
    write_embeddings(tmp_path / "embeddings.parquet", vectors)
    labels.to_csv(tmp_path / "labels.csv", index=False)
    path = tmp_path / "frozen.toml"
    path.write_text(
        """
        [data]
        embeddings = "embeddings.parquet"
        labels = "labels.csv"
        [frozen]
        folds = 3
        [output]
        scores = "scores.parquet"
        """
    )
    status, said, errors = run("train", "survival", path)
    assert (status, errors) == (0, "")
    assert "out of fold" in said
    assert len(pd.read_parquet(tmp_path / "scores.parquet")) == 60
    assert run("train", "survival", path, "--quiet") == (0, "", "")
    status, _, errors = run("train", "age", path)
    assert (status, errors.count("\n")) == (1, 1)


def test_help_tells_what_each_command_trains(run):
    _, said, _ = run("train", "--help")
    for kind, words in (
        ("pretrain", "foundation network"),
        ("age", "FaceAge"),
        ("survival", "FaceSurvival"),
    ):
        assert re.search(rf"{kind} +Train .*{words}", said)
        status, told, _ = run("train", kind, "--help")
        assert status == 0
        for word in ("CONFIG", "--device", "--quiet", "docs/training.md"):
            assert word in told
    assert "`frozen`" in told

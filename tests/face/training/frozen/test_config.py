from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.face.training.frozen.config import read_frozen_config

FILE = """
kind = "survival"

[data]
embeddings = "embeddings.parquet"
labels = "labels.csv"

[frozen]
folds = 4
seed = 7
penalties = [1, 10.0]
checkpoint = "network.safetensors"

[output]
scores = "facesurvival.parquet"
checkpoint = "my-facesurvival.safetensors"
name = "my-facesurvival"
training_data = "our clinic"
licence = "ours"
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("embeddings.parquet", "labels.csv"):
        (tmp_path / name).touch()
    return tmp_path


def read(folder, text):
    path = folder / "train.toml"
    path.write_text(text)
    return read_frozen_config(path)


def test_everything_is_read_and_paths_are_beside_the_file(folder):
    config = read(folder, FILE)
    assert config.embeddings == folder / "embeddings.parquet"
    assert config.scores == folder / "facesurvival.parquet"
    assert config.checkpoint == folder / "my-facesurvival.safetensors"
    assert config.network == str(folder / "network.safetensors")
    assert (config.n_folds, config.seed, config.penalties) == (4, 7, (1.0, 10.0))
    assert (config.name, config.licence, config.per) == (
        "my-facesurvival",
        "ours",
        "photo",
    )


def test_a_table_of_scores_needs_little(folder):
    config = read(
        folder,
        """
        [data]
        embeddings = "embeddings.parquet"
        labels = "labels.csv"
        [frozen]
        checkpoint = "mini"
        [output]
        scores = "scores.parquet"
        """,
    )
    assert (config.n_folds, config.seed, config.penalties) == (5, 1, None)
    assert config.checkpoint is None
    assert config.network == "mini"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("folds = 4", "fold = 4", r"\[frozen\]: `fold` is not known; did you mean"),
        ("folds = 4", "folds = 1", r"`folds` is 1; it must be at least 2"),
        ("seed = 7", "seed = -7", r"`seed` is -7; it must be at least 0"),
        ("[1, 10.0]", "[10, 1]", r"`penalties` must ascend"),
        ("[1, 10.0]", "[0]", r"`penalties` must be a list of finite numbers above 0"),
        (
            '"labels.csv"',
            '"none.csv"',
            r"`labels` is `none\.csv`, and there is no such",
        ),
        ('labels = "labels.csv"', "", r"\[data\]: `labels` is missing"),
        ("facesurvival.parquet", "scores.csv", r"it must end in `\.parquet`"),
        ("my-facesurvival.safetensors", "my.pt", r"must end in `\.safetensors`"),
        ('checkpoint = "network.safetensors"', "", r"`checkpoint` is missing; the"),
        ('licence = "ours"', "", r"\[output\]: `licence` is missing"),
        ('licence = "ours"', 'licence = "x"\nper = "face"', r"`per` is `face`; known"),
        ('kind = "survival"', 'kind = "age"', r"`kind` is `age`"),
        ('kind = "survival"', 'sort = "age"', r"`sort` is not known"),
        ("[frozen]", "[freezer]", r"`frozen` is missing.* `freezer` is not known"),
    ],
)
def test_what_cannot_be_meant_is_named(folder, old, new, message):
    assert FILE.count(old) == 1
    with pytest.raises(DataError, match=rf"`train\.toml`: .*{message}"):
        read(folder, FILE.replace(old, new))


def test_all_problems_are_told_at_once(folder):
    (folder / "labels.csv").unlink()
    with pytest.raises(DataError, match=r"no such file.*`folds` is 0.*`extra` is not"):
        read(folder, FILE.replace("folds = 4", "folds = 0\nextra = 1"))


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"There is no file `.*none\.toml`"):
        read_frozen_config(tmp_path / "none.toml")

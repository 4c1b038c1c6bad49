"""The page on training says what the package does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fahrstats.face.score_columns import SCORE_GLOSSARY
from fahrstats.face.training.config_file import read_config
from fahrstats.face.training.frozen.config import read_frozen_config

PAGE = (Path(__file__).parents[1] / "docs/training.md").read_text(encoding="utf-8")
LOOP = PAGE.partition("## The file\n")[2].partition("\n## ")[0]
FROZEN = PAGE.partition("## FaceSurvival on frozen embeddings\n")[2].partition("\n## ")[
    0
]


def test_the_configuration_of_an_age_is_read(tmp_path):
    (told,) = re.findall(r"```toml\n(.*?)```", LOOP, flags=re.DOTALL)
    (tmp_path / "age.toml").write_text(told, encoding="utf-8")
    config = read_config(tmp_path / "age.toml", kind="age")
    assert [stage.balanced for stage in config.stages] == [False, True]
    assert config.start == str(tmp_path / "foundation/foundation.safetensors")
    assert config.folder == tmp_path / "faceage"


@pytest.mark.parametrize("kind", ["pretrain", "age"])
def test_the_recipe_of_the_shipped_checkpoints_is_read(kind):
    recipe = Path(__file__).parents[1] / "analyses/mini"
    config = read_config(recipe / f"{kind}.toml", kind=kind)
    assert config.licence == "CC BY 4.0"
    assert config.labels == recipe / "labels.csv"


def test_the_configuration_of_a_frozen_network_is_read(tmp_path):
    (config,) = re.findall(r"```toml\n(.*?)```", FROZEN, flags=re.DOTALL)
    (tmp_path / "facesurvival.toml").write_text(config, encoding="utf-8")
    for name in ("embeddings.parquet", "labels.csv"):
        (tmp_path / name).touch()
    read = read_frozen_config(tmp_path / "facesurvival.toml")
    assert (read.n_folds, read.seed, read.per) == (5, 1, "photo")
    assert read.checkpoint == tmp_path / "my-facesurvival.safetensors"


def test_columns_of_the_scores_are_in_the_glossary():
    rows = re.findall(r"^\| (`.*?`) \|", FROZEN, flags=re.MULTILINE)
    columns = re.findall(r"`(\w+)`", " ".join(rows))
    assert columns == ["photo", "subject", "facesurvival", "log_hazard", "fold"]
    assert {*columns, "n_photos"} <= {*SCORE_GLOSSARY}

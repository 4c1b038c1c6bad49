from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from made_faces import VIT, write_training

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture, ConvolutionalArchitecture
from fahrstats.face.training.config import Config, Stage
from fahrstats.face.training.config_file import AGE_BINS, read_config
from fahrstats.face.training.faces.augment import Augmentation

BARE = """
[data]
crops = "crops.parquet"
labels = "labels.csv"
[[stage]]
epochs = 3
[output]
folder = "out"
name = "faces"
training_data = "ours"
licence = "ours"
"""
NOT_DECIDING = {"crops", "labels", "folder", "name", "training_data", "licence"}
NOT_DECIDING |= {"notes"}


def read(folder: Path, text: str, kind="age") -> Config:
    path = folder / "training.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path, kind=kind)


def problems_of(folder: Path, text: str, kind="age") -> str:
    with pytest.raises(DataError) as caught:
        read(folder, text, kind)
    return str(caught.value)


def test_a_bare_file_gets_the_usual_values(tmp_path):
    config = read(tmp_path, BARE)
    assert config.stages == (Stage(epochs=3),)
    assert config.architecture == ConvolutionalArchitecture(
        image_size=112, widths=(24, 48, 96, 192), blocks=(1, 1, 1, 1)
    )
    assert config.preprocessing.input_size == 112
    assert config.preprocessing.crop_margin == 0.2
    assert config.augmentation == Augmentation()
    assert config.shares == (("train", 0.8), ("tune", 0.1), ("test", 0.1))
    assert (config.loss, config.delta, config.spread) == ("huber", 5.0, 5.0)
    assert (config.age_bins, config.seed, config.start) == (AGE_BINS, 1, None)
    assert read(tmp_path, BARE, "survival").loss == "cox"


def test_every_value_of_a_file_is_read(tmp_path):
    config = read(
        tmp_path,
        """
        kind = "age"
        [data]
        crops = ["a.parquet", "b.parquet"]
        labels = "labels.csv"
        label_share = 0.1
        shares = { train = 0.5, tune = 0.5, test = 0 }
        [network]
        kind = "vit"
        size = "tiny"
        pixels = 96
        patch_size = 8
        depth = 3
        crop_margin = 0
        channel_mean = [0.1, 0.2, 0.3]
        channel_spread = [1, 2, 3]
        start = "mini"
        [augmentation]
        scale = 0.3
        [age]
        loss = "l1"
        delta = 3
        spread = 2
        bins = [-1, 40]
        [training]
        seed = 7
        precision = "bfloat16"
        [[stage]]
        epochs = 1
        batch_size = 9
        chunks = 2
        peak = 0.1
        warm_up = 0
        weight_decay = 0
        layer_decay = 1
        average = 0
        clip = 2
        balanced = true
        patience = 4
        [[stage]]
        epochs = 2
        [output]
        folder = "out"
        name = "faces"
        training_data = "ours"
        licence = "theirs"
        notes = "none"
        """,
    )
    assert config.crops == (tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert (config.labels, config.folder) == (tmp_path / "labels.csv", tmp_path / "out")
    assert (config.label_share, config.start) == (0.1, "mini")
    assert config.shares == (("train", 0.5), ("tune", 0.5))
    assert config.architecture == Architecture(
        image_size=96, patch_size=8, width=192, depth=3, heads=3, mlp_width=768
    )
    assert config.preprocessing.crop_margin == 0
    assert config.preprocessing.channel_mean == (0.1, 0.2, 0.3)
    assert config.preprocessing.channel_spread == (1, 2, 3)
    assert config.augmentation == Augmentation(scale=0.3)
    assert (config.loss, config.delta, config.spread) == ("l1", 3, 2)
    assert (config.age_bins, config.seed) == ((-1, 40), 7)
    assert config.precision == "bfloat16"
    assert config.stages == (
        Stage(
            epochs=1,
            batch_size=9,
            chunks=2,
            peak=0.1,
            warm_up=0,
            weight_decay=0,
            layer_decay=1,
            average=0,
            clip=2,
            balanced=True,
            patience=4,
        ),
        Stage(epochs=2),
    )
    assert (config.name, config.licence, config.notes) == ("faces", "theirs", "none")


@pytest.mark.parametrize("start", ["n.safetensors", "n.json", "sub/n.safetensors"])
def test_a_file_to_start_from_is_beside_the_file_that_names_it(
    tmp_path, monkeypatch, start
):
    (tmp_path / "here").mkdir()
    (tmp_path / start).parent.mkdir(exist_ok=True)
    (tmp_path / start).touch()
    monkeypatch.chdir(tmp_path)
    config = read(tmp_path / "here", f'{BARE}[network]\nstart = "{start}"')
    assert config.start == str(tmp_path / "here" / start)


@pytest.mark.parametrize(
    ("kind", "lines", "message"),
    [
        ("age", "[age]\nlos = 'l1'", r"\[age\]: `los` is not known; did you mean `lo"),
        ("age", "[age]\nloss = 'l2'", r"\[age\]: `loss` is `l2`; "),
        ("age", "[age]\ndelta = 0", r"\[age\]: `delta` is 0; it must be above 0"),
        ("age", "[age]\nspread = 'a'", r"\[age\]: `spread` must be a number"),
        (
            "age",
            "[age]\ndelta = 51\nspread = 1",
            r"\[age\]: `delta` is 51 and `spread` 1 years; `delta` may be at most 50",
        ),
        ("age", "[age]\nbins = [3, 3]", r"\[age\]: `bins` must ascend"),
        ("age", "[age]\nbins = []", r"\[age\]: `bins` is empty"),
        ("age", "[age]\nadjust = ['sex']", r"\[age\]: `adjust` is not known"),
        (
            "age",
            "[pretrain]\nmask_ratio = 0.5",
            r"\[pretrain\] belongs to `fahrstats t",
        ),
        ("age", "[survival]", r"\[survival\] belongs to `fahrstats train survival`"),
        ("age", "[frozen]", r"`frozen` is not known"),
        ("pretrain", "[age]\nloss = 'l1'", r"\[age\] belongs to `fahrstats train age`"),
        (
            "pretrain",
            "[pretrain]\nmask_ratio = 2",
            r"\[pretrain\]: `mask_ratio` is 2; ",
        ),
        (
            "pretrain",
            "[pretrain]\nmask_ratio = 0",
            r"`mask_ratio` is 0; it must be abo",
        ),
        (
            "pretrain",
            "[network]\nkind = 'vit'\n[pretrain]\npatch_size = 16",
            r"\[pretrain\]: `patch_size` is not known",
        ),
        ("survival", "[survival]\nloss = 'l1'", r"\[survival\]: `loss` is `l1`; kno"),
        (
            "survival",
            "[survival]\nadjust = ['race']",
            r"\[survival\]: `adjust` holds `race`; `age` and `sex` are known",
        ),
        (
            "survival",
            "[survival]\nadjust = ['sex', 'sex']",
            r"\[survival\]: `adjust` holds a name twice",
        ),
        ("survival", "[survival]\nadjust = 3", r"`adjust` must be text in quotes, or"),
        ("age", "[network]\nkind = 'mlp'", r"\[network\]: `kind` is `mlp`; known here"),
        ("age", "[network]\nsize = 'base'", r"\[network\]: `size` is `base`; known "),
        ("age", "[network]\npatch_size = 8", r"\[network\]: `patch_size` is not know"),
        ("age", "[network]\npixels = 0", r"\[network\]: `pixels` is 0; it must be at"),
        ("age", "[network]\npixels = 5000", r"\[network\]: `image_size` is "),
        (
            "age",
            "[network]\nkind = 'vit'\nheads = 5",
            r"`width` is 384 and cannot be shared among 5 `heads`",
        ),
        (
            "age",
            "[network]\nkind = 'vit'\npixels = 100",
            r"\[network\]: An image of 100 x 100 pixels is not made of whole patches",
        ),
        ("age", "[network]\ncrop_margin = 1.5", r"\[network\]: `crop_margin` is 1\.5;"),
        ("age", "[network]\ncrop_margin = -1", r"`crop_margin` is -1; it must be at l"),
        ("age", "[network]\nchannel_mean = [1]", r"`channel_mean` must be a list of 3"),
        (
            "age",
            "[network]\nchannel_spread = [0, 1, 1]",
            r"\[network\]: `channel_spread` must be a list of 3 finite numbers above 0",
        ),
        ("age", "[network]\nstart = 3", r"\[network\]: `start` must be text in quotes"),
        ("age", "[augmentation]\nblur = 1", r"\[augmentation\]: `blur` is not known"),
        ("age", "[augmentation]\nscale = 2", r"\[augmentation\]: `scale` is 2\.0; it"),
        ("age", "[training]\nseed = -1", r"\[training\]: `seed` is -1; it must be at"),
        ("age", "[training]\nseed = true", r"\[training\]: `seed` must be a whole num"),
        ("age", "[training]\nprecision = 'half'", r"\[training\]: `precision` is `hal"),
        ("age", "[trainings]\nseed = 1", r"`trainings` is not known; did you mean"),
        ("age", "[[stage]]\nepochs = 0", r"\[\[stage\]\] 2: `epochs` is 0; it must "),
        ("age", "[[stage]]\npeak = 1", r"\[\[stage\]\] 2: `epochs` is missing"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_section(tmp_path, kind, lines, message):
    with pytest.raises(DataError, match=rf"`training\.toml`: .*{message}"):
        read(tmp_path, f"{BARE}\n{lines}", kind)


@pytest.mark.parametrize(
    ("kind", "line", "message"),
    [
        ("age", "layer_decay = 2", r"`layer_decay` is 2\.0; it is at most 1"),
        ("age", "layer_decay = 0", r"`layer_decay` is 0; it must be above 0"),
        ("age", "average = 1", r"`average` is 1; it must be below 1"),
        ("age", "warm_up = 1", r"`warm_up` is 1; it must be below 1"),
        ("age", "warm_up = -0.1", r"`warm_up` is -0\.1; it must be at least 0"),
        ("age", "weight_decay = -1", r"`weight_decay` is -1; it must be at least 0"),
        ("age", "peak = 0", r"`peak` is 0; it must be above 0"),
        ("age", "peak = inf", r"`peak` is inf; it must be above 0, and finite"),
        ("age", "clip = nan", r"`clip` is nan; it must be above 0, and finite"),
        ("age", "chunks = 0", r"`chunks` is 0; it must be at least 1"),
        ("age", "batch_size = 0", r"`batch_size` is 0; it must be at least 1"),
        ("age", "batch_size = 1.5", r"`batch_size` must be a whole number, not 1\.5"),
        ("age", "balanced = 1", r"`balanced` must be true or false, not 1"),
        ("age", "patience = -1", r"`patience` is -1; it must be at least 0"),
        ("age", "epoch = 2", r"`epoch` is not known; did you mean `epochs`"),
        ("survival", "batch_size = 63", r"`batch_size` is 63; it must be at least 64"),
        ("survival", "balanced = true", r"`balanced` is not known"),
        ("pretrain", "balanced = true", r"`balanced` is not known"),
        ("pretrain", "patience = 3", r"`patience` is not known"),
    ],
)
def test_what_a_stage_cannot_be_is_named_with_its_number(tmp_path, kind, line, message):
    text = BARE.replace("epochs = 3", f"epochs = 3\n{line}")
    with pytest.raises(DataError, match=rf"\[\[stage\]\] 1: {message}"):
        read(tmp_path, text, kind)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('crops = "crops.parquet"', "", r"\[data\]: `crops` is missing"),
        ('"crops.parquet"', "[]", r"\[data\]: `crops` is empty; name what `fahrstats"),
        ('"crops.parquet"', '""', r"\[data\]: `crops` is empty"),
        ('"crops.parquet"', "3", r"\[data\]: `crops` must be text in quotes, or a li"),
        ('labels = "labels.csv"', "", r"\[data\]: `labels` is missing"),
        ('"labels.csv"', "3", r"\[data\]: `labels` must be text in quotes, not 3"),
        ("[[stage]]\nepochs = 3", "", r"needs at least one section \[\[stage\]\]"),
        ("[[stage]]\nepochs = 3", "[tuning]", r"needs .*`tuning` is not known"),
        ('folder = "out"', "", r"\[output\]: `folder` is missing"),
        ('"out"', '"training.toml"', r"`folder` is `training\.toml`, which is a file"),
        ('name = "faces"', 'name = ""', r"\[output\]: `name` is empty"),
        (
            '"faces"',
            '"a/b"',
            r"\[output\]: `name` is `a/b`; use letters, digits, `-`, `_` and `\.`",
        ),
        ('"faces"', '"stage-1"', r"\[output\]: `name` is `stage-1`, as what a stage"),
        (
            'training_data = "ours"',
            'training_data = "\\u001b"',
            r"\[output\]: `training_data` holds control characters",
        ),
        ('licence = "ours"', "", r"\[output\]: `licence` is missing"),
        ('licence = "ours"', 'license = "ours"', r"\[output\].* did you mean `licence"),
        (
            "[[stage]]",
            "shares = { train = 0.8, tune = 0.3 }\n[[stage]]",
            r"\[data\.shares\]: The shares sum to 1\.2; they must sum to 1",
        ),
        (
            "[[stage]]",
            "shares = { train = 0.8, check = 0.1 }\n[[stage]]",
            r"\[data\.shares\]: `check` is not known",
        ),
        (
            "[[stage]]",
            "label_share = 0\n[[stage]]",
            r"\[data\]: `label_share` is 0; it must be above 0",
        ),
        (
            "[[stage]]",
            "label_share = 1.1\n[[stage]]",
            r"\[data\]: `label_share` is 1\.1; it must be at most 1",
        ),
        ("\n[data]", "kind = 'survival'\n[data]", r"`kind` is `survival`; known he"),
    ],
)
def test_what_is_wrong_with_data_and_output_is_named(tmp_path, old, new, message):
    assert BARE.count(old) == 1
    with pytest.raises(DataError, match=rf"`training\.toml`: .*{message}"):
        read(tmp_path, BARE.replace(old, new))


def test_a_share_of_labels_means_nothing_where_none_are_learned(tmp_path):
    text = BARE.replace("[[stage]]", "label_share = 0.5\n[[stage]]")
    assert "[data]: `label_share` is not known" in problems_of(
        tmp_path, text, "pretrain"
    )


def test_several_problems_are_told_at_once(tmp_path):
    text = BARE.replace("epochs = 3", "epochs = 0\nlayer_decay = 2")
    told = problems_of(tmp_path, f"{text}\n[age]\nloss = 'x'\n[nets]")
    for where in ("[[stage]] 1: `epochs`", "`layer_decay`", "[age]: `loss`", "`nets`"):
        assert told.count(where) == 1
    assert "more.)" not in told


def test_of_very_many_problems_five_are_told_and_the_others_counted(tmp_path):
    told = problems_of(tmp_path, "".join(f"key_{i} = {i}\n" for i in range(20)))
    assert told.endswith(" more.)")
    n_missing = told.count("is missing") + told.count("needs at least one")
    assert n_missing + told.count("is not known") == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"There is no file `.*training\.toml`"),
        (b"[data", r"`.*training\.toml` is not TOML"),
        (b"name = '\xff'", r"`.*training\.toml` is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, message):
    path = tmp_path / "training.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_config(path, kind="age")


def test_pretraining_needs_no_labels(tmp_path):
    text = BARE.replace('labels = "labels.csv"', "")
    assert read(tmp_path, text, "pretrain").labels is None


def _changed(value: object) -> object:
    """Return another value of the same type."""
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value / 2 if value else 1
    if isinstance(value, Path):
        return value / "x"
    if isinstance(value, tuple):
        return (*value, value[0]) if value else ("age",)
    return "x"


def _settings(record: object) -> list[tuple[str, object]]:
    """Return each field of a record, and the record with this field changed."""
    return [
        (one.name, replace(record, **{one.name: _changed(getattr(record, one.name))}))  # type: ignore[type-var]
        for one in fields(record)  # type: ignore[arg-type]
        if one.name not in ("architecture", "preprocessing", "augmentation", "kind")
    ]


@pytest.mark.parametrize("network", ["", f"[network]\npixels = 16\n{VIT}"])
def test_the_text_of_a_configuration_is_what_decides_and_nothing_else(
    tmp_path, network
):
    config = read(tmp_path, f"{BARE}\n{network}")
    for name, other in _settings(config):
        assert (other.text() == config.text()) == (name in NOT_DECIDING), name
    assert replace(config, kind="survival").text() != config.text()
    for inner in ("architecture", "preprocessing"):
        for name, record in _settings(getattr(config, inner)):
            changed = replace(config, **{inner: record})
            assert changed.text() != config.text(), name
    for name, value in asdict(config.augmentation).items():
        other = replace(config.augmentation, **{name: (value + 0.13) / 2})
        assert replace(config, augmentation=other).text() != config.text(), name
    for name, stage in _settings(config.stages[0]):
        assert replace(config, stages=(stage,)).text() != config.text(), name
    assert config.text().count("\n") == len(fields(Config)) - len(NOT_DECIDING)


def test_moved_files_give_the_same_text(tmp_path):
    texts = set()
    for name in ("a", "b"):
        path = write_training(tmp_path / name, n=8, n_tune=4)
        texts.add(read_config(path, kind="age").text())
    assert len(texts) == 1

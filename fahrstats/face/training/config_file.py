"""The file of a training, in TOML, to its :class:`Config`, checked as a whole."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast, get_args

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import (
    LARGEST_MARGIN,
    AnyArchitecture,
    Architecture,
    Card,
    Channels,
    Preprocessing,
)
from fahrstats.face.checkpoints.card_file import card_text
from fahrstats.face.checkpoints.names import CARD, PARAMETERS
from fahrstats.face.network.convolutional_sizes import (
    ConvolutionalSize,
    convolutional_architecture,
)
from fahrstats.face.network.sizes import Size, architecture
from fahrstats.face.training.age_losses import LARGEST_RATIO
from fahrstats.face.training.config import Config, Kind, Stage, TrainedPrecision
from fahrstats.face.training.faces.augment import Augmentation
from fahrstats.face.training.faces.batches import SMALLEST_SURVIVAL_BATCH
from fahrstats.section import Section, open_toml

AGE_BINS = (0.0, 3.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
"""Lower edges in years, those of the widely used FairFace labels; the last is open."""

_SHOWN = 5  # problems that a message names


def read_config(path: Path, *, kind: Kind) -> Config:
    """Read a training's file.

    Paths in it are relative to its folder.

    Raises
    ------
    DataError
        The file is absent or not TOML, a key is unknown, missing or out of range; all
        problems are told at once.
    """
    top = open_toml(path)
    config = _read(top, path.parent, kind)
    top.finish()
    if top.problems:
        more = len(top.problems) - _SHOWN
        shown = " ".join(top.problems[:_SHOWN])
        rest = f" ({more} more.)" if more > 0 else ""
        raise DataError(f"`{path.name}`: {shown}{rest}")
    return cast(Config, config)


def _read(top: Section, folder: Path, kind: Kind) -> Config | None:
    """Read the sections; None where the problems leave nothing to build."""
    data, network = top.section("data", required=True), top.section("network")
    output = top.section("output", required=True)
    top.choice("kind", (kind,), kind)
    for other in get_args(Kind):
        if other != kind and top.is_given(other):
            top.section(other)
            top.problem(f"[{other}] belongs to `fahrstats train {other}`.")
    crops = data.texts("crops")
    data.require("crops")
    if data.is_given("crops") and not all(crops or ("",)):
        data.problem("`crops` is empty; name what `fahrstats crop` wrote.")
    labels = data.optional_text("labels")
    if kind != "pretrain":
        data.require("labels")
    shape = _architecture(network)
    told: dict[str, Any] = {
        "kind": kind,
        "crops": tuple(folder / file for file in crops),
        "labels": None if labels is None else folder / labels,
        "shares": _shares(data),
        "label_share": 1.0
        if kind == "pretrain"
        else _share(data, "label_share", 1.0, above_zero=True),
        "start": _start(network, folder),
        "architecture": shape,
        "preprocessing": None if shape is None else _preprocessing(network, shape),
        "augmentation": _augmentation(top),
        "stages": _stages(top, kind),
        **_training(top.section("training")),
        **_task(top, kind, shape),
        "folder": _folder(output, folder),
        "name": output.text("name", required=True),
        "training_data": output.text("training_data", required=True),
        "licence": output.text("licence", required=True),
        "notes": output.text("notes"),
    }
    for section in (data, network, output):
        section.finish()
    if top.problems:
        return None
    config = Config(**told)
    _check_card(config, output)
    return config


def _check_card(config: Config, output: Section) -> None:
    """Report what the card of the checkpoint could not hold."""
    about = ("name", "architecture", "preprocessing", "training_data", "licence")
    told = {name: getattr(config, name) for name in (*about, "notes")}
    try:
        card_text(Card(outputs=(), **told))
    except DataError as error:
        output.problem(str(error).removeprefix("The card: "))
    if re.fullmatch(r"stage-\d+", config.name):
        output.problem(f"`name` is `{config.name}`, as what a stage keeps; change it.")


def _folder(output: Section, beside: Path) -> Path:
    """Return the folder that is trained into."""
    name = output.text("folder", required=True)
    folder = beside / name
    if folder.is_file():
        output.problem(f"`folder` is `{name}`, which is a file; name a folder.")
    return folder


def _start(network: Section, folder: Path) -> str | None:
    """Return the checkpoint to start from: a file beside this one, or a name."""
    start = network.optional_text("start")
    if start is None:
        return None
    is_file = start.endswith((PARAMETERS, CARD))
    return str(folder / start) if is_file else start


def _architecture(network: Section) -> AnyArchitecture | None:
    """Read the shape of the network."""
    kind = network.choice("kind", ("convolutional", "vit"), "convolutional")
    pixels = network.whole("pixels", 112, at_least=1)
    size = network.choice(
        "size",
        get_args(Size if kind == "vit" else ConvolutionalSize),
        "small" if kind == "vit" else "mini",
    )
    try:
        if kind == "convolutional":
            return convolutional_architecture(cast(Any, size), image_size=pixels)
        return _vit(network, size, pixels)
    except DataError as error:
        network.problem(str(error))
        return None


def _vit(network: Section, size: str, pixels: int) -> Architecture:
    """Read the shape of a vision transformer; single numbers may depart from a size."""
    patch_size = network.whole("patch_size", 16, at_least=1)
    shape = architecture(cast(Any, size), patch_size=patch_size, image_size=pixels)
    width = network.whole("width", shape.width, at_least=1)
    return replace(
        shape,
        width=width,
        depth=network.whole("depth", shape.depth, at_least=1),
        heads=network.whole("heads", shape.heads, at_least=1),
        mlp_width=network.whole("mlp_width", 4 * width, at_least=1),
    )


def _preprocessing(network: Section, shape: AnyArchitecture) -> Preprocessing:
    """Read how the network is fed."""
    margin = network.number("crop_margin", at_least=0)
    if margin is not None and margin > LARGEST_MARGIN:
        network.problem(f"`crop_margin` is {margin}; it must be at most 1.")
    mean = network.numbers("channel_mean", count=3) or (0.5, 0.5, 0.5)
    spread = network.numbers("channel_spread", count=3, above_zero=True)
    return Preprocessing(
        input_size=shape.image_size,
        crop_margin=0.2 if margin is None else margin,
        interpolation="bilinear",
        channel_order="RGB",
        channel_mean=cast(Channels, mean),
        channel_spread=cast(Channels, spread or (0.25, 0.25, 0.25)),
    )


def _shares(data: Section) -> tuple[tuple[str, float], ...]:
    """Read the shares of the splits."""
    shares = data.section("shares")
    found = []
    for name, usual in (("train", 0.8), ("tune", 0.1), ("test", 0.1)):
        share = shares.number(name, at_least=0)
        found.append((name, usual if share is None else share))
    shares.finish()
    total = sum(share for _, share in found)
    if abs(total - 1) > 1e-9:
        shares.problem(f"The shares sum to {total:g}; they must sum to 1.")
    return tuple((name, share) for name, share in found if share)


def _augmentation(top: Section) -> Augmentation:
    """Read the strengths; those that are not given are the usual ones."""
    section = top.section("augmentation")
    usual = asdict(Augmentation())
    given: dict[str, float] = {}
    for name in usual:
        strength = section.number(name, at_least=0)
        if strength is not None:
            given[name] = strength
    section.finish()
    try:
        return Augmentation(**given)
    except DataError as error:
        section.problem(str(error))
        return Augmentation()


def _stages(top: Section, kind: Kind) -> tuple[Stage, ...]:
    """Read the list ``[[stage]]``."""
    tables = top.items("stage")
    if not tables or not all(isinstance(table, dict) for table in tables):
        top.problem("The file needs at least one section [[stage]].")
        return ()
    return tuple(
        _stage(Section(f"[[stage]] {number}", table, top.problems), kind)
        for number, table in enumerate(tables, start=1)
    )


def _stage(section: Section, kind: Kind) -> Stage:
    """Read one stage."""
    section.require("epochs")
    least = SMALLEST_SURVIVAL_BATCH if kind == "survival" else 1
    usual = Stage(epochs=1)
    numbers = {name: section.number(name) for name in ("peak", "clip", "layer_decay")}
    decay = section.number("weight_decay", at_least=0)
    stage = Stage(
        epochs=section.whole("epochs", 1, at_least=1),
        batch_size=section.whole("batch_size", usual.batch_size, at_least=least),
        chunks=section.whole("chunks", 1, at_least=1),
        warm_up=_share(section, "warm_up", usual.warm_up),
        average=_share(section, "average", usual.average),
        weight_decay=usual.weight_decay if decay is None else decay,
        balanced=section.flag("balanced") if kind == "age" else False,
        patience=section.whole("patience", 0) if kind != "pretrain" else 0,
        **{name: value for name, value in numbers.items() if value is not None},
    )
    if stage.layer_decay > 1:
        section.problem(f"`layer_decay` is {stage.layer_decay}; it is at most 1.")
    section.finish()
    return stage


def _share(
    section: Section, key: str, default: float, *, above_zero: bool = False
) -> float:
    """Return a number from 0 to below 1, or above 0 to 1."""
    value = section.number(key, at_least=None if above_zero else 0)
    if value is None:
        return default
    if value > 1 or (value == 1 and not above_zero):
        limit = "at most 1" if above_zero else "below 1"
        section.problem(f"`{key}` is {value:g}; it must be {limit}.")
        return default
    return value


def _training(section: Section) -> dict[str, Any]:
    """Read what concerns the run as a whole."""
    told = {
        "seed": section.whole("seed", 1),
        "precision": section.choice("precision", get_args(TrainedPrecision), "float32"),
    }
    section.finish()
    return told


def _task(top: Section, kind: Kind, shape: AnyArchitecture | None) -> dict[str, Any]:
    """Read the section that is named after the kind of training."""
    section = top.section(kind)
    told: dict[str, Any] = {
        "loss": "",
        "delta": 5.0,
        "spread": 5.0,
        "age_bins": AGE_BINS,
        "adjust": (),
        "mask_ratio": 0.75,
        "patch_size": 16,
        "decoder_width": 128,
        "decoder_depth": 2,
    }
    if kind == "age":
        told |= _age(section)
    elif kind == "survival":
        told |= _survival(section)
    else:
        told["mask_ratio"] = _share(section, "mask_ratio", 0.75, above_zero=True)
        patch = () if isinstance(shape, Architecture) else ("patch_size",)
        for name in (*patch, "decoder_width", "decoder_depth"):
            told[name] = section.whole(name, told[name], at_least=1)
    section.finish()
    return told


def _age(section: Section) -> dict[str, Any]:
    """Read how ages are learned."""
    told: dict[str, Any] = {
        "loss": section.choice("loss", ("huber", "l1"), "huber"),
        "delta": section.number("delta") or 5.0,
        "spread": section.number("spread") or 5.0,
        "age_bins": section.ascending("bins", above_zero=False) or AGE_BINS,
    }
    if section.values.get("bins") == []:
        section.problem("`bins` is empty; give the lower edges, or leave it out.")
    if told["loss"] == "huber" and told["delta"] > LARGEST_RATIO * told["spread"]:
        section.problem(
            f"`delta` is {told['delta']:g} and `spread` {told['spread']:g} years; "
            f"`delta` may be at most {LARGEST_RATIO:g} times `spread`."
        )
    return told


def _survival(section: Section) -> dict[str, Any]:
    """Read how log hazards are learned."""
    adjust = section.texts("adjust")
    for name in adjust:
        if name not in ("age", "sex"):
            section.problem(f"`adjust` holds `{name}`; `age` and `sex` are known.")
    if len(set(adjust)) < len(adjust):
        section.problem("`adjust` holds a name twice.")
    return {
        "loss": section.choice("loss", ("cox", "ranking"), "cox"),
        "adjust": adjust,
    }

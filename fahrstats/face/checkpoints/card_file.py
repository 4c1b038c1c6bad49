"""The card of a checkpoint as a file: JSON that people can read, checked key by key."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args
from unicodedata import category

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import (
    LARGEST_MARGIN,
    AnyArchitecture,
    Architecture,
    Card,
    ChannelOrder,
    Channels,
    ConvolutionalArchitecture,
    Interpolation,
    Output,
    Positions,
    Preprocessing,
    Units,
)
from fahrstats.face.checkpoints.names import CARD
from fahrstats.face.network.convolutional_sizes import check_convolutional
from fahrstats.face.network.sizes import check_architecture
from fahrstats.files import file_sha256
from fahrstats.section import Section

SCHEMA = 1
"""Version of the file's keys; a file of a later version is refused."""

SCHEMA_KEY = "fahrstats_card"
"""Key of that version."""


def read_card(parameters: Path, *, sha256: str | None = None) -> Card:
    """Read and check the card of a file of parameters.

    Parameters
    ----------
    parameters
        The file that the card belongs to and lies beside.
    sha256
        Of its bytes, where they have been read already.

    Raises
    ------
    DataError
        The card is absent, is not JSON, or a key is missing, unknown, of the wrong
        type or out of range (all such keys are listed); or the parameters are not
        those that it was written for.
    """
    path = parameters.with_suffix(CARD)
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text, object_pairs_hook=_once_each)
    except FileNotFoundError as error:
        raise DataError(
            f"There is no card `{path}`, and only the card says how photos are fed to "
            "the parameters. Copy it too, or bring parameters that were made elsewhere "
            "in by `fahrstats checkpoint import`."
        ) from error
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(";")[0]
        raise DataError(f"The card `{path}` is not JSON: {reason}.") from error
    if not isinstance(values, dict):
        raise DataError(f"The card `{path}` must be one JSON object.")
    card = card_from(values, f"The card `{path}`")
    found = file_sha256(parameters) if sha256 is None else sha256
    if found != card.sha256:
        raise DataError(
            f"`{parameters}` has the SHA-256 `{found[:12]}...`, but its card says "
            f"`{card.sha256[:12]}...`: the file is damaged or was changed, or the card "
            "is another's. Copy both files again."
        )
    return card


def card_text(card: Card) -> str:
    """Return a card as sorted, indented JSON.

    Raises
    ------
    DataError
        A value of the card is out of range, so that it could not be read again.
    """
    plain = asdict(replace(card, accuracy=dict(card.accuracy)))
    values = json.loads(json.dumps({SCHEMA_KEY: SCHEMA, **plain}))
    card_from(values, "The card")
    return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def card_from(values: dict[str, Any], where: str) -> Card:
    """Check the values of a card and return it.

    Parameters
    ----------
    values
        Keys and values as in the file of a card.
    where
        What the values come from, the first words of an error.

    Raises
    ------
    DataError
        A key is missing, unknown, of the wrong type or out of range; all are listed.
    """
    problems: list[str] = []
    top = Section("", values, problems)
    texts = ("name", "training_data", "licence")
    top.require(SCHEMA_KEY, *(key for key in _names(Card) if key not in texts))
    if top.whole(SCHEMA_KEY, SCHEMA, at_least=1) > SCHEMA:
        raise DataError(
            f"{where} is of version {values[SCHEMA_KEY]}, and this fahrstats reads up "
            f"to version {SCHEMA}; install a newer one."
        )
    card = Card(
        name=_name(top),
        architecture=_architecture(top.section("architecture")),
        preprocessing=_preprocessing(top.section("preprocessing")),
        outputs=_outputs(top),
        training_data=top.text("training_data", required=True),
        licence=top.text("licence", required=True),
        accuracy=_accuracy(top.section("accuracy")),
        notes=top.text("notes"),
        sha256=top.text("sha256"),
    )
    top.finish()
    _check_texts(card, top)
    if not problems:
        _check_sizes(card, top)
    if problems:
        raise DataError(f"{where}: {' '.join(problems)}")
    return card


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; of two values of a key, either may be meant."""
    values = dict(pairs)
    if len(values) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"it holds `{twice}` twice")
    return values


def _preprocessing(section: Section) -> Preprocessing:
    """Read how a face is fed to the network; nothing has a default."""
    section.require(*_names(Preprocessing))
    mean = section.numbers("channel_mean", count=3)
    spread = section.numbers("channel_spread", count=3, above_zero=True)
    preprocessing = Preprocessing(
        input_size=section.whole("input_size", 1, at_least=1),
        crop_margin=_margin(section),
        interpolation=cast(
            Interpolation, _one_of(section, "interpolation", Interpolation)
        ),
        channel_order=cast(
            ChannelOrder, _one_of(section, "channel_order", ChannelOrder)
        ),
        channel_mean=cast(Channels, mean),
        channel_spread=cast(Channels, spread),
    )
    section.finish()
    return preprocessing


def _margin(section: Section) -> float:
    """Read the crop margin."""
    margin = section.number("crop_margin", at_least=0) or 0.0
    if margin > LARGEST_MARGIN:
        section.problem(
            f"`crop_margin` is {margin}; it must be at most {LARGEST_MARGIN:g}."
        )
    return margin


def _outputs(top: Section) -> tuple[Output, ...]:
    """Read the columns of the head, a list of sections under ``outputs``."""
    items = top.items("outputs")
    if not all(isinstance(item, dict) for item in items):
        top.problem("`outputs` must be a list of sections.")
        return ()
    return tuple(
        _output(Section(f"[outputs {i}]", item, top.problems))
        for i, item in enumerate(items, start=1)
    )


def _output(section: Section) -> Output:
    """Read one column of the head."""
    section.require(*_names(Output))
    column = section.text("column")
    if column:
        section.named(column)
    output = Output(column=column, units=cast(Units, _one_of(section, "units", Units)))
    section.finish()
    return output


def _name(top: Section) -> str:
    """Read the name, which is also part of file names and of the provenance."""
    name = top.text("name", required=True)
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        top.problem(f"`name` is `{name}`; use letters, digits, `-`, `_` and `.`.")
    return name


def _architecture(section: Section) -> AnyArchitecture:
    """Read the shape of the network, whose keys depend on its kind."""
    kind = _one_of(section, "kind", Literal["vit", "convolutional"])
    if kind == "convolutional":
        return _convolutional(section)
    section.require(*_names(Architecture))
    whole = ("image_size", "patch_size", "width", "depth", "heads", "mlp_width")
    architecture = Architecture(
        **{key: section.whole(key, 1, at_least=1) for key in whole},
        positions=cast(Positions, _one_of(section, "positions", Positions)),
        norm_eps=section.number("norm_eps") or 1.0,
        kind="vit",
    )
    section.finish()
    return architecture


def _convolutional(section: Section) -> ConvolutionalArchitecture:
    """Read the shape of a convolutional network."""
    section.require(*_names(ConvolutionalArchitecture))
    architecture = ConvolutionalArchitecture(
        image_size=section.whole("image_size", 1, at_least=1),
        widths=_whole_numbers(section, "widths"),
        blocks=_whole_numbers(section, "blocks"),
    )
    section.finish()
    return architecture


def _whole_numbers(section: Section, key: str) -> tuple[int, ...]:
    """Read a list of whole numbers."""
    items = section.items(key)
    if not all(type(item) is int for item in items):
        section.problem(f"`{key}` must be a list of whole numbers.")
        return ()
    return items


def _accuracy(section: Section) -> dict[str, float]:
    """Read measured accuracies by name."""
    section.require(*section.values)
    measured = {
        name: section.number(name, at_least=-math.inf) for name in section.values
    }
    return {name: value for name, value in measured.items() if value is not None}


def _check_texts(card: Card, top: Section) -> None:
    """Report characters that would command a terminal, or cannot be written."""
    texts = {
        "training_data": card.training_data,
        "licence": card.licence,
        "notes": card.notes,
        "accuracy": "".join(card.accuracy),
    }
    for key, text in texts.items():
        if any(category(x) in ("Cc", "Cs") and x not in "\n\t" for x in text):
            top.problem(f"`{key}` holds control characters; remove them.")


def _check_sizes(card: Card, top: Section) -> None:
    """Report sizes that do not fit together."""
    try:
        if isinstance(card.architecture, ConvolutionalArchitecture):
            check_convolutional(card.architecture)
        else:
            check_architecture(card.architecture)
    except DataError as error:
        top.problem(str(error))
    wanted, given = card.architecture.image_size, card.preprocessing.input_size
    if wanted != given:
        top.problem(
            f"`input_size` of [preprocessing] is {given}, but `image_size` of "
            f"[architecture] is {wanted}; they must be the same."
        )
    columns = [output.column for output in card.outputs]
    if len(set(columns)) < len(columns):
        top.problem(f"`outputs` names a column twice: {', '.join(columns)}.")


def _one_of(section: Section, key: str, kinds: Any) -> str:
    """Return the text under ``key``, one of the values of a `Literal`."""
    choices: tuple[str, ...] = get_args(kinds)
    return section.choice(key, choices, choices[0]) if section.is_given(key) else ""


def _names(record: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields of a record."""
    return tuple(field.name for field in fields(record))

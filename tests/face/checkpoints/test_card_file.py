from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType

import pytest
from checkpoints import CARD, CONVOLUTIONAL_CARD
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import (
    Architecture,
    Card,
    ConvolutionalArchitecture,
    Output,
    Preprocessing,
)
from fahrstats.face.checkpoints.card_file import card_from, card_text, read_card

VALUES = json.loads(card_text(CARD))
REMOVED = object()


def changed(path: str, value: object):
    """Return the values of a card, one of them changed or removed."""
    values = json.loads(card_text(CARD))
    *outer, last = path.split("/")
    inner = values
    for key in outer:
        inner = inner[int(key) if key.isdecimal() else key]
    inner[last] = value
    if value is REMOVED:
        del inner[last]
    return values


FRACTIONS = st.floats(-1e6, 1e6)
TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\t")
)
CARDS = st.builds(
    Card,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    architecture=st.builds(
        lambda patch, grid, heads, wide, **rest: Architecture(
            image_size=patch * grid,
            patch_size=patch,
            width=4 * heads * wide,
            heads=heads,
            **rest,
        ),
        patch=st.integers(1, 32),
        grid=st.integers(1, 24),
        heads=st.integers(1, 16),
        wide=st.integers(1, 64),
        depth=st.integers(1, 48),
        mlp_width=st.integers(1, 8192),
        positions=st.sampled_from(["learned", "sincos"]),
        norm_eps=st.floats(1e-12, 1e-3),
    )
    | st.builds(
        lambda stages, image_size: ConvolutionalArchitecture(
            image_size=image_size,
            widths=tuple(8 * eighths for eighths, _ in stages),
            blocks=tuple(count for _, count in stages),
        ),
        stages=st.lists(
            st.tuples(st.integers(1, 512), st.integers(1, 128)), min_size=1, max_size=8
        ),
        image_size=st.integers(256, 4096),
    ),
    preprocessing=st.builds(
        Preprocessing,
        input_size=st.just(0),
        crop_margin=st.floats(0, 1),
        interpolation=st.sampled_from(["bilinear", "bicubic"]),
        channel_order=st.sampled_from(["RGB", "BGR"]),
        channel_mean=st.tuples(*[FRACTIONS] * 3),
        channel_spread=st.tuples(*[st.floats(1e-3, 10)] * 3),
    ),
    outputs=st.lists(
        st.builds(
            Output,
            column=st.from_regex(r"[a-z]_[a-z0-9_]{0,9}", fullmatch=True),
            units=st.sampled_from(["years", "log hazard"]),
        ),
        max_size=3,
        unique_by=lambda output: output.column,
    ).map(tuple),
    training_data=TEXT.filter(str.strip),
    licence=TEXT.filter(str.strip),
    accuracy=st.dictionaries(TEXT.filter(bool), FRACTIONS, max_size=3),
    notes=TEXT,
    sha256=st.just(""),
).map(
    lambda card: replace(
        card,
        preprocessing=replace(
            card.preprocessing, input_size=card.architecture.image_size
        ),
    )
)


@given(CARDS)
def test_every_card_comes_back_as_it_was(card):
    text = card_text(card)
    assert card_from(json.loads(text), "The card") == card
    assert card_text(card_from(json.loads(text), "The card")) == text


def test_a_card_is_sorted_text_that_people_can_read():
    assert list(VALUES) == sorted(VALUES)
    assert VALUES["fahrstats_card"] == 1
    card = replace(CARD, notes="für Ärzte", accuracy=MappingProxyType({"MAE": 5.5}))
    text = card_text(card)
    assert '  "notes": "für Ärzte"' in text
    assert text.endswith("}\n")
    assert json.loads(text)["accuracy"] == {"MAE": 5.5}


SECTIONS = {"architecture": Architecture, "preprocessing": Preprocessing, "": Card}


@pytest.mark.parametrize(
    "path",
    [key for key in VALUES]
    + [f"{section}/{key}" for section in SECTIONS if section for key in VALUES[section]]
    + [f"outputs/0/{key}" for key in VALUES["outputs"][0]],
)
@pytest.mark.parametrize("value", [REMOVED, None], ids=["absent", "null"])
def test_every_key_of_a_card_is_needed(path, value):
    with pytest.raises(DataError, match=rf"`{path.split('/')[-1]}` is missing"):
        card_from(changed(path, value), "The card `x.json`")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "fahrstats_card",
            2,
            r"is of version 2, and this fahrstats reads up to ver.* 1",
        ),
        ("colour", 1, r"`colour` is not known"),
        ("name", "../x", r"`name` is `\.\./x`; use letters, digits, `-`, `_` and `\.`"),
        ("name", "", r"`name` is empty"),
        ("licence", " ", r"`licence` is empty"),
        ("training_data", 3, r"`training_data` must be text in quotes, not 3"),
        ("architecture", [], r"`architecture` must be a section of its own"),
        (
            "architecture/width",
            16.5,
            r"\[arch.*\]: `width` must be a whole number, not 16",
        ),
        (
            "architecture/depth",
            0,
            r"\[architecture\]: `depth` is 0; it must be at least 1",
        ),
        (
            "architecture/kind",
            "cnn",
            r"\[architecture\]: `kind` is `cnn`; known here: `convolutional`, `vit`",
        ),
        (
            "architecture/depth",
            10**9,
            r"`depth` is too large; it must be at most 512",
        ),
        ("architecture/norm_eps", 10**400, r"`norm_eps` is 10*; it must be above 0, a"),
        ("preprocessing/channel_mean", [10**400, 0, 0], r"must be a list of 3 finite"),
        ("notes", "\x1b[2J", r"`notes` holds control characters; remove them"),
        ("licence", "\ud800", r"`licence` holds control characters; remove them"),
        ("accuracy", {"\x1b": 1}, r"`accuracy` holds control characters"),
        ("architecture/norm_eps", 0, r"`norm_eps` is 0; it must be above 0"),
        (
            "architecture/heads",
            3,
            r"`width` is 16 and cannot be shared among 3 `heads`",
        ),
        ("architecture/patch_size", 7, r"24 x 24 pixels is not made of whole patches"),
        (
            "architecture/image_size",
            32,
            r"`input_size` of \[preprocessing\] is 24, but `im",
        ),
        ("architecture/window", 7, r"\[architecture\]: `window` is not known"),
        (
            "preprocessing/input_size",
            25,
            r"is 25, but `image_size` of \[architecture\] is 24",
        ),
        (
            "preprocessing/input_size",
            "24",
            r"`input_size` must be a whole number, not '24'",
        ),
        (
            "preprocessing/crop_margin",
            -0.1,
            r"`crop_margin` is -0\.1; it must be at least 0",
        ),
        (
            "preprocessing/crop_margin",
            1.1,
            r"`crop_margin` is 1\.1; it must be at most 1",
        ),
        (
            "preprocessing/crop_margin",
            True,
            r"`crop_margin` must be a number, not True",
        ),
        (
            "preprocessing/interpolation",
            "area",
            r"`interpolation` is `area`; known here",
        ),
        (
            "preprocessing/channel_mean",
            [0.5, 0.5],
            r"`channel_mean` must be a list of 3 fi",
        ),
        (
            "preprocessing/channel_mean",
            0.5,
            r"`channel_mean` must be a list of 3 finite n",
        ),
        (
            "preprocessing/channel_spread",
            [1, 1, 0],
            r"must be a list of 3 finite numbers ab",
        ),
        (
            "preprocessing/channel_spread",
            [1, 1, -1],
            r"a list of 3 finite numbers above 0",
        ),
        ("preprocessing/channel_spread", [], r"a list of 3 finite numbers above 0"),
        ("preprocessing/mean", 0, r"\[preprocessing\]: `mean` is not known"),
        ("outputs", ["faceage"], r"`outputs` must be a list of sections"),
        (
            "outputs/0/column",
            "face age",
            r"\[outputs 1\]: `face age` cannot stand in a for",
        ),
        ("outputs/0/units", "days", r"\[outputs 1\]: `units` is `days`; known here"),
        ("outputs/0/scale", 1, r"\[outputs 1\]: `scale` is not known"),
        (
            "outputs",
            VALUES["outputs"] * 2,
            r"`outputs` names a column twice: faceage, face",
        ),
        ("accuracy", {"MAE": "5"}, r"\[accuracy\]: `MAE` must be a number, not '5'"),
        ("accuracy", {"MAE": None}, r"\[accuracy\]: `MAE` is missing"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(path, value, message):
    with pytest.raises(DataError, match=rf"The card `x\.json`.*{message}"):
        card_from(changed(path, value), "The card `x.json`")


def test_all_problems_of_a_card_are_listed():
    values = changed("preprocessing/crop_margin", -1)
    values["architecture"]["heads"] = "two"
    with pytest.raises(DataError, match=r"`heads` must be.*`crop_margin` is -1"):
        card_from(values, "The card")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", r"The card `.*x\.json` is not JSON"),
        (b"\xff", r"is not JSON"),
        (b"[1]", r"must be one JSON object"),
        (b"[" * 100_000, r"is not JSON: maximum recursion depth exceeded"),
        (b'{"a": %s}' % (b"9" * 5000), r"is not JSON: Exceeds the limit.* digits\."),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', r"is not JSON: it holds `b` twice\."),
    ],
    ids=["half", "no text", "list", "deep", "long number", "key twice"],
)
def test_a_card_that_is_no_json_object_is_named(tmp_path, text, message):
    (tmp_path / "x.json").write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_card(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("widths", REMOVED, r"\[architecture\]: `widths` is missing"),
        ("blocks", None, r"\[architecture\]: `blocks` is missing"),
        ("image_size", REMOVED, r"\[architecture\]: `image_size` is missing"),
        ("widths", [8, 16.0], r"\[arch.*\]: `widths` must be a list of whole numbers"),
        ("blocks", [True, 2], r"\[arch.*\]: `blocks` must be a list of whole numbers"),
        ("widths", [8, 12], r"`widths` holds 12; a width must be a multiple of 8"),
        ("blocks", [1], r"`widths` names 2 stages and `blocks` 1"),
        ("patch_size", 8, r"\[architecture\]: `patch_size` is not known"),
        ("image_size", 32, r"is 24, but `image_size` of \[architecture\] is 32"),
    ],
)
def test_the_keys_of_a_convolutional_network_are_its_own(key, value, message):
    values = json.loads(card_text(CONVOLUTIONAL_CARD))
    values["architecture"][key] = value
    if value is REMOVED:
        del values["architecture"][key]
    with pytest.raises(DataError, match=message):
        card_from(values, "The card")

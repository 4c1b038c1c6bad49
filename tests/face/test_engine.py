from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import torch
from checkpoints import CARD, CONVOLUTIONAL_CARD, formula_parameters
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.errors import DataError
from fahrstats.face import engine
from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.engine import Engine
from fahrstats.face.network.sizes import architecture

THREADS_ATOL = 1e-4  # sums of products in float32, cut at other rows
BFLOAT16_ATOL = 0.05  # 8 significant bits in the products of the blocks
PRECISIONS = ("float32", "bfloat16")
CARDS = [pytest.param(CARD, id="vit"), pytest.param(CONVOLUTIONAL_CARD, id="conv")]


def checkpoint(card=CARD, **changes) -> Checkpoint:
    card = replace(card, sha256="0123456789abcdef" * 4)
    return Checkpoint("small.safetensors", card, formula_parameters(card) | changes)


def settled(card) -> Checkpoint:
    """Return a checkpoint whose running means, if any, are those of its inputs."""
    made = checkpoint(card)
    network = made.network().train()
    with torch.no_grad():
        for _ in range(50):
            network(torch.from_numpy(inputs(32, seed=2)))
    return checkpoint(card, **network.state_dict())


def inputs(n, side=24, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3, side, side)).astype(np.float32)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("card", CARDS)
def test_a_face_is_read_alike_whatever_comes_with_it(card, precision):
    """Bit for bit: in every place of a batch, among others, and alone."""
    open_engine = Engine(checkpoint(card), device="cpu", precision=precision)
    face = inputs(1)
    alone = open_engine.outputs(face), open_engine.embeddings(face)
    for n in (2, 8, 9, 17):
        for place in range(n):
            among = inputs(n, seed=n + place)
            among[place] = face[0]
            assert_array_equal(open_engine.outputs(among)[place], alone[0][0])
            assert_array_equal(open_engine.embeddings(among)[place], alone[1][0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "n_threads", "atol"),
    [("float32", 1, 0), ("bfloat16", 1, 0), ("float32", 2, THREADS_ATOL)],
)
def test_so_it_is_with_a_network_of_usual_size(precision, n_threads, atol):
    torch.set_num_threads(n_threads)
    shape = replace(architecture("small"), depth=3)
    how = replace(CARD.preprocessing, input_size=shape.image_size)
    card = replace(CARD, architecture=shape, preprocessing=how)
    open_engine = Engine(checkpoint(card), device="cpu", precision=precision)
    face = inputs(1, side=224)
    alone = open_engine.embeddings(face)
    for place in range(8):
        among = inputs(8, side=224, seed=place)
        among[place] = face[0]
        found = open_engine.embeddings(among)[place]
        assert_allclose(found, alone[0], rtol=0, atol=atol)


@pytest.mark.parametrize("card", CARDS)
def test_the_engine_gives_what_the_network_gives(card):
    images, open_engine = (
        inputs(11),
        Engine(settled(card), device="cpu", precision="float32"),
    )
    network = settled(card).network().eval()
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).numpy()
        embedded = network.embed(torch.from_numpy(images)).numpy()
    assert expected.std() > 0.05
    assert_allclose(open_engine.outputs(images), expected, rtol=0, atol=1e-6)
    assert_allclose(open_engine.embeddings(images), embedded, rtol=0, atol=1e-5)
    assert open_engine.outputs(images).dtype == np.float32
    assert open_engine.outputs(images[:0]).shape == (0, 1)
    assert open_engine.embeddings(images[:0]).shape == (0, 16)


@pytest.mark.parametrize("card", CARDS)
def test_bfloat16_is_near_and_not_the_same(card):
    images = inputs(11)
    full, short = (
        Engine(settled(card), device="cpu", precision=name).outputs(images)
        for name in PRECISIONS
    )
    assert_allclose(short, full, rtol=0, atol=BFLOAT16_ATOL)
    assert not np.array_equal(short, full)


def test_reading_leaves_no_gradient_and_no_state():
    open_engine = Engine(checkpoint(), device="cpu", precision="float32")
    first = open_engine.outputs(inputs(3))
    open_engine.outputs(inputs(8, seed=2))
    assert_array_equal(open_engine.outputs(inputs(3)), first)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("can", "precision"),
    [
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({"avx512_f": True, "avx512_bf16": False}, "float32"),
        ({}, "float32"),
    ],
)
def test_the_processor_decides_on_the_precision(monkeypatch, can, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: MappingProxyType(can))
    assert Engine(checkpoint(), device="cpu").precision == precision
    assert (
        Engine(checkpoint(), device="cpu", precision="float32").precision == "float32"
    )


@pytest.mark.parametrize(
    ("has_cuda", "can", "expected"),
    [
        (True, True, ("cuda", "bfloat16")),
        (True, False, ("cuda", "float32")),
        (False, True, ("cpu", "float32")),
    ],
)
def test_a_cuda_device_is_used_where_there_is_one(monkeypatch, has_cuda, can, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: can)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    device = engine.choose_device("auto")
    assert (device, engine._precision("auto", device)) == expected
    assert engine.choose_device("cpu") == "cpu"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "cuda"}, r"`device` is `cuda`, but torch finds no CUDA device"),
        ({"device": "gpu"}, r"`device` is `gpu`; choose `auto`, `cpu` or `cuda`"),
        (
            {"precision": "float16"},
            r"`precision` is `float16`; choose `auto`, `float32`",
        ),
    ],
)
def test_an_option_that_cannot_be_is_named(monkeypatch, options, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DataError, match=message):
        Engine(checkpoint(), **options)


def test_a_broken_checkpoint_gives_no_score_in_silence():
    huge = {"patch.weight": torch.full((16, 3, 8, 8), 1e38)}
    open_engine = Engine(checkpoint(**huge), device="cpu", precision="float32")
    images = inputs(5)
    images[:3] = 0
    for read in (open_engine.outputs, open_engine.embeddings):
        with pytest.raises(
            DataError,
            match=r"`small-age@0123456789ab` gives no finite number for 2 of 5 faces",
        ):
            read(images)


def test_a_network_without_a_head_embeds_only():
    open_engine = Engine(checkpoint(replace(CARD, outputs=())), device="cpu")
    assert open_engine.embeddings(inputs(2)).shape == (2, 16)
    with pytest.raises(DataError, match="no head"):
        open_engine.outputs(inputs(2))

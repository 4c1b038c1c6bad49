from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture, ConvolutionalArchitecture
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.masked import MaskedAutoencoder
from fahrstats.face.network.masked_convolutional import MaskedConvolutional
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.training.optimisation import (
    MovingAverage,
    learning_rate,
    parameter_groups,
    set_learning_rate,
)

SHAPE = Architecture(
    image_size=16, patch_size=8, width=16, depth=3, heads=2, mlp_width=32
)


NARROWING = ConvolutionalArchitecture(image_size=32, widths=(8, 16), blocks=(1, 2))


def test_rate_rises_linearly_and_falls_as_a_cosine():
    rates = [
        learning_rate(step, n_steps=14, warm_up=4, peak=1.0, floor=0.2)
        for step in range(16)
    ]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[9] == pytest.approx(0.6)  # half-way down
    assert rates[13] == pytest.approx(0.2 + 0.4 * (1 + math.cos(0.9 * math.pi)))
    assert rates[14:] == [pytest.approx(0.2)] * 2


@given(warm_up=st.integers(0, 50), rest=st.integers(1, 50), share=st.floats(0, 1))
def test_rate_never_falls_before_the_peak_nor_rises_after(warm_up, rest, share):
    n_steps, peak = warm_up + rest, 1e-3
    rates = [
        learning_rate(
            step, n_steps=n_steps, warm_up=warm_up, peak=peak, floor=share * peak
        )
        for step in range(n_steps)
    ]
    assert rates[: warm_up + 1] == sorted(rates[: warm_up + 1])
    assert rates[warm_up:] == sorted(rates[warm_up:], reverse=True)
    assert rates[warm_up] == pytest.approx(peak)
    assert min(rates) > 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"step": -1}, "`step` is -1"),
        ({"warm_up": 10}, "shorter than the training"),
        ({"floor": 2.0}, "`floor` is 2.0 and `peak` 1.0"),
        ({"peak": math.nan}, "`peak` nan"),
    ],
)
def test_rate_refuses_numbers_that_do_not_fit(wrong, message):
    given_numbers = {"step": 0, "n_steps": 10, "warm_up": 2, "peak": 1.0} | wrong
    with pytest.raises(DataError, match=message):
        learning_rate(given_numbers.pop("step"), **given_numbers)


@pytest.mark.parametrize(
    "kind", ["transformer", "autoencoder", "convolutional", "masked convolutional"]
)
def test_every_parameter_is_in_exactly_one_group(kind):
    makers = {
        "transformer": lambda: VisionTransformer(SHAPE, 1),
        "autoencoder": autoencoder,
        "convolutional": convolutional,
        "masked convolutional": masked_convolutional,
    }
    network = makers[kind]()
    groups = parameter_groups(network, weight_decay=0.1, layer_decay=0.5)
    found = [id(parameter) for group in groups for parameter in group["params"]]
    assert len(found) == len(set(found))
    assert set(found) == {id(parameter) for parameter in network.parameters()}


def test_layers_learn_slower_the_nearer_they_are_to_the_pixels():
    network = VisionTransformer(SHAPE, 1)
    scale = by_name(network, "scale")
    assert scale["class_token"] == scale["patch.weight"] == 0.5**4
    assert [scale[f"blocks.{i}.qkv.weight"] for i in range(3)] == [0.125, 0.25, 0.5]
    assert scale["norm.bias"] == scale["head.weight"] == 1


def test_a_decoder_learns_at_the_full_rate():
    scale = by_name(autoencoder(), "scale")
    assert scale["encoder.patch.bias"] == 0.5**4
    assert scale["encoder.blocks.2.up.weight"] == 0.5
    own = {name: x for name, x in scale.items() if not name.startswith("encoder.")}
    assert own["blocks.0.up.weight"] == own["mask_token"] == 1
    assert set(own.values()) == {1}


def test_blocks_of_a_convolutional_network_are_its_layers():
    network = convolutional()  # three blocks
    scale, decay = by_name(network, "scale"), by_name(network, "weight_decay")
    assert scale["stem.weight"] == scale["stem_norm.bias"] == 0.5**4
    blocks = [scale[f"blocks.{i}.second.weight"] for i in range(3)]
    assert blocks == [0.125, 0.25, 0.5]
    assert scale["blocks.1.past.weight"] == scale["blocks.1.first_norm.weight"] == 0.25
    assert scale["head.weight"] == scale["head.bias"] == 1
    assert decay["stem.weight"] == decay["blocks.1.past.weight"] == 0.1
    assert decay["stem_norm.weight"] == decay["blocks.1.first_norm.weight"] == 0


def test_the_decoder_of_a_convolutional_network_learns_at_the_full_rate():
    network = masked_convolutional()
    scale, decay = by_name(network, "scale"), by_name(network, "weight_decay")
    assert scale["encoder.stem.weight"] == 0.5**4
    assert scale["encoder.blocks.2.second.weight"] == 0.5
    own = {name: x for name, x in scale.items() if not name.startswith("encoder.")}
    assert own["blocks.0.first.weight"] == own["enter.weight"] == 1
    assert set(own.values()) == {1}
    assert decay["mask_token"] == decay["draw.bias"] == 0
    assert decay["blocks.0.second_norm.bias"] == 0
    assert decay["enter.weight"] == decay["draw.weight"] == 0.1


def test_only_matrices_decay():
    learned = Architecture(
        image_size=16,
        patch_size=8,
        width=16,
        depth=1,
        heads=2,
        mlp_width=32,
        positions="learned",
    )
    decay = by_name(VisionTransformer(learned, 1), "weight_decay")
    assert {name for name, value in decay.items() if value} == {
        "patch.weight",
        "blocks.0.qkv.weight",
        "blocks.0.out.weight",
        "blocks.0.up.weight",
        "blocks.0.down.weight",
        "head.weight",
    }
    assert decay["positions"] == decay["class_token"] == 0
    assert by_name(autoencoder(), "weight_decay")["mask_token"] == 0


def test_groups_are_given_their_share_of_the_rate():
    network = VisionTransformer(SHAPE, 1)
    groups = parameter_groups(network, weight_decay=0.1, layer_decay=0.5)
    optimiser = torch.optim.AdamW(groups, lr=1.0)
    set_learning_rate(optimiser, 0.8)
    rates = {group["lr"] for group in optimiser.param_groups}
    assert rates == {0.8 * 0.5**k for k in range(5)}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"weight_decay": -0.1}, "`weight_decay` is -0.1"),
        ({"weight_decay": 0.1, "layer_decay": 0.0}, "`layer_decay` is 0.0"),
        ({"weight_decay": 0.1, "layer_decay": 1.1}, "`layer_decay` is 1.1"),
    ],
)
def test_groups_refuse_decays_out_of_range(wrong, message):
    with pytest.raises(DataError, match=message):
        parameter_groups(VisionTransformer(SHAPE, 1), **wrong)


def test_average_is_first_a_mean_and_then_forgets():
    network, average = counted(decay=0.75)
    means = []
    for value in (1.0, 3.0, 8.0, 4.0, 0.0):
        put(network, value)
        average.update(network)
        means.append(float(average.values["weight"][0]))
    # Mean of one, two, three, four; then a quarter of the new and three of the old.
    assert means == pytest.approx([1, 2, 4, 4, 3])


def test_average_holds_running_means_and_counts_as_they_are():
    network, average = counted(decay=0.9)
    for value in (1.0, 3.0):
        put(network, value)
        average.update(network)
    other, _ = counted(decay=0.9)
    average.copy_to(other)
    assert other.running_mean.tolist() == [2, 2]
    assert int(other.num_batches_tracked) == 3
    assert other.weight.tolist() == [2, 2]
    assert network.weight.tolist() == [3, 3]


def test_average_goes_on_from_its_values():
    network, average = counted(decay=0.75)
    put(network, 2.0)
    average.update(network)
    _, resumed = counted(decay=0.75)
    resumed.restore(average.values, n_updates=average.n_updates)
    put(network, 4.0)
    for one in (average, resumed):
        one.update(network)
    assert resumed.values["weight"].tolist() == [3, 3]
    assert average.values["weight"].tolist() == [3, 3]


def test_average_refuses_what_does_not_fit():
    network, average = counted(decay=0.5)
    with pytest.raises(DataError, match=r"`decay` is 1\.0"):
        MovingAverage(network, decay=1.0)
    with pytest.raises(DataError, match="holds 1 tensors whose names or shapes"):
        average.restore({"weight": torch.zeros(2)}, n_updates=1)


def convolutional() -> ConvolutionalNetwork:
    return ConvolutionalNetwork(NARROWING, 1)


def masked_convolutional() -> MaskedConvolutional:
    return MaskedConvolutional(NARROWING, patch_size=8, decoder_width=16)


def autoencoder() -> MaskedAutoencoder:
    return MaskedAutoencoder(
        SHAPE, decoder_width=16, decoder_depth=1, decoder_heads=2, mask_ratio=0.5
    )


def by_name(network: nn.Module, key: str) -> dict[str, float]:
    groups = parameter_groups(network, weight_decay=0.1, layer_decay=0.5)
    values = {id(x): group[key] for group in groups for x in group["params"]}
    return {name: values[id(x)] for name, x in network.named_parameters()}


def counted(*, decay: float) -> tuple[nn.BatchNorm1d, MovingAverage]:
    network = nn.BatchNorm1d(2)
    put(network, 99.0)  # initial parameters, which must never weigh in
    return network, MovingAverage(network, decay=decay)


def put(network: nn.BatchNorm1d, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
        network.running_mean.fill_(value)
        network.num_batches_tracked.fill_(int(value))

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch

from fahrstats.face.checkpoints.card import Architecture, ConvolutionalArchitecture
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.masked import MaskedAutoencoder, draw_order
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.training.learner import (
    Learner,
    new_network,
    take_over,
    without_head,
)

VIT = Architecture(
    image_size=16, patch_size=4, width=32, depth=2, heads=2, mlp_width=64
)
CONVOLUTIONAL = ConvolutionalArchitecture(image_size=16, widths=(8, 16), blocks=(1, 1))
SHAPES = pytest.mark.parametrize("shape", [VIT, CONVOLUTIONAL], ids=lambda s: s.kind)


def images(n=3):
    return torch.randn(n, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@SHAPES
def test_a_network_is_of_the_shape_and_the_seed(shape):
    kind = VisionTransformer if shape is VIT else ConvolutionalNetwork
    first, same, other = (new_network(shape, 1, seed=seed) for seed in (1, 1, 2))
    assert isinstance(first, kind)
    assert first.architecture == shape
    for name, value in first.state_dict().items():
        assert torch.equal(value, same.state_dict()[name])
    a, b = (one.state_dict()["head.weight"] for one in (first, other))
    assert not torch.equal(a, b)


@SHAPES
def test_there_is_one_number_per_face_to_which_covariates_are_added(shape):
    network = new_network(shape, 1, seed=1)
    plain = Learner(network).eval()
    beside = Learner(network, coefficients=torch.tensor([2.0, -1.0])).eval()
    covariates = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    alone = plain(images())
    torch.testing.assert_close(alone, network(images())[:, 0])
    torch.testing.assert_close(
        beside(images(), covariates), alone + torch.tensor([2.0, -1.0, 1.0])
    )
    torch.testing.assert_close(beside(images()), alone)
    assert plain.encoder is network


def test_an_autoencoder_gives_every_face_the_loss_of_the_batch():
    network = MaskedAutoencoder(VIT, decoder_width=32, decoder_depth=1, decoder_heads=1)
    learner = Learner(network)
    order = draw_order(3, n_patches=16, generator=torch.Generator().manual_seed(1))
    found = learner(images(), order)
    torch.testing.assert_close(found, network(images(), order).repeat(3))
    assert learner.encoder is network.encoder


@SHAPES
def test_every_parameter_is_in_one_group_and_coefficients_do_not_decay(shape):
    learner = Learner(new_network(shape, 1, seed=1), coefficients=torch.zeros(2))
    groups = learner.groups(weight_decay=0.1, layer_decay=0.5)
    listed = [id(one) for group in groups for one in group["params"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == {id(one) for one in learner.parameters()}
    beside = groups[-1]
    assert beside["params"][0] is learner.coefficients
    assert (beside["weight_decay"], beside["scale"]) == (0.0, 1.0)
    plain = Learner(learner.network).groups(weight_decay=0.1, layer_decay=0.5)
    assert len(plain) == len(groups) - 1


@SHAPES
def test_parameters_are_copied_and_a_head_is_kept_where_none_is_given(shape):
    given = new_network(shape, 1, seed=2)
    network, fresh = (new_network(shape, 1, seed=1) for _ in range(2))
    trunk = without_head(given.state_dict())
    assert set(given.state_dict()) - set(trunk) == {"head.weight", "head.bias"}
    take_over(network, trunk)
    for name, value in network.state_dict().items():
        of = fresh if name.startswith("head.") else given
        assert torch.equal(value, of.state_dict()[name]), name
    with torch.no_grad():
        next(iter(given.parameters())).add_(1)
    assert not torch.equal(next(network.parameters()), next(given.parameters()))
    take_over(network, given.state_dict())
    torch.testing.assert_close(network(images()), given(images()))

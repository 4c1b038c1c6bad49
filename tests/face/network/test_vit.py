from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from hugging_face import shake
from torch.func import functional_call
from torch.nn import functional

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture
from fahrstats.face.network.vit import VisionTransformer, cut_patches, to_precision

SHAPE = Architecture(
    image_size=32, patch_size=8, width=48, depth=3, heads=3, mlp_width=96
)

# Another order of float32 additions; embeddings have variance 1.
ATOL = 1e-5
# Rounding to 8 bits in every linear map, which another batch size may do differently:
# measured 0.005 for single rows of embeddings of variance 1.
BFLOAT16_ATOL = 0.03


def test_parameters_have_the_names_that_checkpoints_use():
    shapes = {
        name: tuple(value.shape) for name, value in network().state_dict().items()
    }
    block = {
        "norm1.weight": (48,),
        "norm1.bias": (48,),
        "qkv.weight": (144, 48),
        "qkv.bias": (144,),
        "out.weight": (48, 48),
        "out.bias": (48,),
        "norm2.weight": (48,),
        "norm2.bias": (48,),
        "up.weight": (96, 48),
        "up.bias": (96,),
        "down.weight": (48, 96),
        "down.bias": (48,),
    }
    assert shapes == {
        "class_token": (1, 1, 48),
        "positions": (1, 17, 48),
        "patch.weight": (48, 3, 8, 8),
        "patch.bias": (48,),
        **{f"blocks.{i}.{name}": block[name] for i in range(3) for name in block},
        "norm.weight": (48,),
        "norm.bias": (48,),
        "head.weight": (2, 48),
        "head.bias": (2,),
    }


def test_fixed_positions_are_not_parameters():
    fixed = VisionTransformer(replace(SHAPE, positions="sincos"), 1)
    assert "positions" not in fixed.state_dict()
    assert fixed(pictures(2)).shape == (2, 1)


def test_initial_parameters_follow_from_the_seed():
    one, same, other = (VisionTransformer(SHAPE, 1, seed=seed) for seed in (4, 4, 5))
    state = torch.random.get_rng_state()
    VisionTransformer(SHAPE, 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in one.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
        if name.endswith("bias"):
            assert value.abs().max() == 0
        elif "norm" in name:
            assert (value == 1).all()
        else:
            assert not torch.equal(value, other.get_parameter(name))
            assert value.abs().max() <= 0.04
    # A normal cut at two spreads has 0.8796 of the spread.
    assert one.patch.weight.std().item() == pytest.approx(0.8796 * 0.02, rel=0.03)


def test_a_patch_is_embedded_as_a_convolution_does():
    model, images = network(), pictures(2)
    expected = torch.nn.functional.conv2d(
        images, model.patch.weight, model.patch.bias, stride=8
    )
    found = model.patch(cut_patches(images, patch_size=8))
    torch.testing.assert_close(
        found, expected.flatten(2).transpose(1, 2), rtol=0, atol=ATOL
    )


def test_outputs_are_the_head_of_the_class_token():
    model, images = network(), pictures(3)
    tokens = model.tokens(images)
    assert tokens.shape == (3, 17, 48)
    embedding = model.embed(images)
    torch.testing.assert_close(embedding, tokens[:, 0], rtol=0, atol=ATOL)
    torch.testing.assert_close(model(images), model.head(embedding))


def test_a_network_without_a_head_embeds_only():
    model = VisionTransformer(SHAPE, 0)
    assert model.embed(pictures(2)).shape == (2, 48)
    assert not any("head" in name for name in model.state_dict())
    with pytest.raises(DataError, match="has no head; ask for `embed`"):
        model(pictures(2))
    outputs, _ = model.forward_with_attention(pictures(2))
    torch.testing.assert_close(outputs, model.embed(pictures(2)), rtol=0, atol=ATOL)


def test_keeping_all_patches_in_any_order_is_keeping_all():
    model, images = network(), pictures(3)
    whole = model.tokens(images)
    order = torch.rand(3, 16, generator=torch.Generator().manual_seed(0)).argsort(dim=1)
    kept = model.tokens(images, keep=order)
    back = torch.cat([torch.zeros(3, 1, dtype=torch.int64), 1 + order], dim=1)
    for i in range(3):
        torch.testing.assert_close(kept[i], whole[i, back[i]], rtol=0, atol=ATOL)


def test_dropped_patches_do_not_exist():
    model, images = network(), pictures(2, 32, 32)
    keep = torch.tensor([[0, 5, 10], [3, 6, 15]])
    kept = model.tokens(images, keep=keep)
    noise = pictures(2, seed=99)
    for i in range(2):
        mask = torch.zeros(16, dtype=torch.bool).scatter(0, keep[i], True)
        mask = mask.view(4, 4).repeat_interleave(8, 0).repeat_interleave(8, 1)
        covered = torch.where(mask, images[i], noise[i])[None]
        found = model.tokens(covered, keep=keep[i : i + 1])[0]
        torch.testing.assert_close(found, kept[i], rtol=0, atol=ATOL)


@pytest.mark.parametrize("size", [(32, 32), (40, 16)])
def test_attention_is_written_out_without_a_change(size):
    model, images = network(), pictures(2, *size)
    outputs, attention = model.forward_with_attention(images)
    tokens = 1 + size[0] * size[1] // 64
    torch.testing.assert_close(outputs, model(images), rtol=0, atol=ATOL)
    assert [a.shape for a in attention] == [(2, 3, tokens, tokens)] * 3
    for shares in attention:
        torch.testing.assert_close(shares.sum(dim=-1), torch.ones(2, 3, tokens))


def test_outputs_have_gradients_with_respect_to_attention():
    model, images = network(), pictures(1)
    outputs, attention = model.forward_with_attention(images)
    gradients = torch.autograd.grad(outputs[0, 0], attention)
    for gradient in gradients:
        assert gradient.abs().max() > 0
    # The head reads the class token only, so no other query of the last block counts.
    assert gradients[-1][:, :, 1:].abs().max() == 0
    assert gradients[0][:, :, 1:].abs().max() > 0


def test_gradients_reach_every_parameter():
    model = network()
    model(pictures(2)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("path", ["forward", "forward_with_attention", "tokens"])
def test_gradients_are_those_of_finite_differences(path):
    shape = Architecture(
        image_size=4, patch_size=2, width=4, depth=1, heads=2, mlp_width=6
    )
    model = VisionTransformer(shape, 1).double()
    shake(model, seed=0)
    parameters = {n: p.detach() for n, p in model.named_parameters()}
    if path == "tokens":
        parameters = {n: p for n, p in parameters.items() if "head" not in n}
    images = pictures(2, 4, 4).double().requires_grad_()
    values = tuple(p.requires_grad_() for p in parameters.values())

    def run(images, *values):
        state = dict(zip(parameters, values, strict=True))
        result = functional_call(Path(model, path), add_prefix(state), (images,))
        return result[0] if isinstance(result, tuple) else result

    assert torch.autograd.gradcheck(run, (images, *values), rtol=1e-6, atol=1e-8)


class Path(torch.nn.Module):
    """One way through a network, as a module of its own."""

    def __init__(self, network: VisionTransformer, path: str) -> None:
        super().__init__()
        self.network, self.path = network, path

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return getattr(self.network, self.path)(images)


def add_prefix(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"network.{name}": value for name, value in state.items()}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@torch.inference_mode()
def test_a_row_does_not_depend_on_its_batch(precision):
    """Up to the order of additions; to the bit when batches are filled to one size."""
    model = to_precision(network(image_size=64), precision)
    images = pictures(8, 64, 64)
    whole = model.embed(images)
    atol = ATOL if precision == "float32" else BFLOAT16_ATOL
    for i in range(8):
        alone = model.embed(images[i : i + 1])[0]
        torch.testing.assert_close(alone, whole[i], rtol=0, atol=atol)
        filled = torch.zeros_like(images)
        filled[0] = images[i]
        assert torch.equal(model.embed(filled)[0], whole[i])


@torch.inference_mode()
def test_bfloat16_is_close_and_leaves_the_rest_in_float32():
    exact, model, images = network(), network(), pictures(4)
    assert to_precision(model, "bfloat16") is model
    halved = {n for n, p in model.named_parameters() if p.dtype == torch.bfloat16}
    assert {name.rsplit(".", 1)[0].rsplit(".", 1)[-1] for name in halved} == {
        "patch",
        "qkv",
        "out",
        "up",
        "down",
    }
    for found, truth in (
        (model.embed(images), exact.embed(images)),
        (model.tokens(images), exact.tokens(images)),
        (model(images), exact(images)),
        (model.forward_with_attention(images)[0], exact(images)),
    ):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, truth, rtol=0, atol=BFLOAT16_ATOL)
        assert not torch.equal(found, truth)


def test_automatic_bfloat16_keeps_the_head_in_float32():
    model, images = network(), pictures(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(images)
    assert outputs.dtype == torch.float32
    torch.testing.assert_close(outputs, model(images), rtol=0, atol=BFLOAT16_ATOL)


@pytest.mark.parametrize("automatic", [True, False])
def test_attention_is_in_float32_where_a_processor_trains_in_bfloat16(
    automatic, monkeypatch
):
    """Its gradients in bfloat16 are slow there; scoring has none and keeps the type."""
    attend, types = functional.scaled_dot_product_attention, []

    def watched(query, key, value):
        types.append(query.dtype)
        return attend(query, key, value)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", watched)
    model = network() if automatic else to_precision(network(), "bfloat16")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=automatic):
        model(pictures(2))
    assert set(types) == {torch.float32 if automatic else torch.bfloat16}


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 32, 32, 3)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(DataError, match=r"`images` has shape .*must be \(batch, 3, "):
        network()(torch.zeros(shape))


def test_bytes_are_refused():
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(
        DataError, match=r"`images` holds torch\.uint8; it must hold floats"
    ):
        network()(images)


def test_images_that_are_not_whole_patches_are_refused():
    with pytest.raises(DataError, match="32 x 36 pixels is not made of whole patches"):
        network()(torch.zeros(1, 3, 32, 36))


def test_a_shape_that_does_not_fit_is_refused():
    with pytest.raises(DataError, match="cannot be shared among 5 `heads`"):
        VisionTransformer(replace(SHAPE, heads=5), 1)


def test_it_learns_where_a_bar_is_and_how_bright():
    """Two outputs that a mean of pixels cannot tell apart, on pictures never seen."""
    model = network(seed=1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
    generator = torch.Generator().manual_seed(2)
    for _ in range(200):
        images, truth = bars(32, generator)
        loss = (model(images) - truth).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    images, truth = bars(256, generator)
    with torch.inference_mode():
        residual = (model(images) - truth).square().mean(dim=0)
    assert (1 - residual / truth.var(dim=0)).min() > 0.9


def network(*, image_size: int = 32, seed: int = 0) -> VisionTransformer:
    model = VisionTransformer(replace(SHAPE, image_size=image_size), 2)
    shake(model, seed=seed)
    return model


def pictures(
    n: int, height: int = 32, width: int = 32, *, seed: int = 0
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, height, width, generator=generator)


def bars(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw a vertical bar in noise; return its place and its brightness too."""
    place = torch.randint(0, 29, (n,), generator=generator)
    brightness = 1 + torch.rand(n, generator=generator)
    images = 0.2 * torch.randn(n, 3, 32, 32, generator=generator)
    column = torch.arange(32)
    is_bar = (column >= place[:, None]) & (column < place[:, None] + 3)
    images += (is_bar * brightness[:, None])[:, None, None, :]
    truth = torch.stack([(place - 14) / 8, 3 * (brightness - 1.5)], dim=1)
    return images, truth

"""The networks against those of transformers, on random parameters."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")
pytest.importorskip("transformers", reason="needs fahrstats[hf]")

import torch
from hugging_face import (
    block_parameters,
    config_values,
    encoder_parameters,
    shake,
)
from transformers import ViTConfig, ViTMAEConfig, ViTMAEForPreTraining, ViTModel
from transformers.models.vit_mae.modeling_vit_mae import (
    build_2d_sinusoidal_position_embedding,
)

from fahrstats.face.checkpoints.card import Architecture
from fahrstats.face.network.masked import MaskedAutoencoder, count_kept
from fahrstats.face.network.positions import sincos_positions
from fahrstats.face.network.sizes import n_patches
from fahrstats.face.network.vit import VisionTransformer

# Another order of float32 additions in up to four blocks; outputs are of order 1.
ATOL = 1e-5

SHAPES = {
    "tiny": Architecture(
        image_size=224, patch_size=16, width=192, depth=4, heads=3, mlp_width=768
    ),
    "narrow, 7 x 7 patches of 8, eps of transformers": Architecture(
        image_size=56,
        patch_size=8,
        width=48,
        depth=3,
        heads=6,
        mlp_width=100,
        norm_eps=1e-12,
    ),
}
SEEDS = (0, 1, 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_tokens_are_those_of_transformers(shape, seed):
    theirs, ours = pair(shape, seed=seed)
    images = pictures(3, shape.image_size, shape.image_size, seed=seed)
    expected = theirs(images).last_hidden_state
    assert_close(ours.tokens(images), expected)
    assert_close(ours.embed(images), expected[:, 0])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (5, 9), (1, 20)])
def test_other_image_sizes_interpolate_positions_the_same(shape, seed, rows, columns):
    theirs, ours = pair(shape, seed=seed)
    side = shape.patch_size
    images = pictures(2, rows * side, columns * side, seed=seed)
    expected = theirs(images, interpolate_pos_encoding=True).last_hidden_state
    assert_close(ours.tokens(images), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_attention_is_that_of_transformers(shape, seed):
    theirs, ours = pair(shape, seed=seed)
    theirs.set_attn_implementation("eager")
    images = pictures(2, shape.image_size, shape.image_size, seed=seed)
    expected = theirs(images, output_attentions=True).attentions
    _, attention = ours.forward_with_attention(images)
    assert len(attention) == len(expected) == shape.depth
    for one, other in zip(attention, expected, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_masked_autoencoder_is_that_of_transformers(shape, seed):
    theirs, ours = masked_pair(shape, seed=seed)
    images = pictures(3, shape.image_size, shape.image_size, seed=seed)
    noise = torch.rand(
        3, n_patches(shape), generator=torch.Generator().manual_seed(seed)
    )
    order = noise.argsort(dim=1)
    result = theirs(images, noise=noise)
    assert_close(ours(images, order), result.loss)
    seen = order[:, : count_kept(n_patches(shape), mask_ratio=0.75)]
    expected = theirs.vit(images, noise=noise).last_hidden_state
    assert_close(ours.encoder.tokens(images, keep=seen), expected)
    assert_close(ours.reconstruct(images, order), filled_in(theirs, result, images))


def test_fixed_positions_are_those_of_transformers():
    expected = build_2d_sinusoidal_position_embedding(9, 9, embed_dim=48)
    # It puts rows first and turns the halves for the published networks, as we do.
    expected = torch.cat([expected[:, 24:], expected[:, :24]], dim=1)
    ours = sincos_positions(48, side=9)
    torch.testing.assert_close(ours[0, 1:], expected, rtol=0, atol=1e-6)
    assert ours[0, 0].abs().max() == 0


def pair(shape: Architecture, *, seed: int) -> tuple[ViTModel, VisionTransformer]:
    """Make a random network of transformers and ours with the same parameters."""
    theirs = ViTModel(ViTConfig(**config_values(shape)), add_pooling_layer=False)
    shake(theirs, seed=seed)
    ours = VisionTransformer(shape, 0)
    ours.load_state_dict(encoder_parameters(theirs.state_dict(), depth=shape.depth))
    return theirs.eval(), ours.eval()


def masked_pair(
    shape: Architecture, *, seed: int
) -> tuple[ViTMAEForPreTraining, MaskedAutoencoder]:
    """Make the same for the masked autoencoder, with fixed positions."""
    config = ViTMAEConfig(
        decoder_hidden_size=64,
        decoder_num_hidden_layers=2,
        decoder_num_attention_heads=4,
        decoder_intermediate_size=256,
        mask_ratio=0.75,
        norm_pix_loss=True,
        **config_values(shape),
    )
    theirs = ViTMAEForPreTraining(config)
    shake(theirs, seed=seed)
    ours = MaskedAutoencoder(
        shape, decoder_width=64, decoder_depth=2, decoder_heads=4, mask_ratio=0.75
    )
    ours.load_state_dict(masked_parameters(theirs, shape))
    with torch.no_grad():  # shaken there, fixed here
        ours.decoder_positions.copy_(theirs.decoder.decoder_pos_embed)
    return theirs.eval(), ours.eval()


def masked_parameters(
    theirs: ViTMAEForPreTraining, shape: Architecture
) -> dict[str, torch.Tensor]:
    encoder = encoder_parameters(theirs.vit.state_dict(), depth=shape.depth)
    state = theirs.decoder.state_dict()
    blocks = block_parameters(state, prefix="decoder_layers", depth=2)
    # A drawn patch is (row, column, channel) there and (channel, row, column) here.
    pixels = torch.arange(3 * shape.patch_size**2)
    pixels = pixels.view(shape.patch_size, shape.patch_size, 3).permute(2, 0, 1)
    pixels = pixels.flatten()
    return {
        **{f"encoder.{name}": value for name, value in encoder.items()},
        **blocks,
        "mask_token": state["mask_token"],
        "enter.weight": state["decoder_embed.weight"],
        "enter.bias": state["decoder_embed.bias"],
        "norm.weight": state["decoder_norm.weight"],
        "norm.bias": state["decoder_norm.bias"],
        "draw.weight": state["decoder_pred.weight"][pixels],
        "draw.bias": state["decoder_pred.bias"][pixels],
    }


def filled_in(
    theirs: ViTMAEForPreTraining, result, images: torch.Tensor
) -> torch.Tensor:
    """Return the images with the hidden patches as transformers draws them."""
    patches = theirs.patchify(images)
    mean = patches.mean(dim=-1, keepdim=True)
    spread = (patches.var(dim=-1, keepdim=True) + 1e-6).sqrt()
    is_hidden = result.mask.bool().unsqueeze(2)
    drawn = torch.where(is_hidden, result.logits * spread + mean, patches)
    return theirs.unpatchify(drawn)


def pictures(n: int, height: int, width: int, *, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(100 + seed)
    return torch.randn(n, 3, height, width, generator=generator)


def assert_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=ATOL)

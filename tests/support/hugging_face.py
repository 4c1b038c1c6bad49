"""Random networks of transformers, and their parameters under our names."""

from __future__ import annotations

import torch
from torch import Tensor

from fahrstats.face.checkpoints.card import Architecture

_ONE_TO_ONE = {
    "attention.o_proj": "out",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "mlp.fc1": "up",
    "mlp.fc2": "down",
}


def config_values(shape: Architecture) -> dict[str, float]:
    """Keywords of `ViTConfig` and `ViTMAEConfig` for an architecture of ours."""
    return {
        "hidden_size": shape.width,
        "num_hidden_layers": shape.depth,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.mlp_width,
        "image_size": shape.image_size,
        "patch_size": shape.patch_size,
        "layer_norm_eps": shape.norm_eps,
    }


def encoder_parameters(state: dict[str, Tensor], *, depth: int) -> dict[str, Tensor]:
    """Parameters of a `ViTModel` of transformers 5, by our names."""
    patch = "embeddings.patch_embeddings.projection"
    ours = {
        "class_token": state["embeddings.cls_token"],
        "positions": state["embeddings.position_embeddings"],
        "patch.weight": state[f"{patch}.weight"],
        "patch.bias": state[f"{patch}.bias"],
        "norm.weight": state["layernorm.weight"],
        "norm.bias": state["layernorm.bias"],
    }
    return ours | block_parameters(state, prefix="layers", depth=depth)


def block_parameters(
    state: dict[str, Tensor], *, prefix: str, depth: int
) -> dict[str, Tensor]:
    """Parameters of the blocks, by our names."""
    ours = {}
    for i in range(depth):
        theirs = f"{prefix}.{i}"
        for kind in ("weight", "bias"):
            ours[f"blocks.{i}.qkv.{kind}"] = torch.cat(
                [state[f"{theirs}.attention.{name}_proj.{kind}"] for name in "qkv"]
            )
            for name, our_name in _ONE_TO_ONE.items():
                ours[f"blocks.{i}.{our_name}.{kind}"] = state[f"{theirs}.{name}.{kind}"]
    return ours


def shake(network: torch.nn.Module, *, seed: int) -> None:
    """Move every parameter, so that no bias is 0 and no norm is the identity."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)

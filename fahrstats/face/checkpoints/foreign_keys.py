"""Parameters of vision transformers under the names that other libraries give them.

Hugging Face transformers 4 and 5 (`ViTModel`, and what holds one), and timm, whose
names the public code of masked autoencoders shares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fahrstats.errors import DataError

_FIRST = ("embeddings.cls_token", "cls_token")
_OUTSIDE = {
    "embeddings.cls_token": "class_token",
    "embeddings.position_embeddings": "positions",
    "embeddings.patch_embeddings.projection": "patch",
    "layernorm": "norm",
    "cls_token": "class_token",
    "pos_embed": "positions",
    "patch_embed.proj": "patch",
    "norm": "norm",
}
_IN_BLOCKS = {
    "attention.attention.query": "q",
    "attention.attention.key": "k",
    "attention.attention.value": "v",
    "attention.output.dense": "out",
    "intermediate.dense": "up",
    "output.dense": "down",
    "attention.q_proj": "q",
    "attention.k_proj": "k",
    "attention.v_proj": "v",
    "attention.o_proj": "out",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attn.qkv": "qkv",
    "attn.proj": "out",
    "norm1": "norm1",
    "norm2": "norm2",
    "mlp.fc1": "up",
    "mlp.fc2": "down",
}
_BLOCK = re.compile(r"(?:encoder\.layer|layers|blocks)\.(\d{1,4})\.(.+)")
_POOLER = re.compile(r"pooler\.")
_PRETRAINING = re.compile(r"(?:embeddings\.)?mask_token|decoder[._]")
_HEAD = re.compile(r"head|classifier|regress|(?:^|\.)fc(?:\.|$)")


@dataclass(frozen=True, slots=True, eq=False)
class ForeignParameters:
    """What was found in a file, under our names.

    Attributes
    ----------
    encoder : dict of str to Tensor
        All but the head; queries, keys and values in one matrix.
    head : dict of str to Tensor
        ``head.weight`` and ``head.bias``; empty where there is no head.
    pooler, pretraining : tuple of str
        Tensors under their old names that our network has no place for: a layer on top
        of the class token, and what only pretraining needs.
    """

    encoder: dict[str, Tensor]
    head: dict[str, Tensor]
    pooler: tuple[str, ...]
    pretraining: tuple[str, ...]


def translate(tensors: Mapping[str, Tensor], where: str) -> ForeignParameters:
    """Return parameters under our names.

    Raises
    ------
    DataError
        No vision transformer or more than one is found; a tensor is unknown; the head
        is more than one linear map, or reads the mean of the patches; two names mean
        the same parameter. The first words
        of the message are ``where``.
    """
    prefix = _prefix(tensors, where)
    found: dict[str, Tensor] = {}
    left: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = _our_name(key.removeprefix(prefix)) if key.startswith(prefix) else None
        if name in found:
            raise DataError(
                f"{where} holds what becomes `{name}` twice, once as `{key}`; write a "
                "file with the parameters of one network."
            )
        if name is None:
            left[key] = tensor
        else:
            found[name] = tensor
    pooler = _take(left, prefix, _POOLER)
    pretraining = _take(left, prefix, _PRETRAINING)
    _refuse_mean(left, prefix, where)
    heads = [
        key for key in left if _HEAD.search(key) or not key.startswith(prefix or key)
    ]
    head = _head({key: left.pop(key) for key in heads}, where)
    if left:
        raise DataError(
            f"{where} holds {len(left)} tensors that a plain vision transformer does "
            f"not have: {_named(left)}. It cannot be imported without changing what "
            "the network computes."
        )
    return ForeignParameters(_fused(found, where), head, pooler, pretraining)


def _prefix(tensors: Mapping[str, Tensor], where: str) -> str:
    """Return what stands before every name of the encoder, such as ``vit.``."""
    found = {
        key.removesuffix(first)
        for key in tensors
        for first in _FIRST
        if key == first or key.endswith(f".{first}")
    }
    # The shorter of the two names ends the longer one.
    prefixes = {prefix for prefix in found if not prefix.endswith("embeddings.")}
    if len(prefixes) == 1:
        return prefixes.pop()
    if prefixes:
        raise DataError(
            f"{where} holds {len(prefixes)} vision transformers, under "
            f"{_named(sorted(prefixes))}; write a file with the parameters of one."
        )
    raise DataError(
        f"{where} holds no vision transformer under the names of Hugging Face or timm "
        f"(no class token); it begins with {_named(tensors)}."
    )


def _our_name(key: str) -> str | None:
    """Return our name of a tensor of the encoder, None if it is not one."""
    stem, _, kind = key.rpartition(".")
    if key in _OUTSIDE:
        return _OUTSIDE[key]
    if kind not in ("weight", "bias"):
        return None
    if stem in _OUTSIDE:
        return f"{_OUTSIDE[stem]}.{kind}"
    block = _BLOCK.fullmatch(stem)
    if block is None or block[2] not in _IN_BLOCKS:
        return None
    return f"blocks.{int(block[1])}.{_IN_BLOCKS[block[2]]}.{kind}"


def _fused(found: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """Stack queries, keys and values, in this order, where they are apart."""
    fused = {}
    for name, tensor in found.items():
        match = re.fullmatch(r"(blocks\.\d+)\.([qkv])\.(weight|bias)", name)
        if match is None:
            fused[name] = tensor
            continue
        parts = [f"{match[1]}.{letter}.{match[3]}" for letter in "qkv"]
        missing = [part for part in parts if part not in found]
        if missing:
            raise DataError(f"{where} holds `{name}`, but not {_named(missing)}.")
        fused[f"{match[1]}.qkv.{match[3]}"] = torch.cat([found[part] for part in parts])
    return _unbiased(fused) | fused


def _unbiased(fused: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return zeros for the biases of queries, keys and values, if none has one."""
    if any(name.endswith(".qkv.bias") for name in fused):
        return {}
    return {
        f"{name.removesuffix('weight')}bias": torch.zeros(len(tensor))
        for name, tensor in fused.items()
        if name.endswith(".qkv.weight")
    }


def _take(
    left: dict[str, Tensor], prefix: str, kind: re.Pattern[str]
) -> tuple[str, ...]:
    """Remove the tensors of a kind, and return their names."""
    taken = tuple(
        key for key in left if kind.match(key) or kind.match(key.removeprefix(prefix))
    )
    for key in taken:
        del left[key]
    return taken


def _refuse_mean(left: Mapping[str, Tensor], prefix: str, where: str) -> None:
    """Refuse a network whose head reads the mean of the patches."""
    if any(key.removeprefix(prefix).startswith("fc_norm.") for key in left):
        raise DataError(
            f"{where} holds `fc_norm`: its head reads the mean of the patches, and "
            "this network reads the class token. It cannot be imported."
        )


def _head(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """Return the one linear map of a head under our names."""
    if not tensors:
        return {}
    stems = {key.rpartition(".")[0] for key in tensors}
    kinds = {key.rpartition(".")[2]: tensor for key, tensor in tensors.items()}
    weight = kinds.pop("weight", torch.zeros(0))
    bias = kinds.pop("bias", torch.zeros(len(weight)))
    is_linear = weight.ndim == 2 and bias.shape == weight.shape[:1]
    if len(stems) > 1 or kinds or not is_linear:
        raise DataError(
            f"{where} has a head that is not one linear map: {_named(tensors)}. Only "
            "such a head can be imported."
        )
    return {"head.weight": weight, "head.bias": bias}


def _named(keys: Iterable[str]) -> str:
    """Name some tensors and count the others."""
    every = [f"`{key}`" for key in keys]
    some = ", ".join(every[:4])
    return some if len(every) <= 4 else f"{some} and {len(every) - 4} more"

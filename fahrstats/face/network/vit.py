"""A pre-norm vision transformer (Dosovitskiy et al. 2021)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture
from fahrstats.face.network.positions import fit_positions, sincos_positions
from fahrstats.face.network.sizes import (
    CHANNELS,
    check_architecture,
    check_image_size,
    n_patches,
)

Precision = Literal["float32", "bfloat16"]
_INITIAL_SPREAD = (
    0.02  # truncated normal; Touvron et al. 2021, after Devlin et al. 2019
)


class VisionTransformer(nn.Module):
    """Pictures to a class-token vector, and on to the columns of the head.

    Parameters
    ----------
    architecture : Architecture
        Shape of the network.
    n_outputs : int
        Columns of the head (years, or log hazard); 0 for a network without a head.
    seed : int
        Of the initial parameters: normal, spread 0.02, cut at two spreads; biases 0.

    Raises
    ------
    DataError
        If the numbers of the architecture do not fit together.
    """

    positions: Tensor

    def __init__(
        self, architecture: Architecture, n_outputs: int, *, seed: int = 0
    ) -> None:
        super().__init__()
        check_architecture(architecture)
        width = architecture.width
        self.architecture = architecture
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        if architecture.positions == "learned":
            empty = torch.empty(1, 1 + n_patches(architecture), width)
            self.positions = nn.Parameter(empty)
        else:
            side = architecture.image_size // architecture.patch_size
            fixed = sincos_positions(width, side=side)
            self.register_buffer("positions", fixed, persistent=False)
        self.patch = PatchEmbedding(architecture)
        self.blocks = nn.ModuleList(
            Block(architecture) for _ in range(architecture.depth)
        )
        self.norm = nn.LayerNorm(width, eps=architecture.norm_eps)
        self.head = linear(width, n_outputs) if n_outputs else None
        initialise(self, seed=seed)

    def forward(self, images: Tensor) -> Tensor:
        """Return the outputs of the head, float32, shape (batch, n_outputs).

        `images` is as for `tokens`.
        """
        if self.head is None:
            raise DataError("This network has no head; ask for `embed`.")
        return _read(self.head, self.embed(images))

    def embed(self, images: Tensor) -> Tensor:
        """Return the class token after the final norm, float32, shape (batch, width).

        `images` is as for `tokens`.
        """
        x = self._enter(images, None)
        for block in self.blocks[:-1]:
            x = block(x)
        last = self.blocks[-1]
        assert isinstance(last, Block)
        normed: Tensor = self.norm(last.first_token(x))
        return normed

    def tokens(self, images: Tensor, *, keep: Tensor | None = None) -> Tensor:
        """Return all tokens after the final norm, the class token first.

        Parameters
        ----------
        images : Tensor, float, shape (batch, 3, height, width)
            Pixels after the preprocessing of the card; sides are multiples of the
            patch's, and positions are interpolated where they are not the native size.
        keep : Tensor, int64, shape (batch, kept), optional
            Patches of every image that enter the network, row by row from 0; the others
            cost nothing (He et al. 2022). All by default.

        Returns
        -------
        Tensor, float32, shape (batch, 1 + kept, width)

        Raises
        ------
        DataError
            If the images are not made of whole patches.
        """
        x = self._enter(images, keep)  # (batch, 1 + kept, width)
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed

    def forward_with_attention(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return outputs and the attention of every block, for maps of saliency.

        The softmax is written out, so this is slower than `forward`; gradients of the
        outputs reach the attention (call ``retain_grad`` or ``torch.autograd.grad``).

        Returns
        -------
        outputs : Tensor, float32, shape (batch, n_outputs)
            As from `forward`; as from `embed` where the network has no head.
        attention : list of Tensor, shape (batch, heads, tokens, tokens)
            One for each block; a row holds the shares of one query, summing to 1. The
            class token comes first.
        """
        x = self._enter(images, None)
        attention = []
        for block in self.blocks:
            assert isinstance(block, Block)
            x, shares = block.with_attention(x)
            attention.append(shares)
        embedding = self.norm(x)[:, 0]
        outputs = embedding if self.head is None else _read(self.head, embedding)
        return outputs, attention

    def _enter(self, images: Tensor, keep: Tensor | None) -> Tensor:
        size = self.architecture.patch_size
        patches = cut_patches(images, patch_size=size)  # (batch, patches, 3 * size^2)
        positions = fit_positions(
            self.positions,
            rows=images.shape[2] // size,
            columns=images.shape[3] // size,
        )
        place = positions[:, 1:]
        if keep is not None:
            patches = take(patches, keep)
            place = take(place.expand(len(images), -1, -1), keep)
        first = (self.class_token + positions[:, :1]).expand(len(images), -1, -1)
        return torch.cat([first, self.patch(patches) + place], dim=1)


class PatchEmbedding(nn.Module):
    """Linear map of the pixels of a patch; weights in the layout of a convolution."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        side = architecture.patch_size
        self.weight = nn.Parameter(
            torch.empty(architecture.width, CHANNELS, side, side)
        )
        self.bias = nn.Parameter(torch.zeros(architecture.width))

    def forward(self, patches: Tensor) -> Tensor:
        """Map (batch, patches, 3 * side^2) to (batch, patches, width)."""
        weight = self.weight.flatten(1)
        return functional.linear(patches.to(weight.dtype), weight, self.bias)


class Block(nn.Module):
    """Attention, then a hidden layer, each added to the stream of tokens.

    The stream and the norms keep their type, float32; the linear maps work in the type
    of their weights.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width, hidden = architecture.width, architecture.mlp_width
        eps = architecture.norm_eps
        self.heads = architecture.heads
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.qkv = linear(width, 3 * width)
        self.out = linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.up = linear(width, hidden)
        self.down = linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens to tokens, (batch, tokens, width)."""
        mixed = _attend(*self._queries_keys_values(x))
        return self._think(x, mixed)

    def with_attention(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `forward` does, and the attention it used."""
        query, key, value = self._queries_keys_values(x)
        scale = query.shape[-1] ** -0.5
        shares = (query * scale @ key.transpose(2, 3)).softmax(dim=-1)
        return self._think(x, shares @ value), shares

    def first_token(self, x: Tensor) -> Tensor:
        """Return the first token of what `forward` does, (batch, width), for less.

        The other tokens give keys and values only, which saves five sixths of a last
        block of which nothing else is read.
        """
        normed = self.norm1(x).to(self.qkv.weight.dtype)
        width = x.shape[2]
        weight, bias = self.qkv.weight, self.qkv.bias
        query = functional.linear(normed[:, :1], weight[:width], bias[:width])
        others = functional.linear(normed, weight[width:], bias[width:])
        mixed = _attend(*self._by_head(query), *self._by_head(others))
        return self._think(x[:, :1], mixed)[:, 0]

    def _queries_keys_values(self, x: Tensor) -> Tensor:
        return self._by_head(self.qkv(self.norm1(x).to(self.qkv.weight.dtype)))

    def _by_head(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        x = x.view(batch, tokens, -1, self.heads, self.out.in_features // self.heads)
        return x.permute(2, 0, 3, 1, 4)  # (1 to 3, batch, heads, tokens, head width)

    def _think(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + self.out(mixed.transpose(1, 2).reshape(x.shape))
        hidden = self.up(self.norm2(x).to(self.up.weight.dtype))
        added: Tensor = self.down(functional.gelu(hidden))
        return x + added


def cut_patches(images: Tensor, *, patch_size: int) -> Tensor:
    """Cut images into patches, row by row; within one channel, row, column.

    Parameters
    ----------
    images : Tensor, shape (batch, 3, height, width)
    patch_size : int
        Side of a patch in pixels.

    Returns
    -------
    Tensor, shape (batch, patches, 3 * patch_size^2)

    Raises
    ------
    DataError
        If the images are not floats, not of three channels, or not of whole patches.
    """
    if images.ndim != 4 or images.shape[1] != CHANNELS:
        raise DataError(
            f"`images` has shape {tuple(images.shape)}; it must be "
            f"(batch, {CHANNELS}, height, width)."
        )
    if not images.is_floating_point():
        raise DataError(
            f"`images` holds {images.dtype}; it must hold floats, preprocessed as the "
            "card says."
        )
    batch, _, height, width = images.shape
    check_image_size(height, width, patch_size=patch_size)
    rows, columns = height // patch_size, width // patch_size
    cut = images.reshape(batch, CHANNELS, rows, patch_size, columns, patch_size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1)


def take(tokens: Tensor, index: Tensor) -> Tensor:
    """Pick tokens (batch, n, width) by index (batch, k), giving (batch, k, width)."""
    return tokens.gather(1, index.unsqueeze(2).expand(-1, -1, tokens.shape[2]))


def linear(n_in: int, n_out: int) -> nn.Linear:
    """Return a linear map without values, which `initialise` or a checkpoint gives."""
    made = nn.Linear(n_in, n_out, device="meta")
    return made.to_empty(device=torch.get_default_device())


def initialise(network: nn.Module, *, seed: int) -> None:
    """Draw matrices, tokens and positions from a truncated normal; zero the biases."""
    generator = torch.Generator().manual_seed(seed)
    norms = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, nn.LayerNorm)
        for parameter in module.parameters()
    }
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif id(parameter) not in norms:
            nn.init.trunc_normal_(
                parameter,
                std=_INITIAL_SPREAD,
                a=-2 * _INITIAL_SPREAD,
                b=2 * _INITIAL_SPREAD,
                generator=generator,
            )


def to_precision(network: VisionTransformer, precision: Precision) -> VisionTransformer:
    """Set the type in which the linear maps of a network work, in place.

    Parameters
    ----------
    network : VisionTransformer
        A network in float32.
    precision : str
        ``"float32"``, or ``"bfloat16"``: the patch embedding and the linear maps of the
        blocks; norms, the stream of tokens, positions and the head stay in float32.
    """
    dtype = getattr(torch, precision)
    network.patch.to(dtype)
    for module in network.blocks.modules():
        if isinstance(module, nn.Linear):
            module.to(dtype)
    return network


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Mix the values of every head, all of shape (batch, heads, tokens, head width).

    Where a processor trains in an automatic type, this works in float32: gradients in
    bfloat16 take it four times as long at 50 tokens, 2.3 times at 197 (torch 2.13).
    """
    if query.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return functional.scaled_dot_product_attention(query, key, value)
    with torch.autocast("cpu", enabled=False):
        mixed = functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float()
        )
    return mixed.to(query.dtype)


def _read(head: nn.Linear, embedding: Tensor) -> Tensor:
    """Apply the head in float32, whatever the automatic type around it."""
    with torch.autocast(embedding.device.type, enabled=False):
        outputs: Tensor = head(embedding.to(head.weight.dtype))
    return outputs

"""A masked autoencoder: learning by filling in hidden patches (He et al. 2022)."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture
from fahrstats.face.network.positions import fit_positions, sincos_positions
from fahrstats.face.network.sizes import CHANNELS, check_architecture, n_patches
from fahrstats.face.network.vit import (
    Block,
    VisionTransformer,
    cut_patches,
    initialise,
    linear,
    take,
)

_VARIANCE_FLOOR = 1e-6  # of a patch of one colour; He et al. 2022


class MaskedAutoencoder(nn.Module):
    """An encoder that sees few patches, and a light decoder that draws the others.

    Parameters
    ----------
    architecture : Architecture
        Of the encoder, which is kept; the decoder is thrown away after training.
    decoder_width, decoder_depth, decoder_heads : int
        Shape of the decoder.
    mask_ratio : float
        Share of patches that are hidden, between 0 and 1.
    seed : int
        Of the initial parameters.

    Attributes
    ----------
    encoder : VisionTransformer
        Without a head.
    n_patches, n_kept : int
        Patches of an image of the native size, and how many of them stay visible.

    Raises
    ------
    DataError
        If the shapes do not fit, or the ratio leaves none hidden or none visible.

    References
    ----------
    He et al. 2022, Masked Autoencoders Are Scalable Vision Learners.
    """

    decoder_positions: Tensor

    def __init__(
        self,
        architecture: Architecture,
        *,
        decoder_width: int = 512,
        decoder_depth: int = 8,
        decoder_heads: int = 16,
        mask_ratio: float = 0.75,
        seed: int = 0,
    ) -> None:
        super().__init__()
        decoder = replace(
            architecture,
            width=decoder_width,
            depth=decoder_depth,
            heads=decoder_heads,
            mlp_width=4 * decoder_width,
            positions="sincos",
        )
        check_architecture(decoder)
        self.mask_ratio = mask_ratio
        self.n_patches = n_patches(architecture)
        self.n_kept = count_kept(self.n_patches, mask_ratio=mask_ratio)
        self.encoder = VisionTransformer(architecture, 0)
        self.enter = linear(architecture.width, decoder.width)
        self.mask_token = nn.Parameter(torch.empty(1, 1, decoder.width))
        side = architecture.image_size // architecture.patch_size
        fixed = sincos_positions(decoder.width, side=side)
        self.register_buffer("decoder_positions", fixed, persistent=False)
        self.blocks = nn.ModuleList(Block(decoder) for _ in range(decoder.depth))
        self.norm = nn.LayerNorm(decoder.width, eps=decoder.norm_eps)
        self.draw = linear(decoder.width, CHANNELS * architecture.patch_size**2)
        initialise(self, seed=seed)

    def forward(self, images: Tensor, order: Tensor) -> Tensor:
        """Return the mean squared error over the hidden patches, a float32 scalar.

        The target of a patch is its pixels less their mean, over their standard
        deviation.

        Parameters
        ----------
        images : Tensor, float, shape (batch, 3, height, width)
            Pixels after the preprocessing; sides are multiples of the patch's.
        order : Tensor, int64, shape (batch, patches)
            Patches of every image in random order, from `draw_order`: the first
            ``1 - mask_ratio`` of them are seen, the others are hidden.
        """
        drawn, n_seen = self._draw(images, order)
        return hidden_error(drawn, images, hidden=order[:, n_seen:])

    @torch.no_grad()
    def reconstruct(self, images: Tensor, order: Tensor) -> Tensor:
        """Return the images with their hidden patches as drawn, for looking at.

        A drawn patch is given the true mean and spread of its pixels, which the
        training never asks for.

        Parameters
        ----------
        images, order : Tensor
            As for `forward`.

        Returns
        -------
        Tensor, float32, shape (batch, 3, height, width)
        """
        drawn, n_seen = self._draw(images, order)
        return fill_in(drawn, images, hidden=order[:, n_seen:])

    def _draw(self, images: Tensor, order: Tensor) -> tuple[Tensor, int]:
        """Predict all patches, (batch, patches, pixels), from those that are seen."""
        n_seen = count_kept(order.shape[1], mask_ratio=self.mask_ratio)
        seen = self.encoder.tokens(images, keep=order[:, :n_seen])
        seen = self.enter(seen)  # (batch, 1 + n_seen, decoder width)
        side = self.encoder.architecture.patch_size
        rows, columns = images.shape[2] // side, images.shape[3] // side
        n_hidden = order.shape[1] - n_seen
        blank = self.mask_token.to(seen.dtype).expand(len(images), n_hidden, -1)
        in_place = take(torch.cat([seen[:, 1:], blank], dim=1), order.argsort(dim=1))
        x = torch.cat([seen[:, :1], in_place], dim=1)
        x = x + fit_positions(self.decoder_positions, rows=rows, columns=columns)
        for block in self.blocks:
            x = block(x)
        drawn: Tensor = self.draw(self.norm(x)[:, 1:])
        return drawn.float(), n_seen


def draw_order(n_images: int, *, n_patches: int, generator: torch.Generator) -> Tensor:
    """Draw a random order of the patches for every image, each on its own.

    Returns
    -------
    Tensor, int64, shape (n_images, n_patches)
        On the device of the generator.
    """
    noise = torch.rand(
        n_images, n_patches, generator=generator, device=generator.device
    )
    return noise.argsort(dim=1)


def count_kept(n_patches: int, *, mask_ratio: float) -> int:
    """Return how many patches stay visible, the nearest whole number.

    Raises
    ------
    DataError
        If none would be visible, or none hidden.
    """
    kept = round(n_patches * (1 - mask_ratio))
    if not 0 < kept < n_patches:
        raise DataError(
            f"`mask_ratio` is {mask_ratio}, which leaves {kept} of {n_patches} patches "
            "visible; some must be seen and some hidden."
        )
    return kept


def hidden_error(drawn: Tensor, images: Tensor, *, hidden: Tensor) -> Tensor:
    """Return the mean squared error of drawn patches, a float32 scalar.

    The target of a patch is its pixels less their mean, over their standard deviation.

    Parameters
    ----------
    drawn : Tensor, float32, shape (batch, patches, 3 * patch_size^2)
        All patches, as `cut_patches` orders their pixels.
    images : Tensor, float, shape (batch, 3, height, width)
        The truth.
    hidden : Tensor, int64, shape (batch, n_hidden)
        The patches that count.
    """
    target, _, _ = _standardise(_cut_alike(images, drawn))
    return (take(drawn, hidden) - take(target, hidden)).square().mean()


def fill_in(drawn: Tensor, images: Tensor, *, hidden: Tensor) -> Tensor:
    """Return images with hidden patches as drawn, at their true mean and spread.

    Parameters are those of `hidden_error`.
    """
    patches = _cut_alike(images, drawn)
    _, mean, spread = _standardise(patches)
    index = hidden.unsqueeze(2).expand(-1, -1, patches.shape[2])
    drawn = (drawn * spread + mean).gather(1, index)
    return _join_patches(patches.scatter(1, index, drawn), like=images)


def _cut_alike(images: Tensor, drawn: Tensor) -> Tensor:
    """Cut images into patches of the size of those drawn."""
    return cut_patches(images, patch_size=_side(drawn))


def _side(patches: Tensor) -> int:
    """Return the side of patches, (batch, patches, pixels)."""
    return math.isqrt(patches.shape[2] // CHANNELS)


def _standardise(patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return patches with mean 0 and variance 1, their means and their spreads."""
    variance, mean = torch.var_mean(patches, dim=2, keepdim=True)
    spread = (variance + _VARIANCE_FLOOR).sqrt()
    return (patches - mean) / spread, mean, spread


def _join_patches(patches: Tensor, *, like: Tensor) -> Tensor:
    """Put patches together to images of the same shape: undo `cut_patches`."""
    side = _side(patches)
    batch, channels, height, width = like.shape
    cut = patches.view(batch, height // side, width // side, channels, side, side)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(like.shape)

"""Masked pretraining of a convolutional network: filling in hidden patches.

Hidden patches do not exist for the encoder, rather than being black, which would let
the shape of the mask into the features. Running means of the norms are then those of
seen places with fewer neighbours than a whole picture has: in whole pictures, features
are larger than by running means of whole pictures, 1.6 times with random weights (mini,
12 of 49 patches seen) and 1.4 times after 345 steps (10 of 25 seen). A linear map of
such embeddings told ages as well then (mean absolute error 11.9 and 12.0 years on 1,966
other faces; 12.3 without a picture), and training on whole pictures moves the running
means within tens of steps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.network.convolutional import (
    ConvolutionalNetwork,
    ResidualBlock,
    check_images,
    convolution,
    convolve,
    initialise_convolutions,
)
from fahrstats.face.network.convolutional_sizes import WIDTH_STEP
from fahrstats.face.network.masked import count_kept, fill_in, hidden_error
from fahrstats.face.network.positions import fit_positions, sincos_positions
from fahrstats.face.network.sizes import CHANNELS, check_image_size
from fahrstats.face.network.vit import cut_patches, linear


class MaskedConvolutional(nn.Module):
    """A convolutional encoder that sees few patches, and a decoder that draws the rest.

    The encoder works as if hidden places did not exist: they are zero in the image and
    after every convolution, and left out of the means and variances of the norms.

    Parameters
    ----------
    architecture : ConvolutionalArchitecture
        Of the encoder, which is kept; the decoder is thrown away after training.
    patch_size : int
        Side of a patch in pixels, a multiple of the encoder's stride: a place of its
        last feature map must be seen or hidden as a whole.
    mask_ratio : float
        Share of patches that are hidden, between 0 and 1.
    decoder_width, decoder_depth : int
        Channels, a multiple of 8, and residual blocks of the decoder.
    seed : int
        Of the initial parameters; the encoder's are those of a `ConvolutionalNetwork`
        of this seed.

    Attributes
    ----------
    encoder : ConvolutionalNetwork
        Without a head.
    n_patches, n_kept : int
        Patches of an image of the native size, and how many of them stay visible.

    Raises
    ------
    DataError
        If the shapes do not fit, or the ratio leaves none hidden or none visible.

    References
    ----------
    Tian et al. 2023, Designing BERT for Convolutional Networks: Sparse and
    Hierarchical Masked Modeling; Woo et al. 2023, ConvNeXt V2.
    """

    decoder_positions: Tensor

    def __init__(
        self,
        architecture: ConvolutionalArchitecture,
        *,
        patch_size: int = 16,
        mask_ratio: float = 0.75,
        decoder_width: int = 128,
        decoder_depth: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = ConvolutionalNetwork(architecture, 0, seed=seed)
        self.stride = 2 ** len(architecture.widths)
        self.patch_size = patch_size
        self.mask_ratio = mask_ratio
        _check_patch(patch_size, stride=self.stride)
        _check_decoder(decoder_width, depth=decoder_depth)
        side = architecture.image_size
        check_image_size(side, side, patch_size=patch_size)
        self.n_patches = (side // patch_size) ** 2
        self.n_kept = count_kept(self.n_patches, mask_ratio=mask_ratio)
        self.enter = convolution(architecture.width, decoder_width, side=1)
        self.mask_token = nn.Parameter(torch.zeros(1, decoder_width, 1, 1))
        fixed = sincos_positions(decoder_width, side=side // self.stride)
        self.register_buffer("decoder_positions", fixed, persistent=False)
        self.blocks = nn.ModuleList(
            ResidualBlock(decoder_width, decoder_width) for _ in range(decoder_depth)
        )
        self.draw = linear(decoder_width, CHANNELS * self.stride**2)
        initialise_convolutions(self, seed=seed)

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

        Raises
        ------
        DataError
            If the images are not floats, not of three channels or not of whole
            patches, or the order is not of their patches.
        """
        drawn = self.predict(images, order)
        return hidden_error(drawn, images, hidden=order[:, self._n_seen(order) :])

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
        drawn = self.predict(images, order)
        return fill_in(drawn, images, hidden=order[:, self._n_seen(order) :])

    def predict(self, images: Tensor, order: Tensor) -> Tensor:
        """Return all patches, standardised, as drawn from those that are seen.

        Parameters
        ----------
        images, order : Tensor
            As for `forward`.

        Returns
        -------
        Tensor, float32, shape (batch, patches, 3 * patch_size^2)
        """
        visible = self._visible(images, order)
        x = convolve(self.enter, self.encoder.features(images, visible))
        x = torch.where(visible, x, self.mask_token)
        rows, columns = x.shape[2:]
        places = fit_positions(self.decoder_positions, rows=rows, columns=columns)
        x = x + places[:, 1:].transpose(1, 2).reshape(1, -1, rows, columns)
        for block in self.blocks:
            x = block(x)
        pixels = self.draw(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        # (batch, 3, height, width)
        drawn = functional.pixel_shuffle(pixels.float(), self.stride)
        return cut_patches(drawn, patch_size=self.patch_size)

    def _visible(self, images: Tensor, order: Tensor) -> Tensor:
        """Return which places of the last map are seen, (batch, 1, rows, columns)."""
        check_images(images)
        batch, _, height, width = images.shape
        check_image_size(height, width, patch_size=self.patch_size)
        rows, columns = height // self.patch_size, width // self.patch_size
        if order.shape != (batch, rows * columns):
            raise DataError(
                f"`order` has shape {tuple(order.shape)}; for these images it must be "
                f"(batch, patches), {(batch, rows * columns)}."
            )
        seen = torch.zeros_like(order, dtype=torch.bool)
        seen = seen.scatter(1, order[:, : self._n_seen(order)], True)
        grid = seen.view(batch, 1, rows, columns)
        factor = self.patch_size // self.stride
        return grid.repeat_interleave(factor, 2).repeat_interleave(factor, 3)

    def _n_seen(self, order: Tensor) -> int:
        return count_kept(order.shape[1], mask_ratio=self.mask_ratio)


def _check_patch(patch_size: int, *, stride: int) -> None:
    """Refuse patches that share a place of the last feature map."""
    if patch_size < 1 or patch_size % stride:
        raise DataError(
            f"`patch_size` is {patch_size}; it must be a multiple of {stride}, the "
            "pixels on a side of a place of the encoder's last feature map."
        )


def _check_decoder(width: int, *, depth: int) -> None:
    """Refuse a decoder whose width or number of blocks makes no sense."""
    if width < WIDTH_STEP or width % WIDTH_STEP:
        raise DataError(
            f"`decoder_width` is {width}; it must be a multiple of {WIDTH_STEP}."
        )
    if depth < 0:
        raise DataError(f"`decoder_depth` is {depth}; it must be 0 or more.")

"""A compact residual convolutional network, for small data and small budgets.

Group norm (Wu and He 2018), because what comes out for a face must not depend on the
faces beside it, in training as in use, and because nothing but parameters has to be
stored. It costs more than batch norm on a processor, so a block has one norm, not two.
Feature maps lie in memory pixel by pixel: steps of training are 8 to 24 percent faster
on one core than channel by channel (mini, 64 and 112 pixels, float32 and bfloat16).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.network.convolutional_sizes import GROUP, check_convolutional
from fahrstats.face.network.sizes import CHANNELS
from fahrstats.face.network.vit import Precision, linear

_LINEAR_SPREAD = 0.02


class ConvolutionalNetwork(nn.Module):
    """Pictures to the mean of the last feature map, and on to the columns of the head.

    Parameters
    ----------
    architecture : ConvolutionalArchitecture
        Shape of the network.
    n_outputs : int
        Columns of the head (years, or log hazard); 0 for a network without a head.
    seed : int
        Of the initial parameters: convolutions normal with variance 2 / inputs (He et
        al. 2015), the second one of a block zero, so that every block begins as the
        identity; the head normal with spread 0.02; biases 0.

    Raises
    ------
    DataError
        If the numbers of the architecture do not fit together.
    """

    def __init__(
        self,
        architecture: ConvolutionalArchitecture,
        n_outputs: int,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_convolutional(architecture)
        self.architecture = architecture
        self.width = architecture.width
        self.blocks = nn.ModuleList()
        before = CHANNELS
        for width, count in zip(architecture.widths, architecture.blocks, strict=True):
            self.blocks.append(convolution(before, width, stride=2))
            self.blocks.extend(ResidualBlock(width) for _ in range(count))
            before = width
        self.norm = nn.GroupNorm(before // GROUP, before)
        self.head = linear(before, n_outputs) if n_outputs else None
        initialise_convolutions(self, seed=seed)

    def forward(self, images: Tensor) -> Tensor:
        """Return the outputs of the head, float32, shape (batch, n_outputs).

        `images` is as for `embed`.
        """
        if self.head is None:
            raise DataError("This network has no head; ask for `embed`.")
        embedding = self.embed(images)
        with torch.autocast(embedding.device.type, enabled=False):
            outputs: Tensor = self.head(embedding.to(self.head.weight.dtype))
        return outputs

    def embed(self, images: Tensor) -> Tensor:
        """Return the mean of the last feature map, float32, shape (batch, width).

        Parameters
        ----------
        images : Tensor, float, shape (batch, 3, height, width)
            Pixels after the preprocessing of the card, of any size.

        Raises
        ------
        DataError
            If the images are not floats or not of three channels.
        """
        check_images(images)
        x = images.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            # A convolution between blocks halves the sides
            x = convolve(block, x) if isinstance(block, nn.Conv2d) else block(x)
        x = functional.relu(self.norm(x))
        return x.to(self.norm.weight.dtype).mean(dim=(2, 3))


class ResidualBlock(nn.Module):
    """A norm and two convolutions, added to the feature map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(width // GROUP, width)
        self.first = convolution(width, width)
        self.second = convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map features to features, (batch, channels, height, width)."""
        inner = functional.relu(convolve(self.first, self.norm(x)))
        return x + convolve(self.second, inner)


def convolutions_to(
    network: ConvolutionalNetwork, precision: Precision
) -> ConvolutionalNetwork:
    """Set the type in which the convolutions of a network work, in place.

    Parameters
    ----------
    network : ConvolutionalNetwork
        A network in float32.
    precision : str
        ``"float32"``, or ``"bfloat16"``; norms, the mean and the head stay in float32.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(getattr(torch, precision))
    return network


def convolution(n_in: int, n_out: int, *, side: int = 3, stride: int = 1) -> nn.Conv2d:
    """Return a convolution without values, which `initialise_convolutions` gives."""
    made = nn.Conv2d(
        n_in,
        n_out,
        side,
        stride=stride,
        padding=side // 2,
        bias=False,
        device="meta",
    )
    return made.to_empty(device=torch.get_default_device())


def convolve(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve in the type of the weights, and give back the type that came."""
    result: Tensor = convolution(x.to(convolution.weight.dtype))
    return result.to(x.dtype)


def initialise_convolutions(network: nn.Module, *, seed: int) -> None:
    """Draw the convolutions, then the linear maps; a block begins as the identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            spread = (2 / module.weight[0].numel()) ** 0.5
            nn.init.normal_(module.weight, std=spread, generator=generator)
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            nn.init.zeros_(module.second.weight)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=_LINEAR_SPREAD, generator=generator)
            nn.init.zeros_(module.bias)


def check_images(images: Tensor) -> None:
    """Refuse what is not a batch of pictures."""
    if images.ndim != 4 or images.shape[1] != CHANNELS or not min(images.shape[2:]):
        raise DataError(
            f"`images` has shape {tuple(images.shape)}; it must be "
            f"(batch, {CHANNELS}, height, width)."
        )
    if not images.is_floating_point():
        raise DataError(
            f"`images` holds {images.dtype}; it must hold floats, preprocessed as the "
            "card says."
        )

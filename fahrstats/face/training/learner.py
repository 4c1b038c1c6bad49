"""What is trained: a network, and beside it what only its training needs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fahrstats.face.checkpoints.card import AnyArchitecture, ConvolutionalArchitecture
from fahrstats.face.checkpoints.store import Network
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.masked import MaskedAutoencoder
from fahrstats.face.network.masked_convolutional import MaskedConvolutional
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.training.optimisation import ParameterGroup, parameter_groups

Trainable = Network | MaskedAutoencoder | MaskedConvolutional


class Learner(nn.Module):
    """A network that gives one number per face, whatever it is trained for.

    Parameters
    ----------
    network
        A network with one output, or a masked autoencoder, whose number is its loss.
    coefficients
        Of columns, such as age and sex, that are added to the output of the network,
        shape (k,), where they begin. They are learned beside it and thrown away with
        the training: the network then learns what the columns do not tell.
    """

    def __init__(
        self, network: Trainable, *, coefficients: Tensor | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.coefficients = (
            None if coefficients is None else nn.Parameter(coefficients.clone())
        )

    def forward(self, images: Tensor, extra: Tensor | None = None) -> Tensor:
        """Return one number per face, float32, shape (batch,).

        Parameters
        ----------
        images : Tensor, float, shape (batch, 3, height, width)
            Pixels after the preprocessing.
        extra : Tensor, optional
            For an autoencoder the order of the patches, from
            :func:`~fahrstats.face.network.masked.draw_order`; else the covariates,
            shape (batch, k).
        """
        if isinstance(self.network, MaskedAutoencoder | MaskedConvolutional):
            loss: Tensor = self.network(images, extra)
            return loss.expand(len(images))
        outputs: Tensor = self.network(images)[:, 0]
        if self.coefficients is None or extra is None:
            return outputs
        return outputs + extra @ self.coefficients

    @property
    def encoder(self) -> Network:
        """What a checkpoint stores."""
        if isinstance(self.network, MaskedAutoencoder | MaskedConvolutional):
            return self.network.encoder
        return self.network

    def groups(
        self, *, weight_decay: float, layer_decay: float
    ) -> list[ParameterGroup]:
        """Sort the parameters into groups for an optimiser."""
        groups = parameter_groups(
            self.network, weight_decay=weight_decay, layer_decay=layer_decay
        )
        if self.coefficients is not None:
            beside = ParameterGroup(
                params=[self.coefficients], weight_decay=0.0, scale=1.0
            )
            groups.append(beside)
        return groups


def new_network(shape: AnyArchitecture, n_outputs: int, *, seed: int) -> Network:
    """Return a network of a shape, its parameters drawn."""
    if isinstance(shape, ConvolutionalArchitecture):
        return ConvolutionalNetwork(shape, n_outputs, seed=seed)
    return VisionTransformer(shape, n_outputs, seed=seed)


def take_over(network: Network, parameters: Mapping[str, Tensor]) -> None:
    """Give a network the parameters of another one of the same shape.

    The head keeps its own where the other has none.
    """
    own = network.state_dict()
    with torch.no_grad():
        for name, value in own.items():
            if name in parameters:
                value.copy_(parameters[name])


def without_head(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the parameters of a network but those of its head."""
    return {
        name: value
        for name, value in parameters.items()
        if not name.startswith("head.")
    }

"""How far each parameter moves at each step, and the average of where it has been."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypedDict

import torch
from torch import Tensor, nn

from fahrstats.errors import DataError
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.masked import MaskedAutoencoder
from fahrstats.face.network.masked_convolutional import MaskedConvolutional
from fahrstats.face.network.vit import VisionTransformer

_ENTRANCE = ("class_token", "positions", "patch.", "stem")
_TOKENS = ("class_token", "mask_token", "positions")  # vectors, whatever their shape


class ParameterGroup(TypedDict):
    """Parameters that an optimiser treats alike.

    ``scale`` is the share of the learning rate that they are given; see
    `set_learning_rate`.
    """

    params: list[nn.Parameter]
    weight_decay: float
    scale: float


def learning_rate(
    step: int, *, n_steps: int, warm_up: int, peak: float, floor: float = 0.0
) -> float:
    """Return the learning rate of a step: a linear rise, then half a cosine down.

    Step ``s`` of the rise has ``peak * (s + 1) / (warm_up + 1)``, so that no step has
    rate 0. Step ``warm_up`` has ``peak``, and `floor` would be that of step `n_steps`,
    the first that is not taken.

    Parameters
    ----------
    step
        From 0; `n_steps` and beyond have `floor`.
    n_steps
        Steps of the whole training.
    warm_up
        Steps of the rise, from 0 to `n_steps` - 1.
    peak, floor
        Highest and last rate, 0 <= `floor` <= `peak`.

    Raises
    ------
    DataError
        The numbers do not fit together.

    References
    ----------
    Loshchilov and Hutter 2017, SGDR: stochastic gradient descent with warm restarts.
    """
    if step < 0 or not 0 <= warm_up < n_steps:
        raise DataError(
            f"`step` is {step}, `warm_up` {warm_up} and `n_steps` {n_steps}; steps "
            "count from 0, and the rise must be shorter than the training."
        )
    if not 0 <= floor <= peak < math.inf:
        raise DataError(
            f"`floor` is {floor} and `peak` {peak}; give 0 <= floor <= peak."
        )
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    done = min(1.0, (step - warm_up) / (n_steps - warm_up))
    return floor + (peak - floor) * (1 + math.cos(math.pi * done)) / 2


def parameter_groups(
    network: VisionTransformer
    | MaskedAutoencoder
    | ConvolutionalNetwork
    | MaskedConvolutional,
    *,
    weight_decay: float,
    layer_decay: float = 1.0,
) -> list[ParameterGroup]:
    """Sort the parameters of a network into groups for an optimiser.

    Layer 0 is what makes the tokens (patches, class token, positions), layer ``i`` the
    block ``i``, and layer ``depth + 1`` the final norm and the head; a layer learns at
    ``layer_decay ** (depth + 1 - layer)`` of the rate. The decoder of an autoencoder
    learns at the full rate. Biases, norms, tokens and positions have no weight decay.

    Returns
    -------
    list of ParameterGroup
        Every parameter in exactly one group; the slowest layers first.

    Raises
    ------
    DataError
        `weight_decay` is below 0, or `layer_decay` not above 0 and at most 1.

    References
    ----------
    Clark et al. 2020, ELECTRA; He et al. 2022, Masked Autoencoders Are Scalable Vision
    Learners.
    """
    if not 0 <= weight_decay < math.inf:
        raise DataError(f"`weight_decay` is {weight_decay}; it must be 0 or more.")
    if not 0 < layer_decay <= 1:
        raise DataError(
            f"`layer_decay` is {layer_decay}; it must be above 0 and at most 1."
        )
    if isinstance(network, MaskedAutoencoder | MaskedConvolutional):
        encoder: VisionTransformer | ConvolutionalNetwork = network.encoder
    else:
        encoder = network
    last = len(encoder.blocks) + 1
    layers = {
        id(parameter): _layer(name, last=last)
        for name, parameter in encoder.named_parameters()
    }
    found: dict[tuple[int, bool], ParameterGroup] = {}
    for name, parameter in network.named_parameters():
        layer = layers.get(id(parameter), last)
        decays = parameter.ndim > 1 and not name.endswith(_TOKENS)
        group = found.setdefault(
            (layer, decays),
            ParameterGroup(
                params=[],
                weight_decay=weight_decay if decays else 0.0,
                scale=layer_decay ** (last - layer),
            ),
        )
        group["params"].append(parameter)
    return [found[key] for key in sorted(found)]


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group of `parameter_groups` its share of a learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]


class MovingAverage:
    """An average of the parameters over the steps, recent ones weighing most.

    The running means of norms are averaged like parameters, whose features they are of.

    Update ``t``, from 1, keeps ``min(decay, 1 - 1 / t)`` of the average. The first one
    copies the parameters, and until ``1 / (1 - decay)`` updates are done the average is
    the plain mean of those so far: the initial parameters never weigh in, and nothing
    has to be corrected. Whatever is not a float is that of the last update.

    Parameters
    ----------
    network : Module
        Of whose parameters; before the first update the average is a copy of them.
    decay : float
        At least 0 and below 1, such as 0.999.

    Attributes
    ----------
    values : dict of str to Tensor
        By the names of the network's ``state_dict``; floats in float32.
    n_updates : int
        Updates so far.

    Raises
    ------
    DataError
        If `decay` is out of range.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        if not 0 <= decay < 1:
            raise DataError(f"`decay` is {decay}; it must be at least 0 and below 1.")
        self.decay = decay
        self.n_updates = 0
        self._averaged = {
            name for name, x in network.state_dict().items() if x.is_floating_point()
        }
        self.values = {
            name: self._copy(name, value)
            for name, value in network.state_dict().items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the parameters as they are now, after a step of the optimiser."""
        self.n_updates += 1
        new = 1 - min(self.decay, 1 - 1 / self.n_updates)
        for name, value in network.state_dict().items():
            if name in self._averaged:
                self.values[name].lerp_(value.float(), new)
            else:
                self.values[name].copy_(value)

    def copy_to(self, network: nn.Module) -> None:
        """Put the average into a network of the same shape, in place."""
        network.load_state_dict(self.values)

    def restore(self, values: Mapping[str, Tensor], *, n_updates: int) -> None:
        """Go on from the values and the number of updates of an earlier run.

        Raises
        ------
        DataError
            If the names or shapes are not those of this network.
        """
        shapes = {name: x.shape for name, x in self.values.items()}
        if {name: x.shape for name, x in values.items()} != shapes:
            raise DataError(
                f"`values` holds {len(values)} tensors whose names or shapes are not "
                f"those of the {len(shapes)} of this network."
            )
        for name, value in values.items():
            self.values[name].copy_(value)
        self.n_updates = n_updates

    def _copy(self, name: str, value: Tensor) -> Tensor:
        dtype = torch.float32 if name in self._averaged else value.dtype
        return value.detach().to(dtype, copy=True)


def _layer(name: str, *, last: int) -> int:
    """Return the layer of a parameter of an encoder."""
    if name.startswith(_ENTRANCE):
        return 0
    if name.startswith("blocks."):
        return int(name.split(".")[1]) + 1
    return last

"""Gradient-weighted attention rollout of a vision transformer.

References
----------
Chefer, Gur and Wolf (2021), Generic attention-model explainability for interpreting
bi-modal and encoder-decoder transformers, ICCV, 397-406 (their equations 5, 6 and 8
for self-attention).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fahrstats.errors import DataError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.saliency.explanation import Explanation, explained_by_maps
from fahrstats.face.saliency.networks import OpenNetwork


def rollout(network: OpenNetwork, faces: Sequence[FoundFace]) -> Explanation:
    """Explain scores of a vision transformer by where its attention comes from.

    In every block, attention is multiplied by the gradient of the score and what would
    lower the score is cut off; the mean over heads says how much of a token goes into
    another. Followed through all blocks, this gives the relevance of each patch for
    the class token. It is not in the units of the score and has no sign: a map adds up
    to 1, and tells only what speaks for a higher score.

    Parameters
    ----------
    network
        A vision transformer.
    faces
        The n faces, taken one by one: one pass forward and one back for each score.

    Raises
    ------
    DataError
        The network has no attention.
    """
    transformer = check_attention(network)
    scores = np.empty((len(faces), len(network.columns)))
    side = network.pixels_wanted // transformer.architecture.patch_size
    crops = np.empty((*scores.shape, side, side))
    for i, face in enumerate(faces):
        outputs, attention = _attended(transformer, network.inputs([face]))
        scores[i] = outputs[0].detach().cpu().numpy()
        for column in range(len(network.columns)):
            found = _relevance(outputs[0, column], attention)
            crops[i, column] = found.reshape(side, side)
    return explained_by_maps(
        scores, crops, margin=network.card.preprocessing.crop_margin
    )


def check_attention(network: OpenNetwork) -> VisionTransformer:
    """Return the vision transformer that a network is.

    Raises
    ------
    DataError
        It is none, and has no attention.
    """
    if isinstance(network.network, VisionTransformer):
        return network.network
    raise DataError(
        f"`{network.name}` is a convolutional network and has no attention to follow; "
        "explain it by ablation, occlusion or integrated gradients."
    )


def _attended(
    network: VisionTransformer, images: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Return outputs and attention that gradients can be taken of."""
    return network.forward_with_attention(images.requires_grad_())


def _relevance(score: Tensor, attention: list[Tensor]) -> NDArray[np.float64]:
    """Return the relevance of each patch for one score, shape (patches,); sum 1.

    Where nothing speaks for a higher score, every patch has the same.
    """
    gradients = torch.autograd.grad(score, attention, retain_graph=True)
    n_tokens = attention[0].shape[-1]
    relevance = torch.eye(n_tokens, dtype=torch.float64)
    for shares, gradient in zip(attention, gradients, strict=True):
        weighted = (gradient * shares).clamp(min=0)[0].mean(dim=0)  # (tokens, tokens)
        relevance = relevance + weighted.detach().double().cpu() @ relevance
    patches = relevance[0, 1:].numpy()
    total = patches.sum()
    if total == 0:
        return np.full(patches.shape, 1 / len(patches))
    return np.asarray(patches / total, np.float64)

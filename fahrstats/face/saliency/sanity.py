"""Whether a way of explaining can be believed: what random parameters leave of it.

An explanation that stays the same when what was learned is thrown away has shown the
photo and not the model (Adebayo et al. 2018).

References
----------
Adebayo et al. (2018), Sanity checks for saliency maps, NeurIPS 31:9505-9515.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.store import Network
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.face.saliency.explanation import (
    LARGEST_CORRELATION,
    Explanation,
    Method,
)
from fahrstats.face.saliency.networks import OpenNetwork
from fahrstats.face.saliency.reading import explain

_CELL = 8  # maps are compared in cells of so many pixels


def randomisation_check(
    network: OpenNetwork,
    faces: Sequence[FoundFace],
    *,
    method: Method = "ablation",
    n_draws: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Explain a network again after its parameters are drawn anew, from the head down.

    Parameters
    ----------
    network
        The trained network.
    faces
        Some faces, at least two.
    method
        How it is explained.
    n_draws
        Draws of the parameters; more than one, since a random head has a random sign.
    seed
        Of the first draw.

    Returns
    -------
    DataFrame
        One row per stage, the last with all parameters drawn: ``randomised``, the
        parameters that were drawn last, those of earlier rows being drawn too;
        ``correlation``, the mean over draws, faces and scores of the absolute rank
        correlation between the importance before and after (of regions, or of cells of
        8 pixels where there are maps), of signed values or of sizes, whichever
        is larger; ``largest``, the largest mean of a draw; and ``passed``, whether
        ``correlation`` is at most 0.5, which the last row must be.

    Raises
    ------
    DataError
        There are fewer than two faces, or ``n_draws`` is not positive.
    """
    if len(faces) < 2 or n_draws < 1:
        raise DataError(
            f"The check needs at least two `faces` and one draw, but there are "
            f"{len(faces)} and {n_draws}."
        )
    trained = _values(explain(network, faces, method))
    stages = _stages(network.network)
    found = np.empty((len(stages), n_draws, 2))
    for draw in range(n_draws):
        drawn = network.network
        for number, names in enumerate(stages.values()):
            drawn = _redrawn(drawn, names, seed=seed + draw)
            after = explain(replace(network, network=drawn), faces, method)
            found[number, draw] = _agreements(trained, _values(after))
    correlation = found.mean(axis=1).max(axis=1)
    return pd.DataFrame(
        {
            "randomised": list(stages),
            "correlation": correlation,
            "largest": found.max(axis=(1, 2)),
            "passed": correlation <= LARGEST_CORRELATION,
        }
    )


def _stages(network: Network) -> dict[str, list[str]]:
    """Return the parameters by part of the network, the head first."""
    stages: dict[str, list[str]] = {}
    for name in reversed(network.state_dict()):
        parts = name.split(".")
        stage = ".".join(parts[:2]) if parts[0] == "blocks" else parts[0]
        stages.setdefault(stage, []).append(name)
    return dict(sorted(stages.items(), key=lambda item: item[0] != "head"))


def _redrawn(network: Network, names: Sequence[str], *, seed: int) -> Network:
    """Return a network some of whose parameters are those that training starts from."""
    assert network.head is not None
    drawn: Network
    if isinstance(network, VisionTransformer):
        drawn = VisionTransformer(
            network.architecture, network.head.out_features, seed=seed
        )
    else:
        drawn = ConvolutionalNetwork(
            network.architecture, network.head.out_features, seed=seed
        )
    device = network.head.weight.device
    fresh = drawn.state_dict()
    kept = {k: v for k, v in network.state_dict().items() if k not in set(names)}
    drawn.load_state_dict({**fresh, **kept})
    return drawn.to(device).eval().requires_grad_(False)


def _values(explanation: Explanation) -> NDArray[np.float64]:
    """Return what is compared, shape (n, k, values)."""
    if explanation.maps is None:
        return explanation.regions
    n, k, side, _ = explanation.maps.shape
    cells = explanation.maps.reshape(n, k, side // _CELL, _CELL, side // _CELL, _CELL)
    return np.asarray(cells.sum(axis=(3, 5), dtype=np.float64).reshape(n, k, -1))


def _agreements(
    before: NDArray[np.float64], after: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the agreement of signed values, and of sizes.

    Random parameters draw signs at random too, which would hide sizes that stay.
    """
    return _agreement(before, after), _agreement(np.abs(before), np.abs(after))


def _agreement(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Return the mean absolute rank correlation; what is always 0 does not count."""
    seen = (before != 0).any(axis=(0, 1)) | (after != 0).any(axis=(0, 1))
    pairs = zip(
        before[..., seen].reshape(-1, seen.sum()),
        after[..., seen].reshape(-1, seen.sum()),
        strict=True,
    )
    found = [
        0.0 if np.ptp(x) == 0 or np.ptp(y) == 0 else abs(float(spearmanr(x, y)[0]))
        for x, y in pairs
    ]
    return float(np.mean(found))

"""Pretraining: filling in hidden patches, without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from fahrstats.face.checkpoints.card import ConvolutionalArchitecture, Output
from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.network.masked import MaskedAutoencoder, draw_order
from fahrstats.face.network.masked_convolutional import MaskedConvolutional
from fahrstats.face.network.sizes import n_patches
from fahrstats.face.pictures.photos import hash_of
from fahrstats.face.training.config import Config, Stage
from fahrstats.face.training.faces.batches import shuffled_batches
from fahrstats.face.training.faces.crops import Crops
from fahrstats.face.training.learner import Learner, take_over, without_head
from fahrstats.face.training.tasks.task import FloatArray, labels_of, left_out_of, under
from fahrstats.resampling import IntArray

_HEAD_WIDTH = 32  # of a head of the decoder's attention


class Pretraining:
    """Filling in hidden patches; needs no labels."""

    outputs: tuple[Output, ...] = ()
    error_name = "none"
    tune_extra: Tensor | None = None

    def __init__(self, config: Config, crops: Crops) -> None:
        self._config = config
        labels = None if config.labels is None else labels_of(config, crops)
        if labels is None:
            self.rows, self.left_out = np.arange(len(crops)), ""
        else:
            self.rows = labels.of("train").row
            self.left_out = left_out_of(labels, crops)
        chosen = hash_of(str(row) for row in self.rows.tolist())
        self.data = hash_of([crops.fingerprint, chosen])
        self.tune_rows = np.empty(0, np.int64)

    def learner(self, seed: int) -> Learner:
        """Return a masked autoencoder."""
        told = self._config
        if isinstance(told.architecture, ConvolutionalArchitecture):
            return Learner(
                MaskedConvolutional(
                    told.architecture,
                    patch_size=told.patch_size,
                    mask_ratio=told.mask_ratio,
                    decoder_width=told.decoder_width,
                    decoder_depth=told.decoder_depth,
                    seed=seed,
                )
            )
        return Learner(
            MaskedAutoencoder(
                told.architecture,
                decoder_width=told.decoder_width,
                decoder_depth=told.decoder_depth,
                decoder_heads=_n_heads(told.decoder_width),
                mask_ratio=told.mask_ratio,
                seed=seed,
            )
        )

    def begin(self, learner: Learner, start: Checkpoint) -> None:
        """Begin from an encoder; the decoder is drawn."""
        take_over(learner.encoder, without_head(start.parameters))

    def batches(self, stage: Stage, *, seed: int, epoch: int) -> Sequence[IntArray]:
        """Return every photo once."""
        return shuffled_batches(
            len(self.rows), batch_size=stage.batch_size, seed=seed, epoch=epoch
        )

    def extra(self, places: IntArray, generator: torch.Generator) -> Tensor:
        """Return which patches are hidden."""
        shape = self._config.architecture
        n = (
            (shape.image_size // self._config.patch_size) ** 2
            if isinstance(shape, ConvolutionalArchitecture)
            else n_patches(shape)
        )
        return draw_order(len(places), n_patches=n, generator=generator)

    def loss(self, outputs: Tensor, places: IntArray) -> Tensor:
        """Return the mean over the faces, all of which hide as many patches."""
        return outputs.mean()

    def error(self, outputs: FloatArray) -> float:
        """Nothing is tuned."""
        return float("nan")

    def stored(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the encoder."""
        return under("network.encoder.", parameters)

    def describe(self, stage: Stage) -> str:
        """Say how many photos there are."""
        return f"{len(self.rows):,} photos, {self._config.mask_ratio:.0%} hidden"


def _n_heads(width: int) -> int:
    """Return how many heads share a width, each about as wide as usual."""
    most = max(1, width // _HEAD_WIDTH)
    return next(n for n in range(most, 0, -1) if width % n == 0)

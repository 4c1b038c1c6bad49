"""Running a network: device, number format and batches are decided here alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.store import Checkpoint, Network
from fahrstats.face.network.convolutional import (
    ConvolutionalNetwork,
    convolutions_to,
)
from fahrstats.face.network.vit import Precision, to_precision

Device = Literal["auto", "cpu", "cuda"]
WantedPrecision = Literal["auto", "float32", "bfloat16"]

_BATCH = {"cpu": 8, "cuda": 256}


class Engine:
    """A network that is ready to read faces.

    Every pass has the same number of rows, the last one filled up with zeros, because
    matrix products of another size may round differently. On one thread, what comes
    out for a face depends neither on the other faces nor on how many there are, to the
    last bit; on several threads it may in the last digit, because products are cut at
    other rows.

    Parameters
    ----------
    checkpoint
        The trained network.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"``: CUDA where there is a device.
    precision
        ``"float32"``, ``"bfloat16"`` (the large matrix products), or ``"auto"``:
        bfloat16 where the processor multiplies it natively. Norms and the head compute
        in float32 in any case, and so do the sums of a transformer. Ages of a small
        transformer trained for seconds, on 300 made faces, differed by 0.03 years in
        the median and by 0.18 at most; those of a convolutional network (mini, trained
        for an epoch), on 304 photographed ones, by 0.02 and 0.20. Measure the
        difference for a checkpoint whose scores you print.

    Attributes
    ----------
    device, precision : str
        What was chosen.
    batch_size : int
        Rows of a pass; other numbers of faces cost as much as the next multiple.

    Raises
    ------
    DataError
        CUDA is asked for and absent, or an option is unknown.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: Device = "auto",
        precision: WantedPrecision = "auto",
    ) -> None:
        self.device = choose_device(device)
        self.precision: Precision = _precision(precision, self.device)
        self.batch_size = _BATCH[self.device]
        self._name = checkpoint.name
        self._width = checkpoint.card.architecture.width
        self._n_outputs = len(checkpoint.card.outputs)
        network = _to_precision(checkpoint.network(), self.precision)
        self._network = network.to(self.device).eval().requires_grad_(False)

    def outputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns of the head, shape (n, k).

        Parameters
        ----------
        inputs
            Prepared faces, shape (n, 3, s, s).

        Raises
        ------
        DataError
            The network has no head, or gives numbers that are not finite.
        """
        return self._run(self._network, inputs, self._n_outputs)

    def embeddings(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors before the head, shape (n, d).

        Parameters
        ----------
        inputs
            Prepared faces, shape (n, 3, s, s).

        Raises
        ------
        DataError
            The network gives numbers that are not finite.
        """
        return self._run(self._network.embed, inputs, self._width)

    def _run(
        self, read: Callable[[Tensor], Tensor], inputs: NDArray[np.float32], width: int
    ) -> NDArray[np.float32]:
        """Pass all inputs through ``read``, in batches of one size."""
        found = np.empty((len(inputs), width), np.float32)
        for start in range(0, len(inputs), self.batch_size):
            rows = inputs[start : start + self.batch_size]
            batch = torch.zeros((self.batch_size, *rows.shape[1:]))
            batch[: len(rows)] = torch.from_numpy(rows)
            with torch.inference_mode():
                result = read(batch.to(self.device))[: len(rows)]
            found[start : start + len(rows)] = result.float().cpu().numpy()
        n_broken = int((~np.isfinite(found).all(axis=1)).sum())
        if n_broken:
            raise DataError(
                f"`{self._name}` gives no finite number for {n_broken} of "
                f"{len(found)} faces in {self.precision}; the checkpoint is broken."
            )
        return found


def choose_device(wanted: Device) -> Literal["cpu", "cuda"]:
    """Return the device to use.

    Raises
    ------
    DataError
        CUDA is asked for and absent, or the device is unknown.
    """
    if wanted not in get_args(Device):
        raise DataError(f"`device` is `{wanted}`; choose `auto`, `cpu` or `cuda`.")
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise DataError(
            "`device` is `cuda`, but torch finds no CUDA device here; choose `cpu`, or "
            "install a torch that is built for your GPU."
        )
    return "cuda" if has_cuda and wanted != "cpu" else "cpu"


def _precision(wanted: WantedPrecision, device: str) -> Precision:
    """Return the number format to use."""
    if wanted not in get_args(WantedPrecision):
        raise DataError(
            f"`precision` is `{wanted}`; choose `auto`, `float32` or `bfloat16`."
        )
    if wanted != "auto":
        return wanted
    if device == "cuda":
        return (
            "bfloat16"
            if torch.cuda.is_bf16_supported(including_emulation=False)
            else "float32"
        )
    return "bfloat16" if _multiplies_bfloat16() else "float32"


def _to_precision(network: Network, precision: Precision) -> Network:
    """Set the type of the large products of a network of either kind."""
    if isinstance(network, ConvolutionalNetwork):
        return convolutions_to(network, precision)
    return to_precision(network, precision)


def _multiplies_bfloat16() -> bool:
    """Tell whether the processor multiplies bfloat16; elsewhere it is slower."""
    can = torch.cpu.get_capabilities()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))

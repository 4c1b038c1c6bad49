"""Files of parameters that others wrote: tensors by name, and no code."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import safe_globals

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.names import PARAMETERS

_INNER = ("model_state_dict", "state_dict", "model")
_PARALLEL = "module."  # put before every name by torch's DataParallel
_NAMED = 8  # keys that a message names


class _Unread:
    """Stands for what a training script keeps beside the parameters."""

    def __new__(cls, *_: object) -> _Unread:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        pass


# Classes of numpy and argparse are replaced, not imported: nothing of theirs is run.
_UNREAD: list[Any] = [
    (_Unread, name)
    for name in (
        "argparse.Namespace",
        "numpy.dtype",
        "numpy.ndarray",
        *(
            f"numpy.{core}.multiarray.{function}"
            for core in ("core", "_core")
            for function in ("scalar", "_reconstruct")
        ),
    )
]


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the parameters in a file of torch or safetensors.

    Parameters
    ----------
    file
        Tensors by name, or a dict that holds them as ``model_state_dict``,
        ``state_dict`` or ``model``; all else in it, such as the state of an optimiser,
        is left alone.

    Raises
    ------
    DataError
        The file is damaged, would have to run code, holds no tensors by name, or one
        that is not of floating-point numbers, each stored once.
    """
    is_ours = file.suffix == PARAMETERS
    tensors = _from_safetensors(file) if is_ours else _named_tensors(file)
    for name, tensor in tensors.items():
        _check(tensor, f"`{file}`: `{name}`")
    return _without_parallel(tensors)


def _named_tensors(file: Path) -> dict[str, Tensor]:
    """Read the tensors by name in a file of torch."""
    content = _from_torch(file)
    for key in _INNER:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    is_named = isinstance(content, dict) and bool(content)
    if not is_named or not all(isinstance(x, Tensor) for x in content.values()):
        known = ", ".join(f"`{key}`" for key in _INNER)
        keys = [f"`{key}`" for key in content] if isinstance(content, dict) else []
        there = f" (it holds {', '.join(keys[:_NAMED])})" if keys else ""
        raise DataError(
            f"`{file}` holds no tensors by name, neither by themselves nor as {known}"
            f"{there}; write the `state_dict()` of the network."
        )
    return {str(key): tensor for key, tensor in content.items()}


def _check(tensor: Tensor, where: str) -> None:
    """Refuse what is no parameter: whole numbers would be read without their scale."""
    is_dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    if not is_dense or not tensor.dtype.is_floating_point or tensor.ndim == 0:
        kind = f"{tensor.dtype} ({tensor.layout}, {tensor.device}, {tensor.ndim}-d)"
        raise DataError(
            f"{where} holds {kind}; parameters are dense arrays of floating-point "
            "numbers."
        )
    if tensor.nbytes > tensor.untyped_storage().nbytes():
        raise DataError(
            f"{where} claims {tensor.numel()} numbers and stores fewer; write the "
            "`state_dict()` of the network again."
        )


def _from_safetensors(file: Path) -> dict[str, Tensor]:
    """Read a safetensors file."""
    try:
        return load_file(file)
    except SafetensorError as error:
        raise DataError(f"`{file}` is not a safetensors file: {error}.") from error


def _from_torch(file: Path) -> Any:
    """Read a file of torch.save; numbers, text and containers of these only."""
    file.open("rb").close()  # an absent file is not a damaged one
    is_mapped = zipfile.is_zipfile(file)
    try:
        with warnings.catch_warnings(), safe_globals(_UNREAD):
            warnings.simplefilter("ignore")  # about versions of pickle
            return torch.load(
                file, map_location="cpu", weights_only=True, mmap=is_mapped
            )
    except UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        needs = f"`{asked[1]}`" if asked else "more than numbers and text"
        raise DataError(
            f"`{file}` was not read: it asks for {needs}, which may run code. Ask its "
            "authors for the parameters alone, as safetensors or as the `state_dict()` "
            "of the network."
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # torch raises many kinds on damaged files
        reason = str(error).partition("\n")[0]
        raise DataError(f"`{file}` is damaged or no file of torch: {reason}") from error


def _without_parallel(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take the prefix of parallel training off the names, where all have it."""
    if not all(name.startswith(_PARALLEL) for name in tensors):
        return tensors
    return {name.removeprefix(_PARALLEL): tensor for name, tensor in tensors.items()}

"""The state of a training on disk: all that an exact resume needs.

A state is one file of safetensors, whose metadata hold the numbers and texts as JSON;
nothing is pickled. It appears whole or not at all, and the one before it is kept.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from fahrstats.errors import DataError, ResultWarning
from fahrstats.files import remove_partial, write_whole

_TENSORS = ("network", "average", "moments")
_TEXTS: dict[str, type] = {
    "step": int,
    "n_averaged": int,
    "config": str,
    "data": str,
    "numbers": dict,
}
_KEY = "fahrstats"
_MANY = 4  # lines that a message shows


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TrainingState:
    """Where a training stands, after a whole step.

    Learning rates, epochs and what is drawn are not part of it: they follow from `step`
    and `config`.

    Attributes
    ----------
    step : int
        Steps done.
    network : mapping of str to Tensor
        The ``state_dict`` of the network.
    average : mapping of str to Tensor
        ``values`` of the `MovingAverage`; empty where there is none.
    n_averaged : int
        Its ``n_updates``.
    moments : mapping of str to Tensor
        From `moments_of`.
    config : str
        Text of the configuration.
    data : str
        Fingerprint of crops and labels.
    numbers : mapping of str to float
        What else the loop remembers, such as its best error so far.
    """

    step: int
    network: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    n_averaged: int
    moments: Mapping[str, Tensor]
    config: str
    data: str
    numbers: Mapping[str, float]


def save_state(folder: Path, state: TrainingState) -> Path:
    """Write a state, then delete all but it and the last one before it.

    States of later steps are deleted too: a run that comes to write an earlier one did
    not go on from them.

    Returns
    -------
    Path
        The file, ``state-<step>.safetensors`` in `folder`.
    """
    tensors = {
        f"{part}/{name}": tensor.detach().cpu().contiguous()
        for part in _TENSORS
        for name, tensor in getattr(state, part).items()
    }
    texts = {name: getattr(state, name) for name in _TEXTS}
    texts["numbers"] = dict(state.numbers)
    content = save(tensors, metadata={_KEY: json.dumps(texts)})
    path = folder / f"state-{state.step:09d}.safetensors"
    write_whole(path, lambda partial: partial.write_bytes(content))
    older = [file for file in _newest_first(folder) if file.name < path.name]
    for file in _newest_first(folder):
        if file not in (path, *older[:1]):
            file.unlink()
    remove_partial(folder)
    return path


def load_state(folder: Path, *, config: str, data: str) -> TrainingState | None:
    """Read the newest state that is whole; None where `folder` holds no state.

    Parameters
    ----------
    folder
        Where `save_state` wrote.
    config, data
        Of the run that wants to go on; a state of another one is refused.

    Raises
    ------
    DataError
        No state in the folder is whole, or it is of another configuration or other
        data.

    Warns
    -----
    ResultWarning
        A newer state is damaged, and the one before it is used.
    """
    files = _newest_first(folder)
    damaged: list[str] = []
    for file in files:
        try:
            state = _read(file)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            damaged.append(f"`{file.name}` ({error})")
            continue
        _check_same(state, file, config=config, data=data)
        if damaged:
            warnings.warn(
                f"In `{folder}`, {', '.join(damaged)} cannot be read; the training "
                f"goes on from step {state.step}, `{file.name}`.",
                ResultWarning,
                stacklevel=2,
            )
        return state
    if damaged:
        raise DataError(
            f"In `{folder}`, none of {len(files)} states can be read: "
            f"{', '.join(damaged)}. Delete them to train from the start."
        )
    return None


def moments_of(
    optimiser: torch.optim.Optimizer, network: nn.Module
) -> dict[str, Tensor]:
    """Return what an optimiser remembers of every parameter, as ``<name>/<what>``."""
    return {
        f"{name}/{what}": value
        for name, parameter in network.named_parameters()
        for what, value in optimiser.state.get(parameter, {}).items()
    }


def restore_moments(
    optimiser: torch.optim.Optimizer,
    network: nn.Module,
    moments: Mapping[str, Tensor],
) -> None:
    """Give an optimiser what `moments_of` returned, on the device of each parameter.

    Raises
    ------
    DataError
        If a moment belongs to no parameter, or has another shape than it.
    """
    parameters = dict(network.named_parameters())
    for key, value in moments.items():
        name, _, what = key.rpartition("/")
        parameter = parameters.get(name)
        if parameter is None or (value.ndim and value.shape != parameter.shape):
            raise DataError(
                f"`moments` holds `{key}` of shape {tuple(value.shape)}, which fits no "
                "parameter of the network."
            )
        # Counts of steps, of no dimension, stay on the CPU, where AdamW makes them.
        device = parameter.device if value.ndim else torch.device("cpu")
        optimiser.state[parameter][what] = value.to(device, copy=True)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("state-*.safetensors"), reverse=True)


def _read(path: Path) -> TrainingState:
    content = path.read_bytes()
    tensors = load(content)
    n_header = int.from_bytes(content[:8], "little")  # safetensors: its length first
    header = json.loads(content[8 : 8 + n_header])
    texts = json.loads(header["__metadata__"][_KEY])
    for name, kind in _TEXTS.items():
        if not isinstance(texts[name], kind):
            raise TypeError(f"`{name}` is no {kind.__name__}")
    fields: dict[str, Any] = {name: texts[name] for name in _TEXTS}
    fields |= {part: {} for part in _TENSORS}
    for key, tensor in tensors.items():
        part, _, name = key.partition("/")
        fields[part][name] = tensor
    return TrainingState(**fields)


def _check_same(state: TrainingState, file: Path, *, config: str, data: str) -> None:
    """Refuse a state of another run."""
    if state.config != config:
        was, now = list(_settings(state.config)), list(_settings(config))
        gone = [line for line in was if line not in now]
        come = [line for line in now if line not in was]
        raise DataError(
            f"`{file}` is of another configuration: it was {_shown(gone)} and is "
            f"{_shown(come)}. Undo the change, or train into another folder."
        )
    if state.data != data:
        raise DataError(
            f"`{file}` is of other data: crops or labels, or who is in which split, "
            f"have changed (`{state.data[:12]}`, now `{data[:12]}`). Give the same "
            "ones, or train into another folder."
        )


def _settings(config: str) -> Iterator[str]:
    """Yield the settings of a configuration, also those within its stages, one each."""
    for line in config.splitlines():
        name, is_set, value = line.partition(" = ")
        yield from _leaves(name, json.loads(value)) if is_set else [line]


def _leaves(name: str, value: Any) -> Iterator[str]:
    """Yield single settings; lists that hold no others are one, as bins of ages are."""
    inner: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        inner = enumerate(value, start=1)
    else:
        yield f"{name} = {json.dumps(value)}"
        return
    for key, one in inner:
        yield from _leaves(f"{name} {key}", one)


def _shown(lines: list[str]) -> str:
    """Show some lines; there are none where only their order or number changed."""
    some = ", ".join(f"`{line.strip()}`" for line in lines[:_MANY])
    more = f" and {len(lines) - _MANY} more lines" if len(lines) > _MANY else ""
    return some + more if lines else "no other line"

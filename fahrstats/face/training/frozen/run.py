"""FaceSurvival of a cohort's own photos from frozen embeddings, without optimism."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fahrstats.cohort.store import PROVENANCE_KEY, read_provenance
from fahrstats.errors import DataError
from fahrstats.face.training.frozen.checkpoint import open_network, save_with_head
from fahrstats.face.training.frozen.cohort import EmbeddedCohort, read_cohort
from fahrstats.face.training.frozen.config import (
    FrozenConfig,
    Per,
    read_frozen_config,
)
from fahrstats.face.training.frozen.cross_fit import CrossFitted, cross_fit_faces
from fahrstats.face.training.frozen.heads import fit_head
from fahrstats.face.training.frozen.rank_check import RankCheck, check_ranks
from fahrstats.files import file_sha256, write_whole
from fahrstats.watching import Watch

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MADE = "cross-fitted FaceSurvival"
_N_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRun:
    """What came of a head on frozen embeddings.

    Attributes
    ----------
    scores : Path
        Table of cross-fitted scores.
    checkpoint : Path or None
        Checkpoint with the head of all subjects.
    network : str
        What embedded the photos.
    n_photos, n_subjects, n_events : int
        Photos scored, whom they show, and how many of these had the event.
    n_without_label, n_without_follow_up : int
        Embedded photos that are left out.
    penalty : float
        Of the head of all subjects.
    fold_penalties : tuple of float
        Of the heads of the folds.
    out_of_fold : RankCheck
        Concordance of the cross-fitted scores, one a subject.
    in_sample : RankCheck
        Concordance of the head with the subjects it was fitted to: optimistic.
    """

    scores: Path
    checkpoint: Path | None
    network: str
    n_photos: int
    n_subjects: int
    n_events: int
    n_without_label: int
    n_without_follow_up: int
    penalty: float
    fold_penalties: tuple[float, ...]
    out_of_fold: RankCheck
    in_sample: RankCheck

    def summary(self) -> str:
        """Describe the result as text."""
        low, high = self.out_of_fold.interval
        folds = [f"{penalty:.3g}" for penalty in self.fold_penalties]
        lines = [
            f"FaceSurvival on frozen embeddings of {self.network}",
            f"{self.n_photos:,} photos of {self.n_subjects:,} subjects, "
            f"{self.n_events:,} events",
            f"Left out: {self.n_without_label:,} photos without a label, "
            f"{self.n_without_follow_up:,} without follow-up",
            f"Penalty {self.penalty:.3g}; of the {len(folds)} folds {', '.join(folds)}",
            f"C out of fold  {self.out_of_fold.c_index:.4f}  "
            f"95% CI {low:.4f} to {high:.4f}",
            f"C in sample    {self.in_sample.c_index:.4f}  optimistic: the head was "
            "fitted to these subjects",
            f"Scores: {self.scores}",
        ]
        if self.checkpoint is not None:
            lines.append(f"Checkpoint: {self.checkpoint}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def train_frozen(
    path: Path, watch: Watch = lambda step, position, total: None
) -> FrozenRun:
    """Score a cohort by heads that never saw the subject scored, into a table.

    Subjects are dealt into folds, and a ridge Cox head is fitted without each, as
    :func:`~fahrstats.face.training.frozen.cross_fit.cross_fit` does. The table has the
    columns ``photo``, ``subject`` (where it is known), ``facesurvival`` (standardised
    by fold), ``log_hazard`` and ``fold``; with ``per = "subject"``, ``subject``, the
    means of both over a subject's photos, ``fold`` and ``n_photos``. Copies of a file
    count once. Where the file asks for a checkpoint, it holds the network and a head
    fitted to all subjects.

    Parameters
    ----------
    path
        The configuration in TOML: [data] ``embeddings``, ``labels``; [frozen]
        ``folds``, ``seed``, ``penalties``, ``checkpoint``; [output] ``scores``,
        ``per``, ``checkpoint``, ``name``, ``training_data``, ``licence``, ``notes``.
    watch
        Told about the progress.

    Raises
    ------
    DataError
        As :func:`~fahrstats.face.training.frozen.config.read_frozen_config`,
        :func:`~fahrstats.face.training.frozen.cohort.read_cohort` and
        :func:`~fahrstats.face.training.frozen.cross_fit.cross_fit`; the embeddings are
        not of the checkpoint named; or what is to be written would replace something
        else.
    ConvergenceError
        A maximum was not reached.
    """
    watch("reading the embeddings", 0, _N_STEPS)
    config = read_frozen_config(path)
    _check_replaceable(config.scores)
    cohort = read_cohort(config.embeddings, config.labels)
    _check_per(config, cohort)
    network = None
    if config.network is not None:
        network = open_network(config.network, cohort.checkpoint, config.embeddings)
    watch("scoring every fold by the others", 1, _N_STEPS)
    faces = cohort.faces()
    fitted = cross_fit_faces(faces, config.penalties, config.n_folds, config.seed)
    watch("fitting the head of all subjects", 2, _N_STEPS)
    people = faces.by_subject()
    head = fit_head(people, config.penalties, config.n_folds, config.seed)
    out_of_fold = check_ranks(people, _means(fitted.score, faces.subject))
    watch("writing", 3, _N_STEPS)
    if network is not None and config.checkpoint is not None:
        save_with_head(network, head, out_of_fold, config)
    run = FrozenRun(
        scores=config.scores,
        checkpoint=config.checkpoint,
        network=cohort.checkpoint,
        n_photos=cohort.photo.size,
        n_subjects=head.n,
        n_events=head.n_events,
        n_without_label=cohort.n_without_label,
        n_without_follow_up=cohort.n_without_follow_up,
        penalty=head.penalty,
        fold_penalties=tuple(one.penalty for one in fitted.heads),
        out_of_fold=out_of_fold,
        in_sample=check_ranks(people, head.predict(people.embeddings)),
    )
    table = _scores(cohort, fitted, config.per)
    _write(table, config.scores, _provenance(config, cohort, run))
    return run


def _check_replaceable(scores: Path) -> None:
    """Refuse to write over anything but an older table of such scores."""
    if scores.exists() and (read_provenance(scores) or {}).get("made") != _MADE:
        raise DataError(
            f"`{scores.name}` exists and is not a table of cross-fitted scores; give "
            "`scores` another name."
        )


def _check_per(config: FrozenConfig, cohort: EmbeddedCohort) -> None:
    """Refuse one row a subject where nobody says who the subjects are."""
    if config.per == "subject" and not cohort.names_subjects:
        raise DataError(
            '[output]: `per` is "subject", but neither table says whom photos show; '
            "give a column `subject`, or write one row a photo."
        )


def _means(score: FloatArray, subject: IntArray) -> FloatArray:
    """Return the mean score of each subject, by its code."""
    return np.bincount(subject, weights=score) / np.bincount(subject)


def _scores(cohort: EmbeddedCohort, fitted: CrossFitted, per: Per) -> pd.DataFrame:
    """Return the table of scores, copies of a file beside each other's score."""
    at = np.searchsorted(cohort.distinct, cohort.original)
    table = pd.DataFrame(
        {
            "photo": cohort.photo,
            "subject": cohort.subject,
            "facesurvival": fitted.score[at],
            "log_hazard": fitted.log_hazard[at],
            "fold": fitted.fold[at],
        }
    )
    if per == "photo":
        return table if cohort.names_subjects else table.drop(columns="subject")
    by_subject = table.iloc[cohort.distinct].groupby("subject", sort=False)
    return by_subject.agg(
        facesurvival=("facesurvival", "mean"),
        log_hazard=("log_hazard", "mean"),
        fold=("fold", "first"),
        n_photos=("photo", "size"),
    ).reset_index()


def _provenance(
    config: FrozenConfig, cohort: EmbeddedCohort, run: FrozenRun
) -> dict[str, Any]:
    """Return what the scores depend on, and how they rank the cohort."""
    return {
        "made": _MADE,
        "package": version("fahrstats"),
        "embeddings": file_sha256(config.embeddings),
        "labels": file_sha256(config.labels),
        "checkpoint": cohort.checkpoint,
        "precision": cohort.precision,
        "folds": config.n_folds,
        "seed": config.seed,
        "penalties": run.fold_penalties,
        "per": config.per,
        "n_subjects": run.n_subjects,
        "n_events": run.n_events,
        "c_index": run.out_of_fold.c_index,
        "std_error": run.out_of_fold.std_error,
    }


def _write(table: pd.DataFrame, path: Path, provenance: dict[str, Any]) -> None:
    """Write the scores with what they come from."""
    stored = pa.Table.from_pandas(table, preserve_index=False)
    stored = stored.replace_schema_metadata({PROVENANCE_KEY: json.dumps(provenance)})
    write_whole(path, lambda partial: pq.write_table(stored, partial))

"""FaceSurvival of photos that the model has not seen: k folds, no subject in two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fahrstats.errors import DataError
from fahrstats.face.training.embedded_faces import (
    EmbeddedFaces,
    check_dealing,
    check_faces,
)
from fahrstats.face.training.frozen_heads import FrozenHead, fit_head
from fahrstats.kernels.partial_likelihood import block_sums, find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.resampling import deal_units

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_INNER_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Breslow's cumulative hazard of the face whose log hazard is 0.

    Attributes
    ----------
    time : ndarray of float64, shape (m,)
        Distinct event times, rising.
    hazard : ndarray of float64, shape (m,)
        Cumulative hazard up to and including each.
    """

    time: FloatArray
    hazard: FloatArray

    def at(self, horizon: float) -> float:
        """Return the cumulative hazard at a time."""
        n_before = int(np.searchsorted(self.time, horizon, "right"))
        return float(self.hazard[n_before - 1]) if n_before else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class CrossFitted:
    """What heads fitted without a photo's fold say about the photo.

    Attributes
    ----------
    score : ndarray of float64, shape (n,)
        FaceSurvival, rising with risk: the log hazard in standard deviations of the
        log hazards that its head gave the photos it was fitted to, less their mean.
        0 where the head found nothing.
    log_hazard : ndarray of float64, shape (n,)
        The same before it was standardised; 0 for the mean face fitted to.
    fold : ndarray of int64, shape (n,)
        From 0.
    heads, baselines : tuple of k
        The head fitted without each fold, and its baseline hazard.
    """

    score: FloatArray
    log_hazard: FloatArray
    fold: IntArray
    heads: tuple[FrozenHead, ...]
    baselines: tuple[Baseline, ...]

    def risk(self, horizon: float) -> FloatArray:
        """Return the risk of the event up to a time, by the unseen head, shape (n,).

        Raises
        ------
        DataError
            ``horizon`` is not a positive number.
        """
        if not (np.isfinite(horizon) and horizon > 0):
            raise DataError(f"`horizon` is {horizon}; give a positive time.")
        hazard = np.array([baseline.at(horizon) for baseline in self.baselines])
        return np.asarray(-np.expm1(-hazard[self.fold] * np.exp(self.log_hazard)))


def cross_fit(
    embeddings: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    subject: ArrayLike,
    k: int = 5,
    penalties: Sequence[float] | None = None,
    seed: int = 0,
) -> CrossFitted:
    """Score a cohort by models that never saw the subject scored.

    Subjects are dealt into k folds, events spread evenly. For each fold a head is
    fitted to the others, its penalty chosen by cross-validation among these alone, and
    its log hazards are standardised by those of the photos it was fitted to.

    Parameters
    ----------
    embeddings, time, event, penalties
        As in :func:`~fahrstats.face.training.frozen_heads.fit_frozen_head`.
    subject
        Whose photo it is, shape (n,).
    k
        Number of folds, at least 2 and at most the number of subjects.
    seed
        Of the folds.

    Raises
    ------
    DataError
        As in :func:`~fahrstats.face.training.frozen_heads.fit_frozen_head`; fewer
        subjects than folds, or a fold without which there is no event or no variation.
    ConvergenceError
        A maximum was not reached.

    Notes
    -----
    Scores of different folds come from different models; analyses that stratify by
    ``fold`` compare only photos scored by the same one.
    """
    faces = check_faces(embeddings, time, event, subject=subject, stratum=None)
    check_dealing(k, seed, name="k")
    n_subjects = int(faces.subject.max()) + 1
    if n_subjects < k:
        raise DataError(
            f"`subject` names {n_subjects} subjects, fewer than the {k} folds of `k`; "
            "subjects are kept whole."
        )
    fold = deal_units(faces.subject, faces.event, k, seed)
    score, log_hazard = np.zeros(fold.size), np.zeros(fold.size)
    heads, baselines = [], []
    for held_out in range(k):
        unseen = fold == held_out
        seen = faces.take(~unseen)
        _check_seen(seen, held_out)
        head = fit_head(seen, penalties, _INNER_FOLDS, seed)
        learned = head.predict(seen.embeddings)
        log_hazard[unseen] = head.predict(faces.embeddings[unseen])
        spread = learned.std()
        if spread > 0:
            score[unseen] = (log_hazard[unseen] - learned.mean()) / spread
        heads.append(head)
        baselines.append(_breslow(seen, learned))
    return CrossFitted(score, log_hazard, fold, tuple(heads), tuple(baselines))


def _check_seen(seen: EmbeddedFaces, held_out: int) -> None:
    """Refuse a fold without which nothing can be learned."""
    n = seen.time.size
    if not seen.event.any():
        raise DataError(
            f"`event` marks no event in the {n} photos outside fold {held_out}; a head "
            "needs events of at least two subjects, better of many more."
        )
    if (np.ptp(seen.embeddings, axis=0) == 0).all():
        raise DataError(
            f"`embeddings` are the same in all {n} photos outside fold {held_out}."
        )


def _breslow(seen: EmbeddedFaces, log_hazard: FloatArray) -> Baseline:
    """Breslow's baseline hazard of photos with known log hazards."""
    sets = sort_risk_sets(seen.time, seen.event)
    ordered = log_hazard[sets.order]
    sums = block_sums(sets, find_tie_blocks(sets), ordered, efron=False)
    # Block sums are relative to the middle of the log hazards, and run down in time.
    steps = sums.per_block[0] * np.exp(-(ordered.min() + ordered.max()) / 2)
    has_event = steps > 0
    time = sets.time[sets.tie_start[:-1]][has_event]
    return Baseline(time[::-1].copy(), np.cumsum(steps[has_event][::-1]))

"""Subjects dealt into folds: every photo of a subject in one, events spread evenly."""

from __future__ import annotations

from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def deal_subjects(
    subject: IntArray, event: NDArray[np.bool_], n_folds: int, seed: int
) -> IntArray:
    """Return the fold of every photo, from 0, no subject in two folds.

    Subjects are shuffled. Those with events go first, the most events before fewer,
    each to the fold with the fewest events; then the others, the most photos before
    fewer, each to the fold with the fewest photos.

    Parameters
    ----------
    subject
        Code of each photo's subject, from 0 without gaps, shape (n,).
    event
        Whether the photo's follow-up ended with the event, shape (n,).
    """
    photos = np.bincount(subject)
    events = np.bincount(subject, weights=event).astype(np.int64)
    shuffled = np.random.default_rng(seed).permutation(photos.size)
    order = shuffled[np.lexsort((-photos[shuffled], -events[shuffled]))]
    fold = np.empty(photos.size, np.int64)
    by_events = [(0, 0, at) for at in range(n_folds)]  # (events, photos, fold)
    n_with_event = int((events > 0).sum())
    for one in order[:n_with_event]:
        held_events, held_photos, at = by_events[0]
        fold[one] = at
        added = (held_events + int(events[one]), held_photos + int(photos[one]), at)
        heapreplace(by_events, added)
    by_photos = [(held, at) for _, held, at in by_events]
    heapify(by_photos)
    for one in order[n_with_event:]:
        held, at = by_photos[0]
        fold[one] = at
        heapreplace(by_photos, (held + int(photos[one]), at))
    return fold[subject]

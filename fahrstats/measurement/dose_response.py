"""How a score answers to simulated changes of the face, dose by dose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.measurement.agreement_statistics import ROUNDING
from fahrstats.measurement.dose_response_result import DoseResponse
from fahrstats.measurement.dose_response_rows import Panel, read_panel
from fahrstats.measurement.shared_draws import FEWEST_DRAWS
from fahrstats.resampling import draw_counts

FloatArray = NDArray[np.float64]

ESTIMANDS = (
    "mean_change",
    "mean_absolute_change",
    "sd_change",
    "share_moved",
    "share_lost",
)
"""What is estimated of every change, in this order."""

_AT_ONCE = 2**21
"""Counts of photos that are held at a time, 16 MiB."""


def dose_response(
    data: pd.DataFrame,
    *,
    subject: str | None = None,
    predicted: str | Sequence[str] = "faceage",
    limits: Sequence[float] = (1.0, 5.0),
    moved: float = 5.0,
    n_boot: int = 1000,
    seed: int = 0,
) -> DoseResponse:
    """Measure how far simulated changes of the face move a score, dose by dose.

    A change is the score of the changed photo less that of the photo itself. Of every
    condition and severity are estimated the mean change, the mean size of the change
    (``mean_absolute_change``: what happens to a single photo, where ups and downs do
    not cancel), the standard deviation of changes, the share of photos that move by
    more than ``moved``, and the share of faces that are lost: photos with a score
    before the change and none after it.

    For every condition, ``passing`` tells the severity and the dose at which the size
    of the mean change, and the mean size of the change, pass each of ``limits``.

    Parameters
    ----------
    data
        One row for each photo, condition and severity, as
        :func:`fahrstats.face.read_perturbed` returns them: ``photo``, ``condition``,
        ``severity`` (whole numbers; 0 is the photo itself), ``dose`` (the physical
        amount, which rises or falls with severity) and the scores. Never modified.
    subject
        Column of whom a photo shows; without it, every photo is someone else.
    predicted
        Column of the score, or columns of several models. Models are compared on the
        photos of which all of them have a score before and after the change.
    limits
        Sizes of change, above 0, in the unit of the score.
    moved
        Size of change above which a photo has moved.
    n_boot
        Draws of the bootstrap.
    seed
        Decides the draws.

    Raises
    ------
    DataError
        A column is absent or holds no numbers; a photo has no row of severity 0, or
        several that differ; a photo, condition and severity stand twice; doses do not
        rise or fall with severity; there is one subject; or an argument is out of
        range.

    Notes
    -----
    Intervals come from one bootstrap of subjects, each drawn with all of their photos,
    that all models, conditions and severities share; differences between models are
    therefore paired. Limits of means are percentiles, taken further out in small
    samples (Hesterberg); those of shares are Wilson's, with as many photos as would
    give the standard error of the bootstrap.

    The curve over severities starts at 0, is made monotone by isotonic regression, and
    is straight between severities. A limit that it does not reach is answered by an
    infinite dose, and a note that says how far the change went: that is a finding, and
    not a missing one.

    References
    ----------
    Hesterberg (2015), The American Statistician 69:371-386. Robertson, Wright and
    Dykstra (1988), Order Restricted Statistical Inference. Wilson (1927), JASA
    22:209-212.

    Examples
    --------
    >>> panel = fs.face.read_perturbed("panel.parquet")
    >>> found = fs.dose_response(panel, subject="subject",
    ...                          predicted=["faceage", "other_model"])
    >>> found.tidy()
    >>> found.passing()
    >>> found.contrasts()
    """
    models = (predicted,) if isinstance(predicted, str) else tuple(predicted)
    limits = _check_arguments(limits, moved, n_boot)
    panel = read_panel(data, models, subject)
    features = _features(panel, moved)
    once = np.ones((1, panel.subject.size))
    values = np.concatenate(
        [_measure(panel, features, once), *_resample(panel, features, n_boot, seed)]
    )
    table = _table(panel, moved)
    return DoseResponse(
        models=models,
        limits=limits,
        moved=float(moved),
        table=table.assign(estimate=values[0].ravel()),
        draws=values[1:].reshape(n_boot, -1),
        start=panel.start,
        n=panel.subject.size,
        n_subjects=np.unique(panel.subject).size,
        n_dropped=panel.n_dropped,
        seed=seed,
    )


def _check_arguments(
    limits: Sequence[float], moved: float, n_boot: int
) -> tuple[float, ...]:
    """Return the limits, or refuse what is out of range."""
    found = tuple(limits)
    is_size = [isinstance(x, Real) and 0 < x < np.inf for x in (*found, moved)]
    if not found or not all(is_size[:-1]) or len(set(found)) < len(found):
        raise DataError(
            f"`limits` is {limits!r}; give one or more different sizes of change, "
            "above 0."
        )
    if not is_size[-1]:
        raise DataError(f"`moved` is {moved}; give a size of change above 0.")
    if not isinstance(n_boot, Integral) or n_boot < FEWEST_DRAWS:
        raise DataError(
            f"`n_boot` is {n_boot}; give a whole number of at least {FEWEST_DRAWS}, "
            "since limits are percentiles of the draws."
        )
    return tuple(float(limit) for limit in sorted(found))


def _features(panel: Panel, moved: float) -> list[FloatArray]:
    """Return what is summed over photos, each of shape (n, c, k).

    Of the photos that all models compare: their number, the change, its size, its
    square, and whether the photo moved; of all that are tested: their number, and
    whether the face is lost.
    """
    compared = panel.is_compared[:, :, None]
    change = np.where(compared, panel.change, 0.0)
    size = np.abs(change)
    shape = panel.change.shape
    tested = np.broadcast_to(panel.is_tested[:, :, None], shape)
    lost = tested & np.isnan(panel.change)
    has_moved = size > moved * (1 + ROUNDING)
    every = (np.broadcast_to(compared, shape), change, size, change**2, has_moved)
    return [np.asarray(one, np.float64) for one in (*every, tested, lost)]


def _measure(
    panel: Panel, features: Sequence[FloatArray], counts: FloatArray
) -> FloatArray:
    """Return the estimates in draws (b, n), shape (b, k, c, estimands)."""
    n = panel.subject.size
    shape = (len(counts), *panel.change.shape[1:])
    sums = [(counts @ one.reshape(n, -1)).reshape(shape) for one in features]
    n_compared, change, size, square, has_moved, n_tested, lost = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = change / n_compared
        spread = square - n_compared * mean**2
        found = [
            mean,
            size / n_compared,
            np.sqrt(np.maximum(spread, 0.0) / (n_compared - 1)),
            has_moved / n_compared,
            lost / n_tested,
        ]
    return np.stack(found, axis=-1).transpose(0, 2, 1, 3)


def _resample(
    panel: Panel, features: Sequence[FloatArray], n_boot: int, seed: int
) -> Iterator[FloatArray]:
    """Yield the estimates in the draws of subjects, some draws at a time."""
    n = panel.subject.size
    draws = draw_counts(seed, n_boot, n, cluster=panel.subject)
    size = max(1, _AT_ONCE // n)
    for at in range(0, n_boot, size):
        counts = np.stack([draw() for draw in draws[at : at + size]])
        yield _measure(panel, features, counts.astype(np.float64))


def _table(panel: Panel, moved: float) -> pd.DataFrame:
    """Return a row for each model, change and estimand, without the estimate."""
    compared = panel.is_compared
    lost = panel.is_tested[:, :, None] & np.isnan(panel.change)
    rows = []
    for j, model in enumerate(panel.models):
        for at, cell in enumerate(panel.cells.to_dict("records")):
            sizes = {
                "n": int(compared[:, at].sum()),
                "n_subjects": np.unique(panel.subject[compared[:, at]]).size,
                "n_missing": int(lost[:, at, j].sum()),
            }
            n_tested = int(panel.is_tested[:, at].sum())
            for estimand in ESTIMANDS:
                row: dict[Any, Any] = {"model": model, **cell, **sizes}
                row |= {"estimand": estimand, "note": ""}
                if estimand == "share_lost":
                    tested = panel.subject[panel.is_tested[:, at]]
                    row |= {"n": n_tested, "n_subjects": np.unique(tested).size}
                elif not sizes["n"]:
                    row["note"] = f"all {n_tested} faces are lost"
                elif estimand == "share_moved":
                    row["note"] = f"by more than {moved:g}"
                rows.append(row)
    return pd.DataFrame(rows)

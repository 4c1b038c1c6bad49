"""The same face measured twice: how well two scores of it agree."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import as_float
from fahrstats.errors import DataError
from fahrstats.measurement.agreement_result import Agreement
from fahrstats.measurement.paired_scores import pair_scores

_QUARTILES = (0.25, 0.5, 0.75)


def agreement(
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    subject: str,
    predicted: str = "faceage",
    condition: str | None = None,
    by: Sequence[str] = (),
    margin: float | None = None,
    moved: float = 5.0,
    cut_points: Sequence[float] | None = None,
) -> Agreement:
    """Measure how well two scores of the same face agree, photo against photo.

    A change is the second score less the first: after surgery less before, with makeup
    less without. No significant mean change does not show that scores are robust: small
    studies find none of anything. With ``margin``, two one-sided tests tell whether the
    mean change is smaller than a size that would not matter, which is the claim.

    Parameters
    ----------
    first, second
        Tables of scores, one row for each subject (and condition), matched by
        ``subject`` (and ``condition``, if ``first`` has it; else one first photo serves
        all conditions). A photo without a usable face keeps its row, its score missing;
        such pairs are left out and counted. Never modified.
    subject
        Column of subjects.
    predicted
        Column of the score in both tables: an age in years, or a risk.
    condition
        Column of what happened between the two photos, such as ``surgery``, ``makeup``.
    by
        Columns of ``first`` whose levels are also judged on their own, and compared.
    margin
        Size of mean change, above 0 and in the unit of the score, that would not
        matter. Name it before the data are seen.
    moved
        Size of change above which a pair has moved.
    cut_points
        Upper bounds of all groups of the score but the last, such as the quartiles of
        risk of the cohort it was made for; by default the quartiles of the first
        photos. A score on a bound belongs to the lower group.

    Raises
    ------
    DataError
        A column is absent; photos are unpaired, or a subject has several on one side; a
        subject is in different groups; scores are infinite, or no pair has both; the
        margin is not above 0; or cut points do not ascend.

    Notes
    -----
    Intervals suppose changes that are roughly normal, except those of shares. Limits of
    agreement have exact intervals. ICC(2,1) counts a shift as disagreement and ICC(3,1)
    does not; both, as all correlations, are the higher the more the people differ.
    Three or more photos of a subject are :func:`fahrstats.repeatability`'s.

    References
    ----------
    Bland and Altman (1999), Statistical Methods in Medical Research 8:135-160. Carkeet
    (2015), Optometry and Vision Science 92:e71-e80. McGraw and Wong (1996),
    Psychological Methods 1:30-46. Lin (2000), Biometrics 56:324-325. Fleiss, Cohen and
    Everitt (1969), Psychological Bulletin 72:323-327. Schuirmann (1987), Journal of
    Pharmacokinetics and Biopharmaceutics 15:657-680.

    Examples
    --------
    >>> found = fs.agreement(before, after, subject="patient", by=["sex"], margin=1)
    >>> print(found)
    >>> found.tests()
    """
    _check_sizes(margin, moved)
    pairs = pair_scores(first, second, subject, predicted, condition, by)
    return Agreement(
        predicted=predicted,
        pairs=pairs,
        margin=None if margin is None else float(margin),
        moved=float(moved),
        cut_points=_cut_points(as_float(first[predicted]), cut_points),
    )


def _check_sizes(margin: float | None, moved: float) -> None:
    """Refuse sizes of change that are none."""
    for name, size in (("margin", margin), ("moved", moved)):
        if size is None and name == "margin":
            continue
        if (
            isinstance(size, bool)
            or not isinstance(size, Real)
            or not 0 < size < np.inf
        ):
            raise DataError(
                f"`{name}` is {size}; give a size of change above 0, in the unit of "
                "the score."
            )


def _cut_points(
    first: NDArray[np.float64], cut_points: Sequence[float] | None
) -> tuple[float, ...]:
    """Return the bounds of groups: those given, or quartiles of the first scores.

    Quartiles that ties make equal are one bound.
    """
    if cut_points is None:
        quartiles = np.nanquantile(first, _QUARTILES)
        return tuple(np.unique(quartiles).tolist())
    try:
        cuts = np.asarray(cut_points, np.float64)
    except (TypeError, ValueError):
        cuts = np.empty(0)
    if cuts.ndim != 1 or not cuts.size or not np.isfinite(cuts).all():
        raise DataError(f"`cut_points` must be finite numbers, but it is {cut_points}.")
    if (np.diff(cuts) <= 0).any():
        raise DataError(f"`cut_points` must ascend, but they are {cuts.tolist()}.")
    return tuple(cuts.tolist())

"""Whether models rest on different regions of the same faces."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import rel_entr
from scipy.stats import rankdata

from fahrstats.errors import DataError
from fahrstats.kernels.label_swaps import (
    deviations,
    largest_when_swapped,
    share_as_large,
    skew_free,
)
from fahrstats.measurement.region_comparison_result import RegionComparison
from fahrstats.measurement.region_rows import RegionRows, read_regions
from fahrstats.measurement.subject_means import (
    check_draws,
    resampled_means,
    subject_means,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def compare_regions(
    data: pd.DataFrame,
    *,
    subject: str | None = None,
    model: str = "model",
    n_boot: int = 2000,
    n_swaps: int = 9999,
    seed: int = 0,
) -> RegionComparison:
    """Compare the regions that models rest on, on the same photos.

    The shares of importance are those of :func:`fahrstats.region_importance`. For every
    pair of models, their difference is estimated in each region, with limits and p
    values that hold for all pairs and regions together; and the two are tested for
    resting on the same regions, that is for equal mean shares.

    Parameters
    ----------
    data, subject, model
        As in :func:`fahrstats.region_importance`. Models are compared on the photos
        of which all of them have shares; the others are counted in ``n_dropped``.
    n_boot
        Draws of the bootstrap.
    n_swaps
        Draws of labels.
    seed
        Decides all draws.

    Raises
    ------
    DataError
        As in :func:`fahrstats.region_importance`, or there is one model, or fewer than
        two subjects are left.

    Notes
    -----
    The test swaps the labels of the two models within subjects: where both are alike,
    every difference could as well have had the other sign, and the test is exact. Where
    they have the same mean shares and differ in how much these vary from face to face,
    it is not. Differences are therefore studentised (Chung and Romano) and their
    skewness is taken out (Hall). Where one model looks at one region a face, so that
    its shares are mostly near 0 or 1, that takes about 50 subjects.

    ``p_adjusted`` and joint limits of :meth:`RegionComparison.tidy` swap the signs of
    differences from their mean, so that a large difference in one region leaves those
    of others as they are: the single-step max-T method by a wild bootstrap. Limits of
    a region alone are of the same kind, by Student's t.

    References
    ----------
    Chung and Romano (2013), Annals of Statistics 41:484-507. Hall (1992), JRSS B
    54:221-228. Westfall and Young (1993), Resampling-Based Multiple Testing. Lin
    (1991), IEEE Transactions on Information Theory 37:145-151.

    Examples
    --------
    >>> importance = fs.face.read_importance("importance.parquet")
    >>> compared = fs.compare_regions(importance, subject="subject")
    >>> compared.tidy()
    >>> compared.overlap()
    >>> compared.test()
    """
    check_draws(n_boot)
    check_draws(n_swaps, "n_swaps")
    rows = read_regions(data, model=model, subject=subject)
    shares, codes = _comparable(rows)
    n_models, n_regions = shares.shape[1:]
    first, second = np.array(list(combinations(range(n_models), 2))).T
    by_face = _rank_correlation(shares[:, first], shares[:, second])  # (n, pairs)
    of_models = subject_means(shares.reshape(len(shares), -1), codes)
    means = resampled_means(
        np.hstack([of_models, subject_means(by_face, codes)]), n_boot, seed
    )
    mean_shares = means[:, : -len(first)].reshape(-1, n_models, n_regions)
    one, two = mean_shares[:, first], mean_shares[:, second]
    overlaps = np.stack([*_overlaps(one, two), means[:, -len(first) :]], axis=-1)
    of_subjects = of_models.reshape(-1, n_models, n_regions)
    differences = of_subjects[:, first] - of_subjects[:, second]
    rng = np.random.default_rng(seed)
    apart = deviations(differences.reshape(len(of_subjects), -1))
    return RegionComparison(
        models=rows.models,
        regions=rows.regions,
        differences=differences,
        largest=largest_when_swapped(apart, n_swaps, rng),
        p_value=np.array(
            [_swapped_p(pair, n_swaps, rng) for pair in differences.swapaxes(0, 1)]
        ),
        overlaps=overlaps,
        n=len(shares),
        n_subjects=len(of_subjects),
        n_dropped=rows.subject.size - len(shares),
        seed=seed,
    )


def _comparable(rows: RegionRows) -> tuple[FloatArray, IntArray]:
    """Return the shares of photos that all models have, (n, k, p), and their subjects.

    Raises
    ------
    DataError
        There is nothing to compare.
    """
    if len(rows.models) < 2:
        raise DataError(
            f"`{rows.models[0]}` is the only model; a comparison needs two."
        )
    shares = rows.shares
    is_kept = ~np.isnan(shares).any(axis=(1, 2))
    subjects, codes = np.unique(rows.subject[is_kept], return_inverse=True)
    if len(subjects) < 2:
        raise DataError(
            f"{len(subjects)} of {rows.subject.max() + 1} subjects have shares of "
            "importance by every model; a comparison needs two. In the other photos "
            "some model has no score, or no region changes it."
        )
    return shares[is_kept], codes


def _overlaps(one: FloatArray, two: FloatArray) -> tuple[FloatArray, ...]:
    """Return the common share, divergence and rank correlation of mean shares.

    Shares are along the last axis.
    """
    middle = (one + two) / 2
    divergence = (rel_entr(one, middle) + rel_entr(two, middle)).sum(axis=-1) / 2
    return (
        np.minimum(one, two).sum(axis=-1),
        divergence / np.log(2),
        _rank_correlation(one, two),
    )


def _swapped_p(
    differences: FloatArray, n_swaps: int, rng: np.random.Generator
) -> float:
    """Test whether the labels of one pair of models can be swapped."""
    largest = largest_when_swapped(differences, n_swaps, rng)
    return float(share_as_large(largest, np.abs(skew_free(differences)).max()))


def _rank_correlation(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return Spearman's correlation along the last axis; missing for constants."""
    ranks = [rankdata(side, axis=-1) for side in (first, second)]
    one, two = (rank - rank.mean(axis=-1, keepdims=True) for rank in ranks)
    norms = np.sqrt((one**2).sum(axis=-1) * (two**2).sum(axis=-1))
    with np.errstate(invalid="ignore"):
        return np.asarray((one * two).sum(axis=-1) / norms)

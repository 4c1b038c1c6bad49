"""Several photos of a subject, combined to one score."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fahrstats.errors import DataError
from fahrstats.face.score_columns import SCORE_GLOSSARY, in_score_order

_SCORES = ("faceage", "facesurvival")


def combine_photos(
    scores: pd.DataFrame, *, by: Sequence[str] = ("subject",)
) -> pd.DataFrame:
    """Combine the photos of each subject, or of each session, by the median.

    The median of an even number of photos is the mean of the middle two. Only photos
    with status ``ok`` count, and copies of one file count once. A subject without a
    scored photo keeps its row with missing scores.

    Parameters
    ----------
    scores
        One row per photo, as :func:`~fahrstats.face.score_photos` returns it.
    by
        ``("subject",)``, or ``("subject", "session")`` for one row per session.

    Returns
    -------
    DataFrame
        One row per subject, or session, in the order of their first photos: ``by``;
        each score; beside it ``<score>_sd``, the standard deviation over the photos
        (divisor n - 1), and ``<score>_range``, the largest minus the smallest, both
        missing for a single photo; ``n_photos``, distinct photos; ``n_scored``, those
        with status ``ok``; ``checkpoint`` and ``precision`` of the scores.

    Raises
    ------
    DataError
        A column of ``by`` is absent or has gaps, or the scores come from several
        versions of the models.
    """
    keys = _check_keys(scores, by)
    provenance = _provenance(scores)
    original = scores["photo"]
    if "duplicate_of" in scores:
        original = scores["duplicate_of"].fillna(original)
    photos = scores.loc[~scores[keys].assign(original=original).duplicated()]
    groups = photos[keys].assign(n_scored=photos["status"].eq("ok"))
    counts = groups.groupby(keys, sort=False)["n_scored"].agg(
        n_photos="size", n_scored="sum"
    )
    scored = photos[photos["status"].eq("ok")].groupby(keys, sort=False)
    columns = {}
    for name in score_names(scores):
        values = scored[name]
        several = values.count() > 1
        columns[name] = values.median()
        columns[f"{name}_sd"] = values.std()
        columns[f"{name}_range"] = (values.max() - values.min()).where(several)
    combined: pd.DataFrame = counts.join(pd.DataFrame(columns)).reset_index()
    combined = combined.assign(**provenance)
    return combined[in_score_order(combined.columns)]


def score_names(scores: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold scores, in their order."""
    return [
        name
        for name in scores.columns
        if (name in _SCORES or name not in SCORE_GLOSSARY)
        and pd.api.types.is_float_dtype(scores[name])
    ]


def _check_keys(scores: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Return the columns to combine by; each is there for every photo."""
    keys = list(by)
    if keys not in (["subject"], ["subject", "session"]):
        raise DataError(
            '`by` is ("subject",) or ("subject", "session"), '
            f"but it is {tuple(keys)!r}."
        )
    for key in keys:
        if key not in scores:
            raise DataError(
                f"The scores have no column `{key}`; give a manifest with the columns "
                f"`photo` and `{key}`."
            )
        n_missing = int(scores[key].isna().sum())
        if n_missing:
            raise DataError(
                f"`{key}` is missing for {n_missing} of {len(scores)} photos; fill it "
                "in the manifest, or take these photos out."
            )
    return keys


def _provenance(scores: pd.DataFrame) -> dict[str, str]:
    """Return the one checkpoint and precision of all scores."""
    found = {}
    for name in ("checkpoint", "precision"):
        if name not in scores:
            continue
        values = scores[name].dropna().unique()
        if len(values) > 1:
            raise DataError(
                f"`{name}` has {len(values)} values, such as `{values[0]}` and "
                f"`{values[1]}`; photos of a subject are combined only if the same "
                "models scored them."
            )
        if len(values):
            found[name] = str(values[0])
    return found

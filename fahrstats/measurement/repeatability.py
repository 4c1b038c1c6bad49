"""Repeated photos of a subject: how far one photo errs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fahrstats.cohort.levels import kept_levels
from fahrstats.errors import DataError
from fahrstats.measurement.photo_pairs import read_days, read_numbers, refuse_columns
from fahrstats.measurement.photo_variances import estimate_variances, find_obstacle
from fahrstats.measurement.repeatability_result import OVERALL, Repeatability, Repeats


def repeatability(
    data: pd.DataFrame,
    *,
    subject: str,
    predicted: str = "faceage",
    date: str | None = None,
    day: str | None = None,
    by: Sequence[str] = (),
) -> Repeatability:
    """Measure how far one photo errs, from repeated photos of the same subjects.

    A mixed model parts the variance of the predicted age into that between subjects,
    between days of a subject, and between photos of one day, the measurement error
    proper. Subjects may have any number of photos, and those with one help to tell how
    much subjects differ.

    A photo taken on another day errs by both: the day (sleep, light, the camera at
    hand) and the photo. That sum is ``error_sd``, and it is what
    :func:`fahrstats.face_aging_rate` and :func:`fahrstats.regression_calibration` take
    from the result, since a rate compares two days and a risk score stands for a person
    and not for a morning.

    Parameters
    ----------
    data
        One row per photo. Rows with a missing predicted age, date or day are left out
        and counted. Never modified.
    subject
        Column of subjects.
    predicted
        Column of predicted age, in years, or of another score.
    date, day
        Column of dates (dates, or text such as 2021-03-30), or column of days since any
        origin that is one subject's own, of which the whole number counts. Without
        either, all photos of a subject are taken to be of one day, and what differs
        from day to day is not known.
    by
        Columns of groups; each level has a model of its own. A subject belongs to one
        level.

    Raises
    ------
    DataError
        A column is absent, a subject is missing or in two levels, dates cannot be read,
        no subject has two photos, or repeated photos have the very same value.
    ConvergenceError
        The iteration ended without a maximum.

    Notes
    -----
    Variances are those of restricted maximum likelihood, as R's ``lme4`` gives them,
    with 0 where the likelihood has its maximum there; of balanced data they are those
    of the analysis of variance. ``measurement_sd`` is the root of the mean square
    within days, whose limits are exact; it is the root of ``variance_error`` where the
    data are balanced and no variance is 0. Limits of the variances and of the ICC are
    of the profile likelihood, those of an ICC without days exact (Wald 1940), and those
    of ``error_sd`` Satterthwaite's.

    Faces age: days that are years apart differ for another reason than error. Take
    repeated photos of a few months; a note says where they span more than one year.

    References
    ----------
    Searle, Casella and McCulloch (1992), Variance Components. Bland and Altman (1996),
    BMJ 313:744, for the repeatability coefficient. Wald (1940), Annals of Mathematical
    Statistics 11:96-100. Satterthwaite (1946), Biometrics Bulletin 2:110-114.

    Examples
    --------
    >>> error = fs.repeatability(photos, subject="patient", date="taken")
    >>> fs.face_aging_rate(photos, subject="patient", date="taken",
    ...                    measurement_sd=error)
    """
    photos = _read_repeats(data, subject, predicted, date, day)
    obstacle = find_obstacle(photos)
    if obstacle:
        raise DataError(
            f"`{predicted}` tells no measurement error: {obstacle}; give several "
            f"photos of each `{subject}`."
        )
    groups = [_repeats(OVERALL, OVERALL, photos)]
    for column in _columns(by):
        levels = _levels_of_subjects(data, photos, column, subject)
        groups += [
            _repeats(column, str(level), photos[levels == level])
            for level in levels.cat.categories
        ]
    return Repeatability(
        predicted=predicted,
        knows_days=date is not None or day is not None,
        groups=tuple(groups),
        n_dropped=len(data) - len(photos),
    )


def _read_repeats(
    data: pd.DataFrame,
    subject: str,
    predicted: str,
    date: str | None,
    day: str | None,
) -> pd.DataFrame:
    """Return complete rows as ``subject`` (codes), ``predicted`` and ``day``."""
    if date is not None and day is not None:
        raise DataError("Give `date` or `day`, not both: one says when photos were.")
    refuse_columns(data, subject, (predicted, date or day))
    codes, _ = pd.factorize(data[subject])
    photos = pd.DataFrame(
        {"subject": codes, "predicted": read_numbers(data, predicted)}
    )
    if date or day:
        photos["day"] = read_days(data, date, day)
    return photos.dropna()


def _repeats(subgroup: str, level: str, photos: pd.DataFrame) -> Repeats:
    """Fit the model to one group, or say why there is none."""
    obstacle = find_obstacle(photos)
    return Repeats(
        subgroup=subgroup,
        level=level,
        n=len(photos),
        n_subjects=int(photos["subject"].nunique()),
        variances=None if obstacle else estimate_variances(photos),
        note=f"not estimated: {obstacle}" if obstacle else "",
    )


def _columns(by: Sequence[str]) -> Sequence[str]:
    if isinstance(by, str):
        raise DataError(f"`by` is the text `{by}`; give a list of columns.")
    return by


def _levels_of_subjects(
    data: pd.DataFrame, photos: pd.DataFrame, column: str, subject: str
) -> pd.Series:
    """Return the level of every photo, the same for all photos of a subject."""
    levels = kept_levels(data, column, photos.index.to_numpy())
    levels = levels.set_axis(photos.index)
    n_several = int((levels.groupby(photos["subject"]).nunique() > 1).sum())
    if n_several:
        raise DataError(
            f"`{column}` has several levels in {n_several} of "
            f"{photos['subject'].nunique()} subjects (`{subject}`); give each subject "
            "one level."
        )
    return levels

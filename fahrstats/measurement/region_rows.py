"""Importance of the regions of faces, photo by photo and model by model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.errors import DataError
from fahrstats.measurement.photo_subjects import photo_subjects

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class RegionRows:
    """What k models rest on in n photos of a face each, by p regions.

    Attributes
    ----------
    models, regions : tuple of str
        Labels, in the order of the data.
    importance : ndarray of shape (n, k, p)
        Signed change of the score; missing for a photo that a model has none of.
    subject : ndarray of shape (n,)
        Code of whom the photo shows, from 0 without gaps.
    area : ndarray of shape (p,) or None
        Size of each region, where the data have it.
    """

    models: tuple[str, ...]
    regions: tuple[str, ...]
    importance: FloatArray
    subject: IntArray
    area: FloatArray | None

    @property
    def shares(self) -> FloatArray:
        """Share of each region in all absolute importance of a face, shape (n, k, p).

        Missing where no region has any importance: such a face says nothing of where a
        model looks.
        """
        size = np.abs(self.importance)
        with np.errstate(invalid="ignore"):
            return np.asarray(size / size.sum(axis=2, keepdims=True))

    @property
    def n_silent(self) -> IntArray:
        """Number of faces that a model has a score of but no shares, shape (k,)."""
        return np.asarray((self.importance == 0).all(axis=2).sum(axis=0), np.int64)


def read_regions(
    data: pd.DataFrame, *, model: str = "model", subject: str | None = None
) -> RegionRows:
    """Pass a long table of importance through the gate.

    Raises
    ------
    DataError
        As :func:`fahrstats.region_importance` says.
    """
    _check_columns(data, model, subject)
    rows = data[["photo", "region"]].assign(model=data[model])
    for name, column in (("photo", "photo"), ("region", "region"), ("model", model)):
        _refuse_missing(rows[name], column)
    rows["importance"] = _numbers(data, "importance")
    keys = ["photo", "model", "region"]
    n_twice = int(rows.duplicated(keys).sum())
    if n_twice:
        raise DataError(
            f"{n_twice} of {len(rows)} rows repeat a photo, model and region; keep one "
            "row of each."
        )
    coded = {name: pd.factorize(rows[name]) for name in keys}
    at = tuple(codes for codes, _ in coded.values())
    photos, models, regions = (names for _, names in coded.values())
    shape = (len(photos), len(models), len(regions))
    stands = np.zeros(shape, np.bool_)
    stands[at] = True
    importance = np.full(shape, np.nan)
    importance[at] = rows["importance"]
    _refuse_absent(stands, photos, models, regions)
    _refuse_holes(importance, photos, models)
    return RegionRows(
        models=tuple(map(str, models)),
        regions=tuple(map(str, regions)),
        importance=importance,
        subject=photo_subjects(
            data["photo"],
            None if subject is None else data[subject],
            photos,
            subject=subject,
            what="importance varies",
        ),
        area=_areas(data, regions),
    )


def _check_columns(data: pd.DataFrame, model: str, subject: str | None) -> None:
    """Refuse what is no table of importance."""
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"`data` is a {type(data).__name__}; give a pandas data frame.")
    needed = ("photo", model, "region", "importance")
    for name in (*needed, *([] if subject is None else [subject])):
        if (data.columns == name).sum() != 1:
            held = "several columns" if name in data.columns else "no column"
            raise DataError(
                f"`data` has {held} `{name}`; importance has one row for each photo, "
                "model and region."
            )
    if not len(data):
        raise DataError("`data` has no rows.")


def _numbers(data: pd.DataFrame, name: str) -> FloatArray:
    """Return a column of numbers, none of them infinite."""
    if not is_number(data[name].infer_objects()):
        raise DataError(
            f"`{name}` must hold numbers, but its type is {data[name].dtype}."
        )
    values = as_float(data[name])
    n_infinite = int(np.isinf(values).sum())
    if n_infinite:
        raise DataError(f"`{name}` is infinite in {n_infinite} of {len(data)} rows.")
    return values


def _refuse_missing(values: pd.Series, column: str) -> None:
    n_missing = int(values.isna().sum())
    if n_missing:
        raise DataError(
            f"`{column}` is missing in {n_missing} of {len(values)} rows; every row is "
            "about one photo, model and region."
        )


def _refuse_absent(
    stands: BoolArray, photos: pd.Index, models: pd.Index, regions: pd.Index
) -> None:
    """Refuse photos that some model, and regions that some photo has no row of."""
    has_rows: BoolArray = np.asarray(stands.any(axis=2))
    for j, name in enumerate(models):
        without = photos[~has_rows[:, j]]
        if len(without):
            raise DataError(
                f"{len(without)} of {len(photos)} photos have no row of model "
                f"`{name}` (such as {_some(without)}); models are judged on the same "
                "photos."
            )
    for at, name in enumerate(regions):
        if not stands[:, :, at].all():
            photo, j = np.argwhere(~stands[:, :, at])[0]
            n_without = int((~stands[:, :, at]).sum())
            raise DataError(
                f"Region `{name}` is absent for {n_without} of "
                f"{stands[:, :, at].size} faces (such as `{photos[photo]}` by model "
                f"`{models[j]}`); a share needs all regions of a face."
            )


def _refuse_holes(importance: FloatArray, photos: pd.Index, models: pd.Index) -> None:
    """Refuse faces of which some regions have an importance and others have none."""
    is_missing = np.isnan(importance)
    is_torn = is_missing.any(axis=2) & ~is_missing.all(axis=2)
    if is_torn.any():
        at, j = np.argwhere(is_torn)[0]
        n_missing = int(is_missing[is_torn].sum())
        raise DataError(
            f"`importance` is missing in {n_missing} rows of {int(is_torn.sum())} "
            f"faces that have it for other regions (such as `{photos[at]}` by model "
            f"`{models[j]}`); a share needs all regions of a face. Explain these "
            "photos again, or make all their regions missing to leave them out."
        )
    for j, name in enumerate(models):
        if is_missing[:, j].all():
            raise DataError(
                f"`importance` is missing in all {len(photos)} photos of model "
                f"`{name}`."
            )


def _areas(data: pd.DataFrame, regions: pd.Index) -> FloatArray | None:
    """Return the size of each region, where the data tell it."""
    if "area" not in data:
        return None
    area = pd.Series(_numbers(data, "area")).groupby(data["region"].to_numpy())
    of_region = area.first().reindex(regions)
    is_one = (of_region > 0) & (area.nunique().reindex(regions) == 1)
    wrong = of_region.index[~is_one]
    if len(wrong):
        raise DataError(
            f"`area` must be one size above 0 for each region, but it is not for "
            f"{_some(wrong)}."
        )
    return np.asarray(of_region, np.float64)


def _some(names: pd.Index) -> str:
    """Name the first few."""
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and others"

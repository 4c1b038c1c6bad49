"""Whether the scores of a part of a robustness study can be compared at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd

from fahrstats.errors import DataError
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.measurement.photo_pairs import read_days, read_numbers, refuse_columns
from fahrstats.study.robustness.specification import (
    CONDITION,
    MOMENT,
    PHOTO,
    SUBJECT,
    Serial,
)


def absent_scores(models: Iterable[str], columns: Collection[str]) -> list[str]:
    """Return a problem for every model of which there are no scores."""
    return [
        f"there are no scores `{name}`, which [models] names."
        for name in models
        if name not in columns
    ]


def panel_problems(models: Sequence[str], table: pd.DataFrame) -> list[str]:
    """Return why the scores of changed photos cannot be compared; nothing if not."""
    absent = absent_scores(models, table.columns)
    if absent:
        return absent
    known = table[table[list(models)].notna().all(axis=1)]
    return _too_few(known[SUBJECT].fillna(known[PHOTO]).nunique())


def pair_problems(models: Sequence[str], table: pd.DataFrame) -> list[str]:
    """Return why the scores of pairs cannot be compared, by some model."""
    n_people = []
    for name in models:
        try:
            is_known = np.isfinite(read_numbers(table, name))
        except DataError as error:
            return [str(error)]
        n_sides = table[is_known].groupby([SUBJECT, CONDITION])[MOMENT].nunique()
        whole = n_sides[n_sides == 2].index
        n_people.append(whole.get_level_values(SUBJECT).nunique())
    return _too_few(min(n_people))


def serial_problems(
    models: Sequence[str], serial: Serial, data: pd.DataFrame
) -> list[str]:
    """Return why repeated photos cannot be compared, by some model."""
    try:
        refuse_columns(data, serial.subject, models)
        is_dated = pd.notna(np.asarray(read_days(data, serial.date, serial.day)))
        known = [is_dated & np.isfinite(read_numbers(data, name)) for name in models]
    except DataError as error:
        return [str(error)]
    n_photos = [data.loc[rows, serial.subject].value_counts() for rows in known]
    n_people = min(int((counts > 1).sum()) for counts in n_photos)
    return _too_few(n_people, "with several photos ")


def _too_few(n_people: int, who: str = "") -> list[str]:
    """Return the problem of a part that is about too few people, where it is."""
    if n_people >= FEWEST_PEOPLE:
        return []
    return [
        f"{n_people} people {who}can be compared; fewer than {FEWEST_PEOPLE} have no "
        "numbers in a report, which would tell of single people."
    ]

"""The gate of agreement: two tables of scores to pairs of the same face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.encoding import level_text
from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.cohort.levels import kept_levels
from fahrstats.errors import DataError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

OVERALL = "overall"

_MOST = 1e50  # size of score; products of four of them are still numbers
_ROUNDING = 1e-12  # of a score, by which the same score may differ from itself


@dataclass(frozen=True, slots=True, eq=False)
class PairedScores:
    """Faces scored twice, and the pairs of which one score is missing.

    Attributes
    ----------
    first, second : ndarray of shape (n,)
        The two scores of each pair; missing where a photo has none.
    subject : ndarray of shape (n,)
        Code of whom the pair shows, from 0 without gaps.
    condition : ndarray of shape (n,)
        Position of each pair's condition among ``conditions``.
    conditions : tuple of str
        In the order of the data; ``overall`` alone where none was named.
    groups : dict of str to (tuple of str, ndarray of shape (n,))
        Levels of each grouping, and the position of each pair's level among them.
    """

    first: FloatArray
    second: FloatArray
    subject: IntArray
    condition: IntArray
    conditions: tuple[str, ...]
    groups: dict[str, tuple[tuple[str, ...], IntArray]]

    @property
    def change(self) -> FloatArray:
        """The second score less the first, missing where one is."""
        return self.second - self.first

    @property
    def is_complete(self) -> BoolArray:
        """Whether both scores are known."""
        return np.isfinite(self.change)

    def parts(self) -> Iterator[tuple[str, str, str, BoolArray]]:
        """Yield condition, grouping, level and pairs of every part, everyone first."""
        for at, condition in enumerate(self.conditions):
            is_here = self.condition == at
            yield condition, OVERALL, OVERALL, is_here
            for column, (levels, code) in self.groups.items():
                for position, level in enumerate(levels):
                    yield condition, column, level, is_here & (code == position)


def pair_scores(
    first: pd.DataFrame,
    second: pd.DataFrame,
    subject: str,
    predicted: str,
    condition: str | None,
    by: Sequence[str],
) -> PairedScores:
    """Pass two tables of scores through the gate, and match them.

    Raises
    ------
    DataError
        As :func:`fahrstats.agreement` says.
    """
    _check_names(subject, predicted, condition, by)
    keys = _check_tables(first, second, subject, predicted, condition, by)
    # Row of `first` of each row of `second`
    places = pd.MultiIndex.from_frame(first[keys]).get_indexer(
        pd.MultiIndex.from_frame(second[keys])
    )
    before = as_float(first[predicted])[places]
    after = as_float(second[predicted])
    after = np.where(np.isclose(after, before, rtol=_ROUNDING, atol=0), before, after)
    if not np.isfinite(after - before).any():
        raise DataError(
            f"None of the {len(second)} pairs has both scores `{predicted}`."
        )
    codes, names = _conditions(second, condition)
    levels = {column: kept_levels(first, column, places) for column in by}
    return PairedScores(
        first=before,
        second=after,
        subject=np.asarray(pd.factorize(second[subject])[0], np.int64),
        condition=codes,
        conditions=names,
        groups={
            column: (
                tuple(found.cat.categories),
                found.cat.codes.to_numpy().astype(np.int64),
            )
            for column, found in levels.items()
        },
    )


def _check_names(
    subject: str, predicted: str, condition: str | None, by: Sequence[str]
) -> None:
    """Refuse what names no column."""
    if isinstance(by, str):
        raise DataError(f"`by` is the text `{by}`; give a list of columns.")
    if not (isinstance(by, Sequence) and all(isinstance(one, str) for one in by)):
        raise DataError(f"`by` is {by!r}; give a list of columns.")
    if OVERALL in by:
        raise DataError(
            f"`by` names `{OVERALL}`, which stands for everyone in tables; rename it."
        )
    for name, column in (
        ("subject", subject),
        ("predicted", predicted),
        ("condition", "" if condition is None else condition),
    ):
        if not isinstance(column, str):
            raise DataError(f"`{name}` is {column!r}; give the name of one column.")


def _check_tables(
    first: pd.DataFrame,
    second: pd.DataFrame,
    subject: str,
    predicted: str,
    condition: str | None,
    by: Sequence[str],
) -> list[str]:
    """Refuse tables that make no pairs; return the columns that match them."""
    own = condition is not None and condition in first
    keys = [subject] if condition is None else [subject, condition]
    first_keys = keys if own else [subject]
    _check_table(first, "first", [*first_keys, predicted, *by], first_keys, predicted)
    _check_table(second, "second", [*keys, predicted], keys, predicted)
    _refuse_repeated(first, "first", first_keys, subject)
    _refuse_repeated(second, "second", keys, subject)
    _refuse_unpaired(first, second, first_keys, subject)
    _refuse_other_groups(first, second, first_keys, by)
    return first_keys


def _check_table(
    data: pd.DataFrame,
    name: str,
    columns: Sequence[str],
    keys: Sequence[str],
    predicted: str,
) -> None:
    """Refuse a table that lacks a column or a key, or whose scores are no numbers."""
    if not isinstance(data, pd.DataFrame):
        raise DataError(
            f"`{name}` is a {type(data).__name__}; give a pandas data frame with one "
            "row for each subject."
        )
    for column in columns:
        if (data.columns == column).sum() != 1:
            held = "several columns" if column in data.columns else "no column"
            raise DataError(f"`{name}` has {held} `{column}`.")
    for key in keys:
        n_missing = int(data[key].isna().sum())
        if n_missing:
            raise DataError(
                f"`{key}` of `{name}` is missing in {n_missing} of {len(data)} rows, "
                "which cannot be paired."
            )
    if not is_number(data[predicted].infer_objects()):
        raise DataError(
            f"`{predicted}` of `{name}` must hold numbers, but its type is "
            f"{data[predicted].dtype}."
        )
    n_infinite = int((np.abs(as_float(data[predicted])) > _MOST).sum())
    if n_infinite:
        raise DataError(
            f"`{predicted}` of `{name}` is infinite, or above {_MOST:g} in size, in "
            f"{n_infinite} of {len(data)} rows."
        )


def _refuse_repeated(
    data: pd.DataFrame, name: str, keys: Sequence[str], subject: str
) -> None:
    """Raise where a subject has several photos on one side of a pair."""
    sizes = data.groupby(list(keys), sort=False, observed=True).size()
    n_repeated = int((sizes > 1).sum())
    if n_repeated:
        within = "` and `".join(keys) + "`"
        raise DataError(
            f"`{name}` has several rows for {n_repeated} of {sizes.size} values of "
            f"`{within}, {int(sizes.max())} for one of them; a pair has one photo "
            f"before and one after. Keep one photo of each, or measure repeated photos "
            f"of a `{subject}` by `repeatability`."
        )


def _refuse_unpaired(
    first: pd.DataFrame, second: pd.DataFrame, keys: Sequence[str], subject: str
) -> None:
    """Raise where a photo has no partner."""
    one, two = (pd.MultiIndex.from_frame(t[list(keys)]) for t in (first, second))
    n_first, n_second = (int((~a.isin(b)).sum()) for a, b in ((one, two), (two, one)))
    if n_first or n_second:
        raise DataError(
            f"{n_first} of {len(first)} rows of `first` have no partner in `second`, "
            f"and {n_second} of {len(second)} rows of `second` none in `first`, by "
            f"`{'` and `'.join(keys)}`; leave them out or add their photos. A photo "
            "without a usable face keeps its row, with a missing score."
        )


def _refuse_other_groups(
    first: pd.DataFrame, second: pd.DataFrame, keys: Sequence[str], by: Sequence[str]
) -> None:
    """Raise where the two tables put a subject into different groups."""
    for column in by:
        if column not in second or column in keys:
            continue
        both = first[[*keys, column]].merge(second[[*keys, column]], on=list(keys))
        one, two = (both[f"{column}_{side}"].astype(object) for side in "xy")
        one, two = (part.where(part.notna(), None) for part in (one, two))
        n_other = int(((one != two) & ~(one.isna() & two.isna())).sum())
        if n_other:
            raise DataError(
                f"`{column}` differs between `first` and `second` in {n_other} of "
                f"{len(both)} pairs; a pair belongs to one group."
            )


def _conditions(
    second: pd.DataFrame, condition: str | None
) -> tuple[IntArray, tuple[str, ...]]:
    """Return the position of each row's condition, and all in order of the data."""
    if condition is None:
        return np.zeros(len(second), np.int64), (OVERALL,)
    names = second[condition].drop_duplicates()
    texts = second[condition].astype(object).map(level_text)
    if texts.nunique() < len(names):
        raise DataError(
            f"`{condition}` of `second` has {len(names)} values of which several are "
            f"written alike, as {texts.nunique()} texts (1 and '1'); give each "
            "condition one value."
        )
    if (texts == OVERALL).any():
        raise DataError(
            f"`{condition}` has the value `{OVERALL}`, which stands for all pairs; "
            "give it another name."
        )
    codes, conditions = pd.factorize(texts)
    return np.asarray(codes, np.int64), tuple(conditions)

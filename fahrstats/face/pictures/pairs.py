"""Photos of the same faces before and after: surgery, makeup, another light."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import pandas as pd

from fahrstats.cohort.table_file import read_table_file
from fahrstats.errors import DataError
from fahrstats.face.pictures.folders import list_photos
from fahrstats.face.pictures.pair_layouts import (
    AFTER,
    BEFORE,
    UNDERSTOOD,
    moments_of,
    place_by_paths,
)
from fahrstats.face.pictures.photos import printable
from fahrstats.files import file_sha256

_KEYS = ["condition", "subject"]
_TEXTS = ("photo", "subject", "condition", BEFORE, AFTER)
_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class PhotoPairs:
    """Pairs of photos, each of one subject before and after a change.

    Attributes
    ----------
    table : DataFrame
        One row per pair: ``subject``, ``condition`` (empty where there is one), and
        the photos ``before`` and ``after``.
    root : Path
        The folder that photos are relative to.
    layout : str
        How the files say which is which, in words.
    unpaired : tuple of str
        Photos without a partner, which are in no pair.
    """

    table: pd.DataFrame
    root: Path
    layout: str
    unpaired: tuple[str, ...]

    @property
    def manifest(self) -> pd.DataFrame:
        """One row per photo: ``photo``, ``subject``, ``moment`` and ``condition``.

        :func:`fahrstats.face.open_source` opens it, with ``root``. A photo that is
        before in several conditions has one row, and no condition.
        """
        sides = [
            self.table[["subject", "condition"]].assign(
                photo=self.table[moment], moment=moment
            )
            for moment in (BEFORE, AFTER)
        ]
        rows = pd.concat(sides, ignore_index=True)
        is_shared = rows.duplicated("photo", keep=False)
        rows["condition"] = rows["condition"].mask(is_shared, "")
        columns = ["photo", "subject", "moment", "condition"]
        return rows.drop_duplicates("photo")[columns].reset_index(drop=True)

    def note(self) -> str:
        """Say what the pairs are of, how they were read, and what is in none."""
        conditions = list(self.table["condition"].unique())
        under = f" under {len(conditions):,} conditions ({_listed(conditions)})"
        text = (
            f"{len(self.table):,} pairs of {self.table['subject'].nunique():,} subjects"
            f"{under if any(conditions) else ''}, read from {self.layout}"
        )
        if not self.unpaired:
            return f"{text}."
        return (
            f"{text}; {len(self.unpaired):,} photos have no partner and are in no pair:"
            f" {_listed(self.unpaired)}."
        )


def open_pairs(
    where: str | Path | pd.DataFrame, *, root: str | Path | None = None
) -> PhotoPairs:
    """Read which photos of a folder or table are of one face before and after.

    Parameters
    ----------
    where
        One of

        - a table (CSV, TSV, Parquet or a data frame) with the columns ``before`` and
          ``after``, and ``subject`` and ``condition`` where there are any; without
          ``subject``, every row is a subject of its own;
        - a table with ``photo``, ``subject`` and ``moment``: before or after, pre or
          post, baseline or follow-up, 0 or 1, 1 or 2, a or b; and ``condition``, which
          may be empty for a photo that is before in all conditions of its subject;
        - a folder with folders ``before`` and ``after``, which hold files of equal
          names (whatever their suffix);
        - a folder with a folder for each subject, which holds ``before`` and
          ``after``;
        - a folder of files whose names end in _before and _after, or other such words.

        Other folders on the way to a photo are its condition.
    root
        The folder that the paths of a table are relative to; by default that of the
        table, and the current one for a data frame.

    Raises
    ------
    DataError
        The layout is unclear, no photo has a partner, a subject has more than one photo
        before or after in a condition, a photo stands for several subjects, a condition
        has photos on one side only, or a pair holds the same file twice.
    """
    if not isinstance(where, pd.DataFrame) and not Path(where).exists():
        raise DataError(f"There is no folder or table `{printable(str(where))}`.")
    if not isinstance(where, pd.DataFrame) and Path(where).is_dir():
        if root is not None:
            raise DataError("`root` goes with a table of paths, and not with a folder.")
        folder = Path(where)
        layout, photos = _from_folder(folder)
    else:
        layout, photos, folder = _from_table(where, root)
    photos["subject"] = photos["subject"].map(lambda name: normalize("NFC", name))
    _refuse_one_sided(photos)
    _refuse_strangers(photos)
    table = _pair(photos.drop_duplicates())
    known = {*table[BEFORE], *table[AFTER]}
    unpaired = tuple(photo for photo in photos["photo"].unique() if photo not in known)
    _refuse_same(table, folder)
    return PhotoPairs(table, folder, layout, unpaired)


def _from_folder(folder: Path) -> tuple[str, pd.DataFrame]:
    """Place every photo of a folder."""
    names = [photo.photo for photo in list_photos(str(folder)) if photo.data]
    if not names:
        raise DataError(f"The folder `{printable(str(folder))}` holds no photo.")
    name = printable(folder.name)
    layout, placed = place_by_paths(name, names)
    photos = pd.DataFrame(placed)
    moments = moments_of(photos["word"], f"`{name}`")
    return layout, photos.drop(columns="word").assign(moment=moments)


def _from_table(
    where: str | Path | pd.DataFrame, root: str | Path | None
) -> tuple[str, pd.DataFrame, Path]:
    """Return every photo of a table, of either layout."""
    if isinstance(where, pd.DataFrame):
        name, table, beside = "the data frame", where, Path()
    else:
        path = Path(where)
        name, table, beside = path.name, read_table_file(path, text=_TEXTS), path.parent
    folder = beside if root is None else Path(root)
    columns = list(map(str, table.columns))
    for column in _TEXTS:
        if columns.count(column) > 1:
            raise DataError(f"`{name}` has several columns `{column}`; keep one.")
    if not len(table):
        raise DataError(f"`{name}` has no rows.")
    if {BEFORE, AFTER} <= {*columns}:
        return "a table of before and after", _from_wide(table, name), folder
    if {"photo", "subject", "moment"} <= {*columns}:
        return "a table of photos and moments", _from_long(table, name), folder
    has = ", ".join(f"`{printable(column)}`" for column in columns)
    raise DataError(
        f"`{name}` has the columns {has}, which do not say which photos are pairs. Use "
        f"one layout: {UNDERSTOOD}."
    )


def _from_wide(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the photos of a table with a row for each pair."""
    rows = table.reset_index(drop=True)
    if "subject" not in rows:
        rows = rows.assign(subject=[f"pair {at + 1}" for at in rows.index])
    sides = []
    for moment in (BEFORE, AFTER):
        side = rows.assign(photo=_texts(rows[moment]), moment=moment)
        sides.append(side[side["photo"] != ""])
    return _with_keys(pd.concat(sides, ignore_index=True), name)


def _from_long(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the photos of a table with a row for each photo."""
    rows = table.reset_index(drop=True).assign(photo=_texts(table["photo"]).to_list())
    for column in ("photo", "moment"):
        n_missing = int((_texts(rows[column]) == "").sum())
        if n_missing:
            raise DataError(
                f"`{column}` is empty in {n_missing} of {len(rows)} rows of `{name}`."
            )
    moments = moments_of(rows["moment"], f"`moment` of `{name}`")
    return _with_keys(rows.assign(moment=moments), name)


def _with_keys(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return photo, subject, condition and moment, the keys as texts."""
    condition = rows["condition"] if "condition" in rows else pd.Series("", rows.index)
    rows = rows.assign(subject=_texts(rows["subject"]), condition=_texts(condition))
    n_missing = int((rows["subject"] == "").sum())
    if n_missing:
        raise DataError(
            f"`subject` is empty for {n_missing} of {len(rows)} photos of `{name}`; "
            "say whom each shows."
        )
    return rows[["photo", "subject", "condition", "moment"]]


def _texts(values: pd.Series) -> pd.Series:
    """Return values as texts, empty where they are missing."""
    texts = values.astype(object).where(values.notna(), "")
    return texts.map(lambda value: str(value).strip())


def _pair(photos: pd.DataFrame) -> pd.DataFrame:
    """Join the photos of each subject and condition.

    A photo before without a condition is that of all conditions of its subject.
    """
    before = photos[photos["moment"] == BEFORE]
    after = photos[photos["moment"] == AFTER]
    conditions = after[_KEYS].drop_duplicates()
    is_for_all = (before["condition"] == "") & bool((after["condition"] != "").any())
    for_all = before[is_for_all].drop(columns="condition").merge(conditions)
    before = pd.concat([before[~is_for_all], for_all], ignore_index=True)
    for side in (before, after):
        _refuse_several(side)
    table = before.merge(after, on=_KEYS, suffixes=("_before", "_after"))
    table = table.rename(columns={"photo_before": BEFORE, "photo_after": AFTER})
    if not len(table):
        raise DataError(
            f"None of the {len(photos):,} photos has a partner: {len(before):,} are "
            f"before and {len(after):,} after, of different subjects or conditions, "
            f"such as {_listed(photos['photo'])}."
        )
    table = table.sort_values(_KEYS, kind="stable", ignore_index=True)
    pairs: pd.DataFrame = table[["subject", "condition", BEFORE, AFTER]]
    return pairs


def _refuse_several(side: pd.DataFrame) -> None:
    """Refuse a subject with two photos on one side of a condition."""
    several = side[side.duplicated(_KEYS, keep=False)]
    if not len(several):
        return
    _, first = next(iter(several.groupby(_KEYS, sort=False)))
    moment = side["moment"].iloc[0]
    raise DataError(
        f"{several[_KEYS].drop_duplicates().shape[0]:,} subjects have more than one "
        f"photo {moment} in a condition, such as {_listed(first['photo'])}; a pair has "
        "one photo before and one after. Keep one of them, or compare all photos of a "
        "subject by `fs.repeatability`."
    )


def _refuse_one_sided(photos: pd.DataFrame) -> None:
    """Refuse a condition that has photos on one side only, unless it is of all."""
    has_none = photos["condition"] == ""
    has_shared = not has_none.all() and BEFORE in set(photos.loc[has_none, "moment"])
    for condition, part in photos.groupby("condition", sort=False):
        sides = set(part["moment"])
        if len(sides) == 2 or (has_shared and (condition == "") == (BEFORE in sides)):
            continue
        of = f"`{printable(str(condition))}` has" if condition else "There are"
        (one,) = sides
        other = AFTER if one == BEFORE else BEFORE
        raise DataError(
            f"{of} {len(part):,} photos {one} and none {other}; a condition needs both."
        )


def _refuse_strangers(photos: pd.DataFrame) -> None:
    """Refuse a photo of several subjects, who would count as independent."""
    n_subjects = photos.groupby("photo", sort=False)["subject"].nunique()
    shared = n_subjects[n_subjects > 1].index
    if len(shared):
        raise DataError(
            f"{len(shared):,} of {len(n_subjects):,} photos stand for several subjects,"
            f" such as {_listed(shared)}; a photo shows one. Say whom in `subject`, the"
            " same for all photos of a person."
        )


def _refuse_same(table: pd.DataFrame, root: Path) -> None:
    """Refuse pairs that hold the same file twice: nothing can change in them."""
    same = list(_same(table, root))
    if same:
        raise DataError(
            f"{len(same):,} of {len(table):,} pairs hold the same file before and "
            f"after, such as {_listed(same)}; a change in them would be 0 by mistake."
        )


def _same(table: pd.DataFrame, root: Path) -> Iterator[str]:
    """Yield the second photo of each pair whose files have the same bytes."""
    for first, second in zip(table[BEFORE], table[AFTER], strict=True):
        one, other = root / first, root / second
        if first == second or (
            one.is_file()
            and other.is_file()
            and one.stat().st_size == other.stat().st_size
            and file_sha256(one) == file_sha256(other)
        ):
            yield second


def _listed(names: Iterable[str]) -> str:
    """Name the first few photos, or conditions."""
    every = [f"`{printable(str(name))}`" for name in names]
    shown = every[:_SHOWN]
    more = len(every) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")

"""The version of a study's results that may be published, in a folder of its own."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.measurement.age_cells import COARSENESS
from fahrstats.study.provenance import code_sha256
from fahrstats.study.publication.ages import OLDEST, top_coded
from fahrstats.study.publication.counts import BASE, Rounding
from fahrstats.study.publication.curves import at_round_times, is_curve, significant
from fahrstats.study.publication.estimands import CELL_SHARE
from fahrstats.study.publication.estimates import coarse, left_out_because
from fahrstats.study.publication.few import known_of
from fahrstats.study.publication.protection import protect
from fahrstats.study.publication.texts import without_counts
from fahrstats.study.results_in import check_tables, read_manifest
from fahrstats.study.tables_in import text_sha256

ENDING = "-public"
"""What the folder of the public version adds to that of the results."""

_REPORTS = (".html", ".docx", ".pdf")
_DIGITS_OF_HASH = 12
_CHOSEN = ("n_boot", "n_tables", "n_cohorts")
_ROBUST = frozenset(("weights", "cluster"))  # roles that ask for robust errors
_STATUS = "status"  # of photos, by which they are counted
_FULL_HASH = re.compile(r"[0-9a-f]{64}")
_PHOTOS = re.compile(r"\bscores of \d+ photos")


@dataclass(frozen=True, slots=True)
class PublicVersion:
    """What of a study may be published.

    Attributes
    ----------
    tables : dict of DataFrame
        Tables by name.
    left_out : dict of str
        Why other tables are not among them.
    rounding : Rounding
        How their counts are printed.
    """

    tables: dict[str, pd.DataFrame]
    left_out: dict[str, str]
    rounding: Rounding


def publish(
    folder: Path,
    manifest: Mapping[str, Any],
    *,
    base: int = BASE,
    out: Path | None = None,
) -> Path:
    """Write the public version of a folder of results, tables and manifest.

    The folder of results is not changed. What is published is a function of its
    tables, the same each time as long as the data are the same. One that is there of
    the same results, by the same rules and whole, is left as it is.

    Parameters
    ----------
    folder
        Folder of the results, whose tables are whole.
    manifest
        Its manifest.
    base
        Counts are printed as multiples of it, those below twice as many not at all.
    out
        Folder to write, beside that of the results by default.

    Returns
    -------
    Path
        Folder of the public version.

    Raises
    ------
    DataError
        ``base`` is below 2, or the public folder holds something else.
    """
    out = public_folder(folder) if out is None else out
    key = public_key(manifest, base)
    if is_finished(out, key):
        return out
    exact = {
        name: store.read(folder / "tables" / f"{name}.parquet")[0]
        for name in manifest["tables"]
    }
    made = public_version(exact, manifest, base=base)
    clear_older(out)
    unfinished = {"name": manifest["name"], "public": None}  # until it is whole
    store.write_manifest(unfinished, out / "manifest.json")
    provenance = _public_provenance(manifest["provenance"], made.rounding, key)
    for name, table in made.tables.items():
        notes = _told(manifest["warnings"].get(name, []))
        store.write(
            table,
            out / "tables" / f"{name}.parquet",
            {**provenance, "table": name, "warnings": notes},
        )
    public = _public_manifest(manifest, provenance, made, out / "tables")
    store.write_manifest(public, out / "manifest.json")
    return out


def public_key(manifest: Mapping[str, Any], base: int) -> str:
    """Return a hash of all that a public version depends on.

    Nobody can tell from it whether a guess of the exact counts is right: the full hash
    of the data is part of it.
    """
    exact = json.dumps(manifest, sort_keys=True)
    return text_sha256("\n".join([exact, str(base), code_sha256()]))


def is_finished(folder: Path, key: str) -> bool:
    """Tell whether a folder holds the whole public version of a key."""
    try:
        manifest = read_manifest(folder)
        check_tables(folder, manifest)
    except DataError:
        return False
    return bool(manifest["provenance"]["key"] == key)


def public_folder(folder: Path) -> Path:
    """Return the folder of the public version, beside that of the results."""
    named = folder.resolve() if folder.name in ("", "..") else folder
    return named.with_name(named.name + ENDING)


def public_version(
    tables: Mapping[str, pd.DataFrame],
    manifest: Mapping[str, Any],
    *,
    base: int = BASE,
) -> PublicVersion:
    """Return what of some result tables may be published.

    Parameters
    ----------
    tables
        Result tables by name, with exact counts.
    manifest
        Holds ``labels``, ``provenance`` and, of cohort studies, ``horizons``.
    base
        See :func:`publish`.
    """
    labels, horizons = manifest["labels"], manifest.get("horizons", [])
    rounding = Rounding(secret=manifest["provenance"]["data_sha256"], base=base)
    left_out: dict[str, str] = {}
    kept: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        try:
            left_out[name] = left_out_because(table)
        except DataError as error:
            left_out[name] = f"it {error}"
        if left_out[name]:
            continue
        kept[name] = table
        if is_curve(table, horizons):
            kept[name] = at_round_times(table, rounding)
    rounding = protect(kept, rounding)
    n_people = _n_people(tables)
    roles = manifest.get("choices", {}).get("roles", {})
    known = known_of(tables, rounding.floor, is_robust=not _ROBUST.isdisjoint(roles))
    public = {}
    for name, table in kept.items():
        filled = _filled_cells(table, n_people, rounding)
        shown = coarse(filled, rounding, horizons, known=known)
        public[name] = top_coded(shown, labels)
    reasons = {name: why for name, why in left_out.items() if why}
    return PublicVersion(public, reasons, rounding)


def _n_people(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Return the people of each data set, where several are judged."""
    sizes: dict[str, float] = {}
    for table in tables.values():
        if {"cohort", "n_subjects"} <= {*table}:
            for cohort, n in table.groupby("cohort")["n_subjects"].max().items():
                sizes[str(cohort)] = max(sizes.get(str(cohort), 0.0), float(n))
    return sizes


def _filled_cells(
    table: pd.DataFrame, n_people: Mapping[str, float], rounding: Rounding
) -> pd.DataFrame:
    """Print the cells of a share of people as counts are, without those of too few.

    Such a share is made of two numbers that are rounded to fives already. A second
    rounding of the people would tell more than the first, so theirs is undone.
    """
    if table.empty or "estimand" not in table:
        return table
    if not (table["estimand"] == CELL_SHARE).all():
        return table
    n = table["cohort"].astype(str).map(n_people).astype(float)
    in_fives = (n / COARSENESS).round().clip(lower=1) * COARSENESS
    count = (table["estimate"].astype(float) * in_fives).round()
    is_filled = (count >= rounding.floor + COARSENESS / 2) | count.isna()
    share = rounding.column(count) / rounding.column(n)
    note = table["note"].str.replace(
        rf"\b{COARSENESS}$", str(rounding.base), regex=True
    )
    printed = table.assign(estimate=share, note=note)
    return printed[is_filled].reset_index(drop=True)


def clear_older(folder: Path) -> None:
    """Take away an older public version, and nothing else.

    Raises
    ------
    DataError
        The folder holds something that is no public version.
    """
    if not folder.exists():
        return
    try:
        older = store.read_manifest(folder / "manifest.json")
    except DataError:
        older = {} if any(folder.iterdir()) else {"public": None}
    if "public" not in older:
        raise DataError(
            f"`{folder}` is not a public version of results, which would be written "
            "there; move it, or give another folder of results."
        )
    tables = (folder / "tables").glob("*.parquet")
    ours = [file for file in tables if store.read_provenance(file) is not None]
    stem = Path(str(older.get("name"))).name
    reports = [folder / f"{stem}{ending}" for ending in _REPORTS]
    for file in (*ours, *reports, folder / "manifest.json"):
        file.unlink(missing_ok=True)
    for place in (folder / "tables", folder):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def _public_provenance(
    provenance: Mapping[str, Any], rounding: Rounding, key: str
) -> dict[str, Any]:
    """Return a provenance without counts and without what cut points are drawn from."""
    told = _with_printed_counts(provenance, rounding)
    file = _PHOTOS.sub("scores of photos", provenance["data_file"])
    return {**told, "key": key, "data_file": file}


def _public_manifest(
    manifest: Mapping[str, Any],
    provenance: Mapping[str, Any],
    made: PublicVersion,
    tables: Path,
) -> dict[str, Any]:
    """Return the manifest of a public version, which says what the rule was."""
    rounding = made.rounding
    told = {
        **_with_printed_counts(manifest, rounding),
        "provenance": dict(provenance),
        "tables": {
            name: file_sha256(tables / f"{name}.parquet") for name in made.tables
        },
        "warnings": {
            name: _told(manifest["warnings"].get(name, [])) for name in made.tables
        },
        "public": {
            "base": rounding.base,
            "floor": rounding.floor,
            "oldest": OLDEST,
            "n_withheld": len(rounding.withheld),
            "prints_zero": rounding.prints_zero,
            "left_out": made.left_out,
        },
    }
    if "deviations" in told:
        told["deviations"] = _with_few_digits(manifest["deviations"])
    if "survival" in told.get("photos", {}):
        told["photos"]["survival"] = _with_few_digits(told["photos"]["survival"])
    return told


def _with_printed_counts(part: Any, rounding: Rounding) -> Any:
    """Return a part of a manifest with what is printed in place of counts and hashes.

    The cut points follow from the full hash of the data.
    """
    if isinstance(part, Mapping):
        return {
            key: _printed(value, rounding)
            if _is_count(key, value)
            else _with_printed_counts(value, rounding)
            for key, value in part.items()
        } | _statuses(part, rounding)
    if isinstance(part, list):
        return [_with_printed_counts(value, rounding) for value in part]
    if isinstance(part, str) and _FULL_HASH.fullmatch(part):
        return part[:_DIGITS_OF_HASH]
    return part


def _statuses(part: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """Return what is printed of photos by their status, if a part counts them."""
    counts = part.get(_STATUS)
    if not isinstance(counts, Mapping):
        return {}
    return {_STATUS: {name: _printed(n, rounding) for name, n in counts.items()}}


def _is_count(key: str, value: Any) -> bool:
    """Tell whether an entry of a manifest counts people or rows."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        is_number
        and (key in ("n", "photos") or key.startswith("n_"))
        and key not in _CHOSEN
    )


def _printed(count: float, rounding: Rounding) -> int | None:
    """Return what is printed of a count, as JSON has it."""
    shown = rounding.printed(count)
    return None if math.isnan(shown) else int(shown)


def _with_few_digits(part: Any) -> Any:
    """Return numbers to as many digits as values are published with."""
    if isinstance(part, Mapping):
        return {key: _with_few_digits(value) for key, value in part.items()}
    return significant(part, 3) if isinstance(part, float) else part


def _told(warnings: list[str]) -> list[str]:
    """Return what was announced without numbers of people."""
    return [text for text in map(without_counts, warnings) if text]

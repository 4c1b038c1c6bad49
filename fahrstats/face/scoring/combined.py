"""Scores per subject or session, in a file beside those of the photos."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from fahrstats.cohort.store import PROVENANCE_KEY, read_provenance
from fahrstats.cohort.table_file import read_table_file
from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.score_columns import SCORE_GLOSSARY
from fahrstats.face.scoring.sessions import combine_photos
from fahrstats.files import write_whole

_KEYS = {"subject": ["subject"], "session": ["subject", "session"]}
_TEXT = ("subject", "session", "photo", "duplicate_of", "status")
_NEEDED = {*_TEXT, "faceage", "facesurvival", "checkpoint", "precision"}


def check_per(per: str, source: PhotoSource) -> None:
    """Refuse what photos are not combined by, before they are scored.

    The first photo is asked whether it has a subject, and a session.
    """
    if per == "photo":
        return
    if per not in _KEYS:
        raise DataError(f"`per` must be photo, subject or session, but it is {per!r}.")
    first = next(iter(next(source.shards(1))))
    for key in _KEYS[per]:
        if getattr(first, key) is None:
            raise DataError(
                f"`{first.photo}` has no {key}, so photos cannot be combined by {per}; "
                f"give a manifest with the columns `photo` and `{key}`."
            )


def write_combined(scores: Path, per: str) -> Path:
    """Combine the photos of a finished table by the median.

    Parameters
    ----------
    scores
        What :func:`~fahrstats.face.scoring.runs.score_to` wrote.
    per
        ``"subject"`` or ``"session"``.

    Returns
    -------
    Path
        The file, such as ``scores-per-subject.parquet`` beside ``scores.parquet``; an
        older one is replaced.

    Raises
    ------
    DataError
        As :func:`~fahrstats.face.scoring.sessions.combine_photos`.
    """
    out = scores.with_name(f"{scores.stem}-per-{per}{scores.suffix}")
    combined = combine_photos(_read(scores), by=_KEYS[per])
    table = pa.Table.from_pandas(combined, preserve_index=False)
    if out.suffix == ".csv":
        write_whole(out, lambda partial: pa.csv.write_csv(table, partial))
        return out
    described = {**(read_provenance(scores) or {}), "per": per}
    table = table.replace_schema_metadata({PROVENANCE_KEY: json.dumps(described)})
    write_whole(out, lambda partial: pq.write_table(table, partial))
    return out


def _read(scores: Path) -> pd.DataFrame:
    """Return the columns that are combined, or that say how."""
    if scores.suffix == ".csv":
        data = read_table_file(scores, text=_TEXT)
        whole = data.select_dtypes("int").columns.difference([*SCORE_GLOSSARY])
        return data.astype(dict.fromkeys(whole, float))  # ages without decimals
    names = pq.read_schema(scores).names
    wanted = [name for name in names if name in _NEEDED or name not in SCORE_GLOSSARY]
    return pd.read_parquet(scores, columns=wanted)

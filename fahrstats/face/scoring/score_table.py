"""Rows of photos as a table whose columns and types depend on the models alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from fahrstats.face.score_columns import in_score_order

Row = dict[str, Any]
"""What is known of one photo, by column; what is unknown may be absent."""

EMBEDDING = "embedding"
CROP = "crop"

_TYPES = {
    "photo": pa.string(),
    "subject": pa.string(),
    "session": pa.string(),
    "status": pa.string(),
    "note": pa.string(),
    "n_faces": pa.int32(),
    "face_pixels": pa.float64(),
    "eye_distance": pa.float64(),
    "confidence": pa.float64(),
    "yaw": pa.float64(),
    "pitch": pa.float64(),
    "roll": pa.float64(),
    "blur": pa.float64(),
    "brightness": pa.float64(),
    "width": pa.int32(),
    "height": pa.int32(),
    "taken": pa.timestamp("s"),
    "content": pa.string(),
    "duplicate_of": pa.string(),
    "checkpoint": pa.string(),
    "precision": pa.string(),
}


def score_schema(
    scores: Mapping[str, pa.DataType], *, keep_date: bool, has_models: bool
) -> pa.Schema:
    """Return the columns of a table: those of every photo, and those of the models.

    Parameters
    ----------
    scores
        Columns that the models write, or that of the crops, and their types.
    keep_date
        Whether ``taken`` is among the columns.
    has_models
        Whether ``checkpoint`` and ``precision`` are.
    """
    types = {**_TYPES, **scores}
    if not keep_date:
        del types["taken"]
    if not has_models:
        del types["checkpoint"], types["precision"]
    return pa.schema([(name, types[name]) for name in in_score_order(types)])


def as_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; NaN becomes missing, and so does what is absent."""
    columns = [
        pa.array([row.get(name) for row in rows], kind, from_pandas=True)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)

"""Tables of scores and embeddings of photos, as the scoring run writes them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fahrstats.cohort import store

DESCRIBED = {
    "checkpoint": "net@1a2b",
    "licences": {"net@1a2b": "CC0"},
    "detector": "finder 1",
    "precision": "float32",
    "several": "refuse",
}


def scores_of(people):
    """Make up the scores of one photo a person, in the columns of the scoring run."""
    n = len(people)
    status = np.where(np.arange(n) % 50 == 7, "no_face", "ok")
    is_ok = status == "ok"
    return pd.DataFrame(
        {
            "photo": [f"{patient}.jpg" for patient in people["patient"]],
            "subject": None,
            "session": None,
            "status": status,
            "note": "",
            "faceage": people["faceage"].where(is_ok),
            "n_faces": is_ok.astype(int),
            "face_pixels": np.where(is_ok, 90.0, np.nan),
            "yaw": np.where(is_ok, -4.0, np.nan),
            "width": 225,
        }
    )


def embeddings_of(people, vectors):
    """Put vectors (n, d) beside the photos of people; None where there is no face."""
    scores = scores_of(people)[["photo", "subject", "status"]]
    is_ok = scores["status"].eq("ok")
    rows = zip(vectors.tolist(), is_ok, strict=True)
    kept = [row if has_face else None for row, has_face in rows]
    return scores.assign(checkpoint="net@1a2b", precision="float32", embedding=kept)


def write_scores(out, table, provenance):
    """Write a table as a finished run leaves it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    if "embedding" in table:
        at = arrow.schema.get_field_index("embedding")
        width = len(table["embedding"].dropna().iloc[0])
        vectors = pa.array(table["embedding"], pa.list_(pa.float32(), width))
        arrow = arrow.set_column(at, "embedding", vectors)
    stored = {store.PROVENANCE_KEY: json.dumps(provenance).encode()}
    pq.write_table(arrow.replace_schema_metadata(stored), out)

"""Tables of embeddings as ``fahrstats embed`` writes them, without photos."""

from __future__ import annotations

import numpy as np
import pandas as pd


def write_embeddings(path, vectors, **columns):
    """Write embeddings (n, d) of photos p0000.jpg, p0001.jpg, ...; return the path."""
    n = len(vectors)
    table = {
        "photo": [f"p{i:04d}.jpg" for i in range(n)],
        "subject": None,
        "status": "ok",
        "content": [f"{i:064x}" for i in range(n)],
        "checkpoint": "small-age@0123456789ab",
        "precision": "float32",
        **columns,
        "embedding": list(np.asarray(vectors, np.float32)),
    }
    pd.DataFrame(table).to_parquet(path)
    return path


def draw_cohort(n, d, *, slope=0.0, seed=1):
    """Return vectors (n, d), the first column raising the hazard, and labels."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    time = rng.exponential(np.exp(-slope * vectors[:, 0]))
    censored = rng.exponential(1.5, n)
    labels = pd.DataFrame(
        {
            "photo": [f"p{i:04d}.jpg" for i in range(n)],
            "time": np.minimum(time, censored),
            "event": (time <= censored).astype(int),
        }
    )
    return vectors, labels

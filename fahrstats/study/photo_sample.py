"""Photographs of a study, or a random sample of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fahrstats.errors import DataError

if TYPE_CHECKING:
    from fahrstats.face.pictures.photos import PhotoSource


def open_sample(
    where: Path, *, section: str, limit: int | None = None, seed: int = 1
) -> PhotoSource:
    """Return the photos of a folder or manifest: all, or as many as are drawn.

    Parameters
    ----------
    where
        Folder of photos, or a manifest or Parquet file of them.
    section
        Section of the study file that errors name.
    limit, seed
        How many photos are drawn, and what decides which.

    Raises
    ------
    DataError
        There are fewer than are to be drawn, or they lie in a Parquet file, of which
        none are drawn.
    """
    from fahrstats.face.pictures.manifests import manifest_of
    from fahrstats.face.pictures.sources import open_source

    source = open_source(where)
    if limit is None:
        return source
    if len(source) < limit:
        raise DataError(
            f"{section}: `limit` is {limit}, but `{where.name}` holds "
            f"{len(source):,} photos; lower it, or take it out."
        )
    photos = [photo for shard in source.shards(len(source)) for photo in shard]
    if not all(isinstance(photo.data, Path) or photo.problem for photo in photos):
        raise DataError(
            f"{section}: `{where.name}` holds the pictures themselves, of which none "
            "are drawn; take out `limit`."
        )
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(len(photos), limit, replace=False))
    frame = pd.DataFrame(
        {
            "photo": [photos[at].photo for at in drawn],
            "subject": [photos[at].subject for at in drawn],
        }
    )
    return manifest_of(frame, where if where.is_dir() else where.parent)

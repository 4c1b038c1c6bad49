"""Names that occur more than once among millions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import printable


def check_unique(where: str, names: Callable[[], Iterable[pa.Array]]) -> None:
    """Refuse a source that lists a photo twice.

    Eight bytes a name are held; only names whose hashes meet are compared as text, in
    a second pass.

    Parameters
    ----------
    where
        What lists the photos, for the message.
    names
        Gives the names anew, in arrays of text.

    Raises
    ------
    DataError
        A name occurs more than once; the message says which and how often.
    """
    hashes = np.concatenate(
        [np.zeros(0, np.uint64), *(_hashes(chunk) for chunk in names())]
    )
    hashes.sort()
    suspects = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    if not suspects.size:
        return
    times: Counter[str] = Counter()
    for chunk in names():
        times.update(chunk.filter(np.isin(_hashes(chunk), suspects)).to_pylist())
    repeated = {name: n for name, n in times.items() if n > 1}
    if repeated:
        first, n = next(iter(repeated.items()))
        raise DataError(
            f"`{where}` lists {len(repeated):,} of its photos more than once, such as "
            f"`{printable(first)}` ({n} times); keep one row of each."
        )


def _hashes(names: pa.Array) -> NDArray[np.uint64]:
    """Return 64-bit hashes of text."""
    values = names.to_numpy(zero_copy_only=False)
    return np.asarray(pd.util.hash_array(values, categorize=False), dtype=np.uint64)

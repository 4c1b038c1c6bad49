"""Pillow's warnings, left out while photos are read."""

from __future__ import annotations

import re
import warnings
from threading import Lock

_FROM_PILLOW = r"PIL\.\w+"


class QuietPillow:
    """While any thread is inside, warnings that Pillow gives are left out.

    They are about metadata that nobody asked for, such as a tag with too many values;
    whatever keeps a photo from being read is an error. Those of other packages are not
    touched. ``warnings.catch_warnings`` would not do: threads that leave it in another
    order than they came restore each other's filters.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                warnings.filterwarnings("ignore", module=_FROM_PILLOW)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            own = ("ignore", None, Warning, re.compile(_FROM_PILLOW), 0)
            if not self._inside and own in warnings.filters:
                warnings.filters.remove(own)  # type: ignore[attr-defined]


QUIET = QuietPillow()
"""The one of this process."""

"""Who is told how far a long run is."""

from __future__ import annotations

from collections.abc import Callable

Watch = Callable[[str, int, int], None]
"""Told the step, or what is done; its position; and the number of them."""

"""Small random cohorts with every complication a kernel must bear."""

from __future__ import annotations

from itertools import product

import numpy as np

COMPLICATIONS = [
    dict(zip(("ties", "weights", "strata", "delayed"), values, strict=True))
    for values in product(
        (False, True), ("none", "whole", "fractional"), (1, 3), (False, True)
    )
]


def name_of(case: dict[str, object]) -> str:
    """Name a case of :data:`COMPLICATIONS` in the report of pytest."""
    ties = "ties" if case["ties"] else "no ties"
    entry = "delayed entry" if case["delayed"] else "from the start"
    return f"{ties}, {case['weights']} weights, {case['strata']} strata, {entry}"


def random_rows(seed: int, n: int, *, ties, weights, strata, delayed):
    """Follow-up as keyword arguments of the sorting kernel."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 9, n).astype(float) if ties else rng.permutation(n) + 1.0
    rows = {"time": time, "event": rng.random(n) < 0.6}
    if strata > 1:
        rows["strata"] = np.append(np.arange(strata), rng.integers(0, strata, n))[:n]
    if weights == "whole":
        rows["weights"] = rng.integers(1, 4, n).astype(float)
    if weights == "fractional":
        rows["weights"] = rng.uniform(0.2, 3, n)
    if delayed:
        rows["entry"] = np.floor(time * rng.random(n) * (rng.random(n) < 0.7))
    return rows

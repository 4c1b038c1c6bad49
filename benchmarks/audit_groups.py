"""What an audit of 60 groups costs, as a multiple of one fit and one concordance.

Run `OMP_NUM_THREADS=2 python -m benchmarks.audit_groups` from the root of the project.
No other package audits groups, so the audit stands beside `cox` and `concordance` of
the same people, in the same process. CPU seconds change little on a busy machine.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import fahrstats as fs

FORMULA = "Surv(time, event) ~ marker + age + sex + smoking"
DESIGNS = {
    "8 factors": (2, 4, 5, 7, 8, 10, 12, 12),
    "1 factor": (60,),
}
"""Levels of every factor."""


def simulate(n: int, sizes: tuple[int, ...], seed: int = 20260612) -> pd.DataFrame:
    """Draw people whose groups have nothing to do with their risk."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "marker": rng.normal(size=n),
            "age": rng.normal(60, 10, n).round(1),
            "sex": rng.choice(["women", "men"], n),
            "smoking": rng.integers(0, 2, n).astype(float),
        }
    )
    hazard = 0.05 * np.exp(0.5 * data["marker"] + 0.03 * (data["age"] - 60))
    death, lost = rng.exponential(1 / hazard), rng.uniform(1, 12, n)
    groups = {
        f"factor_{k}": rng.integers(0, size, n).astype(str)
        for k, size in enumerate(sizes)
    }
    outcome = {"time": np.minimum(death, lost), "event": (death <= lost).astype(int)}
    return data.assign(**outcome, **groups)


def audited(data: pd.DataFrame) -> pd.DataFrame:
    """Audit all factors, with the tables of levels and of tests."""
    by = [name for name in data if name.startswith("factor_")]
    found = fs.audit(
        FORMULA, data, term="marker", by=by, horizon=5, floor_people=1, floor_events=1
    )
    return pd.concat([found.tidy(), found.tests()])


def fitted(data: pd.DataFrame) -> None:
    """Fit the model and rank by the marker, once."""
    fs.cox(FORMULA, data)
    fs.concordance("Surv(time, event) ~ marker", data)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    """Time both designs and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200_000)
    options = parser.parse_args()
    print(f"{options.n:,} people, Python {platform.python_version()}")
    for name, sizes in DESIGNS.items():
        small = simulate(3000, sizes)
        audited(small)  # compiles
        fitted(small)
        data = simulate(options.n, sizes)
        alone, _ = timed(lambda data=data: fitted(data))
        cpu, wall = timed(lambda data=data: audited(data))
        print(
            f"{name}, {sum(sizes)} levels: {cpu:.1f} s CPU, {wall:.1f} s wall, "
            f"{cpu / alone:.0f} times one fit and one concordance ({alone:.2f} s)"
        )


if __name__ == "__main__":
    main()

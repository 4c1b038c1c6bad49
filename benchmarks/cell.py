"""One cell of the table: one package, one task, one size, in a process of its own.

The package is warmed up on a few rows, so that neither imports nor compilation are
timed. Peak memory is what the first full-sized call adds to the resident set, which
counts memory that Python cannot see. R measures itself, by the same rules.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.cohort import COVARIATES, simulate
from benchmarks.in_r import NeedsR
from benchmarks.tasks import TASKS, AfterFit, Task

WARM_UP_ROWS = 500
# Repetitions by the seconds of the first call: the median of five or more, except for
# packages that take minutes.
REPETITIONS = ((0.5, 15), (20.0, 5), (45.0, 3))
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Cell:
    """A measurement, or why there is none."""

    cpu_s: float = float("nan")
    wall_s: float = float("nan")
    runs: int = 0
    peak_bytes: int | None = None
    input_bytes: int = 0
    numbers: tuple[float, ...] = ()
    left_out: str = ""


def measure(task: Task | AfterFit, n: int) -> dict[str, object]:
    """CPU and wall seconds of a call, added peak memory in bytes, and the numbers."""
    warnings.simplefilter("ignore")
    fit, run = (task.fit, task.run) if isinstance(task, AfterFit) else (_as_is, task)
    run(fit(simulate(WARM_UP_ROWS)))
    data = simulate(n)
    fitted = fit(data)
    gc.collect()
    numbers: list[float] = []

    def call() -> tuple[float, float]:
        nonlocal numbers
        start, wall_start = time.process_time(), time.perf_counter()
        numbers = run(fitted)
        return time.process_time() - start, time.perf_counter() - wall_start

    first, peak = _with_peak_memory(call)
    wanted = next((count for limit, count in REPETITIONS if first[0] < limit), 1)
    runs = [first] if wanted == 1 else []
    while len(runs) < wanted:
        gc.collect()
        runs.append(call())
    cpu, wall = zip(*runs, strict=True)
    return {
        "cpu_s": statistics.median(cpu),
        "wall_s": statistics.median(wall),
        "runs": len(runs),
        "peak_bytes": peak,
        "input_bytes": _input_bytes(data),
        "numbers": [float(x) for x in numbers],
    }


def _as_is(data: pd.DataFrame) -> pd.DataFrame:
    """Prepare nothing."""
    return data


def _input_bytes(data: pd.DataFrame) -> int:
    columns = data[[*COVARIATES, "time", "event"]]
    return int(columns.memory_usage(index=False, deep=True).sum())


def _with_peak_memory(
    call: Callable[[], tuple[float, float]],
) -> tuple[tuple[float, float], int | None]:
    """Run ``call``; None where the system does not report a resettable peak."""
    if not STATUS.exists():
        return call(), None
    import ctypes

    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak becomes the present
    before = _status_bytes("VmRSS")
    seconds = call()
    return seconds, _status_bytes("VmHWM") - before


def _status_bytes(field: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def main() -> None:
    """Print the cell as JSON; a package that is absent is left out in words."""
    row, package, size = sys.argv[1:]
    task, n = TASKS[row][package], int(size)
    try:
        if isinstance(task, NeedsR):
            task.become(row, simulate(n), warm_up_rows=WARM_UP_ROWS)
        else:
            print(json.dumps(measure(task, n)))
    except ModuleNotFoundError as error:
        if error.name == "fahrstats":
            raise
        print(json.dumps({"left_out": "not installed"}))


if __name__ == "__main__":
    main()

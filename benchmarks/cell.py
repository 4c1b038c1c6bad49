"""One cell of the table: one package, one task, one size, in a process of its own.

The package is warmed up on a few rows, so that neither imports nor compilation are
timed. Peak memory is what the first full-sized call adds to the resident set, which
counts memory that Python cannot see.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.cohort import COVARIATES, simulate
from benchmarks.tasks import TASKS, Task

WARM_UP_ROWS = 500
# Repetitions by the seconds of the first call: the median of five or more, except for
# packages that take minutes.
REPETITIONS = ((0.5, 15), (20.0, 5), (45.0, 3))
STATUS = Path("/proc/self/status")


def measure(task: Task, n: int) -> dict[str, object]:
    """CPU seconds of every call, added peak memory in bytes, and the numbers."""
    warnings.simplefilter("ignore")
    task(simulate(WARM_UP_ROWS))
    data = simulate(n)
    gc.collect()
    numbers: list[float] = []

    def call() -> float:
        nonlocal numbers
        start = time.process_time()
        numbers = task(data)
        return time.process_time() - start

    seconds, peak = _with_peak_memory(call)
    cpu = [seconds]
    wanted = next((count for limit, count in REPETITIONS if seconds < limit), 1)
    if wanted > 1:
        cpu = []
    while len(cpu) < wanted:
        gc.collect()
        cpu.append(call())
    return {
        "cpu_s": statistics.median(cpu),
        "runs": len(cpu),
        "peak_bytes": peak,
        "input_bytes": _input_bytes(data),
        "numbers": [float(x) for x in numbers],
    }


def _input_bytes(data: pd.DataFrame) -> int:
    columns = data[[*COVARIATES, "time", "event"]]
    return int(columns.memory_usage(index=False, deep=True).sum())


def _with_peak_memory(call: Callable[[], float]) -> tuple[float, int | None]:
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


if __name__ == "__main__":
    row, package, size = sys.argv[1:]
    print(json.dumps(measure(TASKS[row][package], int(size))))

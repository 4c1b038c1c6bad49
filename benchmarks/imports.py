"""How long `import fahrstats` and `fahrstats run flchain` take, and how large they are.

Run `python -m benchmarks.imports` from the root of the project. The import is timed in
fresh interpreters whose files the system has cached; the run is timed with compiled
kernels cached, on the cores that the machine has.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORTS = 11
HEAVY = ("pandas", "numba", "matplotlib", "torch", "scipy", "formulaic")
IMPORT = f"""
import sys, time
start = time.perf_counter()
import fahrstats
seconds = time.perf_counter() - start
print(seconds, *(name for name in {HEAVY!r} if name in sys.modules))
"""


def main() -> None:
    """Print both measurements as Markdown."""
    runs = [_output(sys.executable, "-c", IMPORT).split() for _ in range(IMPORTS)]
    seconds = statistics.median(float(run[0]) for run in runs)
    loaded = ", ".join(sorted({name for run in runs for name in run[1:]})) or "none"
    print(f"- `import fahrstats`: {seconds:.3f} s; of {', '.join(HEAVY)}: {loaded}")
    with tempfile.TemporaryDirectory() as folder:
        _run_study(Path(folder))
        wall, cpu = _run_study(Path(folder) / "again")
        pages = list(Path(folder, "again").rglob("*.html"))
        for page in pages:
            megabytes = page.stat().st_size / 1e6
            print(
                f"- `fahrstats run flchain`: {wall:.1f} s ({cpu:.1f} CPU s) on "
                f"{os.cpu_count()} cores; `{page.name}` has {megabytes:.2f} MB"
            )


def _run_study(folder: Path) -> tuple[float, float]:
    """Run the flagship study into ``folder``; return wall and CPU seconds."""
    before, start = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "fahrstats.cli", "run", "flchain", "--quiet"]
    _output(*command, "--out", str(folder))
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return time.perf_counter() - start, cpu


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()

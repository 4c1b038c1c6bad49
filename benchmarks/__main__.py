"""Time fahrstats next to its peers and print the table as Markdown.

Run `python -m benchmarks` from the root of the project; `--sizes 2000 34389` is quick.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.cell import Cell
from benchmarks.in_r import r_version
from benchmarks.targets import target_table
from benchmarks.tasks import LARGE, ONE_SIZE, TASKS

SIZES = (2_000, LARGE, 200_000, 1_000_000)
PACKAGES = (
    "fahrstats",
    "R",
    "survival",
    "lifelines",
    "scikit-survival",
    "statsmodels",
    "fast-cindex",
)
CAP_S = 300
ROOT = Path(__file__).parents[1]
WITHOUT_VARIANCE = {
    ("C with variance", "lifelines"),
    ("C with variance", "scikit-survival"),
}


def main() -> None:
    """Measure every cell, print the table and keep it beside this file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--packages", nargs="+", choices=PACKAGES, default=PACKAGES)
    parser.add_argument("--cap", type=float, default=CAP_S, help="seconds per cell")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results.md")
    options = parser.parse_args()
    cells: dict[tuple[str, str, int], Cell] = {}
    for task in options.tasks:
        for n in _sizes(task, options.sizes):
            for package in options.packages:
                if package in TASKS[task]:
                    cell = _measure(task, package, n, options.cap, cells)
                    cells[task, package, n] = cell
                    result = cell.left_out or f"{cell.cpu_s:.4g} s"
                    print(f"{task}, {n:,}, {package}: {result}", file=sys.stderr)
    text = "\n\n".join(
        [
            _machine(options.packages),
            _time_table(cells, options.packages),
            _memory_table(cells, options.packages),
            _agreement(cells),
            target_table(cells),
        ]
    )
    print(text)
    options.out.write_text(text + "\n")


def _sizes(task: str, sizes: Sequence[int]) -> list[int]:
    """Sizes at which a task is timed, in rising order."""
    if task in ONE_SIZE:
        return sorted(n for n in sizes if n <= LARGE)[-1:]
    return sorted(sizes)


def _measure(
    task: str,
    package: str,
    n: int,
    cap: float,
    cells: dict[tuple[str, str, int], Cell],
) -> Cell:
    """Run one cell, unless a smaller size shows that it cannot end in time."""
    smaller = [size for (t, p, size) in cells if (t, p) == (task, package) and size < n]
    if smaller:
        last = cells[task, package, max(smaller)]
        if last.left_out:
            return Cell(left_out=last.left_out)
        if last.cpu_s * n / max(smaller) > cap:
            return Cell(left_out=f"over {cap:.0f} s")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.cell", task, package, str(n)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=cap,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Cell(left_out=f"over {cap:.0f} s")
    if done.returncode == -9:
        return Cell(left_out="out of memory")
    if done.returncode:
        last_line = done.stderr.strip().splitlines()[-1:]
        return Cell(left_out="fails: " + " ".join(last_line)[:80])
    values = json.loads(done.stdout.splitlines()[-1])
    return Cell(**{**values, "numbers": tuple(values.get("numbers", ()))})


def _machine(packages: list[str]) -> str:
    versions = ", ".join(filter(None, map(_version, packages)))
    return (
        f"{_cpu_model()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, numpy {version('numpy')}; {versions}. "
        "CPU seconds, median, one thread; in brackets how many times as long as "
        "fahrstats; 12 covariates, 60% events, times in whole days. Every cell ran in "
        "a process of its own, after a warm-up on 500 rows."
    )


def _version(package: str) -> str:
    """Name and version; empty for a package that is not installed."""
    if package == "R":
        return r_version()
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _time_table(cells: dict[tuple[str, str, int], Cell], packages: list[str]) -> str:
    rows = ["| | n | " + " | ".join(packages) + " |", _rule(packages)]
    for task, n in _rows(cells):
        ours = cells.get((task, "fahrstats", n), Cell()).cpu_s
        entries = []
        for package in packages:
            cell = cells.get((task, package, n))
            entry = _time(cell, ours, is_peer=package != "fahrstats")
            if cell and (task, package) in WITHOUT_VARIANCE and not cell.left_out:
                entry += ", no variance"
            entries.append(entry)
        rows.append(f"| {task} | {n:,} | " + " | ".join(entries) + " |")
    return "\n".join(rows)


def _time(cell: Cell | None, ours: float, *, is_peer: bool) -> str:
    if cell is None:
        return "not offered"
    if cell.left_out:
        return cell.left_out
    text = f"{cell.cpu_s:.3g} s"
    if is_peer and ours > 0:
        text += f" ({cell.cpu_s / ours:.3g}x)"
    if cell.runs < 5:
        text += f", {cell.runs} run{'s' if cell.runs > 1 else ''}"
    if cell.wall_s < 0.8 * cell.cpu_s:
        text += f", {cell.wall_s:.3g} s wall"
    if any(number != number for number in cell.numbers):
        text += ", gives NaN"
    return text


def _memory_table(cells: dict[tuple[str, str, int], Cell], packages: list[str]) -> str:
    rows = [
        "Peak memory added by the call, as a multiple of the input's:",
        "",
        "| | n | " + " | ".join(packages) + " |",
        _rule(packages),
    ]
    for task, n in _rows(cells):
        if n < 200_000 and task != "fit, robust SE, C with SE":
            continue
        entries = []
        for package in packages:
            cell = cells.get((task, package, n))
            known = cell is not None and not cell.left_out
            peak = cell.peak_bytes if cell is not None and known else None
            entries.append("-" if peak is None else f"{peak / cell.input_bytes:.2g}x")
        rows.append(f"| {task} | {n:,} | " + " | ".join(entries) + " |")
    return "\n".join(rows)


def _agreement(cells: dict[tuple[str, str, int], Cell]) -> str:
    """Largest relative difference from fahrstats, by task and package."""
    lines = [
        "Largest relative difference from fahrstats in the numbers computed, which for "
        "draws is that of two random streams:",
        "",
    ]
    worst: dict[tuple[str, str], float] = {}
    for (task, package, n), cell in cells.items():
        ours = cells.get((task, "fahrstats", n), Cell())
        if package == "fahrstats" or not cell.numbers or not ours.numbers:
            continue
        if any(number != number for number in cell.numbers):
            continue
        pairs = zip(cell.numbers, ours.numbers, strict=False)
        difference = max(abs(a / b - 1) for a, b in pairs)
        worst[task, package] = max(worst.get((task, package), 0.0), difference)
    lines += [
        f"- {task}, {package}: {difference:.1e}"
        for (task, package), difference in worst.items()
    ]
    return "\n".join(lines)


def _rows(cells: dict[tuple[str, str, int], Cell]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((task, n) for task, _, n in cells))


def _rule(packages: list[str]) -> str:
    return "|---|--:|" + "--:|" * len(packages)


if __name__ == "__main__":
    main()

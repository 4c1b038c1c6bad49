"""How fast fahrstats has to be, and whether it is: ratios within one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.cell import Cell
from benchmarks.tasks import LARGE

PH_TEST = "exact PH test of a fit"
UNO = "Uno's C with SE"
DRAWS = "1,000 draws of a difference in C"
TABLE = "added-value table, 500 draws, 2 workers"
ONE_WORKER = "added-value table, 20 draws, 1 worker"
TWO_WORKERS = "added-value table, 20 draws, 2 workers"
PASS = "adjusted fit, C, paired C"
SUBGROUPS = "the same in 40 subgroups"

Cells = Mapping[tuple[str, str], Cell]
"""Cells of one size, by task and package."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on something measured."""

    text: str
    measure: Callable[[Cells], float]
    at_least: float = float("-inf")
    at_most: float = float("inf")

    def row(self, cells: Cells) -> str:
        """Return its row of the table; without its cells it is not measured."""
        bound = f"at most {self.at_most:g}"
        if self.at_most == float("inf"):
            bound = f"at least {self.at_least:g}"
        try:
            value = self.measure(cells)
        except KeyError:
            return f"| {self.text} | {bound} | not measured |"
        is_met = self.at_least <= value <= self.at_most
        return f"| {self.text} | {bound} | {value:.3g}{'' if is_met else ', missed'} |"


def _faster_than(package: str, task: str) -> Callable[[Cells], float]:
    def ratio(cells: Cells) -> float:
        return cells[task, package].cpu_s / cells[task, "fahrstats"].cpu_s

    return ratio


def _as_multiple(task: str, of: str, *, times: int = 1) -> Callable[[Cells], float]:
    def ratio(cells: Cells) -> float:
        unit = cells[of, "fahrstats"].cpu_s
        return cells[task, "fahrstats"].cpu_s / (times * unit)

    return ratio


def _wall_minutes(cells: Cells) -> float:
    return cells[TABLE, "fahrstats"].wall_s / 60


def _numbers_that_differ(cells: Cells) -> float:
    one, two = (cells[task, "fahrstats"].numbers for task in (ONE_WORKER, TWO_WORKERS))
    return float(sum(a != b for a, b in zip(one, two, strict=True)))


TARGETS = (
    Target("exact PH test of a fit: R's time", _faster_than("R", PH_TEST), at_least=4),
    Target(
        "exact PH test of a fit: survival's time",
        _faster_than("survival", PH_TEST),
        at_least=10,
    ),
    Target("Uno's C: R's time", _faster_than("R", UNO), at_least=4),
    Target(
        "1,000 draws of a difference in C, as a multiple of 300 single C",
        _as_multiple(DRAWS, "C with variance", times=300),
        at_most=3,
    ),
    Target(
        "1,000 draws: fast-cindex's time",
        _faster_than("fast-cindex", DRAWS),
        at_least=3,
    ),
    Target("added-value table: minutes by the clock", _wall_minutes, at_most=2),
    Target(
        "added-value table: numbers that differ between 1 and 2 workers",
        _numbers_that_differ,
        at_most=0,
    ),
    Target(
        "40 subgroups, as a multiple of one pass through the data",
        _as_multiple(SUBGROUPS, PASS),
        at_most=10,
    ),
)


def target_table(cells: Mapping[tuple[str, str, int], Cell]) -> str:
    """Compare every target with the cells of ``LARGE`` rows, as Markdown."""
    chosen = {
        (task, package): cell
        for (task, package, n), cell in cells.items()
        if n == LARGE and cell.numbers
    }
    return "\n".join(
        [
            f"Targets at {LARGE:,} rows; times are in multiples of fahrstats':",
            "",
            "| | wanted | measured |",
            "|---|--:|--:|",
            *(target.row(chosen) for target in TARGETS),
        ]
    )

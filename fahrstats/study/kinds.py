"""The kinds of studies: what each is checked, analysed and reported by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fahrstats.errors import DataError
from fahrstats.section import open_toml
from fahrstats.study.analyse import analyse_study
from fahrstats.study.benchmark.cohorts import check_benchmark
from fahrstats.study.benchmark.run import (
    analyse_benchmark,
    check_benchmark_results,
)
from fahrstats.study.benchmark.study_file import parse_benchmark
from fahrstats.study.checks import check_study
from fahrstats.study.results_in import check_results
from fahrstats.study.robustness.run import (
    analyse_robustness,
    check_robustness_results,
)
from fahrstats.study.robustness.sources import check_robustness
from fahrstats.study.robustness.study_file import parse_robustness
from fahrstats.study.saliency.run import analyse_saliency, check_saliency_results
from fahrstats.study.saliency.sources import check_saliency
from fahrstats.study.saliency.study_file import parse_saliency
from fahrstats.study.study_file import parse_study
from fahrstats.study.tabled import Noted


class Checked(Protocol):
    """What a check of a study found."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the study cannot be analysed; empty where it can."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know though nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of study is run by.

    Attributes
    ----------
    report : str
        Name of the report, see :func:`fahrstats.report.report_source`.
    parse : callable
        Takes the study file; returns what it says, or None, and all its problems.
    check : callable
        Takes the study file, the folder of the data and that of the results; lists
        every problem.
    analyse : callable
        Takes the same and what watches the steps; writes the tables, and returns the
        folder of the results.
    check_results : callable
        Takes the study file, the folder of the results and that of the data; returns
        the manifest of tables that are whole and up to date.
    """

    report: str
    parse: Callable[[Path], tuple[Noted | None, list[str]]] = parse_study
    check: Callable[..., Checked] = check_study
    analyse: Callable[..., Path] = analyse_study
    check_results: Callable[..., dict[str, Any]] = check_results


_DEFAULT = "biomarker"
_KINDS: dict[str, Kind] = {
    _DEFAULT: Kind("biomarker"),
    "audit": Kind("audit"),
    "age-benchmark": Kind(
        "age_accuracy",
        parse_benchmark,
        check_benchmark,
        analyse_benchmark,
        check_benchmark_results,
    ),
    "robustness": Kind(
        "robustness",
        parse_robustness,
        check_robustness,
        analyse_robustness,
        check_robustness_results,
    ),
    "saliency": Kind(
        "saliency",
        parse_saliency,
        check_saliency,
        analyse_saliency,
        check_saliency_results,
    ),
}


def find_kind(path: Path) -> Kind:
    """Return what runs a study file, by its ``kind``.

    A file that cannot be read, or is of an unknown kind, is given to those who say what
    is wrong with it.
    """
    try:
        name = open_toml(path).values.get("kind", _DEFAULT)
    except DataError:
        name = _DEFAULT
    return _KINDS.get(name if isinstance(name, str) else "", _KINDS[_DEFAULT])

"""What a kind of study is run by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fahrstats.study.publication.public_version import publish
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
    publish : callable
        Takes the folder of the results, their manifest, and what counts are multiples
        of; writes the version for publication, and returns its folder.
    """

    report: str
    parse: Callable[[Path], tuple[Noted | None, list[str]]]
    check: Callable[..., Checked]
    analyse: Callable[..., Path]
    check_results: Callable[..., dict[str, Any]]
    publish: Callable[..., Path] = publish

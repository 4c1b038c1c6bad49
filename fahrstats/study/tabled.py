"""What reading a table, or notes, takes: a study, or a data set of one of several."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from fahrstats.study.photo_section import Photos
from fahrstats.study.specification import TableFile


class Tabled(Protocol):
    """What has a table; :class:`~fahrstats.study.specification.Study` is one."""

    @property
    def path(self) -> Path:
        """The study file."""

    @property
    def table(self) -> TableFile:
        """The table."""

    @property
    def photos(self) -> Photos | None:
        """Photographs that are scored before anything is analysed."""

    @property
    def prepare(self) -> str | None:
        """Script beside the study file that prepares the table."""


class Noted(Protocol):
    """What may have notes; a study of any kind is one."""

    @property
    def path(self) -> Path:
        """The study file."""

    @property
    def notes(self) -> str | None:
        """Text beside the study file that the report prints."""

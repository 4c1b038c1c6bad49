"""What reading a table takes: a study, or one data set of a study of several."""

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

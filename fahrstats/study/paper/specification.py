"""What the file of a paper says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROLES: Final = {
    "prognosis": "biomarker",
    "audit": "audit",
    "ages": "age-benchmark",
    "robustness": "robustness",
    "saliency": "saliency",
}
"""What a paper is made of, in the order in which it is analysed, and its kind."""


@dataclass(frozen=True, slots=True)
class Part:
    """A study whose results are part of a paper.

    Attributes
    ----------
    role : str
        What it is to the paper, of :data:`ROLES`.
    path : Path
        The study file.
    """

    role: str
    path: Path


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a paper.

    Attributes
    ----------
    name : str
        As it is printed.
    affiliation : tuple of str
        Where they work.
    orcid : str or None
        Their ORCID iD, without the address.
    """

    name: str
    affiliation: tuple[str, ...] = ()
    orcid: str | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """The file of a paper.

    Attributes
    ----------
    name : str
        Name of the study file, or of its folder where the file is ``study.toml``.
    path : Path
        The study file.
    text : str
        Its text.
    title : str
        Title of the paper.
    parts : tuple of Part
        Studies whose results it prints, in the order of :data:`ROLES`.
    authors : tuple of Author
        In the order in which they are printed.
    document : str or None
        Document beside the study file that prints the results, where it is not the
        one that comes with the package.
    notes : str or None
        Text beside the study file that the paper prints.
    statements : dict
        What the authors say of the paper, by :data:`fahrstats.statements.STATEMENTS`.
    """

    name: str
    path: Path
    text: str
    title: str
    parts: tuple[Part, ...]
    authors: tuple[Author, ...] = ()
    document: str | None = None
    notes: str | None = None
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def part(self) -> dict[str, Part]:
        """The parts by their role."""
        return {part.role: part for part in self.parts}

"""The study files that come with the package."""

from __future__ import annotations

from pathlib import Path


def example_names() -> list[str]:
    """Names of the shipped studies, in alphabetical order."""
    return sorted(file.parent.name for file in _folder().glob("*/study.toml"))


def example_file(name: str) -> Path | None:
    """Return the study file of a shipped study, or None for any other name."""
    return _folder() / name / "study.toml" if name in example_names() else None


def _folder() -> Path:
    """Return ``examples`` of an installed package, ``analyses`` of a checkout."""
    installed = Path(__file__).parent / "examples"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "analyses"

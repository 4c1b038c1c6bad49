from __future__ import annotations

from pathlib import Path

import pytest
from made_saliency import SALIENCY, make_checks, write_all, write_explained

from fahrstats.study.saliency import run, tables


@pytest.fixture
def write_saliency(tmp_path):
    """Write the study into a folder of its own; return the study file."""

    def write(changes: dict[str, str] | None = None) -> Path:
        text = SALIENCY
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new, 1)
        return write_all(tmp_path / "two", text)

    return write


@pytest.fixture
def explained(monkeypatch):
    """Make up what explains the photos, and the checks: there are no photos."""
    monkeypatch.setattr(
        run,
        "explain_all",
        lambda study, data, folder, watch: write_explained(study, folder),
    )
    monkeypatch.setattr(run, "check_saliency", _without_photos(run.check_saliency))
    monkeypatch.setattr(tables, "check_explanations", make_checks)


def _without_photos(check):
    """Leave out that there are no photos."""
    from dataclasses import replace

    def checked(*arguments):
        found = check(*arguments)
        return replace(found, problems=()) if found.study is not None else found

    return checked

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_robustness import ROBUSTNESS, make_tables, write_all


@pytest.fixture(scope="session")
def tables() -> dict[str, pd.DataFrame]:
    """Return the tables of real pairs and repeated photos."""
    return make_tables()


@pytest.fixture
def write_robustness(tmp_path, tables):
    """Write the study into a folder of its own; return the study file."""

    def write(changes: dict[str, str] | None = None, **others: pd.DataFrame) -> Path:
        text = ROBUSTNESS
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new, 1)
        return write_all(tmp_path / "two", text, {**tables, **others})

    return write


@pytest.fixture(scope="session")
def shared_robustness(tmp_path_factory, tables) -> Path:
    """Write the study into a folder that tests share and leave as it is."""
    return write_all(tmp_path_factory.mktemp("shared") / "two", ROBUSTNESS, tables)

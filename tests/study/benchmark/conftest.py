from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_benchmark import BENCHMARK, make_tables, write_all


@pytest.fixture(scope="session")
def tables() -> dict[str, pd.DataFrame]:
    """Return the tables of both data sets."""
    return make_tables()


@pytest.fixture
def write_benchmark(tmp_path, tables):
    """Write the benchmark into a folder of its own; return the study file."""

    def write(changes: dict[str, str] | None = None, **others: pd.DataFrame) -> Path:
        text = BENCHMARK
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new, 1)
        return write_all(tmp_path / "two", text, {**tables, **others})

    return write


@pytest.fixture(scope="session")
def shared_benchmark(tmp_path_factory, tables) -> Path:
    """Write the benchmark into a folder that tests share and leave as it is."""
    return write_all(tmp_path_factory.mktemp("shared") / "two", BENCHMARK, tables)

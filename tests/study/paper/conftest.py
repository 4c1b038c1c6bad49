from __future__ import annotations

from pathlib import Path

import pytest
from made_paper import MadeKinds, write_paper

from fahrstats.study.paper.run import analyse_paper


@pytest.fixture
def made() -> MadeKinds:
    return MadeKinds()


@pytest.fixture
def paper(tmp_path) -> Path:
    """Write the file of the made-up paper and its studies."""
    return write_paper(tmp_path / "files")


@pytest.fixture
def out(tmp_path) -> Path:
    """Return where the results of the paper go; those of its studies lie beside."""
    return tmp_path / "results" / "paper"


@pytest.fixture
def results(made, paper, out) -> Path:
    """Return the folder of the results of the paper."""
    return analyse_paper(made.kinds(), paper, out=out)

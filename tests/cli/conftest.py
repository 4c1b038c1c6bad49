from __future__ import annotations

import sys
import warnings

import pytest

from fahrstats.cli import main
from fahrstats.errors import ResultWarning


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; return status, output and errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["fahrstats", *map(str, arguments)])
        with warnings.catch_warnings():
            warnings.simplefilter("default", ResultWarning)
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return call

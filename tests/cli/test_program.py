from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings

import pytest

from fahrstats import __version__
from fahrstats.cli import program
from fahrstats.errors import ResultWarning


def test_wrong_usage_has_status_two(run):
    assert run()[0] == 2
    assert run("analyze", "study.toml")[0] == 2
    assert run("check")[0] == 2
    assert run("run", "study.toml", "--format", "pdf")[0] == 2


def test_a_warning_is_one_line_without_code_and_printed_once(run, monkeypatch, capsys):
    def warn() -> None:
        for _ in range(2):
            warnings.warn("12 events for\n5 terms", ResultWarning, stacklevel=1)

    monkeypatch.setattr(program, "app", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        program.main()
    assert capsys.readouterr().err == "Note: 12 events for 5 terms\n"


def test_a_file_that_may_not_be_read_is_one_line_in_words(monkeypatch, capsys):
    def command():
        raise PermissionError("[Errno 13] Failed to open local file 'a.parquet'")

    monkeypatch.setattr(program, "app", command)
    with pytest.raises(SystemExit):
        program.main()
    assert capsys.readouterr().err == "Error: Failed to open local file 'a.parquet'\n"


def test_the_version_is_that_of_the_package(run):
    assert run("--version")[:2] == (0, f"{__version__}\n")


def test_help_is_quick_and_loads_no_statistics(tmp_path):
    script = (
        "import sys; import fahrstats.cli; "
        "heavy = {'pandas', 'numpy', 'numba', 'rich.progress', 'matplotlib'}; "
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_the_command_is_installed():
    command = shutil.which("fahrstats", path=os.path.dirname(sys.executable))
    assert command is not None
    done = subprocess.run([command, "--version"], check=False)
    assert done.returncode == 0

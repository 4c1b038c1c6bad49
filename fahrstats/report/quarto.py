"""The real Quarto, where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

from fahrstats.errors import DataError, MissingExtraError, ResultWarning
from fahrstats.report.extras import QUARTO, absent, check_installed
from fahrstats.report.parameters import as_yaml
from fahrstats.report.source import PROJECT_FILE, Source

OLDEST = (1, 4)  # inline `{python}` expressions appear there
_HEAD = re.compile(r"<head[^>]*>")


def find_program(program: Path | None = None) -> Path | None:
    """Find Quarto: the argument, else ``QUARTO_PATH``, else the search path.

    Raises
    ------
    DataError
        ``program`` or ``QUARTO_PATH`` names a file that does not exist.
    """
    asked = program or os.environ.get("QUARTO_PATH")
    if not asked:
        found = shutil.which("quarto")
        return Path(found) if found else None
    path = Path(asked)
    path = path / "quarto" if path.is_dir() else path
    if not path.is_file():
        name = "`program`" if program else "`QUARTO_PATH`"
        raise DataError(f"{name} names `{path}`, where there is no Quarto.")
    return path


def version_of(program: Path) -> str:
    """Ask Quarto for its version, as ``quarto 1.9.37``."""
    done = subprocess.run(
        [str(program), "--version"], capture_output=True, text=True, check=False
    )
    number = done.stdout.strip()
    if done.returncode or not re.match(r"\d+\.\d+", number):
        raise DataError(f"`{program} --version` gives `{number}`, not a version.")
    return f"quarto {number}"


def usable_program() -> Path | None:
    """Return Quarto when it and what it needs are installed, else None.

    Quarto that is present but cannot be used is warned about.
    """
    program = find_program()
    if program is None:
        return None
    problem = _problem(program)
    if problem:
        warnings.warn(
            f"{problem}; the report is rendered without Quarto.",
            ResultWarning,
            stacklevel=3,
        )
        return None
    return program


def required_program() -> Path:
    """Return Quarto, or say what is missing."""
    program = find_program()
    if program is None:
        raise MissingExtraError(
            "`engine` is quarto, but there is no Quarto on the search path; install "
            "it from https://quarto.org or run `pip install 'fahrstats[quarto]'`."
        )
    check_installed(QUARTO, "quarto")
    problem = _problem(program)
    if problem:
        raise DataError(f"{problem}; update it, or choose `engine` own.")
    return program


def render(
    program: Path,
    document: Source,
    params: Mapping[str, object],
    page: Path,
    *,
    folder: Path,
    key: str,
) -> None:
    """Render a document with Quarto, in a copy of its files.

    Quarto writes beside its input, which may be a folder that is not to be written
    to, such as that of the installed package.
    """
    copy = _copied(document, folder / "project")
    given = folder / "params.yml"
    given.write_text(as_yaml(params), encoding="utf-8")
    command = [
        str(program),
        "render",
        copy.name,
        "--to",
        "html",
        "--output",
        "page.html",
        "--metadata",
        "embed-resources:true",
        *(["--execute-params", str(given)] if params else []),
    ]
    environment = os.environ | {"QUARTO_PYTHON": sys.executable, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command,
        cwd=copy.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    written = [path for path in (folder / "project").rglob("page.html")]
    if done.returncode or not written:
        end = " ".join(done.stderr.strip().splitlines()[-5:])
        raise DataError(f"`{document.path.name}`: Quarto refuses: {end}")
    text = written[0].read_text(encoding="utf-8")
    tag = f'<meta name="fahrstats-key" content="{key}">'
    page.write_text(_HEAD.sub(lambda head: head[0] + tag, text, count=1), "utf-8")


def _problem(program: Path) -> str:
    """Say why a Quarto cannot be used; empty when it can."""
    number = version_of(program).split()[1]
    if tuple(int(part) for part in number.split(".")[:2]) < OLDEST:
        return f"Quarto at `{program}` is version {number}, older than 1.4"
    missing = absent(QUARTO)
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        return f"Quarto at `{program}` needs {names}, of the extra `quarto`"
    return ""


def _copied(document: Source, target: Path) -> Path:
    """Copy the files of a document, keeping where they lie to one another."""
    files = [path.resolve() for path in document.files]
    top = Path(os.path.commonpath([path.parent for path in files]))
    for path in files:
        place = target / path.relative_to(top)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    if not any(path.name == PROJECT_FILE for path in files):
        # Without a project of its own the copy would join one above it.
        (target / PROJECT_FILE).write_text("project:\n  type: default\n", "utf-8")
    return target / document.path.resolve().relative_to(top)

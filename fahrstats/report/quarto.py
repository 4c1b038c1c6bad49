"""The real Quarto, where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from fahrstats.errors import DataError, MissingExtraError, ResultWarning
from fahrstats.report.extras import QUARTO, absent, check_installed
from fahrstats.report.pandoc import HERE, KEY
from fahrstats.report.parameters import as_yaml
from fahrstats.report.project import PROJECT_FILE, for_quarto, without_project
from fahrstats.report.source import Source, load_yaml, merged

OLDEST = (1, 4)  # inline `{python}` expressions appear there
_HEAD = re.compile(r"<head[^>]*>")
_LOADER = re.compile(
    r"<script\b[^>]*\ssrc=\"https?:[^>]*></script>"
    r"|<script[^>]*>define\('jquery'.*?</script>"
)
_NOWHERE = "http://127.0.0.1:9"  # nothing listens there


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
    kinds: Sequence[str],
    *,
    folder: Path,
    key: str,
) -> list[Path]:
    """Render a document with Quarto in every format, in a copy of its files.

    Quarto writes beside its input, which may be a folder that is not to be written
    to, such as that of the installed package. It executes the document once for each
    format, and finds no network: nothing is fetched, in the making or by a reader.

    Parameters
    ----------
    program
        Quarto.
    document
        What to render.
    params
        Values for the cell tagged ``parameters``.
    kinds
        The formats: ``html``, ``docx`` or ``pdf``.
    folder
        For the copy and the files to be made.
    key
        Kept in every file, so that a later call can see whether it is up to date.

    Returns
    -------
    list of Path
        The files, in the order of ``kinds``.

    Raises
    ------
    DataError
        Quarto ends with an error or writes no file.
    """
    copy = _copied(document, folder / "project")
    given = folder / "params.yml"
    given.write_text(as_yaml(params), encoding="utf-8")
    parameters = ["--execute-params", str(given)] if params else []
    pages = []
    for kind in kinds:
        page = f"page.{kind}"
        options = ["--to", *_OPTIONS[kind], "--metadata", f"{KEY}:{key}", *parameters]
        command = [str(program), "render", copy.name, "--output", page, *options]
        failure = _failure(command, copy.parent)
        written = list((folder / "project").rglob(page))
        if failure is not None or not written:
            end = " ".join((failure or "no file is written").splitlines()[-5:])
            raise DataError(f"`{document.path.name}`: Quarto refuses: {end}")
        if kind in _FINISH:
            _FINISH[kind](written[0], key)
        pages.append(written[0])
    return pages


def without_loaders(page: str) -> str:
    """Leave out of a page of Quarto the loaders of widgets, of which it has none.

    Quarto asks for them, from servers of others, wherever a cell gives a table.
    """
    return _LOADER.sub("", page)


def _failure(command: Sequence[str], folder: Path) -> str | None:
    """Run Quarto away from any network; return what it says where it fails."""
    environment = os.environ | {"QUARTO_PYTHON": sys.executable, "PYTHONHASHSEED": "0"}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        environment |= {name: _NOWHERE, name.upper(): _NOWHERE}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip() if done.returncode else None


def _finish_html(page: Path, key: str) -> None:
    """Write the key into a page that a browser fetches nothing for."""
    text = without_loaders(page.read_text(encoding="utf-8"))
    tag = f'<meta name="{KEY}" content="{key}">'
    page.write_text(_HEAD.sub(lambda head: head[0] + tag, text, count=1), "utf-8")


def _finish_pdf(page: Path, key: str) -> None:
    """Write the key behind the end of a PDF, as a comment."""
    with page.open("ab") as file:
        file.write(f"%{KEY} {key}\n".encode())


_DEFAULTS = {"papersize": "a4"}
_SETTINGS = {"project": {"type": "default"}, **for_quarto(str(HERE))}
_OPTIONS = {
    "html": ("html", "--metadata", "embed-resources:true"),
    "docx": (  # many programs that read Word files show no vectors
        "docx",
        f"--reference-doc={HERE / 'reference.docx'}",
        *("--metadata", "fig-format:png", "--metadata", "fig-dpi:300"),
    ),
    "pdf": ("typst",),
}
_FINISH = {"html": _finish_html, "pdf": _finish_pdf}


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
    """Copy the files of a document, keeping where they lie to one another.

    Of the project its settings of documents are kept. The copy is no page of a
    website, and has a project of its own so as not to join one above it.
    """
    files = [path.resolve() for path in document.files]
    top = Path(os.path.commonpath([path.parent for path in files]))
    project = target / PROJECT_FILE
    for path in files:
        place = target / path.relative_to(top)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        project = place if path.name == PROJECT_FILE else project
    settings: dict[str, object] = {}
    if project.exists():
        settings = load_yaml(project.read_text(encoding="utf-8"), f"`{PROJECT_FILE}`")
    settings = merged(merged(_DEFAULTS, without_project(settings)), _SETTINGS)
    project.write_text(as_yaml(settings), encoding="utf-8")
    return target / document.path.resolve().relative_to(top)

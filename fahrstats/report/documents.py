"""Documents of reports: find one, render it, and know when it is up to date."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from fahrstats.errors import DataError, ResultWarning
from fahrstats.report import quarto
from fahrstats.report.execution import execute
from fahrstats.report.extras import OWN, check_installed
from fahrstats.report.freshness import key_in, key_of
from fahrstats.report.markdown import to_markdown
from fahrstats.report.page import write_html
from fahrstats.report.parameters import checked_params
from fahrstats.report.portability import findings
from fahrstats.report.source import read_source

Engine: TypeAlias = Literal["auto", "own", "quarto"]

_PACKAGE = Path(__file__).parents[1]


def render(
    source: Path,
    output: Path,
    *,
    params: Mapping[str, object] = {},
    engine: Engine = "auto",
) -> Path:
    """Render a Quarto document to one self-contained HTML file.

    The code of the document runs in a process of its own. The file appears when it
    is complete: after an error there is either no file or the one from before. When
    document, parameters, result tables and packages are those of the existing file,
    nothing is done.

    Parameters
    ----------
    source
        A ``.qmd`` document within the portable subset of Quarto.
    output
        The ``.html`` file to write; its folder is made.
    params
        Values for the names in the document's cell tagged ``parameters``. They
        travel as YAML and are never evaluated. ``results`` is the folder of result
        tables: its path is made absolute, and a change of any file in it makes the
        document be rendered again.
    engine
        ``"quarto"`` or ``"own"``, this package's renderer; ``"auto"`` takes Quarto
        where it and what it needs are installed.

    Returns
    -------
    Path
        ``output``.

    Raises
    ------
    DataError
        A cell raises, a reference or citation leads nowhere, something would be
        fetched from the network, or an argument cannot be used. The message names
        the file and line of the document.
    MissingExtraError
        The packages of the extra ``report``, or ``quarto``, are not installed.

    Warns
    -----
    ResultWarning
        The document uses a setting, option or shortcode outside the portable
        subset, which is left out.
    """
    source, output = Path(source), Path(output)
    _check_arguments(output, engine)
    program = _program(engine)
    if program is None:
        check_installed(OWN, "report")
    document = read_source(source)
    values = checked_params(params)
    written_by = quarto.version_of(program) if program else "own"
    key = key_of(document, values, output, written_by)
    if key_in(output) == key:
        return output
    for finding in findings(document):
        warnings.warn(finding, ResultWarning, stacklevel=2)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fahrstats-") as name:
        folder = Path(name)
        page = folder / "page.html"
        if program is None:
            markdown = to_markdown(document, execute(document, values, folder))
            write_html(markdown, document, page, folder=folder, key=key)
        else:
            quarto.render(program, document, values, page, folder=folder, key=key)
        _put_in_place(page, output)
    return output


def report_source(name: str) -> Path:
    """Find a report that comes with the package, such as ``"biomarker"``.

    Raises
    ------
    DataError
        There is no report of this name; the message lists those that exist.
    """
    folders = (_PACKAGE.parent / "reports", _PACKAGE / "report" / "templates")
    stem = name.removesuffix(".qmd")
    known = {path.stem: path for folder in folders for path in folder.glob("*.qmd")}
    if stem not in known:
        names = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
        raise DataError(f"There is no report `{name}`; the reports are {names}.")
    return known[stem]


def _check_arguments(output: Path, engine: str) -> None:
    if engine not in ("auto", "own", "quarto"):
        raise DataError(f"`engine` must be auto, own or quarto, but it is `{engine}`.")
    if output.suffix not in (".html", ".htm"):
        raise DataError(
            f"`output` is `{output.name}`, but reports are written as HTML; "
            "give a name that ends in `.html`."
        )
    if output.is_dir():
        raise DataError(f"`output` is a folder: `{output}`.")


def _program(engine: str) -> Path | None:
    """Return the Quarto program to use, or None for the package's own renderer."""
    if engine == "own":
        return None
    if engine == "quarto":
        return quarto.required_program()
    return quarto.usable_program()


def _put_in_place(page: Path, output: Path) -> None:
    """Move a complete page to its name in one step, so that no half of it is seen."""
    beside = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(page, beside)
        beside.replace(output)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, reason, str(output)) from error
    finally:
        beside.unlink(missing_ok=True)

"""Documents of reports: find one, render it, and know when it is up to date."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeAlias, TypeGuard

from fahrstats.errors import DataError, ResultWarning
from fahrstats.report import quarto
from fahrstats.report.execution import execute
from fahrstats.report.extras import OWN, check_installed
from fahrstats.report.freshness import key_in, key_of
from fahrstats.report.html_page import write_html
from fahrstats.report.markdown import to_markdown
from fahrstats.report.parameters import check_journal, checked_params
from fahrstats.report.pdf_document import write_pdf
from fahrstats.report.portability import findings
from fahrstats.report.shown_metadata import with_shown_metadata
from fahrstats.report.source import FORMATS, Source, read_source
from fahrstats.report.word_document import write_docx

Engine: TypeAlias = Literal["auto", "own", "quarto"]

_PACKAGE = Path(__file__).parents[1]
_WRITERS = {"html": write_html, "docx": write_docx, "pdf": write_pdf}


def render(
    source: Path,
    outputs: Path | Sequence[Path],
    *,
    params: Mapping[str, object] = {},
    engine: Engine = "auto",
) -> tuple[Path, ...]:
    """Render a Quarto document to HTML, Word and PDF files, executed once for all.

    The code of the document runs in a process of its own. Files appear when all of
    them are complete: after an error there is either no file or the one from before.
    A file whose document, parameters, result tables and packages are those of this
    call is left alone.

    Parameters
    ----------
    source
        A ``.qmd`` document within the portable subset of Quarto.
    outputs
        The files to write, one or several; the suffix is the format: ``.html``,
        ``.docx`` or ``.pdf``. Folders are made.
    params
        Values for the names in the document's cell tagged ``parameters``. They
        travel as YAML and are never evaluated. ``results`` is the folder of result
        tables: its path is made absolute, and a change of any file in it makes the
        document be rendered again. ``journal`` is whose rules numbers and figures keep
        to, see :func:`fahrstats.display.journal_styles.journal_style`.
    engine
        ``"quarto"`` or ``"own"``, this package's renderer; ``"auto"`` takes Quarto
        where it and what it needs are installed.

    Returns
    -------
    tuple of Path
        ``outputs``, in their order.

    Raises
    ------
    DataError
        A cell raises, a reference or citation leads nowhere, or something would be
        fetched from the network: the message names the file and line of the document.
        An argument cannot be used, or a file not be written: nothing is executed then.
    MissingExtraError
        The packages of the extra ``report``, or ``quarto``, are not installed.

    Warns
    -----
    ResultWarning
        The document uses a setting, option or shortcode outside the portable
        subset, which is left out.
    """
    if not _is_path(source):
        raise DataError(f"`source` is {source!r}; give the path of a `.qmd` document.")
    source, asked = Path(source), _asked(outputs)
    _check_arguments(asked, engine)
    program = _program(engine)
    if program is None:
        check_installed(OWN, "report")
    document = read_source(source)
    values = checked_params(params)
    check_journal(document, values)
    written_by = quarto.version_of(program) if program else "own"
    key = key_of(document, values, asked, written_by)
    stale = [output for output in asked if key_in(output) != key]
    if not stale:
        return asked
    for finding in findings(document):
        warnings.warn(finding, ResultWarning, stacklevel=2)
    for output in stale:
        _check_writable(output)
    with tempfile.TemporaryDirectory(prefix="fahrstats-") as name:
        folder = Path(name)
        kinds = [format_of(output) for output in stale]
        if program is None:
            pages = _own_pages(document, values, kinds, folder=folder, key=key)
        else:
            pages = quarto.render(
                program, document, values, kinds, folder=folder, key=key
            )
        _put_in_place(dict(zip(stale, pages, strict=True)))
    return asked


def format_of(output: Path) -> str:
    """Return the format that a file's name asks for: ``html``, ``docx`` or ``pdf``."""
    return output.suffix.removeprefix(".").lower()


def report_source(name: str) -> Path:
    """Find a report that comes with the package, such as ``"biomarker"``.

    Raises
    ------
    DataError
        There is no report of this name; the message lists those that exist.
    """
    folders = (_PACKAGE.parent / "reports", _PACKAGE / "report" / "templates")
    stem = name.removesuffix(".qmd")
    # Quarto, too, takes what begins with an underscore for a part of a document.
    found = (path for folder in folders for path in folder.glob("[!_]*.qmd"))
    known = {path.stem: path for path in found}
    if stem not in known:
        names = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
        raise DataError(f"There is no report `{name}`; the reports are {names}.")
    return known[stem]


def _asked(outputs: Path | Sequence[Path]) -> tuple[Path, ...]:
    several = [outputs] if _is_path(outputs) else outputs
    if not isinstance(several, Sequence) or not all(map(_is_path, several)):
        raise DataError(f"`outputs` is {outputs!r}; give a path, or several.")
    return tuple(dict.fromkeys(Path(output) for output in several))


def _is_path(given: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(given, str | os.PathLike)


def _check_arguments(outputs: tuple[Path, ...], engine: str) -> None:
    if engine not in ("auto", "own", "quarto"):
        raise DataError(f"`engine` must be auto, own or quarto, but it is `{engine}`.")
    if not outputs:
        raise DataError("`outputs` names no file.")
    for output in outputs:
        if format_of(output) not in FORMATS:
            raise DataError(
                f"`outputs` holds `{output.name}`, but reports are written as HTML, "
                "Word or PDF; give a name that ends in `.html`, `.docx` or `.pdf`."
            )
        if os.path.isdir(output):  # `Path` raises for too long a name
            raise DataError(
                f"`outputs` holds `{output}`, which is a folder; name a file in it, or "
                "move it."
            )


def _program(engine: str) -> Path | None:
    """Return the Quarto program to use, or None for the package's own renderer."""
    if engine == "own":
        return None
    if engine == "quarto":
        return quarto.required_program()
    return quarto.usable_program()


def _own_pages(
    document: Source,
    params: Mapping[str, object],
    kinds: list[str],
    *,
    folder: Path,
    key: str,
) -> list[Path]:
    """Execute the document once and write it in every format."""
    executed = execute(document, params, folder)

    def written(kind: str) -> Path:
        source = document.for_format(kind)
        page = folder / f"page.{kind}"
        source, markdown = with_shown_metadata(source, to_markdown(source, executed))
        _WRITERS[kind](markdown, source, page, folder=folder, key=key)
        return page

    with ThreadPoolExecutor() as pool:  # pandoc and typst work outside of Python
        return list(pool.map(written, kinds))


def _check_writable(output: Path) -> None:
    """Refuse a file that could not be written in the end."""
    part = _beside(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        part.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(output, error) from error


def _put_in_place(pages: Mapping[Path, Path]) -> None:
    """Move complete files to their names, so that no half of a report is seen."""
    output = next(iter(pages))
    try:
        for output, page in pages.items():
            shutil.copyfile(page, _beside(output))
        for output in pages:
            _beside(output).replace(output)
    except OSError as error:
        raise _unwritable(output, error) from error
    finally:
        for output in pages:
            _beside(output).unlink(missing_ok=True)


def _beside(output: Path) -> Path:
    """Return where a file is written before it is moved to its name."""
    return output.with_name(f".{output.name}.{os.getpid()}.part")


def _unwritable(output: Path, error: OSError | ValueError) -> DataError:
    """Say why a file cannot be written, of a path through a file which one."""
    reason = getattr(error, "strerror", None) or str(error)
    for place in output.parents:
        if os.path.lexists(place) and not place.is_dir():
            reason = f"`{place}` is not a folder"
    return DataError(
        f"`{output}` cannot be written: {reason}; name a file in a folder that can be "
        "made and written to, with room for it."
    )

"""Whether a file is still what its document, data and packages would give."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fahrstats.report.parameters import RESULTS, as_yaml
from fahrstats.report.source import FORMATS, Source
from fahrstats.report.title import TODAY, title_block

_PACKAGE = Path(__file__).parents[1]
_PAGES = (".css", ".html", ".js", ".typ", ".docx", ".openxml", ".theme")
_CODE = (".py", ".lua", ".yaml", *_PAGES)
_KEY = re.compile(rb"fahrstats-key\W.{0,200}?\b([0-9a-f]{64})\b", re.DOTALL)
_HALF = 32  # digits of a key
_KEY_WITHIN = 8192  # bytes from the start of a page in which its key stands
_PROPERTIES = "docProps/custom.xml"  # where the key of a Word file stands
# Packages that draw and print what a report shows.
_DRAWING = (
    "fahrstats",
    "numpy",
    "pandas",
    "matplotlib",
    "plotnine",
    "seaborn",
    "great-tables",
    "ipython",
    "pypandoc-binary",
    "typst",
)


def key_of(
    document: Source,
    params: Mapping[str, object],
    outputs: Iterable[Path],
    engine: str,
) -> str:
    """Hash everything that the files of a report depend on.

    These are the document with all files it names, the parameters, every file below
    the folder of results except ``outputs``, in whatever format, and hidden files, the
    renderer, this package's code (a changed function changes a number without changing
    a version) and the versions of the packages that draw. The first half of the key is
    of the results alone, see :func:`is_of_results`.
    """
    parts = hashlib.sha256()
    _add(parts, "engine", engine.encode())
    _add(parts, "python", sys.version.encode())
    for name in _DRAWING:
        _add(parts, name, _version(name).encode())
    for path in sorted(_PACKAGE.rglob("*")):
        if path.suffix in _CODE:
            _add(parts, path.relative_to(_PACKAGE).as_posix(), path.read_bytes())
    for path in document.files:
        _add(parts, path.name, path.read_bytes())
    _add(parts, "params", as_yaml(params).encode())
    if document.settings.get("date") in TODAY:
        date = str(title_block(document.settings)["date-meta"])
        _add(parts, "date", date.encode())
    results = Path(str(params[RESULTS])) if RESULTS in params else None
    return _key_of_results(results, outputs) + parts.hexdigest()[:_HALF]


def is_of_results(page: Path, results: Path) -> bool:
    """Tell whether a file was rendered from these results, as they now are."""
    key = key_in(page)
    return key is not None and key[:_HALF] == _key_of_results(results, [page])


def key_in(page: Path) -> str | None:
    """Read the key of an existing file; None when there is no file or no key."""
    if not os.path.isfile(page):  # `Path` raises for too long a name
        return None
    found = _KEY.search(_written_in(page))
    return found[1].decode() if found else None


def _written_in(page: Path) -> bytes:
    """Return the part of a file in which its key stands."""
    if page.suffix == ".docx":
        try:
            with zipfile.ZipFile(page) as parts:
                return parts.read(_PROPERTIES)
        except (zipfile.BadZipFile, KeyError):
            return b""
    with page.open("rb") as file:
        return file.read() if page.suffix == ".pdf" else file.read(_KEY_WITHIN)


def _key_of_results(results: Path | None, outputs: Iterable[Path]) -> str:
    parts = hashlib.sha256()
    if results is not None:
        for path in _result_files(results, outputs):
            _add(parts, path.relative_to(results).as_posix(), _digest(path))
    return parts.hexdigest()[:_HALF]


def _add(parts: hashlib._Hash, name: str, content: bytes) -> None:
    parts.update(f"{name}\0{len(content)}\0".encode())
    parts.update(content)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _result_files(results: Path, outputs: Iterable[Path]) -> Iterator[Path]:
    own = {out.with_suffix(f".{kind}").resolve() for out in outputs for kind in FORMATS}
    for path in sorted(results.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(results).parts)
        if path.is_file() and not hidden and path.resolve() not in own:
            yield path


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()

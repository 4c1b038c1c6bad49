"""Rendered reports as one site of plain files, which needs no server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.files import write_whole
from fahrstats.report.site.pages import download_name, index_page, report_page
from fahrstats.report.site.sections import read_page
from fahrstats.report.site.studies import read_studies

_RECORD = "site.json"  # names the files of a site, so that no other is touched


def build_site(
    results: Sequence[Path],
    out: Path,
    *,
    title: str = "Reports",
    confidential: bool = False,
) -> Path:
    """Put the reports of studies on one site, with navigation and search.

    A page that lists them by kind, searched by a script of its own, and a copy of each
    report under a bar that leads to the others. Nothing is fetched from the network,
    no server is needed, and nothing but reports leaves the folders of results.

    Parameters
    ----------
    results
        Folders of results whose reports are rendered, as ``fahrstats run --public``
        writes them. Word and PDF files beside the report are offered for download.
    out
        Folder of the site: empty, new, or that of an older site, which is replaced.
    title
        Of the site.
    confidential
        Accept results that are not for publication, and mark every page and the names
        of files for download.

    Returns
    -------
    Path
        The page that lists the reports.

    Raises
    ------
    DataError
        A folder is not of a finished study, is not a version for publication, or holds
        no report of its results as they now are; two folders are of one study; or
        ``out`` lies in one of them or holds files that are not of a site. Nothing is
        written then.

    Warns
    -----
    ResultWarning
        A Word or PDF file is not of the results as they now are, and is left out.

    Examples
    --------
    >>> build_site(["results/flchain-public"], "site")  # doctest: +SKIP
    """
    out = Path(out)
    studies = read_studies(results, confidential=confidential)
    _check_is_apart(out, results)
    older = _older_files(out)
    texts, pages = {}, {}
    for study in studies:
        html = study.page.read_text(encoding="utf-8")
        page = pages[study.name] = read_page(html)
        texts[f"{study.name}.html"] = report_page(
            html, page, study, studies, confidential=confidential
        )
    texts["index.html"] = index_page(
        studies, pages, title=title, confidential=confidential
    )
    copies = {
        download_name(file, confidential): file
        for study in studies
        for file in study.downloads
    }
    _record(out, {*older, *texts, *copies})
    for name, file in copies.items():
        write_whole(out / name, partial(shutil.copyfile, file))
    for name, text in texts.items():
        write_whole(out / name, partial(_write_text, text))
    for name in older - texts.keys() - copies.keys():
        (out / name).unlink(missing_ok=True)
    _record(out, {*texts, *copies})
    return out / "index.html"


def _check_is_apart(out: Path, results: Iterable[Path]) -> None:
    """Refuse a site among results, which would then not be those of their reports."""
    for folder in map(Path, results):
        if folder.resolve() in out.resolve().parents:
            raise DataError(
                f"`{out}` lies in the folder of results `{folder}`; give a folder "
                "outside of it."
            )


def _older_files(out: Path) -> set[str]:
    """Return the files of an older site, or say that the folder holds others."""
    if out.exists() and not out.is_dir():
        raise DataError(f"`{out}` is a file; give a folder for the site.")
    there = {path.name for path in out.iterdir()} if out.is_dir() else set()
    known: set[str] = set()
    if _RECORD in there:
        try:
            known = {str(name) for name in json.loads((out / _RECORD).read_text())}
        except (ValueError, TypeError):
            known = set()
        known.add(_RECORD)
    foreign = sorted(there - known)
    if foreign:
        more = f" and {len(foreign) - 1} more" if foreign[1:] else ""
        raise DataError(
            f"`{out}` holds `{foreign[0]}`{more}, which no site wrote; give an empty "
            "folder or that of an older site."
        )
    return known & there - {_RECORD}


def _record(out: Path, names: Iterable[str]) -> None:
    text = json.dumps(sorted(names), indent=1) + "\n"
    write_whole(out / _RECORD, partial(_write_text, text))


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")

"""The studies of a site: reports that are whole, up to date and may be shown."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fahrstats.cohort import store
from fahrstats.display.journals import format_count
from fahrstats.errors import DataError, ResultWarning
from fahrstats.report.freshness import is_of_results

KINDS: Final = {
    "biomarker": "Prognostic biomarkers",
    "audit": "Audits of groups",
    "age-benchmark": "Accuracy of predicted age",
    "robustness": "Robustness of predicted age",
    "saliency": "What scores look at",
    "paper": "Papers",
}
"""What studies of a kind are listed under, in the order of the list."""

_DOWNLOADS = (".docx", ".pdf")
_INDEX = "index"  # the name of the page that lists the others


@dataclass(frozen=True, slots=True)
class SiteStudy:
    """A study and its report, as a site lists it.

    Attributes
    ----------
    name : str
        Of the study, and of its page.
    title, kind, created : str
        Of the study; the day on which it was analysed.
    size : str
        People or photos that were analysed, and events; empty where none are counted.
    is_public : bool
        Whether the report is the version for publication.
    page : Path
        The report as HTML.
    downloads : tuple of Path
        The same report in other formats.
    """

    name: str
    title: str
    kind: str
    created: str
    size: str
    is_public: bool
    page: Path
    downloads: tuple[Path, ...]


def read_studies(
    folders: Sequence[Path], *, confidential: bool
) -> tuple[SiteStudy, ...]:
    """Return the studies of folders of results, by kind and title.

    Parameters
    ----------
    folders
        Folders of results, each with its rendered report.
    confidential
        Whether results that are not for publication are accepted.

    Raises
    ------
    DataError
        A folder is not of a finished study, is not a version for publication, or holds
        no report of its results; or two folders are of one study. The message tells
        the first problem and how many there are.

    Warns
    -----
    ResultWarning
        A file in another format is older than the report, and left out.
    """
    studies: list[SiteStudy] = []
    problems: list[str] = []
    for folder in folders:
        try:
            study = _read_study(Path(folder), confidential)
            _check_name(study, studies)
        except DataError as error:
            problems.append(str(error))
        else:
            studies.append(study)
    if not (studies or problems):
        problems.append("A site needs at least one folder of results.")
    if problems:
        others = len(problems) - 1
        more = f" ({others} more problem{'s' * (others > 1)})" if others else ""
        raise DataError(problems[0] + more)
    kinds = [*KINDS, *sorted({study.kind for study in studies} - KINDS.keys())]
    return tuple(sorted(studies, key=lambda one: (kinds.index(one.kind), one.title)))


def _read_study(folder: Path, confidential: bool) -> SiteStudy:
    if not folder.is_dir():
        raise DataError(
            f"There is no folder `{folder}`; give folders of results, such as "
            "`results/flchain-public`."
        )
    path = folder / "manifest.json"
    manifest = store.read_manifest(path)
    is_public = bool(manifest.get("public"))
    if not (is_public or confidential):
        raise DataError(
            f"`{folder}` is not a version for publication; run `fahrstats run "
            "--public` and give the folder that it writes, or add `--confidential`, "
            "which marks every page."
        )
    missing = [name for name in ("name", "title", "kind") if name not in manifest]
    if missing or not isinstance(manifest.get("provenance"), dict):
        what = missing[0] if missing else "provenance"
        raise DataError(f"`{path}` lacks `{what}`; run `fahrstats run` again.")
    name = str(manifest["name"])
    page = folder / f"{name}.html"
    _check_page(page, folder)
    return SiteStudy(
        name=name,
        title=str(manifest["title"]),
        kind=str(manifest["kind"]),
        created=str(manifest["provenance"].get("created", "")),
        size=_size(folder / "tables" / "flow.parquet"),
        is_public=is_public,
        page=page,
        downloads=tuple(_downloads(page, folder)),
    )


def _check_page(page: Path, folder: Path) -> None:
    if page.parent != folder or page.stem.casefold() == _INDEX:
        raise DataError(f"`{folder}` is of a study named `{page.stem}`; rename it.")
    if not page.is_file():
        raise DataError(
            f"`{folder}` holds no report `{page.name}`; run `fahrstats render`."
        )
    if not is_of_results(page, folder):
        raise DataError(
            f"`{page}` was not rendered from the results beside it, as they now are; "
            "run `fahrstats render`."
        )


def _check_name(study: SiteStudy, others: Sequence[SiteStudy]) -> None:
    # Where a file system does not tell capitals apart, one would replace the other.
    for other in others:
        if other.name.casefold() == study.name.casefold():
            raise DataError(
                f"`{other.page.parent}` and `{study.page.parent}` are both of the "
                f"study `{study.name}`; a site holds a study once."
            )


def _downloads(page: Path, folder: Path) -> list[Path]:
    found = [page.with_suffix(ending) for ending in _DOWNLOADS]
    there = [file for file in found if file.is_file()]
    for file in there:
        if not is_of_results(file, folder):
            warnings.warn(
                f"`{file}` was not rendered from the results beside it and is left "
                "out; run `fahrstats render` for it.",
                ResultWarning,
                stacklevel=2,
            )
    return [file for file in there if is_of_results(file, folder)]


def _size(flow: Path) -> str:
    """Count those who are left at the end of each flow of participants."""
    if not flow.is_file():
        return ""
    table, _ = store.read(flow)
    cohorts = table["cohort"] if "cohort" in table else [""] * len(table)
    ends = table.groupby(cohorts, sort=False).tail(1)
    return "; ".join(_counted(end) for end in ends.to_dict("records"))


def _counted(end: dict[Any, Any]) -> str:
    """Say how many there are; a dash where the count may not be published."""
    people = f"n = {format_count(end['n'])}"
    if "n_events" not in end:
        return people
    return f"{people}, {format_count(end['n_events'])} events"

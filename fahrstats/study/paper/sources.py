"""Every problem of a paper and its studies at once, and which of them are analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.study.kind import Kind
from fahrstats.study.notes import read_notes
from fahrstats.study.paper.specification import ROLES, Paper, Part
from fahrstats.study.paper.study_file import parse_paper
from fahrstats.study.provenance import code_sha256
from fahrstats.study.saliency.study_file import parse_saliency
from fahrstats.study.study_file import results_folder, study_name


@dataclass(frozen=True, slots=True, eq=False)
class PaperCheck:
    """What a check of a paper found.

    Attributes
    ----------
    problems : tuple of str
        Why it cannot be made; empty where it can.
    notes : tuple of str
        What a reader should know though nothing is wrong.
    paper : Paper or None
        What the file says, where it can be read.
    finished : frozenset of str
        Roles of the studies whose results are up to date.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    paper: Paper | None
    finished: frozenset[str] = frozenset()


def check_paper(
    kinds: Mapping[str, Kind],
    path: Path,
    data_dir: Path | None = None,
    out: Path | None = None,
) -> PaperCheck:
    """List every problem of a paper and of the studies that are still to be analysed.

    Parameters
    ----------
    kinds
        What each kind of study is run by.
    path
        The file of the paper.
    data_dir
        Folder of the data.
    out
        Folder of the paper's results; those of its studies lie beside it.
    """
    paper, problems = parse_paper(path)
    if paper is None:
        return PaperCheck(tuple(problems), (), None)
    folder, notes = results_folder(path, out), list[str]()
    try:
        read_notes(paper)
    except DataError as error:
        problems.append(str(error))
    finished = set[str]()
    for part in paper.parts:
        named = f"{part.role} ({study_name(part.path)})"
        if _waits(part, paper, finished):
            notes.append(f"{named}: checked when prognosis has been analysed.")
        elif _is_up_to_date(part, kinds, folder, data_dir):
            finished.add(part.role)
            notes.append(f"{named}: results are up to date.")
        else:
            results = results_of(part, folder)
            found = kinds[ROLES[part.role]].check(part.path, data_dir, results)
            problems += [f"{named}: {problem}" for problem in found.problems]
            notes += [f"{named}: {note}" for note in found.notes]
    absent = [role for role in ROLES if role not in paper.part]
    if absent:
        notes.append(f"No part of this paper: {', '.join(absent)}.")
    return PaperCheck(tuple(problems), tuple(notes), paper, frozenset(finished))


def results_of(part: Part, folder: Path) -> Path:
    """Return the folder of a study's own results, beside that of the paper's."""
    return folder.absolute().parent / study_name(part.path)


def _is_up_to_date(
    part: Part, kinds: Mapping[str, Kind], folder: Path, data_dir: Path | None
) -> bool:
    """Tell whether the results of a study are there, whole, and of this very code."""
    results = results_of(part, folder)
    if not (results / "manifest.json").is_file():
        return False
    try:
        check = kinds[ROLES[part.role]].check_results
        manifest = check(part.path, results, data_dir)
    except DataError:
        return False
    return bool(manifest["provenance"].get("code_sha256") == code_sha256())


def _waits(part: Part, paper: Paper, finished: set[str]) -> bool:
    """Tell whether a study needs what the prognostic one, still to come, will leave."""
    first = paper.part.get("prognosis")
    if part.role != "saliency" or first is None or first.role in finished:
        return False
    study, _ = parse_saliency(part.path)
    if study is None or study.survival_of is None:
        return False
    return (part.path.parent / study.survival_of).resolve() == first.path.resolve()

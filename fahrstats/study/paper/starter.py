"""A commented file of a paper to start from, for studies that are there."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.files import write_whole
from fahrstats.section import open_toml
from fahrstats.study.examples import example_file
from fahrstats.study.paper.specification import ROLES, Paper, Part
from fahrstats.study.paper.study_file import role_of, shared_names
from fahrstats.study.study_file import find_study, study_name

_ASKS = {
    "prognosis": "what scores say about survival",
    "audit": "whether they work alike in every group",
    "ages": "how accurately ages are read",
    "robustness": "what moves a score that should stay",
    "saliency": "which regions of the face scores rest on",
}


def write_paper_starter(
    studies: Sequence[str], out: Path, *, document: str
) -> dict[str, str]:
    """Write the file of a paper, and return the study of each of its parts.

    Parameters
    ----------
    studies
        Study files, or names of shipped studies, whose kinds say which part each is.
    out
        The study file to write.
    document
        Name of the document beside it that prints the results.

    Raises
    ------
    DataError
        ``out`` exists, a study is absent or no part of a paper, or two are of one kind.
    """
    if out.exists():
        raise DataError(f"`{out}` exists; remove it, or name another folder.")
    parts: dict[str, Path] = {}
    named: dict[str, str] = {}
    for name in studies:
        path = find_study(name)
        role = role_of(path)
        if role in parts:
            raise DataError(
                f"`{named[role]}` and `{name}` are both of kind `{ROLES[role]}`; a "
                "paper has one study of each kind."
            )
        parts[role], named[role] = path, name
    paper = Paper(
        name=study_name(out.absolute()),
        path=out,
        text="",
        title="",
        parts=tuple(Part(role, path) for role, path in parts.items()),
    )
    for problem in shared_names(paper):
        raise DataError(problem)
    text = paper_text(parts, out, document=document)
    write_whole(out, lambda partial: partial.write_text(text, encoding="utf-8"))
    return named


def paper_text(parts: dict[str, Path], out: Path, *, document: str) -> str:
    """Return the text of the file of a paper, whose studies are given by role."""
    first = next(iter(parts.values()))
    title = str(open_toml(first).values.get("title", study_name(first)))
    lines = [
        f"# Check every line, then `fahrstats run {out.parent.as_posix()} --to docx`.",
        f"title = {_quoted(title)}  # of the paper",
        'kind = "paper"',
        f"document = {_quoted(document)}  # beside this file, yours to edit",
        '# notes = "notes.md"  # what a reader must know',
        "",
        "[studies]  # each is analysed first, unless its results are up to date",
        *(_study_line(role, parts.get(role), out) for role in ROLES),
        "",
        "# [[authors]]  # one of these for each",
        '# name = "Ada Author"',
        '# affiliation = "Department, University, City"',
        '# orcid = "0000-0000-0000-0000"',
        "",
        "# [statements]  # background, interpretation, ethics, funding, ...",
    ]
    return "\n".join(lines) + "\n"


def _study_line(role: str, path: Path | None, out: Path) -> str:
    """Name the study of a role, or offer the role."""
    if path is None:
        return f'# {role} = ""  # of kind "{ROLES[role]}": {_ASKS[role]}'
    shipped = example_file(path.parent.name)
    if shipped is not None and shipped.resolve() == path.resolve():
        return f"{role} = {_quoted(path.parent.name)}  # {_ASKS[role]}"
    beside = Path(os.path.relpath(path.resolve(), out.absolute().parent)).as_posix()
    return f"{role} = {_quoted(beside)}  # {_ASKS[role]}"


def _quoted(text: str) -> str:
    """Return text as a TOML string of one line, which JSON's are."""
    return json.dumps(text, ensure_ascii=False)

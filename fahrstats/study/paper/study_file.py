"""The file of a paper in TOML to a :class:`Paper`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.section import Section, did_you_mean, open_toml
from fahrstats.study.examples import example_file, example_names
from fahrstats.study.paper.specification import ROLES, Author, Paper, Part
from fahrstats.study.statement_section import read_statements
from fahrstats.study.study_file import study_name

_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
_WITHOUT_KIND = "biomarker"


def parse_paper(path: Path) -> tuple[Paper | None, list[str]]:
    """Read the file of a paper; return what it says, or None, and its problems."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except UnicodeDecodeError:
        return None, ["The file is not UTF-8 text; save it as UTF-8."]
    except tomllib.TOMLDecodeError as error:
        return None, [f"The file is not TOML: {error}."]
    problems: list[str] = []
    top = Section("", values, problems)
    top.text("kind")
    paper = Paper(
        name=study_name(path),
        path=path,
        text=text,
        title=top.text("title", study_name(path)),
        parts=_parts(top, path),
        authors=tuple(_authors(top)),
        document=_document(top, path),
        notes=top.optional_text("notes"),
        statements=read_statements(top),
    )
    top.finish()
    problems.extend(shared_names(paper))
    return (None if problems else paper), problems


def role_of(path: Path) -> str:
    """Return what a study is to a paper, by its kind.

    Raises
    ------
    DataError
        The file cannot be read, or no paper has a part of its kind.
    """
    kind = open_toml(path).values.get("kind", _WITHOUT_KIND)
    roles = [role for role, its_kind in ROLES.items() if its_kind == kind]
    if not roles:
        raise DataError(
            f"`{path}` is a study of kind `{kind}`, which is no part of a paper; parts "
            f"are of kind {', '.join(f'`{known}`' for known in ROLES.values())}."
        )
    return roles[0]


def _parts(top: Section, path: Path) -> tuple[Part, ...]:
    """Read which studies the paper is made of, in the order of their analysis."""
    section = top.section("studies", required=True)
    named = {role: section.text(role) for role in ROLES}
    section.finish()
    if top.is_given("studies") and not any(named.values()):
        section.problem(f"It names no study; give one of {', '.join(ROLES)}.")
    found = (_part(role, name, path, section) for role, name in named.items() if name)
    return tuple(part for part in found if part is not None)


def _part(role: str, name: str, path: Path, section: Section) -> Part | None:
    """Find the study of a role, beside the paper's file or among those shipped."""
    file = path.parent / name
    file = file / "study.toml" if file.is_dir() else file
    found = file if file.is_file() else example_file(name)
    if found is None:
        section.problem(
            f"`{role}` is `{name}`, which is no study file beside `{path.name}`, and "
            f"no shipped study.{did_you_mean(name, example_names())}"
        )
        return None
    try:
        its_role = role_of(found)
    except DataError as error:
        section.problem(f"`{role}`: {error}")
        return None
    if its_role != role:
        section.problem(
            f"`{role}` is `{name}`, a study of kind `{ROLES[its_role]}`; it must be "
            f"one of kind `{ROLES[role]}`, or stand as `{its_role}`."
        )
        return None
    return Part(role, found)


def _authors(top: Section) -> Iterator[Author]:
    """Read ``[[authors]]``, each with a name."""
    for number, values in enumerate(top.items("authors"), start=1):
        if not isinstance(values, dict):
            top.problem("`authors` must be written as [[authors]], each with a `name`.")
            return
        section = Section(f"[[authors]] {number}", values, top.problems)
        orcid = section.optional_text("orcid")
        if orcid is not None and not _ORCID.fullmatch(orcid):
            section.problem(f"`orcid` is `{orcid}`; write 0000-0000-0000-0000.")
        yield Author(
            name=section.text("name", required=True),
            affiliation=section.texts("affiliation"),
            orcid=orcid,
        )
        section.finish()


def _document(top: Section, path: Path) -> str | None:
    """Read which document prints the results, a file beside the study file."""
    name = top.optional_text("document")
    if name is None:
        return None
    if Path(name).suffix != ".qmd":
        top.problem(f"`document` is `{name}`; it must be a `.qmd` document.")
    elif not (path.parent / name).is_file():
        top.problem(f"`document` is `{name}`, and there is no such file.")
    return name


def shared_names(paper: Paper) -> Iterator[str]:
    """Yield names that two studies share, whose results would be in one folder."""
    names = [paper.name, *(study_name(part.path) for part in paper.parts)]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield (
                f"Several of the paper and its studies are called `{name}`, so that "
                "their results would be in one folder; rename a file."
            )

"""Files beside a study file that belong to it: published values, script, notes."""

from __future__ import annotations

from collections.abc import Iterator

from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.study.notes import read_notes
from fahrstats.study.script import find_script
from fahrstats.study.specification import Study
from fahrstats.study.tables_in import find_file

COMPANIONS = {
    "published": "published values",
    "prepare": "script",
    "notes": "notes",
}
"""Keys of a study file that name one, and what it is."""


def companion_sha256(study: Study, key: str) -> str:
    """Return the hash of a file beside the study; empty where the study names none.

    Raises
    ------
    DataError
        The file is absent, or outside of where it may be.
    """
    name = getattr(study, key)
    if name is None:
        return ""
    folder = study.path.parent
    if key == "prepare":
        return file_sha256(find_script(name, folder))
    return file_sha256(find_file(name, folder))


def companion_problems(study: Study) -> Iterator[str]:
    """Yield what is wrong with the script and the notes of a study."""
    try:
        companion_sha256(study, "prepare")
    except DataError as error:
        yield str(error)
    try:
        read_notes(study)
    except DataError as error:
        yield str(error)

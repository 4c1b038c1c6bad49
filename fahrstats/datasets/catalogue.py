"""The public data sets that the package is used with: what, whose, on what terms."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from fahrstats.datasets.folder import DATA_VARIABLE, data_folder
from fahrstats.errors import DataError
from fahrstats.section import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a data set.

    Attributes
    ----------
    name : str
        Name on this machine.
    sha256 : str
        SHA-256 of its bytes, hexadecimal.
    url : str
        Its own https address; empty if it has none.
    size : int or None
        Its bytes, where they are known.
    """

    name: str
    sha256: str
    url: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A public data set.

    Attributes
    ----------
    name : str
        Name in the commands; also that of its folder in the data folder.
    title : str
        What it is.
    publisher : str
        Who publishes it.
    source : str
        Address of the publisher's page, or the package that it comes with.
    terms : str
        Licence and terms.
    use : str
        What it is used for here.
    obtain : str
        How to get it, or what to do after it is fetched.
    files : tuple of RemoteFile
        The files whose SHA-256 is known.
    inside : str
        Path of the file inside an installed package; empty if it is in none.
    """

    name: str
    title: str
    publisher: str
    source: str
    terms: str
    use: str
    obtain: str
    files: tuple[RemoteFile, ...] = ()
    inside: str = ""

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        """The files that ``fahrstats data fetch`` can get."""
        return tuple(file for file in self.files if file.url)

    @property
    def fetchable(self) -> bool:
        """Whether there is such a file."""
        return bool(self.remote)


@cache
def data_sets() -> tuple[DataSet, ...]:
    """Return the catalogue."""
    text = (files(__package__) / "catalogue.toml").read_text(encoding="utf-8")
    return tuple(
        DataSet(
            name=name,
            files=tuple(RemoteFile(**file) for file in record.pop("files", ())),
            **record,
        )
        for name, record in tomllib.loads(text).items()
    )


def find_data_set(name: str) -> DataSet:
    """Return a data set by its name.

    Raises
    ------
    DataError
        The catalogue has none of that name.
    """
    known = {data_set.name: data_set for data_set in data_sets()}
    if name not in known:
        raise DataError(
            f"The catalogue has no data set `{name}`.{did_you_mean(name, known)} "
            "`fahrstats data list` names them all."
        )
    return known[name]


def place_of(data_set: DataSet, data_dir: Path | None = None) -> Path | None:
    """Return where a data set lies on this machine, or None if it does not.

    Parameters
    ----------
    data_set
        A set of the catalogue.
    data_dir
        The data folder, see :func:`fahrstats.datasets.folder.data_folder`.

    Raises
    ------
    DataError
        A data folder was named that does not exist.
    """
    if data_set.inside:
        package, _, inside = data_set.inside.partition("/")
        found = find_spec(package)
        folders = found.submodule_search_locations if found else None
        place = Path(folders[0]) / inside if folders else None
    else:
        folder = data_folder(data_dir)
        place = folder / data_set.name if folder else None
        if place and not _holds_data(place):
            return None
    return place if place and place.exists() else None


def _holds_data(folder: Path) -> bool:
    """Tell whether there is more in a folder than what a broken fetch leaves."""
    return folder.is_dir() and any(
        not file.name.endswith((".partial", ".partial.etag"))
        for file in folder.iterdir()
    )


def existing_place(data_set: DataSet, data_dir: Path | None = None) -> Path:
    """Return where a data set lies on this machine.

    Raises
    ------
    DataError
        It is not there; the message says where it was looked for, and how to get it.
    """
    place = place_of(data_set, data_dir)
    if place is not None:
        return place
    folder = data_folder(data_dir)
    if data_set.inside:
        looked = "is not installed"
    elif folder is None:
        looked = (
            f"was not found: no data folder is given (--data-dir or {DATA_VARIABLE})"
        )
    else:
        looked = f"is not in the data folder `{folder}`"
    raise DataError(f"`{data_set.name}` {looked}. {how_to_get(data_set)}")


def how_to_get(data_set: DataSet) -> str:
    """Return in words where a data set comes from and how to get it."""
    source = f"Source: {data_set.source} ({data_set.publisher}; {data_set.terms})."
    command = f"`fahrstats data fetch {data_set.name}`. " if data_set.fetchable else ""
    return f"{source} {command}{data_set.obtain}"

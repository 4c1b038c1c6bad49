"""Every problem of a robustness study at once, and its scores where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fahrstats.errors import DataError, FahrstatsError
from fahrstats.face.pictures.pairs import PhotoPairs, open_pairs
from fahrstats.study.notes import read_notes
from fahrstats.study.photo_scores import locate
from fahrstats.study.robustness.comparable import (
    absent_scores,
    pair_problems,
    panel_problems,
    serial_problems,
)
from fahrstats.study.robustness.photos import (
    find_pairs,
    open_photos,
    read_pair_scores,
    read_panel_scores,
)
from fahrstats.study.robustness.specification import (
    CONDITION,
    MOMENT,
    PHOTO,
    SUBJECT,
    PairSet,
    PanelPhotos,
    Robustness,
    Serial,
)
from fahrstats.study.robustness.study_file import parse_robustness
from fahrstats.study.study_file import first_of, results_folder
from fahrstats.study.tables_in import read_table
from fahrstats.study.work import Work, make_factor


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Scores of one part of a study.

    Attributes
    ----------
    label : str
        How it is printed.
    table : DataFrame
        Of the panel, one row per photo, condition and severity; of pairs, one per photo
        and condition, with the ``moment``; of repeated photos, one per photo.
    file, sha256 : str
        Name of what was read, and its hash.
    groups : tuple of str
        Columns of groups.
    note : str
        What a reader should know of it.
    provenance : dict
        What scored the photos; empty where they were scored before.
    """

    label: str
    table: pd.DataFrame
    file: str
    sha256: str
    groups: tuple[str, ...] = ()
    note: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """What a robustness study looks at, by the names of the sections.

    Attributes
    ----------
    panel : Read or None
        Simulated changes.
    pairs : dict of Read
        Real pairs.
    serial : Read or None
        Repeated photos.
    """

    panel: Read | None
    pairs: dict[str, Read]
    serial: Read | None

    @property
    def parts(self) -> dict[str, Read]:
        """All of them, by how their hashes are called."""
        found = {"panel": self.panel, "serial": self.serial}
        found |= {f"pairs_{name}": read for name, read in self.pairs.items()}
        return {name: read for name, read in found.items() if read is not None}


@dataclass(frozen=True, slots=True, eq=False)
class RobustnessCheck:
    """What a check of a robustness study found.

    Attributes
    ----------
    problems : tuple of str
        Why it cannot be analysed; empty where it can.
    notes : tuple of str
        What a reader should know though nothing is wrong.
    of_scores : tuple of str
        Those of the problems that photos have as they were scored; to score them anew,
        where photos have changed since, may mend them.
    study : Robustness or None
        What the file says, where it can be read.
    sources : Sources or None
        What can be read of it.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    study: Robustness | None
    sources: Sources | None = None
    of_scores: tuple[str, ...] = ()


def check_robustness(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> RobustnessCheck:
    """List every problem of a robustness study, not only the first.

    Parameters
    ----------
    path
        The study file.
    data_dir
        Folder of the data, see :func:`fahrstats.datasets.folder.data_folder`.
    out
        Folder of the results, where the scores of photos are. Before these are scored,
        nothing that needs them is checked.
    """
    study, problems = parse_robustness(path)
    if study is None:
        return RobustnessCheck(tuple(problems), (), None)
    reader = _Reader(study, data_dir, results_folder(path, out))
    try:
        read_notes(study)
    except DataError as error:
        reader.problems.append(str(error))
    sources = Sources(
        panel=None if study.panel is None else reader.panel(study.panel),
        pairs={
            pairs.name: found
            for pairs in study.pairs
            if (found := reader.pair_set(pairs)) is not None
        },
        serial=None if study.serial is None else reader.serial(study.serial),
    )
    return RobustnessCheck(
        problems=(*reader.problems, *reader.of_scores),
        notes=tuple(reader.notes),
        study=study,
        sources=sources,
        of_scores=tuple(reader.of_scores),
    )


def read_sources(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> tuple[Robustness, Sources]:
    """Return a robustness study with all that it looks at.

    Raises
    ------
    DataError
        It has a problem; the message is the first, and the number of all.
    """
    check = check_robustness(path, data_dir, out)
    if check.problems or check.study is None or check.sources is None:
        raise DataError(first_of(list(check.problems), path.name))
    return check.study, check.sources


@dataclass(slots=True, eq=False)
class _Reader:
    """Reads the parts of a study, collecting problems and notes.

    Problems of photos as they were scored are kept apart.
    """

    study: Robustness
    data_dir: Path | None
    results: Path
    problems: list[str] = field(default_factory=list)
    of_scores: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def panel(self, panel: PanelPhotos) -> Read | None:
        """Read the scores of changed photos."""
        where = "[panel]"
        try:
            scored = read_panel_scores(panel, self.results)
            if scored is None:
                source = open_photos(panel, self.study.path.parent, self.data_dir)
                self._not_scored(where, len(source), panel.models)
                return None
        except FahrstatsError as error:
            self._problem(where, error)
            return None
        table = scored.table
        problems = panel_problems(self.study.columns, table)
        self.of_scores += [f"{where}: {problem}" for problem in problems]
        if problems:
            return None
        n_photos = table[PHOTO].nunique()
        return Read(
            label="Simulated changes",
            table=table,
            file=f"scores of {n_photos:,} changed photos",
            sha256=scored.sha256,
            provenance=scored.provenance,
        )

    def pair_set(self, pairs: PairSet) -> Read | None:
        """Read a set of pairs, one row per photo and condition."""
        where = f"[pairs.{pairs.name}]"
        try:
            found = self._scored_pairs(pairs, where)
            if found is None:
                return None
            photos, scores, read = found
        except FahrstatsError as error:
            self._problem(where, error)
            return None
        table = _as_rows(photos.table, scores)
        models = self.study.columns
        problems = absent_scores(models, scores.columns) or pair_problems(models, table)
        into = self.problems if pairs.photos is None else self.of_scores
        into += [f"{where}: {problem}" for problem in problems]
        if problems:
            return None
        self.notes.append(f"{where}: {photos.note()}")
        table = self._with_groups(table, pairs, where)
        return Read(
            label=pairs.label,
            table=table,
            groups=pairs.by,
            note=photos.note(),
            **read,
        )

    def serial(self, serial: Serial) -> Read | None:
        """Read the table of repeated photos."""
        try:
            source = read_table(
                serial.table.file,
                self.study.path.parent,
                self.data_dir,
                serial.table.source,
            )
        except FahrstatsError as error:
            self._problem("[serial]", error)
            return None
        wanted = (serial.subject, serial.date, serial.day, *self.study.columns)
        work = Work(source.data, {}, self.problems)
        columns = [work.source(name, "[serial]") for name in wanted if name is not None]
        if any(column is None for column in columns):
            return None
        problems = serial_problems(self.study.columns, serial, source.data)
        self.problems += [f"[serial]: {problem}" for problem in problems]
        return Read("Repeated photos", source.data, source.file, source.sha256)

    def _scored_pairs(
        self, pairs: PairSet, where: str
    ) -> tuple[PhotoPairs, pd.DataFrame, dict[str, Any]] | None:
        """Return pairs, the scores of their photos by ``photo``, and their source."""
        beside = self.study.path.parent
        if pairs.table is not None:
            file, source = pairs.table.file, pairs.table.source
            found = read_table(file, beside, self.data_dir, source)
            rows = found.data.assign(
                **{PHOTO: [f"row {at + 1}" for at in range(len(found.data))]}
            )
            read = {"file": found.file, "sha256": found.sha256}
            return open_pairs(rows), rows, read
        photos = find_pairs(pairs, beside, self.data_dir)
        if pairs.by and locate(pairs.photos or "", beside, self.data_dir).is_dir():
            raise DataError(
                "`by` names columns of a table of photos, and a folder has none; list "
                "the photos in a table."
            )
        scored = read_pair_scores(pairs, self.results)
        if scored is None:
            self._not_scored(where, len(photos.manifest), pairs.models)
            return None
        scores = self._with_manifest(scored.table, pairs)
        name = f"scores of {len(scored.table):,} paired photos"
        read = {"file": name, "sha256": scored.sha256}
        return photos, scores, {**read, "provenance": scored.provenance}

    def _with_manifest(self, scores: pd.DataFrame, pairs: PairSet) -> pd.DataFrame:
        """Add the groups that a table of photos has."""
        assert pairs.photos is not None
        if not pairs.by:
            return scores
        table = read_table(pairs.photos, self.study.path.parent, self.data_dir).data
        keys = [PHOTO] if PHOTO in table else ["before", "after"]
        known = [name for name in pairs.by if name in table]
        by_photo = pd.concat(
            [table[[key, *known]].rename(columns={key: PHOTO}) for key in keys]
        ).drop_duplicates(PHOTO)
        return scores.merge(by_photo, on=PHOTO, how="left")

    def _with_groups(
        self, table: pd.DataFrame, pairs: PairSet, where: str
    ) -> pd.DataFrame:
        """Make factors of the groups, the same for both photos of a subject."""
        work = Work(table, {}, self.problems, self.notes)
        for group in self.study.groups:
            if group.name not in pairs.by:
                continue
            values = work.source(group.name, f"{where}: `by`")
            if values is None:
                continue
            factor = make_factor(work, values, group.levels, f"[groups.{group.name}]")
            if factor is not None:
                table = table.assign(**{group.name: factor})
        return table

    def _not_scored(self, where: str, n: int, models: tuple[str, ...]) -> None:
        """Open the models, and say that photos are not scored yet."""
        from fahrstats.face.models.opening import open_models

        columns = [name for model in open_models(models) for name in model.columns]
        absent = absent_scores(self.study.columns, columns)
        self.problems += [f"{where}: {problem}" for problem in absent]
        self.notes.append(
            f"{where}: {n:,} photos are not scored yet; `fahrstats run` scores them, "
            "and what needs their scores is checked then."
        )

    def _problem(self, where: str, error: FahrstatsError) -> None:
        text = str(error)
        self.problems.append(text if text.startswith(where) else f"{where}: {text}")


def _as_rows(pairs: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return one row per photo and condition, with the scores of the photo."""
    kept = [name for name in scores if name not in (SUBJECT, CONDITION, MOMENT)]

    def sides() -> Iterator[pd.DataFrame]:
        for moment in ("before", "after"):
            side = pairs[[SUBJECT, CONDITION, moment]].rename(columns={moment: PHOTO})
            yield side.assign(**{MOMENT: moment}).merge(
                scores[kept], on=PHOTO, how="left"
            )

    return pd.concat(list(sides()), ignore_index=True)

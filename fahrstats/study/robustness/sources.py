"""Every problem of a robustness study at once, and its scores where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fahrstats.errors import DataError, FahrstatsError
from fahrstats.face.pictures.pairs import PhotoPairs, open_pairs
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.study.notes import read_notes
from fahrstats.study.photo_scores import locate
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
    study : Robustness or None
        What the file says, where it can be read.
    sources : Sources or None
        What can be read of it.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    study: Robustness | None
    sources: Sources | None = None


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
    return RobustnessCheck(tuple(reader.problems), tuple(reader.notes), study, sources)


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
    """Reads the parts of a study, collecting problems and notes."""

    study: Robustness
    data_dir: Path | None
    results: Path
    problems: list[str] = field(default_factory=list)
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
        columns = list(scored.table.columns)
        if not self._has_models(where, columns):
            return None
        n_photos = scored.table[PHOTO].nunique()
        is_known = scored.table[list(self.study.columns)].notna().all(axis=1)
        if not self._are_enough(where, scored.table.loc[is_known, PHOTO], "photos"):
            return None
        return Read(
            label="Simulated changes",
            table=scored.table,
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
        if not self._has_models(where, list(scores.columns)):
            return None
        table = _as_rows(photos.table, scores)
        if not self._are_enough(where, table[SUBJECT], "subjects"):
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
        for name in wanted:
            if name is not None:
                work.source(name, "[serial]")
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
        path = locate(pairs.photos, self.study.path.parent, self.data_dir)
        if not pairs.by or path.is_dir():
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

    def _has_models(self, where: str, columns: list[str]) -> bool:
        """Report the models of which there are no scores."""
        absent = [name for name in self.study.columns if name not in columns]
        for name in absent:
            self.problems.append(
                f"{where}: there are no scores `{name}`, which [models] names."
            )
        return not absent

    def _are_enough(self, where: str, ids: pd.Series, what: str) -> bool:
        """Report a part of too few photos or subjects."""
        n = ids.nunique()
        if n < FEWEST_PEOPLE:
            self.problems.append(
                f"{where}: {n} {what} can be compared; fewer than {FEWEST_PEOPLE} have "
                "no numbers in a report, which would tell of single people."
            )
        return bool(n >= FEWEST_PEOPLE)

    def _not_scored(self, where: str, n: int, models: tuple[str, ...]) -> None:
        """Open the models, and say that photos are not scored yet."""
        from fahrstats.face.models.opening import open_models

        open_models(models)
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

"""Every problem of a benchmark at once, and its photos where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fahrstats.cohort.levels import MOST_LEVELS
from fahrstats.columns import in_order
from fahrstats.errors import DataError, FahrstatsError
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.measurement.age_groups import age_grouping, asked_for
from fahrstats.measurement.age_rows import AgeRows, read_rows
from fahrstats.study.benchmark.specification import (
    AGE,
    AGE_ENDS,
    SUBJECT,
    Benchmark,
    DataSet,
)
from fahrstats.study.benchmark.study_file import parse_benchmark
from fahrstats.study.notes import read_notes
from fahrstats.study.photo_scores import PhotoScores, check_photos, read_photo_scores
from fahrstats.study.script import find_script
from fahrstats.study.study_file import first_of, results_folder
from fahrstats.study.tables_in import SourceTable, load
from fahrstats.study.work import Work, is_amount, make_factor


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """One data set of a benchmark, and its photos.

    Attributes
    ----------
    data : DataSet
        Its section of the study file.
    source : SourceTable
        The table as it was read.
    photos : PhotoScores or None
        Scores of the photographs, where it has some.
    rows : DataFrame
        One row per photo that enters: predicted ages, true age or its interval, the
        subject, and groups.
    flow : DataFrame
        Rows left out on the way to those that are judged, by reason.
    """

    data: DataSet
    source: SourceTable
    photos: PhotoScores | None
    rows: pd.DataFrame
    flow: pd.DataFrame

    @property
    def age(self) -> str | tuple[str, str]:
        """Column, or columns, of true age in ``rows``."""
        return AGE if len(self.data.age) == 1 else AGE_ENDS

    @property
    def subject(self) -> str | None:
        """Column in ``rows`` of whom a photo shows."""
        return None if self.data.subject is None else SUBJECT


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkCheck:
    """What a check of a benchmark found.

    Attributes
    ----------
    problems : tuple of str
        Why it cannot be analysed; empty where it can.
    notes : tuple of str
        What a reader should know though nothing is wrong.
    study : Benchmark or None
        What the file says, where it can be read.
    cohorts : tuple of Cohort
        The data sets that have no problem.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    study: Benchmark | None
    cohorts: tuple[Cohort, ...] = ()


def check_benchmark(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> BenchmarkCheck:
    """List every problem of a benchmark and of all its data sets, not only the first.

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
    study, problems = parse_benchmark(path)
    if study is None:
        return BenchmarkCheck(tuple(problems), (), None)
    problems = list(_beside(study))
    notes: list[str] = []
    cohorts = []
    for data in study.data:
        work = Work(pd.DataFrame())
        found = _read(study, data, data_dir, results_folder(path, out), work)
        where = f"[data.{data.name}]: "
        # A script that is not there was told already.
        problems += [where + one for one in work.problems if one not in problems]
        notes += [where + note for note in work.notes]
        if found is not None:
            cohorts.append(found)
    return BenchmarkCheck(tuple(problems), tuple(notes), study, tuple(cohorts))


def read_cohorts(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> tuple[Benchmark, tuple[Cohort, ...]]:
    """Return a benchmark with all its data sets.

    Raises
    ------
    DataError
        It has a problem; the message is the first, and the number of all.
    """
    check = check_benchmark(path, data_dir, out)
    if check.problems or check.study is None:
        raise DataError(first_of(list(check.problems), path.name))
    return check.study, check.cohorts


def _beside(study: Benchmark) -> Iterator[str]:
    """Yield what is wrong with the files beside the study file."""
    try:
        read_notes(study)
    except DataError as error:
        yield str(error)
    for script in dict.fromkeys(data.prepare for data in study.data):
        try:
            if script is not None:
                find_script(script, study.path.parent)
        except DataError as error:
            yield str(error)


def _read(
    study: Benchmark, data: DataSet, data_dir: Path | None, results: Path, work: Work
) -> Cohort | None:
    """Read one data set; its problems and notes go to ``work``."""
    photos = scored = None
    try:
        if data.photos is not None:
            photos = read_photo_scores(data, results)
            if photos is None:
                work.notes.append(check_photos(data, data_dir))
                return None
            # Photos that could not be scored are counted as failures, by group.
            scored = replace(photos.table, left_out=())
        source = load(data, data_dir, scored)
    except FahrstatsError as error:
        work.problems.append(str(error))
        return None
    made = Work(source.data[source.enters], {}, work.problems, work.notes)
    n_twice = int(made.table.duplicated().sum())
    if n_twice:
        work.notes.append(
            f"{n_twice:,} {'row is' if n_twice == 1 else 'rows are'} the same as an "
            "earlier one in every column; a photo that stands twice counts twice."
        )
    _make_columns(study, data, made)
    if work.problems:
        return None
    rows = pd.DataFrame(made.columns).reset_index(drop=True)
    cohort = Cohort(data, source, photos, rows, pd.DataFrame())
    try:
        judged = read_rows(study.columns, rows, cohort.age, cohort.subject)
        of_age = age_grouping(judged, AGE, study.age_bands)
        asked_for(data.groupings, rows, judged, of_age)
    except DataError as error:
        work.problems.append(str(error))
        return None
    n_people = np.unique(judged.subject[judged.is_complete]).size
    if n_people < FEWEST_PEOPLE:
        work.problems.append(
            f"{n_people} people are judged; groups of fewer than {FEWEST_PEOPLE} have "
            "no numbers in a benchmark, so that none would be left."
        )
        return None
    flow = _flow(study, source, judged)
    work.notes.append(_told(judged))
    return Cohort(data, source, photos, rows, flow)


def _make_columns(study: Benchmark, data: DataSet, work: Work) -> None:
    """Take every column that is asked for, or report that the table has none."""
    ages = (AGE,) if len(data.age) == 1 else AGE_ENDS
    wanted = [(name, name, "[models]") for name in study.columns]
    wanted += [(*pair, "`age`") for pair in zip(ages, data.age, strict=True)]
    if data.subject is not None:
        wanted.append((SUBJECT, data.subject, "`subject`"))
    for name, column, where in wanted:
        values = work.source(column, where)
        if values is not None:
            work.columns[name] = values
    grouped = {name for part in data.by for name in part}
    for group in study.groups:
        if group.name not in grouped:
            continue
        values = work.source(group.name, "`by`")
        if values is None:
            continue
        where = f"[groups.{group.name}]"
        n_values = values.nunique()
        if is_amount(values) and not group.levels and n_values > MOST_LEVELS:
            work.problems.append(
                f"{where}: `{group.name}` has {n_values} different numbers, a "
                "measurement rather than levels; make bands of it in the script of "
                "`prepare`, or give its codes their `levels`."
            )
            continue
        factor = make_factor(work, values, group.levels, where)
        if factor is not None:
            work.columns[group.name] = factor


def _told(judged: AgeRows) -> str:
    """Say how many photos are judged."""
    n, n_people = judged.is_complete.sum(), np.unique(judged.subject).size
    without = judged.position.size - n
    return (
        f"{n:,} photos are judged ({n_people:,} people with a known age); {without:,} "
        f"lack a prediction by some model, {judged.n_dropped:,} an age."
    )


def _flow(study: Benchmark, source: SourceTable, judged: AgeRows) -> pd.DataFrame:
    """Return one row per reason that took photos out, from the table on."""
    removed: list[tuple[str, str, int]] = [("in the table", "", 0)]
    remain = np.ones(len(source.data), np.bool_)
    for reason in source.left_out:
        removed.append(
            (reason.reason, reason.column, int((reason.rows & remain).sum()))
        )
        remain &= ~reason.rows
    removed.append(("age unknown", AGE, judged.n_dropped))
    left = np.ones(judged.position.size, np.bool_)
    for j, (column, label) in enumerate(study.models):
        is_out = left & np.isnan(judged.predicted[:, j])
        removed.append((f"no prediction by {label}", column, int(is_out.sum())))
        left &= ~is_out
    flow = pd.DataFrame(removed, columns=["reason", "column", "n_removed"])
    flow = flow[(flow["n_removed"] > 0) | (flow.index == 0)].reset_index(drop=True)
    flow = flow.assign(
        step=np.arange(len(flow)),
        n=len(source.data) - flow["n_removed"].cumsum(),
    )
    return flow[in_order(flow.columns)]

"""Every problem of a study at once, and the cohort of a study that has none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fahrstats.cohort.design import Design, find_problems
from fahrstats.cohort.follow_up import as_float
from fahrstats.cohort.groups import QuantileGroups, quantile_groups
from fahrstats.cohort.leaks import leak_problems
from fahrstats.errors import DataError, FahrstatsError
from fahrstats.study.audit_section import audit_data_problems, audit_notes
from fahrstats.study.cohort_checks import (
    build_gate,
    follow_up_notes,
    horizon_problems,
    judging_notes,
    missing_notes,
    pass_gates,
    size_problems,
    variable_notes,
)
from fahrstats.study.companions import companion_problems
from fahrstats.study.outcomes import Outcome
from fahrstats.study.participant_flow import participant_flow
from fahrstats.study.photo_scores import PhotoScores, check_photos, read_photo_scores
from fahrstats.study.photo_survival import NOT_FITTED, with_survival
from fahrstats.study.preparation import Preparation, prepare
from fahrstats.study.published import PublishedRow, read_rows
from fahrstats.study.specification import Study
from fahrstats.study.study_file import first_of, parse_study, results_folder
from fahrstats.study.tables_in import SourceTable, find_file, load
from fahrstats.study.wording import counted

_EVENTS_PER_COEFFICIENT = 5


@dataclass(frozen=True, slots=True, eq=False)
class StudyCohort:
    """A study, and the rows that all of its tables are about.

    Attributes
    ----------
    study : Study
        The study file.
    source : SourceTable
        The table as it was read.
    photos : PhotoScores or None
        Scores of the photos of the study, where it has any.
    rows : DataFrame
        All rows of the table, those that do not enter the study too.
    everyone : DataFrame
        All rows that enter the study, complete or not, as ``model_data``.
    data : DataFrame
        Rows complete in the main outcome and in all scores and covariates but scores
        that may be missing; follow-up in years, everything else in its own units.
    model_data : DataFrame
        The same rows; scores per standard deviation within a factor are divided by it.
    deviations : dict
        Standard deviations behind ``per = "sd"``.
    flow : DataFrame
        Rows left out on the way here, by reason.
    groups : dict
        Quantile groups of each score.
    published : tuple of PublishedRow
        Hazard ratios to print beside ours.
    """

    study: Study
    source: SourceTable
    photos: PhotoScores | None
    rows: pd.DataFrame
    everyone: pd.DataFrame
    data: pd.DataFrame
    model_data: pd.DataFrame
    deviations: dict[str, dict[str, float]]
    flow: pd.DataFrame
    groups: dict[str, QuantileGroups]
    published: tuple[PublishedRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What a check of a study found.

    Attributes
    ----------
    problems : tuple of str
        Why the study cannot be analysed; empty where it can.
    notes : tuple of str
        What a reader should know though nothing is wrong.
    cohort : StudyCohort or None
        What is analysed, where there is no problem.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    cohort: StudyCohort | None


def check_study(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> Check:
    """List every problem of a study file and of its data, not only the first.

    Checks that need sound columns run once the columns are sound; a column with a
    problem does not keep the others from being checked.

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
    study, problems = parse_study(path)
    problems = problems if study is None else list(companion_problems(study))
    if study is None or problems:
        return Check(tuple(problems), (), None)
    photos, results = None, results_folder(path, out)
    try:
        if study.photos is not None:
            photos = read_photo_scores(study, results)
            if photos is None:
                return Check((), (check_photos(study, data_dir),), None)
        source = load(study, data_dir, photos.table if photos else None)
        if photos is not None:
            found = with_survival(study, photos, source, results)
            if found is None:
                return Check((), (NOT_FITTED,), None)
            photos, source = found
    except FahrstatsError as error:
        return Check((str(error),), (), None)
    prepared = prepare(study, source.data, source.enters)
    rows, wrong_rows = _published(study, prepared)
    wrong_data = _data_problems(study, prepared.data[source.enters])
    problems = [*prepared.problems, *wrong_data, *wrong_rows]
    if problems:
        return Check(tuple(dict.fromkeys(problems)), tuple(prepared.notes), None)
    entered = np.flatnonzero(source.enters)
    try:
        terms = [variable.name for variable in study.known]
        design = build_gate(study, prepared.data.iloc[entered], terms)
    except DataError as error:
        problem = _in_source_words(str(error), study.main)
        return Check((problem,), tuple(prepared.notes), None)
    kept = entered[design.rows]
    data = prepared.data.iloc[kept].reset_index(drop=True)
    groups, problems = _groups(study, source, data)
    gates, wrong_scores = pass_gates(study, design, data)
    problems += [_in_source_words(problem, study.main) for problem in wrong_scores]
    problems += horizon_problems(study, data)
    problems += audit_data_problems(study, data)
    problems += size_problems(study, gates, groups)
    notes = (
        *dict.fromkeys(prepared.notes),
        *audit_notes(study, data),
        *follow_up_notes(study, data),
        *variable_notes(study, data),
        *_notes(study, design),
        *missing_notes(study, gates, prepared.data.iloc[entered]),
        *(_in_source_words(n, study.main) for n in judging_notes(study, gates)),
    )
    if problems:
        return Check(tuple(problems), notes, None)
    in_deviations = {str(k): v for k, v in prepared.in_deviations.items()}
    everyone = prepared.data.assign(**in_deviations)
    cohort = StudyCohort(
        study=study,
        source=source,
        photos=photos,
        rows=prepared.data,
        everyone=everyone.iloc[entered].reset_index(drop=True),
        data=data,
        model_data=everyone.iloc[kept].reset_index(drop=True),
        deviations=prepared.deviations,
        flow=participant_flow(study, source, prepared, design),
        groups=groups,
        published=tuple(rows),
    )
    return Check((), notes, cohort)


def read_cohort(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> StudyCohort:
    """Return the cohort of a study.

    Raises
    ------
    DataError
        The study has a problem; the message is the first, and the number of all.
    """
    check = check_study(path, data_dir, out)
    if check.cohort is None:
        raise DataError(first_of(list(check.problems), path.name))
    return check.cohort


def _data_problems(study: Study, data: pd.DataFrame) -> Iterator[str]:
    """Yield what the gate says about the columns that could be made."""
    names = set(data.columns)
    terms = [v.name for v in study.known if v.name in names]
    analysis = study.analysis
    roles = {
        role: name if name in names else None
        for role in ("strata", "weights", "cluster", "id")
        for name in [getattr(analysis, role)]
    }
    for outcome in study.outcomes:
        time, event, entry = outcome.columns
        needed = {time, event, *([entry] if outcome.entry else [])}
        if needed <= names:
            formula = study.formula(*terms, outcome=outcome)
            for problem in find_problems(formula, data, **roles):
                yield _in_source_words(problem, outcome)
        if event in names and analysis.weights is None:
            groups = [s.name for s in study.subgroups if s.name in names - set(terms)]
            covariates = [] if needed <= names else terms
            columns = data[[*groups, *covariates]]
            missing = {str(name): columns[name].isna().to_numpy() for name in columns}
            yield from leak_problems(missing, as_float(data[event]))


def _in_source_words(problem: str, outcome: Outcome) -> str:
    """Name the columns of the table where the gate names those of the cohort."""
    time, event, entry = outcome.columns
    names = {time: outcome.time, entry: outcome.entry or entry}
    if len(outcome.event) == 1:
        names[event] = outcome.event[0].column
    return re.sub(r"`(\w+)`", lambda m: f"`{names.get(m[1], m[1])}`", problem)


def _published(
    study: Study, prepared: Preparation
) -> tuple[list[PublishedRow], list[str]]:
    """Read the published table, where the study names one."""
    if study.published is None:
        return [], []
    try:
        path = find_file(study.published, study.path.parent)
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except DataError as error:
        return [], [str(error)]
    except ValueError as error:
        return [], [f"`{study.published}` cannot be read as CSV: {error}"]
    return read_rows(table, study, prepared.data)


def _groups(
    study: Study, source: SourceTable, data: pd.DataFrame
) -> tuple[dict[str, QuantileGroups], list[str]]:
    """Cut each score at the quantiles of the analysed rows, or where the study says."""
    groups, problems = {}, []
    reference = study.analysis.reference
    for score in study.scores:
        where = f"[scores.{score.name}]"
        low, high = data[score.name].min(), data[score.name].max()
        outside = [cut for cut in score.cut_points if not low <= cut < high]
        if outside:
            problems.append(
                f"{where}: `cut_points` must lie between the lowest and the highest "
                f"value, {low:g} and {high:g}, but it holds {outside[0]:g}."
            )
            continue
        try:
            found = quantile_groups(
                data[score.name],
                n_groups=study.analysis.quantile_groups,
                origin=score.cut_origin or f"analysed rows of {source.file}",
                cut_points=score.cut_points or None,
            )
        except DataError as error:
            problems.append(f"{where}: {error}")
            continue
        groups[score.name] = found
        if reference not in found.labels:
            problems.append(
                f"{where}: {len(found.labels)} groups, none called `{reference}`, the "
                "`reference` of [analysis]."
            )
    return groups, problems


def _notes(study: Study, design: Design) -> Iterator[str]:
    """Yield how many rows are analysed, and why others are not."""
    n_coefficients = len(design.columns)
    if design.n_events < _EVENTS_PER_COEFFICIENT * n_coefficients:
        yield (
            f"{counted(design.n_events, 'event')} for "
            f"{counted(n_coefficients, 'coefficient')} of scores and covariates, fewer "
            f"than {_EVENTS_PER_COEFFICIENT} each: adjusted estimates are unstable."
        )
    yield f"{_people(design.n, design.n_events)} analysed."
    for dropped in filter(lambda reason: reason.n, design.dropped):
        note = (
            f"{_people(dropped.n, dropped.n_events)} left out: `{dropped.column}`, "
            f"{dropped.reason}."
        )
        yield _in_source_words(note, study.main)


def _people(n: int, n_events: int) -> str:
    """Write a number of rows and of their events, up to the verb."""
    verb = "is" if n == 1 else "are"
    return f"{counted(n, 'row')} with {counted(n_events, 'event')} {verb}"

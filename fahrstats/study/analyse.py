"""A study file to a folder of result tables, resuming where an earlier run stopped."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.study.checks import check_study, read_cohort
from fahrstats.study.contents import table_makers
from fahrstats.study.manifest import describe_provenance, describe_study
from fahrstats.study.photo_scores import read_photo_scores, score_photos
from fahrstats.study.photo_survival import fit_survival
from fahrstats.study.study_file import first_of, parse_study, results_folder
from fahrstats.study.tables_out import write_tables
from fahrstats.watching import Watch


def analyse_study(
    path: Path,
    data_dir: Path | None = None,
    out: Path | None = None,
    watch: Watch = lambda step, position, total: None,
) -> Path:
    """Write every result table of a study, and the manifest that describes them.

    A table is written when it is finished, under a key made of the study file, the
    data, the seed and the package's code. A table that is there under the same key is
    kept, so that a run which was stopped goes on where it was; one that is not as the
    manifest has it is made again. A manifest under another key goes away first, so
    that it never describes the tables of a later run.

    Parameters
    ----------
    path
        The study file.
    data_dir
        Folder of the data.
    out
        Folder of the results; ``results/<name of the study>`` by default.
    watch
        Called before each step with its name, its position and the number of steps.

    Returns
    -------
    Path
        Folder of the results.

    Raises
    ------
    DataError
        The study has a problem, or its data cannot support a table.
    """
    folder = results_folder(path, out)
    _score_first(path, data_dir, folder, watch)
    cohort = read_cohort(path, data_dir, folder)
    makers = table_makers(cohort)
    provenance = describe_provenance(cohort)
    write_tables(
        folder,
        {name: partial(make, cohort) for name, make in makers.items()},
        provenance=provenance,
        describe=partial(describe_study, cohort, provenance),
        watch=watch,
    )
    return folder


def _score_first(path: Path, data_dir: Path | None, folder: Path, watch: Watch) -> None:
    """Score the photos of a study that has some, once the rest of it can be read."""
    study, _ = parse_study(path)
    if study is None or study.photos is None:
        return
    problems = check_study(path, data_dir, folder).problems
    if read_photo_scores(study, folder) is None and problems:
        raise DataError(first_of(list(problems), path.name))
    score_photos([study], data_dir, folder, watch)
    fit_survival(study, data_dir, folder, watch)

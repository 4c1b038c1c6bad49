"""What a study's results say about themselves: provenance, labels, list of models."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.study import effect_tables, people_tables
from fahrstats.study.checks import StudyCohort
from fahrstats.study.privacy import without_folders
from fahrstats.study.results_in import published_sha256
from fahrstats.study.tables_in import text_sha256

_PACKAGE = Path(__file__).parents[1]
_VERSIONS = ("numpy", "scipy", "pandas", "numba", "formulaic")


def describe_provenance(cohort: StudyCohort) -> dict[str, Any]:
    """Return what every table carries: data, formulas, seed, versions.

    Its ``key`` is a hash of all that the numbers depend on: the study file, the
    published table, the data and the package's code. Tables with the same key hold
    the same numbers.
    """
    study, source = cohort.study, cohort.source
    code = _code_sha256()
    study_sha256 = text_sha256(study.text)
    published = published_sha256(study)
    parts = [study_sha256, source.sha256, published, __version__, code]
    return {
        "key": text_sha256("\n".join(parts)),
        "study_sha256": study_sha256,
        "package": __version__,
        "code_sha256": code,
        "python": platform.python_version(),
        "data_file": source.file,
        "data_sha256": source.sha256,
        "published_sha256": published,
        "n_rows": len(source.data),
        "seed": study.analysis.seed,
        "formula": {
            score.name: study.formula(*study.adjusted(score.name))
            for score in study.scores
        },
        "time_unit": "years",
        "created": date.today().isoformat(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


def describe_study(
    cohort: StudyCohort, provenance: dict[str, Any], tables: Path, names: list[str]
) -> dict[str, Any]:
    """Return the manifest of a study whose tables are written.

    Parameters
    ----------
    cohort
        The study and its rows.
    provenance
        As :func:`describe_provenance` returns it.
    tables
        Folder of the tables.
    names
        Tables that belong to the study.
    """
    study = cohort.study
    return {
        "name": study.name,
        "title": study.title,
        "study_file": without_folders(study.text),
        "labels": _labels(cohort),
        "time_unit": "years",
        "horizons": list(people_tables.horizons(cohort)),
        "outcome_label": study.main.label,
        "biomarkers": [score.name for score in study.scores],
        "covariates": [covariate.name for covariate in study.covariates],
        "subgroups": [subgroup.name for subgroup in study.subgroups],
        "quantile_groups": study.analysis.quantile_groups,
        "groups_name": effect_tables.groups_name(cohort),
        "deviations": cohort.deviations,
        "provenance": provenance,
        "tables": {
            name: store.file_sha256(tables / f"{name}.parquet") for name in names
        },
        "warnings": {name: _warnings(tables / f"{name}.parquet") for name in names},
        "analyses": [
            {**entry, **_counts(entry, tables)}
            for entry in _models(cohort)
            if entry["table"] in names
        ],
    }


def _warnings(file: Path) -> list[str]:
    """Return what was announced while a table was made: results that need care."""
    found: list[str] = (store.read_provenance(file) or {}).get("warnings", [])
    return found


def _labels(cohort: StudyCohort) -> dict[str, dict[str, str]]:
    """Return label and unit of every column that a table may name."""
    study = cohort.study
    time, event, _ = study.main.columns
    labels = {
        time: {"label": "Follow-up time", "unit": "years"},
        event: {"label": study.main.label, "unit": ""},
    }
    for subgroup in study.subgroups:
        labels[subgroup.name] = {"label": subgroup.label, "unit": ""}
    for variable in study.variables:
        labels[variable.name] = {"label": variable.label, "unit": variable.unit}
    for score in study.scores:
        labels[people_tables.group_column(score.name)] = {
            "label": f"{score.label}, {effect_tables.groups_name(cohort)}",
            "unit": "",
        }
    return labels


def _models(cohort: StudyCohort) -> Iterator[dict[str, str]]:
    """Yield every model that was fitted, by where in which table it is found."""
    study = cohort.study
    for score in study.scores:
        for model, terms in effect_tables.models_of(cohort, score.name).items():
            yield _entry("cox", study.formula(*terms), score.name, model)
        adjusted = study.formula(*study.adjusted(score.name))
        yield _entry("ph_test", adjusted, score.name)
        yield _entry("subgroups", adjusted, score.name)
    for label, formula in effect_tables.comparison_models(cohort).items():
        yield _entry("comparison", formula, model=label)
    for outcome in study.outcomes:
        for score in study.scores:
            for model, terms in effect_tables.models_of(cohort, score.name).items():
                if score.name in terms:
                    formula = study.formula(*terms, outcome=outcome)
                    yield _entry("outcomes", formula, score.name, model, outcome.label)


def _entry(
    table: str, formula: str, biomarker: str = "", model: str = "", outcome: str = ""
) -> dict[str, str]:
    """Return one entry of the list of models."""
    return {
        "table": table,
        "outcome": outcome,
        "biomarker": biomarker,
        "model": model,
        "formula": formula,
    }


def _counts(entry: dict[str, str], tables: Path) -> dict[str, int]:
    """Return the rows and events of a model, from the table it is found in."""
    table, _ = store.read(tables / f"{entry['table']}.parquet")
    for column in ("outcome", "biomarker", "model"):
        if entry[column]:
            table = table[table[column] == entry[column]]
    used = table.iloc[0]
    return {"n": int(used["n"]), "n_events": int(used["n_events"])}


def _code_sha256() -> str:
    """Return a hash of the package's own code, so that a change of it is noticed."""
    files = sorted(_PACKAGE.rglob("*.py"))
    return text_sha256("".join(store.file_sha256(file) for file in files))

"""What a study's results say about themselves: provenance, labels, list of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fahrstats.study import people_tables
from fahrstats.study.audit_section import crossed_columns, has_repeats, is_audited
from fahrstats.study.audit_tables import audit_horizon
from fahrstats.study.checks import StudyCohort
from fahrstats.study.choice_tables import landmark_times
from fahrstats.study.companions import COMPANIONS, companion_sha256
from fahrstats.study.models import groups_name
from fahrstats.study.notes import read_notes
from fahrstats.study.photo_scores import PREFIX
from fahrstats.study.photo_tables import QUALITIES
from fahrstats.study.privacy import without_folders
from fahrstats.study.provenance import provenance_of
from fahrstats.study.registry import list_analyses
from fahrstats.study.specification import Ages
from fahrstats.study.tables_out import described


def describe_provenance(cohort: StudyCohort) -> dict[str, Any]:
    """Return what every table carries: data, formulas, seed, versions.

    Its ``key`` is a hash of all that the numbers depend on: the study file and those
    beside it, the data with the scores, and the package's code. Tables with the same
    key hold the same numbers.
    """
    study, source = cohort.study, cohort.source
    beside = {f"{key}_sha256": companion_sha256(study, key) for key in COMPANIONS}
    formulas = {
        score.name: study.formula(*study.adjusted(score.name)) for score in study.scores
    }
    return {
        **provenance_of(
            study.text,
            file=source.file,
            sha256=source.sha256,
            n_rows=len(source.data),
            beside=beside,
        ),
        "seed": study.analysis.seed,
        "formula": formulas,
        "time_unit": "years",
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
        "kind": study.kind,
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
        "groups_name": groups_name(cohort),
        "deviations": cohort.deviations,
        "choices": _choices(cohort),
        "notes": read_notes(study),
        "statements": study.statements,
        "photos": {} if cohort.photos is None else cohort.photos.provenance,
        "provenance": provenance,
        **described(tables, names),
        "analyses": list_analyses(cohort, tables, names),
    }


def _choices(cohort: StudyCohort) -> dict[str, Any]:
    """Return what a study file asks for beyond columns, as a report names it."""
    study = cohort.study
    analysis, competing = study.analysis, study.competing
    choices: dict[str, Any] = {
        "n_boot": analysis.n_boot,
        "imputations": analysis.imputations,
        "early": list(analysis.early),
        "landmarks": list(landmark_times(cohort)),
        "risk_categories": list(analysis.risk_categories),
        "cohorts": analysis.cohorts,
        "has_repeats": has_repeats(study, cohort.data),
    }
    roles = ("strata", "weights", "cluster", "id")
    named = {role: getattr(analysis, role) for role in roles}
    named["entry"] = study.main.entry
    choices["roles"] = {role: name for role, name in named.items() if name is not None}
    if competing is not None:
        choices["cause_of_interest"] = competing.of
        choices["any_cause"] = study.named_outcome(competing.outcome).label
    if study.ages is not None:
        choices["predicted_ages"] = list(study.ages.predicted)
    if is_audited(study):
        choices["audit"] = {
            "horizon": audit_horizon(cohort),
            "crossings": [list(columns) for columns in crossed_columns(study)],
            "floor_events": study.audit.floor_events,
            "floor_people": study.audit.floor_people,
        }
    return choices


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
    if study.photos is not None:
        labels |= _photo_labels()
    for variable in (*study.variables, *study.described, *study.printed):
        labels[variable.name] = {"label": variable.label, "unit": variable.unit}
    if study.ages is not None:
        labels |= _gap_labels(study.ages)
    for score in study.scores:
        labels[people_tables.group_column(score.name)] = {
            "label": f"{score.label}, {groups_name(cohort)}",
            "unit": "",
        }
    return labels


def _photo_labels() -> dict[str, dict[str, str]]:
    """Return label and unit of the columns about photos."""
    return {
        f"{PREFIX}{name}": {"label": label, "unit": unit}
        for name, (label, unit) in QUALITIES.items()
    }


def _gap_labels(ages: Ages) -> dict[str, dict[str, str]]:
    """Return label and unit of the columns of gaps."""
    within = f" within {ages.sd_by}" if ages.sd_by else ""
    return {
        "gap": {"label": "Predicted minus actual age", "unit": "years"},
        "residual_gap": {"label": "Predicted age given actual age", "unit": "years"},
        "sd_gap": {"label": f"Gap in standard deviations{within}", "unit": ""},
        "gap_group": {"label": "Group of the gap", "unit": ""},
    }

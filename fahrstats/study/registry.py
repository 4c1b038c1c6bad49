"""Every analysis that a study made of its outcome, with the people and events it used.

It is what shows that nothing was left out of a report for what it found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from fahrstats.cohort import store
from fahrstats.study.age_tables import GAP_STEPS
from fahrstats.study.checks import StudyCohort
from fahrstats.study.choice_tables import BEST, cut_points_tried, landmark_times
from fahrstats.study.comparison_tables import comparison_models
from fahrstats.study.competing_tables import adjusted_formula, any_cause
from fahrstats.study.models import full_model, models_of
from fahrstats.study.people_tables import group_column
from fahrstats.study.ranking_tables import ranking_formula
from fahrstats.study.sensitivity_tables import COMPLETE, IMPUTED
from fahrstats.study.shape_tables import ALL_SCORES, spline_terms
from fahrstats.study.specification import CAUSE_COLUMN, Variable
from fahrstats.survival.early_deaths import CENSORINGS

_KEYS = ("outcome", "biomarker", "model", "time")
_REFUSED = "not estimated"
_OF_GROUPS = ("rmst", "survival")
_OF_PREDICTIONS = ("calibration", "decision_curve")
"""Tables whose term is the model that predicted."""

Entry = dict[str, Any]


def list_analyses(cohort: StudyCohort, tables: Path, names: list[str]) -> list[Entry]:
    """Return every analysis by where in which table it is found, with its counts.

    Of models of one cause among several, the outcome is the cause. One that the data
    do not support is listed as refused, without counts.

    Parameters
    ----------
    cohort
        The study and its rows.
    tables
        Folder of the tables.
    names
        Tables that belong to the study.
    """
    found: dict[str, pd.DataFrame] = {}
    listed = []
    for entry in _models(cohort):
        name = entry["table"]
        if name not in names:
            continue
        if name not in found:
            found[name] = store.read(tables / f"{name}.parquet")[0]
        rows = _rows(entry, found[name])
        if len(rows):
            listed.append({**entry, **_counts(rows)})
    return listed


def _models(cohort: StudyCohort) -> Iterator[Entry]:
    """Yield every model that was fitted."""
    study, adjusted = cohort.study, full_model(cohort)
    for score in study.scores:
        for model, terms in models_of(cohort, score.name).items():
            yield _entry("cox", study.formula(*terms), score.name, model)
        formula = study.formula(*study.adjusted(score.name))
        spline = study.formula(*spline_terms(cohort, score.name))
        grouped = study.formula(group_column(score.name))
        for table in ("logrank", "survival_difference", "rmst"):
            yield _entry(table, grouped, score.name)
        yield _entry("ph_test", formula, score.name)
        yield _entry("spline", spline, score.name, adjusted)
        yield _entry("term_tests", formula, score.name, adjusted)
        yield _entry("influence", formula, score.name, adjusted)
        yield from _of_choices(cohort, score)
        for table in ("subgroups", "audit"):
            yield _entry(table, formula, score.name)
    if len(study.together) > 1:
        together = study.adjusted(*(score.name for score in study.together))
        yield _entry("term_tests", study.formula(*together), model=ALL_SCORES)
    yield from _rankings(cohort)
    compared = comparison_models(cohort)
    for label, formula in compared.items():
        yield _entry("comparison", formula, model=label)
    for table in ("calibration", "decision_curve"):
        for label, formula in compared.items():
            yield _entry(table, formula, model=label)
    yield from _further(cohort)
    for outcome in study.outcomes:
        for score in study.scores:
            for model, terms in models_of(cohort, score.name).items():
                if score.name in terms:
                    formula = study.formula(*terms, outcome=outcome)
                    yield _entry("outcomes", formula, score.name, model, outcome.label)
        for score in study.printed:
            formula = study.formula(*study.adjusted(score.name), outcome=outcome)
            yield _entry("published", formula, score.name, adjusted, outcome.label)


def _of_choices(cohort: StudyCohort, score: Variable) -> Iterator[Entry]:
    """Yield models of a later start, and of cut points, which are models alike."""
    study, adjusted = cohort.study, full_model(cohort)
    formula = study.formula(*study.adjusted(score.name))
    for time in landmark_times(cohort):
        yield {**_entry("landmarks", formula, score.name, adjusted), "time": time}
    column, cuts = group_column(score.name), list(cut_points_tried(cohort, score))
    for model, terms in {
        "unadjusted": (column,),
        adjusted: study.adjusted(column),
    }.items():
        entry = _entry("cut_effects", study.formula(*terms), score.name, model)
        yield {**entry, "cut_points": cuts}
    yield _entry("cut_effects", study.formula(score.name), score.name, BEST)


def _rankings(cohort: StudyCohort) -> Iterator[Entry]:
    """Yield what ranks people without a model, and joint groups of two scores."""
    for table in ("concordance", "uno", "concordance_by"):
        yield _entry(table, ranking_formula(cohort))
    pair = [group_column(score.name) for score in cohort.study.together[:2]]
    formula = cohort.study.formula(*cohort.study.adjusted(*pair))
    for table in ("joint_groups", "joint_groups_fine"):
        yield _entry(table, formula)


def _further(cohort: StudyCohort) -> Iterator[Entry]:
    """Yield models of the analyses that a study file asks for."""
    study, adjusted = cohort.study, full_model(cohort)
    for score in study.scores:
        formula = study.formula(*study.adjusted(score.name))
        if study.competing is not None:
            of_any = adjusted_formula(cohort, score.name)
            of = study.competing.of
            yield _entry("fine_gray", of_any, score.name, adjusted, of)
            grouped = study.formula(group_column(score.name), outcome=any_cause(cohort))
            for cause in cohort.data[CAUSE_COLUMN].cat.categories:
                yield _entry("gray", grouped, score.name, outcome=cause)
                yield _entry("cause_specific", of_any, score.name, adjusted, cause)
        if not score.may_be_missing:
            yield _entry("imputed", formula, score.name, COMPLETE)
            yield _entry("imputed", formula, score.name, IMPUTED)
        yield _entry("cohorts", formula, score.name, adjusted)
        for censoring in CENSORINGS:
            model = f"censored before it {censoring}"
            yield _entry("early_deaths", formula, score.name, model)
    for name in study.ages.predicted if study.ages is not None else ():
        for kind in GAP_STEPS:
            yield _entry(
                "gap_hazard", study.formula(*study.adjusted(kind)), name, adjusted
            )


def _entry(
    table: str, formula: str, biomarker: str = "", model: str = "", outcome: str = ""
) -> Entry:
    """Return one entry of the list of models."""
    return {
        "table": table,
        "outcome": outcome,
        "biomarker": biomarker,
        "model": model,
        "formula": formula,
    }


def _counts(rows: pd.DataFrame) -> dict[str, Any]:
    """Return people and events of an analysis; of means by group, those of all."""
    if rows.get("note", pd.Series("")).fillna("").str.startswith(_REFUSED).all():
        return {"refused": True}
    if "group" in rows and set(rows["estimand"]) & set(_OF_GROUPS):
        of_groups = rows[rows["estimand"].isin(_OF_GROUPS)]
        if "time" in of_groups:
            of_groups = of_groups[of_groups["time"] == of_groups["time"].max()]
        return {key: int(of_groups[key].sum()) for key in ("n", "n_events")}
    return {key: int(rows[key].iloc[0]) for key in ("n", "n_events")}


def _rows(entry: Entry, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a model in its table, those about all of its people.

    Joint groups are part of their model, cohorts of the averages over them. Predictions
    are counted at the last time at which they are judged.
    """
    for column in _KEYS:
        if entry.get(column) and column in table:
            table = table[table[column] == entry[column]]
    if entry["outcome"] and "cause" in table:
        table = table[table["cause"] == entry["outcome"]]
    if entry["table"] in _OF_PREDICTIONS:
        table = table[table["term"] == entry["model"]]
        table = table[table["time"] == table["time"].max()]
    for part, whole in (("first_group", ""), ("cohort", "overall")):
        if part in table:
            table = table[table[part] == whole]
    return table

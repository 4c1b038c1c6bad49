"""Result tables of a benchmark, each over all its data sets.

``cohort`` is the label of a data set. Groups of few people keep their rows, without
their numbers: a mean over a few photos tells of single people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
import pandas as pd

from fahrstats.columns import contrast_name, in_order
from fahrstats.display.labels import CROSS
from fahrstats.errors import DataError
from fahrstats.measurement.accuracy import age_accuracy
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.measurement.accuracy_contrasts import largest_of
from fahrstats.measurement.accuracy_result import AgeAccuracy
from fahrstats.measurement.age_cells import age_cells
from fahrstats.measurement.age_groups import OVERALL
from fahrstats.study.benchmark.cohorts import Cohort
from fahrstats.study.benchmark.specification import AGE, Benchmark

Judge = Callable[[Cohort], AgeAccuracy]
Makers = dict[str, Callable[[], pd.DataFrame]]

FEW = f"too few people: 1 to {FEWEST_PEOPLE - 1}"
"""What a row says whose numbers would tell of single people."""

_EMPTY = "no photos"
_NUMBERS = (
    *("estimate", "std_error", "statistic", "df_residual", "p_value", "p_adjusted"),
    *("conf_low", "conf_high", "joint_low", "joint_high"),
)
_COUNTS = ("n", "n_subjects", "n_missing")
_OF_MODELS = (
    *(("mae", OVERALL), ("macro_mae", OVERALL), ("mean_error", OVERALL)),
    ("mae", AGE),
)
"""Statistics and groupings in which models are compared."""

_OF_GROUPS = ("mae", "standardized_mae", "mean_error")
"""Statistics in which groups are compared."""


def table_makers(study: Benchmark, cohorts: Sequence[Cohort]) -> Makers:
    """Return what makes each table of a benchmark, by name and in order."""
    judge = cache(partial(_judge, study))
    of_each: dict[str, Callable[[Cohort], pd.DataFrame]] = {
        "flow": lambda cohort: cohort.flow,
        "accuracy": lambda cohort: _accuracy(judge(cohort)),
        "calibration": lambda cohort: judge(cohort).calibration(),
        "cells": lambda cohort: age_cells(
            study.columns,
            cohort.rows,
            age=cohort.age,
            subject=cohort.subject,
            corrected=study.corrected,
        ),
    }
    if len(study.models) > 1:
        of_each["differences"] = lambda cohort: _differences(judge(cohort))
    if len(study.raw_columns) > 1:
        of_each["lowest"] = lambda cohort: _lowest(judge(cohort), study.raw_columns)
    if any(cohort.data.by for cohort in cohorts):
        compare = cache(partial(_group_differences, judge))
        of_each["group_differences"] = compare
        of_each["largest_differences"] = lambda cohort: _largest(compare(cohort))
    return {name: partial(_stacked, make, cohorts) for name, make in of_each.items()}


def _judge(study: Benchmark, cohort: Cohort) -> AgeAccuracy:
    """Judge all models in one data set, by its groups and these crossed with age."""
    groups = [part for part in cohort.data.groupings if isinstance(part, str)]
    return age_accuracy(
        study.columns,
        cohort.rows,
        age=cohort.age,
        subject=cohort.subject,
        by=[*cohort.data.groupings, *((AGE, group) for group in groups)],
        age_bands=study.age_bands,
        corrected=study.corrected,
        n_boot=study.n_boot,
        seed=study.seed,
    )


def _stacked(
    make: Callable[[Cohort], pd.DataFrame], cohorts: Sequence[Cohort]
) -> pd.DataFrame:
    """Stack a table of every data set, named by it."""
    nothing = pd.DataFrame({"cohort": pd.Series(dtype=object)})
    parts = [make(cohort).assign(cohort=cohort.data.label) for cohort in cohorts]
    table = pd.concat([part for part in parts if len(part)] or [nothing])
    return table.reset_index(drop=True)[in_order(table.columns)]


def _accuracy(judged: AgeAccuracy) -> pd.DataFrame:
    return without_few(judged.tidy(), empty=_EMPTY)


def _differences(judged: AgeAccuracy) -> pd.DataFrame:
    """Compare all models in everyone, and their MAE in every band of age."""
    parts = [
        judged.contrasts(estimand=estimand, subgroup=subgroup)
        for estimand, subgroup in _OF_MODELS
    ]
    return without_few(pd.concat(parts, ignore_index=True), empty=_EMPTY)


def _lowest(judged: AgeAccuracy, models: Sequence[str]) -> pd.DataFrame:
    """Say which of the models has the lowest MAE in everyone and in every band of age.

    Each is compared with the model that comes next; tests and limits are those of all
    pairs of models, and in bands of age of all bands, together.
    """
    table = without_few(judged.tidy(), empty=_EMPTY)
    table = table[table["model"].isin(models)]
    rows = []
    for estimand, subgroup in _OF_MODELS:
        if estimand == "mean_error":
            continue
        contrasts = judged.contrasts(estimand=estimand, subgroup=subgroup)
        is_in = (table["subgroup"] == subgroup) & (table["estimand"] == estimand)
        for level, part in table[is_in].groupby("level", sort=False):
            if part["estimate"].isna().any():
                continue
            first, second = part.sort_values("estimate", kind="stable")["model"][:2]
            of_level = contrasts[contrasts["level"] == level]
            rows.append(_directed(of_level, first, second).assign(model=first))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _directed(contrasts: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Return the difference of one model from another, whichever way it was taken."""
    term = contrast_name(first, second)
    found = contrasts[contrasts["term"] == term]
    if len(found):
        return found
    found = contrasts[contrasts["term"] == contrast_name(second, first)]
    return found.assign(
        term=term,
        estimate=-found["estimate"],
        statistic=-found["statistic"],
        conf_low=-found["conf_high"],
        conf_high=-found["conf_low"],
        joint_low=-found["joint_high"],
        joint_high=-found["joint_low"],
    )


def _largest(differences: pd.DataFrame) -> pd.DataFrame:
    """Return the largest difference between levels of every grouping and statistic."""
    if differences.empty:
        return differences
    parts = differences.groupby(["subgroup", "estimand"], sort=False)
    return pd.concat(
        [
            largest_of(part) if part["model"].all() else part  # refused: of no model
            for _, part in parts
        ],
        ignore_index=True,
    )


def _group_differences(judge: Judge, cohort: Cohort) -> pd.DataFrame:
    """Compare all levels of every grouping in several statistics, or say why not."""
    compare = judge(cohort).group_contrasts
    parts = [pd.DataFrame()]
    for columns in cohort.data.by:
        subgroup = CROSS.join(columns)
        for estimand in _OF_GROUPS:
            if estimand == "standardized_mae" and len(columns) > 1:
                continue
            try:
                parts.append(compare(subgroup=subgroup, estimand=estimand))
            except DataError as error:
                parts.append(_refused(subgroup, estimand, error))
    return pd.concat(parts, ignore_index=True)


def _refused(subgroup: str, estimand: str, error: DataError) -> pd.DataFrame:
    """Return a row that says why groups are not compared."""
    row = {
        "model": "",
        "term": "",
        "subgroup": subgroup,
        "estimand": f"delta_{estimand}",
        "estimate": np.nan,
        "n": 0,
        "n_subjects": 0,
        "note": f"not estimated: {error}",
    }
    return pd.DataFrame([row])


def without_few(
    table: pd.DataFrame, size: str = "n_subjects", *, empty: str | None = None
) -> pd.DataFrame:
    """Take the numbers out of rows about too few people, and say so.

    ``empty`` is what rows about nobody say in place of their note.
    """
    is_few = table[size].between(1, FEWEST_PEOPLE - 1)
    numbers = {name: table[name].mask(is_few) for name in _NUMBERS if name in table}
    counts = {
        name: table[name].astype("Int64").mask(is_few)
        for name in _COUNTS
        if name in table
    }
    notes = table["note"].mask(is_few, FEW)
    if empty is not None:
        notes = notes.mask(table[size] == 0, empty)
    return table.assign(**numbers, **counts, note=notes)

"""Scores, covariates and subgroups, from the columns of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float
from fahrstats.study.specification import Subgroup, Variable
from fahrstats.study.wording import code_text
from fahrstats.study.work import Work, examples, is_amount, make_factor

_MOST_LEVELS = 30


def add_number(work: Work, variable: Variable, where: str) -> None:
    """Add a score, or a covariate that is an amount: a column or a sum of columns."""
    parts = [work.source(column, where) for column in variable.columns]
    found = [part for part in parts if part is not None]
    for part in found:
        if not is_amount(part):
            work.problems.append(
                f"{where}: `{part.name}` must hold numbers, but it holds "
                f"{examples(part)}."
            )
    if len(found) < len(parts) or not all(is_amount(part) for part in found):
        return
    total = sum(as_float(part) for part in found)
    work.columns[variable.name] = pd.Series(total, index=work.table.index)


def add_covariate(work: Work, covariate: Variable, where: str) -> None:
    """Add a covariate: an amount, or a factor with its reference level first."""
    values = work.source(covariate.columns[0], where)
    if values is None:
        return
    if not covariate.categorical and is_amount(values):
        add_number(work, covariate, where)
        _note_codes(work, values, where)
        return
    factor = make_factor(work, values, covariate.levels, where)
    if factor is None or _has_many_levels(work, covariate, factor, where):
        return
    reference = covariate.reference
    levels = list(factor.cat.categories)
    if reference is not None and reference not in levels:
        listed = ", ".join(f"`{level}`" for level in levels)
        work.problems.append(
            f"{where}: `reference` is `{reference}`, but the levels are {listed}."
        )
    elif reference is not None:
        levels.remove(reference)
        factor = factor.cat.reorder_categories([reference, *levels])
    work.columns[covariate.name] = factor


def _has_many_levels(
    work: Work, covariate: Variable, factor: pd.Series, where: str
) -> bool:
    """Report text of so many levels that it is more likely a number or a name."""
    levels = factor.cat.categories
    if covariate.categorical or len(levels) <= _MOST_LEVELS:
        return False
    shown = ", ".join(f"`{level}`" for level in levels[:3])
    work.problems.append(
        f"{where}: `{covariate.columns[0]}` is text of {len(levels)} levels ({shown}, "
        "...); make it a number if it is one, or write categorical = true."
    )
    return True


def add_subgroup(work: Work, subgroup: Subgroup) -> None:
    """Add the levels or bands that are compared."""
    where = f"[subgroups.{subgroup.key}]"
    values = work.columns.get(subgroup.variable)
    if values is None:
        values = work.source(subgroup.variable, where)
    if values is None:
        return
    if subgroup.cuts:
        if not is_amount(values):
            work.problems.append(f"{where}: `cuts` is for numbers; give `levels`.")
            return
        bounds = [-np.inf, *subgroup.cuts, np.inf]
        work.columns[subgroup.name] = pd.Series(
            pd.cut(
                pd.Series(as_float(values), index=values.index),
                bounds,
                right=subgroup.closed == "right",
                labels=list(subgroup.labels),
            )
        )
    elif is_amount(values) and not subgroup.levels:
        work.problems.append(
            f"{where}: `{subgroup.variable}` holds numbers; give `cuts`, or `levels` "
            "that name its codes."
        )
        return
    elif subgroup.levels or subgroup.name not in work.columns:
        factor = make_factor(work, values, subgroup.levels, where)
        if factor is None:
            return
        work.columns[subgroup.name] = factor
    n_levels = work.columns[subgroup.name].nunique()
    if n_levels < 2:
        work.problems.append(
            f"{where}: only {n_levels} level occurs in the table; nothing to compare."
        )


def _note_codes(work: Work, values: pd.Series, where: str) -> None:
    """Note a number of two values other than 0 and 1, which is likely a code."""
    levels = sorted(values.dropna().unique())
    if len(levels) == 2 and set(levels) != {0, 1}:
        first, second = (code_text(level) for level in levels)
        work.notes.append(
            f"{where}: `{values.name}` holds only {first} and {second} and is used as "
            f'an amount; name them with levels = {{{first} = "...", {second} = "..."}}.'
        )

"""Columns of the table that was read to columns of the cohort that is analysed.

Nothing here refuses the table: every problem is collected, so that a check can list
them all, and a column that has one is left out of the cohort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.study.section import did_you_mean
from fahrstats.study.specification import (
    Analysis,
    EventRule,
    Outcome,
    Study,
    Subgroup,
    Variable,
)
from fahrstats.study.study_file import code_text, counted
from fahrstats.study.tables_in import MISSING_MARKERS

_LEVELS_SHOWN = 6
_MOST_LEVELS = 30
_HOW_TO_CODE = (
    'In a study file: event = {column = "...", event = [...], censored = [...]}.'
)


@dataclass(frozen=True, slots=True, eq=False)
class Preparation:
    """The cohort as the study describes it, and what stood in the way.

    Attributes
    ----------
    data : DataFrame
        All rows of the table. Follow-up is in years; scores and covariates are in
        their own units; factors are categorical with their reference level first.
    in_deviations : DataFrame
        Scores whose hazard ratio is per standard deviation within the levels of a
        factor, divided by that deviation.
    deviations : dict
        Standard deviations behind ``per = "sd"``, by score or covariate: one number,
        or one for each level.
    problems : list of str
        Why the study cannot be analysed.
    notes : list of str
        What a reader should know though nothing is wrong.
    """

    data: pd.DataFrame
    in_deviations: pd.DataFrame
    deviations: dict[str, dict[str, float]]
    problems: list[str]
    notes: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """The table, and what has been made of it so far."""

    table: pd.DataFrame
    columns: dict[str, pd.Series] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def source(self, name: str, where: str) -> pd.Series | None:
        """Return a column of the table, or report that it has none."""
        if (self.table.columns == name).sum() == 1:
            return self.table[name]
        if name in self.table.columns:
            self.problems.append(f"{where}: the table has several columns `{name}`.")
        else:
            guess = did_you_mean(name, self.table.columns)
            self.problems.append(f"{where}: the table has no column `{name}`.{guess}")
        return None

    def report(
        self,
        where: str,
        problems: Iterator[str],
        hint: str = "",
        into: list[str] | None = None,
    ) -> bool:
        """Add problems, saying where they are; tell whether there were any."""
        found = [
            f"{where}: {problem}{' ' + hint if hint else ''}" for problem in problems
        ]
        (self.problems if into is None else into).extend(found)
        return bool(found)


def prepare(study: Study, table: pd.DataFrame) -> Preparation:
    """Make the columns of a study from the columns of a table.

    Parameters
    ----------
    study
        Which column means what.
    table
        One row per subject, as it was read; it is not modified.
    """
    work = _Work(table)
    for outcome in study.outcomes:
        _add_outcome(work, outcome)
    for score in study.scores:
        _add_number(work, score, f"[scores.{score.name}]")
    for covariate in study.covariates:
        _add_covariate(work, covariate)
    made = {variable.name for variable in study.variables}
    for subgroup in study.subgroups:
        if subgroup.variable in work.columns or subgroup.variable not in made:
            _add_subgroup(work, subgroup)
    _add_roles(work, study.analysis)
    _leave_out_long_factors(work, study)
    deviations, scaled = _deviations(work, study)
    return Preparation(
        data=pd.DataFrame(work.columns, index=table.index),
        in_deviations=pd.DataFrame(scaled, index=table.index),
        deviations=deviations,
        problems=work.problems,
        notes=work.notes,
    )


def _add_outcome(work: _Work, outcome: Outcome) -> None:
    """Add follow-up in years and the event as 0/1."""
    where = f"[outcome.also.{outcome.name}]" if outcome.name else "[outcome]"
    time, event, entry = outcome.columns
    years = _years(work, outcome, outcome.time, "time", where)
    if years is not None:
        work.columns[time] = _count_zero(work, outcome, years)
    happened = _event(work, outcome, where)
    if happened is not None:
        work.columns[event] = happened
    if outcome.entry is not None:
        start = _years(work, outcome, outcome.entry, "entry", where)
        if start is not None:
            work.columns[entry] = start


def _years(
    work: _Work, outcome: Outcome, column: str, role: str, where: str
) -> pd.Series | None:
    """Return a follow-up column in years."""
    values = work.source(column, where)
    if values is None:
        return None
    if values.notna().any() and not is_amount(values):
        work.problems.append(
            f"{where}: `{column}` must hold numbers, but it holds {_examples(values)}; "
            "give the time from the start of follow-up in days, months or years."
        )
        return None
    if work.report(where, column_problems(work.table, column, role)):
        return None
    return pd.Series(as_float(values) / outcome.units_per_year, index=values.index)


def _count_zero(work: _Work, outcome: Outcome, years: pd.Series) -> pd.Series:
    """Give a time of 0 the length that the study says it stands for."""
    is_zero = years == 0
    if outcome.zero is None or outcome.entry is not None or not is_zero.any():
        return years
    work.notes.append(
        f"`{outcome.time}` is 0 in {int(is_zero.sum())} of {len(years)} rows, counted "
        f"as {outcome.zero:g} {outcome.unit}."
    )
    return years.mask(is_zero, outcome.zero / outcome.units_per_year)


def _event(work: _Work, outcome: Outcome, where: str) -> pd.Series | None:
    """Return 1 where any rule says so, 0 where all deny it, missing otherwise."""
    parts = [_event_by_rule(work, rule, where) for rule in outcome.event]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    happened = known[0]
    for part in known[1:]:
        happened = happened | part
    return happened.astype("Float64").astype(np.float64)


def _event_by_rule(work: _Work, rule: EventRule, where: str) -> pd.Series | None:
    """Return whether one column says that the event happened, as nullable boolean."""
    values = work.source(rule.column, where)
    if values is None:
        return None
    if rule.kind == "present":
        if work.report(where, _markers(values)):
            return None
        is_blank = values.map(lambda v: isinstance(v, str) and not v.strip())
        return (values.notna() & ~is_blank.astype(bool)).astype("boolean")
    if rule.kind == "indicator":
        problems = column_problems(work.table, rule.column, "event")
        if work.report(where, problems, _HOW_TO_CODE):
            return None
        numbers = pd.Series(as_float(values), index=values.index)
        return numbers.astype("Float64").astype("boolean")
    codes = _codes(values)
    listed = {*rule.events, *rule.censored}
    if work.report(where, _unlisted(codes, listed, rule.column, "event or censored")):
        return None
    happened = codes.isin(rule.events).astype("boolean")
    return happened.mask(codes.isna(), pd.NA)


def _add_number(work: _Work, variable: Variable, where: str) -> None:
    """Add a score, or a covariate that is an amount: a column or a sum of columns."""
    parts = [work.source(column, where) for column in variable.columns]
    found = [part for part in parts if part is not None]
    for part in found:
        if not is_amount(part):
            work.problems.append(
                f"{where}: `{part.name}` must hold numbers, but it holds "
                f"{_examples(part)}."
            )
    if len(found) < len(parts) or not all(is_amount(part) for part in found):
        return
    total = sum(as_float(part) for part in found)
    work.columns[variable.name] = pd.Series(total, index=work.table.index)


def _add_covariate(work: _Work, covariate: Variable) -> None:
    """Add a covariate: an amount, or a factor with its reference level first."""
    where = f"[covariates.{covariate.name}]"
    values = work.source(covariate.columns[0], where)
    if values is None:
        return
    if not covariate.categorical and is_amount(values):
        _add_number(work, covariate, where)
        _note_codes(work, values, where)
        return
    factor = _factor(work, values, covariate.levels, where)
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
    work: _Work, covariate: Variable, factor: pd.Series, where: str
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


def _add_subgroup(work: _Work, subgroup: Subgroup) -> None:
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
        factor = _factor(work, values, subgroup.levels, where)
        if factor is None:
            return
        work.columns[subgroup.name] = factor
    n_levels = work.columns[subgroup.name].nunique()
    if n_levels < 2:
        work.problems.append(
            f"{where}: only {n_levels} level occurs in the table; nothing to compare."
        )


def _leave_out_long_factors(work: _Work, study: Study) -> None:
    """Report factors of more levels than there are events, and leave them out."""
    event = work.columns.get(study.main.columns[1])
    n_events = 0 if event is None else int((event == 1).sum())
    for covariate in study.covariates:
        values = work.columns.get(covariate.name)
        if values is None or not isinstance(values.dtype, pd.CategoricalDtype):
            continue
        n_levels = values.nunique()
        if n_levels - 1 > n_events > 0:
            work.problems.append(
                f"[covariates.{covariate.name}]: {n_levels} levels need {n_levels - 1} "
                f"coefficients, more than the {n_events} events; merge levels, or "
                "leave it out."
            )
            del work.columns[covariate.name]


def _add_roles(work: _Work, analysis: Analysis) -> None:
    """Add the columns of strata, weights, clusters and subjects under their names."""
    for role in ("strata", "weights", "cluster", "id"):
        name = getattr(analysis, role)
        if name is None or name in work.columns:
            continue
        values = work.source(name, f"[analysis] {role}")
        if values is not None:
            work.columns[name] = values


def _deviations(
    work: _Work, study: Study
) -> tuple[dict[str, dict[str, float]], dict[str, pd.Series]]:
    """Return standard deviations over all rows with a value, and scores divided so."""
    deviations: dict[str, dict[str, float]] = {}
    scaled = {}
    for variable in study.variables:
        values = work.columns.get(variable.name)
        if variable.per != "sd" or values is None:
            continue
        where = f"`{variable.name}`"
        if not is_amount(values):
            work.problems.append(
                f"{where} holds levels, which have no standard deviation; take out "
                "`per`."
            )
            continue
        n_infinite = int(np.isinf(values).sum())
        if n_infinite:
            work.problems.append(
                f"{where} is infinite in {n_infinite} of {len(values)} rows; give "
                "finite values, or leave them empty to drop the rows."
            )
            continue
        groups = _groups_of_deviation(work, variable, where)
        if groups is None:
            continue
        spread = values.groupby(groups, observed=True).std()
        flat = [str(level) for level in spread.index[~(spread > 0)]]
        if flat:
            inside = "" if variable.within is None else f" in `{flat[0]}`"
            work.problems.append(
                f"{where} has no standard deviation{inside}: its values do not differ."
            )
            continue
        deviations[variable.name] = {str(k): float(v) for k, v in spread.items()}
        if variable.within is not None:
            own = groups.astype(object).map(spread.to_dict())
            scaled[variable.name] = values / own.astype(np.float64)
    return deviations, scaled


def _groups_of_deviation(
    work: _Work, variable: Variable, where: str
) -> pd.Series | None:
    """Return the factor in whose levels the deviation is taken, one for everyone."""
    if variable.within is None:
        return pd.Series("overall", index=work.table.index)
    if variable.within in work.columns:
        return work.columns[variable.within]
    return work.source(variable.within, where)


def _factor(
    work: _Work, values: pd.Series, levels: tuple[tuple[str, str], ...], where: str
) -> pd.Series | None:
    """Return a categorical column of text; ``levels`` gives codes their names."""
    codes = _codes(values)
    if levels:
        names = dict(levels)
        if work.report(where, _unlisted(codes, set(names), str(values.name), "levels")):
            return None
        texts = list(dict.fromkeys(names.values()))
        return codes.map(names).astype(pd.CategoricalDtype(texts))
    work.report(where, _markers(values), into=work.notes)
    if isinstance(values.dtype, pd.CategoricalDtype):
        order = [code_text(level) for level in values.cat.categories]
    else:
        order = [code_text(level) for level in sorted(values.dropna().unique())]
    return codes.astype(pd.CategoricalDtype(order))


def _codes(values: pd.Series) -> pd.Series:
    """Return the values as text, so that 1, 1.0 and "1" are the same code."""
    return values.astype(object).map(code_text, na_action="ignore")


def _examples(values: pd.Series) -> str:
    """Show up to three values of a column."""
    return ", ".join(f"`{value}`" for value in values.dropna().unique()[:3])


def _markers(values: pd.Series) -> Iterator[str]:
    """Yield the levels of a column of text that may stand for a missing value."""
    texts = values.dropna().astype(str).str.strip()
    for marker, n in texts[texts.isin(MISSING_MARKERS)].value_counts().items():
        yield (
            f"`{values.name}` holds the text `{marker}` in {n} of {len(values)} rows, "
            "which counts as a level; leave such cells empty if it means a missing "
            "value."
        )


def _unlisted(
    codes: pd.Series, listed: set[str], column: str, where: str
) -> Iterator[str]:
    """Yield the codes of a column that the study file does not mention."""
    unknown = codes[codes.notna() & ~codes.isin(listed)]
    if len(unknown):
        counts = unknown.value_counts().head(_LEVELS_SHOWN)
        shown = ", ".join(
            f"`{code}` ({counted(n, 'row')})" for code, n in counts.items()
        )
        yield (
            f"`{column}` holds {shown} in {len(unknown)} of {len(codes)} rows, not "
            f"listed in {where}; list every level, or leave such cells empty."
        )


def _note_codes(work: _Work, values: pd.Series, where: str) -> None:
    """Note a number of two values other than 0 and 1, which is likely a code."""
    levels = sorted(values.dropna().unique())
    if len(levels) == 2 and set(levels) != {0, 1}:
        first, second = (code_text(level) for level in levels)
        work.notes.append(
            f"{where}: `{values.name}` holds only {first} and {second} and is used as "
            f'an amount; name them with levels = {{{first} = "...", {second} = "..."}}.'
        )


def is_amount(values: pd.Series) -> bool:
    """Tell whether a column holds amounts; booleans are levels."""
    plain = values.infer_objects()
    return pd.api.types.is_numeric_dtype(plain) and not pd.api.types.is_bool_dtype(
        plain
    )

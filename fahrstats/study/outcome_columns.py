"""Follow-up in years and the event as 0/1, from the columns of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.study.outcomes import EventRule, Outcome
from fahrstats.study.work import (
    Work,
    codes_of,
    examples,
    is_amount,
    marker_problems,
    unlisted_codes,
)

_HOW_TO_CODE = (
    'In a study file: event = {column = "...", event = [...], censored = [...]}.'
)


def add_outcome(work: Work, outcome: Outcome) -> None:
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
    work: Work, outcome: Outcome, column: str, role: str, where: str
) -> pd.Series | None:
    """Return a follow-up column in years."""
    values = work.source(column, where)
    if values is None:
        return None
    if values.notna().any() and not is_amount(values):
        work.problems.append(
            f"{where}: `{column}` must hold numbers, but it holds {examples(values)}; "
            "give the time from the start of follow-up in days, months or years."
        )
        return None
    if work.report(where, column_problems(work.table, column, role)):
        return None
    return pd.Series(as_float(values) / outcome.units_per_year, index=values.index)


def _count_zero(work: Work, outcome: Outcome, years: pd.Series) -> pd.Series:
    """Give a time of 0 the length that the study says it stands for."""
    is_zero = years == 0
    if outcome.zero is None or outcome.entry is not None or not is_zero.any():
        return years
    work.notes.append(
        f"`{outcome.time}` is 0 in {int(is_zero.sum())} of {len(years)} rows, counted "
        f"as {outcome.zero:g} {outcome.unit}."
    )
    return years.mask(is_zero, outcome.zero / outcome.units_per_year)


def _event(work: Work, outcome: Outcome, where: str) -> pd.Series | None:
    """Return 1 where any rule says so, 0 where all deny it, missing otherwise."""
    parts = [_event_by_rule(work, rule, where) for rule in outcome.event]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    happened = known[0]
    for part in known[1:]:
        happened = happened | part
    return happened.astype("Float64").astype(np.float64)


def _event_by_rule(work: Work, rule: EventRule, where: str) -> pd.Series | None:
    """Return whether one column says that the event happened, as nullable boolean."""
    values = work.source(rule.column, where)
    if values is None:
        return None
    if rule.kind == "present":
        if work.report(where, marker_problems(values)):
            return None
        is_blank = values.map(lambda v: isinstance(v, str) and not v.strip())
        return (values.notna() & ~is_blank.astype(bool)).astype("boolean")
    if rule.kind == "indicator":
        problems = column_problems(work.table, rule.column, "event")
        if work.report(where, problems, _HOW_TO_CODE):
            return None
        numbers = pd.Series(as_float(values), index=values.index)
        return numbers.astype("Float64").astype("boolean")
    codes = codes_of(values)
    listed = {*rule.events, *rule.censored}
    if work.report(
        where, unlisted_codes(codes, listed, rule.column, "event or censored")
    ):
        return None
    happened = codes.isin(rule.events).astype("boolean")
    return happened.mask(codes.isna(), pd.NA)

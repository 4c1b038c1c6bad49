"""The section of a study file about an audit: horizon, crossings, floors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from fahrstats.section import Section, did_you_mean
from fahrstats.survival.subgroup_audits.audited_columns import OVERALL
from fahrstats.survival.subgroup_audits.audited_measures import MODEL
from fahrstats.survival.subgroup_audits.floors import (
    FLOOR_EVENTS,
    FLOOR_PEOPLE,
    MOST_RANKED,
)

if TYPE_CHECKING:
    from fahrstats.study.specification import Study

AUDIT = "audit"
"""The kind of a study that asks whether scores work alike in every group."""

_UNUSED = ("competing", "ages", "published")
_UNUSED_CHOICES = (
    *("quantile_groups", "reference", "n_boot", "imputations", "early"),
    *("risk_categories", "cohorts"),
)


@dataclass(frozen=True, slots=True)
class AuditChoices:
    """What an audit is asked for beyond its groups.

    Attributes
    ----------
    horizon : float or None
        Years at which predicted risks are compared with what happened; None for the
        last horizon of the study.
    crossings : tuple of tuple of str
        Subgroups, by their names in the study file, whose levels are crossed.
    floor_events, floor_people : int
        A group with fewer is counted in bands and not estimated.
    """

    horizon: float | None = None
    crossings: tuple[tuple[str, ...], ...] = ()
    floor_events: int = FLOOR_EVENTS
    floor_people: int = FLOOR_PEOPLE


def read_audit(top: Section) -> AuditChoices:
    """Read what the audit is asked for."""
    section = top.section(AUDIT)
    choices = AuditChoices(
        horizon=section.number("horizon"),
        crossings=_crossings(section),
        floor_events=section.whole("floor_events", FLOOR_EVENTS, at_least=1),
        floor_people=section.whole("floor_people", FLOOR_PEOPLE, at_least=1),
    )
    section.finish()
    return choices


def _crossings(section: Section) -> tuple[tuple[str, ...], ...]:
    """Read lists of at least two subgroups each."""
    items = section.items("crossings")
    wrong = [item for item in items if not _is_crossing(item)]
    if wrong:
        section.problem(
            "`crossings` must be lists of two or more names of [subgroups], such as "
            f'[["sex", "race"]], but it holds {wrong[0]!r}.'
        )
        return ()
    if len({frozenset(item) for item in items}) < len(items):
        section.problem("`crossings` crosses the same names twice; once is enough.")
    return tuple(tuple(item) for item in items)


def _is_crossing(item: Any) -> bool:
    """Tell whether something is a list of two or more different texts."""
    if not isinstance(item, list) or not all(isinstance(key, str) for key in item):
        return False
    return len(set(item)) == len(item) > 1


def audit_problems(study: Study, top: Section) -> Iterator[str]:
    """Yield what keeps a study file from being an audit, or from not being one."""
    if study.kind != AUDIT:
        if top.is_given(AUDIT):
            yield f'[audit] is for studies of kind = "{AUDIT}"; add that line above.'
        return
    if study.main.entry is not None:
        yield "[outcome]: an audit does not heed `entry`; take it out."
    if study.analysis.weights is not None:
        yield "[analysis]: an audit does not heed `weights`; take it out."
    yield from _taken_names(study)
    keys = [subgroup.key for subgroup in study.subgroups]
    if not keys:
        yield "[subgroups] is missing; an audit needs the groups that it compares."
    for key in dict.fromkeys(key for keys in study.audit.crossings for key in keys):
        if key not in keys:
            known = ", ".join(f"`{one}`" for one in keys) or "none"
            yield (
                f"[audit]: `crossings` names `{key}`; [subgroups] holds {known}."
                f"{did_you_mean(key, keys)}"
            )


def is_audited(study: Study) -> bool:
    """Tell whether groups are audited: where asked for, or nothing is in the way.

    A study of another question is audited along with it, without crossings.
    """
    if study.kind == AUDIT:
        return True
    is_plain = study.main.entry is None and study.analysis.weights is None
    return bool(study.subgroups) and is_plain and not any(_taken_names(study))


def _taken_names(study: Study) -> Iterator[str]:
    """Yield names that stand for something else in the tables of an audit."""
    if any(subgroup.name == OVERALL for subgroup in study.subgroups):
        yield (
            f"[subgroups.{OVERALL}]: `{OVERALL}` stands for everyone in tables; use "
            "another name."
        )
    if any(score.name == MODEL for score in study.scores):
        yield (
            f"[scores.{MODEL}]: `{MODEL}` stands for the predictions of the model in "
            "tables; use another name."
        )


def crossed_columns(study: Study) -> tuple[tuple[str, ...], ...]:
    """Return the crossings by the columns of the prepared cohort."""
    columns = {subgroup.key: subgroup.name for subgroup in study.subgroups}
    return tuple(tuple(columns[key] for key in keys) for keys in study.audit.crossings)


def audit_data_problems(study: Study, data: pd.DataFrame) -> Iterator[str]:
    """Yield why the analysed rows cannot be audited as asked for."""
    if study.kind != AUDIT:
        return
    single = [(subgroup.name,) for subgroup in study.subgroups]
    for columns in (*single, *crossed_columns(study)):
        n_levels = len(data[list(columns)].drop_duplicates())
        if n_levels > MOST_RANKED:
            yield (
                f"[subgroups]: {' by '.join(f'`{name}`' for name in columns)} has "
                f"{n_levels} levels, each of which is ranked against all others; join "
                f"levels until there are {MOST_RANKED} or fewer."
            )
    horizon, last = study.audit.horizon, data[study.main.columns[0]].max()
    if horizon is not None and horizon >= last:
        yield (
            f"[audit]: `horizon` is {horizon:g} years, but the longest follow-up is "
            f"{last:.4g} years; predictions are judged where some are followed beyond."
        )


def has_repeats(study: Study, data: pd.DataFrame) -> bool:
    """Whether some person has several of the rows."""
    person = study.analysis.id
    return person is not None and bool(data[person].duplicated().any())


def audit_notes(study: Study, data: pd.DataFrame) -> Iterator[str]:
    """Yield what an audit makes nothing of, and whether its rows are people."""
    if study.kind != AUDIT:
        return
    if has_repeats(study, data):
        person = study.analysis.id
        yield (
            f"`{person}` repeats: {len(data)} rows are of {data[person].nunique()} "
            "people. An audit counts rows; `floor_people` is of people."
        )
    for name in _UNUSED:
        if getattr(study, name) is not None:
            yield f"[{name}] is not part of an audit; nothing is made of it."
    for outcome in study.outcomes[1:]:
        yield (
            f"[outcome.also.{outcome.name}] is not part of an audit, which is of "
            f"`{study.main.label}`; nothing is made of it."
        )
    given, by_default = study.analysis, type(study.analysis)()
    for name in _UNUSED_CHOICES:
        if getattr(given, name) != getattr(by_default, name):
            yield f"[analysis]: an audit makes nothing of `{name}`."

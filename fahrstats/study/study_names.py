"""Names in a study file that two things share, or that are taken."""

from __future__ import annotations

from collections.abc import Iterator

from fahrstats.section import Section
from fahrstats.study.specification import (
    CAUSE_COLUMN,
    COHORT_COLUMN,
    GROUP_ENDING,
    Study,
    Variable,
)

TRANSFORM_NAMES = frozenset(
    {
        "C",
        "Diff",
        "Helmert",
        "I",
        "Poly",
        "Q",
        "Sum",
        "Treatment",
        "bs",
        "cc",
        "center",
        "contr",
        "cr",
        "cs",
        "exp",
        "exp10",
        "exp2",
        "hashed",
        "lag",
        "log",
        "log10",
        "log2",
        "np",
        "poly",
        "rcs",
        "scale",
        "standardize",
    }
)
"""Functions of formulas; a variable of that name would hide its function."""


def check_names(study: Study, top: Section) -> None:
    """Report names that two things share, and groups that are not described."""
    names = [variable.name for variable in study.variables]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            top.problem(f"`{name}` is a score and a covariate; it can be one of them.")
    for score in study.printed:
        if score.name in names:
            top.problem(
                f"[published.scores.{score.name}]: `{score.name}` is a score or "
                "covariate already; take it out here."
            )
    if study.scores and study.scores[0].may_be_missing:
        top.problem(
            f"[scores.{study.scores[0].name}]: `may_be_missing` is not for the first "
            "score, whose groups describe everyone; put another score first."
        )
    for score in study.scores:
        if score.within is not None and score.within in {s.name for s in study.scores}:
            top.problem(f"[scores.{score.name}]: `within` must name a factor.")
    top.problems.extend(_reserved_names(study))
    top.problems.extend(_replaced_variables(study))
    top.problems.extend(_outcome_columns(study))
    strata = study.analysis.strata
    for where, variable in _sections(study):
        if strata is not None and strata in (variable.name, *variable.columns):
            top.problem(
                f"[analysis]: `strata` is `{strata}`, which {where} uses too; it has "
                "no hazard ratio within its own strata: take it out of one of them."
            )


def _sections(study: Study) -> Iterator[tuple[str, Variable]]:
    """Yield each score and covariate with its section."""
    for score in study.scores:
        yield f"[scores.{score.name}]", score
    for covariate in study.covariates:
        yield f"[covariates.{covariate.name}]", covariate
    for score in study.printed:
        yield f"[published.scores.{score.name}]", score


def _reserved_names(study: Study) -> Iterator[str]:
    """Yield names that an analysis needs for columns of its own."""
    reserved = dict.fromkeys(
        (column for outcome in study.outcomes for column in outcome.columns),
        "the outcome",
    )
    reserved |= {
        f"{score.name}{GROUP_ENDING}": f"the groups of `{score.name}`"
        for score in study.scores
    }
    if study.competing is not None:
        reserved[CAUSE_COLUMN] = "[competing]"
    if study.ages is not None:
        gaps = ("gap", "residual_gap", "sd_gap", "gap_group")
        reserved |= dict.fromkeys(gaps, "[ages]")
    if study.analysis.cohorts is not None:
        reserved[COHORT_COLUMN] = "`cohorts`"
    bands = {
        subgroup.name: f"the bands of `{subgroup.key}`"
        for subgroup in study.subgroups
        if subgroup.name != subgroup.key
    }
    taken = reserved | bands | dict.fromkeys(TRANSFORM_NAMES, "formulas")
    for where, variable in _sections(study):
        if variable.name in taken:
            yield _renaming(where, variable.name, taken[variable.name])
    for subgroup in study.subgroups:
        if subgroup.key in taken and not _is_variable(study, subgroup.key):
            where = f"[subgroups.{subgroup.key}]"
            yield _renaming(where, subgroup.key, taken[subgroup.key])
    for role in ("strata", "weights", "cluster", "id"):
        name = getattr(study.analysis, role)
        if name in reserved or name in bands:
            yield (
                f"[analysis]: `{role}` is `{name}`, which is taken by {taken[name]}; "
                "rename that column of the table."
            )


def _renaming(where: str, name: str, owner: str) -> str:
    """Say who owns a name, and how to keep the column all the same."""
    return (
        f"{where}: `{name}` is taken by {owner}; use another name and write "
        f'`column = "{name}"` in its section.'
    )


def _replaced_variables(study: Study) -> Iterator[str]:
    """Yield subgroups that stand under the name of something else."""
    for subgroup in study.subgroups:
        where, key = f"[subgroups.{subgroup.key}]", subgroup.key
        if not _is_variable(study, key):
            continue
        if subgroup.variable != key:
            yield (
                f"{where}: `{key}` is a score or covariate already, and `column` is "
                f"`{subgroup.variable}`; use another name for this subgroup."
            )
        elif subgroup.levels:
            yield (
                f"{where}: `{key}` is a score or covariate already; write its "
                f"`levels` in [covariates.{key}] and `{key} = true` here, or use "
                f'another name with `column = "{key}"`.'
            )


def _outcome_columns(study: Study) -> Iterator[str]:
    """Yield uses of the outcome's own columns to explain the outcome."""
    columns = {
        column
        for outcome in study.outcomes
        for column in (
            outcome.time,
            outcome.entry,
            *(rule.column for rule in outcome.event),
        )
        if column
    }
    used = [(where, column) for where, v in _sections(study) for column in v.columns]
    used += [
        (f"[subgroups.{subgroup.key}]", subgroup.variable)
        for subgroup in study.subgroups
        if not _is_variable(study, subgroup.variable)
    ]
    for where, column in used:
        if column in columns:
            yield (
                f"{where}: `{column}` is a column of the outcome, which it cannot "
                "explain; take it out."
            )


def _is_variable(study: Study, name: str) -> bool:
    """Tell whether a score or a covariate has this name."""
    return name in {variable.name for variable in study.variables}

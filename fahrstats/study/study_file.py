"""A study file in TOML to a :class:`~fahrstats.study.specification.Study`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

from fahrstats.errors import DataError
from fahrstats.study.examples import example_file, example_names
from fahrstats.study.section import Section, did_you_mean
from fahrstats.study.specification import (
    DAYS_PER_YEAR,
    GROUP_ENDING,
    TRANSFORM_NAMES,
    Analysis,
    Closed,
    EventRule,
    Outcome,
    Study,
    Subgroup,
    TableFile,
    TimeUnit,
    Variable,
)

_UNITS = ("days", "months", "years")


def find_study(name: str) -> Path:
    """Return the study file at a path, or of a shipped study by its name.

    Raises
    ------
    DataError
        There is neither such a file nor such a shipped study.
    """
    path = Path(name)
    if path.is_dir():
        path = path / "study.toml"
    if path.is_file():
        return path
    shipped = example_file(name)
    if shipped is not None:
        return shipped
    raise DataError(
        f"There is no study file `{name}`, and the shipped studies are "
        f"{', '.join(f'`{known}`' for known in example_names())}."
        f"{did_you_mean(name, example_names())}"
    )


def study_name(path: Path) -> str:
    """Return the name of a study: its file's, or its folder's if that says more."""
    return path.parent.resolve().name if path.name == "study.toml" else path.stem


def parse_study(path: Path) -> tuple[Study | None, list[str]]:
    """Read a study file; return what it says, or None, and all its problems."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except UnicodeDecodeError:
        return None, ["The file is not UTF-8 text; save it as UTF-8."]
    except tomllib.TOMLDecodeError as error:
        return None, [f"The file is not TOML: {error}."]
    problems: list[str] = []
    top = Section("", values, problems)
    name = study_name(path)
    scores = [_variable(section) for section in top.sections("scores", required=True)]
    covariates = [_covariate(section) for section in top.sections("covariates")]
    study = Study(
        name=name,
        path=path,
        text=text,
        title=top.text("title", name),
        table=_table(top),
        outcomes=_outcomes(top.section("outcome", required=True)),
        scores=tuple(scores),
        covariates=tuple(covariates),
        subgroups=_subgroups(top.section("subgroups"), [*scores, *covariates]),
        analysis=_analysis(top.section("analysis")),
        published=top.optional_text("published"),
    )
    if top.is_given("scores") and not scores:
        top.problem("[scores] names no score; add a section such as [scores.faceage].")
    top.finish()
    _check_names(study, top)
    return (None if problems else study), problems


def first_of(problems: list[str], name: str) -> str:
    """Return the first problem as one line, saying how many there are."""
    if len(problems) == 1:
        return f"{name}: {problems[0]}"
    return (
        f"{name}: {problems[0]} ({len(problems)} problems; `fahrstats check` lists "
        "them all.)"
    )


def _table(top: Section) -> TableFile:
    """Read ``table = "cohort.csv"`` or the section ``[table]``."""
    if isinstance(top.values.get("table"), str):
        return TableFile(file=top.text("table"))
    if top.is_given("table") and not isinstance(top.values["table"], dict):
        top.asked.add("table")
        top.problem("`table` must be text in quotes, or a section [table].")
        return TableFile(file="")
    section = top.section("table", required=True)
    table = TableFile(
        file=section.text("file", required=top.is_given("table")),
        scores=section.optional_text("scores"),
        id=section.optional_text("id"),
        allow_unmatched=section.flag("allow_unmatched"),
        source=section.text("source"),
    )
    if table.scores is not None and table.id is None:
        section.problem("`scores` needs `id`, the column that both tables hold.")
    section.finish()
    return table


def _outcomes(section: Section) -> tuple[Outcome, ...]:
    """Read the main outcome, and further ones that differ from it in some keys."""
    also = section.section("also")
    main = _outcome(section, "", {})
    inherited = {
        key: value
        for key, value in section.values.items()
        if key in ("time", "unit", "entry", "zero", "days_per_year")
    }
    return (
        main,
        *(_outcome(also.section(n), also.named(n), inherited) for n in also.values),
    )


def _outcome(section: Section, name: str, inherited: dict[str, Any]) -> Outcome:
    """Read one outcome."""
    given = Section(section.where, {**inherited, **section.values}, section.problems)
    given.asked.add("also")
    is_needed = bool(section.values) or bool(name)
    zero = given.number("zero")
    outcome = Outcome(
        name=name,
        label=given.text("label", name.replace("_", " ") or "Event"),
        time=given.text("time", required=is_needed),
        unit=cast(TimeUnit, _unit(given, is_needed)),
        event=_event_rules(given, is_needed),
        entry=given.optional_text("entry"),
        zero=zero,
        days_per_year=given.number("days_per_year") or DAYS_PER_YEAR,
    )
    given.finish()
    return outcome


def _unit(section: Section, is_needed: bool) -> str:
    """Read the unit of time, which has no default."""
    if is_needed and not section.is_given("unit"):
        section.asked.add("unit")
        section.problem("`unit` is missing; write days, months or years.")
        return "years"
    return section.choice("unit", _UNITS, "years")


def _event_rules(section: Section, is_needed: bool) -> tuple[EventRule, ...]:
    """Read how the event is coded: one rule, or several any of which is an event."""
    rules = section.items("event")
    if is_needed and not rules:
        section.problem(
            '`event` is missing; name a column of 0/1, or write {column = "status", '
            'event = ["dead"], censored = ["alive"]}.'
        )
    return tuple(_event_rule(section, rule) for rule in rules)


def _event_rule(section: Section, rule: object) -> EventRule:
    """Read one rule: a column of 0/1, or a table that says what marks an event."""
    if isinstance(rule, str):
        if not rule.strip():
            section.problem("`event` is empty; name the column.")
        return EventRule(rule)
    if not isinstance(rule, dict):
        section.problem(f"`event` must name a column, but it is {rule!r}.")
        return EventRule("")
    inner = Section(f"{section.where[:-1]}.event]", rule, section.problems)
    column = inner.text("column", required=True)
    is_present = inner.flag("present")
    events = tuple(code_text(level) for level in inner.items("event"))
    censored = tuple(code_text(level) for level in inner.items("censored"))
    inner.finish()
    if is_present:
        if events or censored:
            inner.problem("`present` stands alone; take out `event` and `censored`.")
        return EventRule(column, "present")
    if not events and not censored:
        return EventRule(column)
    if not events or not censored or set(events) & set(censored):
        inner.problem(
            "`event` and `censored` must both list levels, and none in both lists."
        )
    return EventRule(column, "levels", events, censored)


def _variable(section: Section) -> Variable:
    """Read a score."""
    name = section.named(_last(section))
    total = section.texts("sum")
    column = section.text("column", name)
    if total and section.is_given("column"):
        section.problem("`column` and `sum` exclude each other.")
    variable = Variable(
        name=name,
        columns=total or (column,),
        label=section.text("label", name.replace("_", " ")),
        unit=section.text("unit"),
        per=_per(section),
        within=section.optional_text("within"),
        cut_points=section.ascending("cut_points", above_zero=False),
        cut_origin=section.text("cut_origin"),
    )
    if variable.cut_points and not variable.cut_origin:
        section.problem("`cut_points` needs `cut_origin`, where they come from.")
    if variable.within is not None and variable.per != "sd":
        section.problem('`within` needs `per = "sd"`.')
    section.finish()
    return variable


def _covariate(section: Section) -> Variable:
    """Read a covariate."""
    name = section.named(_last(section))
    levels = section.levels("levels")
    reference = section.optional_text("reference")
    is_categorical = section.flag("categorical") or bool(levels or reference)
    if is_categorical and section.is_given("per"):
        section.problem("`per` is for numbers; a factor has a row per level.")
    covariate = Variable(
        name=name,
        columns=(section.text("column", name),),
        label=section.text("label", name.replace("_", " ")),
        unit=section.text("unit"),
        per=_per(section),
        levels=levels,
        categorical=is_categorical,
        reference=reference,
    )
    section.finish()
    return covariate


def _per(section: Section) -> float | Literal["sd"]:
    """Read the step of a hazard ratio: a number of units, or "sd"."""
    if section.values.get("per") == "sd":
        section.asked.add("per")
        return "sd"
    if isinstance(section.values.get("per"), str):
        section.asked.add("per")
        section.problem('`per` must be a number of units or "sd".')
        return 1.0
    return section.number("per") or 1.0


def _subgroups(section: Section, variables: list[Variable]) -> tuple[Subgroup, ...]:
    """Read the subgroups: ``sex = true``, or a section with bounds or levels."""
    known = {variable.name: variable for variable in variables}
    subgroups = []
    for key, value in section.values.items():
        if value is not True and not isinstance(value, dict):
            section.problem(
                f"`{key}` must be `true` or a section such as {{ cuts = [65] }}."
            )
        elif value is True:
            label = known[key].label if key in known else key.replace("_", " ")
            subgroups.append(Subgroup(section.named(key), key, key, label))
        else:
            inner = section.section(key)
            subgroups.append(_subgroup(inner, section.named(key), known))
    return tuple(subgroups)


def _subgroup(section: Section, key: str, known: dict[str, Variable]) -> Subgroup:
    """Read one subgroup that is described by a section."""
    variable = section.text("column", key)
    cuts = section.ascending("cuts", above_zero=False)
    labels = section.texts("labels")
    closed = cast(Closed, section.choice("closed", ("right", "left"), "right"))
    levels = section.levels("levels")
    label = known[variable].label if variable in known else key.replace("_", " ")
    label = section.text("label", label)
    section.finish()
    if cuts and levels:
        section.problem("`cuts` is for numbers and `levels` for codes; give one.")
    if labels and len(labels) != len(cuts) + 1:
        section.problem(
            f"`labels` names {counted(len(labels), 'band')}, but "
            f"{counted(len(cuts), 'cut')} {'makes' if len(cuts) == 1 else 'make'} "
            f"{len(cuts) + 1}."
        )
    labels = labels or _band_labels(cuts, closed)
    for text in dict.fromkeys(labels):
        if labels.count(text) > 1:
            section.problem(
                f"`{text}` names {labels.count(text)} bands; give every band a name "
                "of its own in `labels`."
            )
    return Subgroup(
        name=f"{key}_band" if cuts and key in known else key,
        key=key,
        variable=variable,
        label=label,
        cuts=cuts,
        labels=labels,
        closed=closed,
        levels=levels,
    )


def _band_labels(cuts: tuple[float, ...], closed: Closed) -> tuple[str, ...]:
    """Name the bands between bounds, saying on which side a bound lies."""
    if not cuts:
        return ()
    if closed == "right":
        first, between, last = "{:g} or less", "over {:g} to {:g}", "over {:g}"
    else:
        first, between, last = "under {:g}", "{:g} to under {:g}", "{:g} or more"
    inner = [between.format(*pair) for pair in pairwise(cuts)]
    return (first.format(cuts[0]), *inner, last.format(cuts[-1]))


def _analysis(section: Section) -> Analysis:
    """Read the choices that no column makes."""
    n_groups = section.whole("quantile_groups", 4, at_least=2)
    groups = tuple(f"Q{number}" for number in range(1, n_groups + 1))
    analysis = Analysis(
        horizons=section.ascending("horizons"),
        quantile_groups=n_groups,
        reference=section.choice("reference", groups, "Q1"),
        seed=section.whole("seed", 1),
        strata=section.optional_text("strata"),
        weights=section.optional_text("weights"),
        cluster=section.optional_text("cluster"),
        id=section.optional_text("id"),
    )
    section.finish()
    return analysis


def _check_names(study: Study, top: Section) -> None:
    """Report names that two things share, and groups that are not described."""
    names = [variable.name for variable in study.variables]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            top.problem(f"`{name}` is a score and a covariate; it can be one of them.")
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


def counted(number: int, noun: str) -> str:
    """Write a number of things, one of them in the singular."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def code_text(value: object) -> str:
    """Write a code of the data or of the file as text, so that 1, 1.0 and "1" agree."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _last(section: Section) -> str:
    """Return the name of a section such as ``[scores.faceage]``."""
    return section.where[1:-1].split(".", 1)[1]

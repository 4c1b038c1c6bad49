"""A study file in TOML to a :class:`~fahrstats.study.specification.Study`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, cast, get_args

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.section import Section, did_you_mean
from fahrstats.study.analysis_sections import (
    read_ages,
    read_analysis,
    read_competing,
    read_published,
    unknown_names,
)
from fahrstats.study.audit_section import audit_problems, read_audit
from fahrstats.study.examples import example_file, example_names
from fahrstats.study.outcomes import DAYS_PER_YEAR, EventRule, Outcome, TimeUnit
from fahrstats.study.photo_section import cross_fit_problems, read_photos
from fahrstats.study.specification import Study, StudyKind, TableFile
from fahrstats.study.statement_section import read_statements
from fahrstats.study.study_names import check_names
from fahrstats.study.variable_sections import (
    read_covariate,
    read_described,
    read_score,
    read_subgroups,
)
from fahrstats.study.wording import code_text

_KINDS = get_args(StudyKind)
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


def results_folder(path: Path, out: Path | None = None) -> Path:
    """Return where the results of a study are.

    Raises
    ------
    DataError
        A file is there, or their version for publication, beside which exact results
        have no place.
    """
    folder = Path("results") / study_name(path) if out is None else out
    if folder.is_file():
        raise DataError(
            f"`{folder}` is a file, but results are a folder; name a folder of their "
            "own."
        )
    if _holds_public_version(folder):
        raise DataError(
            f"`{folder}` holds a version for publication, which is made anew from the "
            "exact results; give the folder of these."
        )
    return folder


def _holds_public_version(folder: Path) -> bool:
    """Tell whether a folder holds the version of results that may be published."""
    try:
        return "public" in store.read_manifest(folder / "manifest.json")
    except DataError:
        return False


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
    kind = cast(StudyKind, top.choice("kind", _KINDS, "biomarker"))
    if problems:  # what else is wrong depends on the kind
        return None, problems
    scores = [
        read_score(name, section)
        for name, section in top.sections("scores", required=True).items()
    ]
    covariates = [
        read_covariate(name, section)
        for name, section in top.sections("covariates").items()
    ]
    published, printed = read_published(top)
    study = Study(
        name=study_name(path),
        path=path,
        text=text,
        title=top.text("title", study_name(path)),
        table=read_table(top),
        outcomes=_outcomes(top.section("outcome", required=True)),
        scores=tuple(scores),
        covariates=tuple(covariates),
        subgroups=read_subgroups(top.section("subgroups"), [*scores, *covariates]),
        analysis=read_analysis(top.section("analysis")),
        competing=read_competing(top),
        ages=read_ages(top),
        published=published,
        printed=printed,
        described=tuple(
            read_described(name, section)
            for name, section in top.sections("describe").items()
        ),
        photos=read_photos(top),
        kind=kind,
        audit=read_audit(top),
        prepare=top.optional_text("prepare"),
        notes=top.optional_text("notes"),
        statements=read_statements(top),
    )
    if top.is_given("scores") and not scores:
        top.problem("[scores] names no score; add a section such as [scores.faceage].")
    top.finish()
    check_names(study, top)
    problems.extend(unknown_names(study))
    problems.extend(cross_fit_problems(study))
    problems.extend(audit_problems(study, top))
    return (None if problems else study), problems


def first_of(problems: list[str], name: str) -> str:
    """Return the first problem as one line, saying how many there are."""
    if len(problems) == 1:
        return f"{name}: {problems[0]}"
    return (
        f"{name}: {problems[0]} ({len(problems)} problems; `fahrstats check` lists "
        "them all.)"
    )


def read_table(top: Section) -> TableFile:
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
        left_out=section.optional_text("left_out"),
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

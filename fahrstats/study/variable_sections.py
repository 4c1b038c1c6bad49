"""Scores, covariates and subgroups of a study file."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

from fahrstats.section import Section
from fahrstats.study.specification import Closed, Subgroup, Variable
from fahrstats.study.wording import counted


def read_score(name: str, section: Section) -> Variable:
    """Read a score."""
    section.named(name)
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
        may_be_missing=section.flag("may_be_missing"),
        alone=section.flag("alone"),
    )
    if variable.cut_points and not variable.cut_origin:
        section.problem("`cut_points` needs `cut_origin`, where they come from.")
    if variable.within is not None and variable.per != "sd":
        section.problem('`within` needs `per = "sd"`.')
    section.finish()
    return variable


def read_covariate(name: str, section: Section) -> Variable:
    """Read a covariate."""
    section.named(name)
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


def read_described(name: str, section: Section) -> Variable:
    """Read what Table 1 describes and no model uses."""
    if section.is_given("per"):
        section.problem("`per` is for hazard ratios, which this has none of.")
    return read_covariate(name, section)


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


def read_subgroups(section: Section, variables: list[Variable]) -> tuple[Subgroup, ...]:
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

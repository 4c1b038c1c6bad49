"""Choices of a study file that no column makes, and analyses that need some of them."""

from __future__ import annotations

from collections.abc import Iterator

from fahrstats.section import Section, did_you_mean
from fahrstats.study.specification import (
    Ages,
    Analysis,
    Competing,
    Study,
    Variable,
)
from fahrstats.study.variable_sections import read_score


def read_analysis(section: Section) -> Analysis:
    """Read the choices that no column makes."""
    n_groups = section.whole("quantile_groups", 4, at_least=2)
    groups = tuple(f"Q{number}" for number in range(1, n_groups + 1))
    analysis = Analysis(
        horizons=section.ascending("horizons"),
        quantile_groups=n_groups,
        reference=section.choice("reference", groups, "Q1"),
        seed=section.whole("seed", 1),
        n_boot=_none_or(20, section, "n_boot"),
        imputations=_none_or(2, section, "imputations"),
        early=section.ascending("early"),
        landmarks=_landmarks(section),
        risk_categories=section.ascending("risk_categories"),
        cohorts=section.optional_text("cohorts"),
        strata=section.optional_text("strata"),
        weights=section.optional_text("weights"),
        cluster=section.optional_text("cluster"),
        id=section.optional_text("id"),
    )
    if any(risk >= 1 for risk in analysis.risk_categories):
        section.problem("`risk_categories` must be risks below 1, such as [0.1, 0.2].")
    section.finish()
    return analysis


def read_competing(top: Section) -> Competing | None:
    """Read which causes compete, where the file says so."""
    if not top.is_given("competing"):
        return None
    section = top.section("competing")
    competing = Competing(
        column=section.text("cause", required=True),
        of=section.text("of", required=True),
        levels=section.levels("levels"),
        other=section.text("other"),
        outcome=section.text("outcome"),
    )
    texts = [text for _, text in competing.levels]
    if competing.other and not texts:
        section.problem("`other` is for causes that `levels` does not list; give both.")
    known = [*dict.fromkeys(texts), *([competing.other] if competing.other else [])]
    if texts and competing.of and competing.of not in known:
        section.problem(
            f"`of` is `{competing.of}`, but the causes are "
            f"{', '.join(f'`{text}`' for text in known)}."
        )
    section.finish()
    return competing


def read_ages(top: Section) -> Ages | None:
    """Read which scores are ages, where the file says so."""
    if not top.is_given("ages"):
        return None
    section = top.section("ages")
    predicted = section.texts("predicted")
    if not predicted:
        section.problem("`predicted` is missing; name the scores that are ages.")
    ages = Ages(
        predicted=predicted,
        age=section.text("age", "age"),
        sd_by=section.optional_text("sd_by"),
        older=section.number("older") or 10.0,
        younger=section.number("younger") or 5.0,
    )
    section.finish()
    return ages


def read_published(top: Section) -> tuple[str | None, tuple[Variable, ...]]:
    """Read ``published = "print.csv"``, or the section with scores only it is about."""
    if not isinstance(top.values.get("published"), dict):
        return top.optional_text("published"), ()
    section = top.section("published")
    file = section.text("file", required=True)
    scores = section.sections("scores")
    section.finish()
    return file or None, tuple(read_score(name, part) for name, part in scores.items())


def unknown_names(study: Study) -> Iterator[str]:
    """Yield names of these sections that nothing in the study has."""
    if study.competing is not None:
        outcomes = [outcome.name for outcome in study.outcomes]
        yield from _unknown("[competing]", "outcome", study.competing.outcome, outcomes)
    if study.ages is None:
        return
    scores = [score.name for score in study.scores]
    for name in study.ages.predicted:
        yield from _unknown("[ages]", "predicted", name, scores)
    if study.ages.age in [covariate.name for covariate in study.covariates]:
        numbers = [c.name for c in study.covariates if not c.categorical]
        yield from _unknown("[ages]", "age", study.ages.age, numbers)
    if study.ages.sd_by is not None:
        covariates = [covariate.name for covariate in study.covariates]
        yield from _unknown("[ages]", "sd_by", study.ages.sd_by, covariates)


def _landmarks(section: Section) -> tuple[float, ...] | None:
    """Read the landmarks; none at all where the list is empty."""
    landmarks = section.ascending("landmarks")
    return landmarks if section.is_given("landmarks") else None


def _none_or(least: int, section: Section, key: str) -> int:
    """Return a number of draws: none, or enough to tell how much they vary."""
    number = section.whole(key, 0)
    if 0 < number < least:
        section.problem(f"`{key}` is {number}; give 0 for none, or at least {least}.")
        return 0
    return number


def _unknown(where: str, key: str, name: str, known: list[str]) -> Iterator[str]:
    """Yield a problem where a section names what the study does not hold."""
    if name not in known:
        listed = ", ".join(f"`{one}`" for one in known if one) or "none"
        yield (
            f"{where}: `{key}` names `{name}`; known here: {listed}."
            f"{did_you_mean(name, known)}"
        )

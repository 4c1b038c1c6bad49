"""The file of an age benchmark in TOML to a :class:`Benchmark`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fahrstats.measurement.accuracy import DECADES
from fahrstats.section import Section, did_you_mean
from fahrstats.study.benchmark.specification import (
    CARD,
    TAKEN,
    Benchmark,
    DataSet,
    Group,
)
from fahrstats.study.notes import note_problems
from fahrstats.study.photo_section import read_photos
from fahrstats.study.statement_section import read_statements
from fahrstats.study.study_file import read_table, study_name

_NAME = re.compile(r"[A-Za-z0-9_]+")
_DRAWS, _FEWEST_DRAWS = 1000, 20

MOST_MODELS = 6
"""Models that a reader of a figure can tell apart."""


def parse_benchmark(path: Path) -> tuple[Benchmark | None, list[str]]:
    """Read the file of a benchmark; return what it says, or None, and its problems."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except UnicodeDecodeError:
        return None, ["The file is not UTF-8 text; save it as UTF-8."]
    except tomllib.TOMLDecodeError as error:
        return None, [f"The file is not TOML: {error}."]
    problems: list[str] = []
    top = Section("", values, problems)
    top.text("kind")
    analysis = top.section("analysis")
    study = Benchmark(
        name=study_name(path),
        path=path,
        text=text,
        title=top.text("title", study_name(path)),
        models=read_models(top),
        data=tuple(_data_sets(top, path)),
        groups=tuple(
            read_group(name, part) for name, part in top.sections("groups").items()
        ),
        age_bands=analysis.ascending("age_bands", above_zero=False) or DECADES,
        n_boot=analysis.whole("n_boot", _DRAWS, at_least=_FEWEST_DRAWS),
        seed=analysis.whole("seed", 1),
        card=_card(top.section("card")),
        corrected=_corrected(top.section("corrected")),
        notes=top.optional_text("notes"),
        statements=read_statements(top),
    )
    analysis.finish()
    top.finish()
    problems.extend(_problems(study, top))
    return (None if problems else study), problems


def read_models(top: Section) -> tuple[tuple[str, str], ...]:
    """Read the label of each model under its column of scores."""
    section = top.section("models", required=True)
    models = tuple(
        (column, section.text(column, required=True)) for column in section.values
    )
    if top.is_given("models") and not models:
        top.problem('[models] names no model; write, say, faceage = "FaceAge".')
    return models


def _corrected(section: Section) -> dict[str, str]:
    """Read the raw prediction of each corrected age."""
    pairs = {name: section.text(name, required=True) for name in section.values}
    return {name: raw for name, raw in pairs.items() if raw.strip()}


def _data_sets(top: Section, path: Path) -> Iterator[DataSet]:
    """Read every data set; one ``like`` another has its keys, but for its own."""
    sections = top.sections("data", required=True)
    for name, section in sections.items():
        like = section.optional_text("like")
        known = [one for one, other in sections.items() if "like" not in other.values]
        if like is not None and like not in known:
            section.problem(
                f"`like` is `{like}`, which is no data set with keys of its own."
                f"{did_you_mean(like, known)}"
            )
        elif like is not None:
            values = {**sections[like].values, **section.values}
            section = Section(section.where, values, section.problems, {"like"})
        yield _data_set(name, path, section)


def _data_set(name: str, path: Path, section: Section) -> DataSet:
    """Read one data set."""
    if not _NAME.fullmatch(name):
        section.problem("A data set is named by letters, digits and `_`.")
    photos = read_photos(section)
    if photos is not None and photos.survival is not None:
        section.problem("`photos` learns no survival here; take out `survival`.")
    age = section.texts("age")
    if len(age) not in (1, 2):
        section.problem(
            "`age` must name the column of true age, or two columns: of the first age "
            "of an interval and of the first one beyond it."
        )
    data = DataSet(
        name=name,
        label=section.text("label", name.replace("_", " ")),
        path=path,
        table=read_table(section),
        age=age,
        subject=section.optional_text("subject"),
        by=tuple(_groupings(section)),
        photos=photos,
        prepare=section.optional_text("prepare"),
    )
    section.finish()
    return data


def _groupings(section: Section) -> Iterator[tuple[str, ...]]:
    """Yield each grouping: a name of [groups], or a list of several to be crossed."""
    for item in section.items("by"):
        if isinstance(item, str):
            yield (item,)
        elif _is_crossing(item):
            yield tuple(item)
        else:
            section.problem(
                "`by` must list names of [groups], or lists of two or more of them "
                f'such as ["sex", "race"], but it holds {item!r}.'
            )


def _is_crossing(item: Any) -> bool:
    """Tell whether something is a list of two or more different texts."""
    is_list = isinstance(item, list) and all(isinstance(name, str) for name in item)
    return is_list and len(set(item)) == len(item) > 1


def read_group(name: str, section: Section) -> Group:
    """Read what makes groups."""
    label = section.text("label", name.replace("_", " ").capitalize())
    group = Group(name, label, section.levels("levels"))
    section.finish()
    return group


def _card(section: Section) -> dict[str, str]:
    """Read what the authors say of the models."""
    card = {key: section.text(key).strip() for key in CARD}
    section.finish()
    for key, text in card.items():
        for problem in note_problems(text, key) if text else ():
            section.problem(problem)
    return {key: text for key, text in card.items() if text}


def _problems(study: Benchmark, top: Section) -> Iterator[str]:
    """Yield names that two things share, and those that nothing has."""
    groups = [group.name for group in study.groups]
    for name in study.columns:
        if name in TAKEN:
            yield f"[models]: `{name}` is taken; give the column another name."
    for name in groups:
        if name in (*TAKEN, *study.columns):
            yield f"[groups.{name}]: `{name}` is taken; give the column another name."
    yield from _corrected_problems(study)
    if len(study.models) > MOST_MODELS:
        yield (
            f"[models] names {len(study.models)} models; figures tell {MOST_MODELS} "
            "apart, so that more need another file."
        )
    labels = [label for _, label in study.models]
    labels += [data.label for data in study.data]
    for label in dict.fromkeys(label for label in labels if label):
        if labels.count(label) > 1:
            yield f"`{label}` is the label of several models or data sets."
    if top.is_given("data") and not study.data:
        yield "[data] names no data set; add a section such as [data.validation]."
    for data in study.data:
        for name in dict.fromkeys(name for part in data.by for name in part):
            if name not in groups:
                known = ", ".join(f"`{one}`" for one in groups) or "none"
                yield (
                    f"[data.{data.name}]: `by` names `{name}`; [groups] holds {known}."
                    f"{did_you_mean(name, groups)}"
                )


def _corrected_problems(study: Benchmark) -> Iterator[str]:
    """Yield corrected ages that do not stand beside the raw ones."""
    pairs = study.corrected
    for name in dict.fromkeys(name for pair in pairs.items() for name in pair):
        if name not in study.columns:
            yield (
                f"[corrected]: `{name}` is not in [models], where both columns of a "
                f"pair must be.{did_you_mean(name, study.columns)}"
            )
    for name, raw in pairs.items():
        wrong = "itself" if raw == name else f"`{raw}`, which is corrected itself"
        if raw in pairs:
            yield (
                f"[corrected]: `{name}` is corrected from {wrong}; give the column of "
                "the raw prediction."
            )

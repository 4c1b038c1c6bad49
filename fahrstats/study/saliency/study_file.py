"""The file of a saliency study in TOML to a :class:`Saliency`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast, get_args

from fahrstats.face.saliency.explanation import Method
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.section import Section, did_you_mean
from fahrstats.study.benchmark.study_file import MOST_MODELS, read_models
from fahrstats.study.photo_section import SEVERAL, Several
from fahrstats.study.saliency.specification import (
    TAKEN,
    ExplainedPhotos,
    Maps,
    Saliency,
)
from fahrstats.study.statement_section import read_statements
from fahrstats.study.study_file import study_name

_DRAWS, _SWAPS, _FEWEST_DRAWS = 2000, 9999, 20
_METHODS = get_args(Method)
_WITH_MAPS = tuple(name for name in _METHODS if name != "ablation")


def parse_saliency(path: Path) -> tuple[Saliency | None, list[str]]:
    """Read the file of a study; return what it says, or None, and its problems."""
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
    units = top.section("units")
    study = Saliency(
        name=study_name(path),
        path=path,
        text=text,
        title=top.text("title", study_name(path)),
        models=read_models(top),
        units={name: units.text(name) for name in units.values},
        photos=_photos(top.section("photos", required=True)),
        maps=_maps(top),
        survival_of=top.optional_text("survival_of"),
        n_checked=analysis.whole(
            "checked_faces", FEWEST_PEOPLE, at_least=FEWEST_PEOPLE
        ),
        n_boot=analysis.whole("n_boot", _DRAWS, at_least=_FEWEST_DRAWS),
        n_swaps=analysis.whole("n_swaps", _SWAPS, at_least=_FEWEST_DRAWS),
        seed=analysis.whole("seed", 1),
        notes=top.optional_text("notes"),
        statements=read_statements(top),
    )
    for section in (units, analysis, top):
        section.finish()
    problems.extend(_problems(study))
    return (None if problems else study), problems


def _photos(section: Section) -> ExplainedPhotos:
    """Read which photos are explained, and how."""
    models = section.texts("models")
    if section.values and not models:
        section.problem("`models` is missing; name a checkpoint or benchmark model.")
    photos = ExplainedPhotos(
        folder=section.text("folder", required=True),
        models=models,
        method=cast(Method, section.choice("method", _METHODS, "ablation")),
        limit=_limit(section),
        seed=section.whole("seed", 1),
        several=cast(Several, section.choice("several", SEVERAL, "refuse")),
        source=section.text("source"),
    )
    section.finish()
    return photos


def _maps(top: Section) -> Maps | None:
    """Read how maps are made, where the file asks for some."""
    if not top.is_given("maps"):
        return None
    section = top.section("maps")
    maps = Maps(
        method=cast(Method, section.choice("method", _WITH_MAPS, "occlusion")),
        limit=_limit(section),
    )
    section.finish()
    return maps


def _limit(section: Section) -> int | None:
    """Read how many photos are drawn; fewer tell of single people."""
    return section.whole("limit", 0, at_least=FEWEST_PEOPLE) or None


def _problems(study: Saliency) -> Iterator[str]:
    """Yield names that two things share, and those that nothing has."""
    for name in study.columns:
        if name in TAKEN:
            yield f"[models]: `{name}` is taken; give the score another name."
    for name in study.units:
        if name not in study.columns:
            yield (
                f"[units]: `{name}` is no score of [models]."
                f"{did_you_mean(name, study.columns)}"
            )
    if len(study.models) > MOST_MODELS:
        yield (
            f"[models] names {len(study.models)} models; figures tell {MOST_MODELS} "
            "apart, so that more need another file."
        )
    labels = [label for _, label in study.models if label]
    for label in dict.fromkeys(labels):
        if labels.count(label) > 1:
            yield f"`{label}` is the label of several models."

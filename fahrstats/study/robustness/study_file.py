"""The file of a robustness study in TOML to a :class:`Robustness`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast, get_args

from fahrstats.errors import DataError
from fahrstats.face.perturbations.catalogue import Landmarks, panel_of
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.section import Section, did_you_mean
from fahrstats.study.benchmark.study_file import (
    MOST_MODELS,
    read_group,
    read_models,
)
from fahrstats.study.photo_section import SEVERAL, Several
from fahrstats.study.robustness.specification import (
    TAKEN,
    PairSet,
    PanelPhotos,
    Robustness,
    Serial,
)
from fahrstats.study.statement_section import read_statements
from fahrstats.study.study_file import read_table, study_name

_NAME = re.compile(r"[A-Za-z0-9_]+")
_LOG_HAZARDS = ("facesurvival", "log_hazard")
_DRAWS, _FEWEST_DRAWS = 1000, 20
_LIMITS, _MOVED = (1.0, 5.0), 5.0


def parse_robustness(path: Path) -> tuple[Robustness | None, list[str]]:
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
    analysis = top.section("analysis", required=True)
    if top.is_given("analysis"):
        analysis.require("margin")
    study = Robustness(
        name=study_name(path),
        path=path,
        text=text,
        title=top.text("title", study_name(path)),
        models=read_models(top),
        panel=_panel(top),
        pairs=tuple(
            _pair_set(name, section) for name, section in top.sections("pairs").items()
        ),
        serial=_serial(top),
        groups=tuple(
            read_group(name, section)
            for name, section in top.sections("groups").items()
        ),
        margin=analysis.number("margin") or 1.0,
        moved=analysis.number("moved") or _MOVED,
        limits=analysis.ascending("limits") or _LIMITS,
        cut_points=analysis.ascending("cut_points", above_zero=False),
        n_boot=analysis.whole("n_boot", _DRAWS, at_least=_FEWEST_DRAWS),
        seed=analysis.whole("seed", 1),
        notes=top.optional_text("notes"),
        statements=read_statements(top),
    )
    analysis.finish()
    top.finish()
    problems.extend(_problems(study))
    return (None if problems else study), problems


def _scored_by(section: Section) -> tuple[str, ...]:
    """Read what scores photos."""
    models = section.texts("models")
    if not models:
        section.problem("`models` is missing; name a checkpoint or benchmark model.")
    return models


def _panel(top: Section) -> PanelPhotos | None:
    """Read which photos are changed, where the file says so."""
    if not top.is_given("panel"):
        return None
    section = top.section("panel")
    panel = PanelPhotos(
        photos=section.text("photos", required=True),
        models=_scored_by(section),
        conditions=_conditions(section),
        landmarks=cast(
            Landmarks, section.choice("landmarks", get_args(Landmarks), "detected")
        ),
        limit=section.whole("limit", 0, at_least=FEWEST_PEOPLE) or None,
        seed=section.whole("seed", 1),
        several=_several(section),
        source=section.text("source"),
    )
    section.finish()
    return panel


def _conditions(section: Section) -> tuple[str, ...]:
    """Read which changes are simulated."""
    conditions = section.texts("conditions")
    try:
        panel_of(conditions, "carried")
    except DataError as error:
        section.problem(str(error))
    return conditions


def _several(section: Section) -> Several:
    return cast(Several, section.choice("several", SEVERAL, "refuse"))


def _pair_set(name: str, section: Section) -> PairSet:
    """Read one set of pairs: photos, or a table of scores."""
    if not _NAME.fullmatch(name):
        section.problem("A set of pairs is named by letters, digits and `_`.")
    has_photos, has_table = section.is_given("photos"), section.is_given("table")
    if has_photos == has_table:
        section.problem(
            "Give `photos`, a folder or table of pairs that is scored, or `table`, one "
            "of scores that are there already."
        )
    pairs = PairSet(
        name=name,
        label=section.text("label", name.replace("_", " ").capitalize()),
        photos=section.optional_text("photos"),
        models=_scored_by(section) if has_photos else (),
        table=read_table(section) if has_table and not has_photos else None,
        by=section.texts("by"),
        several=_several(section),
        source=section.text("source"),
    )
    section.finish()
    return pairs


def _serial(top: Section) -> Serial | None:
    """Read the table of repeated photos, where there is one."""
    if not top.is_given("serial"):
        return None
    section = top.section("serial")
    serial = Serial(
        table=read_table(section),
        subject=section.text("subject", required=True),
        date=section.optional_text("date"),
        day=section.optional_text("day"),
    )
    if serial.date is not None and serial.day is not None:
        section.problem("Give `date` or `day`, not both: one says when photos were.")
    if serial.date is None and serial.day is None:
        section.problem(
            "Give `date` or `day`, when photos were taken: those of one day differ by "
            "less than those of several."
        )
    section.finish()
    return serial


def _problems(study: Robustness) -> Iterator[str]:
    """Yield names that two things share, those that nothing has, and what is absent."""
    groups = [group.name for group in study.groups]
    for name in study.columns:
        if name in TAKEN:
            yield f"[models]: `{name}` is taken; give the column another name."
        if name in _LOG_HAZARDS:
            yield (
                f"[models]: `{name}` is a log hazard, and a robustness study is about "
                "ages, in years; compare such scores by `fs.agreement` and "
                "`fs.dose_response`, in their own unit."
            )
    for name in groups:
        if name in (*TAKEN, *study.columns):
            yield f"[groups.{name}]: `{name}` is taken; give the column another name."
    if len(study.models) > MOST_MODELS:
        yield (
            f"[models] names {len(study.models)} models; figures tell {MOST_MODELS} "
            "apart, so that more need another file."
        )
    labels = [label for _, label in study.models]
    labels += [pairs.label for pairs in study.pairs]
    for label in dict.fromkeys(label for label in labels if label):
        if labels.count(label) > 1:
            yield f"`{label}` is the label of several models or sets of pairs."
    if study.panel is None and not study.pairs and study.serial is None:
        yield (
            "The study has nothing to look at; add [panel] (simulated changes), "
            "[pairs.NAME] (real pairs) or [serial] (repeated photos)."
        )
    for pairs in study.pairs:
        for name in pairs.by:
            if name not in groups:
                known = ", ".join(f"`{one}`" for one in groups) or "none"
                yield (
                    f"[pairs.{pairs.name}]: `by` names `{name}`; [groups] holds "
                    f"{known}.{did_you_mean(name, groups)}"
                )

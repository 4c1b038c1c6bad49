"""The REMARK profile of a study: its people and variables, and every analysis of it.

Both parts are written from the study's own record, so that an analysis cannot be left
out of a report for what it found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from fahrstats.display.choice_tables import BEST
from fahrstats.display.display_table import EMPTY, INDENT, DisplayTable, escape_markdown
from fahrstats.display.labels import (
    in_sentence,
    listed,
    note_in_words,
    opening,
    per_label,
    term_label,
)
from fahrstats.display.result_table import records
from fahrstats.report.author_statements import in_one_line

if TYPE_CHECKING:
    from fahrstats.report.study_results import StudyResults

Row = tuple[str, str]

_ALL_SCORES: Final = "Scores compared, or together"
_GROUPED: Final = "_group"
_SPLINE: Final = re.compile(r"rcs\((?P<score>\w+), \d+\)")
PLACES: Final = {
    "cox": "tbl-hazard",
    "ph_test": "tbl-ph",
    "spline": "fig-spline",
    "term_tests": "sec-hazard",
    "influence": "sec-influence",
    "logrank": "fig-survival",
    "survival_difference": "tbl-survival",
    "rmst": "tbl-rmst",
    "landmarks": "tbl-landmarks",
    "cut_effects": "tbl-cut-effects",
    "subgroups": "fig-subgroups",
    "audit": "tbl-fairness",
    "concordance": "tbl-concordance",
    "uno": "sec-alone",
    "concordance_by": "tbl-ranking",
    "joint_groups": "tbl-joint",
    "joint_groups_fine": "fig-tiles",
    "comparison": "tbl-comparison",
    "calibration": "tbl-calibration",
    "decision_curve": "fig-decision",
    "outcomes": "tbl-outcomes",
    "published": "tbl-published",
    "gray": "fig-incidence",
    "fine_gray": "tbl-causes",
    "cause_specific": "tbl-causes",
    "imputed": "tbl-imputed",
    "cohorts": "fig-cohorts",
    "early_deaths": "tbl-early",
    "gap_hazard": "tbl-gap-hazard",
}
"""Where the report shows each result table."""

ANALYSES: Final = {
    "cox": "Cox model",
    "ph_test": "test of proportional hazards",
    "spline": "spline",
    "term_tests": "test of every term",
    "influence": "influence of single people",
    "logrank": "log-rank test",
    "survival_difference": "survival at fixed times",
    "rmst": "mean time without the event",
    "landmarks": "Cox model",
    "cut_effects": "Cox model",
    "subgroups": "subgroups",
    "audit": "audit of groups",
    "concordance": "C-index",
    "uno": "Uno's C-index",
    "concordance_by": "C-index in subgroups",
    "joint_groups": "halves of two scores",
    "joint_groups_fine": "finer groups of two scores",
    "comparison": "models compared",
    "calibration": "calibration",
    "decision_curve": "decision curve",
    "outcomes": "Cox model",
    "published": "Cox model beside print",
    "gray": "Gray's test",
    "fine_gray": "subdistribution hazard",
    "cause_specific": "cause-specific hazard",
    "imputed": "Cox model",
    "cohorts": "cohorts and their average",
    "early_deaths": "odds of an early event",
    "gap_hazard": "Cox model of a gap",
}
"""What was done for each result table."""

_HEADERS: Final = ("Analysis", "Variables in it", "People", "Events", "Where")
_WIDTHS: Final = (38, 34, 9, 9, 10)
_BY_SUBGROUP: Final = ("subgroups", "audit", "concordance_by", "published")


def patients(study: StudyResults) -> DisplayTable:
    """Return who was studied, and how each variable was dealt with.

    What only the authors can say and have not said is named as open.
    """
    parts = {
        "Patients": [*_enrolled(study), *_counted(study)],
        "Marker": list(_markers(study)),
        "Endpoints": list(_endpoints(study)),
        "Further variables": list(_variables(study)),
    }
    lines: list[Row] = []
    heads = []
    for name, rows in parts.items():
        heads.append(len(lines))
        lines.append((name, ""))
        lines += [(INDENT + item, text) for item, text in rows]
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=["item", "text"]),
        headers={"item": "", "text": ""},
        heads=tuple(heads),
        prose=("text",),
    )


def analyses(study: StudyResults) -> str:
    """Return every analysis that was made, as a pipe table with links to the results.

    Its cells hold references that only a renderer can number, which fails on one that
    the report does not hold.
    """
    lines = [_HEADERS, tuple("-" * width for width in _WIDTHS)]
    by_score: dict[str, list[dict[str, Any]]] = {}
    for entry in study.manifest["analyses"]:
        by_score.setdefault(entry["biomarker"], []).append(entry)
    for score, entries in by_score.items():
        name = study.label(score) if score else _ALL_SCORES
        lines.append((f"**{escape_markdown(name)}**", "", "", "", ""))
        lines += [_analysis(study, entry) for entry in entries]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _enrolled(study: StudyResults) -> Iterator[Row]:
    """Yield what the authors say of the people."""
    yield "Setting and dates", in_one_line(study, "setting", "dates")
    yield "Who could take part", in_one_line(study, "eligibility")
    yield "Treatment", in_one_line(study, "treatment")


def _counted(study: StudyResults) -> Iterator[Row]:
    """Yield how many people there were, who was left out, and who was analysed."""
    if not study.has("flow"):
        return
    first, *steps = records(study.rows("flow"))
    yield "In the table", _sizes(study, first)
    for step in steps:
        reason = note_in_words(str(step["reason"]), study.labels)
        column = step.get("column")
        about = f": {study.in_sentence(column)}" if column else ""
        removed = study.count(step["n_removed"])
        events = study.count(step["n_removed_events"])
        yield f"Left out, {reason}{about}", f"{removed}, with {events} events"
    yield "Analysed", _sizes(study, [first, *steps][-1])


def _sizes(study: StudyResults, row: dict[str, Any]) -> str:
    return f"{study.count(row['n'])}, with {study.count(row['n_events'])} events"


def _markers(study: StudyResults) -> Iterator[Row]:
    """Yield each score, what it was read from, and how it enters models."""
    photos = study.manifest.get("photos") or {}
    for score in study.biomarkers:
        unit = study.unit(score)
        yield study.label(score), f"a number in {unit}" if unit else "a number"
        yield "In models", "; ".join(_handling(study, score))
    read_by = photos.get("checkpoint")
    if read_by:
        yield "Read from photographs by", str(read_by)
    yield "Photographs", in_one_line(study, "specimen")
    yield "Reading", in_one_line(study, "assay", "blinding")


def _handling(study: StudyResults, score: str) -> Iterator[str]:
    """Yield the forms in which a score enters models."""
    found = study.found("cox", biomarker=score, variable=score)
    steps = [] if found is None else found["per"].dropna().unique().tolist()
    named = [per_label(step, study.unit(score), style=study.style) for step in steps]
    yield f"as a number ({listed(named)})" if any(named) else "as a number"
    if study.has("cut_points"):
        cuts = study.rows("cut_points", biomarker=score)
        bounds = [study.number(bound) for bound in cuts["estimate"].iloc[:-1]]
        groups = study.manifest.get("groups_name", "groups")
        yield f"in {groups} cut at {listed(bounds)}"
    if study.has("spline"):
        yield "as a spline"


def _endpoints(study: StudyResults) -> Iterator[Row]:
    """Yield the events, how many there were, and how they are defined."""
    followed = records(study.rows("follow_up"))[0] if study.has("follow_up") else {}
    n_events = study.count(followed.get("n_events"))
    yield study.manifest["outcome_label"], f"{n_events} events; the main outcome"
    if study.has("outcomes"):
        table = study.rows("outcomes")
        others = table[table["outcome"] != study.manifest["outcome_label"]]
        for outcome, rows in others.groupby("outcome", sort=False):
            yield str(outcome), f"{study.count(rows['n_events'].max())} events"
    yield "Definition", in_one_line(study, "endpoint", "outcome_assessment")


def _variables(study: StudyResults) -> Iterator[Row]:
    """Yield what models are adjusted for, what is compared, and what was considered."""
    covariates = [study.in_sentence(name) for name in study.manifest["covariates"]]
    subgroups = [study.in_sentence(name) for name in study.manifest["subgroups"]]
    text = listed(covariates) if covariates else "nothing"
    yield "Adjusted for", f"{text}, whatever their significance" if covariates else text
    yield "Subgroups", listed(subgroups) if subgroups else "none"
    yield "Considered", in_one_line(study, "candidate_variables")


def _analysis(study: StudyResults, entry: dict[str, Any]) -> tuple[str, ...]:
    """Return the line of one analysis."""
    sizes = [study.count(entry.get(key)) for key in ("n", "n_events")]
    return (
        escape_markdown(_named(study, entry)),
        escape_markdown(_variables_of(study, entry)),
        *sizes,
        _place(study, entry),
    )


def _named(study: StudyResults, entry: dict[str, Any]) -> str:
    """Return what was done, of which outcome, in which form, in whom."""
    is_best = entry["model"] == BEST
    parts = [ANALYSES["logrank"] if is_best else ANALYSES[entry["table"]]]
    parts += [entry["outcome"], entry["model"]]
    if entry["table"] == "gap_hazard" and _GROUPED in entry["formula"]:
        parts.append("in groups")
    by = [study.in_sentence(name) for name in study.manifest["subgroups"]]
    if entry["table"] in _BY_SUBGROUP and by:
        parts.append(f"everyone and by {listed(by)}")
    if "time" in entry:
        parts.append(f"follow-up after {study.amount(entry['time'])}")
    if "cut_points" in entry:
        cuts = listed([study.number(cut) for cut in entry["cut_points"]])
        parts.append(f"cut at {cuts} in turn")
    if entry.get("refused"):
        parts.append("not estimated")
    return opening(", ".join(in_sentence(part) for part in parts if part))


def _variables_of(study: StudyResults, entry: dict[str, Any]) -> str:
    """Return the variables of a formula by their names for a reader."""
    terms = [term.strip() for term in entry["formula"].partition("~")[2].split(" + ")]
    plain = [_SPLINE.sub(r"\g<score>", term).removesuffix(_GROUPED) for term in terms]
    names = [
        in_sentence(term_label(term, study.labels))
        for term in plain
        if term not in ("", "1")
    ]
    return ", ".join(dict.fromkeys(names)) or EMPTY


def _place(study: StudyResults, entry: dict[str, Any]) -> str:
    """Return a link to what shows an analysis, if this version of the report does."""
    if not study.has(entry["table"]):
        return EMPTY
    groups = study.manifest.get("groups_name", "groups")
    if entry["table"] == "cox" and entry["model"].startswith(groups):
        return "@tbl-groups"
    label = PLACES[entry["table"]]
    # A section has no number that a reference could show.
    return f"[its section](#{label})" if label.startswith("sec-") else f"@{label}"

"""Published hazard ratios: beside ours, and checked against themselves."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fahrstats.columns import in_order
from fahrstats.study.checks import StudyCohort
from fahrstats.study.effect_tables import audit_score
from fahrstats.study.published import PublishedRow
from fahrstats.survival.study_planning.published_checks import check_published

_LIMITS = ["estimate", "conf_low", "conf_high"]
_KEPT = [
    *("subgroup", "level", "term", "per", "estimand", *_LIMITS, "n", "n_events", "note")
]


def published_beside_ours(cohort: StudyCohort) -> pd.DataFrame:
    """Set published hazard ratios beside ours, and further outcomes beside those."""
    study = cohort.study
    named = list(dict.fromkeys(r.subgroup for r in cohort.published if r.subgroup))
    terms = {row.term for row in cohort.published}
    scores = [s for s in (*study.scores, *study.printed) if s.name in terms]
    rows = []
    for outcome in study.outcomes:
        audits = {s.name: audit_score(cohort, s, outcome, named) for s in scores}
        for row in cohort.published:
            ours = _found(audits[row.term], row)
            if row.outcome == outcome.name:
                ours |= {
                    "published": float(row.hr),
                    "published_low": float(row.low),
                    "published_high": float(row.high),
                    "note": "; ".join(
                        filter(None, [_verdict(row, ours), ours["note"]])
                    ),
                }
            rows.append({"outcome": outcome.label, **ours})
    table = pd.DataFrame(rows)
    return table[in_order(table.columns)]


def published_check(cohort: StudyCohort) -> pd.DataFrame:
    """Recompute P from each published hazard ratio and interval, and flag misprints."""
    rows = cohort.published
    printed = pd.DataFrame(
        {
            "term": [row.term for row in rows],
            "estimate": [str(row.hr) for row in rows],
            "conf_low": [str(row.low) for row in rows],
            "conf_high": [str(row.high) for row in rows],
        }
    )
    labels = {outcome.name: outcome.label for outcome in cohort.study.outcomes}
    table = check_published(printed).tidy()
    table = table.assign(
        outcome=[labels[row.outcome] for row in rows],
        subgroup=[row.subgroup or "overall" for row in rows],
        level=[row.level or "overall" for row in rows],
    )
    return table[in_order(table.columns)]


def _found(audit: pd.DataFrame, row: PublishedRow) -> dict[str, Any]:
    """Return the line of an audit about the people of a published row."""
    wanted = (
        (audit["estimand"] == "hr")
        & (audit["subgroup"] == (row.subgroup or "overall"))
        & (audit["level"] == (row.level or "overall"))
    )
    line = audit.loc[wanted, _KEPT].iloc[0]
    return {str(name): value for name, value in line.items()}


def _verdict(row: PublishedRow, ours: dict[str, Any]) -> str:
    """Say whether our estimate and limits round to the printed ones, and where."""
    agrees = row.is_matched_by([ours[name] for name in _LIMITS])
    verdict = "agrees to every printed decimal" if agrees else "differs from print"
    return f"{verdict} ({row.source})"

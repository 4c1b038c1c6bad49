"""Result tables of an audit: whether each score works alike in every group."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import pandas as pd

from fahrstats.cohort.characteristics import table_one
from fahrstats.cohort.levels import subgroup_levels
from fahrstats.errors import DataError
from fahrstats.study.audit_section import AUDIT, crossed_columns
from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import (
    complete_rows,
    estimated,
    fit_cox,
    step_size,
    step_text,
)
from fahrstats.study.people_tables import (
    horizons,
    last_follow_up,
    stacked,
    with_codes_as_levels,
)
from fahrstats.study.specification import Variable
from fahrstats.survival.predictions.calibration import calibration
from fahrstats.survival.predictions.calibration_result import Calibration
from fahrstats.survival.subgroup_audits.audit import audit
from fahrstats.survival.subgroup_audits.audit_result import Audit

_RISK = "predicted_risk"
_MOST_POINTS, _EVENTS_PER_POINT = 5, 10
"""Points of grouped risks within a level, and how many events each should have."""


def characteristics(cohort: StudyCohort) -> pd.DataFrame:
    """Table 1 by the levels of every subgroup."""
    study = cohort.study
    factors = [subgroup.name for subgroup in study.subgroups if not subgroup.cuts]
    variables = (v.name for v in (*study.variables, *study.described))
    described = list(dict.fromkeys([*variables, *factors]))
    tables = []
    for subgroup in study.subgroups:
        names = [name for name in described if name != subgroup.name]
        data = with_codes_as_levels(cohort.data, names)
        found = table_one(data, names, by=subgroup.name).tidy()
        tables.append(found.assign(subgroup=subgroup.name))
    return stacked(tables)


def groups(cohort: StudyCohort) -> pd.DataFrame:
    """Every measure of each score in every level of every group."""
    return _of_scores(
        cohort, lambda found, per: found.tidy(exponentiate=True, per=per), "hr"
    )


def tests(cohort: StudyCohort) -> pd.DataFrame:
    """Tests that a measure is the same in all levels, adjusted for their number."""
    return _of_scores(cohort, lambda found, _: found.tests(), "heterogeneity_chi2")


def differences(cohort: StudyCohort) -> pd.DataFrame:
    """Find the two levels of a group that differ most in a measure."""
    return _of_scores(
        cohort, lambda found, per: found.largest_difference(per=per), "ratio_hr"
    )


def between(cohort: StudyCohort) -> pd.DataFrame:
    """Concordance of each score between people of two levels."""
    return _of_scores(cohort, lambda found, _: found.between(), "cross_c_index")


def shrunken(cohort: StudyCohort) -> pd.DataFrame:
    """Estimates of small groups, drawn towards the others by how unsure they are."""
    return _of_scores(
        cohort, lambda found, per: found.shrunken(exponentiate=True, per=per), "hr"
    )


def calibration_groups(cohort: StudyCohort) -> pd.DataFrame:
    """Observed against predicted risk in groups of risk, in every level."""
    return _calibrated(cohort, Calibration.by_group)


def calibration_curves(cohort: StudyCohort) -> pd.DataFrame:
    """Observed against predicted risk as a smooth curve, in every level."""
    return _calibrated(cohort, Calibration.smooth_curve)


def audit_horizon(cohort: StudyCohort, score: str | None = None) -> float:
    """Years at which predicted risks are compared with what happened.

    Where the audit is not the question, and its report not about one horizon, those of
    a score are up to the last that somebody with a value is followed beyond.
    """
    asked = cohort.study.audit.horizon
    if asked is not None:
        return asked
    last = last_follow_up(cohort)
    if score is not None and cohort.study.kind != AUDIT:
        has_value = cohort.data[score].notna()
        last = float(cohort.data.loc[has_value, cohort.study.main.columns[0]].max())
    return max([year for year in horizons(cohort) if year < last], default=last / 2)


@lru_cache(maxsize=8)
def _audited(cohort: StudyCohort, score: str) -> Audit:
    """Audit one score once for all tables that tell of it.

    Where the audit is not the question, it is of the rows of all other tables.
    """
    study = cohort.study
    return audit(
        study.formula(*study.adjusted(score)),
        cohort.everyone if study.kind == AUDIT else cohort.model_data,
        term=score,
        by=[subgroup.name for subgroup in study.subgroups],
        crossings=crossed_columns(study),
        horizon=audit_horizon(cohort, score),
        strata=study.analysis.strata,
        cluster=study.analysis.cluster,
        id=study.analysis.id,
        floor_events=study.audit.floor_events,
        floor_people=study.audit.floor_people,
    )


def _of_scores(
    cohort: StudyCohort,
    told: Callable[[Audit, dict[str, float]], pd.DataFrame],
    estimand: str,
) -> pd.DataFrame:
    """Stack what is told of each score, or why a score cannot be audited."""
    return stacked(
        [
            estimated(
                cohort,
                partial(_told, cohort, score, told),
                estimand=estimand,
                biomarker=score.name,
            )
            for score in cohort.study.scores
        ]
    )


def _told(
    cohort: StudyCohort,
    score: Variable,
    told: Callable[[Audit, dict[str, float]], pd.DataFrame],
) -> pd.DataFrame:
    """Return what is told of one score, its step in words where a row has one."""
    audited = _audited(cohort, score.name)
    table = told(audited, {score.name: step_size(cohort, score)})
    if "per" not in table:
        return table
    return table.assign(per=np.where(table["per"].notna(), step_text(score), ""))


def _calibrated(
    cohort: StudyCohort, told: Callable[[Calibration], pd.DataFrame]
) -> pd.DataFrame:
    """Calibrate the model of each score in every level with enough events by then.

    Other levels have a row that says so, without counts: it may be a small one.
    """
    tables = []
    for score in cohort.study.scores:
        rows = _with_risks(cohort, score)
        for subgroup in cohort.study.subgroups:
            levels = subgroup_levels(rows, subgroup.name)
            for level in levels.cat.categories[levels.value_counts(sort=False) > 0]:
                found = estimated(
                    cohort,
                    partial(
                        _calibrated_part, cohort, score, rows[levels == level], told
                    ),
                    estimand="observed_risk",
                    biomarker=score.name,
                    subgroup=subgroup.name,
                    level=str(level),
                )
                tables.append(found)
    table = stacked(tables)
    counts = [name for name in ("n", "n_events") if name in table]
    notes = table.reindex(columns=["note"])["note"].fillna("")
    is_refused = notes.str.startswith("not estimated")
    shown = table[counts].mask(is_refused).astype("Int64").dropna(axis=1, how="all")
    return stacked([table.drop(columns=counts).assign(**shown)])


def _with_risks(cohort: StudyCohort, score: Variable) -> pd.DataFrame:
    """Add the risk by the horizon that the model of everyone predicts."""
    terms = cohort.study.adjusted(score.name)
    rows = complete_rows(cohort, *terms)
    fit = fit_cox(cohort, rows, terms)
    risk = fit.baseline(rows).risk(rows, audit_horizon(cohort, score.name))["estimate"]
    return rows.assign(**{_RISK: risk.to_numpy()})


def _calibrated_part(
    cohort: StudyCohort,
    score: Variable,
    part: pd.DataFrame,
    told: Callable[[Calibration], pd.DataFrame],
) -> pd.DataFrame:
    """Calibrate the predicted risks of some rows, in as many points as events allow."""
    study, horizon = cohort.study, audit_horizon(cohort, score.name)
    time, event, _ = study.main.columns
    n_events = int((part[event] == 1)[part[time] <= horizon].sum())
    n_points = min(_MOST_POINTS, n_events // _EVENTS_PER_POINT)
    if n_points < 2:
        raise DataError(
            f"fewer than {2 * _EVENTS_PER_POINT} events by {horizon:g} years"
        )
    formula = study.formula(_RISK)
    return told(calibration(formula, part, horizon=horizon, groups=n_points))

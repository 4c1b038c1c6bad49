"""Result tables of what other choices would have given: a later start, other cuts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import (
    estimated,
    fit_cox,
    full_model,
    step_size,
    step_text,
    with_step_texts,
)
from fahrstats.study.people_tables import (
    group_column,
    horizons,
    last_follow_up,
    stacked,
)
from fahrstats.study.specification import Variable
from fahrstats.survival.cox_models.landmarks import landmark
from fahrstats.survival.over_time.cut_points import best_cut_point

BEST = "best cut point"
"""Origin of the cut point of the largest log-rank statistic, and label of its test."""

ABOVE = "above"
"""Level of those above a cut point."""

_OPTIMISTIC = (
    "the cut point was chosen for the outcome, so that the hazard ratio is too far "
    "from 1 and its interval too narrow"
)
_QUANTILES = (
    ("median", 1 / 2),
    ("tertiles", 1 / 3),
    ("tertiles", 2 / 3),
    ("quartiles", 1 / 4),
    ("quartiles", 3 / 4),
)


def landmark_times(cohort: StudyCohort) -> tuple[float, ...]:
    """Years after which models are fitted again: the study's, or its first horizons.

    Of the horizons the last is none, unless there is no other.
    """
    usual = horizons(cohort)
    given = cohort.study.analysis.landmarks
    times = (usual[:-1] or usual) if given is None else given
    return tuple(time for time in times if time < last_follow_up(cohort))


def landmarks(cohort: StudyCohort) -> pd.DataFrame:
    """Fit each score's adjusted model to all follow-up, and to that after landmarks."""
    return stacked(
        [
            _counted(
                cohort,
                estimated(
                    cohort,
                    partial(_after, cohort, score, time),
                    estimand="hr",
                    biomarker=score.name,
                    model=full_model(cohort),
                ),
                time,
            )
            for score in cohort.study.scores
            for time in (0.0, *landmark_times(cohort))
        ]
    )


def cut_effects(cohort: StudyCohort) -> pd.DataFrame:
    """Hazard ratio of a score above each of several cut points, alone and adjusted.

    Cut points of the study, the median, tertiles and quartiles know nothing of the
    outcome. The last one is that with the largest log-rank statistic, whose P value is
    corrected for the choice.
    """
    return stacked(
        [
            table
            for score in cohort.study.scores
            for table in (*_at_cuts(cohort, score), _best(cohort, score))
        ]
    )


def cut_points_tried(cohort: StudyCohort, score: Variable) -> dict[float, str]:
    """Return the cut points that know nothing of the outcome, ascending, with origins.

    One of the study comes before a quantile of the same value.
    """
    values = cohort.data[score.name].dropna()
    found = {cut: score.cut_origin for cut in score.cut_points}
    for origin, share in _QUANTILES:
        found.setdefault(float(np.quantile(values, share)), origin)
    return {
        cut: origin
        for cut, origin in sorted(found.items())
        if values.min() <= cut < values.max()
    }


def _after(cohort: StudyCohort, score: Variable, time: float) -> pd.DataFrame:
    """Fit the adjusted model of one score to follow-up after one time."""
    study, analysis = cohort.study, cohort.study.analysis
    found = landmark(
        study.formula(*study.adjusted(score.name)),
        cohort.model_data,
        landmarks=[time],
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    )
    per = {score.name: step_size(cohort, score)}
    table = found.tidy(exponentiate=True, per=per)
    return table[table["variable"] == score.name].assign(per=step_text(score))


def _counted(cohort: StudyCohort, table: pd.DataFrame, time: float) -> pd.DataFrame:
    """Add the landmark, and to a row without an estimate who is left after it."""
    if "n_removed" in table:
        return table
    column, event, _ = cohort.study.main.columns
    later = cohort.data[column] > time
    n_events = int(cohort.data.loc[later, event].sum())
    return table.assign(
        time=time,
        n=int(later.sum()),
        n_events=n_events,
        n_removed=int((~later).sum()),
        n_removed_events=int(cohort.data[event].sum()) - n_events,
    )


def _at_cuts(cohort: StudyCohort, score: Variable) -> Iterator[pd.DataFrame]:
    """Yield the hazard ratios above each cut point that was not chosen."""
    values = cohort.data[score.name].dropna()
    for cut, origin in cut_points_tried(cohort, score).items():
        share = round(float((values <= cut).mean()), 2)
        yield _parted(cohort, score, cut).assign(origin=origin, quantile=share)


def _parted(cohort: StudyCohort, score: Variable, cut: float) -> pd.DataFrame:
    """Hazard ratio of those above one cut point of one score."""
    study, column = cohort.study, group_column(score.name)
    values = cohort.data[score.name]
    parted = np.where(values > cut, ABOVE, "up to it")
    is_above = pd.Series(parted, values.index).where(values.notna())
    data = cohort.model_data.assign(
        **{column: is_above.astype(pd.CategoricalDtype(["up to it", ABOVE]))}
    )
    models = {"unadjusted": (column,), full_model(cohort): study.adjusted(column)}
    tables = []
    for model, terms in models.items():
        table = estimated(
            cohort,
            partial(_ratios, cohort, data, terms),
            estimand="hr",
            biomarker=score.name,
            model=model,
        )
        if "variable" in table:
            table = table[table["variable"] == column]
        tables.append(table.assign(variable=score.name, value=cut))
    return stacked(tables)


def _ratios(
    cohort: StudyCohort, data: pd.DataFrame, terms: Sequence[str]
) -> pd.DataFrame:
    table = fit_cox(cohort, data, terms).tidy(exponentiate=True)
    return with_step_texts(cohort, table)


def _best(cohort: StudyCohort, score: Variable) -> pd.DataFrame:
    """Test of the cut point that parts survival most, and hazard ratios above it."""
    table = estimated(
        cohort,
        partial(_with_best, cohort, score),
        estimand="max_logrank_chi2",
        biomarker=score.name,
    ).assign(origin=BEST)
    return table if "model" in table else table.assign(model=BEST)


def _with_best(cohort: StudyCohort, score: Variable) -> pd.DataFrame:
    study = cohort.study
    found = best_cut_point(
        study.formula(score.name), cohort.data, strata=study.analysis.strata
    )
    test = found.glance().assign(estimand="max_logrank_chi2", model=BEST)
    if study.analysis.weights is not None:
        test["note"] += "; case weights are not used"
    ratios = _parted(cohort, score, found.cut_point)
    notes = ratios["note"].where(ratios["note"] == "", ratios["note"] + "; ")
    ratios = ratios.assign(p_value=np.nan, note=notes + _OPTIMISTIC)
    share = round(float(test["quantile"].iloc[0]), 2)
    table = stacked([ratios, test.drop(columns="n_dropped")])
    return table.assign(quantile=share)

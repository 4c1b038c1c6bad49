"""Result tables of models with and without the scores, on the same rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd

from fahrstats.columns import in_order
from fahrstats.study.checks import StudyCohort
from fahrstats.study.cohort_checks import build_gate, judging_problems
from fahrstats.study.models import complete_rows, estimated
from fahrstats.study.people_tables import horizons, stacked
from fahrstats.survival.model_comparison.comparison import ModelComparison, compare
from fahrstats.survival.over_time.curves import kaplan_meier
from fahrstats.survival.over_time.observation import follow_up
from fahrstats.survival.predictions.calibration import calibration
from fahrstats.survival.predictions.calibration_result import Calibration
from fahrstats.survival.study_planning.planning import sample_size, sample_size_c_index


def comparison_models(cohort: StudyCohort) -> dict[str, str]:
    """Formulas of the models that are compared, by label: what each score adds."""
    study = cohort.study
    scores: dict[str, tuple[str, ...]] = {s.label: (s.name,) for s in study.scores}
    together = {score.label: score.name for score in study.together}
    if len(together) > 1:
        scores[" + ".join(together)] = tuple(together.values())
    if not study.covariates:
        return {label: study.formula(*names) for label, names in scores.items()}
    return {
        "Covariates": study.formula(*study.adjusted()),
        **{
            f"Covariates + {label}": study.formula(*study.adjusted(*names))
            for label, names in scores.items()
        },
    }


def added_value(cohort: StudyCohort) -> pd.DataFrame:
    """Models with and without the scores: every measure of what one adds.

    A horizon at which the rows do not allow predictions to be judged keeps a row that
    says why.
    """
    found = _compared(cohort)
    table = found.tidy()
    notes = [
        {
            "model": found.labels[-1],
            "term": "",
            "estimand": "auc",
            "validation": "apparent",
            "time": horizon,
            "n": found.fits[0].n,
            "n_events": found.fits[0].n_events,
            "note": f"not estimated: {problem}",
        }
        for horizon, problem in _judged(cohort).items()
        if problem
    ]
    return stacked([table, pd.DataFrame(notes)]) if notes else table


def decision_curve(cohort: StudyCohort) -> pd.DataFrame:
    """Net benefit of every compared model by threshold, and of treating all or none."""
    return _compared(cohort).decision_curve()


def calibration_numbers(cohort: StudyCohort) -> pd.DataFrame:
    """Observed against predicted risk of each compared model, in numbers."""
    return _calibrated(cohort, Calibration.tidy)


def calibration_groups(cohort: StudyCohort) -> pd.DataFrame:
    """Observed against predicted risk by tenth of the predicted risk."""
    return _calibrated(cohort, Calibration.by_group)


def calibration_curves(cohort: StudyCohort) -> pd.DataFrame:
    """Observed against predicted risk as a smooth curve."""
    return _calibrated(cohort, Calibration.smooth_curve)


def predicted_risks(cohort: StudyCohort) -> pd.DataFrame:
    """Count people by predicted risk of each compared model."""
    return _calibrated(cohort, Calibration.distribution)


def planned_size(cohort: StudyCohort) -> pd.DataFrame:
    """Compare the size of the study with what its largest model needs.

    The rows of ``this study`` are what there is; the other rows, of Riley's criteria
    and of the precision of the C-index, are what the model found would have needed.
    """
    label = list(comparison_models(cohort))[-1]
    formula = comparison_models(cohort)[label]
    fit = _compared(cohort).fits[-1]
    ours = pd.DataFrame(
        {
            "term": "this study",
            "estimand": ["sample_size", "events_per_coefficient"],
            "estimate": [float(fit.n), fit.n_events / max(1, fit.df)],
            "n": fit.n,
            "n_events": fit.n_events,
        }
    )
    needed = estimated(cohort, lambda: _needed(cohort, formula), estimand="sample_size")
    table = stacked([ours, needed]).assign(model=label)
    notes = table["note"].fillna("") if "note" in table else ""
    table = table.assign(note=notes)
    return table[in_order(table.columns)]


def rows_compared(cohort: StudyCohort) -> pd.DataFrame:
    """Return the rows complete in all scores and covariates, in model units."""
    return complete_rows(cohort, *(v.name for v in cohort.study.variables))


def is_judged(cohort: StudyCohort) -> bool:
    """Tell whether predictions of compared models can be judged at any horizon."""
    return len(comparison_models(cohort)) > 1 and not all(_judged(cohort).values())


@lru_cache(maxsize=1)
def _compared(cohort: StudyCohort) -> ModelComparison:
    """Compare the models once for all tables that tell of it."""
    analysis = cohort.study.analysis
    judged = [horizon for horizon, problem in _judged(cohort).items() if not problem]
    return compare(
        comparison_models(cohort),
        rows_compared(cohort),
        horizons=judged,
        risk_categories=analysis.risk_categories if judged else (),
        n_boot=analysis.n_boot,
        seed=analysis.seed,
        n_workers=os.cpu_count() or 1,
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    )


@lru_cache(maxsize=1)
def _judged(cohort: StudyCohort) -> dict[float, str]:
    """Return the horizons of the study, with why predictions cannot be judged there."""
    names = [variable.name for variable in cohort.study.variables]
    design = build_gate(cohort.study, cohort.model_data, names)
    return judging_problems(design, horizons(cohort))


def _calibrated(
    cohort: StudyCohort, told: Callable[[Calibration], pd.DataFrame]
) -> pd.DataFrame:
    """Calibrate the predictions of every compared model at every horizon."""
    found, rows, tables = _compared(cohort), rows_compared(cohort), []
    for horizon in found.accuracy.plan.horizons:
        risks = found.predicted_risks(rows, horizon)
        names = {f"risk_{k}": label for k, label in enumerate(risks.columns)}
        risks.columns = pd.Index(names)
        data = rows.assign(**{str(k): v for k, v in risks.items()})
        table = told(calibration(cohort.study.formula(*names), data, horizon=horizon))
        tables.append(table.assign(term=table["term"].map(names)))
    return stacked(tables)


def _needed(cohort: StudyCohort, formula: str) -> pd.DataFrame:
    """Sizes that a model such as the one found would have needed."""
    fit = _compared(cohort).fits[-1]
    rows = rows_compared(cohort)
    last = float(rows[cohort.study.main.columns[0]].max())
    horizon = max([h for h in horizons(cohort) if h <= last], default=last)
    observed = follow_up(cohort.study.formula(), rows).tidy().set_index("estimand")
    person_time = observed["estimate"].astype(float)["person_time"]
    curve = kaplan_meier(cohort.study.formula(), rows).at([horizon])
    survival = float(curve["estimate"].iloc[0])
    return stacked(
        [
            sample_size(
                n_coefficients=fit.df,
                event_rate=fit.n_events / person_time,
                mean_follow_up=person_time / fit.n,
                horizon=horizon,
                cox_snell_r2=float(-np.expm1(-fit.lr_statistic / fit.n)),
            ).tidy(),
            sample_size_c_index(c_index=fit.c_index, event_share=1 - survival).tidy(),
        ]
    )

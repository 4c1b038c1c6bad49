"""Result tables of the form of each effect: bends, change over time, single rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import (
    estimated,
    fit_cox,
    full_model,
    step_sizes,
    with_step_texts,
)
from fahrstats.study.people_tables import stacked
from fahrstats.survival.cox_models.proportionality import ph_test
from fahrstats.survival.wald import as_ratio

ALL_SCORES = "all scores"
"""Label of the model that holds all scores."""

_KNOTS = 4


def hazard_curves(cohort: StudyCohort) -> pd.DataFrame:
    """Hazard ratio of each score as a spline, relative to its median, adjusted."""
    return _of_splines(cohort, _curve, "hr")


def nonlinearity(cohort: StudyCohort) -> pd.DataFrame:
    """Test whether the effect of each score bends, adjusted."""
    return _of_splines(cohort, _bends, "nonlinear_wald_chi2")


def term_tests(cohort: StudyCohort) -> pd.DataFrame:
    """Test what leaving out each term costs: of a score's model, and of all scores'."""
    study = cohort.study
    models = {score.name: study.adjusted(score.name) for score in study.scores}
    tables = [
        _tests(cohort, terms).assign(biomarker=score, model=full_model(cohort))
        for score, terms in models.items()
    ]
    if len(study.together) > 1:
        together = study.adjusted(*(score.name for score in study.together))
        tables.append(_tests(cohort, together).assign(biomarker="", model=ALL_SCORES))
    return stacked(tables)


def ratios_over_time(cohort: StudyCohort) -> pd.DataFrame:
    """Hazard ratio of each column of the adjusted models as it changes with time."""
    study, tables = cohort.study, []
    for score in study.scores:
        terms = study.adjusted(score.name)
        found = ph_test(
            study.formula(*terms),
            cohort.model_data,
            strata=study.analysis.strata,
            weights=study.analysis.weights,
        )
        columns = fit_cox(cohort, cohort.model_data, terms).columns
        variables = {column.term: column.variable for column in columns}
        table = found.over_time()
        table = table.assign(variable=table["term"].map(variables))
        size = table["variable"].map(step_sizes(cohort, terms)).fillna(1.0)
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            table[name] = table[name] * size
        tables.append(
            with_step_texts(cohort, as_ratio(table)).assign(
                biomarker=score.name, model=full_model(cohort)
            )
        )
    return stacked(tables)


def influence(cohort: StudyCohort) -> pd.DataFrame:
    """How far the most influential row moves each coefficient; no row is named."""
    return stacked(
        [
            estimated(
                cohort,
                partial(_influence, cohort, score.name),
                estimand="max_dfbetas",
                biomarker=score.name,
                model=full_model(cohort),
            )
            for score in cohort.study.scores
        ]
    )


def spline_terms(cohort: StudyCohort, score: str) -> tuple[str, ...]:
    """Return the terms of the adjusted model in which a score is a spline."""
    return cohort.study.adjusted(f"rcs({score}, {_KNOTS})")


def _curve(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Hazard ratio of one score by its value, in the units of the data."""
    fit = fit_cox(cohort, cohort.data, spline_terms(cohort, score))
    return fit.curve(score).tidy(exponentiate=True)


def _bends(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Test whether the effect of one score bends."""
    fit = fit_cox(cohort, cohort.data, spline_terms(cohort, score))
    return fit.nonlinearity(cohort.data)


def _of_splines(
    cohort: StudyCohort,
    make: Callable[[StudyCohort, str], pd.DataFrame],
    estimand: str,
) -> pd.DataFrame:
    """Stack a table of each score's spline, or why it has none."""
    return stacked(
        [
            estimated(
                cohort,
                partial(make, cohort, score.name),
                estimand=estimand,
                biomarker=score.name,
                model=full_model(cohort),
                variable=score.name,
            )
            for score in cohort.study.scores
        ]
    )


def _tests(cohort: StudyCohort, terms: Sequence[str]) -> pd.DataFrame:
    """Leave out every term of one model."""
    return fit_cox(cohort, cohort.model_data, terms).drop1(cohort.model_data)


def _influence(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Largest influence on the adjusted model of one score."""
    fit = fit_cox(cohort, cohort.model_data, cohort.study.adjusted(score))
    return fit.influence(cohort.model_data).tidy()

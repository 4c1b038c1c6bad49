"""Result tables of gaps between predicted and actual age."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd

from fahrstats.measurement.age_gap import AgeGap, gap
from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import estimated, fit_cox, full_model
from fahrstats.study.people_tables import stacked
from fahrstats.study.specification import Ages

_REFERENCE = "analysed rows"
"""Column that marks the reference group of gaps: everyone analysed."""

_GROUP = "gap_group"
GAP_STEPS = {"gap": "1", "residual_gap": "1", "sd_gap": "SD", _GROUP: ""}
"""Columns of gaps, each in a model of its own, with what its ratio is per."""

_BETWEEN = "between"


def gaps(cohort: StudyCohort) -> pd.DataFrame:
    """Describe the gaps of each predicted age: raw, residual and in deviations.

    The residual gap is what a predicted age exceeds its expectation at that age by,
    from a line through everyone analysed.
    """
    return _of_ages(cohort, _described, "mean")


def gap_ratios(cohort: StudyCohort) -> pd.DataFrame:
    """Hazard ratio of every kind of gap, and of its groups, given the covariates."""
    return _of_ages(cohort, _ratios, "hr")


def _of_ages(
    cohort: StudyCohort,
    make: Callable[[StudyCohort, str], pd.DataFrame],
    estimand: str,
) -> pd.DataFrame:
    """Stack a table of each predicted age, or why it has none."""
    return stacked(
        [
            estimated(
                cohort,
                partial(make, cohort, name),
                estimand=estimand,
                biomarker=name,
            )
            for name in _ages(cohort).predicted
        ]
    )


def _described(cohort: StudyCohort, name: str) -> pd.DataFrame:
    """Describe the gaps of one predicted age."""
    return _gap(cohort, name).tidy()


def _ratios(cohort: StudyCohort, name: str) -> pd.DataFrame:
    """Fit one adjusted model for each kind of gap of one predicted age."""
    found = _gap(cohort, name)
    data = found.augment(cohort.data)
    outer = [level for level in data[_GROUP].cat.categories if level != _BETWEEN]
    data[_GROUP] = data[_GROUP].cat.set_categories([_BETWEEN, *outer])
    tables = []
    for kind, step in GAP_STEPS.items():
        fit = fit_cox(cohort, data, cohort.study.adjusted(kind))
        table = fit.tidy(exponentiate=True)
        own = table[table["variable"] == kind]
        tables.append(own.assign(per=step, model=full_model(cohort)))
    return stacked(tables)


def _gap(cohort: StudyCohort, name: str) -> AgeGap:
    """Measure the gap of one predicted age against everyone analysed."""
    ages = _ages(cohort)
    return gap(
        cohort.data.assign(**{_REFERENCE: True}),
        predicted=name,
        age=ages.age,
        reference=_REFERENCE,
        sd_by=ages.sd_by,
        older=ages.older,
        younger=ages.younger,
    )


def _ages(cohort: StudyCohort) -> Ages:
    """Return the section of the study file, which these tables need."""
    assert cohort.study.ages is not None
    return cohort.study.ages

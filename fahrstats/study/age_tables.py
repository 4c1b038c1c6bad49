"""Result tables of gaps between predicted and actual age."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from fahrstats.cohort.characteristics import table_one
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

_DECADE = "decade"
_DECADES = [0.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, math.inf]
_DECADE_NAMES = [
    "under 20",
    *(f"{low} to {low + 9}" for low in range(20, 80, 10)),
    "80 or more",
]
_FEWEST = 5
"""Rows below which a decade is not described."""


def gaps(cohort: StudyCohort) -> pd.DataFrame:
    """Describe the gaps of each predicted age: raw, residual and in deviations.

    The residual gap is what a predicted age exceeds its expectation at that age by,
    from a line through everyone analysed.
    """
    table = _of_ages(cohort, _described, "mean").drop(
        columns="n_events", errors="ignore"
    )
    if "n_missing" in table:  # absent where no age has a gap
        n_missing = int(cohort.data[_ages(cohort).age].isna().sum())
        is_refused = table["n_missing"].isna()
        table.loc[is_refused, ["n", "n_missing"]] = [
            len(cohort.data) - n_missing,
            n_missing,
        ]
        table["n_missing"] = table["n_missing"].astype(np.int64)
    return table


def ages_by_decade(cohort: StudyCohort) -> pd.DataFrame:
    """Describe each predicted age by decade of the age lived, small decades left out.

    The last group is open, since a high age can tell who somebody is.
    """
    ages, data = _ages(cohort), cohort.data
    decades = pd.cut(data[ages.age], _DECADES, right=False, labels=_DECADE_NAMES)
    sizes = decades.value_counts()
    decades = decades.where(decades.map(sizes).astype(float) >= _FEWEST)
    known = data.assign(**{_DECADE: decades.cat.remove_unused_categories()})
    known = known[known[ages.age].notna()]
    return stacked(
        [
            table_one(known, [name], by=_DECADE).tidy().assign(biomarker=name)
            for name in ages.predicted
        ]
    )


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

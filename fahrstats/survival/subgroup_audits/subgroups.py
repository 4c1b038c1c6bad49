"""Does a score predict equally well in every subgroup."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import build_design
from fahrstats.cohort.levels import kept_levels
from fahrstats.cohort.roles import Roles
from fahrstats.survival.options import TIES, Ties, refuse_unknown
from fahrstats.survival.subgroup_audits.audited_columns import (
    check_min_events,
    subgroup_columns,
)
from fahrstats.survival.subgroup_audits.level_fits import (
    LevelModel,
    fit_everyone,
    fit_level,
    interaction_test,
    model_of,
    read_estimate,
)
from fahrstats.survival.subgroup_audits.subgroup_audit import (
    SubgroupAudit,
    SubgroupEstimate,
)

MIN_EVENTS = 10
"""Events below which a level is counted but not estimated."""


def by_subgroup(
    formula: str,
    data: pd.DataFrame,
    *,
    term: str,
    by: Sequence[str],
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    offset: str | None = None,
    ties: Ties = "efron",
    min_events: int = MIN_EVENTS,
) -> SubgroupAudit:
    """Estimate a score's adjusted hazard ratio in every level of every subgroup.

    The model is fitted again within each level. Rows whose subgroup is missing form a
    level of their own. A covariate that is constant within a level is left out there
    and named. A level with fewer than ``min_events`` events keeps its row and its
    counts, without an estimate. Equal effects are tested once per subgroup, by the
    likelihood ratio of the products of score and level (with the subgroup's own effect
    in both models), or by a robust Wald test where clusters or fractional weights
    demand it; a level too small to estimate is left out of the test and named.

    Parameters
    ----------
    formula
        Outcome, score and covariates.
    data
        One row per subject or interval. Never modified.
    term
        The score: a numeric column, or its transform, on the right-hand side.
    by
        Columns that define subgroups. Levels keep the order of a categorical column,
        and are sorted otherwise.
    strata, cluster, weights, id, offset, ties
        As in :func:`fahrstats.cox`.
    min_events
        Events below which a level is not estimated.

    Raises
    ------
    DataError
        A column is absent or holds a measurement rather than levels, ``term`` is not
        one column of the design, or the data cannot support the overall fit.

    References
    ----------
    Wang et al. (2007), New England Journal of Medicine 357:2189-2194.

    Examples
    --------
    >>> fs.by_subgroup("Surv(time, event) ~ faceage + age", cohort,
    ...                term="faceage", by=["sex", "race"]).tidy(exponentiate=True)
    """
    refuse_unknown("ties", ties, TIES)
    roles = Roles(strata, cluster, weights, id, offset)
    design = build_design(formula, data, **roles.named())
    columns = subgroup_columns(by, design.formula)
    check_min_events(min_events)
    model = model_of(formula, term, ties, design, data)
    maximum, overall = fit_everyone(design, ties)
    estimates = [read_estimate(design, maximum, term, "overall", "overall")]
    tests = []
    for column in columns:
        levels = kept_levels(data, column, design.rows)
        found = [
            _estimate(
                model, (levels == level).to_numpy(), column, str(level), min_events
            )
            for level in levels.cat.categories
        ]
        estimates += found
        tests.append(interaction_test(model, levels, found))
    return SubgroupAudit(term, formula, overall, tuple(estimates), tuple(tests))


def _estimate(
    model: LevelModel,
    chosen: NDArray[np.bool_],
    column: str,
    level: str,
    min_events: int,
) -> SubgroupEstimate:
    """Fit the model within one level, or say why not."""
    n, n_events = int(chosen.sum()), int(model.design.event[chosen].sum())
    if n_events < min_events:
        note = f"too few events ({n_events} < {min_events})"
        return SubgroupEstimate(column, level, np.nan, np.nan, n, n_events, note)
    return fit_level(model, chosen, column, level).estimate

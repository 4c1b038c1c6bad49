"""Does a score predict equally well in every subgroup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.encoding import DesignColumn
from fahrstats.cohort.levels import kept_levels
from fahrstats.cohort.parts import cut_design, with_columns
from fahrstats.cohort.roles import Roles
from fahrstats.errors import ConvergenceError, DataError
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.fit_options import asks_for_robust
from fahrstats.survival.cox_models.hazards import (
    covariances,
    fit_maximum,
    is_fragile,
    maximize_design,
)
from fahrstats.survival.cox_models.maximum import Maximum
from fahrstats.survival.options import TIES, Ties, refuse_unknown
from fahrstats.survival.subgroup_audits.audited_columns import (
    check_min_events,
    subgroup_columns,
)
from fahrstats.survival.subgroup_audits.subgroup_audit import (
    Interaction,
    SubgroupAudit,
    SubgroupEstimate,
)
from fahrstats.survival.wald import quadratic_form

if TYPE_CHECKING:
    pass

FloatArray = NDArray[np.float64]

MIN_EVENTS = 10
"""Events below which a level is counted but not estimated."""

_LEVEL = "subgroup level"


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
    numeric = [column.term for column in design.columns if not column.level]
    if term not in numeric:
        raise DataError(
            f"`term` is `{term}`, which is not one numeric column of `{formula}`; "
            f"those are {', '.join(f'`{name}`' for name in numeric) or 'none'}."
        )
    model = _Model(formula, term, ties, design, data.iloc[design.rows])
    maximum, overall = _fit_everyone(design, ties)
    estimates = [_read_estimate(design, maximum, term, "overall", "overall")]
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
        tests.append(_test_interaction(model, levels, found))
    return SubgroupAudit(term, formula, overall, tuple(estimates), tuple(tests))


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """What is fitted in everyone and again in each level."""

    formula: str
    term: str
    ties: Ties
    design: Design
    kept: pd.DataFrame

    def part(self, chosen: NDArray[np.bool_]) -> Design:
        """Return the design of some rows, by the gate where it cannot be cut."""
        if chosen.all():
            return self.design
        part = cut_design(self.design, chosen)
        if part is not None:
            return part
        roles = self.design.roles.named()
        return build_design(self.formula, self.kept[chosen], **roles)


def _fit_everyone(design: Design, ties: Ties) -> tuple[Maximum, CoxFit]:
    """Fit the model to all rows; warnings point to the caller's caller."""
    maximum = maximize_design(design, ties=ties)
    return maximum, fit_maximum(design, maximum, ties=ties)


def _estimate(
    model: _Model,
    chosen: NDArray[np.bool_],
    column: str,
    level: str,
    min_events: int,
) -> SubgroupEstimate:
    """Fit the model within one level, or say why not."""
    n, n_events = int(chosen.sum()), int(model.design.event[chosen].sum())
    blank = SubgroupEstimate(column, level, np.nan, np.nan, n, n_events, "")
    if n_events < min_events:
        return replace(blank, note=f"too few events ({n_events} < {min_events})")
    try:
        part = model.part(chosen)
        maximum = maximize_design(part, ties=model.ties)
    except (DataError, ConvergenceError) as error:
        return replace(blank, note=f"not estimated: {error}")
    found = _read_estimate(part, maximum, model.term, column, level)
    if not is_fragile(part, maximum):
        return found
    p = int(maximum.is_estimated.sum())
    fragile = f"fragile: {n_events} events for {p} coefficients"
    return replace(found, note="; ".join(filter(None, [found.note, fragile])))


def _read_estimate(
    design: Design, maximum: Maximum, term: str, subgroup: str, level: str
) -> SubgroupEstimate:
    """Take the score's row out of a fit."""
    j = design.terms.index(term)
    cov, _ = covariances(design, maximum)
    reasons = [a.equals for a in maximum.aliased if a.term == term]
    if any(monotone.term == term for monotone in maximum.monotone):
        reasons.append("infinite: monotone likelihood")
    reasons += [f"left out: {a.equals}" for a in maximum.aliased if a.term != term]
    return SubgroupEstimate(
        subgroup=subgroup,
        level=level,
        log_hr=float(maximum.log_hr[j]),
        std_error=float(np.sqrt(cov[j, j])),
        n=design.n,
        n_events=design.n_events,
        note="; ".join(reasons),
    )


def _test_interaction(
    model: _Model, levels: pd.Series, found: Sequence[SubgroupEstimate]
) -> Interaction:
    """Compare one effect for all levels with one effect for each."""
    usable = [row.level for row in found if np.isfinite(row.log_hr)]
    left_out = [row.level for row in found if row.level not in usable]
    in_test = levels.isin(usable).to_numpy()
    note = f"without {', '.join(left_out)}" if left_out else ""
    n_events = sum(row.n_events for row in found if row.level in usable)
    n, column = int(in_test.sum()), found[0].subgroup
    untested = Interaction(column, np.nan, 0, np.nan, n, n_events, "")
    if len(usable) < 2:
        return replace(untested, note="fewer than two levels can be estimated")
    try:
        part = model.part(in_test)
        smaller, larger = _with_levels(part, model.term, levels[in_test], usable)
        low, high = (
            maximize_design(design, ties=model.ties) for design in (smaller, larger)
        )
    except (DataError, ConvergenceError) as error:
        return replace(untested, note=f"not tested: {error}")
    if asks_for_robust(larger, "auto"):
        kind = "robust Wald test"
        chosen = np.arange(larger.X.shape[1]) >= smaller.X.shape[1]
        chosen &= np.isfinite(high.log_hr)
        effects, cov = high.log_hr[chosen], covariances(larger, high)[0]
        df = effects.size
        statistic = quadratic_form(effects, cov[np.ix_(chosen, chosen)])
    else:
        kind = "likelihood-ratio test"
        df = int(high.is_estimated.sum() - low.is_estimated.sum())
        statistic = 2 * (high.log_likelihood - low.log_likelihood)
    return Interaction(
        subgroup=column,
        statistic=statistic,
        df=df,
        p_value=float(chi2.sf(statistic, df)),
        n=n,
        n_events=n_events,
        note="; ".join(filter(None, [kind, note])),
    )


def _with_levels(
    design: Design, term: str, levels: pd.Series, usable: Sequence[str]
) -> tuple[Design, Design]:
    """Add the effect of every level but the first, and then their products with it."""
    others = usable[1:]
    names = levels.to_numpy(object)
    own = np.column_stack([names == level for level in others]).astype(np.float64)
    score = design.X[:, [design.terms.index(term)]]
    columns = [
        DesignColumn(f"{_LEVEL} {level}", _LEVEL, level, usable[0]) for level in others
    ]
    products = [
        replace(column, term=f"{column.term} x {term}", level="", reference="")
        for column in columns
    ]
    smaller = with_columns(design, own, columns)
    return smaller, with_columns(smaller, own * score, products)

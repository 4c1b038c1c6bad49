"""One model fitted again within levels, and the test that a score's effect is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.encoding import DesignColumn
from fahrstats.cohort.parts import cut_design, with_columns
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
from fahrstats.survival.options import Ties
from fahrstats.survival.subgroup_audits.subgroup_audit import (
    Interaction,
    SubgroupEstimate,
)
from fahrstats.survival.wald import quadratic_form

BoolArray = NDArray[np.bool_]

_LEVEL = "subgroup level"


@dataclass(frozen=True, slots=True, eq=False)
class LevelModel:
    """What is fitted in everyone and again in each level.

    Attributes
    ----------
    formula, term, ties : str
        The model, its score, and the treatment of ties.
    design : Design
        All n rows.
    kept : DataFrame
        The rows of the data that these are.
    """

    formula: str
    term: str
    ties: Ties
    design: Design
    kept: pd.DataFrame

    def part(self, chosen: BoolArray) -> Design:
        """Return the design of some rows, by the gate where it cannot be cut."""
        if chosen.all():
            return self.design
        part = cut_design(self.design, chosen)
        if part is not None:
            return part
        roles = self.design.roles.named()
        return build_design(self.formula, self.kept[chosen], **roles)


@dataclass(frozen=True, slots=True, eq=False)
class LevelFit:
    """The effect in one level, with the fit behind it, if there is one."""

    estimate: SubgroupEstimate
    design: Design | None = None
    maximum: Maximum | None = None


def model_of(
    formula: str, term: str, ties: Ties, design: Design, data: pd.DataFrame
) -> LevelModel:
    """Describe the model to fit within levels.

    Raises
    ------
    DataError
        ``term`` is not one numeric column of the design.
    """
    numeric = [column.term for column in design.columns if not column.level]
    if term not in numeric:
        raise DataError(
            f"`term` is `{term}`, which is not one numeric column of `{formula}`; "
            f"those are {', '.join(f'`{name}`' for name in numeric) or 'none'}."
        )
    return LevelModel(formula, term, ties, design, data.iloc[design.rows])


def fit_everyone(design: Design, ties: Ties) -> tuple[Maximum, CoxFit]:
    """Fit the model to all rows; warnings point to the caller's caller."""
    maximum = maximize_design(design, ties=ties)
    return maximum, fit_maximum(design, maximum, ties=ties)


def fit_level(
    model: LevelModel, chosen: BoolArray, column: str, level: str
) -> LevelFit:
    """Fit the model within one level, or say why not."""
    n, n_events = int(chosen.sum()), int(model.design.event[chosen].sum())
    try:
        part = model.part(chosen)
        maximum = maximize_design(part, ties=model.ties)
    except (DataError, ConvergenceError) as error:
        note = f"not estimated: {error}"
        return LevelFit(
            SubgroupEstimate(column, level, np.nan, np.nan, n, n_events, note)
        )
    found = read_estimate(part, maximum, model.term, column, level)
    if is_fragile(part, maximum):
        p = int(maximum.is_estimated.sum())
        fragile = f"fragile: {n_events} events for {p} coefficients"
        found = replace(found, note="; ".join(filter(None, [found.note, fragile])))
    return LevelFit(found, part, maximum)


def read_estimate(
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


def interaction_test(
    model: LevelModel, levels: pd.Series, found: Sequence[SubgroupEstimate]
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

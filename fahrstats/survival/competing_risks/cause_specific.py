"""Cox models of competing causes, each with events of the others censored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from fahrstats.cohort.design import Design, build_design
from fahrstats.columns import in_order
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.survival.competing_risks.causes import Causes, read_causes
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.hazards import fit_design
from fahrstats.survival.options import TIES, Ties, refuse_unknown

if TYPE_CHECKING:
    from plotnine import ggplot


def cause_specific_cox(
    formula: str,
    data: pd.DataFrame,
    *,
    cause: str,
    of: str | float | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    ties: Ties = "efron",
) -> CauseSpecificFits:
    """Fit a Cox model to the hazard of each cause, events of the others censored.

    A cause-specific hazard is the rate of the cause among those still free of every
    event; its ratio says what a covariate does to that rate, and not by itself what it
    does to the cumulative incidence, which depends on the other causes too (see
    :func:`fahrstats.fine_gray`). All models use the same rows: those complete in every
    column used. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and covariates. The event is 0/1: an event of any cause. Delayed entry
        is allowed.
    data
        One row per subject, or per interval a subject is at risk.
    cause
        Column that names the cause of each event, as in
        :func:`fahrstats.cumulative_incidence`.
    of
        One cause; all of them by default.
    strata, cluster, weights, id, ties
        As in :func:`fahrstats.cox`.

    Raises
    ------
    FormulaError
        The formula cannot be read, or holds the causes.
    DataError
        An event has no cause, no event has the one asked for, or the data cannot
        support a fit.
    ConvergenceError
        The iteration ended without a maximum.

    References
    ----------
    Prentice et al. (1978), Biometrics 34:541-554.

    Examples
    --------
    >>> fits = fs.cause_specific_cox("Surv(time, event) ~ faceage + age", cohort,
    ...                              cause="cause_of_death")
    >>> fits.tidy(exponentiate=True)
    >>> fits.fits["cancer"].glance()
    """
    refuse_unknown("ties", ties, TIES)
    design = build_design(
        formula, data, strata=strata, cluster=cluster, weights=weights, id=id
    )
    causes = read_causes(design, data, cause, formula=formula)
    chosen = range(len(causes.labels)) if of is None else [causes.position(of)]
    fits = {
        causes.labels[code]: fit_design(
            _others_censored(design, causes, code), ties=ties
        )
        for code in chosen
    }
    return CauseSpecificFits(cause, MappingProxyType(fits))


@dataclass(frozen=True, slots=True, eq=False)
class CauseSpecificFits:
    """Cox models of c causes on the same rows.

    Attributes
    ----------
    cause : str
        Column of the causes.
    fits : mapping of str to CoxFit
        The fitted model of each cause. Where a method of one takes the data again, its
        event column must mark events of that cause only.
    """

    cause: str
    fits: Mapping[str, CoxFit]

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of the causes."""
        return tuple(self.fits)

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per cause and design column, as the fit of each cause has them."""
        return _stack(
            {
                name: fit.tidy(
                    exponentiate=exponentiate, per=per, conf_level=conf_level
                )
                for name, fit in self.fits.items()
            }
        )

    def by_cause(self) -> pd.DataFrame:
        """One row per cause: sizes, likelihoods, test and C-index of its model."""
        return _stack({name: fit.glance() for name, fit in self.fits.items()})

    def glance(self) -> pd.DataFrame:
        """One row: rows, events of all causes modelled, and rows left out."""
        table = self.by_cause()
        values = {
            "n": table["n"].iloc[:1],
            "n_events": table["n_events"].sum(),
            "n_dropped": table["n_dropped"].iloc[:1],
        }
        return pd.DataFrame(values)[in_order(values)]

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of the hazard ratios: below each term, its ratio by cause."""
        from fahrstats.display.figures import forest

        of = f", {self.causes[0]}" if len(self.fits) == 1 else ""
        return forest(
            self.tidy(exponentiate=True, per=per),
            x_label=f"Cause-specific hazard ratio (95% CI){of}",
        )

    def summary(self) -> str:
        """Describe the model of every cause as text."""
        from fahrstats.survival.competing_risks.incidence_summaries import (
            summarize_cause_specific,
        )

        return summarize_cause_specific(self)

    def __str__(self) -> str:
        return self.summary()


def _others_censored(design: Design, causes: Causes, code: int) -> Design:
    """Return the design with events of one cause only."""
    event = causes.codes == code
    sets = sort_risk_sets(
        design.time,
        event,
        entry=design.entry,
        strata=design.strata,
        weights=design.weights,
    )
    return replace(design, event=event, risk_sets=sets)


def _stack(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Stack the tables of the causes, each with its name."""
    table = pd.concat(
        [table.assign(cause=name) for name, table in tables.items()],
        ignore_index=True,
    )
    return table[in_order(table.columns)]

"""Decision curves: what acting on predicted risks is worth, by threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.draws import draw_risk_sets
from fahrstats.kernels.net_benefit import count_reached, net_benefit
from fahrstats.resampling import draw_counts, map_in_order
from fahrstats.survival.model_comparison.measures import THRESHOLDS
from fahrstats.survival.model_comparison.optimism import check_counts
from fahrstats.survival.options import check_conf_level
from fahrstats.survival.predictions.horizons import (
    as_horizon,
    check_risks,
    count_at_horizons,
    judge_columns,
    tied_horizons,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TREAT_ALL: Final = "treat all"
TREAT_NONE: Final = "treat none"
"""Names of the two strategies that need no prediction."""


def decision_curve(
    formula: str,
    data: pd.DataFrame,
    *,
    horizon: float,
    thresholds: Sequence[float] = THRESHOLDS,
    weights: str | None = None,
    n_boot: int = 0,
    seed: int = 0,
) -> DecisionCurve:
    """Estimate the net benefit of treating those whose predicted risk is high.

    At threshold p, whoever has a predicted risk of at least p is treated. The net
    benefit is the share of rows treated rightly, who would have had the event by the
    horizon, minus the share treated in vain times p / (1 - p), the harm of a treatment
    in vain that makes p the threshold. It is in units of rightly treated rows per row:
    0.05 is worth 5 of them among 100 without any treated in vain. Treating all and
    treating none are drawn beside; a model is of use where it is above both. Shares are
    Kaplan-Meier risks among those treated, so that censoring may depend on whether the
    risk is above the threshold.

    Every column of the right-hand side is a set of predicted risks judged on its own,
    on the rows complete for all. Rows with a missing value in any column used are left
    out and counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and predicted probabilities of the event by the horizon:
        ``"Surv(time, event) ~ risk_clinical + risk_both"``.
    data
        One row per subject.
    horizon
        Time that the predictions are about, in the units of the follow-up time.
    thresholds
        Risks between 0 and 1, chosen for the treatment before the data are seen.
    weights
        Column of case weights.
    n_boot
        Bootstrap draws for pointwise percentile intervals; 0 for none.
    seed
        Decides the draws.

    Raises
    ------
    FormulaError
        The formula cannot be read, names no column, or has delayed entry.
    DataError
        A threshold is not between 0 and 1, a predicted risk is outside 0 to 1, the
        horizon is not above 0, no event happens by it, nobody is followed beyond it, or
        the data do not pass the gate.

    References
    ----------
    Vickers and Elkin (2006), Medical Decision Making 26:565-574. Vickers et al. (2008),
    BMC Medical Informatics and Decision Making 8:53.

    Examples
    --------
    >>> curve = fs.decision_curve("Surv(time, event) ~ risk_clinical + risk_both",
    ...                           cohort, horizon=5, thresholds=[0.05, 0.1, 0.2])
    >>> curve.contrast("risk_both", "risk_clinical")
    """
    at, cuts = as_horizon(horizon), _check_thresholds(thresholds)
    check_counts(n_boot=n_boot, n_workers=1)
    design = judge_columns(formula, data, (at,), weights=weights)
    reached = count_reached(check_risks(design), cuts)
    everybody = np.full((design.n, 1), cuts.size)
    reached = np.column_stack([reached, everybody])
    n_events, n_censored = count_at_horizons(design, (at,))
    (tied,) = tied_horizons(design, (at,))
    return DecisionCurve(
        formula=formula,
        terms=design.terms,
        horizon=at,
        thresholds=cuts,
        net_benefit=net_benefit(design.risk_sets, tied, reached, cuts),
        n_treated=(reached[:, :, None] > np.arange(cuts.size)).sum(axis=0).T,
        draws=_draw(design, tied, reached, cuts, n_boot, seed),
        n=design.n,
        n_events=int(n_events[0]),
        n_censored=int(n_censored[0]),
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class DecisionCurve:
    """Net benefit of k sets of predicted risks at m thresholds.

    Attributes
    ----------
    formula : str
        The formula as given.
    terms : tuple of str
        Names of the predicted risks.
    horizon : float
        The horizon.
    thresholds : ndarray of shape (m,)
        The thresholds, rising.
    net_benefit : ndarray of shape (m, k + 1)
        Net benefit of each set, and of treating all; that of treating none is 0.
    n_treated : ndarray of int64, shape (m, k + 1)
        Rows treated.
    draws : ndarray of shape (n_boot, m, k + 1)
        Net benefit in each draw of the bootstrap.
    n, n_events, n_censored, n_dropped : int
        Rows used; with the event and censored up to the horizon; left out.
    """

    formula: str
    terms: tuple[str, ...]
    horizon: float
    thresholds: FloatArray
    net_benefit: FloatArray
    n_treated: IntArray
    draws: FloatArray
    n: int
    n_events: int
    n_censored: int
    n_dropped: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per strategy and threshold; limits need bootstrap draws.

        Strategies are the sets of predicted risks, ``"treat all"`` and
        ``"treat none"``. Where follow-up of those treated ends before the horizon the
        net benefit is missing.
        """
        names = (*self.terms, TREAT_ALL, TREAT_NONE)
        tables = [
            self._rows(name, "net_benefit", *self._of(name), conf_level).assign(
                note=self._note(name)
            )
            for name in names
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[in_order(table.columns)]

    def contrast(self, a: str, b: str, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Net benefit of strategy ``a`` minus that of ``b`` at each threshold.

        Limits are from the same bootstrap draws for both. There is no test: whichever
        strategy has the highest net benefit is the best choice (Vickers et al. 2016).

        Raises
        ------
        DataError
            A name is not a strategy.

        References
        ----------
        Vickers, Van Calster and Steyerberg (2016), BMJ 352:i6.
        """
        (found, draws), (other, other_draws) = self._of(a), self._of(b)
        table = self._rows(
            f"{a} - {b}",
            "delta_net_benefit",
            found - other,
            draws - other_draws,
            conf_level,
        )
        notes = [
            f"{x}; {y}" if x and y and x != y else x or y
            for x, y in zip(self._note(a), self._note(b), strict=True)
        ]
        table = table.assign(note=notes)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events up to the horizon and rows left out."""
        values = {"n": self.n, "n_events": self.n_events, "n_dropped": self.n_dropped}
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Net benefit by threshold, a line a strategy."""
        from fahrstats.display.figures import decision_curves

        return decision_curves(self.tidy())

    def summary(self) -> str:
        """Describe the result as text: where each set is above the other strategies."""
        lines = [
            f"Decision curve at {self.horizon:g}: {self.formula}",
            f"{self.n} rows, {self.n_dropped} left out; {self.n_events} events and "
            f"{self.n_censored} censored by then",
            f"{self.thresholds.size} thresholds from {self.thresholds[0]:g} to "
            f"{self.thresholds[-1]:g}; {len(self.draws)} bootstrap draws",
        ]
        best_without = np.maximum(self.net_benefit[:, -1], 0.0)
        width = max(len(term) for term in self.terms)
        for j, term in enumerate(self.terms):
            is_useful = self.net_benefit[:, j] > best_without
            where = (
                "nowhere"
                if not is_useful.any()
                else _listed(self.thresholds, is_useful)
            )
            lines.append(f"  {term:<{width}}  above treating all and none: {where}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _of(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Net benefit of a strategy (m,), and in each draw (n_boot, m)."""
        if name == TREAT_NONE:
            return np.zeros(self.thresholds.size), np.zeros(self.draws.shape[:2])
        j = self._position(name)
        return self.net_benefit[:, j], self.draws[:, :, j]

    def _position(self, name: str) -> int:
        """Return the column of a strategy, or refuse an unknown name."""
        known = (*self.terms, TREAT_ALL)
        if name not in known:
            names = ", ".join(f"`{each}`" for each in (*known, TREAT_NONE))
            raise DataError(f"There is no strategy `{name}`; there are {names}.")
        return known.index(name)

    def _note(self, name: str) -> list[str]:
        """Say where nobody is treated, and where nothing is known about them."""
        if name == TREAT_NONE:
            return [""] * self.thresholds.size
        j = self._position(name)
        ends = np.isnan(self.net_benefit[:, j])
        nobody = self.n_treated[:, j] == 0
        return [
            "follow-up of those treated ends before the horizon"
            if end
            else "nobody is treated"
            if none
            else ""
            for end, none in zip(ends, nobody, strict=True)
        ]

    def _rows(
        self,
        term: str,
        estimand: str,
        found: FloatArray,
        draws: FloatArray,
        conf_level: float,
    ) -> pd.DataFrame:
        """Rows of one strategy or contrast with limits from its draws."""
        check_conf_level(conf_level)
        tail = (1 - conf_level) / 2
        limits = np.full((2, found.size), np.nan)
        std_error = np.full(found.size, np.nan)
        is_known = ~np.isnan(draws).all(axis=0) & ~np.isnan(found)
        if len(draws) and is_known.any():
            limits[:, is_known] = np.nanquantile(
                draws[:, is_known], [tail, 1 - tail], axis=0
            )
            std_error[is_known] = np.nanstd(draws[:, is_known], axis=0, ddof=1)
        return pd.DataFrame(
            {
                "term": term,
                "estimand": estimand,
                "time": self.horizon,
                "threshold": self.thresholds,
                "estimate": found,
                "std_error": std_error,
                "conf_low": limits[0],
                "conf_high": limits[1],
                "n_censored": self.n_censored,
                "n": self.n,
                "n_events": self.n_events,
            }
        )


def _check_thresholds(thresholds: Sequence[float]) -> FloatArray:
    """Return thresholds in rising order, each once, if they are risks to act on."""
    given = np.unique(np.asarray(thresholds, np.float64))
    if not given.size:
        raise DataError("`thresholds` is empty; give at least one risk.")
    outside = given[~((given > 0) & (given < 1))]
    if outside.size:
        raise DataError(
            f"`thresholds` holds {outside[0]:g}; give risks above 0 and below 1."
        )
    return given


def _draw(
    design: Design,
    horizon: float,
    reached: IntArray,
    thresholds: FloatArray,
    n_boot: int,
    seed: int,
) -> FloatArray:
    """Net benefit in each bootstrap draw, shape (n_boot, m, k)."""
    sets = design.risk_sets

    def in_draw(draw: Callable[[], IntArray]) -> FloatArray:
        drawn, kept = draw_risk_sets(sets, draw()[sets.order])
        return net_benefit(drawn, horizon, reached[kept], thresholds)

    draws = list(map_in_order(in_draw, draw_counts(seed, n_boot, design.n)))
    shape = (n_boot, thresholds.size, reached.shape[1])
    return np.stack(draws) if draws else np.empty(shape)


def _listed(thresholds: FloatArray, chosen: NDArray[np.bool_]) -> str:
    """Ranges of neighbouring thresholds that are chosen, as text."""
    starts = np.flatnonzero(np.diff(np.append(False, chosen).astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.append(chosen, False).astype(int)) == -1)
    return ", ".join(
        f"{thresholds[a]:g}" if a == b else f"{thresholds[a]:g} to {thresholds[b]:g}"
        for a, b in zip(starts, ends, strict=True)
    )

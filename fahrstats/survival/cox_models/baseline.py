"""The baseline hazard of a Cox model, and the survival it predicts for new rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.cohort.encoding import design_matrix
from fahrstats.cohort.follow_up import tie_with
from fahrstats.cohort.roles import offset_values
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.product_limit import Interval, life_table, survival_limits
from fahrstats.kernels.score_residuals import hazard_weighted_means
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.fitted_rows import (
    FittedRows,
    find_fitted_rows,
    finite_log_hr,
)
from fahrstats.survival.options import check_conf_level, refuse_unknown
from fahrstats.survival.over_time.survival_curves import check_times

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BaselineHazard:
    """Cumulative baseline hazard of each stratum of a Cox model, as steps.

    Attributes
    ----------
    fit : CoxFit
        The model.
    strata_levels : tuple of str
        Names of the k strata; one empty name where the model has none.
    start : ndarray of int64, shape (k + 1,)
        Position of each stratum's first step, at time 0, and the number m of steps.
    time, cumulative_hazard : ndarray of shape (m,)
        Hazard summed up to ``time``, at the column means of the fit, and at the mean of
        its offset if there is one.
    variance : ndarray of shape (m,)
        Its variance were the coefficients known.
    lived_means : ndarray of shape (m, p)
        Its derivative by the coefficients, sign reversed: means of the risk sets, less
        the column means, times the hazard, summed.
    n_at_risk : ndarray of shape (m,)
        At risk just before ``time`` (at time 0: just after); sums of weights.
    group_n, group_events : ndarray of shape (k,)
        Rows and events of each stratum.
    """

    fit: CoxFit
    strata_levels: tuple[str, ...]
    start: NDArray[np.int64]
    time: FloatArray
    cumulative_hazard: FloatArray
    variance: FloatArray
    lived_means: FloatArray
    n_at_risk: FloatArray
    group_n: NDArray[np.int64]
    group_events: NDArray[np.int64]

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per step: the cumulative hazard at the column means.

        Limits are symmetric for its logarithm. ``n`` and ``n_events`` are those of the
        stratum, ``level``.
        """
        z = _normal_quantile(conf_level)
        sizes = np.diff(self.start)
        at_means = np.zeros((1, len(self.fit.terms)))
        hazard = self.cumulative_hazard
        std_error = self._std_error(at_means, slice(None))[0]
        factor = np.full(hazard.size, np.nan)
        np.divide(z * std_error, hazard, out=factor, where=hazard > 0)
        values = {
            "level": np.repeat(self.strata_levels, sizes),
            "estimand": "cumulative_hazard",
            "time": self.time,
            "estimate": hazard,
            "std_error": std_error,
            "conf_low": hazard * np.exp(-factor),
            "conf_high": hazard * np.exp(factor),
            "n_at_risk": self.n_at_risk,
            "n": np.repeat(self.group_n, sizes),
            "n_events": np.repeat(self.group_events, sizes),
        }
        return pd.DataFrame(values)[in_order(values)]

    def survival(
        self,
        new_data: pd.DataFrame,
        times: Sequence[float] | FloatArray | None = None,
        *,
        interval: Interval = "log-log",
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Predict survival of new rows, one row per row of ``new_data`` and time.

        Parameters
        ----------
        new_data
            One row per prediction, with the covariates of the model. With its column
            of strata, each row is predicted from its own stratum; without, from every
            one. ``group`` is the label of the row, ``level`` the stratum.
        times
            Times of follow-up; every step of the stratum if None. Beyond the last
            follow-up of the stratum survival is not known: missing, with a note.
        interval
            Scale of the limits, as in :func:`fahrstats.kaplan_meier`.

        Raises
        ------
        DataError
            A column is absent, or a factor or the strata have a level that the fit did
            not see.

        Notes
        -----
        exp(-H) with Breslow's estimate of the cumulative hazard H, or Efron's where the
        fit has Efron's ties. Its variance includes that of the coefficients, from the
        covariance of the fit. Equal to R's ``survfit(fit, newdata)``.

        References
        ----------
        Tsiatis (1981), Annals of Statistics 9:93-108. Therneau and Grambsch (2000),
        section 10.2.
        """
        refuse_unknown("interval", interval, get_args(Interval))
        z = _normal_quantile(conf_level)
        wanted = None if times is None else check_times(times)
        parts = [
            self._predict(k, rows, X, log_hr, wanted)
            for k, rows, X, log_hr in self._by_stratum(new_data)
        ]
        table = pd.concat(parts, ignore_index=True)
        table = table.sort_values("row", kind="stable", ignore_index=True)
        low, high = survival_limits(
            table["estimate"].to_numpy(), table["std_error"].to_numpy(), interval, z
        )
        labels = new_data.index.map(str).to_numpy()[table["row"]]
        table = table.assign(
            group=labels, estimand="survival", conf_low=low, conf_high=high
        ).drop(columns="row")
        return table[in_order(table.columns)]

    def risk(
        self,
        new_data: pd.DataFrame,
        horizon: float,
        *,
        interval: Interval = "log-log",
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Predict the risk of the event by ``horizon``: 1 - :meth:`survival`."""
        if not isinstance(horizon, Real) or not np.isfinite(horizon) or horizon < 0:
            raise DataError(f"`horizon` is {horizon}; give a time of follow-up.")
        table = self.survival(
            new_data, [horizon], interval=interval, conf_level=conf_level
        )
        return table.assign(
            estimand="risk",
            estimate=1 - table["estimate"],
            conf_low=1 - table["conf_high"],
            conf_high=1 - table["conf_low"],
        )

    def glance(self) -> pd.DataFrame:
        """One row: rows, events and rows left out."""
        return self.fit.glance()[["n", "n_events", "n_dropped"]]

    def plot(self, new_data: pd.DataFrame | None = None) -> ggplot:
        """Draw predicted survival of new rows, or of each stratum at the column means.

        A curve fades where few of its stratum are left at risk.
        """
        from fahrstats.display.figures import survival_curves

        if new_data is None:
            table = self._at_means()
        else:
            table = self.survival(new_data)
            if table["level"].nunique() > 1:
                strata = f", {self.fit.roles.strata} "
                table["group"] += strata + table["level"].map(_plain)
            table = table.dropna(subset="estimate")
        return survival_curves(table, y_label="Predicted survival")

    def summary(self) -> str:
        """Describe the baseline hazard as text: survival at the means, by stratum."""
        ties = "Efron" if self.fit.ties == "efron" else "Breslow"
        lines = [f"Baseline hazard ({ties}): {self.fit.formula}"]
        for k, level in enumerate(self.strata_levels):
            last = self.start[k + 1] - 1
            lines.append(
                f"{level or 'overall'}: {self.group_n[k]} rows, "
                f"{self.group_events[k]} events; survival at the column means "
                f"{np.exp(-self.cumulative_hazard[last]):.3g} by {self.time[last]:g}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _by_stratum(
        self, new_data: pd.DataFrame
    ) -> Iterator[tuple[int, NDArray[np.int64], FloatArray, FloatArray]]:
        """Yield every stratum with its new rows: positions, centred columns, log HR."""
        if not len(new_data):
            raise DataError("`new_data` has no rows.")
        X = design_matrix(self.fit.encoder, new_data) - self.fit.means
        log_hr = X @ finite_log_hr(self.fit)
        offset, strata = self.fit.roles.offset, self.fit.roles.strata
        if offset is not None:
            log_hr += offset_values(new_data, offset) - self.fit.offset_mean
        everyone = np.arange(len(new_data))
        if strata is None or strata not in new_data.columns:
            for k in range(len(self.strata_levels)):
                yield k, everyone, X, log_hr
            return
        codes = self._strata_codes(new_data[strata])
        for k in np.unique(codes):
            rows = np.flatnonzero(codes == k)
            yield int(k), rows, X[rows], log_hr[rows]

    def _strata_codes(self, values: pd.Series) -> NDArray[np.int64]:
        """Code of the stratum of every new row; refuse strata without a hazard."""
        known = [_plain(level) for level in self.strata_levels]
        names = values.astype(object).map(lambda value: _plain(str(value)))
        unseen = names[~names.isin(known)]
        if len(unseen):
            levels = ", ".join(f"`{level}`" for level in self.strata_levels)
            raise DataError(
                f"`{values.name}` is missing or a stratum unseen at fitting in "
                f"{len(unseen)} of {len(values)} rows (`{unseen.iloc[0]}`); the strata "
                f"are {levels}."
            )
        codes = names.map({name: k for k, name in enumerate(known)})
        return np.asarray(codes, np.int64)

    def _predict(
        self,
        k: int,
        rows: NDArray[np.int64],
        X: FloatArray,
        log_hr: FloatArray,
        wanted: FloatArray | None,
    ) -> pd.DataFrame:
        """Survival of new rows of one stratum at times, with all but the limits."""
        time = self.time[self.start[k] : self.start[k + 1]]
        times = time if wanted is None else tie_with(wanted, time)
        at = self.start[k] + np.searchsorted(time, times, "right") - 1
        n_at_risk = np.append(self.n_at_risk[self.start[k] : self.start[k + 1]], 0.0)
        unit = self._std_error(X, at)
        with np.errstate(over="ignore", divide="ignore"):
            hazard = np.exp(log_hr[:, None] + np.log(self.cumulative_hazard[at]))
            survival = np.exp(-hazard)
            # Survival times the hazard ratio is 0 in the limit of either.
            std_error = np.exp(log_hr[:, None] - hazard + np.log(unit))
        survival[:, times > time[-1]] = std_error[:, times > time[-1]] = np.nan
        notes = np.where(
            times > time[-1], f"beyond the last follow-up, {time[-1]:g}", ""
        )
        is_missing = np.isnan(log_hr)[:, None]
        return pd.DataFrame(
            {
                "row": np.repeat(rows, times.size),
                "level": self.strata_levels[k],
                "time": np.tile(time if wanted is None else wanted, rows.size),
                "estimate": survival.ravel(),
                "std_error": std_error.ravel(),
                "n_at_risk": np.tile(
                    n_at_risk[np.searchsorted(time, times)], rows.size
                ),
                "n": self.group_n[k],
                "n_events": self.group_events[k],
                "note": np.where(is_missing, "a covariate is missing", notes).ravel(),
            }
        )

    def _std_error(self, X: FloatArray, at: slice | NDArray[np.int64]) -> FloatArray:
        """Return the standard error of H over its hazard ratio, shape (r, t).

        For r centred rows X (r, p) at t steps.
        """
        hazard, lived = self.cumulative_hazard[at], self.lived_means[at]
        cov = np.where(np.isnan(self.fit.cov), 0.0, self.fit.cov)
        spread = np.empty((len(X), hazard.size))
        if len(X) < hazard.size:
            for i, x in enumerate(X):
                q = np.outer(hazard, x) - lived
                spread[i] = ((q @ cov) * q).sum(axis=1)
        else:
            for j, (total, mean) in enumerate(zip(hazard, lived, strict=True)):
                q = total * X - mean
                spread[:, j] = ((q @ cov) * q).sum(axis=1)
        return np.asarray(np.sqrt(self.variance[at] + spread), np.float64)

    def _at_means(self) -> pd.DataFrame:
        """Survival of every stratum at the column means, as curves."""
        table = self.tidy()
        survival = np.exp(-table[["estimate", "conf_high", "conf_low"]].to_numpy())
        return table.assign(
            group=table["level"].where(table["level"] != "", "overall"),
            estimand="survival",
            **dict(zip(("estimate", "conf_low", "conf_high"), survival.T, strict=True)),
        )


def estimate_baseline(fit: CoxFit, data: pd.DataFrame) -> BaselineHazard:
    """Estimate the baseline hazard, as :meth:`fahrstats.CoxFit.baseline` does."""
    rows = find_fitted_rows(fit, data)
    sets = rows.design.risk_sets
    hazard, variance, means = _per_block(rows)
    columns: list[list[FloatArray]] = []
    for k, (first, last) in enumerate(pairwise(rows.blocks.stratum_block)):
        table = life_table(sets, k)
        block_time = sets.time[sets.tie_start[first:last]]
        at = np.searchsorted(table.time, block_time)
        steps = []
        for values in (hazard, variance, means):
            step = np.zeros((table.time.size, *values.shape[1:]))
            step[at] = values[first:last]
            steps.append(np.cumsum(step, axis=0))
        steps += [table.time, table.at_risk]
        if table.time[0] > 0:
            steps = [np.insert(step, 0, 0.0, axis=0) for step in steps]
        rows_of = slice(*sets.stratum_start[k : k + 2])
        enters = sets.entry[rows_of] <= 0 if sets.entry.size else slice(None)
        steps[-1][0] = sets.weights[rows_of][enters].sum()
        columns.append(steps)
    cumulative, variances, lived, time, n_at_risk = (
        np.concatenate(parts) for parts in zip(*columns, strict=True)
    )
    return BaselineHazard(
        fit=fit,
        strata_levels=rows.design.strata_levels or ("",),
        start=np.cumsum([0, *(steps[0].shape[0] for steps in columns)]),
        time=time,
        cumulative_hazard=cumulative,
        variance=variances,
        lived_means=lived,
        n_at_risk=n_at_risk,
        group_n=np.diff(sets.stratum_start),
        group_events=np.add.reduceat(sets.event.astype(int), sets.stratum_start[:-1]),
    )


def _per_block(rows: FittedRows) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Hazard, its variance and hazard-weighted means of every block, per unit risk.

    The kernels take risks relative to the middle of the linear predictor; here the
    unit is a row at the column means.
    """
    predictor = rows.linear_predictor
    if rows.sums.shrink.size:
        raise DataError(
            f"The linear predictor spans {np.ptp(predictor):g}, too much for one "
            "baseline hazard; look for extreme values among "
            f"{', '.join(f'`{term}`' for term in rows.design.terms)}."
        )
    unit = np.exp(-(predictor.min() + predictor.max()) / 2)
    sets, sums = rows.design.risk_sets, rows.sums
    means = hazard_weighted_means(sets, rows.blocks, sums, rows.Z) * rows.spread
    return sums.per_block[0] * unit, sums.per_block[2] * unit**2, means * unit


def _normal_quantile(conf_level: float) -> float:
    """Return how many standard errors an interval reaches to each side."""
    check_conf_level(conf_level)
    return float(norm.isf((1 - conf_level) / 2))


def _plain(level: str) -> str:
    """Return the name of a stratum whether or not its column also held gaps: 1 as 1."""
    return level.removesuffix(".0")

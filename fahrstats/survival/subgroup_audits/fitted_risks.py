r"""Risks that a fitted model predicts, and what every row of the fit adds to them.

With the cumulative hazard by the horizon :math:`H_i = \Lambda_s \exp(x_i'\beta)` of row
i in stratum s, row j moves :math:`\log H_i` by

.. math:: (x_i - \bar x_s)'\,\Delta_j\beta + \Delta_j \log\Lambda_s,

the first through the coefficients, with :math:`\bar x_s` the mean of x over the risk
sets of the stratum by hazard, the second, where j is in s, through its own event and
its own time at risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.errors import DataError
from fahrstats.kernels.partial_likelihood import sum_from_below
from fahrstats.kernels.score_residuals import hazard_weighted_means
from fahrstats.survival.cox_models.coefficient_influence import (
    coefficient_influences,
)
from fahrstats.survival.cox_models.maximum import Maximum

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class FittedRisks:
    """Predictions for the n rows of a fit, with q finite coefficients; data order.

    Attributes
    ----------
    linear_predictor, risk : ndarray of shape (n,)
        Of every row; the risk of the event by the horizon.
    columns : ndarray of shape (n, q)
        Derivative of the log cumulative hazard by the coefficients.
    on_coefficients : ndarray of shape (n, q)
        Influence of every row on the coefficients.
    on_hazard : ndarray of shape (n,)
        Influence of every row on the log of its stratum's hazard, coefficients fixed.
    stratum : ndarray of int64, shape (n,)
        Stratum of every row.
    """

    linear_predictor: FloatArray
    risk: FloatArray
    columns: FloatArray
    on_coefficients: FloatArray
    on_hazard: FloatArray
    stratum: IntArray

    def influence(self, rows: IntArray, derivative: FloatArray) -> FloatArray:
        """Influence of all rows through the fit, (n,), on a statistic of some rows.

        ``derivative`` (m,) is that of the statistic by the log cumulative hazard of
        each of them.
        """
        by_coefficient = derivative @ self.columns[rows]
        n_strata = int(self.stratum.max()) + 1
        by_hazard = np.bincount(self.stratum[rows], derivative, n_strata)
        return np.asarray(
            self.on_coefficients @ by_coefficient
            + by_hazard[self.stratum] * self.on_hazard,
            np.float64,
        )


def predict_risks(design: Design, maximum: Maximum, horizon: float) -> FittedRisks:
    """Predict the risk of every row by a horizon that is a time of follow-up.

    Raises
    ------
    DataError
        A coefficient is infinite, the linear predictor spans too much, or a stratum is
        not followed until the horizon.
    """
    _refuse_unpredictable(design, maximum, horizon)
    sets, sums, blocks = design.risk_sets, maximum.peak.sums, maximum.blocks
    first = blocks.stratum_block[:-1]
    is_until = sets.time[sets.tie_start[:-1]] <= horizon
    hazard, _, c0, c1, _ = sums.per_block * is_until
    total = np.add.reduceat(hazard, first)
    means = hazard_weighted_means(sets, blocks, sums, maximum.Z) * is_until[:, None]
    lived = np.add.reduceat(means, first, axis=0) / total[:, None]
    stratum = np.repeat(np.arange(first.size), np.diff(sets.stratum_start))
    # Block sums are relative to the middle of the linear predictor.
    predictor = maximum.linear_predictor
    middle = (predictor.min() + predictor.max()) / 2
    cumulative = total[stratum] * np.exp(predictor - middle)
    spent = sum_from_below(c0[:, None], blocks.stratum_block, sums.shrink)[:, 0]
    weight = np.add.reduceat(sets.weights * sets.event, sets.tie_start[:-1])
    own = np.divide(hazard, weight, out=np.zeros_like(hazard), where=weight > 0)
    died = sets.event * (
        sets.weights * own[blocks.block] + sums.risk * c1[blocks.block]
    )
    on_hazard = (died - sums.risk * spent[blocks.block]) / total[stratum]
    spread = maximum.spread[maximum.is_finite]
    return FittedRisks(
        linear_predictor=_in_data_order(design, predictor),
        risk=_in_data_order(design, -np.expm1(-cumulative)),
        columns=_in_data_order(design, (maximum.Z - lived[stratum]) * spread),
        on_coefficients=coefficient_influences(design, maximum)[:, maximum.is_finite],
        on_hazard=_in_data_order(design, on_hazard),
        stratum=_in_data_order(design, stratum),
    )


def _refuse_unpredictable(design: Design, maximum: Maximum, horizon: float) -> None:
    """Raise where the model predicts no risk by the horizon for some rows."""
    if maximum.monotone:
        raise DataError(
            f"`{maximum.monotone[0].term}` has an infinite coefficient in everyone, so "
            "the model predicts no risks; leave it out."
        )
    if maximum.peak.sums.shrink.size:
        raise DataError(
            f"The linear predictor spans {np.ptp(maximum.linear_predictor):g}, too "
            "much for "
            "one baseline hazard; look for extreme values among "
            f"{', '.join(f'`{term}`' for term in design.terms)}."
        )
    for k, level in enumerate(design.strata_levels):
        last = design.risk_sets.time[design.risk_sets.stratum_start[k]]
        if last < horizon:
            raise DataError(
                f"Follow-up of `{level}`, a stratum of `{design.roles.strata}`, ends "
                f"at {last:g}, before horizon {horizon:g}, so no risk can be predicted "
                "there; choose an earlier horizon."
            )


def _in_data_order(design: Design, values: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """Return sorted values (n, ...) in the order of the rows of the design."""
    arranged = np.empty_like(values)
    arranged[design.risk_sets.order] = values
    return arranged

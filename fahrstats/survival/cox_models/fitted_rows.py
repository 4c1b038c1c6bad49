"""The rows behind a Cox fit: data that pass the gate again, and the fit on them.

A fit keeps no data. What describes rows takes the data once more, and refuses those
that the fit was not made from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.encoding import design_matrix
from fahrstats.cohort.roles import offset_values
from fahrstats.errors import DataError
from fahrstats.kernels.exact_ties import ExactLikelihood
from fahrstats.kernels.newton import standardize
from fahrstats.kernels.partial_likelihood import (
    BlockSums,
    TieBlocks,
    add_offset,
    block_sums,
    find_tie_blocks,
    linear_predictor,
)
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.maximum import (
    Maximum,
    find_exact_maximum,
    find_maximum,
)

FloatArray = NDArray[np.float64]

_SAME_LIKELIHOOD = 1e-9
"""Relative change of the log-likelihood that another order of rows can make."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedRows:
    """The n rows of a fit with p design columns, and its block sums at the estimate.

    Attributes
    ----------
    design : Design
        The rows as at fitting.
    blocks : TieBlocks
        Their tie blocks.
    sums : BlockSums
        Sums of every tie block at the estimate; Breslow's where ties are exact.
    Z : ndarray of shape (n, p)
        Sorted, standardised columns.
    centre, spread : ndarray of shape (p,)
        Mean and standard deviation of each column.
    linear_predictor : ndarray of shape (n,)
        Sorted; zero at the column means and, with an offset, at its mean.
    """

    design: Design
    blocks: TieBlocks
    sums: BlockSums
    Z: FloatArray
    centre: FloatArray
    spread: FloatArray
    linear_predictor: FloatArray

    def in_data_order(self, values: FloatArray) -> FloatArray:
        """Return sorted values (n, ...) in the order of the rows of the data."""
        arranged = np.empty_like(values)
        arranged[self.design.risk_sets.order] = values
        return arranged


def find_fitted_rows(fit: CoxFit, data: pd.DataFrame) -> FittedRows:
    """Pass the data of a fit through the gate again and evaluate the fit on them.

    Raises
    ------
    DataError
        The data are not those of the fit, a coefficient is infinite, or the data do
        not pass the gate.
    """
    refuse_infinite(fit)
    design = build_design(fit.formula, data, **fit.roles.named())
    refuse_other_data(fit, design)
    sets = design.risk_sets
    blocks = find_tie_blocks(sets)
    Z, centre, spread = standardize(design.X, sets.order)
    offset = None
    if design.offset is not None:
        offset = design.offset[sets.order] - fit.offset_mean
    beta = finite_log_hr(fit) * spread
    predictor = add_offset(linear_predictor(Z, beta), offset)
    sums = block_sums(sets, blocks, predictor, efron=fit.ties == "efron")
    found = sums.log_likelihood
    if fit.ties == "exact":
        found = ExactLikelihood(sets, blocks, Z, offset).at(beta).log_likelihood
    _refuse_other_likelihood(fit, found)
    return FittedRows(design, blocks, sums, Z, centre, spread, predictor)


def find_fitted_design(fit: CoxFit, data: pd.DataFrame) -> Design:
    """Pass the data of an unpenalised fit through the gate again.

    Coefficients may be infinite here: the likelihood is then maximised once more.

    Raises
    ------
    DataError
        The data are not those of the fit, or do not pass the gate.
    """
    if not fit.monotone:
        return find_fitted_rows(fit, data).design
    design = build_design(fit.formula, data, **fit.roles.named())
    refuse_other_data(fit, design)
    _refuse_other_likelihood(fit, maximize_again(fit, design).log_likelihood)
    return design


def maximize_again(fit: CoxFit, design: Design) -> Maximum:
    """Maximise the likelihood of a design with the ties of an unpenalised fit."""
    if fit.ties == "exact":
        return find_exact_maximum(design)
    return find_maximum(design, efron=fit.ties == "efron")


def add_linear_predictor(fit: CoxFit, data: pd.DataFrame) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.augment` describes."""
    refuse_infinite(fit)
    X = design_matrix(fit.encoder, data)
    predictor = (X - fit.means) @ finite_log_hr(fit)
    if fit.roles.offset is not None:
        predictor += offset_values(data, fit.roles.offset) - fit.offset_mean
    return data.assign(linear_predictor=predictor)


def finite_log_hr(fit: CoxFit) -> FloatArray:
    """Return the coefficients, zero where aliased."""
    return np.where(np.isnan(fit.log_hr), 0.0, fit.log_hr)


def _refuse_other_likelihood(fit: CoxFit, found: float) -> None:
    """Raise unless the log-likelihood of the rows is that of the fit."""
    if not abs(found - fit.log_likelihood) <= _SAME_LIKELIHOOD * abs(found):
        raise DataError(
            f"`data` are not those of the fit: its log-likelihood is "
            f"{fit.log_likelihood:.6f}, and with these rows {found:.6f}; give the data "
            "frame that the model was fitted to."
        )


def refuse_infinite(fit: CoxFit) -> None:
    """Raise if a coefficient is infinite: its rows have no linear predictor."""
    if fit.monotone:
        raise DataError(
            f"`{fit.monotone[0].term}` has an infinite coefficient, so no linear "
            "predictor exists; leave it out of the model first."
        )


def refuse_other_data(fit: CoxFit, design: Design) -> None:
    """Raise if the rows are not as many as at fitting, or have other columns."""
    before = {"rows": fit.n, "events": fit.n_events}
    now = {"rows": design.n, "events": design.n_events}
    for what, count in before.items():
        if now[what] != count:
            raise DataError(
                f"`data` are not those of the fit: it used {count} {what}, and these "
                f"have {now[what]}; give the data frame that the model was fitted to."
            )
    if design.terms != fit.terms:
        unknown = sorted(set(design.terms) ^ set(fit.terms))
        raise DataError(
            f"`data` are not those of the fit: `{unknown[0]}` is a column of one and "
            "not of the other; give the data frame that the model was fitted to."
        )

"""Options of a Cox fit that do not go together, with each other or with the data."""

from __future__ import annotations

import numpy as np

from fahrstats.cohort.design import Design
from fahrstats.errors import DataError
from fahrstats.survival.options import (
    COVARIANCES,
    COX_TIES,
    PENALTIES,
    Covariance,
    CoxTies,
    Penalty,
    refuse_unknown,
)


def check_options(
    ties: CoxTies, covariance: Covariance, penalty: Penalty, ridge: float
) -> None:
    """Refuse unknown options and those that exclude each other, whatever the data.

    Raises
    ------
    DataError
        An option is unknown, or two have no meaning together.
    """
    refuse_unknown("ties", ties, COX_TIES)
    refuse_unknown("covariance", covariance, COVARIANCES)
    refuse_unknown("penalty", penalty, PENALTIES)
    if isinstance(ridge, bool) or not isinstance(ridge, int | float | np.number):
        raise DataError(
            f"`ridge` is {ridge}, of type {type(ridge).__name__}; give 0 for no "
            "penalty, or a positive number."
        )
    if not np.isfinite(ridge) or ridge < 0:
        raise DataError(
            f"`ridge` is {ridge}; give 0 for no penalty, or a positive number."
        )
    if ridge and penalty == "firth":
        raise DataError('`ridge` and `penalty="firth"` are two penalties; give one.')
    if ties == "exact" and (ridge or penalty == "firth"):
        name = "ridge" if ridge else "penalty"
        raise DataError(
            f'`{name}` is not available with `ties="exact"`; use "efron", or leave the '
            "penalty out."
        )


def asks_for_robust(design: Design, covariance: Covariance) -> bool:
    """Whether the covariance is the sandwich: asked for, or the model's is wrong.

    It is wrong with clusters and with fractional weights.
    """
    if covariance != "auto":
        return covariance == "robust"
    weights = design.weights
    is_fractional = weights is not None and bool((weights != np.rint(weights)).any())
    return design.cluster is not None or is_fractional


def refuse_for_data(
    design: Design, ties: CoxTies, covariance: Covariance, penalty: Penalty
) -> None:
    """Refuse options that have no meaning for weights or clusters.

    Raises
    ------
    DataError
        Exact ties with case weights, or with a sandwich covariance, which needs
        residuals that the exact likelihood does not have; Firth's penalty with a
        sandwich.
    """
    weights = design.weights
    if ties == "exact" and weights is not None and (weights != 1).any():
        raise DataError(
            f"`{design.roles.weights}` weights {int((weights != 1).sum())} of "
            f'{design.n} rows by other than 1, and `ties="exact"` counts rows; use '
            '"efron", or leave the weights out.'
        )
    if not asks_for_robust(design, covariance):
        return
    if ties == "exact":
        raise DataError(
            'A robust covariance is not available with `ties="exact"`, whose '
            'likelihood has no residual for each row; use "efron", or '
            '`covariance="model"`.'
        )
    if penalty == "firth":
        raise DataError(
            'A robust covariance is not available with `penalty="firth"`, whose tests '
            'and intervals are those of the likelihood; give `covariance="model"`, or '
            "leave the penalty out."
        )

"""Missing values drawn by chained equations, one completed set of columns at a time.

Numbers are drawn by predictive mean matching with statsmodels' MICE, which knows no
factors. A factor is drawn level after level: of the rows that are at none of the levels
before, a logistic model says which are at this one. For two levels that is logistic
regression.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.imputation.mice import MICEData
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

FloatArray = NDArray[np.float64]

N_DONORS = 5
"""Observed rows of nearest prediction, from which one gives its value, as in R's mice.

statsmodels starts from 20, which in a few hundred rows are not near.
"""


_EVENT, _HAZARD = "event", "hazard"


@dataclass(frozen=True, slots=True, eq=False)
class ChainColumn:
    """A column that predicts others, and is drawn where it is missing.

    Attributes
    ----------
    name : str
        Column of the data.
    codes : ndarray of shape (n,)
        The numbers, or the codes of a factor from 0; missing where unknown.
    n_levels : int
        Levels of a factor; 0 for a number.
    """

    name: str
    codes: FloatArray
    n_levels: int

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Rows without a value."""
        return np.isnan(self.codes)


def draw_columns(
    columns: Sequence[ChainColumn],
    event: FloatArray,
    hazard: FloatArray,
    *,
    n_cycles: int,
    rng: np.random.Generator,
) -> tuple[list[FloatArray], FloatArray]:
    """Draw the missing values of all columns; observed ones stay as they are.

    Every incomplete column is regressed on all others, on the event, on the cumulative
    hazard lived through, and on the products of the hazard with all others; the
    coefficients are drawn from their normal distribution, and values from the model
    with these. Without the products, which White and Royston (2009) derive beside the
    main effects, strong effects shrink and intervals cover too little.

    Returns
    -------
    filled : list of ndarray of shape (n,)
        The columns without holes.
    trace : ndarray of shape (n_cycles, n_columns)
        After each cycle, mean of a number's drawn values, or share of a factor's that
        are at its first level; missing for complete columns.

    References
    ----------
    van Buuren and Groothuis-Oudshoorn (2011), Journal of Statistical Software 45(3).
    """
    codes = [_start(column, rng) for column in columns]
    chain = _start_chain(columns, codes, event, hazard, rng)
    by_size = sorted(range(len(columns)), key=lambda j: columns[j].is_missing.sum())
    incomplete = [j for j in by_size if columns[j].is_missing.any()]
    trace = np.full((n_cycles, len(columns)), np.nan)
    for cycle in range(n_cycles):
        for j in incomplete:
            column, is_missing = columns[j], columns[j].is_missing
            if column.n_levels:
                own = list(_predictors(j, column, codes[j]))
                others = chain.data.drop(columns=own)
                codes[j][is_missing] = _draw_levels(column, others, rng)
                for name, values in _predictors(j, column, codes[j]).items():
                    chain.data[name] = values
                trace[cycle, j] = (codes[j][is_missing] == 0).mean()
            else:
                with warnings.catch_warnings():
                    # Predictions are the same whichever of collinear columns counts.
                    warnings.simplefilter("ignore", SingularMatrixWarning)
                    chain.update(_number(j))
                codes[j] = chain.data[_number(j)].to_numpy(np.float64, copy=True)
                trace[cycle, j] = codes[j][is_missing].mean()
    return codes, trace


def _number(j: int) -> str:
    """Name of a number in the formulas of the chain."""
    return f"number{j}"


def _start(column: ChainColumn, rng: np.random.Generator) -> FloatArray:
    """Codes with the holes of a factor filled by draws from its observed levels."""
    codes = column.codes.copy()
    if column.n_levels:
        is_missing = column.is_missing
        codes[is_missing] = rng.choice(codes[~is_missing], is_missing.sum())
    return codes


def _start_chain(
    columns: Sequence[ChainColumn],
    codes: Sequence[FloatArray],
    event: FloatArray,
    hazard: FloatArray,
    rng: np.random.Generator,
) -> MICEData:
    """Set up statsmodels' chain, and the regression of every number."""
    covariates: dict[str, FloatArray] = {}
    for j, column in enumerate(columns):
        covariates |= _predictors(j, column, codes[j])
    frame = pd.DataFrame({_EVENT: event, _HAZARD: hazard} | covariates)
    chain = MICEData(frame, rng=rng)
    for j, column in enumerate(columns):
        if not column.n_levels:
            others = [name for name in covariates if name != _number(j)]
            products = [f"{_HAZARD}:{name}" for name in others]
            terms = [_EVENT, _HAZARD, *others, *products]
            chain.set_imputer(_number(j), formula=" + ".join(terms), k_pmm=N_DONORS)
    return chain


def _predictors(
    j: int, column: ChainColumn, codes: FloatArray
) -> dict[str, FloatArray]:
    """Columns of a design matrix: a number, or an indicator of all levels but one."""
    if not column.n_levels:
        return {_number(j): codes}
    return {
        f"factor{j}_{level}": (codes == level).astype(np.float64)
        for level in range(1, column.n_levels)
    }


def _draw_levels(
    column: ChainColumn, others: pd.DataFrame, rng: np.random.Generator
) -> FloatArray:
    """Draw the missing codes of a factor given all other columns of the chain."""
    products = others.drop(columns=[_EVENT, _HAZARD]).mul(others[_HAZARD], axis=0)
    predictors = np.hstack([others, products])
    spread = predictors.std(axis=0)
    Z = (predictors - predictors.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    X = np.column_stack([np.ones(len(Z)), Z])
    is_missing = column.is_missing
    drawn = np.full(int(is_missing.sum()), float(column.n_levels - 1))
    is_open = np.ones(drawn.size, np.bool_)
    for level in range(column.n_levels - 1):
        known = column.codes >= level  # false where missing
        beta = _draw_logistic(column.codes[known] == level, X[known], rng)
        is_here = is_open & (rng.random(drawn.size) < expit(X[is_missing] @ beta))
        drawn[is_here] = level
        is_open &= ~is_here
    return drawn


def _draw_logistic(
    y: NDArray[np.bool_], X: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Draw coefficients of a logistic model from their normal distribution.

    Rows of small weight, one standard deviation from the middle in each direction and
    at both values of y, keep the estimate finite where a column separates them (White,
    Daniel and Royston 2010, Computational Statistics & Data Analysis 54:2267-2275).
    """
    p = X.shape[1] - 1
    away = np.vstack([np.eye(p), -np.eye(p)])
    extra = np.column_stack([np.ones(2 * p), away])
    weight = (p + 1) / (4 * p)
    with warnings.catch_warnings():
        # Told of every separation that the added rows have just resolved.
        warnings.simplefilter("ignore")
        fit = GLM(
            np.concatenate([y, np.ones(2 * p), np.zeros(2 * p)]),
            np.vstack([X, extra, extra]),
            family=Binomial(),
            freq_weights=np.concatenate([np.ones(y.size), np.full(4 * p, weight)]),
        ).fit()
    drawn = rng.multivariate_normal(fit.params, fit.cov_params(), method="cholesky")
    return np.asarray(drawn, np.float64)

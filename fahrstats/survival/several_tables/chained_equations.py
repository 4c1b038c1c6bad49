"""Missing values drawn by chained equations, one completed set of columns at a time.

Numbers are drawn by predictive mean matching on a linear model. A factor is drawn level
after level: of the rows that are at none of the levels before, a logistic model says
which are at this one. For two levels that is logistic regression. The models are those
of statsmodels; its MICE has no factors, and matches in a way that covers too little.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.regression.linear_model import OLS
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

FloatArray = NDArray[np.float64]

N_DONORS = 5
"""Observed rows of nearest prediction; one gives its value, as in R's mice."""

_ROUNDING = 1e-12
"""Spread of a column, as a share of its values, that rounding can produce."""


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
    outcome = np.column_stack([event, hazard])
    by_size = sorted(range(len(columns)), key=lambda j: columns[j].is_missing.sum())
    incomplete = [j for j in by_size if columns[j].is_missing.any()]
    trace = np.full((n_cycles, len(columns)), np.nan)
    blocks = [_block(*pair) for pair in zip(columns, codes, strict=True)]
    for cycle in range(n_cycles):
        for j in incomplete:
            column, is_missing = columns[j], columns[j].is_missing
            X = _predictors(outcome, blocks[:j] + blocks[j + 1 :])
            draw = _draw_levels if column.n_levels else _draw_numbers
            drawn = draw(column, X, rng)
            codes[j][is_missing] = drawn
            blocks[j] = _block(column, codes[j])
            trace[cycle, j] = ((drawn == 0) if column.n_levels else drawn).mean()
    return codes, trace


def _start(column: ChainColumn, rng: np.random.Generator) -> FloatArray:
    """Codes with the holes filled by draws from the observed ones."""
    codes, is_missing = column.codes.copy(), column.is_missing
    codes[is_missing] = rng.choice(codes[~is_missing], is_missing.sum())
    return codes


def _block(column: ChainColumn, codes: FloatArray) -> FloatArray:
    """Columns of a design matrix: a number, or an indicator of all levels but one."""
    if not column.n_levels:
        return codes[:, None]
    levels = np.arange(1, column.n_levels)
    return np.asarray(codes[:, None] == levels, np.float64)


def _predictors(outcome: FloatArray, others: Sequence[FloatArray]) -> FloatArray:
    """Design matrix: intercept, outcome, other columns, their products with the hazard.

    All but the intercept have mean 0 and standard deviation 1; constants are left out.
    """
    main = np.hstack([outcome, *others])
    main = np.where(np.ptp(main, axis=0) > 0, main - main.mean(axis=0), 0.0)
    columns = np.hstack([main, main[:, 2:] * main[:, [1]]])
    spread = columns.std(axis=0)
    is_varying = spread > _ROUNDING * np.abs(columns).max(axis=0)
    Z = (columns - columns.mean(axis=0))[:, is_varying] / spread[is_varying]
    return np.column_stack([np.ones(len(Z)), Z])


def _draw_numbers(
    column: ChainColumn, X: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Draw the missing numbers of a column by predictive mean matching.

    A row without a value is predicted with drawn coefficients, those with one with the
    estimated. Drawn coefficients on both sides, as statsmodels' MICE has them, move
    donors and receivers alike, so that tables differ too little (van Buuren 2018,
    section 3.4.2, where the two are types 1 and 2).
    """
    is_missing = column.is_missing
    y = column.codes[~is_missing]
    with warnings.catch_warnings():
        # Predictions are the same whichever of collinear columns counts.
        warnings.simplefilter("ignore", SingularMatrixWarning)
        fit = OLS(y, X[~is_missing]).fit()
    variance = fit.ssr / rng.chisquare(fit.df_resid)
    cov = variance * fit.normalized_cov_params
    beta = rng.multivariate_normal(fit.params, cov, method="svd", check_valid="ignore")
    return y[_donors(fit.fittedvalues, X[is_missing] @ beta, rng)]


def _donors(
    known: FloatArray, wanted: FloatArray, rng: np.random.Generator
) -> NDArray[np.intp]:
    """For every wanted prediction, the position of one of the nearest known ones.

    Equal predictions are in random order, so that the order of the rows is immaterial.
    """
    order = rng.permutation(known.size)
    order = order[np.argsort(known[order], kind="stable")]
    ascending = known[order]
    near = np.searchsorted(ascending, wanted)[:, None] + np.arange(-N_DONORS, N_DONORS)
    inside = np.clip(near, 0, known.size - 1)
    distance = np.abs(ascending[inside] - wanted[:, None])
    distance[near != inside] = np.inf
    nearest = np.argsort(distance, axis=1, kind="stable")
    chosen = nearest[np.arange(wanted.size), rng.integers(0, N_DONORS, wanted.size)]
    return np.asarray(order[inside[np.arange(wanted.size), chosen]], np.intp)


def _draw_levels(
    column: ChainColumn, X: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Draw the missing codes of a factor given all other columns of the chain."""
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
    Theirs are half at each value, which makes a rare level less rare; these have the
    share of the observed.
    """
    p = X.shape[1] - 1
    away = np.vstack([np.eye(p), -np.eye(p)])
    extra = np.column_stack([np.ones(2 * p), away])
    weight = (p + 1) / (2 * p) * np.array([y.mean(), 1 - y.mean()])
    with warnings.catch_warnings():
        # Told of every separation that the added rows have just resolved.
        warnings.simplefilter("ignore")
        fit = GLM(
            np.concatenate([y, np.ones(2 * p), np.zeros(2 * p)]),
            np.vstack([X, extra, extra]),
            family=Binomial(),
            freq_weights=np.concatenate([np.ones(y.size), weight.repeat(2 * p)]),
        ).fit()
    drawn = rng.multivariate_normal(fit.params, fit.cov_params(), method="cholesky")
    return np.asarray(drawn, np.float64)

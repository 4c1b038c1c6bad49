r"""Coefficients of a regression on p columns, corrected for error in q of them.

With S the covariance of the columns as measured and E that of their errors, 0 for
columns without, the expected true columns given the measured ones are linear in them
with the matrix (S - E) S^-1. The coefficients b of the measured columns are therefore
S^-1 (S - E) times those of the true ones, and :math:`\beta = (S - E)^{-1} S b` (Rosner,
Spiegelman and Willett 1990; Carroll et al. 2006, chapter 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CERTAIN = 1e9
"""Degrees of freedom of a variance that is known."""


@dataclass(frozen=True, slots=True, eq=False)
class ErrorProne:
    """Columns of which some are measured with error.

    Attributes
    ----------
    Z : ndarray of shape (n, p)
        Columns, centred where their means are estimated.
    df : int
        Rows less estimated means.
    prone : ndarray of int64, shape (q,)
        Columns with error.
    error_cov : ndarray of shape (q, q)
        Covariance of their errors.
    error_cov_variance : ndarray of shape (q,)
        Sampling variance of the variance of each error, 0 where it is known.
    cluster : ndarray of int64, shape (n,), or None
        Rows that are not independent.
    """

    Z: FloatArray
    df: int
    prone: IntArray
    error_cov: FloatArray
    error_cov_variance: FloatArray
    cluster: IntArray | None

    @property
    def S(self) -> FloatArray:
        """Covariance of the columns as measured, (p, p)."""
        return np.asarray(self.Z.T @ self.Z / self.df, np.float64)

    @property
    def E(self) -> FloatArray:
        """Covariance of the errors of all columns, (p, p)."""
        full = np.zeros((self.Z.shape[1], self.Z.shape[1]))
        full[np.ix_(self.prone, self.prone)] = self.error_cov
        return full

    def conditional_sd(self) -> FloatArray:
        """Return the standard deviation of each column with error given all others."""
        precision = np.diag(np.linalg.inv(self.S))[self.prone]
        return np.asarray(precision**-0.5, np.float64)

    def largest_share(self) -> float:
        """Return the share of error in the combination of columns with most of it."""
        return float(eigh(self.E, self.S, eigvals_only=True)[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """Corrected coefficients.

    Attributes
    ----------
    beta : ndarray of shape (p,)
        Coefficients of the true columns.
    cov : ndarray of shape (p, p)
        Their covariance.
    reliability, reliability_std_error : ndarray of shape (q,)
        Share that is not error in the variance of each column with error given all
        others, whose errors count where they have some.
    reliability_df : ndarray of shape (q, 2)
        Degrees of freedom on which the variance of that error and the whole variance
        are known: those of chi-squared with the same spread, 1e9 for a known error.
    hidden_sd : float
        Standard deviation of the linear predictor of the true columns given the
        measured ones.
    """

    beta: FloatArray
    cov: FloatArray
    reliability: FloatArray
    reliability_std_error: FloatArray
    reliability_df: FloatArray
    hidden_sd: float


def correct_coefficients(
    columns: ErrorProne, b: FloatArray, influence: FloatArray
) -> Corrected:
    """Correct coefficients b (p,), of which rows have the ``influence`` (n, p).

    The covariance is that of the influences of the rows on b and S, by the chain rule:
    A d beta = S db + dS (b - beta) + dE beta with A = S - E.
    """
    Z, prone, n = columns.Z, columns.prone, len(columns.Z)
    S, E = columns.S, columns.E
    A = S - E
    beta = np.asarray(np.linalg.solve(A, S @ b), np.float64)
    change = b - beta
    of_S = Z * (Z @ change)[:, None] / columns.df - S @ change / n
    rows = np.linalg.solve(A, (influence @ S + of_S).T).T
    moved = _sum(np.asarray(rows, np.float64), columns.cluster)
    of_E = np.linalg.solve(A, np.eye(len(b))[:, prone]) * beta[prone]
    cov = moved.T @ moved + of_E * columns.error_cov_variance @ of_E.T

    hidden = float(beta @ (A - A @ np.linalg.solve(S, A)) @ beta)
    lost, of_rows, of_errors = _lost_shares(columns)
    return Corrected(
        beta=beta,
        cov=cov,
        reliability=1 - lost,
        reliability_std_error=np.sqrt(of_rows + of_errors),
        reliability_df=np.stack(
            [_df_of(lost, variance) for variance in (of_errors, of_rows)], axis=1
        ),
        hidden_sd=max(0.0, hidden) ** 0.5,
    )


def _lost_shares(columns: ErrorProne) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return shares of error (q,), their variance due to rows, and due to errors.

    A column given all others has the variance 1 / P_jj with P = S^-1, of which error
    makes Q_jj / P_jj^2 with Q = P E P.
    """
    Z, prone, n = columns.Z, columns.prone, len(columns.Z)
    P = np.linalg.inv(columns.S)
    Q = P @ columns.E @ P
    own = np.diag(P)[prone]
    lost = np.diag(Q)[prone] / own
    u, v = (Z @ P)[:, prone], (Z @ Q)[:, prone]
    influence = (lost * u - 2 * v) * u / (own * columns.df) + lost / n
    of_rows = (_sum(influence, columns.cluster) ** 2).sum(axis=0)
    slopes = P[np.ix_(prone, prone)] ** 2 / own[:, None]
    of_errors = slopes**2 @ columns.error_cov_variance
    return (
        np.asarray(lost, np.float64),
        np.asarray(of_rows, np.float64),
        np.asarray(of_errors, np.float64),
    )


def _df_of(value: FloatArray, variance: FloatArray) -> FloatArray:
    """Degrees of freedom of chi-squared that varies as much, for its mean."""
    return np.asarray(2 / np.maximum(variance / value**2, 2 / _CERTAIN), np.float64)


def _sum(rows: FloatArray, cluster: IntArray | None) -> FloatArray:
    """Add up rows (n, k) within clusters."""
    if cluster is None:
        return rows
    total = np.zeros((int(cluster.max()) + 1, rows.shape[1]))
    np.add.at(total, cluster, rows)
    return total

"""What measurement error leaves of the spread of face aging rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, f, t

from fahrstats.kernels.random_effects import tau_squared_at
from fahrstats.measurement.photo_variances import Limits, chi_squared_limits

FloatArray = NDArray[np.float64]

_NEARLY = 0.99
"""Share of the smallest error variance that a variance may fall below 0."""


@dataclass(frozen=True, slots=True, eq=False)
class NoisyRates:
    """Rates of n subjects, each a true rate and an error of known size.

    Attributes
    ----------
    rate, std_error : ndarray of shape (n,)
        Rates and the standard errors that the measurement error gives them.
    df : float
        Degrees of freedom of the measurement error, infinite where it is known.
    """

    rate: FloatArray
    std_error: FloatArray
    df: float

    @property
    def error_variance(self) -> float:
        """Mean variance of the errors."""
        return float((self.std_error**2).mean())

    def error_limits(self, conf_level: float) -> Limits:
        """Limits of :attr:`error_variance`, missing where the error is known."""
        if np.isinf(self.df):
            return np.nan, np.nan
        return chi_squared_limits(self.error_variance, self.df, conf_level)

    def true_variance(self) -> float:
        """Variance of the true rates, at least 0.

        That at which the weighted squares of the rates about their mean equal their
        expectation, n - 1 (Paule and Mandel 1982).
        """
        return max(0.0, self._variance_at(1.0, self.rate.size - 1))

    def true_variance_limits(self, conf_level: float) -> Limits:
        """Limits of :meth:`true_variance`.

        Those of the Q profile (Viechtbauer 2007), exact with a known error; an
        estimated one widens them by Zou and Donner's sum of squared distances (2008).
        """
        alpha, n = (1 - conf_level) / 2, self.rate.size
        low = self._variance_at(1.0, chi2.isf(alpha, n - 1))
        high = self._variance_at(1.0, chi2.ppf(alpha, n - 1))
        if np.isinf(self.df):
            return max(0.0, low), max(0.0, high)
        estimate = self._variance_at(1.0, n - 1)
        least, most = chi_squared_limits(1.0, self.df, conf_level)
        below = estimate - self._variance_at(most, n - 1)
        above = self._variance_at(least, n - 1) - estimate
        return (
            max(0.0, estimate - float(np.hypot(estimate - low, below))),
            max(0.0, estimate + float(np.hypot(high - estimate, above))),
        )

    def reliability(self) -> float:
        """Share of the variance of the rates that is that of the true rates."""
        return self._share(self.true_variance())

    def reliability_limits(self, conf_level: float) -> Limits:
        """Exact limits of :meth:`reliability`, from the F distribution."""
        alpha, df = (1 - conf_level) / 2, self.rate.size - 1
        if np.isinf(self.df):
            quantiles = chi2.isf(alpha, df), chi2.ppf(alpha, df)
        else:
            ends = f.isf(alpha, df, self.df), f.ppf(alpha, df, self.df)
            quantiles = df * ends[0], df * ends[1]
        low, high = (self._variance_at(1.0, quantile) for quantile in quantiles)
        return self._share(max(0.0, low)), self._share(max(0.0, high))

    def _variance_at(self, scale: float, q: float) -> float:
        """Return the variance of true rates at which the weighted squares equal q.

        It may be below 0, to minus the smallest error variance: distances between
        solutions need that, and only limits end at 0.
        """
        errors = scale * self.std_error**2
        least = _NEARLY * float(errors.min())
        return tau_squared_at(self.rate, errors - least, float(q)) - least

    def _share(self, true_variance: float) -> float:
        return true_variance / (true_variance + self.error_variance)


def margin(std_error: FloatArray, df: float, conf_level: float) -> FloatArray:
    """Half the width of the interval of a rate, by Student's t."""
    return np.asarray(t.isf((1 - conf_level) / 2, df) * std_error, np.float64)

"""The error of a measured number: its standard deviation, and how well that is known.

Survival models and aging rates take it in three forms: a number, a number with the
degrees of freedom that it was estimated on, or a result that holds both.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np

from fahrstats.errors import DataError


@runtime_checkable
class EstimatesError(Protocol):
    """A result that estimates the error of one photo, such as ``Repeatability``."""

    @property
    def error_sd(self) -> float:
        """Standard deviation of the error of one photo."""

    @property
    def error_df(self) -> float:
        """Degrees of freedom of ``error_sd``."""


ErrorLike = float | tuple[float, float] | EstimatesError
"""A standard deviation, one with its degrees of freedom, or a result with both."""


@dataclass(frozen=True, slots=True)
class MeasurementError:
    """A standard deviation and its degrees of freedom, infinite where it is known."""

    sd: float
    df: float = np.inf

    @property
    def variance_of_variance(self) -> float:
        """Sampling variance of ``sd`` squared, 0 where it is known."""
        return 2 * self.sd**4 / self.df


def read_error(name: str, error: ErrorLike) -> MeasurementError:
    """Return the standard deviation and degrees of freedom of an argument or its entry.

    Raises
    ------
    DataError
        They are no positive numbers.
    """
    sd: object
    df: object = np.inf
    if isinstance(error, EstimatesError):
        sd, df = error.error_sd, error.error_df
    elif isinstance(error, tuple) and len(error) == 2:
        sd, df = error
    else:
        sd = error
    if not (_is_positive(sd) and sd != np.inf and _is_positive(df)):
        shown = sd if df == np.inf else f"({sd}, {df})"
        raise DataError(
            f"`{name}` is {shown}; give a positive number of years, a tuple of it and "
            "its degrees of freedom, or the result of `repeatability`."
        )
    return MeasurementError(float(sd), float(df))


def _is_positive(value: object) -> TypeGuard[float]:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and float(value) > 0  # type: ignore[arg-type]

"""Options that several verbs share, and the refusal of values that are none."""

from __future__ import annotations

from numbers import Real
from typing import Literal

from fahrstats.errors import DataError

Ties = Literal["efron", "breslow"]
CoxTies = Literal["efron", "breslow", "exact"]
Covariance = Literal["auto", "model", "robust"]
Penalty = Literal["none", "firth"]

COVARIANCES: tuple[Covariance, ...] = ("auto", "model", "robust")
"""Covariances of the coefficients."""

TIES: tuple[Ties, ...] = ("efron", "breslow")
"""Approximations for tied event times."""

COX_TIES: tuple[CoxTies, ...] = (*TIES, "exact")
"""Treatments of tied event times that a fit can have."""

PENALTIES: tuple[Penalty, ...] = ("none", "firth")
"""Penalties without a size of their own."""


def refuse_unknown(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise if an option is not one of those known."""
    if value not in known:
        options = ", ".join(f'"{option}"' for option in known)
        raise DataError(f"`{name}` is {value!r}; choose one of {options}.")


def check_conf_level(conf_level: float) -> None:
    """Raise unless a confidence level is between 0 and 1."""
    if not isinstance(conf_level, Real) or not 0 < conf_level < 1:
        raise DataError(f"`conf_level` is {conf_level}; give a number between 0 and 1.")

"""What is measured of compared models: numbers, horizons, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.errors import DataError, FormulaError
from fahrstats.survival.predictions.horizons import as_horizons, check_horizon

FloatArray = NDArray[np.float64]

THRESHOLDS: Final = tuple(percent / 100 for percent in range(1, 100))
"""Risks at which net benefit is taken."""

_OVERALL = ("lr_chi2", "c_index", "calibration_slope")
_AT_HORIZON = ("auc", "brier", "ipa", "oe_ratio", "ici", "e50", "e90")
_OF_PAIR = ("idi", "nri", "nri_events", "nri_nonevents")
_OF_CATEGORIES = ("nri_categories",)


@dataclass(frozen=True, slots=True)
class Measure:
    """What one number of a vector says.

    Attributes
    ----------
    estimand : str
        Its name in tables.
    horizon, threshold : float
        Where it is taken; missing where it is about neither.
    """

    estimand: str
    horizon: float = np.nan
    threshold: float = np.nan


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is measured.

    Attributes
    ----------
    horizons : tuple of float
        Where risks are predicted.
    thresholds : ndarray of shape (m,)
        Risks at which net benefit is taken, ascending.
    cut_points : ndarray
        Borders of the categories of risk, ascending; empty without.
    """

    horizons: tuple[float, ...]
    thresholds: FloatArray
    cut_points: FloatArray

    @property
    def of_model(self) -> tuple[Measure, ...]:
        """What is said of one model, in order."""
        return (
            *(Measure(name) for name in _OVERALL),
            *(Measure(name, h) for h in self.horizons for name in _AT_HORIZON),
            *(
                Measure("net_benefit", h, threshold)
                for h in self.horizons
                for threshold in self.thresholds
            ),
        )

    @property
    def of_pair(self) -> tuple[Measure, ...]:
        """What is said of two models and is no difference of what is said of each."""
        names = _OF_PAIR + (_OF_CATEGORIES if self.cut_points.size else ())
        return tuple(Measure(name, h) for h in self.horizons for name in names)


def plan_measures(
    horizons: float | Sequence[float], risk_categories: Sequence[float]
) -> Plan:
    """Check what is to be measured.

    Raises
    ------
    DataError
        A horizon is not above 0, or categories are no rising risks or lack a horizon.
    """
    wanted = as_horizons(horizons) if np.size(horizons) else ()
    cut_points = np.array(np.nan)
    with suppress(TypeError, ValueError):
        cut_points = np.asarray(risk_categories, np.float64)
    is_inside = ((cut_points > 0) & (cut_points < 1)).all()
    if cut_points.ndim != 1 or not is_inside or not (np.diff(cut_points) > 0).all():
        raise DataError(
            f"`risk_categories` is {risk_categories!r}; give rising risks between "
            "0 and 1, the borders of the categories."
        )
    if cut_points.size and not wanted:
        raise DataError("`risk_categories` need `horizons`, at which risks are taken.")
    return Plan(wanted, np.array(THRESHOLDS if wanted else ()), cut_points)


def check_horizons(design: Design, plan: Plan) -> None:
    """Refuse horizons that the rows of a design cannot support.

    Raises
    ------
    FormulaError
        The outcome has delayed entry.
    DataError
        No event happens by a horizon, or nobody is followed beyond it.
    """
    if plan.horizons and design.entry is not None:
        raise FormulaError(
            f"`{design.formula.text}` has delayed entry, for which predictions at "
            "`horizons` are not judged; leave `horizons` out."
        )
    for horizon in plan.horizons:
        check_horizon(design, horizon)

"""Scales on which estimates are near enough to normal to be averaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

FloatArray = NDArray[np.float64]
Transform = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Scale:
    """A monotone transform of an estimate.

    Attributes
    ----------
    name : str
        ``identity``, ``logit``, ``log`` or ``log-log``.
    forward, backward, slope : function of an array
        The transform, its inverse, and its derivative at an untransformed estimate.
    low, high : float
        Ends of the open interval in which the transform is finite.
    """

    name: str
    forward: Transform
    backward: Transform
    slope: Transform
    low: float
    high: float

    def holds(self, estimates: FloatArray) -> NDArray[np.bool_]:
        """Whether estimates lie where the transform is finite."""
        return np.asarray((estimates > self.low) & (estimates < self.high), np.bool_)


IDENTITY = Scale(
    "identity",
    forward=lambda x: x,
    backward=lambda x: x,
    slope=lambda x: np.ones_like(x),
    low=-np.inf,
    high=np.inf,
)
LOGIT = Scale(
    "logit",
    forward=lambda x: np.asarray(logit(x), np.float64),
    backward=lambda x: np.asarray(expit(x), np.float64),
    slope=lambda x: 1 / (x * (1 - x)),
    low=0.0,
    high=1.0,
)
LOG = Scale(
    "log",
    forward=lambda x: np.log(x),
    backward=lambda x: np.exp(x),
    slope=lambda x: 1 / x,
    low=0.0,
    high=np.inf,
)
LOG_LOG = Scale(
    "log-log",
    forward=lambda x: np.log(-np.log(x)),
    backward=lambda x: np.exp(-np.exp(x)),
    slope=lambda x: 1 / (x * np.log(x)),
    low=0.0,
    high=1.0,
)

_SCALES = {
    "auc": LOGIT,
    "c_index": LOGIT,
    "cumulative_incidence": LOG_LOG,
    "new_information": LOGIT,
    "observed_risk": LOG_LOG,
    "oe_ratio": LOG,
    "survival": LOG_LOG,
}

_NO_EFFECT = {"auc": 0.5, "c_index": 0.5, "calibration_slope": 1.0, "oe_ratio": 1.0}


def scale_of(estimand: str) -> Scale:
    """Scale on which an estimand is pooled; its own where it has no other."""
    return _SCALES.get(estimand, IDENTITY)


def no_effect(estimand: str) -> float:
    """Value that an estimand is tested against."""
    return _NO_EFFECT.get(estimand, 0.0)

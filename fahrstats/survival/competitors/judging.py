"""Predictions that all learners made of the same rows, judged at one horizon."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.errors import ResultWarning
from fahrstats.survival.predictions.calibration import calibration
from fahrstats.survival.predictions.calibration_result import Calibration
from fahrstats.survival.predictions.discrimination import (
    TimeDependentAuc,
    time_dependent_auc,
)
from fahrstats.survival.predictions.prediction_error import (
    PredictionError,
    prediction_error,
)
from fahrstats.survival.rankings.ranking import Concordance, concordance

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Every accuracy at one horizon of the sets of risks that are complete.

    Attributes
    ----------
    horizon : float
        The horizon.
    concordance : Concordance
        Of the risk by the horizon, events until then.
    auc : TimeDependentAuc
        The same risks as scores.
    error : PredictionError
        Brier scores and indices of prediction accuracy.
    calibration : Calibration
        Slope, observed over expected, and distances.
    """

    horizon: float
    concordance: Concordance
    auc: TimeDependentAuc
    error: PredictionError
    calibration: Calibration


def judge(
    design: Design, names: Sequence[str], risk: FloatArray, horizon: float
) -> Judged:
    """Judge risks (n, k) by a horizon, rows as in the design, on all rows together."""
    frame = pd.DataFrame(risk, columns=list(names)).assign(
        time=design.time, event=design.event
    )
    cluster = None
    if design.cluster is not None:
        frame["cluster"], cluster = design.cluster, "cluster"
    formula = f"Surv(time, event) ~ {' + '.join(names)}"
    with warnings.catch_warnings():
        # A horizon that few are seen until has been announced, once for all.
        warnings.simplefilter("ignore", ResultWarning)
        return Judged(
            horizon=horizon,
            concordance=concordance(formula, frame, tau=horizon, cluster=cluster),
            auc=time_dependent_auc(formula, frame, horizons=horizon, cluster=cluster),
            error=prediction_error(formula, frame, horizon=horizon, cluster=cluster),
            calibration=calibration(formula, frame, horizon=horizon),
        )

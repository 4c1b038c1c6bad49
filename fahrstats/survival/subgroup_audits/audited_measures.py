"""The measures of an audit: what each is about, and on which scale it is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MODEL: Final = "model"
"""The term of rows about the predictions of the model."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of an audit.

    Attributes
    ----------
    name : str
        What it is called in tests and differences.
    estimand : str
        What it is called in the table of levels.
    about : str
        ``marker`` or ``model``.
    no_effect : float or None
        Value that says nothing, against which a level is tested; on the log scale where
        ``is_log``.
    is_log : bool
        Whether estimates, standard errors and differences are of the logarithm.
    at_horizon : bool
        Whether it judges predicted risks at the horizon.
    is_share : bool
        Whether it lies between 0 and 1, so that levels are tested by its logit.
    is_tested : bool
        Whether equality in all levels is tested. Brier score and marker differ between
        groups for reasons other than the quality of the score; the intercept says what
        the ratio of observed to expected events says.
    """

    name: str
    estimand: str
    about: Literal["marker", "model"]
    no_effect: float | None
    is_log: bool = False
    at_horizon: bool = False
    is_share: bool = False
    is_tested: bool = False


MEASURES: Final = (
    Measure("hr", "log_hr", "marker", 0.0, is_log=True, is_tested=True),
    Measure("c_index", "c_index", "marker", 0.5, is_share=True, is_tested=True),
    Measure("model_c_index", "c_index", "model", 0.5, is_share=True, is_tested=True),
    Measure(
        "observed_expected",
        "observed_expected",
        "model",
        0.0,
        is_log=True,
        at_horizon=True,
        is_tested=True,
    ),
    Measure(
        "calibration_intercept", "calibration_intercept", "model", 0.0, False, True
    ),
    Measure(
        "calibration_slope",
        "calibration_slope",
        "model",
        1.0,
        at_horizon=True,
        is_tested=True,
    ),
    Measure("brier", "brier", "model", None, at_horizon=True),
    Measure("ipa", "ipa", "model", 0.0, at_horizon=True),
    Measure("marker_mean", "marker_mean", "marker", None),
    Measure("marker_sd", "marker_sd", "marker", None),
)
"""Measures in the order of tables."""

NAMES: Final = tuple(measure.name for measure in MEASURES)

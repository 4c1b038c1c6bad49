"""Figures of a study: each takes a result table and returns a plot to build upon.

The functions compute nothing but layout, set no global style and show nothing. Every
plot is a plotnine ``ggplot``, so layers, scales and themes can be added to it.
"""

from __future__ import annotations

from fahrstats.display.age_calibration import age_calibration
from fahrstats.display.age_cells import age_cells, age_scatter
from fahrstats.display.age_errors import errors_by_age
from fahrstats.display.agreement_bands import changes_by_mean
from fahrstats.display.bland_altman import bland_altman
from fahrstats.display.calibration_curves import calibration_curves
from fahrstats.display.chain_traces import chain_trace
from fahrstats.display.change_forest import change_forest
from fahrstats.display.change_tiles import change_tiles
from fahrstats.display.cohort_forests import cohort_forest
from fahrstats.display.curves import survival_curves
from fahrstats.display.decision_curves import decision_curves
from fahrstats.display.dose_curves import dose_curves
from fahrstats.display.error_tiles import error_tiles
from fahrstats.display.flowchart import flow
from fahrstats.display.forests import forest
from fahrstats.display.funnels import funnel
from fahrstats.display.group_contrasts import group_contrasts
from fahrstats.display.group_measures import group_measures
from fahrstats.display.horizons import over_horizons
from fahrstats.display.hr_curves import hr_curve
from fahrstats.display.incidence import incidence_curves
from fahrstats.display.influence import largest_influence
from fahrstats.display.intervals import distribution, estimates
from fahrstats.display.joint_groups import joint_curves, joint_tiles
from fahrstats.display.learners import learner_dots
from fahrstats.display.planning import printed_p_values, sample_sizes
from fahrstats.display.region_intervals import region_differences, region_shares
from fahrstats.display.replacement_curves import replacement_curves
from fahrstats.display.saliency_maps import face_maps, painted_regions
from fahrstats.display.time_varying import hazard_ratios_over_time

__all__ = [
    "age_calibration",
    "age_cells",
    "age_scatter",
    "bland_altman",
    "calibration_curves",
    "chain_trace",
    "change_forest",
    "change_tiles",
    "changes_by_mean",
    "cohort_forest",
    "decision_curves",
    "distribution",
    "dose_curves",
    "error_tiles",
    "errors_by_age",
    "estimates",
    "face_maps",
    "flow",
    "forest",
    "funnel",
    "group_contrasts",
    "group_measures",
    "hazard_ratios_over_time",
    "hr_curve",
    "incidence_curves",
    "joint_curves",
    "joint_tiles",
    "largest_influence",
    "learner_dots",
    "over_horizons",
    "painted_regions",
    "printed_p_values",
    "region_differences",
    "region_shares",
    "replacement_curves",
    "sample_sizes",
    "survival_curves",
]

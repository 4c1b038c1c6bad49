"""What every estimand tells of people, and so how it is printed.

An estimand that is not listed is not published: of a number that nobody has looked at
it is unknown whom it gives away.
"""

from __future__ import annotations

from typing import Literal

Nature = Literal[
    "count",
    "share",
    "of_counts",
    "value",
    "mean",
    "contrast",
    "ratio",
    "correlation",
    "equivalence",
    "ranking",
    "model",
    "fit",
    "person",
]
"""What an estimand is.

``count``: a number of people. ``share``: of people, or built of such shares, as a mean
of squares between 0 and 1 is; printed to a step of so many people as counts are rounded
to. ``of_counts``: found anew from printed counts. ``value``: a quantile of what was
measured, or a time. ``mean``: a mean or spread, whose limits tell the number of people;
``contrast``: a difference of two. ``ratio``: of observed to expected events, whose
limits tell the number of events. ``correlation``: its limits and test tell the number
of people. ``equivalence``: a mean beside the test that it is small. ``ranking``: a
concordance between groups, whose test tells the number of people in the smaller one.
``model``: another coefficient, a measure of accuracy, a test. ``fit``: a log
likelihood. ``person``: of one person; left out.
"""

_BY_NATURE: dict[Nature, str] = {
    "count": "count sample_size",
    "share": "survival delta_survival cumulative_incidence delta_cumulative_incidence "
    "observed_risk mean_predicted_risk observed_minus_predicted net_benefit nri "
    "nri_events nri_nonevents share_within_2 share_within_5 share_within_10 "
    "share_inside share_moved share_lost share_changed_quantile "
    "delta_share_within_2 delta_share_within_5 delta_share_within_10 "
    "delta_share_inside brier delta_brier",
    "of_counts": "percent censored_share event_rate_per_1000 events_per_coefficient",
    "value": "median q1 q3 p5 p95 follow_up survival_time upper_bound rmst delta_rmst "
    "rmst_ratio person_time passing_severity passing_dose",
    "mean": "mean sd marker_mean marker_sd mae mean_error rmse median_error "
    "median_absolute_error mae_to_interval mae_most mean_error_least mean_error_most "
    "r r_squared slope intercept macro_mae macro_mae_to_interval standardized_mae "
    "mean_change mean_absolute_change sd_change loa_low loa_high repeatability "
    "reproducibility measurement_sd error_sd variance_between variance_days "
    "variance_error importance_share importance_per_area spearman_by_face mean_score",
    "ratio": "oe_ratio observed_expected calibration_intercept",
    "ranking": "cross_c_index cross_c_difference outside_c_index_event "
    "outside_c_index_survivor outside_c_difference asymmetry_f group_f condition_f "
    "interaction_f",
    "correlation": "pearson spearman partial_pearson partial_spearman icc icc_same_day "
    "icc_2_1 icc_3_1 ccc kappa_linear kappa_quadratic common_importance js_divergence "
    "map_spearman rank_correlation",
    "equivalence": "equivalence",
    "model": "log_hr hr log_shr shr log_or or ratio hr_ratio log_hr_ratio log_hr_firth "
    "hr_firth reri hr_random hr_common hr_prediction log_hr_random log_hr_common "
    "log_hr_prediction tau tau_squared i_squared heterogeneity_chi2 interaction_chi2 "
    "c_index delta_c_index model_c_index auc delta_auc ipa delta_ipa "
    "calibration_slope ici e50 e90 idi new_information smooth_observed_risk wald_chi2 "
    "nonlinear_wald_chi2 nonlinear_lr_chi2 lr_chi2 ph_chi2 logrank_chi2 gray_chi2 "
    "max_logrank_chi2 smd "
    "variance_of_delta_log_likelihood mean_predicted mean_age share passes",
    "fit": "log_likelihood aic delta_log_likelihood",
    "person": "max_dfbetas delta_log_hr n_influential last_follow_up",
}

NATURES: dict[str, Nature] = {
    name: nature for nature, names in _BY_NATURE.items() for name in names.split()
} | {"bin": "value"}

CELL_SHARE = "share"
"""Share of people in a cell, of counts that are rounded where they are made."""

_DECIMALS: dict[int, str] = {
    1: "mae mean_error rmse median_error median_absolute_error mae_to_interval "
    "mae_most mean_error_least mean_error_most macro_mae macro_mae_to_interval "
    "standardized_mae mean_predicted mean_age mean_change mean_absolute_change "
    "sd_change loa_low loa_high equivalence",
    2: "r r_squared slope intercept smd",
    3: "c_index model_c_index auc ipa ici e50 e90 cross_c_index cross_c_difference "
    "outside_c_index_event outside_c_index_survivor outside_c_difference",
}
_DECIMALS_OF = {name: n for n, names in _DECIMALS.items() for name in names.split()}
_DIFFERENCES = ("delta_", "ratio_")


def nature_of(estimand: str) -> Nature | None:
    """Return what an estimand is; None where it is not known."""
    if estimand in NATURES:
        return NATURES[estimand]
    for prefix in _DIFFERENCES:
        of = NATURES.get(estimand.removeprefix(prefix))
        if estimand.startswith(prefix) and of in ("model", "value", "ratio"):
            return "model"
        if estimand.startswith(prefix) and of == "mean":
            return "contrast"
    return None


def decimals_of(estimand: str) -> int | None:
    """Return the decimals that a report prints, where more tell of counts.

    The means of parts and whole tell how large the parts are, and a share of pairs how
    many there are, if they have enough digits.
    """
    return _DECIMALS_OF.get(estimand.removeprefix("delta_"))

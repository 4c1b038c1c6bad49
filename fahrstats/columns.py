"""Names, order and meaning of every column in every result table.

A table holds a subset of these columns, in this order. :func:`in_order` is the one
place that arranges them, so a column that is not listed here cannot reach a file.
"""

from __future__ import annotations

from collections.abc import Iterable

GLOSSARY: dict[str, str] = {
    "guideline": "guideline for reports that the row is about",
    "item": "number of an item of the guideline",
    "section": "part of a paper that the item belongs to",
    "asks": "what the item asks for, in our words",
    "status": "how far a report answers the item: done, stated, partly, open or not "
    "applicable",
    "places": "parts of the report that answer it, as references in Markdown",
    "given": "statements of the authors that answer it, as links in Markdown",
    "missing": "keys of those that would and have not been given, between commas",
    "biomarker": "column of the score that the row is about",
    "outcome": "label of the outcome, where a study has more than one",
    "cause": "type of event that the row is about, where several compete",
    "cohort": "label of the cohort; `overall` for all of them",
    "model": "label of the model given by the caller",
    "learner": "kind of model that was fitted: cox, elastic_net, forest, ...",
    "subgroup": "audited variable; `overall` for everyone",
    "level": "level of the audited variable or of a factor",
    "condition": "what was done to the face between two photos of it: a change that "
    "was simulated, or a set of real pairs; `overall` for all",
    "severity": "how far a simulated change was taken, 1 to 5; 0 is the photo itself",
    "dose": "the physical amount of that change, in the unit of its condition",
    "region": "part of the face, in the places of the aligned one",
    "group": "group of a curve or of a column of Table 1; `overall` for everyone",
    "first_group": "group of the first of two scores that are cut together",
    "second_group": "group of the second of them",
    "variable": "column of the data that the row describes",
    "value": "value of `variable` that the row is about",
    "term": "design column, score, or contrast written `a - b`",
    "reference": "reference level of a factor, reference group of a contrast",
    "per": "number of units (or the name of the unit) that the estimate refers to",
    "step": "position in the participant flow, from 0",
    "reason": "why rows were left out",
    "column": "column that made rows be left out",
    "quantile": "probability at which a cut point or a follow-up time is taken",
    "origin": "where a cut point comes from: the table, the rows and their number",
    "imputation": "number of the completed table, from 1",
    "cycle": "pass of the chained equations, from 1",
    "estimand": "what `estimate` is: log_hr, hr, c_index, delta_c_index, survival, ...",
    "measure": "measure of an audit that levels are compared by: hr, c_index, ...",
    "scale": "scale on which estimates were averaged: identity, logit, log-log, log",
    "validation": "how an accuracy was found: `apparent`, on the rows of the fit, or "
    "`optimism-corrected`, by the bootstrap",
    "time_weight": "how pairs are weighed in time: n, S, S/G, n/G2 or I",
    "time": "follow-up time of the row, in the units of the table's provenance",
    "threshold": "predicted risk from which one is treated",
    "predicted": "predicted risk of the event by `time`, a mean over a group's rows; "
    "or predicted age",
    "estimate": "the number",
    "std_error": "its standard error, on the same scale; absent for ratios",
    "statistic": "test statistic against no effect",
    "df": "degrees of freedom of a chi-squared statistic, or of the numerator of F",
    "df_residual": "degrees of freedom of t, or of the denominator of F",
    "p_value": "two-sided p value of `statistic`",
    "p_adjusted": "`p_value` adjusted for the number of tests, as its method says",
    "q_value": "`p_value` adjusted for the share of false alarms (Benjamini, Hochberg)",
    "i_squared": "variance between levels as a share of the variance of the estimates",
    "p_low": "smallest p value that the rounding of printed numbers allows",
    "p_high": "largest p value that it allows",
    "conf_low": "lower confidence limit",
    "conf_high": "upper confidence limit",
    "joint_low": "lower limit of intervals that hold for all rows together",
    "joint_high": "upper limit of such intervals",
    "weight": "share that the row has in the pooled estimate",
    "relative_increase": "increase in variance due to missing values, as a share",
    "missing_information": "fraction of the information that is missing",
    "published": "the estimate in print",
    "published_low": "its lower limit in print",
    "published_high": "its upper limit in print",
    "published_p": "its p value in print, as printed",
    "n_pairs": "comparable pairs of rows, weighted, behind a concordance",
    "n_at_risk": "rows at risk just before `time`",
    "n_censored": "rows censored; at `time` in curves, before it in at-risk tables, "
    "up to it at horizons",
    "n_tables": "completed tables pooled",
    "n_cohorts": "cohorts pooled",
    "n": "rows that the row describes",
    "n_events": "events among them; at, before or up to `time` as `n_censored`",
    "n_competing": "rows with an event of another cause",
    "n_subjects": "distinct subjects, where rows are intervals or clustered",
    "n_missing": "rows with no value",
    "n_flagged": "rows in print that disagree with themselves",
    "n_removed": "rows taken out by this step",
    "n_removed_events": "events among the rows taken out by this step",
    "n_dropped": "rows left out before fitting",
    "log_likelihood": "maximised log partial likelihood",
    "log_likelihood_null": "log partial likelihood with all coefficients zero",
    "aic": "-2 log likelihood + 2 coefficients",
    "c_index": "concordance of the linear predictor",
    "c_index_std_error": "infinitesimal-jackknife standard error of `c_index`",
    "note": "what a reader must know about the row: too few events, left-out covariate",
}

CONTRAST = " - "
"""What stands between the two sides of a contrast."""


def in_order(names: Iterable[str]) -> list[str]:
    """Return ``names`` in glossary order; an unlisted name is a programming error."""
    wanted = set(names)
    unknown = wanted - GLOSSARY.keys()
    assert not unknown, f"not in the glossary of columns: {sorted(unknown)}"
    return [name for name in GLOSSARY if name in wanted]


def contrast_name(first: str, second: str) -> str:
    """Return ``a - b``; a hyphen between blanks inside a name becomes a dash."""
    return CONTRAST.join(
        name.replace(CONTRAST, " \N{EN DASH} ") for name in (first, second)
    )

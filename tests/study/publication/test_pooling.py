from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.estimates import coarse

ROUNDING = Rounding("secret")
WIDTH = 2 * 1.959964


def pooled(n_events):
    """Pool three cohorts by inverse variance, as a study prints it."""
    log_hr, std_error = np.array([0.23, 0.28, -1.87]), np.array([0.05, 0.04, 2.04])
    information = 1 / std_error**2
    common = log_hr @ information / information.sum()
    errors = [*std_error, information.sum() ** -0.5, np.nan]
    estimates = np.array([*log_hr, common, np.nan])
    return pd.DataFrame(
        {
            "biomarker": "flc",
            "cohort": ["1995", "1996", "2003", "overall", "overall"],
            "estimand": [*["hr"] * 3, "hr_common", "heterogeneity_chi2"],
            "estimate": np.exp(estimates),
            "conf_low": np.exp(estimates - WIDTH / 2 * np.array(errors)),
            "conf_high": np.exp(estimates + WIDTH / 2 * np.array(errors)),
            "statistic": [*(estimates / errors)[:4], 1.31],
            "p_value": [1e-5, 1e-9, 0.36, 1e-15, 0.52],
            "weight": [*information / information.sum(), np.nan, np.nan],
            "n": [1008, 3023, 21, 4052, 4052],
            "n_events": [356, 968, n_events, 1324 + n_events, 1324 + n_events],
        }
    )


def information(rows):
    width = np.log(rows["conf_high"]) - np.log(rows["conf_low"])
    return (WIDTH / width) ** 2


def test_a_cohort_of_few_cannot_be_subtracted_from_what_is_pooled():
    """To six digits, pooled limits less those of the others tell its standard error."""
    shown = coarse(pooled(2), ROUNDING, [])
    assert shown["weight"].isna().all()
    parts, whole = shown[:2], shown.iloc[3]
    left = information(whole) - information(parts).sum()
    assert abs(left) > 20 * 0.24  # not 0.24, which is 2.04 ** -2
    assert whole["estimate"] == pytest.approx(1.30, abs=0.01)
    assert shown.loc[3:, ["statistic", "p_value"]].isna().all(axis=None)


def test_what_is_pooled_of_many_stays():
    shown = coarse(pooled(12), ROUNDING, [])
    assert shown["weight"].notna().sum() == 3
    assert shown["statistic"].notna().all()
    left = information(shown.iloc[3]) - information(shown[:3]).sum()
    assert abs(left) < 0.1


def test_a_cohort_that_is_not_pooled_gives_nothing_away():
    table = pooled(2)
    table.loc[2, "weight"] = np.nan
    assert coarse(table, ROUNDING, [])["weight"].notna().sum() == 2

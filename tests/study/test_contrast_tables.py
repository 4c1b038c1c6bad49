from __future__ import annotations

import numpy as np
from tables import check_table

import fahrstats as fs
from fahrstats.study import contrast_tables
from fahrstats.study.checks import read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""


def grouped(cohort):
    """Add the quartiles of the score, from low to high."""
    faceage = cohort.data["faceage"]
    return cohort.data.assign(q=fs.quantile_groups(faceage).assign(faceage))


def test_means_end_at_the_last_horizon_that_all_groups_reach(cohort):
    table = check_table(contrast_tables.restricted_means(cohort))
    direct = fs.rmst("Surv(time, event) ~ q", grouped(cohort), tau=2).tidy()
    assert set(table["time"]) == {2.0}
    np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)


def test_means_end_earlier_where_a_group_is_not_followed_to_any_horizon(
    write_study, people
):
    is_high = people["faceage"] > people["faceage"].quantile(0.75)
    people.loc[is_high, "days"] = people.loc[is_high, "days"].clip(upper=300)
    cohort = read_cohort(write_study(table=people))
    table = check_table(contrast_tables.restricted_means(cohort))
    assert set(table["time"]) == {300 / 365.25}


def test_differences_are_from_the_group_that_the_study_names(write_study):
    cohort = read_cohort(write_study(**{"seed = 3": "reference = 'Q4'"}))
    table = check_table(contrast_tables.survival_differences(cohort))
    direct = fs.survival_difference(
        "Surv(time, event) ~ q", grouped(cohort), times=[1, 2], reference="Q4"
    ).tidy()
    assert set(table["reference"]) == {"", "Q4"}
    np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)

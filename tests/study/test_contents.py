from __future__ import annotations

import warnings

import numpy as np
import pytest
from tables import check_table

from fahrstats.errors import ResultWarning
from fahrstats.study.checks import check_study
from fahrstats.study.contents import table_makers

SECTIONS = """
[competing]
cause = "cause"
of = "Cancer"
[ages]
predicted = ["faceage"]
[scores.marker]
may_be_missing = true
[subgroups]
"""
CHOICES = """
imputations = 2
early = [0.5]
cohorts = "site"
n_boot = 20
"""


@pytest.fixture
def everything(write_study, people):
    """Write a study that asks for every analysis; return its file."""
    people["cause"] = np.resize(["Cancer", "Heart", "Cancer"], len(people))
    people["site"] = np.resize(["a", "b", "b"], len(people))
    people["weight"] = np.resize([1, 2, 1], len(people))
    people["start"] = people["days"] / 4
    people["marker"] = people["age"] / 40 + np.resize([1.0, 5, 2, 4, 3], len(people))
    people.loc[180:, "marker"] = np.nan
    people.loc[:9, "age"] = np.nan

    def write(**changes):
        both = {"[subgroups]": SECTIONS, "seed = 3": CHOICES}
        path = write_study(table=people, **both)
        text = path.read_text()
        for old, new in changes.items():
            text = text.replace(old, new, 1)
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"early =": 'cluster = "site"\nid = "patient"\nearly ='},
        {"early =": 'strata = "site"\nearly ='},
        {"early =": 'weights = "weight"\nearly ='},
        {'unit = "days"': 'unit = "days"\nentry = "start"'},
        {"horizons = [1, 2]\n": ""},
        {"imputations = 2": "quantile_groups = 2\nreference = 'Q2'"},
    ],
    ids=["plain", "cluster", "strata", "weights", "entry", "no horizons", "halves"],
)
def test_whatever_a_study_asks_for_makes_sound_tables(everything, changes):
    check = check_study(everything(**changes))
    assert check.problems == ()
    makers = table_makers(check.cohort)
    assert {"imputed"} <= set(makers) or "imputations = 2" in changes
    assert {"cohorts", "gaps", "fine_gray", "early_deaths", "joint_groups"} <= set(
        makers
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResultWarning)
        for make in makers.values():
            assert len(check_table(make(check.cohort)))


def test_a_study_has_the_tables_that_it_asks_for(write_study):
    names = set(table_makers(check_study(write_study()).cohort))
    assert "comparison" in names
    assert not names & {
        *("incidence", "gray", "fine_gray", "gaps", "imputed", "cohorts"),
        *("early_deaths", "joint_groups", "score_correlation", "published"),
    }


@pytest.mark.slow
def test_hazard_ratios_per_sd_have_one_step_in_all_tables(everything):
    """Rows that models leave out for another missing value count for the SD."""
    per_sd, per_year = (
        check_study(everything(**{"per = 10": f"per = {per}"})).cohort
        for per in ("'sd'", "1")
    )
    spread = per_sd.everyone["faceage"].std()
    assert spread != pytest.approx(per_sd.data["faceage"].std(), rel=0.001)
    for name in (
        *("cox", "hr_over_time", "subgroups", "audit", "audit_differences"),
        *("cause_specific", "fine_gray", "cohorts", "imputed", "early_deaths"),
        "landmarks",
    ):
        table, other = (
            table_makers(cohort)[name](cohort) for cohort in (per_sd, per_year)
        )
        ratios = table["estimand"].isin(["hr", "hr_common", "shr", "or", "ratio_hr"])
        kept = (table["per"] == "SD") & ratios & table["estimate"].notna()
        assert kept.any(), name
        logs, per_unit = (
            np.log(table["estimate"][kept]),
            np.log(other["estimate"][kept]),
        )
        np.testing.assert_allclose(logs, spread * per_unit, rtol=1e-6)

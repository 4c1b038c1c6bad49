"""Curves of rows that are intervals of subjects, against R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from references import reference_cases

import fahrstats as fs

R_RTOL = 1e-8  # R writes 15 digits; both multiply and sum the same float64 terms
CASES = reference_cases("subjects")


def intervals(case, cohorts):
    """Make the rows that `tests/reference/subjects.R` makes."""
    rows = cohorts[case.data]
    late = (rows["time"] * (rows["subject"] % 4)) // 8
    return rows.assign(
        late_entry=rows["entry"].where(rows["entry"] > 0, late),
        cause=1 + (rows["subject"] % 3 == 2),
    )


def options(case):
    return {"weights": case.weights, "id": "subject"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_survival_of_subjects_matches_r(case, cohorts):
    data, formula = intervals(case, cohorts), f"Surv({case.entry}, time, event) ~ sex"
    table = fs.kaplan_meier(formula, data, **options(case)).at(case.times)
    wanted = {
        name: np.concatenate([group[name] for group in case.groups])
        for name in ("survival", "std_error")
    }
    np.testing.assert_allclose(table["estimate"], wanted["survival"], rtol=R_RTOL)
    np.testing.assert_allclose(table["std_error"], wanted["std_error"], rtol=R_RTOL)
    differences = fs.survival_difference(
        formula, data, times=case.times, **options(case)
    ).tidy()
    one, two = (np.array(group["std_error"]) for group in case.groups)
    std_error = differences["std_error"].iloc[-len(case.times) :]
    np.testing.assert_allclose(std_error, np.hypot(one, two), rtol=R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_restricted_means_of_subjects_match_r(case, cohorts):
    means = fs.rmst(
        f"Surv({case.entry}, time, event) ~ sex",
        intervals(case, cohorts),
        tau=case.tau,
        **options(case),
    )
    wanted = [[group["mean"], group["mean_std_error"]] for group in case.groups]
    found = np.column_stack([means.mean, means.std_error])
    np.testing.assert_allclose(found, wanted, rtol=R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_incidences_of_subjects_match_r(case, cohorts):
    curves = fs.cumulative_incidence(
        f"Surv({case.entry}, time, event) ~ sex",
        intervals(case, cohorts),
        cause="cause",
        **options(case),
    )
    table = curves.at(case.times)
    for name, column in {
        "incidence": "estimate",
        "incidence_std_error": "std_error",
    }.items():
        wanted = [group[name][k] for k in range(2) for group in case.groups]
        found = table[column].to_numpy().reshape(np.shape(wanted))
        np.testing.assert_allclose(found, wanted, rtol=R_RTOL, atol=1e-15)


def test_whole_weights_of_subjects_count_subjects(cohorts):
    data = cohorts["lung_split"].assign(cause=1)
    copies = data.loc[data.index.repeat(data["frequency"].astype(int))]
    number = copies.groupby(level=0).cumcount()
    copies = copies.assign(subject=copies["subject"] * 10 + number)
    formula, given = "Surv(entry, time, event) ~ sex", {"cause": "cause"}
    found = fs.cumulative_incidence(
        formula, data, weights="frequency", id="subject", **given
    )
    wanted = fs.cumulative_incidence(formula, copies, id="subject", **given)
    np.testing.assert_allclose(found.std_error, wanted.std_error, rtol=1e-9, atol=1e-12)


def test_several_events_of_a_subject_are_taken_together():
    """Three subjects whose second intervals repeat the first: half the subjects."""
    once = pd.DataFrame(
        {"entry": 0.0, "exit": [1.0, 2, 3, 4], "event": [1, 0, 1, 0], "id": range(4)}
    )
    twice = pd.concat([once, once.assign(entry=10.0, exit=once["exit"] + 10)])
    curves = fs.kaplan_meier("Surv(entry, exit, event) ~ 1", twice, id="id")
    alone = fs.kaplan_meier("Surv(entry, exit, event) ~ 1", once)
    s, se = (np.array(alone.at([3])[name])[0] for name in ("estimate", "std_error"))
    late = curves.at([13]).iloc[0]
    assert late["estimate"] == pytest.approx(s**2, rel=1e-12)
    assert late["std_error"] == pytest.approx(2 * s * se, rel=1e-12)

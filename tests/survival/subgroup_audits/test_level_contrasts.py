"""Differences between levels: Cochran's Q, and what the shared fit leaves of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audited_people import FORMULA, HORIZON, people
from hypothesis import given
from hypothesis import strategies as st
from tables import check_table

import fahrstats as fs
from fahrstats.survival.subgroup_audits.audited_measures import NAMES
from fahrstats.survival.subgroup_audits.level_contrasts import (
    comparable,
    differences,
    equality_statistic,
)
from fahrstats.survival.subgroup_audits.level_heterogeneity import heterogeneity

JACKKNIFE_RTOL = 0.15  # of 143 rows: it counts terms that the infinitesimal one drops
RATIO = NAMES.index("observed_expected")


def contrasts(g: int) -> np.ndarray:
    return np.hstack([np.ones((g - 1, 1)), -np.eye(g - 1)])


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.1, 3)), min_size=2, max_size=7))
def test_independent_levels_have_cochran_s_q(levels):
    y, s = np.array(levels).T
    B = contrasts(y.size)
    cov = B @ np.diag(s**2) @ B.T
    statistic, df = equality_statistic(B @ y, cov, cov)
    wanted = heterogeneity(y, s)
    assert df == wanted.df
    assert statistic == pytest.approx(wanted.statistic, rel=1e-9, abs=1e-12)


def test_a_direction_that_the_fit_has_emptied_is_not_tested():
    given_cov = np.diag([0.2, 0.3])
    cov = np.diag([0.1, 1e-5])
    statistic, df = equality_statistic(np.array([0.4, 0.5]), cov, given_cov)
    assert (statistic, df) == (pytest.approx(0.16 / 0.1), 1)
    assert equality_statistic(np.zeros(2), cov * 1e-4, given_cov) == (0.0, 0)
    given_cov[1, 1] = 0.0
    statistic, df = equality_statistic(np.array([0.4, 0.5]), cov, given_cov)
    assert (statistic, df) == (pytest.approx(0.16 / 0.1), 1)


def audited(data: pd.DataFrame, by: str, **roles):
    found = fs.audit(
        FORMULA, data, term="marker", by=[by], horizon=HORIZON, floor_events=5, **roles
    )
    return found.parts[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "by"),
    [
        ("observed_expected", "sex"),
        ("observed_expected", "site"),
        ("calibration_slope", "sex"),
    ],
)
def test_the_variance_of_a_difference_is_that_of_the_jackknife(measure, by):
    """Every row is left out of the fit too. Sex is in the model, and site is not."""
    data = people(7, 150).dropna(subset=["marker"]).reset_index(drop=True)
    part, m = audited(data, by), NAMES.index(measure)
    pair = np.array([[0, 1]])
    _, cov, given_cov = differences(part, m, pair)
    left_out = [
        differences(audited(data.drop(index=row), by), m, pair)[0][0]
        for row in range(len(data))
    ]
    jackknife = (len(data) - 1) * np.var(left_out)
    assert cov[0, 0] == pytest.approx(jackknife, rel=JACKKNIFE_RTOL)
    if (measure, by) == ("observed_expected", "sex"):
        assert given_cov[0, 0] > 2 * jackknife


def test_what_a_factor_in_the_model_does_to_its_calibration():
    data = people(11, 600)
    without = people(11, 600).rename(columns={"sex": "other", "site": "sex"})
    for rows, least, most in ((data, 0.0, 0.7), (without, 0.9, 1.1)):
        part = audited(rows, "sex" if rows is data else "other")
        pair = np.array([[0, 1]])
        _, cov, given_cov = differences(part, RATIO, pair)
        assert least < cov[0, 0] / given_cov[0, 0] < most


def test_levels_that_are_strata_are_alike_by_construction():
    """Within a stratum the baseline is free, so its calibration is the fit's."""
    data = people(13, 600)
    found = fs.audit(
        "Surv(time, event) ~ age",
        data,
        term="age",
        by=["site"],
        horizon=HORIZON,
        strata="site",
    )
    tests = found.tests().set_index("measure")
    assert tests.loc["observed_expected", "note"] == (
        "alike by construction: the model was fitted to these levels"
    )
    assert np.isnan(tests.loc["observed_expected", "p_value"])
    assert "one of 4 tests" in tests.loc["hr", "note"]
    largest = found.largest_difference().set_index("measure").loc["observed_expected"]
    assert largest["note"] == tests.loc["observed_expected", "note"]
    assert np.isfinite(largest["estimate"])
    assert np.isnan(
        largest[["conf_low", "conf_high", "p_adjusted"]].astype(float)
    ).all()


def test_clusters_that_span_levels_make_them_vary_together():
    data = people(17, 300)
    copies = pd.concat([data.assign(copy="a"), data.assign(copy="b")])
    copies = copies.assign(person=np.tile(np.arange(len(data)), 2))
    part = audited(copies.reset_index(drop=True), "copy", cluster="person")
    for name in ("hr", "c_index", "ipa", "marker_mean", "observed_expected"):
        m = NAMES.index(name)
        assert comparable(part, m).size == 2
        delta, cov, given_cov = differences(part, m, np.array([[0, 1]]))
        alone = part.std_error[0, m] ** 2
        assert abs(delta[0]) < 1e-9
        assert abs(cov[0, 0]) < 1e-9 * alone
        assert abs(given_cov[0, 0]) < 1e-9 * alone


def test_levels_that_are_the_same_people_have_nothing_to_test():
    data = people(17, 300)
    copies = pd.concat([data.assign(copy="a"), data.assign(copy="b")])
    copies = copies.assign(person=np.tile(np.arange(len(data)), 2))
    found = fs.audit(
        FORMULA, copies, term="marker", by=["copy"], horizon=HORIZON, cluster="person"
    )
    tests = check_table(found.tests()).set_index("measure")
    assert set(tests.loc[tests.index != "hr", "note"]) == {"no variation to test"}
    differences = check_table(found.largest_difference())
    assert set(differences["note"]) == {"no variation to test"}
    assert differences["std_error"].isna().all()

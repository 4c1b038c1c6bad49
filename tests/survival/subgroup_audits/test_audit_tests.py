"""Tests of an audit: one per factor and measure, adjusted for their number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audited_people import FORMULA, HORIZON, people
from scipy.stats import chi2
from tables import check_table

import fahrstats as fs
from fahrstats.survival.subgroup_audits.audit_tests import share_between
from fahrstats.survival.subgroup_audits.audited_measures import MEASURES
from fahrstats.survival.subgroup_audits.level_heterogeneity import heterogeneity

TESTED = [measure.name for measure in MEASURES if measure.is_tested]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return people(20260611)


@pytest.fixture(scope="module")
def result(data) -> fs.Audit:
    return fs.audit(
        FORMULA,
        data,
        term="marker",
        by=["sex", "race"],
        crossings=[["sex", "site"]],
        horizon=HORIZON,
    )


def holm(p: np.ndarray) -> np.ndarray:
    """Step down by hand: the k-th smallest of m times m - k + 1, never falling."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    return np.minimum(stepped[np.argsort(order)], 1)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p)
    stepped = p[order] * p.size / np.arange(1, p.size + 1)
    stepped = np.minimum.accumulate(stepped[::-1])[::-1]
    return np.minimum(stepped[np.argsort(order)], 1)


def test_one_test_for_each_factor_and_measure(result):
    table = check_table(result.tests())
    assert list(table["measure"]) == TESTED * 3
    assert list(table["subgroup"].unique()) == ["sex", "race", "sex \u00d7 site"]
    assert list(table["estimand"].unique()) == [
        "interaction_chi2",
        "heterogeneity_chi2",
    ]
    assert table["note"].str.endswith("one of 15 tests").all()


def test_the_interaction_is_that_of_the_audit_of_subgroups(result, data):
    table = result.tests()
    alone = fs.by_subgroup(FORMULA, data, term="marker", by=["sex"]).tidy()
    theirs = alone[alone["estimand"] == "interaction_chi2"].iloc[0]
    ours = table[(table["measure"] == "hr") & (table["subgroup"] == "sex")].iloc[0]
    for name in ("statistic", "df", "p_value", "n", "n_events"):
        assert ours[name] == theirs[name]
    assert ours["note"].startswith("likelihood-ratio test; Q ")


@pytest.mark.parametrize(
    ("term", "measure"), [("marker", "c_index"), ("model", "model_c_index")]
)
def test_concordances_are_tested_by_cochran_s_q_of_their_logits(result, term, measure):
    levels = result.tidy().query("subgroup == 'race' and estimand == 'c_index'")
    levels = levels[(levels["term"] == term) & levels["estimate"].notna()]
    c, d = levels["estimate"], levels["n_events"].astype(float)
    spread = levels["std_error"] / (c * (1 - c)) * np.sqrt(d / (d - 1))
    wanted = heterogeneity(np.log(c / (1 - c)), spread)
    table = result.tests().set_index(["subgroup", "measure"])
    ours = table.loc[("race", measure)]
    assert ours["df"] == wanted.df == 3
    assert ours["statistic"] == pytest.approx(wanted.statistic, rel=1e-10)
    assert ours["p_value"] == pytest.approx(wanted.p_value, rel=1e-10)
    assert ours["i_squared"] == pytest.approx(max(0, 1 - 3 / wanted.statistic))


def test_p_values_are_those_of_chi_squared_and_are_adjusted(result):
    table = result.tests()
    p = chi2.sf(table["statistic"], table["df"])
    np.testing.assert_allclose(table["p_value"], p, rtol=1e-12)
    np.testing.assert_allclose(table["p_adjusted"], holm(p), rtol=1e-12)
    np.testing.assert_allclose(table["q_value"], benjamini_hochberg(p), rtol=1e-12)


def test_a_level_ranked_without_error_is_left_out_in_silence(data):
    is_black = data["race"] == "Black"
    marker = data["marker"].mask(is_black, data["event"] / 1e3 - data["time"])
    perfect = data.assign(marker=marker)
    arguments = {"term": "marker", "by": ["race"], "horizon": HORIZON}
    table = fs.audit(FORMULA, perfect, **arguments).tests()
    row = table[table["measure"] == "c_index"].iloc[0]
    assert row["note"].startswith("without Black")
    assert np.isfinite(row["statistic"])


def test_tests_that_cannot_be_made_are_not_counted(data):
    result = fs.audit(
        FORMULA,
        data,
        term="marker",
        by=["sex", "race"],
        horizon=HORIZON,
        floor_people=150,
    )
    table = result.tests()
    made = table["subgroup"] == "sex"
    assert table.loc[made, "note"].str.endswith("one of 5 tests").all()
    rest = table.loc[~made]
    assert rest[["p_value", "p_adjusted", "q_value"]].isna().all(axis=None)
    assert (rest["df"] == 0).all()
    assert rest["note"].str.contains("fewer than two levels can be estimated").all()


@pytest.mark.parametrize(
    ("q", "df", "share"), [(4.0, 1, 0.75), (2.0, 3, 0.0), (0.0, 2, 0.0)]
)
def test_the_share_between_levels(q, df, share):
    assert share_between(q, df) == share

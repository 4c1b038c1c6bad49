"""Tests of changes: closed forms, size and power, and what has no test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from face_pairs import agreed, made_pairs, under_conditions
from numpy.testing import assert_allclose
from scipy.stats import f, ttest_ind
from tables import check_table


def test_conditions_of_the_same_people_have_hotellings_test():
    """T squared of the differences from the first condition, by its formula."""
    before, _ = made_pairs(7, n=15, sex=["F", "M", "F"] * 5)
    after = under_conditions(before, 8, {"a": 0, "b": 1, "c": 2})
    tests = check_table(agreed((before, after), condition="what", by=["sex"]).tests())
    is_it = (tests["estimand"] == "condition_f") & (tests["measure"] == "mean_change")
    (test,) = tests[is_it].to_dict("records")
    wide = after.pivot(index="who", columns="what", values="faceage")
    apart = wide[["b", "c"]].to_numpy() - wide[["a"]].to_numpy()
    n, k = apart.shape
    mean = apart.mean(axis=0)
    squared = n * mean @ np.linalg.solve(np.cov(apart.T), mean)
    statistic = (n - k) / (k * (n - 1)) * squared
    assert test["statistic"] == pytest.approx(statistic, rel=1e-10)
    assert (test["df"], test["df_residual"]) == (k, n - k)
    assert test["p_value"] == pytest.approx(f.sf(statistic, k, n - k), rel=1e-10)


def test_an_interaction_of_two_and_two_is_welchs_test_of_the_difference():
    before, _ = made_pairs(7, n=15, sex=["F", "M", "F"] * 5)
    after = under_conditions(before, 8, {"a": 0, "b": 1})
    after.loc[after["who"] % 3 == 1, "faceage"] *= 1.1  # more spread among men
    tests = check_table(agreed((before, after), condition="what", by=["sex"]).tests())
    is_it = (tests["estimand"] == "interaction_f") & (tests["measure"] == "mean_change")
    (test,) = tests[is_it].to_dict("records")
    apart = after.pivot(index="who", columns="what", values="faceage")
    is_man = before["sex"] == "M"
    apart = (apart["b"] - apart["a"]).to_numpy()
    welch = ttest_ind(apart[~is_man], apart[is_man], equal_var=False)
    assert test["statistic"] == pytest.approx(welch.statistic**2, rel=1e-10)
    assert test["df_residual"] == pytest.approx(welch.df, rel=1e-10)
    assert test["p_value"] == pytest.approx(welch.pvalue, rel=1e-10)


def test_a_level_with_too_few_pairs_is_left_out_of_the_interaction():
    before, _ = made_pairs(7, n=21, sex=["F", "M"] * 10 + ["other"])
    after = under_conditions(before, 8, {"a": 0, "b": 1})
    options = {"condition": "what", "by": ["sex"]}
    all_three = agreed((before, after), **options).tests()
    two = agreed((before[:20], after[after["who"] < 20]), **options).tests()
    is_it = all_three["estimand"] == "interaction_f"
    assert_allclose(all_three[is_it]["p_value"], two[is_it]["p_value"])
    assert (
        all_three[is_it]["note"].tolist()
        == ["left out, fewer than 3 pairs: `a` of other, `b` of other"] * 2
    )


def test_what_cannot_be_tested_says_why():
    before, _ = made_pairs(7, n=12, sex="F", light=["dim", "bright"] * 6)
    after = under_conditions(before, 8, {"a": 0, "b": 1})
    own = pd.concat(
        [
            before.assign(what="a"),
            before.assign(what="b", light=before["light"].to_numpy()[::-1]),
        ]
    )
    tests = agreed((own, after), condition="what", by=["sex", "light"]).tests()
    crossed = tests[tests["estimand"] == "interaction_f"].set_index("subgroup")
    assert (crossed.loc["sex", "note"] == "not tested: one level").all()
    note = "not tested: subjects are in several levels"
    assert (crossed.loc["light", "note"] == note).all()
    rigid = after.assign(faceage=after["who"].map(before["faceage"]) + 1)
    flat = agreed((before, rigid), condition="what", by=["light"]).tests()
    notes = flat.set_index("estimand")["note"]
    assert (notes["group_f"] == "not tested: changes of a level are all equal").all()
    none = "not tested: too few subjects whose changes vary"
    assert (notes["condition_f"] == none).all()
    shifts = {name: 0 for name in "abcdef"}
    few = agreed(
        (before[:5], under_conditions(before[:5], 9, shifts)), condition="what"
    )
    assert (few.tests()["note"] == none).all()


@pytest.mark.slow
@pytest.mark.parametrize(("n_levels", "n"), [(2, 20), (4, 60)])
def test_an_interaction_is_found_where_it_is_and_rarely_where_not(n_levels, n):
    """5% of studies without one, within three standard errors of 300 studies."""
    rng = np.random.default_rng(9)
    found = {0.0: 0, 5.0: 0}
    for _ in range(300):
        before, _ = made_pairs(rng.integers(2**31), n=n, sex=np.arange(n) % n_levels)
        after = under_conditions(before, rng.integers(2**31), {"a": 0, "b": 1, "c": 0})
        for more in found:
            is_more = (after["what"] == "b") & (after["who"] % n_levels == 0)
            moved = after.assign(faceage=after["faceage"] + more * is_more)
            tests = agreed((before, moved), condition="what", by=["sex"]).tests()
            rows = tests[tests["estimand"] == "interaction_f"]
            found[more] += rows["p_value"].iloc[0] < 0.05
    assert 4 <= found[0.0] <= 26
    assert found[5.0] > 150


@pytest.mark.slow
def test_equivalence_is_shown_rarely_at_the_margin_and_often_within():
    """5% at the margin, by design; 400 studies, three standard errors."""
    rng = np.random.default_rng(10)
    shown = {1.0: 0, 0.0: 0}
    for shift in shown:
        for _ in range(400):
            before, after = made_pairs(rng.integers(2**31), n=120, shift=shift)
            test = agreed((before, after), margin=1).tests().iloc[0]
            inside = test["conf_low"] > -1 and test["conf_high"] < 1
            assert inside == (test["p_value"] < 0.05)
            shown[shift] += inside
    assert 7 <= shown[1.0] <= 33
    assert shown[0.0] > 200


def test_a_condition_of_one_group_only_has_no_interaction():
    before, _ = made_pairs(14, n=30, sex=["F", "M"] * 15)
    after = under_conditions(before, 15, {"makeup": 0, "surgery": 0})
    kept = after[(after["what"] == "makeup") | (after["who"] % 2 == 0)]
    result = agreed((before, kept), condition="what", by=["sex"])
    tests = result.tests().set_index(["estimand", "condition", "measure"])
    row = tests.loc[("interaction_f", "overall", "mean_change")]
    left_out = "not tested: left out, fewer than 3 pairs: "
    assert row["note"] == left_out + "`surgery` of M"
    alone = tests.loc[("group_f", "surgery", "mean_change"), "note"]
    assert alone == left_out + "M"
    assert np.isfinite(tests.loc[("condition_f", "overall", "mean_change"), "p_value"])
    assert "does what a condition does depend on sex? not tested" in str(result)

"""Agreement of two photos: R, properties, what is shown, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from references import reference_cases
from scipy.stats import f, norm, ttest_ind
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # agreement.R

KEYS = ["condition", "subgroup", "level", "estimand"]


def make_tables(first, second, **columns):
    """One row a subject before, and one after."""
    who = np.arange(len(first))
    before = pd.DataFrame({"who": who, "faceage": np.asarray(first, float), **columns})
    return before, pd.DataFrame({"who": who, "faceage": np.asarray(second, float)})


def made_pairs(seed, n=60, shift=0.5, error=3.0, **columns):
    rng = np.random.default_rng(seed)
    face = rng.normal(60, 12, n)
    first, second = face + rng.normal(0, error, (2, n))
    return make_tables(first, second + shift, **columns)


def under_conditions(before, seed, shifts):
    """Photos after, of every subject under every condition."""
    rng = np.random.default_rng(seed)
    return pd.concat(
        [
            before[["who"]].assign(
                faceage=before["faceage"] + shift + rng.normal(0, 3, len(before)),
                what=what,
            )
            for what, shift in shifts.items()
        ],
        ignore_index=True,
    )


def agreed(tables, **options):
    return fs.agreement(*tables, **({"subject": "who"} | options))


def overall(result, **options):
    table = check_table(result.tidy(**options))
    return table[table["subgroup"] == "overall"].set_index("estimand")


@pytest.mark.parametrize("case", reference_cases("agreement"), ids=str)
def test_agreement_matches_r(case):
    """irr, psych, vcd, epiR and base R; groups are those of `cuts`."""
    columns = {} if case.group is None else {"sex": case.group}
    result = agreed(
        make_tables(case.first, case.second, **columns),
        margin=case.margin,
        moved=case.moved,
        cut_points=case.cuts,
        by=[*columns],
    )
    table = overall(result)
    assert {*case.estimates} <= {*table.index}
    for estimand, values in case.estimates.items():
        for column, value in values.items():
            found = table.loc[estimand, column]
            assert found == pytest.approx(value, rel=R_RTOL), (estimand, column)
    tests = check_table(result.tests())
    test = tests[tests["estimand"] == "equivalence"].iloc[0]
    for column, value in case.equivalence.items():
        assert test[column] == pytest.approx(value, rel=R_RTOL), column
    if case.welch is not None:
        is_it = (tests["estimand"] == "group_f") & (tests["measure"] == "mean_change")
        for column, value in case.welch.items():
            assert tests[is_it].iloc[0][column] == pytest.approx(value, rel=R_RTOL)


def test_four_pairs_by_hand():
    """Changes -1, 1, 3, 1: mean 1, variance 8/3; half the mean square is 3/2."""
    pairs = make_tables([50, 60, 70, 80], [49, 61, 73, 81])
    table = overall(agreed(pairs, moved=2, cut_points=[55, 65, 75]))
    assert table.loc["mean_change", "estimate"] == 1
    assert table.loc["mean_absolute_change", "estimate"] == 1.5
    assert table.loc["sd_change", "estimate"] == pytest.approx(np.sqrt(8 / 3))
    coefficient = table.loc["repeatability", "estimate"]
    assert coefficient == pytest.approx(1.959963984540054 * np.sqrt(3), rel=1e-12)
    assert table.loc["share_moved", "estimate"] == 0.25
    assert table.loc["share_changed_quantile", "estimate"] == 0
    assert table.loc["kappa_quadratic", "estimate"] == 1
    assert np.isnan(table.loc["kappa_quadratic", "conf_low"])


def test_a_change_of_just_five_years_has_not_moved():
    pairs = make_tables([65.1, 30, 40, 50], [60.1, 30, 41, 56])
    assert overall(agreed(pairs)).loc["share_moved", "estimate"] == 0.25


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(20, 90), st.floats(20, 90)), min_size=5, max_size=30),
    st.integers(-20, 20),
)
def test_a_shift_of_both_scores_changes_nothing(pairs, shift):
    first, second = (np.round(side, 1) for side in np.array(pairs).T)
    cuts = np.array([40.05, 55.05, 70.05])
    here = overall(agreed(make_tables(first, second), cut_points=cuts))
    there = overall(
        agreed(make_tables(first + shift, second + shift), cut_points=cuts + shift)
    )
    columns = ["estimate", "conf_low", "conf_high"]
    assert_allclose(here[columns], there[columns], rtol=1e-6, atol=1e-9)


def test_years_or_months_are_the_same_changes():
    before, after = made_pairs(2)
    cuts = np.array([50, 60, 70])
    years = overall(agreed((before, after), cut_points=cuts, moved=5))
    months = [side.assign(faceage=12 * side["faceage"]) for side in (before, after)]
    found = overall(agreed(months, cut_points=12 * cuts, moved=60))
    in_years = ["mean_change", "mean_absolute_change", "sd_change", "loa_low"]
    in_years += ["loa_high", "repeatability"]
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    for estimand in years.index:
        factor = 12 if estimand in in_years else 1
        expected = factor * years.loc[estimand, columns].astype(float)
        assert_allclose(
            found.loc[estimand, columns].astype(float), expected, rtol=1e-12
        )


def test_swapping_the_photos_turns_changes_round():
    before, after = made_pairs(2)
    cuts = [50, 60, 70]
    one = overall(agreed((before, after), cut_points=cuts))
    two = overall(agreed((after, before), cut_points=cuts))
    assert_allclose(
        two.loc["mean_change", ["estimate", "conf_low", "conf_high"]].astype(float),
        -one.loc["mean_change", ["estimate", "conf_high", "conf_low"]].astype(float),
    )
    assert two.loc["loa_low", "conf_low"] == pytest.approx(
        -one.loc["loa_high", "conf_high"]
    )
    same = ["mean_absolute_change", "sd_change", "repeatability", "icc_2_1", "icc_3_1"]
    same += ["pearson", "ccc", "share_moved", "share_changed_quantile", "kappa_linear"]
    assert_allclose(one.loc[same, "estimate"], two.loc[same, "estimate"], rtol=1e-12)


def test_every_part_equals_its_own_pairs():
    before, after = made_pairs(3, sex=["F", "M", "M"] * 20)
    found = check_table(agreed((before, after), by=["sex"]).tidy())
    for level in ("F", "M"):
        mine = before["sex"] == level
        alone = overall(
            agreed(
                (before[mine], after[mine]),
                cut_points=np.quantile(before["faceage"], [0.25, 0.5, 0.75]),
            )
        )
        part = found[found["level"] == level].set_index("estimand")
        assert_allclose(part["estimate"], alone["estimate"], rtol=1e-12)
        assert part["n"].unique().tolist() == [int(mine.sum())]


def test_pairs_without_a_score_are_counted_and_lost_faces_told():
    before, after = made_pairs(4, n=20)
    before.loc[0, "faceage"] = np.nan
    after.loc[[0, 1, 2], "faceage"] = np.nan
    result = agreed((before, after))
    table = overall(result)
    assert table.loc["mean_change", ["n", "n_missing"]].tolist() == [17, 3]
    lost = table.loc["share_lost"]
    assert (lost["estimate"], lost["n"], lost["n_missing"]) == (2 / 19, 19, 1)
    glance = check_glance(result.glance())
    assert glance.iloc[0].to_dict() == {"n": 17, "n_subjects": 17, "n_dropped": 3}


def test_one_first_photo_serves_all_conditions():
    before, _ = made_pairs(5)
    after = under_conditions(before, 6, {"makeup": -2, "surgery": 0})
    shared = agreed((before, after), condition="what").tidy()
    own = pd.concat([before.assign(what=what) for what in ("surgery", "makeup")])
    each = agreed((own, after), condition="what").tidy()
    pd.testing.assert_frame_equal(shared, each)
    assert list(shared["condition"].unique()) == ["makeup", "surgery"]


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
    """5% at the margin, by design; 600 studies, three standard errors."""
    rng = np.random.default_rng(10)
    shown = {1.0: 0, 0.0: 0}
    for shift in shown:
        for _ in range(600):
            before, after = made_pairs(rng.integers(2**31), n=120, shift=shift)
            test = agreed((before, after), margin=1).tests().iloc[0]
            inside = test["conf_low"] > -1 and test["conf_high"] < 1
            assert inside == (test["p_value"] < 0.05)
            shown[shift] += inside
    assert 14 <= shown[1.0] <= 46
    assert shown[0.0] > 300


def test_what_is_shown_is_said_in_words():
    tables = made_pairs(11, n=200, shift=0.0)
    assert "without a margin, nothing is shown" in str(agreed(tables))
    alone = str(agreed(tables, margin=2))
    assert ": smaller than 2 (P<0.001)" in alone
    assert "adjusted" not in alone
    assert "neither shown to be smaller than 0.2" in str(agreed(tables, margin=0.2))
    shifted = made_pairs(11, n=200, shift=3.0)
    assert "smaller than 5, though not 0 (P<0.001)" in str(agreed(shifted, margin=5))
    assert ": larger than the margin of 1" in str(agreed(shifted, margin=1))
    parts = made_pairs(11, n=200, shift=0.0, sex=["F", "M"] * 100)
    told = str(agreed(parts, margin=2, by=["sex"]))
    assert told.endswith("P values are not adjusted for their number; `tests()` does.")


def test_equal_photos_are_equivalent_and_agree_wholly():
    before, _ = made_pairs(12)
    result = agreed((before, before[["who", "faceage"]]), margin=1)
    table = overall(result)
    assert table.loc["mean_absolute_change", "conf_high"] == 0
    ones = ["icc_2_1", "icc_3_1", "pearson", "ccc", "kappa_linear", "kappa_quadratic"]
    assert_allclose(table.loc[ones, "estimate"], 1, rtol=1e-12)
    assert check_table(result.tests())["p_value"].tolist() == [0]


def test_scores_that_do_not_vary_have_no_correlation_and_say_so():
    table = overall(agreed(make_tables([50] * 5, [50] * 5)))
    assert table.loc["icc_2_1", "note"] == "not estimated: scores do not vary"
    assert "one group" in table.loc["kappa_linear", "note"]
    assert table.loc["mean_change", "estimate"] == 0


def test_small_groups_keep_their_rows():
    before, after = made_pairs(13, n=12, sex=["F"] * 2 + ["M"] * 10)
    result = agreed((before, after), by=["sex"], margin=1)
    table = check_table(result.tidy()).set_index("level")
    few = table.loc["F"]
    assert (few["n"] == 2).all()
    estimated = few[few["estimate"].notna()]["estimand"].tolist()
    assert estimated == ["share_lost"]
    assert (few["note"].iloc[0]) == "not estimated: fewer than 3 pairs"
    tests = result.tests().set_index("estimand")
    note = "not tested: left out, fewer than 3 pairs: F"
    assert (tests.loc["group_f", "note"] == note).all()
    assert "F: n = 2\n  not estimated" in str(result)


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


def test_photos_of_one_subject_three_times_are_refused():
    before, after = made_pairs(16, n=10)
    tripled = pd.concat([after, after.iloc[[0, 0]]])
    with pytest.raises(
        DataError, match=r"`second` has several rows for 1 of 10 .*`who`"
    ):
        agreed((before, tripled))
    with pytest.raises(DataError, match=r"3 for one of them.*`repeatability`"):
        agreed((before, tripled))


def test_unpaired_photos_are_refused():
    before, after = made_pairs(17, n=10)
    message = (
        "2 of 10 rows of `first` have no partner in `second`, and 0 of 8 rows of "
        "`second` none in `first`, by `who`"
    )
    with pytest.raises(DataError, match=message):
        agreed((before, after.iloc[2:]))


@pytest.mark.parametrize("margin", [0, -1, np.inf, np.nan, "1", True])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(DataError, match=f"`margin` is {margin}; give a size of change"):
        agreed(made_pairs(18), margin=margin)


def test_wrong_input_is_refused():
    before, after = made_pairs(19, n=10, sex=["F", "M"] * 5)

    def refused(message, first=before, second=after, **options):
        with pytest.raises(DataError, match=message):
            agreed((first, second), **options)

    refused("`moved` is 0", moved=0)
    refused("`by` is the text `sex`", by="sex")
    refused("`first` has no column `race`", by=["race"])
    refused("`second` has no column `what`", condition="what")
    refused("`first` is a list; give a pandas data frame", first=[1])
    refused("`cut_points` must ascend", cut_points=[2, 1])
    refused("`cut_points` must be finite numbers", cut_points=[np.nan])
    refused("`cut_points` must be finite numbers", cut_points="abc")
    refused(
        "has no two photos|None of the 10 pairs", second=after.assign(faceage=np.nan)
    )
    infinite = after.assign(faceage=after["faceage"].where(after["who"] > 0, np.inf))
    refused("`faceage` of `second` is infinite in 1 of 10 rows", second=infinite)
    texts = after.assign(faceage=after["faceage"].astype(str))
    refused("`faceage` of `second` must hold numbers", second=texts)
    nobody = before.assign(who=before["who"].where(before["who"] > 0))
    refused("`who` of `first` is missing in 1 of 10 rows", first=nobody)
    other = after.assign(sex=["M"] + ["M", "F"] * 4 + ["M"])
    refused("`sex` differs between `first` and `second`", second=other, by=["sex"])
    refused(
        "`what` has the value `overall`",
        second=after.assign(what="overall"),
        condition="what",
    )
    result = agreed((before, after))
    with pytest.raises(DataError, match="There is nothing to test: give `margin`"):
        result.tests()
    with pytest.raises(DataError, match="`conf_level` is 95"):
        result.tidy(conf_level=95)


def test_tables_given_are_not_modified():
    before, after = made_pairs(20, sex=["F", "M"] * 30)
    copies = before.copy(), after.copy()
    agreed((before, after), by=["sex"], margin=1).tests()
    pd.testing.assert_frame_equal(before, copies[0])
    pd.testing.assert_frame_equal(after, copies[1])


def test_the_plot_of_parts_has_a_row_for_every_condition_and_level():
    before, _ = made_pairs(21, n=40, sex=["F"] * 2 + ["M"] * 38)
    after = under_conditions(before, 22, {"makeup": -2, "surgery": 0})
    result = agreed((before, after), condition="what", by=["sex"], margin=1)
    mean = overall(result).loc["mean_change"].iloc[0]
    with drawn(result.plot_parts()) as figure:
        assert not texts_outside(figure)
        assert not overlapping(figure)
        told = [" ".join(text.split()) for text in words(figure)]
    assert told.count("sex: F") == told.count("sex: M") == 2
    assert told.count("not estimated: fewer than 3 pairs") == 2
    number = f"\N{MINUS SIGN}{-mean['estimate']:.2f} ("
    assert sum(text.startswith(number) for text in told) == 1
    alone = agreed(made_pairs(21)).plot_parts()
    with drawn(alone) as figure:
        assert "All pairs" in words(figure)


def test_the_plot_shows_every_pair_of_every_condition():
    before, _ = made_pairs(21)
    after = under_conditions(before, 22, {"makeup": -2, "surgery": 0})
    result = agreed((before, after), condition="what")
    points = result.augment()
    assert points["condition"].value_counts().to_dict() == {"makeup": 60, "surgery": 60}
    assert points["change"][:60].mean() == pytest.approx(
        overall(result).loc["mean_change", "estimate"].iloc[0]
    )
    with drawn(result.plot()) as figure:
        assert not texts_outside(figure)
        assert {"makeup", "surgery", "Change (years)"} <= set(words(figure))


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 40, 200])
def test_intervals_hold_the_truth(n):
    """700 studies; 93 to 97% within three standard errors of simulation.

    Kappa and the share of moved pairs are discrete in ten pairs, and judged from 40 on.
    """
    rng = np.random.default_rng(n)
    between, error, shift = 12.0, 3.0, 0.5
    spread = error * np.sqrt(2)
    icc = between**2 / (between**2 + error**2)
    half_width = 1.959963984540054 * spread
    truth = {
        "mean_change": shift,
        "mean_absolute_change": spread
        * np.sqrt(2 / np.pi)
        * np.exp(-(shift**2) / (2 * spread**2))
        + shift * (1 - 2 * norm.cdf(-shift / spread)),
        "sd_change": spread,
        "loa_low": shift - half_width,
        "loa_high": shift + half_width,
        "repeatability": 1.959963984540054 * np.sqrt(spread**2 + shift**2),
        "icc_2_1": between**2 / (between**2 + error**2 + shift**2 / 2),
        "icc_3_1": icc,
        "pearson": icc,
        "ccc": 2 * between**2 / (2 * (between**2 + error**2) + shift**2),
        "share_moved": norm.cdf((-5 - shift) / spread) + norm.cdf((shift - 5) / spread),
    }
    if n == 10:
        del truth["share_moved"]
    cuts = [52, 60, 68]
    if n > 10:
        many = overall(agreed(made_pairs(1, n=400_000), cut_points=cuts))
        for name in ("share_changed_quantile", "kappa_linear", "kappa_quadratic"):
            truth[name] = many.loc[name, "estimate"]
    hits = dict.fromkeys(truth, 0)
    n_studies = 700
    for _ in range(n_studies):
        table = overall(agreed(made_pairs(rng.integers(2**31), n=n), cut_points=cuts))
        for name, value in truth.items():
            hits[name] += (
                table.loc[name, "conf_low"] <= value <= table.loc[name, "conf_high"]
            )
    slack = 3 * np.sqrt(0.95 * 0.05 / n_studies)
    for name, count in hits.items():
        assert 0.93 - slack <= count / n_studies <= 0.97 + slack, name

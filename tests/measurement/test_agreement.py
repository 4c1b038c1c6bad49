"""Agreement of two photos: R, properties, what is shown, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from face_pairs import agreed, made_pairs, make_tables, overall, under_conditions
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from references import reference_cases
from scipy.stats import norm, t
from tables import check_table

from fahrstats.errors import DataError

R_RTOL = 1e-8  # agreement.R


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
    note = "no interval: no pair changes its group"
    assert table.loc["kappa_quadratic", "note"] == note


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
    not_adjusted = "P values are not adjusted for their number; `tests()` does."
    assert told.endswith(not_adjusted)
    assert not_adjusted not in str(agreed(parts, by=["sex"]))
    parts[0]["skin"] = ["a", "b", "b", "a"] * 50
    assert str(agreed(parts, by=["sex", "skin"])).endswith(not_adjusted)


@pytest.mark.parametrize("sign", [1, -1])
def test_every_verdict_follows_from_two_t_intervals(sign):
    """95% beyond the margin, or 90% within it; 95% without 0."""
    verdicts = set()
    for seed in range(60):
        shift = sign * (0, 0.7, 1.5, 3)[seed % 4]
        before, after = made_pairs(seed, n=(20, 100)[seed % 2], shift=shift, error=1.5)
        change = after["faceage"] - before["faceage"]
        mean, se = change.mean(), change.std() / np.sqrt(len(change))
        (low90, high90), (low95, high95) = (
            t.interval(level, len(change) - 1, mean, se) for level in (0.9, 0.95)
        )
        if low95 > 1.2 or high95 < -1.2:
            expected = ": larger than the margin of 1.2\n"
        elif low90 > -1.2 and high90 < 1.2:
            without_0 = low95 > 0 or high95 < 0
            expected = f": smaller than 1.2{', though not 0' if without_0 else ''} (P"
        else:
            expected = ": neither shown to be smaller than 1.2, nor larger\n"
        assert expected in str(agreed((before, after), margin=1.2))
        verdicts.add(expected)
    assert len(verdicts) == 4


def test_equal_photos_are_equivalent_and_agree_wholly():
    before, _ = made_pairs(12)
    result = agreed((before, before[["who", "faceage"]]), margin=1)
    table = overall(result)
    assert table.loc["mean_absolute_change", "conf_high"] == 0
    ones = ["icc_2_1", "icc_3_1", "pearson", "ccc", "kappa_linear", "kappa_quadratic"]
    assert_allclose(table.loc[ones, "estimate"], 1, rtol=1e-12)
    assert check_table(result.tests())["p_value"].tolist() == [0]


def test_scores_that_do_not_vary_have_no_correlation_and_say_so():
    for score, shift in ((50, 0), (50, 1), (50.1, 0.2), (0.1, 0.2), (61.7, 0.2)):
        pairs = make_tables([score] * 7, [score + shift] * 7)
        table = overall(agreed(pairs, cut_points=[0.01]))
        for estimand in ("icc_2_1", "icc_3_1", "pearson", "ccc"):
            assert table.loc[estimand, "note"] == "not estimated: scores do not vary"
        assert "one group" in table.loc["kappa_linear", "note"]
        assert table.loc["mean_change", "estimate"] == pytest.approx(shift)
    before, after = made_pairs(26)
    table = overall(agreed((before.assign(faceage=50.1), after)))
    for estimand in ("pearson", "ccc"):
        assert table.loc[estimand, "note"] == "not estimated: scores do not vary"


def test_quartiles_are_of_all_first_photos():
    before, after = made_pairs(27, n=20)
    one, two = (
        pd.concat([side.assign(what="a"), side.assign(what="b")], ignore_index=True)
        for side in (before, after)
    )
    one.loc[20:, "faceage"] += 10
    expected = np.quantile(one["faceage"], [0.25, 0.5, 0.75])
    assert_allclose(agreed((one, two), condition="what").cut_points, expected)
    one.loc[:19, "faceage"] = np.nan
    expected = np.quantile(one["faceage"][20:], [0.25, 0.5, 0.75])
    assert_allclose(agreed((one, two), condition="what").cut_points, expected)


def test_a_kappa_whose_standard_error_is_0_has_no_interval():
    """Everyone goes one group up, or groups are swapped: chance has no say."""
    for first, second in (([50] * 6, [60] * 6), ([50, 60] * 3, [60, 50] * 3)):
        table = overall(agreed(make_tables(first, second), cut_points=[55]))
        kappa = table.loc["kappa_linear"]
        assert kappa["estimate"] == (-1 if 60 in first else 0)
        assert np.isnan(kappa["conf_low"])
        assert kappa["note"] == "no interval: its standard error is 0"


def test_a_correlation_without_an_interval_says_why():
    table = overall(agreed(make_tables([50, 61, 72], [52, 60, 77])))
    assert table.loc["pearson", "note"] == "no interval: fewer than 4 pairs"
    table = overall(agreed(make_tables([1, 1, -1, -1], [1, -1, 1, -1])))
    assert table.loc["ccc", "note"] == "no interval: the correlation is 0"


def test_pairs_whose_means_are_equal_have_no_interval_of_an_icc():
    """Photos that mirror each other: between people there is no variance at all."""
    table = overall(agreed(make_tables([50, 60, 50, 60], [60, 50, 60, 50])))
    for estimand, icc in (("icc_2_1", -2), ("icc_3_1", -1)):
        assert table.loc[estimand, "estimate"] == icc
        note = "no interval: the means of pairs do not vary"
        assert table.loc[estimand, "note"] == note


def test_rounding_is_no_change():
    before, _ = made_pairs(28)
    after = before.assign(faceage=(before["faceage"] + 0.1) - 0.1)
    table = overall(agreed((before, after)))
    assert table.loc["mean_absolute_change", "conf_high"] == 0


@pytest.mark.parametrize("unit", [1e-12, 1e30])
def test_the_unit_of_the_score_does_not_matter(unit):
    before, after = made_pairs(29, sex=["F", "M"] * 30)
    one = agreed((before, after), margin=1, by=["sex"])
    scaled = [side.assign(faceage=unit * side["faceage"]) for side in (before, after)]
    two = agreed(scaled, margin=unit, moved=5 * unit, by=["sex"])
    columns = ["statistic", "p_value"]
    assert_allclose(one.tests()[columns], two.tests()[columns], rtol=1e-9)
    of_years = overall(one).loc["icc_2_1":, ["estimate", "conf_low", "conf_high"]]
    of_units = overall(two).loc["icc_2_1":, ["estimate", "conf_low", "conf_high"]]
    assert_allclose(of_years, of_units, rtol=1e-9, atol=1e-15)


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


@pytest.mark.parametrize("margin", [0, -1, np.inf, np.nan, "1", True])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(DataError, match=f"`margin` is {margin}; give a size of change"):
        agreed(made_pairs(18), margin=margin)


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
    for plot in (result.plot, result.plot_parts):
        with drawn(plot(unit="risk")) as figure:
            assert "Change (risk)" in words(figure)


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

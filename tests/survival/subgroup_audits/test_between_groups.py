"""Concordance between groups against pairs counted one by one, and in simulations."""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ age + ph_ecog"
ROUNDING = 1e-12  # the same sums in another order


@pytest.fixture
def data(lung) -> pd.DataFrame:
    sex = lung["sex"].map({1: "men", 2: "women"})
    karno = pd.cut(lung["ph_karno"], [0, 65, 85, 100], labels=["low", "mid", "high"])
    return lung.assign(sex=sex, karno=karno)


def rows_of(table, **wanted):
    mask = np.logical_and.reduce([table[k] == v for k, v in wanted.items()])
    return table[mask].reset_index(drop=True)


def counted(data, score, of_event, of_survivor) -> tuple[float, int]:
    """Count the pairs of an event of some rows and an outlasting row of others."""
    won = n_pairs = 0.0
    for i in np.flatnonzero(of_event & (data["event"] == 1)):
        time = data["time"].iloc[i]
        outlasts = (data["time"] > time) | (
            (data["time"] == time) & (data["event"] == 0)
        )
        others = data.loc[outlasts & of_survivor, score]
        own = data[score].iloc[i]
        won += (own > others).sum() + (own == others).sum() / 2
        n_pairs += len(others)
    return won / n_pairs, int(n_pairs)


def counted_fast(data, of_event, of_survivor) -> float:
    """Count them all at once, as matrices."""
    time, age, event = (data[c].to_numpy() for c in ("time", "age", "event"))
    i = np.flatnonzero(of_event & (event == 1))[:, None]
    j = np.flatnonzero(of_survivor)
    outlasts = (time[j] > time[i]) | ((time[j] == time[i]) & (event[j] == 0))
    won = (age[i] > age[j]) + (age[i] == age[j]) / 2
    return (won * outlasts).sum() / outlasts.sum()


def test_every_row_is_its_pairs_counted_one_by_one(data):
    kept = data.dropna(subset=["age", "ph_ecog"])
    table = check_table(fs.concordance_between(FORMULA, data, by=["karno"]).tidy())
    levels = kept["karno"].astype(object)
    for score in ("age", "ph_ecog"):
        rows = rows_of(table, biomarker=score)
        for a, b in combinations(["low", "mid", "high"], 2):
            values = []
            for first, second in ((a, b), (b, a)):
                c, n_pairs = counted(kept, score, levels == first, levels == second)
                row = rows_of(
                    rows, estimand="cross_c_index", term=f"{first} - {second}"
                ).iloc[0]
                assert row["estimate"] == pytest.approx(c, rel=ROUNDING)
                assert (row["level"], row["n_pairs"]) == (first, n_pairs)
                values.append(c)
            row = rows_of(rows, estimand="cross_c_difference", term=f"{a} - {b}")
            assert row["estimate"][0] == pytest.approx(values[0] - values[1], rel=1e-9)
            assert row["n"][0] == (levels.isin([a, b])).sum()
        for level in ("low", "mid", "high"):
            inside = levels == level
            rest = "all others"
            for estimand, term, pair in (
                ("outside_c_index_event", f"{level} - {rest}", (inside, ~inside)),
                ("outside_c_index_survivor", f"{rest} - {level}", (~inside, inside)),
            ):
                row = rows_of(rows, estimand=estimand, level=level).iloc[0]
                assert row["term"] == term
                assert row["estimate"] == pytest.approx(
                    counted(kept, score, *pair)[0], rel=ROUNDING
                )
                assert row["n"] == inside.sum()


def test_standard_errors_are_those_of_leaving_each_row_out_in_turn(data):
    """The jackknife itself, which the infinitesimal one approaches as 1/n."""
    kept = data.dropna(subset=["age"]).reset_index(drop=True)
    found = fs.concordance_between("Surv(time, event) ~ age", kept, by=["sex"])
    women = kept["sex"] == "women"
    values = []
    for i in kept.index:
        rows, chosen = kept.drop(index=i), women.drop(index=i)
        pair = [
            counted_fast(rows, a, b) for a, b in ((~chosen, chosen), (chosen, ~chosen))
        ]
        values.append([*pair, pair[0] - pair[1]])
    spread = np.std(values, axis=0) * np.sqrt(len(kept))
    np.testing.assert_allclose(found.tidy()["std_error"][:3], spread, rtol=0.03)


def test_limits_of_concordances_stay_inside_0_and_1(data):
    table = fs.concordance_between(FORMULA, data, by=["karno"]).tidy()
    rows = table[table["estimand"].str.contains("c_index") & table["estimate"].notna()]
    assert rows[["conf_low", "conf_high"]].stack().between(0, 1).all()
    middle = (logit(rows["conf_low"]) + logit(rows["conf_high"])) / 2
    np.testing.assert_allclose(middle, logit(rows["estimate"]), rtol=1e-9, atol=1e-9)


def test_limits_of_differences_end_at_1(data):
    """Women's ages so far above men's that the difference is all but -1."""
    far = np.where(data["sex"] == "women", 20.0, 0.0)
    found = fs.concordance_between(
        "Surv(time, event) ~ age", data.assign(age=data["age"] + far), by=["sex"]
    )
    usual, wide = (
        rows_of(found.tidy(conf_level=level), estimand="cross_c_difference").iloc[0]
        for level in (0.95, 1 - 1e-9)
    )
    assert -1 < usual["conf_low"] < usual["estimate"] < -0.7
    assert usual["estimate"] - 6 * usual["std_error"] < -1
    assert (wide["conf_low"], wide["joint_low"]) == (-1, -1)


def test_two_levels_have_one_difference_and_its_square_is_the_test(data):
    table = fs.concordance_between(FORMULA, data, by=["sex"]).tidy()
    for score in ("age", "ph_ecog"):
        rows = rows_of(table, biomarker=score)
        pair = rows_of(rows, estimand="cross_c_difference").iloc[0]
        outside = rows_of(rows, estimand="outside_c_difference", level="women").iloc[0]
        test = rows_of(rows, estimand="asymmetry_f").iloc[0]
        assert outside["estimate"] == pytest.approx(-pair["estimate"], rel=ROUNDING)
        assert outside["std_error"] == pytest.approx(pair["std_error"], rel=1e-9)
        assert test["statistic"] == pytest.approx(pair["statistic"] ** 2, rel=1e-9)
        assert test["p_value"] == pytest.approx(pair["p_value"], rel=1e-9)
        smaller = min(sum(data["sex"] == sex) for sex in ("men", "women"))
        assert test["df_residual"] == pair["df_residual"] == smaller - 1
        assert pair["p_adjusted"] == pytest.approx(pair["p_value"], rel=1e-6)
        assert (test["df"], test["note"]) == (1, "2 levels")


def test_a_small_level_keeps_its_rows_without_numbers_or_counts(data):
    result = fs.concordance_between(FORMULA, data, by=["karno"], floor_people=30)
    table = check_table(result.tidy())
    small = table[table["term"].str.contains("low") & (table["estimand"] != "")]
    assert len(small) == 2 * (6 + 3 + 3)  # low against mid, high, missing and others
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n_pairs"]
    assert small[[*numbers, "n", "n_events"]].isna().all(axis=None)
    assert small["note"].str.startswith("too few").all()
    assert rows_of(table, level="low", term="low - mid")["note"][0] == (
        "too few in low: 1 to 29 people, 10 or more events"
    )
    assert rows_of(table, level="low", term="low - missing")["note"][0] == (
        "too few in low: 1 to 29 people, 10 or more events; "
        "too few in missing: 1 to 29 people, 0 to 9 events"
    )
    shown = rows_of(table, estimand="cross_c_index", term="mid - high")
    assert shown["estimate"].notna().all()
    whole = fs.concordance_between(FORMULA, data, by=["karno"]).tidy()
    for estimand in ("outside_c_index_event", "outside_c_index_survivor"):
        pd.testing.assert_series_equal(  # the small level is still one of the others
            rows_of(table, estimand=estimand, level="mid")["estimate"],
            rows_of(whole, estimand=estimand, level="mid")["estimate"],
        )
    for part in result.parts:
        assert np.isnan(part.c_index[0]).all()
        assert np.isnan(part.cov[0]).all()


def test_people_are_counted_and_not_their_rows(data):
    """Cut in two intervals, everybody is two rows, one cluster and one person."""
    kept = data.assign(entry=0.0, person=range(len(data)))
    middle = kept["time"] / 2
    halves = pd.concat(
        [kept.assign(time=middle, event=0), kept.assign(entry=middle)],
        ignore_index=True,
    )
    formula = "Surv(entry, time, event) ~ age"
    options = {"by": ["karno"], "floor_people": 30, "id": "person"}
    cut = fs.concordance_between(formula, halves, **options).tidy()
    whole = fs.concordance_between(formula, kept, **options).tidy()
    columns = ["estimate", "std_error", "p_value", "p_adjusted", "n_events"]
    pd.testing.assert_frame_equal(cut[columns], whole[columns], rtol=1e-9)
    assert cut["note"].tolist() == whole["note"].tolist()


def test_no_pair_of_levels_to_compare(data):
    result = fs.concordance_between(FORMULA, data, by=["karno"], floor_events=500)
    test = rows_of(check_table(result.tidy()), estimand="asymmetry_f").iloc[0]
    assert test["note"] == "no two levels to compare"
    assert test["df"] == 0
    assert "no two levels to compare" in str(result)
    with pytest.raises(
        DataError, match="No two levels of `karno` can be compared: too"
    ):
        result.plot()


def test_levels_that_a_score_parts_wholly_have_no_variation(data):
    """Twenty years of age added to women: their events always rank above men's."""
    apart = data.assign(age=data["age"] + 100 * (data["sex"] == "women"))
    table = fs.concordance_between("Surv(time, event) ~ age", apart, by=["sex"]).tidy()
    rows = rows_of(table, estimand="cross_c_index")
    assert rows["estimate"].tolist() == [0, 1]
    assert rows["std_error"].tolist() == [0, 0]
    assert rows[["conf_low", "conf_high"]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert set(rows["note"]) == {
        "every pair is ranked alike: the jackknife sees no variation"
    }
    assert rows_of(table, estimand="asymmetry_f")["note"][0] == (
        "no two levels to compare"
    )


def test_many_levels_are_adjusted_by_the_bound_of_sidak(data):
    ages = pd.qcut(data["age"], 21, labels=[f"band {i:02d}" for i in range(21)])
    options = {"by": ["band"], "floor_events": 1, "floor_people": 1}
    result = fs.concordance_between(
        "Surv(time, event) ~ age + ph_ecog", data.assign(band=ages), **options
    )
    rows = rows_of(
        check_table(result.tidy()), estimand="cross_c_difference", biomarker="ph_ecog"
    )
    m = rows["p_value"].notna().sum()
    assert m > 190
    np.testing.assert_allclose(
        rows["p_adjusted"], 1 - (1 - rows["p_value"]) ** m, rtol=1e-9, atol=1e-12
    )
    outer = (rows["joint_low"] <= 0) & (rows["joint_high"] >= 0)
    assert (outer == (rows["p_adjusted"] >= 0.05))[rows["p_value"].notna()].all()


def test_weights_by_censoring_and_tau_are_named(data):
    found = fs.concordance_between(
        FORMULA, data, by=["sex"], time_weight="n/G2", tau=500
    )
    table = check_table(found.tidy())
    assert set(table["time_weight"]) == {"n/G2"}
    assert set(table["time"]) == {500}
    plain = fs.concordance_between(FORMULA, data, by=["sex"], tau=500).tidy()
    rows = table["estimate"].notna()
    assert (table["estimate"] != plain["estimate"])[rows].all()


def test_bad_input_is_refused(data):
    with pytest.raises(DataError, match="`time_weight` is 'S'; choose one of"):
        fs.concordance_between(FORMULA, data, by=["sex"], time_weight="S")
    with pytest.raises(DataError, match="`by` is the text `sex`; give a list"):
        fs.concordance_between(FORMULA, data, by="sex")
    with pytest.raises(DataError, match="`age` has 42 distinct numbers, a measurement"):
        fs.concordance_between(FORMULA, data, by=["age"])
    with pytest.raises(DataError, match="`floor_people` is 0; give a whole number"):
        fs.concordance_between(FORMULA, data, by=["sex"], floor_people=0)
    everyone = data.assign(overall=data["sex"])
    with pytest.raises(DataError, match="`by` names `overall`, which stands for every"):
        fs.concordance_between(FORMULA, everyone, by=["overall"])
    sites = data.assign(site=[f"s{row % 101}" for row in range(len(data))])
    with pytest.raises(DataError, match=r"`site` has 101 levels, .* there are 100"):
        fs.concordance_between(FORMULA, sites, by=["site"])
    result = fs.concordance_between(FORMULA, data, by=["sex"])
    with pytest.raises(DataError, match="`subgroup` is `race`; choose one of `sex`"):
        result.plot(subgroup="race")


def test_the_summary_and_the_figure_show_every_pair(data, tmp_path):
    result = fs.concordance_between(FORMULA, data, by=["sex", "karno"])
    text = str(result)
    assert text == result.summary()
    for part in (
        "age, between levels of sex",
        "  men - women: 0.6005 (0.51",
        "  asymmetry of men - women: 0.1334 (",
        ", adjusted P=0.111",
        "  no asymmetry between 2 levels: F 2.59 on 1 and 89 df, P=0.111",
        "too few in missing: 1 to 19 people, 0 to 9 events",
    ):
        assert part in text
    check_glance(result.glance())
    with mpl.rc_context({"backend": "agg"}):
        result.plot(biomarker="ph_ecog", subgroup="karno").save(
            tmp_path / "c.png", verbose=False, dpi=50
        )
    assert (tmp_path / "c.png").stat().st_size > 0


def test_the_figure_names_levels_with_a_hyphen_once(data):
    data = data.assign(sex=data["sex"].map({"men": "M - male", "women": "W - female"}))
    figure = fs.concordance_between(FORMULA, data, by=["sex"]).plot()
    assert set(figure.data["level"]) == {
        "M \N{EN DASH} male before W \N{EN DASH} female",
        "W \N{EN DASH} female before M \N{EN DASH} male",
    }


def simulate(rng, sizes, *, shift=0.0, effect=0.7, censoring=None):
    """People of equal groups, but that the score of the last is ``shift`` too low."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    risk = rng.normal(size=group.size)
    death = rng.exponential(np.exp(-effect * risk))
    scale = np.ones(len(sizes)) if censoring is None else np.array(censoring)
    lost = rng.exponential(scale[group])
    return pd.DataFrame(
        {
            "time": np.minimum(death, lost),
            "event": (death <= lost).astype(int),
            "marker": risk - shift * (group == len(sizes) - 1),
            "group": np.array(list("abcdefghij"))[group],
        }
    )


def table_of(data, **options):
    found = fs.concordance_between(
        "Surv(time, event) ~ marker", data, by=["group"], **options
    )
    return found.tidy()


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(400, 400, 400), (900, 500, 300, 200)], ids=str)
def test_equal_groups_raise_a_false_alarm_in_5_of_100(sizes):
    """Family-wise, over all pairs; and the joint test."""
    rng, n_sim = np.random.default_rng(20240607), 150
    alarms = []
    for _ in range(n_sim):
        table = table_of(simulate(rng, sizes))
        pairs = rows_of(table, estimand="cross_c_difference")
        test = rows_of(table, estimand="asymmetry_f")
        alarms.append([pairs["p_adjusted"].min() < 0.05, test["p_value"][0] < 0.05])
    error = np.sqrt(0.05 * 0.95 / n_sim)
    np.testing.assert_allclose(np.mean(alarms, axis=0), 0.05, atol=3 * error)


@pytest.mark.slow
def test_a_group_placed_too_low_is_seen_between_groups_and_not_within():
    rng, n_sim = np.random.default_rng(20240608), 40
    seen = []
    for _ in range(n_sim):
        data = simulate(rng, (300, 300, 300), shift=0.5)
        pairs = rows_of(table_of(data), estimand="cross_c_difference")
        within = fs.concordance_by(
            "Surv(time, event) ~ marker", data, by=["group"]
        ).tidy()
        test = rows_of(within, estimand="heterogeneity_chi2")
        is_last = pairs["term"].str.contains("c").to_numpy()
        low = (pairs["p_adjusted"] < 0.05) & (pairs["estimate"] > 0)
        seen.append(
            [
                low[is_last].all(),
                (pairs["p_adjusted"] < 0.05)[~is_last].any(),
                test["p_value"][0] < 0.05,
            ]
        )
    power, wrong, within_power = np.mean(seen, axis=0)
    error = np.sqrt(0.05 * 0.95 / n_sim)
    assert power > 0.9
    assert wrong < 0.05 + 3 * error
    assert within_power < 0.05 + 3 * error


@pytest.mark.slow
def test_weights_by_censoring_find_what_is_there_without_it():
    """One group is followed a sixth as long; then early pairs, ranked best, decide."""
    rng, tau, sizes = np.random.default_rng(20240609), 1.0, (60_000, 60_000)

    def cross(censoring, **options):
        data = simulate(rng, sizes, effect=2.0, censoring=censoring)
        return rows_of(table_of(data, tau=tau, **options), estimand="cross_c_index")

    truth = cross((1e9, 1e9))
    followed = 0.5, 3.0
    weighted, alike = cross(followed, time_weight="n/G2"), cross(followed)
    error = np.hypot(truth["std_error"], weighted["std_error"])
    assert (np.abs(weighted["estimate"] - truth["estimate"]) < 3 * error).all()
    assert (np.abs(alike["estimate"] - truth["estimate"]) > 4 * error).all()


@pytest.mark.slow
def test_limits_under_weights_by_censoring_hold_95_in_100():
    rng, n_sim, sizes = np.random.default_rng(20240610), 100, (400, 400)
    options = {"tau": 1.0, "time_weight": "n/G2"}
    large = simulate(rng, (100_000, 100_000), censoring=(1e9, 1e9))
    truth = rows_of(table_of(large, tau=1.0), estimand="cross_c_index")["estimate"]
    held = []
    for _ in range(n_sim):
        data = simulate(rng, sizes, censoring=(0.5, 3.0))
        rows = rows_of(table_of(data, **options), estimand="cross_c_index")
        held.append((rows["conf_low"] < truth) & (truth < rows["conf_high"]))
    error = np.sqrt(0.05 * 0.95 / (2 * n_sim))
    assert np.mean(held) == pytest.approx(0.95, abs=3 * error)


@pytest.mark.slow
def test_many_small_groups_raise_few_false_alarms():
    """Twelve groups of 40 people; a chi-squared reference gives 13 of 100."""
    rng, n_sim = np.random.default_rng(20240609), 200
    alarms = []
    for _ in range(n_sim):
        data = simulate(rng, (480,)).assign(group=np.repeat(list("abcdefghijkl"), 40))
        test = rows_of(table_of(data), estimand="asymmetry_f").iloc[0]
        alarms.append(test["p_value"] < 0.05)
    assert np.mean(alarms) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / n_sim)

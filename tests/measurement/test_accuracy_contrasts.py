"""Differences in accuracy between groups: closed forms, tests, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.errors import DataError


def simulate(seed: int, n: int = 600, *, worse: float = 0.0) -> pd.DataFrame:
    """Make photos of three sites; predictions for site C err more by ``worse``."""
    rng = np.random.default_rng(seed)
    site = rng.choice(["A", "B", "C"], n)
    age = rng.uniform(20, 80, n)
    spread = 4 + worse * (site == "C")
    return pd.DataFrame(
        {
            "age": age,
            "site": site,
            "mine": age + spread * rng.normal(size=n),
            "other": age + 6 * rng.normal(size=n),
        }
    )


def test_groups_differ_by_their_means():
    data = simulate(1)
    result = fs.age_accuracy(["mine", "other"], data, by=["site"], n_boot=500)
    table = check_table(result.group_contrasts(subgroup="site", estimand="mae"))
    assert list(table["term"]) == ["A - B", "A - C", "B - C"] * 2
    assert list(table["model"]) == ["mine"] * 3 + ["other"] * 3
    size = (data["mine"] - data["age"]).abs().groupby(data["site"])
    row = table.iloc[0]
    assert row["estimate"] == pytest.approx(size.mean()["A"] - size.mean()["B"])
    std_error = np.sqrt((size.var() / size.count())[["A", "B"]].sum())
    assert row["std_error"] == pytest.approx(std_error, rel=0.1)  # 500 draws
    assert row["n"] == size.count()[["A", "B"]].sum()
    assert set(table["estimand"]) == {"delta_mae"}
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert (table["joint_low"] < table["conf_low"]).all()


def test_the_largest_difference_has_the_limits_of_all():
    result = fs.age_accuracy(["mine", "other"], simulate(2, worse=6.0), by=["site"])
    every = result.group_contrasts(subgroup="site", estimand="mae")
    largest = check_table(
        result.largest_differences(subgroup="site", estimand="mae")
    ).set_index("model")
    assert list(largest.index) == ["mine", "other"]
    of_mine = every[every["model"] == "mine"]
    assert abs(largest.loc["mine", "estimate"]) == of_mine["estimate"].abs().max()
    assert largest.loc["mine", "term"].endswith(" - C")
    assert largest.loc["mine", "joint_high"] < 0


def test_bands_of_age_and_equal_ages_are_compared():
    data = simulate(3)
    result = fs.age_accuracy(["mine"], data, by=["site"], n_boot=100)
    by_band = result.group_contrasts(subgroup="age", estimand="mean_error")
    assert len(by_band) == 6 * 5 / 2
    # Bands without photos are no groups with few people that a reader must know of.
    assert by_band["note"].str.contains("0-9").all()
    at_equal_ages = result.group_contrasts(subgroup="site")
    assert set(at_equal_ages["estimand"]) == {"delta_standardized_mae"}


def test_groups_with_rare_ages_are_tested_together():
    """Hardly a draw holds people of every group in every band of age."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"age": rng.uniform(0, 90, 1500), "site": np.arange(1500) % 30})
    data["mine"] = data["age"] + rng.normal(0, 5, 1500)
    data["site"] = "site " + data["site"].astype(str)
    result = fs.age_accuracy(["mine"], data, by=["site"], n_boot=300)
    at = result.table["estimand"] == "standardized_mae"
    is_known = np.isfinite(result.draws[:, at])
    assert is_known.all(axis=1).sum() < 20
    assert (is_known.sum(axis=0) > 20).all()
    table = check_table(result.group_contrasts(subgroup="site"))
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert (table["joint_low"] < table["conf_low"]).all()


def test_a_hyphen_parts_two_names_and_stands_in_none():
    data = simulate(9).rename(columns={"mine": "mine - 2"})
    data["site"] = data["site"].map({"A": "18 - 29", "B": "30 - 44", "C": "45"})
    result = fs.age_accuracy(["mine - 2", "other"], data, by=["site"], n_boot=20)
    dash = "\N{EN DASH}"
    by_site = result.group_contrasts(subgroup="site", estimand="mae")
    assert by_site["term"].tolist()[:2] == [
        f"18 {dash} 29 - 30 {dash} 44",
        f"18 {dash} 29 - 45",
    ]
    assert result.contrasts()["term"].item() == f"mine {dash} 2 - other"


def test_groups_of_few_people_are_named_and_not_compared():
    data = simulate(4)
    data.loc[:10, "site"] = "D"
    result = fs.age_accuracy(["mine"], data, by=["site"], n_boot=100)
    table = result.group_contrasts(subgroup="site", estimand="mae")
    assert list(table["term"]) == ["A - B", "A - C", "B - C"]
    said = "not compared, few people or no estimate: D"
    assert (table["note"] == said).all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"subgroup": "nil"}, "`subgroup` is `nil`; choose one of `overall`"),
        ({"subgroup": "site", "estimand": "x"}, "`estimand` is `x`; choose one of"),
        ({"subgroup": "overall", "estimand": "mae"}, "`overall` has 1 level with an"),
        ({"subgroup": "age", "estimand": "mae"}, "`age` has 0 levels with an estimate"),
        ({"subgroup": "site", "conf_level": 2}, "`conf_level` is 2; give a number"),
    ],
)
def test_bad_questions_about_groups_are_refused(asked, message):
    result = fs.age_accuracy(["mine"], simulate(5, 80), by=["site"], n_boot=20)
    with pytest.raises(DataError, match=message):
        result.group_contrasts(**asked)
    with pytest.raises(DataError, match=message):
        result.largest_differences(**asked)


@pytest.mark.slow
def test_equal_groups_are_found_different_as_often_as_the_level_says():
    """Family-wise, of three pairs and two models, in 150 cohorts."""
    n_sim, rejected = 150, 0
    for seed in range(n_sim):
        data = simulate(seed + 100, 300)
        result = fs.age_accuracy(
            ["mine", "other"], data, by=["site"], n_boot=200, seed=seed
        )
        table = result.group_contrasts(subgroup="site", estimand="mae")
        rejected += (table["p_adjusted"] < 0.05).any()
    assert abs(rejected / n_sim - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n_sim)

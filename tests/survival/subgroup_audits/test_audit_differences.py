"""The levels that differ most, and limits that let one look for them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from audited_people import FORMULA, HORIZON, people
from scipy.stats import norm
from tables import check_table

import fahrstats as fs
from fahrstats.survival.subgroup_audits.audited_measures import MEASURES

Z = norm.isf(0.025)


@pytest.fixture(scope="module")
def result() -> fs.Audit:
    data = people(20260611)
    data["band"] = np.arange(len(data)) % 40
    data["band"] = "b" + data["band"].astype(str)
    return fs.audit(
        FORMULA,
        data,
        term="marker",
        by=["sex", "race", "band"],
        horizon=HORIZON,
        floor_people=5,
        floor_events=3,
    )


def largest(result: fs.Audit, subgroup: str, measure: str, **options) -> pd.Series:
    table = result.largest_difference(**options)
    rows = table[(table["subgroup"] == subgroup) & (table["measure"] == measure)]
    assert len(rows) == 1
    return rows.iloc[0]


def levels(result: fs.Audit, subgroup: str, estimand: str) -> pd.DataFrame:
    table = result.tidy()
    rows = table[(table["subgroup"] == subgroup) & (table["estimand"] == estimand)]
    return rows[rows["estimate"].notna()].set_index("level")


def test_every_factor_and_measure_has_a_row(result):
    table = check_table(result.largest_difference())
    assert list(table["measure"]) == [measure.name for measure in MEASURES] * 3
    assert set(table["level"]) == {""}


def test_two_levels_have_the_difference_and_its_own_limits(result):
    brier = levels(result, "sex", "brier")
    row = largest(result, "sex", "brier")
    delta = brier.loc["women", "estimate"] - brier.loc["men", "estimate"]
    error = np.hypot(*brier["std_error"])
    assert row["term"] == "women - men"
    assert row["estimand"] == "delta_brier"
    assert row["estimate"] == pytest.approx(delta, rel=1e-12)
    assert row["std_error"] == pytest.approx(error, rel=1e-9)
    assert row["conf_low"] == pytest.approx(delta - Z * error, rel=1e-6)
    assert row["p_adjusted"] == pytest.approx(2 * norm.sf(abs(delta / error)), rel=1e-6)


def test_a_hyphen_in_the_name_of_a_level_does_not_split_a_contrast():
    data = people(20260611)
    data["sex"] = data["sex"].map({"women": "18 - 29", "men": "30 - 45"}).astype(str)
    found = fs.audit(FORMULA, data, term="marker", by=["sex"], horizon=HORIZON)
    for table in (found.largest_difference(), found.between()):
        sides = table.loc[table["term"] != "", "term"].str.split(" - ")
        assert len(sides) > 0
        assert set(sides.map(len)) == {2}


def test_hazard_ratios_are_compared_by_their_ratio(result):
    log_hr = levels(result, "sex", "log_hr")
    row = largest(result, "sex", "hr", per={"marker": 2})
    delta = 2 * (log_hr.loc["women", "estimate"] - log_hr.loc["men", "estimate"])
    assert row["estimand"] == "ratio_hr"
    assert row["per"] == 2
    assert row["estimate"] == pytest.approx(np.exp(delta), rel=1e-12)
    error = 2 * np.hypot(*log_hr["std_error"])
    assert row["conf_high"] == pytest.approx(np.exp(delta + Z * error), rel=1e-6)
    assert np.isnan(row["std_error"])


def test_of_several_levels_the_two_furthest_apart_with_wider_limits(result):
    mean = levels(result, "race", "marker_mean")
    row = largest(result, "race", "marker_mean")
    pairs = {
        f"{a} - {b}": mean.loc[a, "estimate"] - mean.loc[b, "estimate"]
        for a, b in combinations(mean.index, 2)
    }
    assert row["term"] == max(pairs, key=lambda pair: abs(pairs[pair]))
    assert row["estimate"] == pytest.approx(pairs[row["term"]], rel=1e-12)
    half = (row["conf_high"] - row["conf_low"]) / 2
    sidak = norm.isf(-np.expm1(np.log(0.95) / len(pairs)) / 2)
    assert Z < half / row["std_error"] < sidak
    p_alone = 2 * norm.sf(abs(row["statistic"]))
    assert p_alone < row["p_adjusted"] <= -np.expm1(len(pairs) * np.log1p(-p_alone))


def test_beyond_twenty_levels_limits_are_sidak_s(result):
    mean = levels(result, "band", "marker_mean")
    assert len(mean) > 20
    row = largest(result, "band", "marker_mean")
    m = len(mean) * (len(mean) - 1) / 2
    half = (row["conf_high"] - row["conf_low"]) / 2
    sidak = norm.isf(-np.expm1(np.log(0.95) / m) / 2)
    assert half / row["std_error"] == pytest.approx(sidak, rel=1e-9)

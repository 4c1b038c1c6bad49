from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.errors import DataError
from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.estimands import NATURES, nature_of
from fahrstats.study.publication.estimates import TOO_FEW, coarse, left_out_because

ROUNDING = Rounding("secret")


def row(estimand, estimate, **others):
    return pd.DataFrame({"estimand": [estimand], "estimate": [estimate], **others})


def test_percentages_follow_from_printed_counts_and_tell_no_more():
    table = row("percent", 100 * 47 / 133, n=133)
    shown = coarse(table, ROUNDING, []).iloc[0]
    expected = 100 * ROUNDING.printed(47) / ROUNDING.printed(133)
    assert shown["estimate"] == pytest.approx(expected, rel=1e-3)
    small = coarse(row("percent", 100 * 7 / 133, n=133), ROUNDING, [])
    assert small["estimate"].isna().all()


def test_rates_and_censored_shares_follow_from_printed_counts():
    rate = row("event_rate_per_1000", 23.4, n=500, n_events=117, conf_low=20.0)
    shown = coarse(rate, ROUNDING, []).iloc[0]
    assert shown["estimate"] == pytest.approx(
        23.4 * ROUNDING.printed(117) / 117, rel=1e-3
    )
    assert np.isnan(shown["conf_low"])
    share = row("censored_share", 1 - 117 / 500, n=500, n_events=117, std_error=0.01)
    shown = coarse(share, ROUNDING, []).iloc[0]
    assert shown["estimate"] == pytest.approx(
        1 - ROUNDING.printed(117) / ROUNDING.printed(500), rel=1e-3
    )
    assert np.isnan(shown["std_error"])


def test_a_share_moves_by_steps_of_five_people():
    """With 117 of 133 at risk, 0.86 is within half of 5 / 115, or of 5 / 120."""
    table = row(
        "survival", 0.8612, n=133, n_at_risk=117, n_events=18, std_error=0.03
    ).assign(conf_low=0.79, conf_high=0.91)
    shown = coarse(table, ROUNDING, []).iloc[0]
    step = 5 / ROUNDING.printed(117)
    for name in ("estimate", "conf_low", "conf_high"):
        assert shown[name] / step == pytest.approx(round(shown[name] / step))
        assert abs(shown[name] - table[name].iloc[0]) <= step / 2 + 1e-12
    assert np.isnan(shown["std_error"])


@pytest.mark.parametrize("counts", [{"n": 9, "n_events": 9}, {"n": 400, "n_events": 3}])
def test_what_rests_on_few_is_left_out_and_says_so(counts):
    table = row("hr", 1.7, conf_low=1.1, p_value=0.02, note="", **counts)
    shown = coarse(table, ROUNDING, []).iloc[0]
    assert shown[["estimate", "conf_low", "p_value"]].isna().all()
    assert shown["note"] == TOO_FEW
    assert table["estimate"].iloc[0] == 1.7


def test_a_difference_from_a_group_of_few_is_left_out():
    table = pd.DataFrame(
        {
            "group": ["Q1", "Q2", "Q2"],
            "reference": ["", "", "Q1"],
            "estimand": ["rmst", "rmst", "delta_rmst"],
            "time": 5.0,
            "estimate": [4.9, 4.2, -0.7],
            "n": [200, 300, 500],
            "n_events": [4, 60, 64],
        }
    )
    assert coarse(table, ROUNDING, [5.0])["estimate"].isna().tolist() == [
        *(True, False, True)
    ]


def test_outer_percentiles_need_people_beyond_them():
    names = ["median", "q1", "p5"]
    table = pd.DataFrame({"estimand": names, "estimate": 1.0, "n": 15})
    assert coarse(table, ROUNDING, [])["estimate"].isna().tolist() == [
        *(False, True, True)
    ]


def test_a_cut_point_does_not_depend_on_events():
    table = row("upper_bound", 43.838091, n=2000, n_events=3)
    assert coarse(table, ROUNDING, [])["estimate"].tolist() == [43.8]


def test_what_is_about_one_person_is_left_out():
    person = row("max_dfbetas", 0.4, n=500)
    assert left_out_because(person) == "it is about single people"
    both = pd.concat([person, row("hr", 1.2, n=500)])
    assert left_out_because(both) == ""
    assert coarse(both, ROUNDING, [])["estimand"].tolist() == ["hr"]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (row("risk", 0.4), "estimand `risk`"),
        (pd.DataFrame({"estimate": [1.0]}), "estimates without an estimand"),
        (pd.DataFrame({"patient": [17]}), "column `patient`"),
    ],
)
def test_a_table_that_nobody_has_looked_at_is_refused(table, what):
    with pytest.raises(DataError, match=f"holds the {what}.*name it in"):
        left_out_because(table)


def test_differences_of_measures_are_known_by_the_measure():
    assert nature_of("delta_calibration_slope") == nature_of("ratio_hr") == "model"
    assert nature_of("delta_mae") == nature_of("delta_marker_sd") == "contrast"
    assert nature_of("delta_survival") == "share"
    assert nature_of("delta_count") is None
    assert len(set(NATURES)) == len(NATURES)


def test_a_share_of_an_unknown_number_of_people_is_left_out():
    shown = coarse(row("observed_risk", 0.4, conf_low=0.2, note=""), ROUNDING, [])
    assert shown[["estimate", "conf_low"]].isna().all(axis=None)

"""Readers who solve for numbers of people from estimates, and what they find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.estimates import coarse

SIZES = range(11, 240, 7)
Z = norm.ppf(0.975)
ROUNDING = Rounding("secret")


def shown(rows):
    table = pd.DataFrame(rows).assign(note="")
    return coarse(table, ROUNDING, [5.0]).set_index("estimand")


def interval(estimate, std_error):
    return {
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": estimate - Z * std_error,
        "conf_high": estimate + Z * std_error,
    }


def width(row):
    return (row["conf_high"] - row["conf_low"]) / 2 / Z


@pytest.mark.parametrize("n", SIZES)
def test_mean_and_spread_give_the_printed_number_of_people(n):
    """A limit is a spread over the root of n: here of n as it is printed."""
    mean, sd = 61.37, 11.26
    table = shown(
        [
            {"estimand": "marker_mean", **interval(mean, sd / np.sqrt(n)), "n": n},
            {"estimand": "marker_sd", **interval(sd, sd / np.sqrt(2 * n)), "n": n},
        ]
    )
    assert table["std_error"].isna().all()
    printed = ROUNDING.printed(n)
    for name, per_person in (("marker_mean", 1), ("marker_sd", 2)):
        found = (table.at["marker_sd", "estimate"] / width(table.loc[name])) ** 2
        assert found / per_person == pytest.approx(printed, rel=0.12)


@pytest.mark.parametrize("n", SIZES)
def test_equivalence_gives_the_printed_number_of_people(n):
    """Neither limits nor P tell more of n than the count that is printed."""
    mean, sd, margin = 0.64, 4.9, 2.0
    error = sd / np.sqrt(n)
    statistic = (margin - mean) / error
    p_value = t.sf(statistic, n - 1)
    table = shown(
        [
            {
                "estimand": "equivalence",
                **interval(mean, error),
                "statistic": statistic,
                "df_residual": n - 1.0,
                "p_value": p_value,
                "p_adjusted": min(1.0, 3 * p_value),
                "n": n,
            }
        ]
    )
    row = table.loc["equivalence"]
    assert np.isnan(row[["std_error", "statistic", "df_residual"]].astype(float)).all()
    printed = ROUNDING.printed(n)
    own = t.sf((margin - mean) / (sd / np.sqrt(printed)), printed - 1)
    assert row["p_value"] == pytest.approx(own, rel=0.06)
    assert row["p_adjusted"] == pytest.approx(min(1.0, 3 * own), rel=0.06)
    assert (sd / width(row)) ** 2 == pytest.approx(printed, rel=0.2)  # to 0.1 years


@pytest.mark.parametrize("n", SIZES)
def test_observed_over_expected_gives_the_printed_number_of_events(n):
    """Of rare events the log has a standard error of one over the root of them."""
    error = 1 / np.sqrt(n)
    row = {
        "estimand": "observed_expected",
        "estimate": 1.1,
        "std_error": error,
        "statistic": np.log(1.1) / error,
        "p_value": 2 * norm.sf(np.log(1.1) / error),
        "conf_low": 1.1 * np.exp(-Z * error),
        "conf_high": 1.1 * np.exp(Z * error),
        "n": 50 * n,
        "n_events": n,
        "time": 5.0,
    }
    table = shown([row])
    found = table.iloc[0]
    solved = [
        1 / found["std_error"] ** 2,
        (2 * Z / np.log(found["conf_high"] / found["conf_low"])) ** 2,
        (found["statistic"] / np.log(1.1)) ** 2,
        (norm.isf(found["p_value"] / 2) / np.log(1.1)) ** 2,
    ]
    assert solved == pytest.approx([ROUNDING.printed(n)] * 4, rel=1e-3)


@pytest.mark.parametrize("estimand", ["pearson", "spearman", "partial_pearson"])
def test_a_correlation_has_neither_limits_nor_tests(estimand):
    row = {"estimand": estimand, **interval(0.55, 0.02), "p_value": 0.01, "n": 200}
    table = shown([{**row, "statistic": 3.1}])
    assert table["estimate"].tolist() == [0.55]
    told = ["std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert table[told].isna().all(axis=None)


def test_means_of_parts_and_whole_fit_many_sizes_of_the_parts():
    """Two means and that of everyone are a sum in which only the sizes are unknown."""
    rng = np.random.default_rng(4)
    parts = rng.normal(1.0, 8.0, 40), rng.normal(-2.5, 9.0, 216)
    groups = [np.concatenate(parts), *parts]
    rows = [
        {"estimand": name, "estimate": of(errors), "level": level, "n": errors.size}
        for level, errors in zip(("overall", "a", "b"), groups, strict=True)
        for name, of in (
            ("mae", lambda x: np.abs(x).mean()),
            ("mean_error", np.mean),
            ("rmse", lambda x: np.sqrt((x**2).mean())),
        )
    ]
    table = coarse(pd.DataFrame(rows), ROUNDING, [])

    def mean(at, name, a, b):
        return (a * at[name, "a"] + b * at[name, "b"]) / (a + b)

    def fits(table, half_digit):
        at = table.set_index(["estimand", "level"])["estimate"]
        sizes = [(a, b) for a in range(36, 45) for b in range(212, 221)]
        return [
            (a, b)
            for a, b in sizes
            if all(
                abs(
                    (a * at[name, "a"] + b * at[name, "b"]) / (a + b)
                    - at[name, "overall"]
                )
                <= 2 * half_digit
                for name in ("mae", "mean_error")
            )
        ]

    assert fits(pd.DataFrame(rows), 1e-9) == [(40, 216)]
    assert len(fits(table, 0.05)) == 81


def test_a_share_of_pairs_fits_most_numbers_of_people_that_the_printed_one_may_be():
    """With 272 of 435 pairs 0.625287: of 26 to 34 people only 30 have such a share."""
    people = range(26, 35)

    def fitting(found, decimals):
        pairs = [n * (n - 1) // 2 for n in people]
        return [m for m in pairs if round(round(found * m) / m, decimals) == found]

    exact = 272 / 435
    row = {"estimand": "c_index", "estimate": exact, "n": 30, "n_events": 30}
    assert len(fitting(round(exact, 6), 6)) == 1
    found = shown([row])["estimate"].iloc[0]
    assert found == 0.63
    assert len(fitting(found, 2)) == len(people)
    more = shown([{**row, "estimate": 0.62549, "n_events": 50}])
    assert more["estimate"].tolist() == [0.625]


def test_brier_and_ipa_do_not_give_the_share_with_the_event():
    """Without censoring, the Brier score of no model is p (1 - p)."""
    events, n = 60, 1000
    of_none = events / n * (1 - events / n)
    common = {"n": n, "n_events": events, "time": 5.0}
    rows = [
        {"estimand": "brier", **interval(0.7 * of_none, 0.002), **common},
        {"estimand": "ipa", **interval(0.3, 0.02), **common},
    ]
    table = shown(rows)
    step = 5 / ROUNDING.printed(n)
    score = table.at["brier", "estimate"]
    assert score / step == pytest.approx(round(score / step))
    assert np.isnan(table.at["brier", "std_error"])
    few = shown([{**row, "n": 400} for row in rows])
    assert np.isnan(few.at["brier", "estimate"])
    assert few.at["ipa", "estimate"] == 0.3


def test_a_difference_of_shares_moves_by_the_steps_of_the_smaller_group():
    rows = pd.DataFrame(
        {
            "group": ["small", "large", "large"],
            "reference": ["", "", "small"],
            "estimand": ["survival", "survival", "delta_survival"],
            "time": 5.0,
            "estimate": [0.713, 0.8642, 0.1512],
            "statistic": [np.nan, np.nan, 2.1],
            "p_value": [np.nan, np.nan, 0.036],
            "n_at_risk": [30, 3000, 3030],
            "n": [42, 3471, 3513],
            "n_events": [12, 471, 483],
        }
    )
    difference = coarse(rows, ROUNDING, [5.0]).iloc[2]
    step = 5 / ROUNDING.printed(30)
    assert difference["estimate"] == pytest.approx(step)
    assert np.isnan(difference["statistic"])
    assert difference["p_value"] == 0.036


def test_net_reclassification_of_events_is_a_share_of_events():
    rows = [
        {"estimand": name, "estimate": 0.213, "n": 4000, "n_events": 47, "time": 5.0}
        for name in ("nri_events", "nri_nonevents")
    ]
    table = shown(rows)["estimate"]
    steps = 5 / ROUNDING.printed(47), 5 / ROUNDING.printed(4000 - 47)
    assert (table / steps).tolist() == pytest.approx([2, round(0.213 / steps[1])])


def test_a_difference_of_marker_means_has_no_limits_one_of_errors_in_years_has():
    rows = [
        {"estimand": name, **interval(2.6266, 0.2451), "p_adjusted": 0.01, "n": 900}
        for name in ("delta_marker_mean", "delta_mae")
    ]
    table = shown(rows)
    assert table["estimate"].tolist() == [2.63, 2.6]
    assert table["std_error"].isna().all()
    for name, limit in (("conf_low", 2.1), ("p_adjusted", 0.01)):
        assert np.isnan(table.at["delta_marker_mean", name])
        assert table.at["delta_mae", name] == limit


def test_the_test_of_a_ranking_between_groups_does_not_tell_the_smaller_one():
    """From t and P with all their digits the degrees of freedom can be solved for."""
    rows = [
        {
            "estimand": "cross_c_difference",
            **interval(0.1334, 0.0829),
            "statistic": 1.609,
            "df_residual": 26.0,
            "p_value": 0.1196,
            "p_adjusted": 0.2213,
            "n": 4000,
            "n_events": 900,
        }
    ]
    row = shown(rows).iloc[0]
    assert row[["std_error", "statistic", "df_residual"]].isna().all()
    assert row[["estimate", "p_value", "p_adjusted"]].tolist() == [0.133, 0.12, 0.22]

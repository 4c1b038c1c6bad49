"""Sample sizes against published examples, and in what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from scipy.stats import norm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

STUDY = {
    "n_coefficients": 30,
    "event_rate": 0.065,
    "mean_follow_up": 2.07,
    "horizon": 2,
    "cox_snell_r2": 0.051,
}


def sizes(plan):
    table = plan.tidy()
    return list(table.loc[table["estimand"] == "sample_size", "n"])


def test_the_example_of_riley_and_of_pmsampsize():
    """5143 people and 23.07 events per coefficient."""
    plan = fs.sample_size(**STUDY)
    assert sizes(plan)[:2] == [5143, 1039]
    assert (plan.n, plan.glance().loc[0, "n_events"]) == (5143, 692)
    table = check_table(plan.tidy())
    share = table.loc[table["estimand"] == "events_per_coefficient", "estimate"]
    assert share.round(2).tolist()[:2] == [23.07, 4.66]


@pytest.mark.parametrize(
    ("change", "expected"),
    [  # the survival cases in the tests of pmsampsize
        ({"n_coefficients": 25}, [4286, 866]),
        ({"n_coefficients": 25, "cox_snell_r2": 0.065}, [3335, 859]),
        ({"n_coefficients": 50}, [8572, 1731]),
        ({"n_coefficients": 25, "event_rate": 0.1}, [4286, 731]),
    ],
)
def test_other_examples_of_pmsampsize(change, expected):
    """That package rounds events up, of 10 000 people, before its second criterion."""
    shrinkage, optimism, _ = sizes(fs.sample_size(**(STUDY | change)))
    assert shrinkage == expected[0]
    assert optimism - expected[1] in (0, 1)


def test_the_risk_at_the_horizon_is_known_to_within_its_margin():
    """At n the interval of the risk reaches 0.05 on its wider side, below it more."""
    n = sizes(fs.sample_size(**STUDY))[2]
    rate, z = STUDY["event_rate"], norm.isf(0.025)

    def widest(n):
        half = z * math.sqrt(rate / (n * STUDY["mean_follow_up"]))
        risks = 1 - np.exp(-2 * np.array([rate - half, rate, rate + half]))
        return np.abs(risks[[0, 2]] - risks[1]).max()

    assert widest(n) <= 0.05 < widest(n - 1)


def test_nagelkerke_is_a_share_of_the_largest_r_squared():
    """The largest is 0.555 in that example."""
    most = 1 - math.exp(2 * (0.13455 * math.log(0.13455) - 0.13455))
    assert round(most, 3) == 0.555
    given = STUDY | {"cox_snell_r2": None}
    plan = fs.sample_size(**given, nagelkerke_r2=0.051 / most)
    assert sizes(plan) == sizes(fs.sample_size(**STUDY))


@pytest.mark.parametrize(
    ("c_index", "share", "std_error", "expected"),
    [
        # the tests of pmvalsampsize: an interval 0.1 wide
        (0.8, 0.018, 0.1 / (2 * 1.96), 4252),
    ],
)
def test_precision_of_c_matches_a_published_example(
    c_index, share, std_error, expected
):
    plan = fs.sample_size_c_index(
        c_index=c_index, event_share=share, std_error=std_error
    )
    assert plan.n == expected


@pytest.mark.parametrize("c_index", [0.55, 0.7, 0.9])
def test_newcombes_standard_error_at_n_is_the_one_wanted(c_index):
    def std_error(n, q=0.3):
        a = (n / 2 - 1) * (1 - c_index) / (2 - c_index)
        b = (n / 2 - 1) * c_index / (1 + c_index)
        top = c_index * (1 - c_index) * (1 + a + b)
        return math.sqrt(top / (n**2 * q * (1 - q)))

    plan = fs.sample_size_c_index(
        c_index=c_index, event_share=0.3, std_error=[0.02, 0.05]
    )
    for n, wanted in zip(sizes(plan), [0.02, 0.05], strict=True):
        assert std_error(n) <= wanted < std_error(n - 1)


def test_the_example_of_hsieh_and_lavori():
    """Myeloma: log BUN has SD 0.3126, R squared 0.1837, and 73.8% of people die."""
    myeloma = {
        "hr": math.e,
        "spread": 0.3126,
        "event_share": 0.738,
        "power": 0.8,
        "conf_level": 0.9,
    }
    alone = fs.sample_size_hazard_ratio(**myeloma)
    assert alone.glance().loc[0, "n_events"] == 64
    given = fs.sample_size_hazard_ratio(**myeloma, r2_with_covariates=0.1837)
    assert given.glance().loc[0].tolist() == [106, 78]


def test_events_for_two_equal_groups_are_schoenfelds():
    """4 (1.96 + 0.84)^2 / log(2)^2 = 65.3 for a hazard ratio of 2."""
    plan = fs.sample_size_hazard_ratio(hr=[2, 0.5], spread=0.5, event_share=0.5)
    expected = 4 * (norm.isf(0.025) + norm.ppf(0.8)) ** 2 / math.log(2) ** 2
    for criterion in plan.criteria:
        assert criterion.n_events == pytest.approx(expected, rel=1e-12)
    assert sizes(plan) == [132, 132]


def test_results_keep_the_contract_and_have_words():
    plan = fs.sample_size_hazard_ratio(hr=[1.2, 1.5], event_share=0.4)
    check_table(plan.tidy())
    assert check_glance(plan.glance()).loc[0, "n"] == plan.n == max(sizes(plan))
    assert "hazard ratio of 1.2: n = " in str(plan)
    text = str(fs.sample_size(**STUDY))
    assert text.startswith(
        "Sample size for a model of 30 coefficients, Cox-Snell R squared 0.051 of at "
        "most 0.5546: 5,143 people"
    )
    assert "692 events, 23.07 a coefficient" in text


def test_the_figure_shows_every_demand():
    with drawn(fs.sample_size(**STUDY).plot()) as figure:
        shown = words(figure)
        assert "5,143" in shown
        assert any("shrinkage" in text for text in shown)
        assert texts_outside(figure) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_coefficients": 0}, "`n_coefficients` is 0; give a whole number"),
        ({"n_coefficients": 2.5}, "`n_coefficients` is 2.5; give a whole number"),
        ({"event_rate": -1}, "`event_rate` is -1; give a positive number"),
        ({"mean_follow_up": 0}, "`mean_follow_up` is 0; give a positive number"),
        ({"horizon": math.inf}, "`horizon` is inf; give a positive number"),
        ({"cox_snell_r2": None}, "either `cox_snell_r2` or `nagelkerke_r2`"),
        ({"nagelkerke_r2": 0.2}, "either `cox_snell_r2` or `nagelkerke_r2`"),
        ({"cox_snell_r2": 1.2}, "`cox_snell_r2` is 1.2; give a number between 0 and 1"),
        ({"cox_snell_r2": 0.6}, "is 0.6, but at this event rate it stays below 0.5546"),
    ],
)
def test_bad_plans_of_a_model_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        fs.sample_size(**(STUDY | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c_index": 0.5}, "`c_index` is 0.5; give a number between 0.5 and 1"),
        ({"event_share": 0}, "`event_share` is 0; give a number between"),
        ({"std_error": [0.02, 0]}, "`std_error` holds 0.0; give numbers between"),
    ],
)
def test_bad_plans_of_a_c_index_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        fs.sample_size_c_index(**({"c_index": 0.7, "event_share": 0.3} | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hr": 1}, "`hr` holds 1.0; give positive ratios other than 1"),
        ({"hr": [2, -2]}, "`hr` holds -2.0; give positive ratios"),
        ({"power": 80}, "`power` is 80; give a number between 0 and 1"),
        ({"conf_level": 95}, "`conf_level` is 95; give a number between"),
        ({"spread": 0}, "`spread` is 0; give a positive number"),
        ({"r2_with_covariates": 1}, "`r2_with_covariates` is 1; give a number from 0"),
    ],
)
def test_bad_plans_of_a_hazard_ratio_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        fs.sample_size_hazard_ratio(**({"hr": 2, "event_share": 0.5} | change))


@pytest.mark.slow
def test_the_planned_error_of_c_is_on_the_safe_side_for_harrells():
    """Simulated at the planned n, with half the people censored."""
    rng = np.random.default_rng(20240607)
    plan = fs.sample_size_c_index(c_index=0.7, event_share=0.5, std_error=0.03)
    found = []
    for _ in range(300):
        x = rng.normal(size=plan.n)
        death = rng.exponential(np.exp(-0.8 * x))
        lost = rng.exponential(1.0, plan.n)
        data = pd.DataFrame(
            {"time": np.minimum(death, lost), "event": death <= lost, "x": x}
        )
        found.append(fs.concordance("Surv(time, event) ~ x", data).c_index[0])
    assert np.mean(found) == pytest.approx(0.7, abs=0.02)
    assert 0.6 * 0.03 < np.std(found) <= 0.03


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_coefficients": "3"}, "`n_coefficients` is 3; give a whole number"),
        ({"n_coefficients": True}, "`n_coefficients` is True; give a whole number"),
        ({"horizon": None}, "`horizon` is None; give a positive number"),
        ({"event_rate": 5}, "is 10.35 events per person, who has one at most"),
        ({"horizon": 1e6}, "At `event_rate` 0.065 all have the event by `horizon` 1e"),
    ],
)
def test_numbers_that_cannot_be_are_refused(changed, message):
    usual = {"n_coefficients": 30, "event_rate": 0.065, "mean_follow_up": 2.07}
    usual |= {"horizon": 2, "cox_snell_r2": 0.051}
    with pytest.raises(DataError, match=message):
        fs.sample_size(**(usual | changed))


@pytest.mark.parametrize("empty", [[], ()])
def test_no_number_at_all_is_refused(empty):
    with pytest.raises(DataError, match="`hr` is empty; give at least one"):
        fs.sample_size_hazard_ratio(hr=empty, event_share=0.3)
    with pytest.raises(DataError, match="`std_error` is empty; give at least one"):
        fs.sample_size_c_index(c_index=0.7, event_share=0.3, std_error=empty)

"""Follow-up: reverse Kaplan-Meier quartiles, person-time and event rate."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError


@pytest.fixture
def table(lung) -> pd.DataFrame:
    return check_table(fs.follow_up("Surv(time, event) ~ 1", lung).tidy())


def test_quartiles_are_those_of_the_curve_with_the_event_turned_round(lung, table):
    reversed_ = fs.kaplan_meier(
        "Surv(time, censored) ~ 1", lung.assign(censored=1 - lung["event"])
    )
    columns = ["quantile", "estimate", "conf_low", "conf_high"]
    pd.testing.assert_frame_equal(
        table[table["estimand"] == "follow_up"][columns],
        reversed_.quantiles()[columns],
    )


def test_person_time_and_rate_are_sums(lung, table):
    values = table.set_index("estimand")["estimate"]
    assert values["person_time"] == lung["time"].sum()
    wanted = 1000 * lung["event"].sum() / lung["time"].sum()
    assert values["event_rate_per_1000"] == pytest.approx(wanted, rel=1e-12)
    assert values["last_follow_up"] == lung["time"].max()


def test_limits_of_the_rate_leave_exact_poisson_tails(lung, table):
    row = table.set_index("estimand").loc["event_rate_per_1000"]
    low, high = row[["conf_low", "conf_high"]] * lung["time"].sum() / 1000
    assert poisson.sf(164, low) == pytest.approx(0.025, rel=1e-8)
    assert poisson.cdf(165, high) == pytest.approx(0.025, rel=1e-8)


def test_person_time_starts_at_delayed_entry(cohorts):
    data = cohorts["lung_split"]
    followed = fs.follow_up("Surv(entry, time, event) ~ 1", data)
    assert followed.person_time == (data["time"] - data["entry"]).sum()
    assert followed.person_time == cohorts["lung"]["time"].sum()


def test_every_row_carries_the_size_of_the_cohort(table):
    assert (table[["n", "n_events"]] == [228, 165]).all(axis=None)


def test_without_censoring_there_are_no_quartiles():
    data = pd.DataFrame({"time": [1.0, 2, 3], "event": 1})
    table = fs.follow_up("Surv(time, event) ~ 1", data).tidy()
    assert table["estimate"][:3].isna().all()
    assert np.isfinite(table["estimate"][3:]).all()


def test_glance_and_summary_tell_the_size(lung):
    followed = fs.follow_up("Surv(time, event) ~ 1", lung)
    assert check_glance(followed.glance()).loc[0, "n"] == 228
    assert "\nmedian 588 (511 to 821), longest 1022" in str(followed)


def test_each_group_is_followed_as_if_it_were_alone(lung):
    table = check_table(fs.follow_up("Surv(time, event) ~ sex", lung).tidy())
    for sex in (1, 2):
        alone = fs.follow_up("Surv(time, event) ~ 1", lung[lung["sex"] == sex]).tidy()
        pd.testing.assert_frame_equal(
            table[table["group"] == str(sex)].reset_index(drop=True),
            alone.assign(group=str(sex)),
        )


def test_the_summary_of_groups_tells_each(lung):
    text = str(fs.follow_up("Surv(time, event) ~ sex", lung))
    head, first, *_ = text.split("\n")
    assert head.startswith("Follow-up: 228 rows, 165 events, 0 left out; reverse")
    assert first.startswith("1: 138 rows")
    assert "events per 1000 units of time (" in text
    assert "2: 90 rows, 53 events\nmedian " in text


def test_a_median_that_is_not_reached_is_said_so():
    data = pd.DataFrame({"time": [1.0, 2, 3], "event": 1})
    text = str(fs.follow_up("Surv(time, event) ~ 1", data))
    assert "\nmedian not reached, longest 3" in text


def test_the_rate_of_a_group_without_events_starts_at_0(lung):
    """The exact upper limit is -log(0.025) / person-time."""
    data = lung.assign(event=lung["event"] * (lung["sex"] == 1))
    table = fs.follow_up("Surv(time, event) ~ sex", data).tidy()
    rate = table[table["estimand"] == "event_rate_per_1000"].iloc[1]
    assert (rate["estimate"], rate["conf_low"]) == (0, 0)
    person_time = lung["time"][lung["sex"] == 2].sum()
    wanted = -1000 * np.log(0.025) / person_time
    assert rate["conf_high"] == pytest.approx(wanted, rel=1e-12)


def test_anything_but_columns_is_refused_as_a_group(lung):
    with pytest.raises(FormulaError, match="must name grouping columns"):
        fs.follow_up("Surv(time, event) ~ log(age)", lung)


def test_an_impossible_confidence_level_is_refused(lung):
    with pytest.raises(DataError, match="`conf_level` is 2"):
        fs.follow_up("Surv(time, event) ~ 1", lung).tidy(conf_level=2)


def test_the_plot_is_a_figure_that_draws(lung, tmp_path):
    plot = fs.follow_up("Surv(time, event) ~ 1", lung).plot()
    with mpl.rc_context({"backend": "agg"}):
        plot.save(tmp_path / "followed.png", verbose=False, dpi=50)
    assert (tmp_path / "followed.png").stat().st_size > 0

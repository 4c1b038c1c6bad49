"""Death by an early day: against R's glm, in who counts, and in what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from references import reference_cases
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # glm iterates to 1e-15 and writes 17 digits


@pytest.fixture(scope="module")
def cohort():
    return simulate(20240607, 300)


def early(data, right="x + z", **options):
    options = {"horizons": [20], "time_unit": "days"} | options
    return fs.early_mortality(f"Surv(time, event) ~ {right}", data, **options)


@pytest.mark.parametrize("case", reference_cases("early_deaths"), ids=str)
def test_odds_ratios_match_r(case, cohorts):
    ours = fs.early_mortality(
        case.formula.replace("factor", "C"),
        cohorts[case.data],
        horizons=[case.horizon],
        time_unit="days",
        censoring="weighted" if case.weighted else "excluded",
    )
    table = check_table(ours.tidy())
    np.testing.assert_allclose(table["estimate"], case.log_or, rtol=R_RTOL)
    np.testing.assert_allclose(table["std_error"], case.std_error, rtol=R_RTOL)
    counts = table.loc[0, ["n", "n_events", "n_censored"]]
    assert list(counts) == [case.n, case.n_events, case.n_censored]


def test_a_two_by_two_table_gives_its_odds_ratio():
    """8 of 12 against 3 of 12 died: an odds ratio of 6."""
    data = pd.DataFrame(
        {
            "time": [10] * 8 + [40] * 4 + [10] * 3 + [40] * 9,
            "event": [1] * 8 + [0] * 4 + [1] * 3 + [0] * 9,
            "old": [1] * 12 + [0] * 12,
        }
    )
    (row,) = early(data, "old", horizons=[30]).tidy().to_dict("records")
    assert row["estimate"] == pytest.approx(np.log(6), rel=1e-10)
    variance = 1 / 8 + 1 / 4 + 1 / 3 + 1 / 9
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-10)


def test_who_is_censored_before_the_horizon_is_never_alive(cohort):
    """Deaths at the horizon count, rows censored at it lived, those before are out."""
    time, event = cohort["time"], cohort["event"]
    (horizon,) = early(cohort, horizons=[20]).horizons
    assert horizon.n_events == ((time <= 20) & event).sum()
    assert horizon.n_censored == ((time < 20) & ~event).sum()
    assert horizon.n == 300 - horizon.n_censored
    before = early(cohort[(time >= 20) | event]).tidy()
    np.testing.assert_allclose(early(cohort).tidy()["estimate"], before["estimate"])


@pytest.mark.parametrize("censoring", ["excluded", "weighted"])
def test_nothing_after_the_horizon_matters(cohort, censoring):
    capped = cohort.assign(
        time=cohort["time"].clip(upper=20),
        event=cohort["event"] & (cohort["time"] <= 20),
    )
    ours, theirs = (
        early(data, censoring=censoring).tidy() for data in (cohort, capped)
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_without_early_censoring_weights_change_nothing_but_the_errors(cohort):
    known = cohort[(cohort["time"] >= 20) | cohort["event"]]
    plain, weighted = (
        early(known, censoring=censoring).tidy()
        for censoring in ("excluded", "weighted")
    )
    np.testing.assert_allclose(weighted["estimate"], plain["estimate"], rtol=1e-9)
    np.testing.assert_allclose(weighted["std_error"], plain["std_error"], rtol=0.15)


def test_robust_errors_are_those_of_leaving_rows_out(cohort):
    """A jackknife of the whole procedure, weights included; equal to order 1/n."""
    rows = cohort.iloc[:100]
    whole = early(rows, censoring="weighted").tidy()
    left_out = np.array(
        [
            early(rows.drop(index=i), censoring="weighted").tidy()["estimate"]
            for i in range(100)
        ]
    )
    spread = 0.995 * np.sqrt(100) * left_out.std(axis=0)
    np.testing.assert_allclose(whole["std_error"], spread, rtol=0.1)


def test_results_keep_the_contract_at_several_horizons(cohort):
    ours = early(cohort, "x + C(site)", horizons=[30, 10])
    table = check_table(ours.tidy(exponentiate=True, per={"x": 2}, conf_level=0.9))
    assert list(table["time"]) == [30] * 3 + [10] * 3
    assert set(table["estimand"]) == {"or"}
    logs = ours.tidy(per={"site": -1})
    assert logs.loc[1, "estimate"] == -ours.tidy().loc[1, "estimate"]
    assert check_glance(ours.glance()).loc[0, "n"] == ours.n


def test_rows_without_a_covariate_or_at_time_0_are_counted(cohort):
    data = cohort.copy()
    data.loc[:4, "x"] = np.nan
    data.loc[5, "time"] = 0
    ours = early(data)
    assert ours.n_dropped == 6
    assert "6 rows left out (missing in `x`: 5; time 0 in `time`: 1)" in str(ours)


def test_a_column_that_separates_is_named(cohort):
    died = cohort["event"] & (cohort["time"] <= 20)
    marked = cohort.assign(mark=np.where(died, 0.0, cohort["z"]))
    table = check_table(early(marked, "x + mark").tidy())
    note = "no finite estimate: `mark` separates those with and without"
    assert list(table["note"]) == [note] * 2
    assert table["estimate"].isna().all()
    later = early(marked, "x + mark", horizons=[20, 60]).tidy()
    assert np.isfinite(later["estimate"][2:]).all()


def test_complete_separation_is_found_too(cohort):
    died = cohort["event"] & (cohort["time"] <= 20)
    known = cohort[died | (cohort["time"] >= 20)]
    split = known.assign(x=np.where(died[known.index], 5.0, -5.0) + 0.1 * known["x"])
    table = early(split, "x").tidy()
    assert table.loc[0, "note"].startswith("no finite estimate: `x` separates")


def test_a_steep_model_without_separation_keeps_its_estimates():
    """Predictors beyond 12 call the linear program, which finds no separation."""
    x = np.append(np.linspace(-40, 40, 81), [1.5, -1.5])
    lived = np.append(x[:81] < 0, [True, False])
    data = pd.DataFrame({"time": np.where(lived, 9, 1), "event": ~lived, "x": x})
    (row,) = early(data, "x", horizons=[5]).tidy().to_dict("records")
    assert np.isfinite(row["estimate"])
    assert row["estimate"] * 40 > 12


def test_columns_that_repeat_others_have_no_estimate(cohort):
    data = cohort.assign(double=2 * cohort["x"] - cohort["z"] + 1, one=1.0)
    table = check_table(early(data, "x + z + double + one").tidy())
    assert list(table["note"]) == [
        "",
        "",
        "aliased: repeats other columns",
        "aliased: `one` is 1 in every row",
    ]
    plain = early(cohort).tidy()
    np.testing.assert_allclose(table["estimate"][:2], plain["estimate"], rtol=1e-8)


def test_a_horizon_before_the_first_death_keeps_its_rows(cohort):
    first = cohort.loc[cohort["event"], "time"].min()
    table = early(cohort, horizons=[first / 2, 20]).tidy()
    assert list(table["note"][:2]) == ["no events"] * 2
    assert np.isfinite(table["estimate"][2:]).all()
    assert "not estimated  (no events)" in str(early(cohort, horizons=[first / 2]))


def test_few_deaths_are_called_fragile(cohort):
    note = early(cohort, "x + C(site)", horizons=[1]).tidy().loc[0, "note"]
    assert note.startswith("fragile: ")
    assert note.endswith(" events for 3 coefficients")


def test_the_figure_and_the_summary_name_the_horizons(cohort):
    ours = early(cohort, "x + C(site)", horizons=[20, 40])
    assert "By 20 days: " in str(ours)
    with drawn(ours.plot(per={"x": 10})) as figure:
        shown = words(figure)
        assert {"by 20 days", "by 40 days", "x (per 10 units)"} <= set(shown)
        assert {"OR (95% CI)", "Odds ratio (95% CI)"} <= set(shown)
        assert texts_outside(figure) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"horizons": [-30]},
            r"`horizons` is \[-30\]; give positive times in",
        ),
        ({"horizons": []}, r"`horizons` is \[\]; give positive times"),
        ({"horizons": [np.nan]}, "give positive times"),
        ({"horizons": [30, 9999]}, "`horizons` holds 9999, but the longest follow-up"),
        ({"time_unit": "weeks"}, "`time_unit` is 'weeks'; choose one of"),
        ({"censoring": "alive"}, "`censoring` is 'alive'; choose one of"),
        ({"right": "1"}, "names no covariate for an odds ratio"),
    ],
)
def test_bad_requests_are_refused(cohort, options, message):
    with pytest.raises(DataError, match=message):
        early(cohort, **options)


def test_follow_up_that_starts_late_is_refused(cohort):
    with pytest.raises(DataError, match="`entry` starts follow-up after time 0"):
        fs.early_mortality(
            "Surv(entry, time, event) ~ x", cohort, horizons=[20], time_unit="days"
        )


def test_a_step_of_an_unknown_column_is_refused(cohort):
    with pytest.raises(DataError, match="`per` names `age`; the terms are `x`, `z`"):
        early(cohort).tidy(per={"age": 10})


@pytest.mark.slow
def test_weights_recover_the_truth_and_its_spread():
    """Half the rows are lost early; the log odds ratio of 0.8 is met on average."""
    rng = np.random.default_rng(20240607)
    found, std_error = [], []
    for _ in range(400):
        x = rng.normal(size=500)
        dies = rng.random(500) < 1 / (1 + np.exp(1 - 0.8 * x))
        death = np.where(dies, rng.uniform(0, 30, 500), 1000)
        lost = rng.exponential(45, 500)
        data = pd.DataFrame(
            {"time": np.minimum(death, lost), "event": death <= lost, "x": x}
        )
        data = data[data["time"] > 0]
        row = early(data, "x", horizons=[30], censoring="weighted").tidy().iloc[0]
        found.append(row["estimate"])
        std_error.append(row["std_error"])
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)
    assert np.mean(std_error) / np.std(found) == pytest.approx(1, abs=0.11)


def test_a_horizon_given_twice_counts_once(cohort):
    once = early(cohort, "x", horizons=[30, 10])
    pd.testing.assert_frame_equal(
        early(cohort, "x", horizons=[30, 10, 30]).tidy(), once.tidy()
    )


def test_days_called_years_are_refused(lung):
    with pytest.raises(DataError, match="`time` is 1022, longer than a life in years"):
        fs.early_mortality(
            "Surv(time, event) ~ age", lung, horizons=[1], time_unit="years"
        )

# ruff: noqa: RUF001  (crosses stand between groups)
"""Audits: every number of a level is that of its rows alone, and nothing is silent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audited_people import FORMULA, HORIZON, RACES, people
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError

TWIN_RTOL = 1e-12  # both sides add the same terms
FIT_RTOL = 1e-9  # predicted risks differ in the last digit, and enter an iteration
SURV = "Surv(time, event) ~ "
LEVELS = ["estimate", "std_error", "conf_low", "conf_high"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return people(20260611)


def audit(data: pd.DataFrame, **arguments) -> fs.Audit:
    arguments = {"term": "marker", "by": ["sex"], "horizon": HORIZON} | arguments
    return fs.audit(arguments.pop("formula", FORMULA), data, **arguments)


def predicted(data: pd.DataFrame, **roles) -> pd.DataFrame:
    """Complete rows with what the model of everyone predicts, by its own methods."""
    rows = data.dropna(subset=["marker"])
    fit = fs.cox(FORMULA, rows, **roles)
    return rows.assign(
        predictor=fit.augment(rows)["linear_predictor"],
        predicted=fit.baseline(rows).risk(rows, HORIZON)["estimate"].to_numpy(),
    )


def found(table: pd.DataFrame, estimand: str, level: str, term: str | None = None):
    """Return the only row of an estimand in a level."""
    rows = table[(table["estimand"] == estimand) & (table["level"] == level)]
    if term is not None:
        rows = rows[rows["term"] == term]
    (row,) = rows.to_dict("records")
    return row


def assert_same(ours: dict, theirs: pd.DataFrame, rtol: float) -> None:
    (theirs_row,) = theirs.to_dict("records")
    for name in LEVELS:
        if name in theirs_row:
            assert ours[name] == pytest.approx(theirs_row[name], rel=rtol, nan_ok=True)


# ---------------------------------------------- every level is its rows alone


@pytest.mark.parametrize("strata", [None, "site"])
@pytest.mark.parametrize(
    ("by", "level"), [("sex", "women"), ("race", "Black"), ("race", "missing")]
)
def test_every_measure_of_a_level_is_that_of_its_rows(data, by, level, strata):
    table = check_table(audit(data, by=[by], strata=strata).tidy())
    rows = predicted(data, strata=strata)
    values = rows[by].astype(object).fillna("missing")
    rows = rows[values == level]
    reduced = FORMULA.replace(" + sex", "") if by == "sex" else FORMULA
    cox = fs.cox(reduced, rows, strata=strata).tidy()
    assert_same(found(table, "log_hr", level), cox.iloc[:1], FIT_RTOL)
    ranked = fs.concordance(SURV + "marker + predictor", rows, strata=strata).tidy()
    for term, ours in (("marker", "marker"), ("predictor", "model")):
        theirs = ranked[ranked["term"] == term]
        assert_same(found(table, "c_index", level, ours), theirs, TWIN_RTOL)
    calibrated = fs.calibration(SURV + "predicted", rows, horizon=HORIZON).tidy()
    for theirs, ours in (
        ("oe_ratio", "observed_expected"),
        ("calibration_slope", "calibration_slope"),
    ):
        theirs_row = calibrated[calibrated["estimand"] == theirs]
        assert_same(found(table, ours, level), theirs_row, FIT_RTOL)
        p_value = float(theirs_row["p_value"].iloc[0])
        assert found(table, ours, level)["p_value"] == pytest.approx(p_value, rel=1e-6)
    errors = fs.prediction_error(SURV + "predicted", rows, horizon=HORIZON).tidy()
    for estimand in ("brier", "ipa"):
        chosen = (errors["estimand"] == estimand) & (errors["term"] == "predicted")
        assert_same(found(table, estimand, level), errors[chosen], FIT_RTOL)


def test_sizes_and_the_marker_of_a_level_are_those_of_its_rows(data):
    table = audit(data).tidy()
    men = data[data["sex"] == "men"]
    rows = men.dropna(subset=["marker"])
    mean, sd = rows["marker"].mean(), rows["marker"].std()
    row = found(table, "marker_mean", "men")
    assert row["estimate"] == pytest.approx(mean, rel=TWIN_RTOL)
    assert row["std_error"] == pytest.approx(sd / np.sqrt(len(rows)), rel=TWIN_RTOL)
    assert found(table, "marker_sd", "men")["estimate"] == pytest.approx(sd, rel=1e-12)
    share = 1 - rows["event"].mean()
    assert found(table, "censored_share", "men")["estimate"] == pytest.approx(share)
    total = rows["time"].sum()
    assert found(table, "person_time", "men")["estimate"] == pytest.approx(total)
    assert row["n"] == len(rows)
    assert row["n_events"] == rows["event"].sum()
    assert row["n_missing"] == men["marker"].isna().sum() > 0
    until = ((rows["event"] == 1) & (rows["time"] <= HORIZON)).sum()
    assert found(table, "brier", "men")["n_events"] == until < row["n_events"]
    assert found(table, "brier", "men")["time"] == HORIZON


def test_the_spread_of_the_marker_has_the_standard_error_of_its_jackknife(data):
    table = audit(data).tidy()
    values = data.loc[data["sex"] == "men", "marker"].dropna().to_numpy()
    left_out = np.array([np.delete(values, i).std(ddof=1) for i in range(values.size)])
    jackknife = np.sqrt((values.size - 1) * left_out.var())
    row = found(table, "marker_sd", "men")
    assert row["std_error"] == pytest.approx(jackknife, rel=0.02)


def test_everyone_comes_first_and_is_calibrated_by_construction(data):
    table = audit(data).tidy()
    assert table.loc[0, ["subgroup", "level"]].tolist() == ["overall", "overall"]
    fit = fs.cox(FORMULA, data.dropna(subset=["marker"]))
    assert found(table, "log_hr", "overall")["estimate"] == fit.log_hr[0]
    assert found(table, "c_index", "overall", "model")["estimate"] == pytest.approx(
        fit.c_index, rel=TWIN_RTOL
    )
    ratio = found(table, "observed_expected", "overall")["estimate"]
    assert ratio == pytest.approx(1, abs=0.02)


def test_the_intercept_is_the_shift_that_makes_the_mean_risk_the_one_observed(data):
    table = audit(data).tidy()
    rows = predicted(data)
    rows = rows[rows["sex"] == "men"]
    shift = found(table, "calibration_intercept", "men")["estimate"]
    moved = -np.expm1(np.log1p(-rows["predicted"]) * np.exp(shift))
    calibrated = fs.calibration(SURV + "predicted", rows, horizon=HORIZON).tidy()
    observed = calibrated.set_index("estimand").loc["observed_risk", "estimate"]
    assert moved.mean() == pytest.approx(observed, rel=TWIN_RTOL)


def test_one_risk_for_all_has_an_intercept_in_closed_form_and_no_slope(data):
    table = audit(data.assign(risk=0.3), risk="risk").tidy()
    men = data[(data["sex"] == "men") & data["marker"].notna()]
    curve = fs.kaplan_meier(SURV + "1", men).at([HORIZON])
    known, error = curve.loc[0, ["estimate", "std_error"]].astype(float)
    row = found(table, "calibration_intercept", "men")
    wanted = np.log(-np.log(known)) - np.log(-np.log(0.7))
    assert row["estimate"] == pytest.approx(wanted, rel=TWIN_RTOL)
    n = len(men)
    wanted = error / (-known * np.log(known)) * np.sqrt(n / (n - 1))
    assert row["std_error"] == pytest.approx(wanted, rel=1e-3)  # Greenwood's for ties
    row = found(table, "calibration_slope", "men")
    assert np.isnan(row["estimate"])
    assert row["note"] == "the predicted risks do not vary between 0 and 1"


def test_risks_of_a_published_model_are_judged_as_given(data):
    data = data.assign(risk=data["risk"].where(np.arange(len(data)) % 20 > 0))
    result = audit(data, risk="risk")
    table = check_table(result.tidy())
    rows = data.dropna(subset=["marker", "risk"])
    women = rows[rows["sex"] == "women"]
    ranked = fs.concordance(SURV + "risk", women).tidy()
    assert_same(found(table, "c_index", "women", "model"), ranked, TWIN_RTOL)
    calibrated = fs.calibration(SURV + "risk", women, horizon=HORIZON).tidy()
    chosen = calibrated[calibrated["estimand"] == "oe_ratio"]
    assert_same(found(table, "observed_expected", "women"), chosen, TWIN_RTOL)
    n_missing = data.loc[data["sex"] == "women", ["marker", "risk"]].isna().any(axis=1)
    assert found(table, "brier", "women")["n_missing"] == n_missing.sum()
    # Predictions that were not fitted to these rows are independent between levels.
    (test,) = result.tests().query("measure == 'observed_expected'").to_dict("records")
    levels = [found(table, "observed_expected", name) for name in ("women", "men")]
    delta = np.diff([np.log(row["estimate"]) for row in levels])[0]
    width = [np.log(row["conf_high"] / row["conf_low"]) for row in levels]
    error = np.sqrt(np.square(width).sum()) / (2 * 1.959963984540054)
    assert test["statistic"] == pytest.approx((delta / error) ** 2, rel=1e-9)


def test_clusters_are_added_up(data):
    table = audit(data, cluster="clinic").tidy()
    rows = predicted(data, cluster="clinic")
    rows = rows[rows["sex"] == "women"]
    cluster = {"cluster": "clinic"}
    fit = fs.cox("Surv(time, event) ~ marker + age", rows, **cluster).tidy()
    assert_same(found(table, "log_hr", "women"), fit.iloc[:1], FIT_RTOL)
    ranked = fs.concordance(SURV + "marker + predictor", rows, **cluster).tidy()
    chosen = ranked[ranked["term"] == "predictor"]
    assert_same(found(table, "c_index", "women", "model"), chosen, TWIN_RTOL)
    errors = fs.prediction_error(SURV + "predicted", rows, horizon=HORIZON, **cluster)
    ipa = errors.tidy().query("estimand == 'ipa'")
    assert_same(found(table, "ipa", "women"), ipa, FIT_RTOL)


def test_clusters_of_single_rows_change_robust_errors_only(data):
    own = audit(data.assign(row=np.arange(len(data))), cluster="row").tidy()
    none = audit(data).tidy()
    same = ~none["estimand"].isin(["log_hr", "calibration_slope"])
    columns = ["estimate", "conf_low", "conf_high"]
    pd.testing.assert_frame_equal(
        own.loc[same, columns], none.loc[same, columns], rtol=1e-10
    )
    robust = own.loc[~same, "std_error"] / none.loc[~same, "std_error"]
    assert robust.between(0.8, 1.25).all()


# ------------------------------------------------------- levels and crossings


def test_levels_keep_their_order_and_missing_is_one_of_them(data):
    table = audit(data, by=["race", "sex"]).tidy()
    shown = table[table["subgroup"] != "overall"]
    assert list(shown["subgroup"].unique()) == ["race", "sex"]
    levels = shown.groupby("subgroup", sort=False)["level"].unique()
    assert list(levels["race"]) == [*RACES, "missing"]
    assert list(levels["sex"]) == ["women", "men"]


def test_a_level_without_one_complete_row_is_not_passed_over(data):
    marker = data["marker"].mask(data["race"].isna())
    table = audit(data.assign(marker=marker), by=["race"]).tidy()
    row = found(table, "log_hr", "missing")
    assert row["note"] == "too few: 0 to 19 people, 0 to 9 events"
    assert pd.isna(row["n_missing"])


def test_a_crossing_is_the_column_of_its_combinations(data):
    result = audit(data, crossings=[["sex", "race"]])
    table = check_table(result.tidy())
    crossed = table[table["subgroup"] == "sex × race"]
    order = [
        f"{sex} × {race}" for sex in ("women", "men") for race in [*RACES, "missing"]
    ]
    present = (
        data["sex"].astype(object)
        + " × "
        + data["race"].astype(object).fillna("missing")
    )
    names = [name for name in order if name in set(present)]
    assert list(crossed["level"].unique()) == names
    alone = audit(data.assign(both=pd.Categorical(present, names)), by=["both"])
    ours, theirs = (
        found.drop(
            columns=["subgroup", "p_adjusted", "q_value", "note"], errors="ignore"
        )
        for found in (crossed, alone.tidy().query("subgroup == 'both'"))
    )
    pd.testing.assert_frame_equal(
        ours.reset_index(drop=True), theirs.reset_index(drop=True)
    )
    tests = result.tests().set_index(["subgroup", "measure"])["p_value"]
    np.testing.assert_array_equal(tests["sex × race"], alone.tests()["p_value"])


def test_columns_are_crossed_once_whatever_their_order(data):
    twice = [["sex", "site"], ["site", "sex"], ["sex", "site"]]
    once = audit(data, crossings=twice[:1])
    pd.testing.assert_frame_equal(audit(data, crossings=twice).tests(), once.tests())


def test_a_covariate_that_is_constant_in_a_level_is_left_out_and_named(data):
    row = found(audit(data).tidy(), "log_hr", "men")
    assert row["note"] == "left out: `sex` has one level, men"


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(seed):
    data = people(seed, 250)
    mixed = data.sample(frac=1, random_state=seed % 1000)
    ours, theirs = (
        audit(rows, by=["race"], crossings=[["sex", "site"]]) for rows in (data, mixed)
    )
    pd.testing.assert_frame_equal(ours.tidy(), theirs.tidy(), rtol=1e-7, atol=1e-10)
    for one, other in zip(ours.parts, theirs.parts, strict=True):
        np.testing.assert_allclose(one.cov, other.cov, rtol=1e-6, atol=1e-12)


# ------------------------------------------------------------ floors and notes


def test_a_level_below_a_floor_keeps_its_rows_and_hides_its_counts(data):
    result = audit(data, by=["race"])
    table = result.tidy()
    rare = table[table["level"] == "Rare"]
    usual = table[(table["level"] == "Black")]
    assert list(rare["estimand"]) == list(usual["estimand"])
    assert rare[["estimate", "std_error", "conf_low"]].isna().all(axis=None)
    assert rare[["n", "n_events", "n_missing"]].isna().all(axis=None)
    assert set(rare["note"]) == {"too few: 1 to 19 people, 0 to 9 events"}
    for _, test in result.tests().iterrows():
        assert "without Rare" in test["note"]


def test_floors_can_be_set(data):
    bold = audit(data, by=["race"], floor_events=1, floor_people=1).tidy()
    assert np.isfinite(found(bold, "marker_mean", "Rare")["estimate"])
    shy = audit(data, floor_people=300).tidy()
    assert found(shy, "log_hr", "men")["note"] == (
        "too few: 1 to 299 people, 10 or more events"
    )


def test_measures_at_the_horizon_need_as_many_events_by_then(data):
    table = audit(data, by=["race"], horizon=0.75).tidy()
    row = found(table, "observed_expected", "Black")
    assert row["note"] == "too few: 0 to 9 events by 0.75"
    assert np.isnan(row["estimate"])
    assert pd.isna(row["n_events"])
    assert row["n"] == found(table, "log_hr", "Black")["n"] > 20
    assert np.isfinite(found(table, "c_index", "Black", "model")["estimate"])


def test_a_level_that_is_not_followed_to_the_horizon_says_so(data):
    short = data["sex"] == "men"
    event = data["event"].mask(short & (data["time"] > 3), 0)
    time = data["time"].mask(short, data["time"].clip(upper=3))
    table = audit(data.assign(time=time, event=event)).tidy()
    row = found(table, "brier", "men")
    assert row["note"] == "not estimated: nobody is followed beyond 4"
    assert np.isfinite(found(table, "brier", "women")["estimate"])


def test_few_beyond_the_horizon_have_a_note(data):
    rows = data.dropna(subset=["marker"])
    last = float(np.sort(rows.loc[rows["sex"] == "men", "time"])[-3])
    table = audit(data.assign(event=1), horizon=last - 1e-3).tidy()
    assert found(table, "ipa", "men")["note"] == (
        "fewer than 5 are followed beyond the horizon: limits are too narrow"
    )


def test_hardly_anybody_uncensored_at_the_horizon_has_a_note(data):
    rng = np.random.default_rng(3)
    lost = rng.exponential(1.2, len(data))
    event = data["event"].mask(lost < data["time"], 0)
    time = np.minimum(data["time"], np.ceil(8 * lost) / 8)
    result = audit(data.assign(time=time, event=event), horizon=3.5)
    assert found(result.tidy(), "brier", "overall")["note"] == (
        "fewer than 10% are estimated to be uncensored at the horizon"
    )


def test_a_group_that_holds_every_event_leaves_nothing_to_test(data):
    event = data["event"].where(data["sex"] == "men", 0)
    result = audit(data.assign(event=event), formula=SURV + "marker + age")
    assert found(result.tidy(), "log_hr", "women")["note"] == (
        "too few: 20 or more people, 0 to 9 events"
    )
    tests = result.tests()
    assert tests["p_value"].isna().all()
    assert (tests["note"].str.contains("fewer than two levels can be estimated")).all()
    differences = result.largest_difference()
    assert differences["estimate"].isna().all()
    assert set(differences["note"]) == {"fewer than two levels can be estimated"}


def test_rows_of_one_person_count_once(data):
    twice = pd.concat([data, data], ignore_index=True)
    person = np.tile(np.arange(len(data)), 2)
    both = twice.assign(person=person)
    black = (data["race"] == "Black") & data["marker"].notna()
    floor = int(black.sum()) + 1
    arguments = {"by": ["race"], "floor_people": floor, "cluster": "person"}
    counted = audit(both, id="person", **arguments).tidy()
    assert "too few" in found(counted, "log_hr", "Black")["note"]
    assert (
        "too few"
        not in found(audit(both, **arguments).tidy(), "log_hr", "Black")["note"]
    )


def test_a_level_within_one_cluster_has_no_standard_error_to_give(data):
    clinic = data["clinic"].mask(data["race"] == "Black", -1)
    table = audit(data.assign(clinic=clinic), by=["race"], cluster="clinic").tidy()
    row = found(table, "c_index", "Black", "marker")
    assert row["note"] == "not estimated: all rows are one cluster"


def test_a_level_within_one_cluster_is_not_ranked_against_others(data):
    clinic = np.where(data["race"] == "Black", "their own", data["clinic"])
    result = audit(data.assign(clinic=clinic), by=["race"], cluster="clinic")
    between = result.between()
    is_about = between["term"].str.contains("Black")
    assert is_about.any()
    assert between.loc[is_about, "estimate"].isna().all()
    pair = between[between["term"] == "White - Black"].iloc[0]
    assert pair["note"] == "not estimated: all rows of Black are one cluster"
    row = found(result.tidy(), "outside_c_index_event", "Black")
    assert np.isnan(row["std_error"])
    assert row["note"] == "not estimated: all rows are one cluster"
    assert np.isnan(row["estimate"])


def test_a_published_risk_of_zero_or_one_counts_as_the_nearest_other(data):
    risk = data["risk"].copy()
    risk[data.index[data["marker"].notna() & (data["sex"] == "men")][:2]] = 1.0
    table = audit(data.assign(risk=risk), risk="risk").tidy()
    for estimand in ("calibration_intercept", "calibration_slope"):
        assert found(table, estimand, "men")["note"] == (
            "2 predicted risks of exactly 0 or 1 taken as the nearest other"
        )


def test_a_published_risk_of_zero_for_all_has_no_ratio(data):
    table = audit(data.assign(risk=0.0), risk="risk").tidy()
    row = found(table, "observed_expected", "men")
    assert row["note"] == "the mean predicted risk is 0"
    row = found(table, "calibration_intercept", "men")
    assert np.isnan(row["estimate"])
    assert row["note"] == "every predicted risk is 0 or 1"


# ------------------------------------------------------------------ the result


def test_steps_ratios_and_levels_of_confidence(data):
    result = audit(data)
    plain, ratio = result.tidy(), result.tidy(exponentiate=True, per={"marker": -2})
    row, other = found(plain, "log_hr", "men"), found(ratio, "hr", "men")
    assert other["estimate"] == pytest.approx(np.exp(-2 * row["estimate"]))
    assert other["conf_low"] == pytest.approx(np.exp(-2 * row["conf_high"]))
    assert (row["per"], other["per"]) == (1, -2)
    assert row["p_value"] == other["p_value"]
    narrow = found(result.tidy(conf_level=0.5), "observed_expected", "men")
    wide = found(plain, "observed_expected", "men")
    assert wide["conf_low"] < narrow["conf_low"] < narrow["conf_high"]
    assert narrow["conf_high"] < wide["conf_high"]


def test_ranking_between_groups_is_that_of_its_own_verb(data):
    result = audit(data, by=["race"])
    rows = predicted(data).rename(columns={"predictor": "model"})
    theirs = fs.concordance_between(
        SURV + "marker + model", rows, by=["race"], time_weight="n/G2", tau=HORIZON
    ).tidy()
    for by, name in (("marker", "marker"), ("model", "model")):
        chosen = theirs[theirs["biomarker"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            check_table(result.between(by=by)), chosen, rtol=1e-10
        )
    table = result.tidy()
    row = found(table, "outside_c_index_event", "Black")
    outside = theirs.query("biomarker == 'marker' and level == 'Black'")
    assert_same(row, outside[outside["estimand"] == "outside_c_index_event"], 1e-10)


def test_summary_and_figure(data):
    result = audit(data, by=["race"], crossings=[["sex", "site"]])
    text = str(result)
    assert text.splitlines()[0] == f"Audit of marker at 4: {FORMULA}"
    assert "15 tests" not in text
    assert "10 tests of no difference were made" in text
    assert "Rare" in text
    check_glance(result.glance())
    assert result.plot(measures=["hr", "ipa"]).draw()


def test_the_data_of_the_caller_are_not_changed(data):
    before = data.copy()
    audit(data, by=["race"], crossings=[["sex", "race"]], risk="risk")
    pd.testing.assert_frame_equal(data, before)


# ------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "sex"}, "`by` is the text `sex`; give a list of columns"),
        ({"by": None}, "`by` is None; give a list of columns"),
        ({"by": [["sex"]]}, r"`by` is \[\['sex'\]\]; give a list of columns"),
        ({"by": []}, "`by` and `crossings` are empty; name a column to audit by"),
        ({"by": ["hair"]}, "`data` has no column `hair`"),
        ({"by": ["event"]}, "`by` names `event`, a part of the outcome"),
        ({"by": ["age"]}, "`age` has .* distinct numbers, a measurement .* cut it"),
        ({"crossings": "sex"}, "`crossings` is the text `sex`; give lists of columns"),
        ({"crossings": None}, "`crossings` is None; give lists of columns"),
        ({"crossings": [4]}, "`crossings` holds 4; each is a list of two"),
        ({"crossings": ["sex"]}, "`crossings` holds 'sex'; each is a list of two"),
        ({"crossings": [["sex"]]}, "two or more different columns"),
        ({"crossings": [["sex", "sex"]]}, "two or more different columns"),
        ({"crossings": [["sex", "age"]]}, "`age` has .* distinct numbers"),
        ({"crossings": [["sex", "time"]]}, "`by` names `time`, a part of the outcome"),
        ({"term": "sex"}, "`term` is `sex`, which is not one numeric column"),
        ({"horizon": 0}, "`horizon` is 0; give one time above 0"),
        ({"horizon": "5"}, "`horizon` is 5; give one time above 0"),
        ({"horizon": 48}, "Nobody is followed beyond horizon 48"),
        ({"horizon": 0.01}, "happens by horizon 0.01; the first is at"),
        ({"floor_events": 0}, "`floor_events` is 0; give a whole number from 1 on"),
        ({"floor_people": 2.5}, "`floor_people` is 2.5; give a whole number"),
        ({"risk": "chance"}, "`data` has no column `chance`"),
        ({"risk": "sex"}, "`sex` holds no numbers; give the predicted probability"),
        ({"risk": "age"}, "`age` is outside 0 to 1 in .* complete rows"),
        ({"id": "clinic"}, "`clinic` repeats in .* rows; keep one row a subject"),
    ],
    ids=str,
)
def test_what_cannot_be_audited_is_refused(data, arguments, message):
    with pytest.raises(DataError, match=message):
        audit(data, **arguments)


def test_a_marker_called_as_the_predictions_of_the_model_is_refused(data):
    named = data.rename(columns={"marker": "model"})
    formula = FORMULA.replace("marker", "model")
    with pytest.raises(DataError, match="`term` is `model`, which stands for the pred"):
        audit(named, formula=formula, term="model")


def test_delayed_entry_is_refused(data):
    formula = FORMULA.replace("time,", "entry, time,")
    with pytest.raises(FormulaError, match="delayed entry, for which predictions"):
        audit(data.assign(entry=0.0), formula=formula)


def test_follow_up_before_the_photograph_is_refused(data):
    time = data["time"].mask(np.arange(len(data)) == 3, -0.5)
    with pytest.raises(DataError, match="`time` is negative in 1 of 400 rows"):
        audit(data.assign(time=time))


def test_a_stratum_not_followed_to_the_horizon_is_refused(data):
    short = data["site"] == "south"
    event = data["event"].mask(short & (data["time"] > 3), 0)
    time = data["time"].mask(short, data["time"].clip(upper=3))
    message = "Follow-up of `south`, a stratum of `site`, ends at 3, before horizon 4"
    with pytest.raises(DataError, match=message):
        audit(data.assign(time=time, event=event), strata="site")


def test_an_infinite_coefficient_predicts_no_risk(data):
    spared = ((data["event"] == 0) & (np.arange(len(data)) % 3 == 0)) * 1.0
    formula = FORMULA + " + spared"
    with pytest.raises(DataError, match="`spared` has an infinite coefficient in"):
        audit(data.assign(spared=spared), formula=formula)
    result = audit(data.assign(spared=spared), formula=formula, risk="risk")
    assert np.isfinite(found(result.tidy(), "brier", "men")["estimate"])


def test_a_predictor_too_wide_for_one_hazard_is_refused(data):
    last = data["time"].where(data["marker"].notna()).idxmax()
    extreme, event = data["marker"].copy(), data["event"].copy()
    extreme[last], event[last] = -1e4, 0
    with pytest.raises(DataError, match=r"The linear predictor spans .*, too much for"):
        audit(data.assign(marker=extreme, event=event))


def test_levels_whose_names_run_together_are_refused(data):
    first = np.where(data["sex"] == "men", "a × b", "a")
    second = np.where(data["sex"] == "men", "c", "b × c")
    with pytest.raises(DataError, match="Two levels of `one × two` have one name"):
        audit(data.assign(one=first, two=second), crossings=[["one", "two"]])


@pytest.mark.parametrize("method", ["tidy", "largest_difference", "shrunken"])
def test_other_steps_and_levels_of_confidence_are_refused(data, method):
    result = audit(data)
    with pytest.raises(DataError, match="`per` names `age`; the score is `marker`"):
        getattr(result, method)(per={"age": 10})
    with pytest.raises(DataError, match="`conf_level` is 95; give a number between"):
        getattr(result, method)(conf_level=95)


def test_an_unknown_ranking_is_refused(data):
    with pytest.raises(DataError, match=r'`by` is .*; choose one of "marker", "model"'):
        audit(data).between(by="age")

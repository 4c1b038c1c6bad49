"""Pooled results of completed tables: R, scales, rows that must match, refusals."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from completed import COLUMNS, completed
from references import reference_cases
from scipy.special import expit, logit
from scipy.stats import t
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError
from fahrstats.kernels.rubins_rules import chi_squared_test

mpl.use("agg")

R_RTOL = 1e-8  # coxph with eps = 1e-12, 15 digits
FORMULA = "Surv(time, event) ~ age + ph_ecog + wt_loss"
SCORES = "Surv(time, event) ~ ph_karno + pat_karno"


@pytest.fixture
def tables(lung) -> list[pd.DataFrame]:
    """Five completed tables, the same as in imputations.R."""
    return [completed(lung, number) for number in range(1, 6)]


def cases(kind: str):
    return [case for case in reference_cases("imputations") if case.kind == kind]


@pytest.mark.parametrize("case", cases("pool"), ids=str)
def test_coefficients_match_mice(case, tables):
    pooled = fs.pool(fs.cox, case.formula, tables, ties=case.ties)
    table = check_table(pooled.tidy())
    for column, values in {
        "estimate": case.estimate,
        "std_error": case.std_error,
        "df_residual": case.df,
        "relative_increase": case.riv,
        "missing_information": case.fmi,
        "conf_low": case.conf_low,
        "conf_high": case.conf_high,
    }.items():
        np.testing.assert_allclose(table[column], values, rtol=R_RTOL, err_msg=column)
    assert set(table["scale"]) == {"identity"}


def test_a_concordance_is_averaged_as_a_logit(tables):
    """Rubin's rules by hand on the logits of C, carried back by the delta method."""
    table = check_table(fs.pool(fs.concordance, SCORES, tables).tidy())
    each = [fs.concordance(SCORES, one).tidy() for one in tables]
    c = np.array([one["estimate"][1] for one in each])
    errors = np.array([one["std_error"][1] for one in each]) / (c * (1 - c))
    total = (errors**2).mean() + 1.2 * logit(c).var(ddof=1)
    row = table.iloc[1]
    assert (row["scale"], row["estimand"]) == ("logit", "c_index")
    assert row["estimate"] == pytest.approx(expit(logit(c).mean()), rel=1e-12)
    slope = 1 / (row["estimate"] * (1 - row["estimate"]))
    assert row["std_error"] == pytest.approx(np.sqrt(total) / slope, rel=1e-12)
    margin = t.isf(0.025, row["df_residual"]) * np.sqrt(total)
    assert row["conf_high"] == pytest.approx(expit(logit(c).mean() + margin), rel=1e-12)
    assert row["statistic"] == pytest.approx(
        logit(c).mean() / np.sqrt(total), rel=1e-12
    )


def test_a_function_gives_the_rows_that_tidy_lacks(tables):
    def delta(formula, data):
        return fs.concordance(formula, data).contrast("ph_karno", "pat_karno")

    pooled = check_table(fs.pool(delta, SCORES, tables).tidy())
    assert pooled["term"].tolist() == ["ph_karno - pat_karno"]
    assert pooled["scale"].tolist() == ["identity"]
    each = pd.concat([delta(SCORES, one) for one in tables])
    assert pooled["estimate"][0] == pytest.approx(each["estimate"].mean(), rel=1e-12)
    total = (each["std_error"] ** 2).mean() + 1.2 * each["estimate"].var()
    assert pooled["std_error"][0] == pytest.approx(np.sqrt(total), rel=1e-12)
    same = fs.pool_results([delta(SCORES, one) for one in tables]).tidy()
    pd.testing.assert_frame_equal(same, pooled)


def test_survival_is_averaged_on_the_log_log_scale_and_stays_inside(tables):
    def at_year(formula, data):
        return fs.kaplan_meier(formula, data).at([1, 365])

    tables = [one.assign(fit=one["ph_ecog"] < 1) for one in tables]
    table = check_table(fs.pool(at_year, "Surv(time, event) ~ fit", tables).tidy())
    row = table.iloc[1]
    each = [at_year("Surv(time, event) ~ fit", one)["estimate"][1] for one in tables]
    assert row["scale"] == "log-log"
    assert row["estimate"] == pytest.approx(
        np.exp(-np.exp(np.log(-np.log(each)).mean())), rel=1e-12
    )
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    # on day 1 nobody has died: survival is 1 in every table, the end of its scale
    assert table["estimate"][0] == 1
    assert np.isnan(table["std_error"][0])
    assert table["note"][0] == "mean only: an estimate lies at the end of its scale"


def with_risks(tables):
    """Predicted risks that depend on completed columns."""
    return [
        one.assign(
            risk=expit((one["ph_ecog"] - 1 + one["wt_loss"] / 100) / 2),
            other=expit((80 - one["ph_karno"]) / 30),
        )
        for one in tables
    ]


RISKS = "Surv(time, event) ~ risk + other"
RISK = "Surv(time, event) ~ risk"


@pytest.mark.parametrize(
    ("verb", "formula", "options", "estimand", "forward", "slope"),
    [
        ("time_dependent_auc", RISKS, {"horizons": [180, 365]}, "auc", logit, "logit"),
        ("prediction_error", RISKS, {"horizon": 365}, "brier", np.array, "identity"),
        ("prediction_error", RISKS, {"horizon": 365}, "ipa", np.array, "identity"),
        (
            "calibration",
            RISK,
            {"horizon": 365},
            "calibration_slope",
            np.array,
            "identity",
        ),
        (
            "concordance_by",
            RISKS,
            {"by": ["sex"]},
            "delta_c_index",
            np.array,
            "identity",
        ),
        ("rmst", "Surv(time, event) ~ sex", {}, "delta_rmst", np.array, "identity"),
    ],
    ids=lambda value: value if isinstance(value, str) and "~" not in value else "",
)
def test_what_other_verbs_estimate_is_pooled_on_its_scale(
    tables, verb, formula, options, estimand, forward, slope
):
    """Every row by hand: mean and Rubin's variance on the scale that is stated."""
    tables = with_risks(tables)
    pooled = fs.pool(getattr(fs, verb), formula, tables, **options)
    table = check_table(pooled.tidy())
    each = [getattr(fs, verb)(formula, one, **options).tidy() for one in tables]
    rows = np.flatnonzero(table["estimand"] == estimand)
    assert rows.size
    for j in rows:
        values = np.array([one["estimate"].iloc[j] for one in each])
        errors = np.array([one["std_error"].iloc[j] for one in each])
        if slope == "logit":
            errors = errors / (values * (1 - values))
        total = (errors**2).mean() + 1.2 * forward(values).var(ddof=1)
        row = table.iloc[j]
        assert row["scale"] == slope
        assert forward(row["estimate"]) == pytest.approx(
            forward(values).mean(), rel=1e-10
        )
        back = 1 / (row["estimate"] * (1 - row["estimate"])) if slope == "logit" else 1
        assert row["std_error"] == pytest.approx(np.sqrt(total) / back, rel=1e-10)


def test_a_slope_and_a_ratio_are_tested_against_1(tables):
    pooled = fs.pool(fs.calibration, RISK, with_risks(tables), horizon=365)
    rows = check_table(pooled.tidy()).set_index("estimand")
    slope = rows.loc["calibration_slope"]
    assert slope["statistic"] == pytest.approx(
        (slope["estimate"] - 1) / slope["std_error"], rel=1e-10
    )
    each = [
        fs.calibration(RISK, one, horizon=365).tidy().set_index("estimand")
        for one in with_risks(tables)
    ]
    ratios = [one.loc["oe_ratio", "estimate"] for one in each]
    assert rows.loc["oe_ratio", "estimate"] == pytest.approx(
        np.exp(np.log(ratios).mean()), rel=1e-12
    )


def test_subgroups_pool_their_levels_and_the_interaction(tables):
    audit = fs.pool(fs.by_subgroup, FORMULA, tables, term="age", by=["sex"])
    table = check_table(audit.tidy(exponentiate=True))
    assert table["estimand"].tolist() == ["hr", "hr", "hr", "interaction_chi2"]
    test = table.iloc[3]
    each = [
        fs.by_subgroup(FORMULA, one, term="age", by=["sex"]).interactions[0].statistic
        for one in tables
    ]
    roots = np.sqrt(each)
    r = 1.2 * roots.var(ddof=1)
    assert test["relative_increase"] == pytest.approx(r, rel=1e-10)
    assert test["statistic"] == pytest.approx(
        (np.mean(each) - 1.5 * r) / (1 + r), rel=1e-10
    )
    assert test["df"] == 1
    assert test["note"].startswith("D2 of the chi-squared statistics")


def test_estimates_without_standard_errors_are_averaged_only(tables):
    models = {"small": "Surv(time, event) ~ age", "large": FORMULA}
    table = check_table(fs.pool(fs.compare, models, tables).tidy())
    row = table[(table["model"] == "large") & (table["estimand"] == "aic")].iloc[0]
    each = [fs.cox(FORMULA, one).glance()["aic"][0] for one in tables]
    assert row["estimate"] == pytest.approx(np.mean(each), rel=1e-12)
    assert np.isnan(row["std_error"])
    assert row["note"] == "mean over the tables, which have no standard error"
    chi2 = table[table["estimand"] == "lr_chi2"].iloc[0]
    assert np.isfinite(chi2["p_value"])


def test_complete_data_give_the_verbs_own_numbers(lung):
    """Tables without a missing value: Rubin's rules change nothing but use t."""
    formula = "Surv(time, event) ~ age + sex"
    pooled = fs.pool(fs.cox, formula, [lung] * 3, complete_df=np.inf)
    alone = fs.cox(formula, lung).tidy()
    table = pooled.tidy()
    np.testing.assert_allclose(table["estimate"], alone["estimate"], rtol=1e-12)
    np.testing.assert_allclose(table["std_error"], alone["std_error"], rtol=1e-12)
    np.testing.assert_allclose(table["p_value"], alone["p_value"], rtol=1e-6)
    assert (table["relative_increase"] < 1e-20).all()


def test_identical_scores_have_a_difference_of_zero_without_test(tables):
    def delta(formula, data):
        twin = data.assign(twin=2 * data["ph_karno"])
        return fs.concordance(formula, twin).contrast("ph_karno", "twin")

    formula = "Surv(time, event) ~ ph_karno + twin"
    row = fs.pool_results([delta(formula, one) for one in tables]).tidy().iloc[0]
    assert row["estimate"] == 0
    assert row["std_error"] == 0
    assert np.isnan(row["p_value"])
    assert row["note"].startswith("no variation to test")


def test_an_infinite_estimate_keeps_its_row_without_numbers():
    part = pd.DataFrame(
        {
            "term": ["x"],
            "estimand": "log_hr",
            "estimate": [0.5],
            "std_error": [0.1],
            "note": [""],
        }
    )
    infinite = part.assign(estimate=np.inf, std_error=np.nan, note="infinite")
    table = check_table(fs.pool_results([part, infinite]).tidy())
    assert np.isnan(table["estimate"][0])
    assert np.isnan(table["conf_low"][0])
    assert table["note"][0] == "no finite estimate in 1 of 2 tables; infinite"


def test_numbers_that_differ_between_tables_are_said(tables):
    halves = [
        one.assign(half=np.where(one["meal_cal"] > 970, "high", "low"))
        for one in tables
    ]
    pooled = fs.pool(
        fs.by_subgroup, "Surv(time, event) ~ age", halves, term="age", by=["half"]
    )
    notes = pooled.tidy()["note"]
    assert notes[1].startswith("events from ")


def test_the_summary_and_the_glance_say_what_was_pooled(tables):
    pooled = fs.pool(fs.cox, FORMULA, tables)
    check_glance(pooled.glance())
    assert pooled.glance().to_dict("records") == [
        {"n_tables": 5, "n": 228, "n_events": 165}
    ]
    text = str(pooled)
    assert text.startswith("5 completed tables, pooled by Rubin's rules")
    assert "age, log_hr" in text
    assert "missing information" in text
    audit = fs.pool(fs.by_subgroup, FORMULA, tables, term="age", by=["sex"])
    assert "F " in str(audit)


def test_plots_are_forests_of_ratios_and_dots_of_the_rest(tables):
    assert fs.pool(fs.cox, FORMULA, tables).plot().draw()
    assert fs.pool(fs.concordance, SCORES, tables).plot().draw()


# ------------------------------------------------------------------------ refusals


def test_one_table_is_refused(tables):
    with pytest.raises(DataError, match="`tables` holds 1; Rubin's rules need at leas"):
        fs.pool(fs.cox, FORMULA, tables[:1])
    with pytest.raises(DataError, match="`tables` is one data frame; give a list"):
        fs.pool(fs.cox, FORMULA, tables[0])
    with pytest.raises(DataError, match="`results` holds 1; Rubin's rules need at le"):
        fs.pool_results([fs.cox(FORMULA, tables[0])])


def test_tables_of_other_rows_are_refused(tables):
    with pytest.raises(DataError, match="`tables` have 228, 227 rows; completed tabl"):
        fs.pool(fs.cox, FORMULA, [tables[0], tables[1].iloc[1:]])
    with pytest.raises(
        DataError, match=r"Table 2 of 2 differs from the first in `time` in 2.. of 228"
    ):
        fs.pool(fs.cox, FORMULA, [tables[0], tables[1].iloc[::-1]])


def test_values_still_missing_are_refused_with_their_number(tables, lung):
    with pytest.raises(
        DataError,
        match=r"Table 2 of 2 still has values missing: 1 in `ph_ecog`, 14 in `wt_loss`"
        " of 228 rows; impute",
    ):
        fs.pool(fs.cox, FORMULA, [tables[0], lung])
    with pytest.raises(DataError, match="missing: 1 in `inst` of 228"):
        fs.pool(fs.cox, "Surv(time, event) ~ age", [lung, lung], strata="inst")


def test_absent_columns_are_refused(tables):
    with pytest.raises(DataError, match="Table 1 of 2 has no column `weigth`"):
        fs.pool(fs.cox, "Surv(time, event) ~ age + weigth", tables[:2])


def test_rows_must_match_between_results(tables):
    text = [one.assign(grade=one["ph_ecog"].astype(int).astype(str)) for one in tables]
    other = text[1].assign(grade=text[1]["grade"].replace("3", "2"))
    with pytest.raises(
        DataError,
        match=r"Result 2 of 2 lacks `grade\[T.3\], log_hr`, compared with the "
        "first; pooling needs the same rows",
    ):
        fs.pool(fs.cox, "Surv(time, event) ~ grade", [text[0], other])
    results = [fs.cox(FORMULA, one).tidy() for one in tables[:2]]
    with pytest.raises(DataError, match="Result 2 of 2 has the rows in another order"):
        fs.pool_results([results[0], results[1].iloc[::-1]])


def test_ratios_are_refused(tables):
    ratios = [fs.cox(FORMULA, one).tidy(exponentiate=True) for one in tables]
    with pytest.raises(DataError, match="Result 1 has no column `std_error`; Rubin's"):
        fs.pool_results(ratios)


def test_levels_of_confidence_outside_0_and_1_are_refused(tables):
    with pytest.raises(DataError, match="`conf_level` is 95; give a number between"):
        fs.pool(fs.cox, FORMULA, tables).tidy(conf_level=95)


def test_the_caller_s_tables_stay_as_they_are(tables):
    before = [one.copy() for one in tables]
    fs.pool(fs.cox, FORMULA, tables)
    for one, kept in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(one, kept)
    assert set(COLUMNS) <= set(tables[0])


def test_a_step_and_ratios_reach_log_hazard_ratios_only(tables):
    pooled = fs.pool(fs.cox, FORMULA, tables)
    plain = pooled.tidy().iloc[0]
    row = check_table(pooled.tidy(per={"age": -10})).iloc[0]
    assert (row["per"], row["p_value"]) == (-10, plain["p_value"])
    for name, of, by in [
        ("estimate", "estimate", -10),
        ("std_error", "std_error", 10),
        ("statistic", "statistic", -1),
        ("conf_low", "conf_high", -10),
        ("conf_high", "conf_low", -10),
    ]:
        assert row[name] == pytest.approx(by * plain[of], rel=1e-12)
    ratio = pooled.tidy(exponentiate=True, per={"age": 10}).iloc[0]
    assert ratio["conf_high"] == pytest.approx(np.exp(10 * plain["conf_high"]))
    assert pooled.plot(per={"age": 10}).draw()
    with pytest.raises(DataError, match="`per` names `sex`; the terms are `age`, `ph_"):
        pooled.tidy(per={"sex": 10})
    with pytest.raises(DataError, match="`per` names `ph_karno`; the terms are"):
        fs.pool(fs.concordance, SCORES, tables).tidy(per={"ph_karno": 10})


def test_tests_without_estimates_are_pooled_by_d2(tables):
    tables = [one.assign(fit=one["ph_ecog"] < 1) for one in tables]
    pooled = fs.pool(fs.logrank, "Surv(time, event) ~ fit", tables)
    row = check_table(pooled.tidy()).iloc[0]
    chi = [fs.logrank("Surv(time, event) ~ fit", one).tidy() for one in tables]
    expected = chi_squared_test(np.array([one["statistic"][0] for one in chi]), 1)
    assert row["statistic"] == expected.statistic
    assert row["note"].startswith("D2 of the chi-squared statistics")


def test_the_summary_has_p_values_and_readable_df(tables):
    pooled = fs.pool(fs.cox, FORMULA, tables)
    assert f"p {pooled.tidy()['p_value'][0]:.3g}" in str(pooled).splitlines()[1]
    exact = fs.pool(fs.cox, FORMULA, [tables[0]] * 2, complete_df=np.inf)
    assert "df 1e+08" in str(exact)


def test_curves_at_their_own_times_are_refused_with_advice(tables):
    tables = [one.assign(fit=one["ph_ecog"] < 1) for one in tables]
    with pytest.raises(DataError, match="curves read at fixed times, and one method"):
        fs.pool(fs.kaplan_meier, "Surv(time, event) ~ fit", tables)


def test_errors_of_a_verb_name_the_table(tables):
    tables[2] = tables[2].assign(age=np.inf)
    with pytest.raises(DataError, match=r"Table 3 of 5: `age` is infinite in 228"):
        fs.pool(fs.cox, FORMULA, tables)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([3, 4], r"Result 1 is a int; give results with `tidy\(\)`, or tables"),
        ("ab", "Result 1 is a str; give results with"),
        (pd.DataFrame({"estimand": ["x"]}), "`results` is one table; give a list, one"),
        ([{"estimate": [1.0], "std_error": [-0.1]}] * 2, "has a standard error below"),
        ([{"estimate": [], "std_error": []}] * 2, "Result 1 of 2 has no row, so noth"),
    ],
    ids=str,
)
def test_what_is_no_result_is_refused(results, message):
    if isinstance(results, list):
        results = [
            pd.DataFrame({"estimand": ["x"] * len(r["estimate"]), **r})
            if isinstance(r, dict)
            else r
            for r in results
        ]
    with pytest.raises(DataError, match=message):
        fs.pool_results(results)


def test_arguments_in_another_order_or_kind_are_named(tables):
    with pytest.raises(DataError, match="`formula` is a list; give a formula, or for"):
        fs.pool(fs.cox, tables, FORMULA)
    with pytest.raises(DataError, match="`tables` is no list; give a list of comple"):
        fs.pool(fs.cox, FORMULA, dict(enumerate(tables)))
    with pytest.raises(DataError, match="Table 2 of 2 is a NoneType; give pandas"):
        fs.pool(fs.cox, FORMULA, [tables[0], None])
    for wrong in (0, np.nan):
        with pytest.raises(
            DataError, match=r"`complete_df` is .*; give a number above"
        ):
            fs.pool(fs.cox, FORMULA, tables, complete_df=wrong)

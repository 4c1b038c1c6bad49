"""Several models on identical rows."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from scipy.stats import chi2, norm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError, ResultWarning

SAME_RTOL = 1e-12  # the same sums, in another order
OUTCOME = "Surv(time, event) ~ "


def of_kind(table: pd.DataFrame, estimand: str) -> pd.DataFrame:
    return table[table["estimand"] == estimand]


@pytest.fixture
def nested(lung) -> fs.ModelComparison:
    models = {"age": OUTCOME + "age", "age + ecog": OUTCOME + "age + ph_ecog"}
    return fs.compare(models, lung)


def test_a_pair_has_the_likelihood_ratio_test_by_hand(nested, lung):
    rows = lung.dropna(subset=["age", "ph_ecog"])
    low = fs.cox(OUTCOME + "age", rows)
    high = fs.cox(OUTCOME + "age + ph_ecog", rows)
    (test,) = of_kind(check_table(nested.tidy()), "lr_chi2").to_dict("records")
    statistic = 2 * (high.log_likelihood - low.log_likelihood)
    assert test["term"] == "age + ecog - age"
    assert test["statistic"] == pytest.approx(statistic, rel=1e-10)
    assert test["df"] == 1
    assert test["p_value"] == pytest.approx(chi2.sf(statistic, 1), rel=1e-10)
    assert test["note"] == ""


def test_differences_in_c_are_the_paired_test_of_the_linear_predictors(nested, lung):
    rows = lung.dropna(subset=["age", "ph_ecog"])
    scored = rows.assign(
        a=nested.fits[0].augment(rows)["linear_predictor"],
        b=nested.fits[1].augment(rows)["linear_predictor"],
    )
    direct = fs.concordance(OUTCOME + "a + b", scored)
    np.testing.assert_allclose(nested.c_index, direct.c_index, rtol=SAME_RTOL)
    np.testing.assert_allclose(nested.c_cov, direct.cov, rtol=1e-9)
    (difference,) = of_kind(nested.tidy(), "delta_c_index").to_dict("records")
    contrast = direct.contrast("b", "a").iloc[0]
    for name in ("estimate", "std_error", "statistic", "p_value", "conf_low"):
        assert difference[name] == pytest.approx(contrast[name], rel=1e-9)


def test_models_are_described_one_by_one(nested):
    table = nested.tidy(conf_level=0.8)
    assert of_kind(table, "c_index")["model"].tolist() == ["age", "age + ecog"]
    for fit, estimate in zip(
        nested.fits, of_kind(table, "log_likelihood")["estimate"], strict=True
    ):
        assert estimate == fit.log_likelihood
    for fit, estimate in zip(
        nested.fits, of_kind(table, "aic")["estimate"], strict=True
    ):
        assert estimate == 2 * fit.df - 2 * fit.log_likelihood
    first = of_kind(table, "c_index").iloc[0]
    margin = norm.isf(0.1) * first["std_error"]
    assert first["conf_high"] - first["estimate"] == pytest.approx(margin, rel=1e-10)
    assert (table["n"] == nested.fits[0].n).all()


def test_models_share_the_rows_complete_for_all(lung):
    """`meal_cal` is missing in 47 rows and `wt_loss` in 14."""
    comparison = fs.compare(
        {
            "a": OUTCOME + "age + meal_cal",
            "b": OUTCOME + "age",
            "c": OUTCOME + "wt_loss",
        },
        lung,
    )
    complete = lung.dropna(subset=["meal_cal", "wt_loss"])
    assert {fit.n for fit in comparison.fits} == {len(complete)}
    assert len({fit.n_dropped for fit in comparison.fits}) == 1
    alone = fs.cox(OUTCOME + "age", complete)
    np.testing.assert_allclose(comparison.fits[1].log_hr, alone.log_hr, rtol=1e-10)
    glance = check_glance(comparison.glance())
    assert glance.loc[0, "n_dropped"] == len(lung) - len(complete)


def test_the_larger_model_may_come_first(lung):
    models = {"both": OUTCOME + "age + sex", "age": OUTCOME + "age"}
    comparison = fs.compare(models, lung)
    (test,) = of_kind(comparison.tidy(), "lr_chi2").to_dict("records")
    assert test["term"] == "both - age"
    assert test["statistic"] > 0
    assert test["df"] == 1
    (delta,) = of_kind(comparison.tidy(), "delta_c_index").to_dict("records")
    assert delta["term"] == "age - both"
    explicit = check_glance(comparison.lr_test("age", "both"))
    assert explicit.loc[0, "statistic"] == test["statistic"]
    with pytest.raises(DataError, match="`both` is not nested in `age`"):
        comparison.lr_test("both", "age")


def test_models_that_are_not_nested_have_no_likelihood_ratio_test(lung):
    comparison = fs.compare({"a": OUTCOME + "age", "b": OUTCOME + "sex"}, lung)
    (test,) = of_kind(check_table(comparison.tidy()), "lr_chi2").to_dict("records")
    assert np.isnan(test["statistic"])
    assert test["note"] == "`a` is not nested in `b`"
    message = "No likelihood-ratio test: `b` is not nested in `a`"
    with pytest.raises(DataError, match=message):
        comparison.lr_test("b", "a")
    assert "b - a: `a` is not nested in `b`" in str(comparison)
    assert "Likelihood ratio" not in str(comparison)


@pytest.mark.parametrize("other", ["age", "I(2 * age + 3)"])
def test_models_that_say_the_same_have_no_test(lung, other):
    comparison = fs.compare({"a": OUTCOME + "age", "b": OUTCOME + other}, lung)
    table = comparison.tidy()
    (test,) = of_kind(table, "lr_chi2").to_dict("records")
    assert test["note"] == "`a` and `b` have the same columns"
    (delta,) = of_kind(table, "delta_c_index").to_dict("records")
    assert (delta["estimate"], delta["std_error"]) == (0, 0)
    assert np.isnan(delta["p_value"])
    assert delta["note"] == "the models rank everyone alike: no test"


@pytest.mark.parametrize(
    ("smaller", "larger", "df"),
    [
        ("1", "age", 1),
        ("age", "age + C(ph_ecog)", 3),
        ("ph_ecog", "C(ph_ecog)", 2),
        ("gap", "age + faceage", 1),
        ("gap + age", "age + faceage + sex", 1),
        ("age", "age*sex", 2),
        ("age", "age + I(age**2)", 1),
        ("age", "bs(age, df=4)", 3),
        ("age", "age + twice + sex", 1),
    ],
)
def test_nesting_is_a_matter_of_columns_not_of_names(lung, smaller, larger, df):
    rng = np.random.default_rng(1)
    lung["faceage"] = lung["age"] + rng.normal(size=len(lung))
    lung["gap"] = lung["faceage"] - lung["age"]
    lung["twice"] = 2 * lung["age"]
    models = {"a": OUTCOME + smaller, "b": OUTCOME + larger}
    test = check_glance(fs.compare(models, lung).lr_test("a", "b")).iloc[0]
    assert test["df"] == df
    assert test["statistic"] >= 0


def test_three_models_are_compared_in_pairs(lung):
    models = {
        "null": OUTCOME + "1",
        "age": OUTCOME + "age",
        "both": OUTCOME + "age + sex",
    }
    table = check_table(fs.compare(models, lung).tidy())
    assert of_kind(table, "delta_c_index")["term"].tolist() == [
        "age - null",
        "both - null",
        "both - age",
    ]
    statistic = of_kind(table, "lr_chi2")["statistic"].tolist()
    assert statistic[0] + statistic[2] == pytest.approx(statistic[1], rel=1e-9)


@pytest.mark.parametrize(
    "arguments", [{"cluster": "inst"}, {"weights": "weight"}], ids=str
)
def test_clusters_and_fractional_weights_leave_no_likelihood_ratio(lung, arguments):
    models = {"a": OUTCOME + "age", "b": OUTCOME + "age + sex"}
    comparison = fs.compare(models, lung, **arguments)
    (test,) = of_kind(check_table(comparison.tidy()), "lr_chi2").to_dict("records")
    assert np.isnan(test["p_value"])
    message = "clusters or fractional weights; use the robust Wald test of a term"
    assert test["note"] == message
    with pytest.raises(DataError, match=message):
        comparison.lr_test("a", "b")
    (delta,) = of_kind(comparison.tidy(), "delta_c_index").to_dict("records")
    assert delta["std_error"] > 0


def test_clusters_enter_the_covariance_of_c(lung):
    lung = lung.dropna(subset=["inst"])
    models = {"a": OUTCOME + "age", "b": OUTCOME + "age + sex"}
    clustered = fs.compare(models, lung, cluster="inst")
    for k, fit in enumerate(clustered.fits):
        assert np.sqrt(clustered.c_cov[k, k]) == pytest.approx(fit.c_index_std_error)
    assert not np.allclose(clustered.c_cov, fs.compare(models, lung).c_cov)


def test_strata_ties_and_entry_reach_every_model(lung):
    models = {
        "a": "Surv(entry, time, event) ~ age",
        "b": "Surv(entry, time, event) ~ age + ph_ecog",
    }
    comparison = fs.compare(models, lung, strata="sex", ties="breslow")
    rows = lung.dropna(subset=["ph_ecog"])
    alone = fs.cox(models["b"], rows, strata="sex", ties="breslow")
    np.testing.assert_allclose(comparison.fits[1].log_hr, alone.log_hr, rtol=1e-10)
    assert comparison.c_index[1] == pytest.approx(alone.c_index, rel=SAME_RTOL)


def test_a_level_without_events_is_compared_by_its_limit(lung):
    models = {"a": OUTCOME + "age", "b": OUTCOME + "age + spared"}
    comparison = fs.compare(models, lung)
    (monotone,) = comparison.fits[1].monotone
    test = comparison.lr_test("a", "b").iloc[0]
    assert test["statistic"] == pytest.approx(monotone.lr_statistic, rel=1e-9)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({}, "`models` holds 0; give at least two."),
        ({"a": OUTCOME + "age"}, "`models` holds 1; give at least two."),
        (
            {"a": OUTCOME + "age", "b": "Surv(time, dead) ~ age"},
            "`models` has 2 different outcomes; likelihoods and concordances compare",
        ),
        (
            {"a": OUTCOME + "age", "b": "Surv(entry, time, event) ~ age"},
            "`models` has 2 different outcomes",
        ),
        ({"a": OUTCOME + "age", "b": OUTCOME + "nowhere"}, "no column `nowhere`"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(lung, models, message):
    with pytest.raises(DataError, match=message):
        fs.compare(models, lung.assign(dead=lung["event"]))


def test_other_wrong_arguments_are_refused(lung):
    models = {"a": OUTCOME + "age", "b": OUTCOME + "sex"}
    with pytest.raises(DataError, match="`ties` is 'exact'; choose one of"):
        fs.compare(models, lung, ties="exact")
    with pytest.raises(FormulaError, match="must start with an outcome"):
        fs.compare(models | {"c": "age"}, lung)
    with pytest.raises(DataError, match="`id` repeats in 227 of 228 rows"):
        fs.compare(models, lung.assign(id=1), id="id")


@pytest.mark.parametrize(("a", "b"), [("age", "face"), ("face", "age")])
def test_unknown_labels_are_refused(nested, a, b):
    message = "No model is called `face`; the models are `age`, `age + ecog`."
    with pytest.raises(DataError, match=re.escape(message)):
        nested.lr_test(a, b)


def test_few_events_are_announced_where_the_call_stands(lung):
    models = {"a": OUTCOME + "age", "b": OUTCOME + "age + sex"}
    with pytest.warns(
        ResultWarning, match="4 events for [12] coefficients? "
    ) as caught:
        fs.compare(models, lung.assign(event=lung["event"] * (lung["time"] < 12)))
    assert {warning.filename for warning in caught} == {__file__}


def test_data_are_not_modified(lung):
    before = lung.copy(deep=True)
    models = {"a": OUTCOME + "age", "b": OUTCOME + "age + C(sex)"}
    fs.compare(models, lung, weights="weight", cluster="inst").tidy()
    pd.testing.assert_frame_equal(lung, before)


def test_the_summary_tells_sizes_differences_and_tests(nested):
    text = str(nested)
    assert text == nested.summary()
    assert text.startswith("2 Cox models on the same 227 rows, 164 events\n1 row left")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "age + ecog 0.610 (0.560\N{EN DASH}0.660)" in lines
    assert "age + ecog - age 0.0588 (0.0069\N{EN DASH}0.1107) 0.026" in lines
    (tested,) = (line for line in lines if " df " in line)
    assert tested.startswith("age + ecog - age 14.73 on 1 df <0.001 0.773 (")


def test_the_plot_shows_what_every_model_adds_to_the_first(lung):
    models = {
        "age": OUTCOME + "age",
        "+ sex": OUTCOME + "age + sex",
        "+ ecog": OUTCOME + "age + ph_ecog",
    }
    with drawn(fs.compare(models, lung, horizons=[200, 400]).plot()) as figure:
        shown = words(figure)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []
    assert shown.count("+ sex minus age") == 3
    assert "+ ecog minus + sex" not in shown
    for panel in (
        "Difference in C-index (95% CI)",
        "Difference in index of prediction accuracy at 200, % points (95% CI)",
        "Difference in index of prediction accuracy at 400, % points (95% CI)",
    ):
        assert panel in shown


def test_labels_of_several_lines_are_one_line_in_the_summary(lung):
    models = {"age\nalone": OUTCOME + "age", "age\nand sex": OUTCOME + "age + sex"}
    assert "\nage and sex - age alone " in str(fs.compare(models, lung))


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        (
            [OUTCOME + "age", OUTCOME + "sex"],
            {},
            "`models` is a list; give formulas by",
        ),
        ({1: OUTCOME + "age", 2: OUTCOME + "sex"}, {}, "has the label 1; give each a"),
        ({" ": OUTCOME + "age", "b": OUTCOME + "sex"}, {}, "has the label ' '"),
        ({"a": 1, "b": 2}, {}, "Model `a` is a int and `data` a DataFrame"),
        (None, {"horizons": "300"}, "`horizons` holds 300; give times above 0"),
        (
            None,
            {"horizons": [[100, 200]]},
            r"`horizons` holds \[100, 200\]; give times",
        ),
        (None, {"horizons": True}, "`horizons` holds True; give times"),
        (None, {"n_boot": 20.0}, "`n_boot` is 20.0; give 0 for no bootstrap"),
        (None, {"n_boot": None}, "`n_boot` is None; give 0 for no bootstrap"),
        (None, {"n_workers": None}, "`n_workers` is None; give a whole number"),
        (None, {"n_boot": 20, "seed": "a"}, "`seed` is a; give a whole number"),
        (
            None,
            {"horizons": 300, "risk_categories": "a"},
            "`risk_categories` is 'a'; give rising risks",
        ),
        (
            None,
            {"horizons": 300, "risk_categories": 0.1},
            "`risk_categories` is 0.1; give rising risks",
        ),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(lung, models, options, message):
    usual = {"a": OUTCOME + "age", "b": OUTCOME + "age + sex"}
    with pytest.raises(DataError, match=message):
        fs.compare(models or usual, lung, **options)


def test_a_table_that_is_none_is_refused():
    models = {"a": OUTCOME + "age", "b": OUTCOME + "sex"}
    with pytest.raises(DataError, match="Model `a` is a str and `data` a list"):
        fs.compare(models, [1, 2])


def test_horizons_that_few_are_seen_until_are_announced(lung):
    models = {"a": OUTCOME + "age", "b": OUTCOME + "age + sex"}
    with pytest.warns(ResultWarning, match="Only 8.7% are estimated") as caught:
        fs.compare(models, lung, horizons=1021)
    assert {warning.filename for warning in caught} == {__file__}
    with pytest.warns(ResultWarning, match="1 with the event by horizon 5 and 227 "):
        table = fs.compare(models, lung, horizons=5).tidy()
    assert of_kind(check_table(table), "ici")["estimate"].isna().all()


def test_observed_over_expected_has_the_limits_of_calibration(lung):
    models = {"a": OUTCOME + "age", "b": OUTCOME + "age + sex"}
    comparison = fs.compare(models, lung, horizons=300)
    ours = of_kind(comparison.tidy(), "oe_ratio")
    risks = lung.join(comparison.predicted_risks(lung, 300))
    theirs = of_kind(
        fs.calibration(OUTCOME + "a + b", risks, horizon=300).tidy(), "oe_ratio"
    )
    for name in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6)
    with pytest.raises(DataError, match="`horizon` is 300; give one time"):
        comparison.predicted_risks(lung, "300")

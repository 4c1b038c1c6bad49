"""Subgroup audits: a fit per level, one interaction test per subgroup, no silence."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError, ResultWarning
from fahrstats.survival.subgroup_audits.subgroups import MIN_EVENTS

R_RTOL = 1e-8  # coxph with eps = 1e-12, 15 digits
FORMULA = "Surv(time, event) ~ age + ph_ecog"


def audit(data: pd.DataFrame, **arguments) -> fs.SubgroupAudit:
    arguments = {"term": "age", "by": ["sex"]} | arguments
    formula = arguments.pop("formula", FORMULA)
    return fs.by_subgroup(formula, data, **arguments)


def level(result: fs.SubgroupAudit, name: str, subgroup: str | None = None):
    (row,) = [
        row
        for row in result.levels
        if row.level == name and subgroup in (None, row.subgroup)
    ]
    return row


@pytest.fixture
def data(lung) -> pd.DataFrame:
    """Lung cancer with names for the sexes, complete in the covariates."""
    lung["sex"] = lung["sex"].map({1: "men", 2: "women"})
    return lung.dropna(subset=["ph_ecog"]).copy()


# --------------------------------------------------------------------- estimates


def test_every_level_is_the_fit_of_its_rows(data):
    result = audit(data)
    for name in ("men", "women"):
        alone = fs.cox(FORMULA, data[data["sex"] == name])
        row = level(result, name)
        assert row.log_hr == pytest.approx(alone.log_hr[0], rel=1e-10)
        assert row.std_error == pytest.approx(np.sqrt(alone.cov[0, 0]), rel=1e-10)
        assert (row.n, row.n_events) == (alone.n, alone.n_events)
        assert row.note == ""


def test_everyone_comes_first(data):
    result = audit(data)
    table = check_table(result.tidy())
    everyone = fs.cox(FORMULA, data)
    assert table.loc[0, ["subgroup", "level"]].tolist() == ["overall", "overall"]
    assert table.loc[0, "estimate"] == everyone.log_hr[0]
    pd.testing.assert_frame_equal(check_glance(result.glance()), everyone.glance())


@pytest.mark.parametrize(
    "arguments",
    [
        {"strata": "inst"},
        {"weights": "frequency"},
        {"ties": "breslow"},
        {"offset": "wt"},
        {"formula": "Surv(entry, time, event) ~ age + ph_ecog"},
    ],
    ids=str,
)
def test_arguments_reach_every_level(data, arguments):
    data = data.dropna(subset=["inst"]).assign(wt=lambda d: d["age"] % 7 / 5)
    result = audit(data, **arguments)
    formula = arguments.pop("formula", FORMULA)
    alone = fs.cox(formula, data[data["sex"] == "women"], **arguments)
    assert level(result, "women").log_hr == pytest.approx(alone.log_hr[0], rel=1e-10)


def test_subjects_on_several_rows_are_refused(data):
    data["subject"] = np.arange(len(data)) // 2
    with pytest.raises(DataError, match="`subject` repeats in 113 of 227 rows"):
        audit(data, id="subject")


def test_a_step_and_ratios_reach_every_row(data):
    result = audit(data)
    plain = result.tidy()
    table = check_table(result.tidy(exponentiate=True, per={"age": 10}, conf_level=0.8))
    estimates = plain["estimand"] == "log_hr"
    np.testing.assert_allclose(
        table["estimate"][estimates], np.exp(10 * plain["estimate"][estimates])
    )
    assert table["estimand"].tolist() == ["hr", "hr", "hr", "interaction_chi2"]
    assert set(table["per"]) == {10}
    assert table["conf_low"][0] > np.exp(10 * plain["conf_low"][0])
    # Estimate and standard error times ten are rounded each, so their ratio is too.
    np.testing.assert_allclose(table["p_value"], plain["p_value"], rtol=1e-12)


# --------------------------------------------------------------------- interaction


def test_the_interaction_is_the_likelihood_ratio_of_r(cohorts, data):
    # 2 * diff of loglik: coxph(Surv(time, status) ~ age + ph.ecog + factor(sex)), and
    # with + age:factor(sex)
    (test,) = audit(data).interactions
    assert test.statistic == pytest.approx(1.644043684267444, rel=R_RTOL)
    assert (test.df, test.note) == (1, "likelihood-ratio test")
    assert test.p_value == pytest.approx(chi2.sf(test.statistic, 1), rel=1e-12)
    # coxph(Surv(time, status) ~ karno + age + celltype, veteran), + karno:celltype
    result = fs.by_subgroup(
        "Surv(time, event) ~ karno + age",
        cohorts["veteran"],
        term="karno",
        by=["celltype"],
    )
    (test,) = result.interactions
    assert test.statistic == pytest.approx(2.728564753269325, rel=R_RTOL)
    assert test.df == 3


def test_the_robust_interaction_is_the_wald_test_of_r(data):
    # coef^2 / vcov of age:factor(sex)2 with cluster = inst
    with_site = data.dropna(subset=["inst"])
    (test,) = audit(with_site, cluster="inst").interactions
    assert test.statistic == pytest.approx(2.248034597375149, rel=R_RTOL)
    assert (test.df, test.note) == (1, "robust Wald test")


def test_fractional_weights_ask_for_the_robust_wald_test(data):
    (test,) = audit(data, weights="weight").interactions
    assert test.note == "robust Wald test"
    (test,) = audit(data, weights="frequency").interactions
    assert test.note == "likelihood-ratio test"


def test_a_subgroup_may_be_a_covariate_too(data):
    with_sex = FORMULA + " + C(sex)"
    result = audit(data, formula=with_sex)
    (test,) = result.interactions
    assert test.statistic == pytest.approx(1.644043684267444, rel=R_RTOL)
    assert test.df == 1
    assert level(result, "men").note == "left out: `C(sex)` has one level, men"
    assert level(result, "men").log_hr == level(audit(data), "men").log_hr


def test_a_subgroup_may_be_the_strata_too(data):
    (test,) = audit(data, strata="sex").interactions
    low = fs.cox(FORMULA, data, strata="sex")
    high = fs.cox(FORMULA + " + age:C(sex)", data, strata="sex")
    statistic = 2 * (high.log_likelihood - low.log_likelihood)
    assert test.statistic == pytest.approx(statistic, rel=1e-9)
    assert test.df == 1


def test_a_transform_of_a_column_may_be_the_score(data):
    data = data.assign(years=np.log(data["age"]))
    transformed = audit(
        data, formula="Surv(time, event) ~ log(age) + ph_ecog", term="log(age)"
    )
    column = audit(data, formula="Surv(time, event) ~ years + ph_ecog", term="years")
    assert level(transformed, "men").log_hr == level(column, "men").log_hr
    assert transformed.interactions[0].statistic == column.interactions[0].statistic


# ------------------------------------------------------------ levels and their order


def test_several_subgroups_keep_the_order_asked_for(data):
    result = audit(data, by=["ph_ecog", "sex"], formula="Surv(time, event) ~ age")
    table = check_table(result.tidy())
    assert table["subgroup"].tolist() == ["overall", *["ph_ecog"] * 5, *["sex"] * 3]
    assert table["level"].tolist() == [
        "overall",
        *["0", "1", "2", "3", ""],
        *["men", "women", ""],
    ]
    assert [test.subgroup for test in result.interactions] == ["ph_ecog", "sex"]


def test_a_subgroup_named_twice_is_audited_once(data):
    assert len(audit(data, by=["sex", "sex"]).interactions) == 1


def test_no_subgroup_leaves_everyone(data):
    assert check_table(audit(data, by=[]).tidy())["level"].tolist() == ["overall"]


def test_the_order_of_categories_is_kept(data):
    stage = pd.cut(data["age"], [0, 60, 70, 100], labels=["young", "middle", "old"])
    result = audit(data.assign(stage=stage), by=["stage"])
    assert [row.level for row in result.levels[1:]] == ["young", "middle", "old"]


def test_rows_without_a_subgroup_are_a_level(data):
    data.loc[data.index[:60], "sex"] = None
    row = level(audit(data), "missing")
    alone = fs.cox(FORMULA, data[:60])
    assert row.n == 60
    assert row.log_hr == pytest.approx(alone.log_hr[0], rel=1e-10)
    assert audit(data).interactions[0].df == 2


def test_rows_that_the_model_cannot_use_count_nowhere(data):
    data.loc[data.index[:50], "age"] = np.nan
    result = audit(data)
    assert sum(row.n for row in result.levels[1:]) == len(data) - 50
    assert result.overall.n_dropped == 50
    assert "50 rows left out (missing in `age`: 50)" in str(result)


def test_a_level_that_only_incomplete_rows_have_keeps_its_row(data):
    data.loc[data.index[:9], "sex"] = "left out"
    data.loc[data.index[9:12], "sex"] = None
    data.loc[data.index[:12], "age"] = np.nan
    assert [row.level for row in audit(data).levels[1:]] == ["left out", "men", "women"]
    assert level(audit(data), "left out").n == 0


def test_columns_with_spaces_are_quoted(data):
    renamed = data.rename(columns={"age": "face age", "sex": "the sex"})
    result = audit(
        renamed,
        formula="Surv(time, event) ~ `face age` + ph_ecog",
        term="face age",
        by=["the sex"],
    )
    assert result.interactions[0].statistic == audit(data).interactions[0].statistic
    assert result.tidy(per={"face age": 10})["per"].eq(10).all()


@pytest.mark.parametrize(
    "index", [[0] * 227, [*range(113), *range(114)]], ids=["0", "2"]
)
def test_index_labels_do_not_matter(data, index):
    pd.testing.assert_frame_equal(
        audit(data.set_axis(index)).tidy(), audit(data).tidy()
    )


# ---------------------------------------------------------------------- small cells


def few(data: pd.DataFrame, n_events: int) -> pd.DataFrame:
    """Add a third group that holds a certain number of events and five censored."""
    rows = [
        *data.index[data["event"] == 1][:n_events],
        *data.index[data["event"] == 0][:5],
    ]
    return data.assign(sex=data["sex"].where(~data.index.isin(rows), "few"))


@pytest.mark.parametrize("n_events", [0, 1, MIN_EVENTS - 1])
def test_a_level_with_few_events_is_counted_but_not_estimated(data, n_events):
    result = audit(few(data, n_events))
    row = level(result, "few")
    assert np.isnan(row.log_hr)
    assert (row.n, row.n_events) == (n_events + 5, n_events)
    assert row.note == f"too few events ({n_events} < {MIN_EVENTS})"
    (test,) = result.interactions
    assert (test.df, test.note) == (1, "likelihood-ratio test; without few")
    assert test.n == len(data) - n_events - 5
    check_table(result.tidy(exponentiate=True))


def test_the_small_cell_rule_can_be_changed(data):
    small = few(data, MIN_EVENTS)
    assert np.isfinite(level(audit(small), "few").log_hr)
    result = audit(small, min_events=MIN_EVENTS + 1)
    assert level(result, "few").note == "too few events (10 < 11)"


def test_few_events_per_coefficient_are_noted_not_announced(data):
    data = data.dropna(subset=["wt_loss"])
    result = audit(few(data, 10), formula=FORMULA + " + wt_loss")
    assert level(result, "few").note == "fragile: 10 events for 3 coefficients"


def test_a_category_without_rows_keeps_its_row(data):
    values = pd.Categorical(data["sex"], ["men", "other", "women"])
    row = level(audit(data.assign(sex=values)), "other")
    assert (row.n, row.n_events) == (0, 0)
    assert row.note == "too few events (0 < 10)"


def test_one_level_has_no_interaction(data):
    (test,) = audit(data[data["sex"] == "men"]).interactions
    assert test.note == "fewer than two levels can be estimated"
    assert np.isnan(test.p_value)
    assert test.df == 0
    assert (test.n, test.n_events) == (137, 111)
    line = "  interaction not tested  (fewer than two levels can be estimated)"
    assert line in str(audit(data[data["sex"] == "men"]))


def test_a_score_constant_within_a_level_has_no_estimate_there(data):
    data["age"] = data["age"].where(data["sex"] == "men", 60)
    result = audit(data)
    row = level(result, "women")
    assert np.isnan(row.log_hr)
    assert row.note == "`age` is 60 in every row"
    assert result.interactions[0].note == "fewer than two levels can be estimated"


def test_a_covariate_constant_within_a_level_is_named_there(data):
    data["ph_ecog"] = data["ph_ecog"].where(data["sex"] == "men", 1)
    result = audit(data)
    assert level(result, "women").note == "left out: `ph_ecog` is 1 in every row"
    alone = fs.cox("Surv(time, event) ~ age", data[data["sex"] == "women"])
    assert level(result, "women").log_hr == pytest.approx(alone.log_hr[0], rel=1e-10)


def test_a_monotone_level_is_infinite_and_left_out_of_the_test(data):
    women = data["sex"] == "women"
    data["age"] = data["age"].where(~women, -data["time"].rank())
    result = audit(data, formula="Surv(time, event) ~ age")
    row = level(result, "women")
    assert row.log_hr == np.inf
    assert row.note == "infinite: monotone likelihood"
    assert result.interactions[0].note == "fewer than two levels can be estimated"
    check_table(result.tidy(exponentiate=True))


def test_a_level_that_cannot_be_fitted_says_why(data):
    data["sex"] = np.where(data.index < 30, "early", data["sex"])
    data["inst"] = np.where(data["sex"] == "early", 99, data["inst"])
    result = audit(data, cluster="inst")
    assert level(result, "early").note.startswith(
        "not estimated: All 29 complete rows are one cluster of `inst`"
    )


# ------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"term": "sex"}, "`term` is `sex`, which is not one numeric column of"),
        (
            {"term": "C(sex)[T.women]", "formula": FORMULA + " + C(sex)"},
            r"not one numeric column of .*; those are `age`, `ph_ecog`\.",
        ),
        ({"term": "wt_loss"}, "`term` is `wt_loss`, which is not one numeric column"),
        ({"term": "bs(age, df=4)"}, "which is not one numeric column"),
        ({"by": ["nowhere"]}, "`data` has no column `nowhere`."),
        ({"by": "sex"}, "`by` is the text `sex`; give a list of columns."),
        (
            {"by": ["event"]},
            "`by` names `event`, a part of the outcome of `Surv",
        ),
        ({"by": ["meal_cal"]}, "`meal_cal` has 60 distinct numbers, a measurement"),
        ({"by": ["day"]}, "`day` holds dates or durations"),
        ({"by": ["mixed"]}, "`mixed` holds mixed-integer values"),
        ({"ties": "exact"}, "`ties` is 'exact'; choose one of"),
        ({"min_events": "few"}, "`min_events` is few; give a number from 0 on"),
        ({"min_events": -1}, "`min_events` is -1; give a number from 0 on"),
        ({"strata": "nowhere"}, "`data` has no column `nowhere`."),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(data, arguments, message):
    data = data.assign(day=pd.Timestamp("2020-01-01"), mixed=[1, *["a"] * 226])
    with pytest.raises(DataError, match=message):
        audit(data, **arguments)


def test_a_subgroup_held_by_two_columns_is_refused(data):
    twice = pd.concat([data, data["sex"]], axis=1)
    with pytest.raises(DataError, match="`data` has several columns named `sex`"):
        audit(twice)


def test_the_formula_is_checked_first(data):
    with pytest.raises(FormulaError, match="must start with an outcome"):
        audit(data, formula="age + sex")


@pytest.mark.parametrize(
    ("per", "message"),
    [
        ({"sex": 1}, "`per` names `sex`; the score is `age`."),
        ({"age": 0}, "`per` gives `age` a step of 0; give a finite number other"),
    ],
)
def test_wrong_steps_are_refused(data, per, message):
    with pytest.raises(DataError, match=message):
        audit(data).tidy(per=per)


def test_few_events_in_everyone_are_announced_where_the_call_stands(data):
    data["event"] = data["event"] * (data["time"] < 20)
    with pytest.warns(ResultWarning, match="events for 2 coefficients") as caught:
        fs.by_subgroup(FORMULA, data, term="age", by=["sex"])
    assert [warning.filename for warning in caught] == [__file__]


def test_data_are_not_modified(data):
    before = data.copy(deep=True)
    audit(data, by=["sex", "ph_ecog"], cluster="inst", weights="weight").tidy()
    pd.testing.assert_frame_equal(data, before)


# ------------------------------------------------------------------------- results


def test_the_summary_has_a_line_for_every_level_and_test(data):
    text = str(audit(few(data, 3)))
    assert text.startswith(f"Hazard ratio of `age` per unit in subgroups: {FORMULA}")
    for line in (
        "everyone: 164/227  1.01 (0.99",
        "sex few: 3/8",
        "(too few events (3 < 10))",
        "  interaction P=0.187",
        "on 1 df  (likelihood-ratio test; without few)",
    ):
        assert line in text


def test_the_plot_is_a_figure_that_draws(data, tmp_path):
    with mpl.rc_context({"backend": "agg"}):
        figure = audit(few(data, 3)).plot(per={"age": 10})
        figure.save(tmp_path / "forest.png", verbose=False, dpi=50)
    assert (tmp_path / "forest.png").stat().st_size > 0


@pytest.mark.slow
def test_the_interaction_test_keeps_its_size():
    """1,000 cohorts of 300 rows with one effect for all: 5% +- 1.5% rejected."""
    rejected = []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        x, site = rng.normal(size=300), rng.integers(0, 3, 300)
        death = rng.exponential(np.exp(-0.5 * x - 0.4 * site))
        censoring = rng.exponential(1.5, 300)
        data = pd.DataFrame(
            {
                "time": np.ceil(12 * np.minimum(death, censoring)),
                "event": death <= censoring,
                "x": x,
                "site": site.astype(str),
            }
        )
        audit = fs.by_subgroup("Surv(time, event) ~ x", data, term="x", by=["site"])
        rejected.append(audit.interactions[0].p_value < 0.05)
    assert 0.035 < np.mean(rejected) < 0.065

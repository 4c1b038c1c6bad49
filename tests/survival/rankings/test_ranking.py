"""Concordance of scores against R, by hand, and in what it refuses."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from references import reference_cases
from scipy.stats import norm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError

R_RTOL = 1e-8  # R writes 15 digits; both count the same pairs in float64
R_ATOL = 1e-12  # covariances near zero are sums of terms of order 1e-6 that cancel
ROUNDING = 1e-12  # the same sums in another order

CASES = reference_cases("concordance")


def fit(case, cohorts):
    return fs.concordance(
        case.formula,
        cohorts[case.data],
        strata=case.strata,
        weights=case.weights,
        cluster=case.cluster,
    )


@pytest.fixture
def two_scores(lung) -> fs.Concordance:
    return fs.concordance("Surv(time, event) ~ ph_ecog + age", lung)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_concordance_matches_r(case, cohorts):
    result = fit(case, cohorts)
    assert (result.terms, result.n, result.n_events) == (
        tuple(case.terms),
        case.n,
        case.n_events,
    )
    np.testing.assert_allclose(result.counts, case.counts, rtol=R_RTOL, atol=1e-6)
    np.testing.assert_allclose(result.c_index, case.c_index, rtol=R_RTOL)
    np.testing.assert_allclose(result.cov, case.cov, rtol=R_RTOL, atol=R_ATOL)
    table = check_table(result.tidy())
    np.testing.assert_allclose(table["std_error"], np.sqrt(np.diag(case.cov)), R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_paired_difference_matches_r(case, cohorts):
    a, b, *_ = case.terms
    row = check_glance(fit(case, cohorts).contrast(a, b)).iloc[0]
    z = case.difference / case.difference_std_error
    wanted = {
        "estimate": case.difference,
        "std_error": case.difference_std_error,
        "statistic": z,
        "p_value": 2 * norm.sf(abs(z)),
    }
    # The difference itself loses digits where two concordances are close.
    np.testing.assert_allclose(
        row[list(wanted)].astype(float), list(wanted.values()), R_RTOL, atol=R_ATOL
    )
    assert (row["term"], row["estimand"]) == (f"{a} - {b}", "delta_c_index")


def test_pair_counts_are_those_of_r(lung):
    # concordance(Surv(time, status) ~ ph.ecog, lung, reverse = TRUE)$count
    result = fs.concordance("Surv(time, event) ~ ph_ecog", lung)
    assert result.counts[0, :3].tolist() == [8392, 4258, 7137]
    assert result.n_pairs == 8392 + 4258 + 7137


def test_tidy_holds_the_test_against_one_half_and_a_symmetric_interval(two_scores):
    table = two_scores.tidy(conf_level=0.9)
    row = table.iloc[0]
    assert row["statistic"] == pytest.approx((row["estimate"] - 0.5) / row["std_error"])
    margin = norm.isf(0.05) * row["std_error"]
    assert row["conf_low"] == pytest.approx(row["estimate"] - margin, rel=ROUNDING)
    assert row["conf_high"] == pytest.approx(row["estimate"] + margin, rel=ROUNDING)
    assert table["note"].tolist() == ["", ""]


def test_contrast_changes_sign_with_its_direction(two_scores):
    there = two_scores.contrast("age", "ph_ecog").iloc[0]
    back = two_scores.contrast("ph_ecog", "age").iloc[0]
    assert there["estimate"] == -back["estimate"]
    assert there["conf_low"] == -back["conf_high"]
    assert there["p_value"] == back["p_value"]


def test_the_other_scores_in_the_formula_do_not_matter(lung):
    complete = lung.dropna(subset=["age", "ph_ecog", "wt_loss"])
    many = fs.concordance("Surv(time, event) ~ age + ph_ecog + wt_loss", complete)
    one = fs.concordance("Surv(time, event) ~ ph_ecog", complete)
    assert many.c_index[1] == one.c_index[0]
    assert many.cov[1, 1] == pytest.approx(one.cov[0, 0], rel=ROUNDING)


def test_the_covariance_gives_the_standard_error_of_the_difference(two_scores):
    cov = two_scores.cov
    variance = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    wanted = pytest.approx(np.sqrt(variance), rel=1e-9)
    assert two_scores.delta_std_error[0, 1] == wanted


@pytest.mark.parametrize(
    "same", [lambda s: s, lambda s: 2 * s + 1, np.exp], ids=["equal", "linear", "exp"]
)
def test_scores_that_rank_alike_differ_by_zero_without_a_p_value(lung, same):
    data = lung.assign(twin=same(lung["ph_ecog"]))
    result = fs.concordance("Surv(time, event) ~ ph_ecog + twin", data)
    row = check_glance(result.contrast("ph_ecog", "twin")).iloc[0]
    assert (row["estimate"], row["std_error"]) == (0, 0)
    assert np.isnan(row["statistic"])
    assert np.isnan(row["p_value"])
    assert row["note"] == "both order every comparable pair alike: no variation to test"


def test_a_perfect_ranking_has_no_jackknife_variation():
    data = pd.DataFrame({"time": [4.0, 3, 2, 1], "event": 1, "x": [1, 2, 3, 4]})
    row = fs.concordance("Surv(time, event) ~ x", data).tidy().iloc[0]
    assert (row["estimate"], row["std_error"]) == (1, 0)
    assert np.isnan(row["p_value"])
    assert "no variation" in row["note"]


def test_a_factor_is_scored_column_by_column(lung):
    data = lung.assign(group=lung["sex"].map({1: "men", 2: "women"}))
    result = fs.concordance("Surv(time, event) ~ group", data)
    is_woman = fs.concordance("Surv(time, event) ~ sex", data)
    assert result.terms == ("group[T.women]",)
    assert result.c_index[0] == is_woman.c_index[0]


def test_intervals_of_a_subject_are_one_cluster(cohorts):
    split = cohorts["lung_split"]
    formula = "Surv(entry, time, event) ~ age + ph_ecog"
    by_id = fs.concordance(formula, split, id="subject")
    by_cluster = fs.concordance(formula, split, cluster="subject")
    np.testing.assert_array_equal(by_id.cov, by_cluster.cov)
    assert by_id.n_clusters == by_cluster.n_clusters == 227


def test_splitting_follow_up_changes_nothing(cohorts):
    """Rows complete for `age`: nobody is lost, so both data sets hold 228 subjects."""
    whole = fs.concordance("Surv(time, event) ~ age", cohorts["lung"])
    split = fs.concordance(
        "Surv(entry, time, event) ~ age", cohorts["lung_split"], id="subject"
    )
    np.testing.assert_array_equal(split.counts, whole.counts)
    np.testing.assert_allclose(split.cov, whole.cov, rtol=ROUNDING)


def test_subjects_on_one_row_each_are_no_clusters(lung):
    data = lung.assign(subject=range(len(lung)))
    plain = fs.concordance("Surv(time, event) ~ age", data)
    with_id = fs.concordance("Surv(time, event) ~ age", data, id="subject")
    assert with_id.n_clusters == 0
    np.testing.assert_array_equal(with_id.cov, plain.cov)


def test_rows_left_out_are_counted_for_all_scores_together(lung):
    result = fs.concordance("Surv(time, event) ~ meal_cal + wt_loss", lung)
    missing = lung[["meal_cal", "wt_loss"]].isna().any(axis=1)
    assert (result.n, result.n_dropped) == ((~missing).sum(), missing.sum())
    glance = check_glance(result.glance())
    assert glance.loc[0, ["n", "n_dropped"]].tolist() == [result.n, result.n_dropped]


def test_data_are_not_modified(lung):
    before = lung.copy()
    fs.concordance("Surv(time, event) ~ age", lung, strata="sex", weights="weight")
    pd.testing.assert_frame_equal(lung, before)


def test_no_score_left_is_refused(lung):
    with pytest.raises(DataError, match="names no score to rank by"):
        fs.concordance("Surv(time, event) ~ 1", lung)


def test_no_comparable_pair_is_refused():
    data = pd.DataFrame(
        {"start": range(5), "stop": range(1, 6), "event": 1, "x": [3, 1, 2, 5, 4]}
    )
    message = "No two of the 5 complete rows are comparable"
    with pytest.raises(DataError, match=message):
        fs.concordance("Surv(start, stop, event) ~ x", data)


def test_a_single_cluster_is_refused(lung):
    with pytest.raises(DataError, match="All 228 complete rows are one cluster"):
        fs.concordance("Surv(time, event) ~ age", lung.assign(site=1), cluster="site")


def test_an_unknown_score_in_a_contrast_is_refused(two_scores):
    message = "There is no score `sex`; the scores are `ph_ecog`, `age`."
    with pytest.raises(DataError, match=message):
        two_scores.contrast("age", "sex")


def test_an_impossible_confidence_level_is_refused(two_scores):
    with pytest.raises(DataError, match="`conf_level` is 95"):
        two_scores.tidy(conf_level=95)


def test_a_formula_without_an_outcome_is_refused(lung):
    with pytest.raises(FormulaError, match="must start with an outcome"):
        fs.concordance("time ~ age", lung)


def test_the_summary_tells_sizes_and_every_score(cohorts):
    result = fs.concordance(
        "Surv(time, event) ~ age + ph_ecog",
        cohorts["lung"],
        strata="sex",
        cluster="inst",
    )
    text = str(result)
    assert text == result.summary()
    for part in ("226 rows", "2 left out", "within 2 strata", "18 clusters"):
        assert part in text
    assert "ph_ecog  C 0.60" in text


def test_the_plot_is_a_figure_that_draws(two_scores, tmp_path):
    with mpl.rc_context({"backend": "agg"}):
        two_scores.plot().save(tmp_path / "c.png", verbose=False, dpi=50)
    assert (tmp_path / "c.png").stat().st_size > 0


@pytest.fixture
def three_scores(lung) -> fs.Concordance:
    return fs.concordance("Surv(time, event) ~ ph_ecog + age + wt_loss", lung)


def test_contrasts_are_all_pairs_with_adjusted_p_values(three_scores):
    table = check_table(three_scores.contrasts())
    pairs = ["ph_ecog - age", "ph_ecog - wt_loss", "age - wt_loss"]
    assert table["term"].tolist() == pairs
    alone = pd.concat([three_scores.contrast(*pair.split(" - ")) for pair in pairs])
    for column in alone.columns:
        assert table[column].tolist() == alone[column].tolist()
    assert (table["p_adjusted"] > table["p_value"]).all()
    assert (table["p_adjusted"] < 3 * table["p_value"]).all()
    assert (table["joint_low"] < table["conf_low"]).all()
    assert (table["joint_high"] > table["conf_high"]).all()


def test_joint_limits_exclude_zero_exactly_where_the_adjusted_p_value_is_small(
    three_scores,
):
    for level in (0.5, 0.8, 0.95, 0.99):
        table = three_scores.contrasts(conf_level=level)
        excluded = (table["joint_low"] > 0) | (table["joint_high"] < 0)
        assert excluded.tolist() == (table["p_adjusted"] < 1 - level).tolist()


def test_contrasts_from_a_reference(three_scores):
    table = check_table(three_scores.contrasts(reference="age"))
    assert table["term"].tolist() == ["ph_ecog - age", "wt_loss - age"]
    every = three_scores.contrasts()
    # Two differences of the three: less to adjust for.
    assert table["p_adjusted"][0] < every["p_adjusted"][0]


def test_a_single_contrast_needs_no_adjustment(two_scores):
    row = check_glance(two_scores.contrasts()).iloc[0]
    assert row["p_adjusted"] == pytest.approx(row["p_value"], rel=ROUNDING)
    assert row["joint_low"] == pytest.approx(row["conf_low"], rel=1e-9)


def test_scores_that_rank_alike_take_no_part_in_the_adjustment(lung):
    data = lung.assign(twin=2 * lung["ph_ecog"])
    formula = "Surv(time, event) ~ ph_ecog + twin + age"
    table = check_table(fs.concordance(formula, data).contrasts())
    assert table["term"][0] == "ph_ecog - twin"
    row = table.iloc[0]
    assert (row["estimate"], row["joint_low"], row["joint_high"]) == (0, 0, 0)
    assert np.isnan([row["p_value"], row["p_adjusted"]]).all()
    assert row["note"] == "both order every comparable pair alike: no variation to test"
    # The other two differences are one and the same.
    np.testing.assert_allclose(table["p_adjusted"][1:], table["p_value"][1:], rtol=1e-9)


def test_contrasts_of_twins_alone_have_no_test(lung):
    data = lung.assign(twin=2 * lung["ph_ecog"])
    result = fs.concordance("Surv(time, event) ~ ph_ecog + twin", data)
    row = check_glance(result.contrasts()).iloc[0]
    assert np.isnan([row["statistic"], row["p_value"], row["p_adjusted"]]).all()


def test_contrasts_of_one_score_are_refused(lung):
    result = fs.concordance("Surv(time, event) ~ age", lung)
    with pytest.raises(DataError, match="`age` is the only score of"):
        result.contrasts()


def test_an_unknown_reference_is_refused(three_scores):
    with pytest.raises(DataError, match="There is no score `sex`; the scores are"):
        three_scores.contrasts(reference="sex")

"""Correlations of scores against R, by hand, and in what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from references import reference_cases
from scipy.stats import spearmanr
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # R writes 17 digits of sums of squares
PAIR = ["face", "risk"]


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(20240607)
    age = rng.uniform(40, 80, 200)
    return pd.DataFrame(
        {
            "age": age,
            "face": age + rng.normal(0, 6, 200),
            "risk": 0.05 * age + rng.normal(0, 1, 200),
            "sex": rng.choice(["man", "woman"], 200),
        }
    )


@pytest.mark.parametrize("case", reference_cases("correlation"), ids=str)
def test_correlations_match_r(case, cohorts):
    ours = fs.score_correlation(
        case.scores, cohorts[case.data], adjust=case.adjust or ()
    )
    table = check_table(ours.tidy())
    (row,) = table[table["estimand"].str.endswith(case.kind)].to_dict("records")
    assert row["n"] == case.n
    for name, value in {
        "estimate": case.r,
        "conf_low": case.conf_low,
        "conf_high": case.conf_high,
        "statistic": case.statistic,
    }.items():
        assert row[name] == pytest.approx(value, rel=R_RTOL)
    assert row["p_value"] == pytest.approx(case.p_value, rel=1e-6)


def test_ties_share_their_mean_rank(cohort):
    coarse = cohort.round(0)
    (row,) = (
        fs.score_correlation(PAIR, coarse).tidy().query("estimand == 'spearman'")
    ).to_dict("records")
    expected = spearmanr(coarse["face"], coarse["risk"]).statistic
    assert row["estimate"] == pytest.approx(expected, rel=1e-12)


def test_a_partial_correlation_is_the_closed_form_of_three(cohort):
    r = cohort[["face", "risk", "age"]].corr().to_numpy()
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt(
        (1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2)
    )
    table = fs.score_correlation(PAIR, cohort, adjust=["age"]).tidy()
    assert table.loc[0, "estimand"] == "partial_pearson"
    assert table.loc[0, "estimate"] == pytest.approx(expected, rel=1e-12)


def test_a_factor_of_several_levels_and_a_repeated_covariate(cohort):
    data = cohort.assign(site=np.array(["a", "b", "c"])[np.arange(200) % 3])
    once = fs.score_correlation(PAIR, data, adjust=["site", "age"])
    twice = fs.score_correlation(
        PAIR, data.assign(months=12 * data["age"]), adjust=["site", "age", "months"]
    )
    assert once.correlations[0].n_covariates == 3
    pd.testing.assert_frame_equal(once.tidy(), twice.tidy(), rtol=1e-9)


def test_groups_follow_everyone_and_missing_ones_are_a_group(cohort):
    data = cohort.copy()
    data.loc[:9, "sex"] = None
    data.loc[10:12, "face"] = np.nan
    result = fs.score_correlation(PAIR, data, by="sex")
    table = check_table(result.tidy())
    assert list(table["level"].unique()) == ["overall", "man", "woman", "missing"]
    is_man = (data["sex"] == "man") & data["face"].notna()
    (man,) = table.query("level == 'man' and estimand == 'pearson'").to_dict("records")
    alone = data.loc[is_man, PAIR].corr().iloc[0, 1]
    assert man["estimate"] == pytest.approx(alone, rel=1e-12)
    assert table.groupby("level")["n"].first()["overall"] == 197
    assert check_glance(result.glance()).loc[0, "n_dropped"] == 3


def test_every_pair_of_several_scores_has_its_rows(cohort):
    table = fs.score_correlation([*PAIR, "age"], cohort).tidy()
    assert list(table["term"].unique()) == [
        "face and risk",
        "face and age",
        "risk and age",
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_identical_scores_have_no_interval_and_say_so(cohort, sign):
    copy = cohort.assign(risk=sign * 3 * cohort["face"] + 1)
    table = check_table(fs.score_correlation(PAIR, copy).tidy())
    assert list(table["estimate"]) == [sign, sign]
    assert table[["conf_low", "conf_high", "statistic", "p_value"]].isna().all(None)
    assert table.loc[0, "note"] == "the scores are the same up to scale: no test"
    assert table.loc[1, "note"].startswith("the scores order all rows alike")


def test_a_score_of_the_covariates_alone_has_nothing_left(cohort):
    data = cohort.assign(risk=2 * cohort["age"] - 7)
    table = fs.score_correlation(PAIR, data, adjust=["age"]).tidy()
    assert table.loc[0, "note"] == "a score does not vary beyond the covariates"
    assert np.isnan(table.loc[0, "estimate"])


def test_small_and_flat_groups_keep_their_rows(cohort):
    data = cohort.assign(site=["few"] * 3 + ["flat"] * 20 + ["many"] * 177)
    data.loc[data["site"] == "flat", "face"] = 60.0
    table = check_table(fs.score_correlation(PAIR, data, by="site").tidy())
    notes = table[table["estimand"] == "pearson"].set_index("level")["note"]
    assert notes["few"] == "too few rows (3)"
    assert notes["flat"] == "a score does not vary"
    assert notes["many"] == ""


def test_the_summary_and_the_figure_tell_the_groups(cohort):
    result = fs.score_correlation(PAIR, cohort, by="sex", adjust=["age"])
    text = str(result)
    assert "Correlation of face, risk given age" in text
    assert "sex woman: face and risk, partial spearman " in text
    with drawn(result.plot()) as figure:
        assert texts_outside(figure) == []
        assert {"everyone", "man", "woman"} <= set(words(figure))
    with drawn(fs.score_correlation([*PAIR, "age"], cohort).plot()) as figure:
        assert "face and age: everyone" in words(figure)


@pytest.mark.parametrize(
    ("scores", "options", "change", "message"),
    [
        ("face", {}, {}, "`scores` is 'face'; name two or more different columns"),
        (["face"], {}, {}, "name two or more different columns"),
        (["face", "face"], {}, {}, "name two or more different columns"),
        (PAIR, {"adjust": "age"}, {}, "`adjust` is the text `age`"),
        (PAIR, {"by": "nil"}, {}, "`data` has no column `nil`"),
        (PAIR, {"adjust": ["face"]}, {}, "`face` is a score and in `adjust` too"),
        (["face", "sex"], {}, {}, "`sex` must hold numbers to be correlated"),
        (PAIR, {}, {"risk": 3.0}, "`risk` is 3 in all 200 complete rows"),
        (PAIR, {}, {"risk": np.inf}, "`risk` is infinite in some rows"),
        (PAIR, {}, {"risk": np.nan}, "0 of 200 rows are complete"),
        (PAIR, {"by": "age"}, {}, "`age` has 200 distinct numbers"),
        (PAIR, {"adjust": ["day"]}, {"day": pd.Timestamp("2020")}, "`day` holds dates"),
    ],
)
def test_bad_requests_are_refused(cohort, scores, options, change, message):
    with pytest.raises(DataError, match=message):
        fs.score_correlation(scores, cohort.assign(**change), **options)


def test_a_level_of_confidence_is_between_0_and_1(cohort):
    with pytest.raises(DataError, match="`conf_level` is 95"):
        fs.score_correlation(PAIR, cohort).tidy(conf_level=95)


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 1], ids=["pearson", "spearman"])
def test_intervals_hold_the_truth_at_their_level(index):
    """Bivariate normal, r = 0.6; Spearman's truth is 6/pi asin(r/2)."""
    rng = np.random.default_rng(20240607)
    truth = [0.6, 6 / np.pi * np.arcsin(0.3)][index]
    held = 0
    for _ in range(1000):
        x, noise = rng.normal(size=(2, 60))
        data = pd.DataFrame({"face": x, "risk": 0.6 * x + 0.8 * noise})
        row = fs.score_correlation(PAIR, data).tidy().iloc[index]
        held += row["conf_low"] <= truth <= row["conf_high"]
    assert 929 <= held <= 971

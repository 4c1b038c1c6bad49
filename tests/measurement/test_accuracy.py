"""Accuracy of predicted age: closed forms, twins, properties, and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

TWIN_RTOL = 1e-9
"""Sums of squares about 40 years against sums about the mean."""


def simulate(seed: int, n: int = 300) -> pd.DataFrame:
    """Make photos, two for every other person, with two models and groups."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(1, 95, n).round(1)
    person = np.arange(n) // 3 * 2 + (np.arange(n) % 3 == 2)
    return pd.DataFrame(
        {
            "age": age,
            "mine": (8 + 0.8 * age + rng.normal(0, 5, n)).round(2),
            "other": (age + rng.normal(0, 7, n)).clip(0).round(2),
            "person": person,
            "sex": rng.choice(["man", "woman"], n),
            "site": rng.choice(["A", "B", "C"], n),
        }
    )


@pytest.fixture(scope="module")
def photos() -> pd.DataFrame:
    return simulate(20240607)


def pick(table: pd.DataFrame, **wanted: str) -> dict[str, object]:
    """Return the one row that has these values."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    (row,) = table.to_dict("records")
    return row


def everyone(table: pd.DataFrame, model: str) -> pd.Series:
    """Return the estimates of a model in everyone, by statistic."""
    rows = table[(table["subgroup"] == "overall") & (table["model"] == model)]
    return rows.set_index("estimand")["estimate"]


def test_four_photos_by_hand():
    """Errors 1, -2, 6 and 0: everything can be counted."""
    data = pd.DataFrame({"age": [5.0, 15, 25, 35], "face": [6.0, 13, 31, 35]})
    found = everyone(fs.age_accuracy(["face"], data, n_boot=20).tidy(), "face")
    exact = {
        "mae": 9 / 4,
        "mean_error": 5 / 4,
        "rmse": np.sqrt(41 / 4),
        "median_error": 1 / 2,
        "median_absolute_error": 3 / 2,
        "share_within_2": 3 / 4,
        "share_within_5": 3 / 4,
        "share_within_10": 1,
        "r_squared": 1 - 41 / 500,
        "slope": 1.05,
        "intercept": 0.25,
        "macro_mae": 9 / 4,
    }
    for estimand, value in exact.items():
        assert found[estimand] == pytest.approx(value, rel=1e-12), estimand


def test_statistics_are_those_of_scipy_and_numpy(photos):
    table = fs.age_accuracy(["mine", "other"], photos, n_boot=20).tidy()
    for model in ("mine", "other"):
        found = everyone(table, model)
        line = stats.linregress(photos["age"], photos[model])
        error = photos[model] - photos["age"]
        assert found["r"] == pytest.approx(line.rvalue, rel=TWIN_RTOL)
        assert found["slope"] == pytest.approx(line.slope, rel=TWIN_RTOL)
        assert found["intercept"] == pytest.approx(line.intercept, rel=TWIN_RTOL)
        assert found["median_error"] == pytest.approx(error.median(), rel=TWIN_RTOL)
        total = ((photos["age"] - photos["age"].mean()) ** 2).sum()
        assert found["r_squared"] == pytest.approx(
            1 - (error**2).sum() / total, rel=TWIN_RTOL
        )


def test_the_bootstrap_is_that_of_repeated_rows(photos):
    """The twin draws people, repeats their rows, and judges the frame anew."""
    from fahrstats.resampling import draw_counts

    result = fs.age_accuracy(
        ["mine", "other"], photos, subject="person", by=["sex"], n_boot=20, seed=3
    )
    cluster = pd.factorize(photos["person"])[0].astype(np.int64)
    draws = draw_counts(3, 20, len(photos), cluster=cluster)
    for b in (0, 7, 19):
        counts = draws[b]()
        by_person = pd.Series(counts).groupby(cluster).nunique()
        assert (by_person == 1).all()
        repeated = photos.loc[np.repeat(np.arange(len(photos)), counts)]
        again = fs.age_accuracy(["mine", "other"], repeated, by=["sex"], n_boot=20)
        keys = ["model", "subgroup", "level", "estimand"]
        is_common = ~result.table["estimand"].isin(["standardized_mae"])
        np.testing.assert_allclose(
            result.draws[b, is_common],
            result.table[keys].merge(again.table, on=keys, how="left")["estimate"][
                is_common
            ],
            rtol=TWIN_RTOL,
        )


def test_macro_and_standardized_errors_are_means_of_cells(photos):
    result = fs.age_accuracy(["mine"], photos, by=["sex"], n_boot=20)
    table = check_table(result.tidy())
    band = photos["age"] // 10
    band = band.clip(upper=8)
    size = (photos["mine"] - photos["age"]).abs()
    row = pick(table, subgroup="overall", estimand="macro_mae")
    assert row["estimate"] == pytest.approx(size.groupby(band).mean().mean())
    row = pick(table, subgroup="age \N{MULTIPLICATION SIGN} sex", estimand="macro_mae")
    cells = size.groupby([band, photos["sex"]]).mean()
    assert row["estimate"] == pytest.approx(cells.mean())
    share = band.value_counts(normalize=True)
    for sex in ("man", "woman"):
        row = pick(table, level=sex, estimand="standardized_mae")
        own = size[photos["sex"] == sex].groupby(band).mean()
        assert row["estimate"] == pytest.approx((own * share).sum())
        assert "100% of photos" in row["note"]


def test_standardizing_removes_what_age_alone_explains():
    """Errors depend on age only, and ages differ by site: standardised, sites agree."""
    age = np.r_[np.repeat([25.0, 65], [30, 90]), np.repeat([25.0, 65], [90, 30])]
    data = pd.DataFrame({"age": age, "site": np.repeat(["A", "B"], 120)})
    data["face"] = data["age"] + np.where(age < 50, 2, 10)
    table = fs.age_accuracy(["face"], data, by=["site"], n_boot=20).tidy()
    of = {
        (level, name): pick(table, level=level, estimand=name)["estimate"]
        for level in "AB"
        for name in ("mae", "standardized_mae")
    }
    assert of["A", "mae"] == pytest.approx(8)
    assert of["B", "mae"] == pytest.approx(4)
    assert of["A", "standardized_mae"] == pytest.approx(6)
    assert of["B", "standardized_mae"] == pytest.approx(6)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(-5, 5))
def test_a_shift_moves_the_mean_error_and_no_correlation(seed, years):
    data = simulate(seed % 1000, 40).assign(shifted=lambda d: d["mine"] + years)
    table = fs.age_accuracy(["mine", "shifted"], data, n_boot=20).tidy()
    before, after = everyone(table, "mine"), everyone(table, "shifted")
    assert after["mean_error"] - before["mean_error"] == pytest.approx(years, abs=1e-9)
    assert after["r"] == pytest.approx(before["r"], abs=1e-9)
    assert after["slope"] == pytest.approx(before["slope"], abs=1e-9)


@settings(max_examples=25)
@given(st.permutations(range(30)))
def test_the_order_of_rows_does_not_matter(order):
    data = simulate(5, 30)
    ours = fs.age_accuracy(["mine"], data, by=["site"], n_boot=20).table
    again = fs.age_accuracy(["mine"], data.iloc[order], by=["site"], n_boot=20).table
    pd.testing.assert_frame_equal(ours, again, rtol=1e-9)


def test_models_are_compared_on_the_photos_that_all_predicted(photos):
    data = photos.copy()
    data.loc[data["sex"] == "man", "mine"] = data["mine"].where(data.index >= 60)
    data.loc[5:9, "other"] = np.nan
    data.loc[3, "age"] = np.nan
    failed = data["mine"].isna() & data["age"].notna()
    result = fs.age_accuracy(["mine", "other"], data, by=["sex"], n_boot=20)
    common = data.dropna(subset=["mine", "other", "age"])
    table = check_table(result.tidy())
    check_glance(result.glance())
    assert (result.n, result.n_dropped) == (len(common), 1)
    row = pick(table, subgroup="overall", model="other", estimand="mae")
    assert row["estimate"] == pytest.approx(
        (common["other"] - common["age"]).abs().mean()
    )
    assert row["n_missing"] == 5
    for sex in ("man", "woman"):
        row = pick(table, level=sex, model="mine", estimand="mae")
        assert row["n_missing"] == (failed & (data["sex"] == sex)).sum()
    assert pick(table, level="woman", model="mine", estimand="mae")["n_missing"] == 0


def test_differences_are_paired_and_tested_together(photos):
    data = photos.assign(worse=photos["mine"] + 3)
    result = fs.age_accuracy(["mine", "other", "worse"], data, subject="person")
    table = check_table(result.contrasts())
    assert list(table["term"]) == ["mine - other", "mine - worse", "other - worse"]
    size = (data[["mine", "other"]].sub(data["age"], axis=0)).abs()
    delta = size["mine"] - size["other"]
    row = table.iloc[0]
    assert row["estimate"] == pytest.approx(delta.mean())
    # Clustered standard error of a mean, written out.
    by_person = (delta - delta.mean()).groupby(data["person"]).sum()
    m = len(by_person)
    std_error = np.sqrt((by_person**2).sum() * m / (m - 1)) / len(data)
    assert row["std_error"] == pytest.approx(std_error, rel=0.08)  # 1000 draws
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert (table["joint_low"] <= table["conf_low"]).all()
    by_band = check_table(result.contrasts(estimand="mean_error", subgroup="age"))
    assert len(by_band) == 27
    assert set(by_band["estimand"]) == {"delta_mean_error"}


def test_one_model_twice_differs_by_nothing(photos):
    data = photos.assign(copy=photos["mine"])
    (row,) = fs.age_accuracy(["mine", "copy"], data).contrasts().to_dict("records")
    assert (row["estimate"], row["std_error"]) == (0, 0)
    assert np.isnan(row["p_value"])


def test_few_people_and_none_keep_their_rows(photos):
    data = photos[(photos["age"] < 60) | (photos["age"] > 80)].copy()
    data["site"] = pd.Categorical(data["site"].where(data.index > 20), ["A", "B", "D"])
    data.loc[0, "site"] = "D"
    table = check_table(
        fs.age_accuracy(["mine"], data, by=["site", ("age", "site")]).tidy()
    )
    empty = pick(table, level="60-69", estimand="mae")
    assert (empty["n"], np.isnan(empty["estimate"])) == (0, True)
    alone = pick(table, level="D", estimand="mae")
    assert alone["n"] == 1
    assert np.isfinite(alone["estimate"])
    assert np.isnan(alone["conf_low"])
    assert alone["note"] == "fewer than 20 people"
    assert "missing" in set(table["level"])
    macro = pick(table, subgroup="overall", estimand="macro_mae")
    assert macro["note"].startswith("mean over 7 of 9 cells; no photos in 60-69, 70-79")


def test_small_samples_have_t_like_intervals():
    """The half width of the mean's interval is near t's, not the bootstrap's own."""
    error = np.random.default_rng(4).normal(size=8)
    data = pd.DataFrame({"age": 40.0, "face": 40 + error})
    table = fs.age_accuracy(["face"], data, n_boot=20_000).tidy()
    row = pick(table, subgroup="overall", estimand="mean_error")
    wide = stats.t.isf(0.025, 7) * error.std(ddof=1) / np.sqrt(8)
    assert (row["conf_high"] - row["conf_low"]) / 2 == pytest.approx(wide, rel=0.06)


@pytest.mark.slow
def test_intervals_cover_and_tests_hold_their_level():
    """Photos of one person are alike; 400 cohorts of 60 people, three photos each."""
    n_sim, covered, rejected = 400, 0, 0
    true_mae = np.sqrt(2 / np.pi) * 5
    for seed in range(n_sim):
        rng = np.random.default_rng([20240607, seed])
        person = np.repeat(np.arange(60), 3)
        age = np.repeat(rng.uniform(20, 80, 60), 3)
        data = pd.DataFrame({"age": age, "person": person})
        for model in ("a", "b"):
            own = np.repeat(rng.normal(0, 4, 60), 3)
            data[model] = age + own + rng.normal(0, 3, 180)
        result = fs.age_accuracy(
            ["a", "b"], data, subject="person", n_boot=300, seed=seed
        )
        row = pick(result.tidy(), subgroup="overall", estimand="mae", model="a")
        covered += row["conf_low"] <= true_mae <= row["conf_high"]
        rejected += result.contrasts()["p_value"].item() < 0.05
    margin = 3 * np.sqrt(0.05 * 0.95 / n_sim)
    assert abs(covered / n_sim - 0.95) < margin
    assert abs(rejected / n_sim - 0.05) < margin


def test_the_figure_shows_models_over_bands(photos):
    result = fs.age_accuracy(["mine", "other"], photos, n_boot=40)
    with drawn(result.plot()) as figure:
        assert {"mine", "other", "Mean absolute error (years)"} <= set(words(figure))
        assert texts_outside(figure) == []


def test_the_figure_leaves_out_a_corrected_age(photos):
    names = ["mine", "other", "third"]
    data = photos.assign(third=photos["mine"] + 1)
    result = fs.age_accuracy(names, data, corrected={"other": "mine"}, n_boot=20)
    with drawn(result.plot()) as figure:
        assert {"mine", "third"} <= set(words(figure))
        assert "other" not in words(figure)


def test_a_figure_of_nothing_is_refused(photos):
    data = photos.assign(least=0.0, beyond=np.inf)
    result = fs.age_accuracy(["mine"], data, age=("least", "beyond"), n_boot=20)
    with pytest.raises(DataError, match="No band of age has a mean absolute error"):
        result.plot()


def test_the_summary_names_models_and_differences(photos):
    text = str(fs.age_accuracy(["mine", "other"], photos, n_boot=40))
    assert "300 photos of 300 people; 0 photos without a prediction" in text
    assert "Differences in macro mae" in text
    assert "mine - other" in text


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"age": 250.0}, {}, "`age` is outside 0 to 125 years in 300 of 300 rows, 250"),
        ({"age": -1.0}, {}, "`age` is outside 0 to 125 years in 300 of 300 rows, -1"),
        ({"mine": 480.0}, {}, "`mine` is outside -25 to 150 years .* not months"),
        ({"mine": np.inf}, {}, "`mine` is outside -25 to 150 years in 300"),
        ({"mine": "old"}, {}, "`mine` must hold ages in years, but its type is"),
        ({"mine": np.nan}, {}, r"0 people of 300 rows .* \(`mine`\); accuracy needs"),
        ({"person": 1}, {"subject": "person"}, "1 person of 300 rows has an age"),
        ({"person": None}, {"subject": "person"}, "`person` is missing in 300 of 300"),
        ({}, {"subject": "nil"}, "`data` has no column `nil`"),
        ({}, {"age": "nil"}, "`data` has no column `nil`"),
        ({}, {"age": "mine"}, "`mine` is both a predicted age and the true one"),
        ({}, {"by": "sex"}, "`by` is the text `sex`; give a list of columns"),
        ({}, {"by": ["nil"]}, "`data` has no column `nil`"),
        ({}, {"by": ["mine"]}, "`by` names `mine`, a predicted age"),
        ({}, {"by": ["other"]}, "`other` has .* a measurement rather than levels"),
        ({}, {"by": [("sex",)]}, r"`by` has the crossing \('sex',\); name two"),
        ({}, {"age_bands": [0, 0]}, r"`age_bands` are \[0, 0\]; give the ages"),
        ({}, {"age_bands": [50]}, r"`age_bands` begin at 50, but \d+ of 300 ages"),
        ({}, {"age_bands": 10}, "`age_bands` are 10; give the ages at which"),
        ({}, {"age_bands": ["a"]}, r"`age_bands` are \['a'\]; give the ages"),
        ({"overall": "x"}, {"by": ["overall"]}, "`by` names `overall`, the name of ev"),
        ({}, {"n_boot": 5}, "`n_boot` is 5; give a whole number of at least 20"),
        ({}, {"seed": -1}, "`seed` is -1; give a whole number"),
    ],
)
def test_bad_requests_are_refused(photos, change, options, message):
    with pytest.raises(DataError, match=message):
        fs.age_accuracy(["mine"], photos.assign(**change), **options)


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        ("mine", "`predicted` is the text `mine`; give a list"),
        ([], "`predicted` names 0 columns, 0 of them different"),
        (["mine", "mine"], "`predicted` names 2 columns, 1 of them different"),
    ],
)
def test_a_list_of_models_is_refused(photos, predicted, message):
    with pytest.raises(DataError, match=message):
        fs.age_accuracy(predicted, photos)


def test_bad_questions_to_the_result_are_refused(photos):
    one = fs.age_accuracy(["mine"], photos, n_boot=20)
    two = fs.age_accuracy(["mine", "other"], photos, n_boot=20)
    with pytest.raises(DataError, match="`mine` is the only model; a difference needs"):
        one.contrasts()
    with pytest.raises(DataError, match="`subgroup` is `sex`; choose one of `overall`"):
        two.contrasts(subgroup="sex")
    with pytest.raises(DataError, match="`estimand` is `c_index`; choose one of `mae`"):
        two.contrasts(estimand="c_index")
    with pytest.raises(DataError, match="`conf_level` is 95%; give a number between"):
        two.tidy(conf_level="95%")
    with pytest.raises(DataError, match="`conf_level` is 95; give a number between"):
        two.tidy(conf_level=95)

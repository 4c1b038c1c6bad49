"""True age given predicted age, known to intervals: likelihood, twins, simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import logistic
from tables import check_table

import fahrstats as fs
from fahrstats.errors import ConvergenceError, DataError
from fahrstats.measurement.interval_ages import NODE_WEIGHTS, AgeModel, fit_age_model

CLASSES = np.array([0.0, 3, 10, 20, 30, 40, 50, 60, 70])
"""Ages at which classes of a public data set begin; the last has no end."""

ENDS = ["age_low", "age_high"]


def classify(age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each age."""
    at = np.searchsorted(CLASSES, age, side="right") - 1
    return CLASSES[at], np.append(CLASSES[1:], np.inf)[at]


def simulate(
    seed: int, n: int, slope: float = 0.8, noise: str = "normal"
) -> pd.DataFrame:
    """Make photos of children and adults, with predictions drawn to the middle."""
    rng = np.random.default_rng(seed)
    is_child = rng.random(n) < 0.25
    age = np.where(is_child, rng.gamma(1.6, 5, n), rng.gamma(7, 5.2, n)).clip(0, 98)
    error = {
        "normal": rng.normal(size=n),
        "laplace": rng.laplace(scale=np.sqrt(0.5), size=n),
    }[noise]
    face = 35 * (1 - slope) + slope * age + (1.5 + 0.09 * age) * error
    low, high = classify(age)
    return pd.DataFrame(
        {
            "age": age,
            "face": face.clip(-5, 100),
            "other": 5 + 0.85 * age + rng.normal(0, 6, n),
            "age_low": low,
            "age_high": high,
            "sex": rng.choice(["man", "woman"], n),
        }
    )


def of_everyone(table: pd.DataFrame, model: str = "face") -> pd.Series:
    rows = table[(table["subgroup"] == "overall") & (table["model"] == model)]
    return rows.set_index("estimand")["estimate"]


def test_a_constant_prediction_leaves_the_logistic_distribution():
    """Exact ages: scipy's fit. Intervals: a twin that is written with its cdf."""
    age = np.random.default_rng(1).logistic(40, 5, 400)
    model = fit_age_model(np.full(400, 30.0), age, age)
    location, scale = logistic.fit(age)
    assert model.coefficients[0] == pytest.approx(location, rel=1e-4)
    assert np.exp(model.coefficients[1]) == pytest.approx(scale, rel=1e-3)
    low, high = classify(age.clip(0))
    model = fit_age_model(np.full(400, 30.0), low, high)

    def loss(theta: np.ndarray) -> float:
        ends = [logistic.cdf(x, theta[0], np.exp(theta[1])) for x in (low, high)]
        return -np.log(ends[1] - ends[0]).sum()

    twin = minimize(loss, [30, 1], method="Nelder-Mead", options={"xatol": 1e-7})
    np.testing.assert_allclose(model.coefficients, twin.x, rtol=1e-4)


@pytest.mark.parametrize("place", [-40.0, 3.0, 24.0, 26.0, 90.0])
@pytest.mark.parametrize("end", [30.0, np.inf])
def test_expectations_in_an_interval_are_integrals(place, end):
    """Of age, and of the distance from 23.5, given that it is from 20 to ``end``."""
    model = AgeModel(
        basis=np.ones((1, 1)),
        low=np.array([20.0]),
        high=np.array([end]),
        coefficients=np.array([place, np.log(2.5)]),
        influence=np.zeros((1, 2)),
    )
    log_whole = logistic.logsf(20, place, 2.5)
    if np.isfinite(end):
        log_whole += np.log(-np.expm1(logistic.logsf(end, place, 2.5) - log_whole))
    top = min(end, max(place, 20) + 100)
    ages = model.ages()[0]
    assert ((ages >= 20) & (ages <= end)).all()
    for value in (lambda a: a, lambda a: abs(a - 23.5)):
        exact = quad(
            lambda a, value=value: (
                value(a) * np.exp(logistic.logpdf(a, place, 2.5) - log_whole)
            ),
            20,
            top,
            points=[23.5],
            limit=200,
        )[0]
        ours = np.array([value(age) for age in ages]) @ NODE_WEIGHTS
        assert ours == pytest.approx(exact, abs=0.03)
    between = model.probability(np.array([22.0]), np.array([25.0]))[0]
    inside = quad(lambda a: np.exp(logistic.logpdf(a, place, 2.5) - log_whole), 22, 25)[
        0
    ]
    assert between == pytest.approx(inside, rel=1e-6)
    assert model.probability(np.array([31.0]), np.array([19.0]))[0] == 0


def test_intervals_that_do_not_tell_leave_what_assumes_nothing():
    data = simulate(2, 60).assign(age_low=0.0, age_high=100.0)
    with pytest.raises(ConvergenceError, match="ages known to intervals has no maximu"):
        fit_age_model(*data[["face", "age_low", "age_high"]].to_numpy().T)
    result = fs.age_accuracy(
        ["face", "other"], data, age=("age_low", "age_high"), age_bands=[0], n_boot=20
    )
    table = check_table(result.tidy())
    found = of_everyone(table)
    assert np.isnan(found["mae"])
    assert np.isnan(found["macro_mae"])
    assert found["mae_to_interval"] < 0.1
    rows = table[table["estimand"].isin(["mae", "macro_mae"])]
    assert rows["note"].str.startswith("not estimated: intervals do not tell").all()
    assert result.contrasts()["note"].item().startswith("not estimated")
    assert "mae not estimated" in str(result)


def test_intervals_of_no_width_are_exact_ages():
    data = simulate(3, 80).assign(age_low=lambda d: d["age"], age_high=lambda d: d.age)
    ours = fs.age_accuracy(["face"], data, age=("age_low", "age_high"), n_boot=20)
    pd.testing.assert_frame_equal(
        ours.tidy(), fs.age_accuracy(["face"], data, n_boot=20).tidy()
    )


def test_narrow_intervals_are_nearly_exact_ages():
    data = simulate(4, 200).assign(
        age_low=lambda d: d["age"].round(3), age_high=lambda d: d["age_low"] + 1e-3
    )
    ours = fs.age_accuracy(["face"], data, age=("age_low", "age_high"), n_boot=20)
    exact = of_everyone(fs.age_accuracy(["face"], data, n_boot=20).tidy())
    found = of_everyone(ours.tidy())
    for estimand in ("mae", "mean_error", "rmse", "r", "slope", "share_within_5"):
        assert found[estimand] == pytest.approx(exact[estimand], abs=2e-3), estimand


def test_bounds_by_hand():
    """Of three photos: inside by 2 and 8; 5 years above; exact and off by 3."""
    data = pd.DataFrame(
        {
            "face": np.tile([22.0, 25, 43], 30),
            "low": np.tile([20.0, 10, 40], 30),
            "high": np.tile([30.0, 20, 40], 30),
        }
    )
    table = check_table(fs.age_accuracy(["face"], data, age=("low", "high")).tidy())
    found = of_everyone(table)
    assert found["mae_to_interval"] == pytest.approx((0 + 5 + 3) / 3)
    assert found["mae_most"] == pytest.approx((8 + 15 + 3) / 3)
    assert found["mean_error_least"] == pytest.approx((-8 + 5 + 3) / 3)
    assert found["mean_error_most"] == pytest.approx((2 + 15 + 3) / 3)
    assert found["share_inside"] == pytest.approx(1 / 2)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([0.5, 0.8, 1.0]))
def test_the_estimate_is_between_the_bounds(seed, slope):
    data = simulate(seed, 150, slope).assign(
        age_high=lambda d: d["age_high"].replace(np.inf, 99)
    )
    table = fs.age_accuracy(["face"], data, age=("age_low", "age_high"), n_boot=20)
    rows = table.table[table.table["subgroup"].isin(["overall", "age"])]
    wide = rows.pivot(index="level", columns="estimand", values="estimate").dropna(
        subset=["mae", "mae_most"]
    )
    assert (wide["mae_to_interval"] <= wide["mae"] + 1e-9).all()
    assert (wide["mae"] <= wide["mae_most"] + 1e-9).all()
    assert (wide["mean_error_least"] <= wide["mean_error"]).all()
    assert (wide["mean_error"] <= wide["mean_error_most"]).all()


def test_one_newton_step_in_a_draw_is_nearly_a_new_fit():
    from fahrstats.resampling import draw_counts

    data = simulate(6, 1500)
    result = fs.age_accuracy(
        ["face"], data, age=("age_low", "age_high"), n_boot=20, seed=9
    )
    is_mae = (result.table["estimand"] == "mae").to_numpy()
    spread = result.draws[:, is_mae].std(axis=0)
    for b, draw in enumerate(draw_counts(9, 20, 1500)[:4]):
        repeated = data.loc[np.repeat(np.arange(1500), draw())]
        again = fs.age_accuracy(
            ["face"], repeated, age=("age_low", "age_high"), n_boot=20
        )
        new = again.table.loc[again.table["estimand"] == "mae", "estimate"]
        off = np.abs(result.draws[b, is_mae] - new)
        assert (off < 0.2 * spread).all()


def test_bands_beyond_the_oldest_class_are_joined_and_wide_intervals_apart():
    data = simulate(7, 400)
    data.loc[:9, ENDS] = [15.0, 35.0]
    data.loc[10, "age_high"] = np.nan
    result = fs.age_accuracy(
        ["face", "other"], data, age=("age_low", "age_high"), by=["sex"], n_boot=40
    )
    table = check_table(result.tidy())
    assert result.bands[-2:] == ("70+", "across bands")
    assert result.n_dropped == 1
    across = table[(table["level"] == "across bands") & (table["estimand"] == "mae")]
    assert set(across["n"]) == {10}
    macro = table[(table["subgroup"] == "overall") & (table["estimand"] == "macro_mae")]
    assert set(macro["n"]) == {389}
    assert macro["note"].str.startswith("mean over 8 of 8 cells").all()
    endless = table[(table["estimand"] == "mae_most") & table["estimate"].isna()]
    assert set(endless["level"]) == {"overall", "70+", "man", "woman"}
    assert endless["note"].str.contains("some ages have no upper limit").all()
    assert "medians" not in set(table["estimand"])
    contrast = result.contrasts(estimand="mae_to_interval")
    assert len(contrast) == 1
    assert "true ages are known to intervals" in str(result)


@pytest.mark.parametrize(
    ("change", "age", "message"),
    [
        (
            {"age_high": 1.0},
            ("age_low", "age_high"),
            "`age_high` is below `age_low` in",
        ),
        (
            {"age_high": 200.0},
            ("age_low", "age_high"),
            "`age_high` is outside 0 to 125",
        ),
        ({"age_low": -1.0}, ("age_low", "age_high"), "`age_low` is outside 0 to 125"),
        ({}, ("age_low", "age_low"), "give one column, or two different ones"),
        ({}, ("age_low", "face"), "`face` is both a predicted age and the true one"),
    ],
)
def test_bad_intervals_are_refused(change, age, message):
    with pytest.raises(DataError, match=message):
        fs.age_accuracy(["face"], simulate(8, 50).assign(**change), age=age)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["normal", "laplace"])
@pytest.mark.parametrize("slope", [0.7, 0.85, 1.0])
def test_the_likelihood_recovers_the_error_and_midpoints_do_not(noise, slope):
    """True age is not logistic given the prediction here: the model is wrong."""
    data = simulate(10, 10_000, slope, noise)
    table = fs.age_accuracy(["face"], data, age=("age_low", "age_high"), n_boot=20)
    found = of_everyone(table.tidy())
    error = data["face"] - data["age"]
    mae = error.abs().mean()
    off = abs(found["mae"] / mae - 1)
    middle = (data["age_low"] + data["age_high"].replace(np.inf, 80)) / 2
    off_by_midpoint = abs((data["face"] - middle).abs().mean() / mae - 1)
    assert off < (0.04 if slope < 1 else 0.09)
    assert off < off_by_midpoint
    assert found["mean_error"] == pytest.approx(error.mean(), abs=0.12)
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=0.03)


@pytest.mark.slow
def test_intervals_cover_where_the_model_holds():
    """Age is logistic given the prediction; the truth is that of a large sample."""
    covered, n_sim = 0, 200

    def draw(seed: int, n: int) -> pd.DataFrame:
        rng = np.random.default_rng([7, seed])
        face = rng.uniform(5, 75, n)
        age = (face + rng.logistic(2, 3, n)).clip(0, 124)
        low, high = classify(age)
        return pd.DataFrame(
            {"face": face, "age": age, "age_low": low, "age_high": high}
        )

    large = draw(10**6, 400_000)
    truth = (large["face"] - large["age"]).abs().mean()
    for seed in range(n_sim):
        result = fs.age_accuracy(
            ["face"], draw(seed, 400), age=("age_low", "age_high"), n_boot=200
        )
        row = result.tidy().iloc[0]
        assert row["estimand"] == "mae"
        covered += row["conf_low"] <= truth <= row["conf_high"]
    assert abs(covered / n_sim - 0.95) < 3 * np.sqrt(0.05 * 0.95 / n_sim)

"""Predicted age by true age and the reverse: closed forms, twins, simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.kernels.natural_spline import natural_spline
from fahrstats.resampling import draw_counts

TWIN_RTOL = 1e-9
"""Normal equations of an orthonormal basis against least squares of a raw one."""

KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)


def simulate(seed: int, n: int = 400) -> pd.DataFrame:
    """Make photos whose predictions bend over the ages; exact and in decades."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(5, 85, n)
    return pd.DataFrame(
        {
            "age": age,
            "face": true_curve(age) + rng.normal(0, 4, n),
            "low": 10 * (age // 10),
            "high": 10 * (age // 10) + 10,
            "person": rng.integers(0, n // 2, n),
        }
    )


def true_curve(age: np.ndarray) -> np.ndarray:
    return 20 + 60 / (1 + np.exp((45 - age) / 16))


def curve(table: pd.DataFrame, estimand: str) -> pd.DataFrame:
    return table[table["estimand"] == estimand].reset_index(drop=True)


def spline_of(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the twin's basis: centred and scaled, as least squares needs no more."""
    z, t = (x - 40) / 20, (knots - 40) / 20
    return np.column_stack([np.ones_like(z), natural_spline(z, t)])


def test_a_line_is_found_exactly():
    age = np.linspace(20, 60, 50)
    data = pd.DataFrame({"age": age, "face": 10 + 0.7 * age})
    table = check_table(fs.age_accuracy(["face"], data, n_boot=20).calibration())
    on = curve(table, "mean_predicted")
    assert set(on["variable"]) == {"age"}
    np.testing.assert_allclose(on["value"], np.arange(21, 60))
    np.testing.assert_allclose(on["estimate"], 10 + 0.7 * on["value"], rtol=1e-9)
    back = curve(table, "mean_age")
    assert set(back["variable"]) == {"face"}
    np.testing.assert_allclose(back["estimate"], (back["value"] - 10) / 0.7, rtol=1e-9)


@pytest.mark.parametrize(
    ("estimand", "x", "y"),
    [("mean_predicted", "age", "face"), ("mean_age", "face", "age")],
)
def test_curves_and_their_draws_are_least_squares_of_repeated_rows(estimand, x, y):
    data = simulate(1)
    result = fs.age_accuracy(["face"], data, subject="person", n_boot=20, seed=3)
    on = result.curves.table["estimand"] == estimand
    places = result.curves.table.loc[on, "value"].to_numpy()
    cluster = pd.factorize(data["person"])[0].astype(np.int64)
    draws = draw_counts(3, 20, len(data), cluster=cluster)
    knots = np.quantile(data[x], KNOTS)
    for b in (None, 0, 19):
        counts = np.ones(len(data), np.int64) if b is None else draws[b]()
        rows = data.loc[np.repeat(np.arange(len(data)), counts)]
        fitted = np.linalg.lstsq(
            spline_of(rows[x].to_numpy(), knots), rows[y].to_numpy()
        )[0]
        ours = (
            result.curves.table["estimate"] if b is None else result.curves.draws[b]
        )[on]
        np.testing.assert_allclose(
            ours, spline_of(places, knots) @ fitted, rtol=TWIN_RTOL
        )


def test_ages_known_to_decades_give_nearly_the_curves_of_exact_ones():
    data = simulate(2, 6000)
    exact = fs.age_accuracy(["face"], data, n_boot=20).calibration()
    within = fs.age_accuracy(
        ["face"], data, age=("low", "high"), n_boot=20
    ).calibration()
    for estimand in ("mean_predicted", "mean_age"):
        ours, theirs = curve(within, estimand), curve(exact, estimand)
        assert (ours["note"] == "ages known to intervals, by likelihood").all()
        both = ours.merge(theirs, on="value", suffixes=("", "_exact"))
        assert len(both) > 40
        # Photos within a tenth of a year of each other, and most within half a year.
        gap = (both["estimate"] - both["estimate_exact"]).abs()
        assert gap.max() < 1.5
        assert gap.median() < 0.4


def test_intervals_that_do_not_tell_have_no_curve():
    data = simulate(3, 60).assign(low=0.0, high=100.0)
    table = check_table(
        fs.age_accuracy(["face"], data, age=("low", "high"), n_boot=20).calibration()
    )
    assert table["estimate"].isna().all()
    assert table["note"].str.startswith("not estimated: intervals do not tell").all()


def test_a_corrected_age_has_no_curve():
    data = simulate(4).assign(fair=lambda d: d["face"] - 0.1 * d["age"])
    table = fs.age_accuracy(
        ["face", "fair"], data, corrected={"fair": "face"}, n_boot=20
    ).calibration()
    refused = table[table["model"] == "fair"]
    assert refused["estimate"].isna().all()
    assert refused["note"].str.startswith("not estimated: `fair` was corrected").all()
    assert table.loc[table["model"] == "face", "estimate"].notna().all()


@pytest.mark.parametrize(
    "age",
    [
        [40.0] * 30,  # everyone is as old
        [40.0] * 29 + [41.0],
        [20.0, 30, 40],
        [30.0] * 10 + [60.0] * 10,  # two ages carry a line and no curve
    ],
)
def test_few_ages_have_simpler_curves(age):
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"age": age, "face": rng.normal(40, 5, len(age))})
    on = curve(fs.age_accuracy(["face"], data, n_boot=30).calibration(), "mean_age")
    assert np.isfinite(on["estimate"]).all()
    by_age = curve(
        fs.age_accuracy(["face"], data, n_boot=30).calibration(), "mean_predicted"
    )
    means = data.groupby("age")["face"].mean()
    if len(means) == 1:
        assert by_age["estimate"].item() == pytest.approx(means.item())
    assert np.isfinite(by_age["estimate"]).all()


@pytest.mark.parametrize("n", [2, 3])
def test_two_or_three_people_have_curves(n):
    data = pd.DataFrame({"age": [20.0, 50, 80][:n], "face": [25.0, 47, 71][:n]})
    table = fs.age_accuracy(["face"], data, n_boot=200).calibration()
    assert np.isfinite(table["estimate"]).all()
    assert set(table["note"]) == {"fewer than 20 people"}


def test_joint_limits_hold_the_pointwise_ones():
    table = fs.age_accuracy(["face"], simulate(5), n_boot=400).calibration()
    joint = table["joint_high"] - table["joint_low"]
    alone = table["conf_high"] - table["conf_low"]
    assert (joint > alone).mean() > 0.95
    assert (joint / alone).median() < 1.6


@pytest.mark.slow
def test_a_whole_curve_is_held_as_often_as_its_limits_say():
    """100 cohorts, two photos of each of 150 people, errors of a person alike."""
    n_sim, held, covered = 100, 0, []
    for seed in range(n_sim):
        rng = np.random.default_rng([20240607, seed])
        age = np.repeat(rng.uniform(5, 85, 150), 2)
        own = np.repeat(rng.normal(0, 3, 150), 2)
        data = pd.DataFrame({"age": age, "person": np.repeat(np.arange(150), 2)})
        data["face"] = 12 + 0.75 * age + own + rng.normal(0, 3, 300)
        table = fs.age_accuracy(["face"], data, subject="person", n_boot=200, seed=seed)
        on = curve(table.calibration(), "mean_predicted")
        truth = 12 + 0.75 * on["value"]
        held += (on["joint_low"] <= truth).all() and (truth <= on["joint_high"]).all()
        covered.append(((on["conf_low"] <= truth) & (truth <= on["conf_high"])).mean())
    margin = 3 * np.sqrt(0.05 * 0.95 / n_sim)
    assert abs(held / n_sim - 0.95) < margin
    assert abs(np.mean(covered) - 0.95) < margin

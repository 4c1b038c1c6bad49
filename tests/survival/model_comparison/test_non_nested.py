"""Models that are not nested: against formulas written out, and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import chi2
from tables import check_table

import fahrstats as fs
from fahrstats.survival.model_comparison.non_nested import weighted_chi_squared_sf

OUTCOME = "Surv(time, event) ~ "
TWIN_RTOL = 1e-9  # a twin by loops, from coefficients that an iteration found
TALBOT_ATOL = 1e-11


def cohort(seed: int, n: int = 300, *, effect: float = 0.5) -> pd.DataFrame:
    """Two markers of one hidden risk, equally good, with tied times."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    death = rng.exponential(np.exp(-effect * hidden))
    censoring = rng.exponential(2.0, n)
    return pd.DataFrame(
        {
            "time": np.ceil(20 * np.minimum(death, censoring)),
            "event": death <= censoring,
            "a": hidden + rng.normal(size=n),
            "b": hidden + rng.normal(size=n),
            "noise": rng.normal(size=n),
        }
    )


def contributions_by_hand(data: pd.DataFrame, term: str) -> np.ndarray:
    """Breslow's contributions: delta (eta - log S0) - r Lambda, row by row."""
    fit = fs.cox(OUTCOME + term, data, ties="breslow")
    eta = (data[term] * fit.log_hr[0]).to_numpy()
    time, event = data["time"].to_numpy(), data["event"].to_numpy()
    risk = np.exp(eta)
    total = np.array([risk[time >= t].sum() for t in time])
    hazard = np.array([(event / total)[time <= t].sum() for t in time])
    return event * (eta - np.log(total)) - risk * hazard


def rows_of(table: pd.DataFrame, estimand: str) -> dict[str, object]:
    (row,) = table[table["estimand"] == estimand].to_dict("records")
    return row


def test_the_test_is_that_of_contributions_by_hand():
    data = cohort(1)
    models = {"a": OUTCOME + "a", "b": OUTCOME + "b"}
    table = check_table(fs.compare(models, data, ties="breslow").tidy())
    difference = contributions_by_hand(data, "b") - contributions_by_hand(data, "a")
    row = rows_of(table, "delta_log_likelihood")
    assert row["term"] == "b - a"
    assert row["estimate"] == pytest.approx(difference.sum(), rel=TWIN_RTOL)
    spread = np.sqrt(np.square(difference - difference.mean()).sum())
    assert row["std_error"] == pytest.approx(spread, rel=TWIN_RTOL)
    assert row["statistic"] == pytest.approx(difference.sum() / spread, rel=TWIN_RTOL)


def test_the_order_of_tied_rows_is_immaterial():
    data = cohort(2)
    models = {"a": OUTCOME + "a", "b": OUTCOME + "b"}
    found = fs.compare(models, data).tidy()
    again = fs.compare(models, data.sample(frac=1, random_state=1)).tidy()
    pd.testing.assert_frame_equal(found, again, rtol=1e-8)


def test_repeated_rows_as_clusters_leave_the_test_of_single_rows():
    data = cohort(3).assign(who=np.arange(300))
    twice = pd.concat([data, data], ignore_index=True)
    models = {"a": OUTCOME + "a", "b": OUTCOME + "b"}
    once = rows_of(
        fs.compare(models, data, ties="breslow").tidy(), "delta_log_likelihood"
    )
    both = rows_of(
        fs.compare(models, twice, ties="breslow", cluster="who").tidy(),
        "delta_log_likelihood",
    )
    assert both["estimate"] == pytest.approx(2 * once["estimate"], rel=1e-8)
    assert both["statistic"] == pytest.approx(once["statistic"], rel=1e-8)


def test_nested_models_have_new_information_instead():
    data = cohort(4)
    comparison = fs.compare({"a": OUTCOME + "a", "both": OUTCOME + "a + b"}, data)
    table = check_table(comparison.tidy())
    assert "delta_log_likelihood" not in set(table["estimand"])
    row = rows_of(table, "new_information")
    low, high = comparison.fits
    assert row["term"] == "both - a"
    expected = 1 - low.lr_statistic / high.lr_statistic
    assert row["estimate"] == pytest.approx(expected, rel=1e-10)
    assert "New information" in str(comparison)


def test_the_error_of_new_information_is_that_of_the_jackknife():
    data = cohort(5, 150)
    models = {"a": OUTCOME + "a", "both": OUTCOME + "a + b"}
    row = rows_of(fs.compare(models, data).tidy(), "new_information")
    left_out = [
        rows_of(fs.compare(models, data.drop(index=i)).tidy(), "new_information")
        for i in data.index
    ]
    spread = np.array([other["estimate"] for other in left_out])
    jackknife = np.sqrt(np.square(spread - spread.mean()).sum())
    assert row["std_error"] == pytest.approx(jackknife, rel=0.05)


def test_models_that_cannot_be_told_apart_are_said_to_be():
    data = cohort(6, effect=0.0)
    models = {"a": OUTCOME + "a", "b": OUTCOME + "noise"}
    comparison = fs.compare(models, data)
    row = rows_of(comparison.tidy(), "delta_log_likelihood")
    assert row["note"].startswith("the data do not tell the models apart")
    assert "the data do not tell the models apart" in str(comparison)


def test_models_with_equal_contributions_have_no_test():
    data = cohort(7).assign(c=lambda d: 2 * d["a"])
    table = fs.compare({"a": OUTCOME + "a", "c": OUTCOME + "c"}, data).tidy()
    assert not {"delta_log_likelihood", "new_information"} & set(table["estimand"])


@pytest.mark.parametrize("df", [1, 2, 3, 10])
@pytest.mark.parametrize("x", [0.01, 1.0, 5.0, 40.0])
def test_equal_weights_give_the_chi_squared_distribution(df, x):
    found = weighted_chi_squared_sf(3 * x, np.full(df, 3.0))
    assert found == pytest.approx(chi2.sf(x, df), abs=TALBOT_ATOL)


@pytest.mark.parametrize("x", [0.5, 3.0, 20.0])
def test_unequal_weights_give_the_convolution(x):
    """Of 5 chi-squared(1) and 0.1 chi-squared(2), integrated over the first."""
    inner, _ = quad(
        lambda u: chi2.sf((x - 5 * u**2) / 0.1, 2) * 2 * u * chi2.pdf(u**2, 1),
        0,
        np.sqrt(x / 5),
        epsabs=1e-12,
    )
    wanted = chi2.sf(x / 5, 1) + inner
    found = weighted_chi_squared_sf(x, np.array([5.0, 0.1, 0.1]))
    assert found == pytest.approx(wanted, abs=1e-9)


@pytest.mark.slow
def test_under_the_null_both_tests_keep_their_size():
    """400 cohorts: Fine's test where models differ, else the variance test.

    Three Monte Carlo standard errors around 5% are 1.7% to 8.3%.
    """
    rejections, variances = [], []
    for seed in range(400):
        table = fs.compare(
            {"a": OUTCOME + "a", "b": OUTCOME + "b"}, cohort(seed, effect=1.0)
        ).tidy()
        rejections.append(rows_of(table, "delta_log_likelihood")["p_value"] < 0.05)
        same = fs.compare(
            {"a": OUTCOME + "a", "b": OUTCOME + "noise"}, cohort(seed, effect=0.0)
        ).tidy()
        name = "variance_of_delta_log_likelihood"
        variances.append(rows_of(same, name)["p_value"] < 0.05)
    assert 0.017 < np.mean(rejections) < 0.083
    assert 0.017 < np.mean(variances) < 0.083

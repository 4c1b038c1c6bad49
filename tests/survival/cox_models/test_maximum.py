"""Exact ties and offsets in whole fits: closed forms, and what leaves them alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from scipy.stats import hypergeom
from simulated import simulate, spared

import fahrstats as fs
from fahrstats.errors import DataError, ResultWarning

CLOSED_RTOL = 1e-8  # closed form through an iteration
FORMULA = "Surv(time, event) ~ x + z"


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1)


def discrete(data: pd.DataFrame) -> pd.DataFrame:
    """Follow-up in a few periods."""
    return data.assign(
        time=np.ceil(data["time"] / 12), entry=np.floor(data["entry"] / 12)
    )


# --------------------------------------------------------------- exact ties


@pytest.mark.parametrize("counts", [(5, 9, 12, 4), (1, 20, 7, 13), (3, 3, 3, 3)])
def test_one_time_is_the_exact_odds_ratio_of_a_table(counts):
    """Fisher's conditional estimate: the sum in the exposed equals its expectation."""
    cases_1, cases_0, others_1, _ = counts
    n = sum(counts)
    x = np.repeat([1, 0, 1, 0], counts)
    event = np.repeat([1, 1, 0, 0], counts)
    table = pd.DataFrame({"time": np.where(event, 1, 2), "event": event, "x": x})
    fit = fs.cox("Surv(time, event) ~ x", table, ties="exact")
    k, exposed, d = np.arange(n + 1), cases_1 + others_1, cases_1 + cases_0
    weight = hypergeom.pmf(k, n, exposed, d) * np.exp(fit.log_hr[0] * k)
    mean = (k * weight).sum() / weight.sum()
    assert mean == pytest.approx(cases_1, rel=CLOSED_RTOL)
    variance = ((k - mean) ** 2 * weight).sum() / weight.sum()
    assert fit.cov[0, 0] == pytest.approx(1 / variance, rel=CLOSED_RTOL)
    if counts == (3, 3, 3, 3):
        assert fit.log_hr[0] == pytest.approx(0, abs=1e-10)


def test_matched_pairs_are_a_logistic_regression_of_differences():
    """One case and one control a stratum: logit without intercept on the difference."""
    rng = np.random.default_rng(3)
    pairs = 80
    x = rng.normal(size=(pairs, 2))
    is_first = rng.random(pairs) < 1 / (1 + np.exp(-(x[:, 0] - x[:, 1])))
    rows = pd.DataFrame(
        {
            "time": np.column_stack([2 - is_first, 1 + is_first]).ravel(),
            "event": np.column_stack([is_first, ~is_first]).ravel().astype(int),
            "x": x.ravel(),
            "pair": np.repeat(np.arange(pairs), 2),
        }
    )
    fit = fs.cox("Surv(time, event) ~ x", rows, strata="pair", ties="exact")
    difference = np.where(is_first, 1, -1) * (x[:, 0] - x[:, 1])
    fitted = 1 / (1 + np.exp(-fit.log_hr[0] * difference))
    assert (difference * (1 - fitted)).sum() == pytest.approx(0, abs=1e-8)
    assert fit.log_likelihood == pytest.approx(np.log(fitted).sum(), rel=1e-10)


def test_without_ties_all_treatments_agree(data):
    data = data.assign(time=data["time"].rank(method="first"))
    fits = [fs.cox(FORMULA, data, ties=t) for t in ("efron", "breslow", "exact")]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.log_hr, fits[0].log_hr, rtol=1e-9)
        np.testing.assert_allclose(fit.cov, fits[0].cov, rtol=1e-8)
        assert fit.log_likelihood == pytest.approx(fits[0].log_likelihood, rel=1e-12)
        assert fit.score_statistic == pytest.approx(fits[0].score_statistic, rel=1e-9)


def test_splitting_follow_up_changes_no_exact_fit(data):
    data = discrete(data)
    cut = np.floor((data["entry"] + data["time"]) / 2)
    is_cut = (cut > data["entry"]) & (cut < data["time"])
    assert is_cut.any()
    early = data[is_cut].assign(time=cut[is_cut], event=False)
    split = pd.concat([early, data.assign(entry=data["entry"].where(~is_cut, cut))])
    formula = "Surv(entry, time, event) ~ x + z"
    whole = fs.cox(formula, data, strata="site", ties="exact")
    again = fs.cox(formula, split, strata="site", ties="exact")
    np.testing.assert_allclose(again.log_hr, whole.log_hr, rtol=1e-9)
    assert again.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)


def test_entry_at_zero_is_no_delayed_entry(data):
    """One walk down in time, and risk sets built anew, give the same."""
    data = discrete(data).assign(entry=0)
    plain = fs.cox(FORMULA, data, ties="exact", strata="site")
    delayed = fs.cox(
        "Surv(entry, time, event) ~ x + z", data, ties="exact", strata="site"
    )
    np.testing.assert_allclose(delayed.log_hr, plain.log_hr, rtol=1e-10)
    np.testing.assert_allclose(delayed.cov, plain.cov, rtol=1e-9)


def test_columns_that_repeat_others_are_named_with_exact_ties(data):
    data = discrete(data).assign(twin=lambda d: 2 * d["x"] + 1)
    fit = fs.cox("Surv(time, event) ~ x + twin + z", data, ties="exact")
    assert [a.equals for a in fit.aliased] == ["`twin` = 2 x `x` + 1"]
    plain = fs.cox(FORMULA, data, ties="exact")
    np.testing.assert_allclose(fit.log_hr[[0, 2]], plain.log_hr, rtol=1e-8)


def test_a_level_without_events_is_infinite_with_exact_ties(data):
    data = spared(discrete(data))
    fit = fs.cox("Surv(time, event) ~ x + spared", data, ties="exact")
    (monotone,) = fit.monotone
    assert monotone.log_hr == -np.inf
    assert fit.firth == ()
    rest = fs.cox("Surv(time, event) ~ x", data[data["spared"] == 0], ties="exact")
    assert fit.log_likelihood == pytest.approx(rest.log_likelihood, rel=1e-8)
    alone = fs.cox("Surv(time, event) ~ x", data, ties="exact")
    assert monotone.lr_statistic == pytest.approx(
        2 * (rest.log_likelihood - alone.log_likelihood), rel=1e-7
    )
    assert fit.tidy()["estimand"].tolist() == ["log_hr", "log_hr"]


@pytest.mark.parametrize("seed", range(25))
def test_exact_fits_are_infinite_where_a_linear_program_says_so(seed):
    """Events need not lead each other: only those who stay without the event."""
    rng = np.random.default_rng(seed)
    n = 9
    rows = pd.DataFrame(
        {
            "time": rng.integers(1, 3, n),
            "event": rng.random(n) < 0.6,
            "x": rng.integers(0, 4, n),
            "z": rng.integers(0, 3, n),
        }
    )
    rows.loc[0, ["time", "event"]] = 1, True
    rows.loc[1, "time"] = 2
    X = rows[["x", "z"]].to_numpy(float)
    pairs = [
        X[k] - X[i]
        for i in np.flatnonzero(rows["event"])
        for k in range(n)
        if rows["time"][k] >= rows["time"][i]
        and not (rows["event"][k] and rows["time"][k] == rows["time"][i])
    ]
    pairs = np.array(pairs).reshape(-1, 2)
    with pytest.warns(ResultWarning):
        fit = fs.cox(FORMULA, rows, ties="exact")
    if fit.aliased:
        return
    for j in range(2):
        reach = [
            -linprog(
                -sign * np.eye(2)[j],
                A_ub=pairs,
                b_ub=np.zeros(len(pairs)),
                bounds=[(-1, 1)] * 2,
            ).fun
            > 1e-6
            for sign in (1, -1)
        ]
        assert np.isinf(fit.log_hr[j]) == any(reach)


# ------------------------------------------------------------------ offsets


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_an_offset_at_the_estimate_changes_nothing(data, ties):
    """With the fitted effect of z as offset, x has the same coefficient and C."""
    data = discrete(data) if ties == "exact" else data
    full = fs.cox(FORMULA, data, ties=ties)
    data = data.assign(known=full.log_hr[1] * data["z"])
    fit = fs.cox("Surv(time, event) ~ x", data, offset="known", ties=ties)
    assert fit.log_hr[0] == pytest.approx(full.log_hr[0], rel=1e-8)
    assert fit.log_likelihood == pytest.approx(full.log_likelihood, rel=1e-12)
    assert fit.c_index == pytest.approx(full.c_index, rel=1e-12)
    difference = (
        fit.augment(data)["linear_predictor"] - (full.augment(data)["linear_predictor"])
    )
    np.testing.assert_allclose(difference, 0, atol=1e-8)


def test_a_constant_offset_is_none(data):
    plain = fs.cox(FORMULA, data, strata="site", weights="w")
    fit = fs.cox(FORMULA, data.assign(c=7.5), strata="site", weights="w", offset="c")
    np.testing.assert_allclose(fit.log_hr, plain.log_hr, rtol=1e-12)
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-14)
    np.testing.assert_allclose(
        fit.augment(data.assign(c=7.5))["linear_predictor"],
        plain.augment(data)["linear_predictor"],
        rtol=1e-10,
        atol=1e-12,
    )


def test_a_model_of_an_offset_alone_ranks_by_it(data):
    data = data.assign(known=data["x"])
    fit = fs.cox("Surv(time, event) ~ 1", data, offset="known")
    assert fit.c_index == pytest.approx(
        fs.concordance("Surv(time, event) ~ x", data).tidy()["estimate"][0]
    )
    assert fit.log_likelihood == fit.log_likelihood_null
    one = fs.cox("Surv(time, event) ~ x", data)
    assert fit.log_likelihood < one.log_likelihood


def test_rows_of_new_data_without_an_offset_have_no_linear_predictor(data):
    data = data.assign(known=data["z"])
    fit = fs.cox("Surv(time, event) ~ x", data, offset="known")
    new = data.iloc[:3].assign(known=[0.5, np.nan, 1])
    predictor = fit.augment(new)["linear_predictor"]
    assert predictor.isna().tolist() == [False, True, False]
    mean_x, mean_known = data["x"].mean(), data["z"].mean()
    wanted = fit.log_hr[0] * (new["x"].iloc[0] - mean_x) + 0.5 - mean_known
    assert predictor.iloc[0] == pytest.approx(wanted, rel=1e-10)
    with pytest.raises(DataError, match="`data` has no column `known`"):
        fit.augment(new.drop(columns="known"))


def test_a_level_without_events_is_infinite_beside_an_offset(data):
    data = spared(data).assign(known=data["z"] / 2)
    fit = fs.cox("Surv(time, event) ~ x + spared", data, offset="known")
    assert [m.term for m in fit.monotone] == ["spared"]
    rest = fs.cox("Surv(time, event) ~ x", data[data["spared"] == 0], offset="known")
    assert fit.log_hr[0] == pytest.approx(rest.log_hr[0], rel=1e-7)

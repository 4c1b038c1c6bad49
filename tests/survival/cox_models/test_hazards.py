"""Cox models: closed forms, properties, columns without an estimate, results."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from brute_force import find_denominators, likelihood
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import chi2
from simulated import simulate, spared
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import ConvergenceError, DataError, FormulaError, ResultWarning

CLOSED_RTOL = 1e-8  # closed form through an iteration
SAME_RTOL = 1e-9  # two fits of one likelihood, each within 1e-10 of its maximum
LIMIT_RTOL = (
    1e-7  # a likelihood with one coefficient held at 30 is 1e-12 from its limit
)
FORMULA = "Surv(time, event) ~ x + z"


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1)


def assert_same(a: fs.CoxFit, b: fs.CoxFit, *, rtol: float = SAME_RTOL) -> None:
    """Assert equal estimates, covariance and likelihood."""
    np.testing.assert_allclose(a.log_hr, b.log_hr, rtol=rtol, atol=1e-11)
    size = np.sqrt(np.outer(np.diag(a.cov), np.diag(a.cov)))
    np.testing.assert_allclose(b.cov / size, a.cov / size, rtol=rtol, atol=rtol)
    assert b.log_likelihood == pytest.approx(a.log_likelihood, rel=1e-12)


# ---------------------------------------------------------------- closed forms


def test_breslow_solution_is_exact():
    """Six rows and one missing value, solved by hand: beta = log(3/2 + sqrt(33)/2)."""
    data = pd.DataFrame(
        {
            "time": [9, 3, 1, 1, 6, 6, 8.0],
            "event": [1, None, 1, 0, 1, 1, 0],
            "x": [0, 2, 1, 1, 1, 0, 0],
        }
    )
    with pytest.warns(ResultWarning):
        fit = fs.cox("Surv(time, event) ~ x", data, ties="breslow")
    assert fit.log_hr[0] == pytest.approx(
        np.log(1.5 + np.sqrt(33) / 2), rel=CLOSED_RTOL
    )
    assert (fit.n, fit.n_events, fit.n_dropped) == (6, 4, 1)


def test_efron_solution_is_exact():
    """Style guide's six rows: the gradient of Efron's likelihood, written by hand."""
    data = pd.DataFrame(
        {
            "time": [9.0, 1, 1, 6, 6, 8],
            "event": [1, 1, 0, 1, 1, 0],
            "x": [0, 1, 1, 1, 0, 0],
        }
    )

    def gradient(beta):
        r = np.exp(beta)
        return 2 - 3 * r / (3 * r + 3) - r / (r + 3) - (r / 2) / (r / 2 + 5 / 2)

    with pytest.warns(ResultWarning):
        fit = fs.cox("Surv(time, event) ~ x", data)
    wanted = brentq(gradient, 0, 5, xtol=1e-15)
    assert fit.log_hr[0] == pytest.approx(wanted, rel=CLOSED_RTOL)


def test_three_rows_are_exact():
    """Events in turn with x = 1, 0, 1: the maximum is at exp(2 beta) = 1/2."""
    data = pd.DataFrame({"time": [1.0, 2, 3], "event": 1, "x": [1.0, 0, 1]})
    with pytest.warns(ResultWarning):
        fit = fs.cox("Surv(time, event) ~ x", data)
    assert fit.log_hr[0] == pytest.approx(-np.log(2) / 2, rel=CLOSED_RTOL)
    assert fit.monotone == ()


def test_the_score_test_of_two_groups_is_the_log_rank_test(data):
    """Without ties, the score test of a Cox model is the log-rank statistic."""
    data = data.assign(time=data["time"].rank(method="first"))
    fit = fs.cox("Surv(time, event) ~ z", data)
    ordered = data.sort_values("time")
    at_risk = np.arange(len(data), 0, -1)
    share = ordered["z"].to_numpy()[::-1].cumsum()[::-1] / at_risk
    events = ordered["event"].to_numpy()
    excess = (ordered["z"] - share)[events].sum()
    variance = (share * (1 - share))[events].sum()
    assert fit.score_statistic == pytest.approx(excess**2 / variance, rel=1e-11)


def test_estimates_maximise_the_written_out_likelihood(data):
    fit = fs.cox("Surv(entry, time, event) ~ x + z", data, strata="site", weights="w")
    kept = data[data["entry"] < data["time"]]
    columns = {name: kept[name].to_numpy() for name in ("time", "event", "entry")}
    weights, X = kept["w"].to_numpy(float), kept[["x", "z"]].to_numpy()
    strata = pd.factorize(kept["site"])[0]
    parts = find_denominators(**columns, strata=strata, weights=weights)
    there = likelihood(X, fit.log_hr, parts, event=columns["event"], weights=weights)
    assert fit.log_likelihood == pytest.approx(there.value, rel=1e-12)
    np.testing.assert_allclose(
        np.linalg.solve(there.information, there.gradient), 0, atol=1e-11
    )
    np.testing.assert_allclose(fit.cov, np.linalg.inv(there.information), rtol=1e-9)
    robust = fs.cox(
        "Surv(entry, time, event) ~ x + z",
        data,
        strata="site",
        weights="w",
        covariance="robust",
    )
    influence = there.residuals @ np.linalg.inv(there.information)
    np.testing.assert_allclose(robust.cov, influence.T @ influence, rtol=1e-9)


# ------------------------------------------------------------------ properties

seeds = st.integers(0, 2**32 - 1)
properties = settings(max_examples=15, suppress_health_check=list(HealthCheck))


@properties
@given(seeds, st.sampled_from(["efron", "breslow"]))
def test_row_order_does_not_matter(seed, ties):
    data = simulate(seed)
    shuffled = data.sample(frac=1, random_state=seed)
    arguments = {"strata": "site", "weights": "w", "ties": ties}
    formula = "Surv(entry, time, event) ~ x + z"
    assert_same(
        fs.cox(formula, data, **arguments), fs.cox(formula, shuffled, **arguments)
    )


@properties
@given(seeds)
def test_names_and_order_of_strata_do_not_matter(seed):
    data = simulate(seed)
    renamed = data.assign(site=data["site"].map({"north": 3, "south": 1.5, "west": 2}))
    assert_same(
        fs.cox(FORMULA, data, strata="site"), fs.cox(FORMULA, renamed, strata="site")
    )


@properties
@given(seeds, st.sampled_from(["efron", "breslow"]))
def test_whole_weights_are_replicated_rows(seed, ties):
    """Exact with Breslow's ties; Efron's approximation weighs tied rows otherwise."""
    data = simulate(seed)
    if ties == "efron":
        data = data.assign(time=data["time"].rank(method="first"))
        data["w"] = data["w"].where(~data["event"], 1)
    replicated = data.loc[data.index.repeat(data["w"])]
    weighted = fs.cox(FORMULA, data, weights="w", ties=ties, strata="site")
    assert_same(weighted, fs.cox(FORMULA, replicated, ties=ties, strata="site"))
    assert not weighted.is_robust


@properties
@given(seeds, st.sampled_from(["efron", "breslow"]))
def test_splitting_follow_up_changes_nothing(seed, ties):
    data = simulate(seed).assign(id=range(120))
    rng = np.random.default_rng(seed)
    cut = np.floor(data["entry"] + rng.random(120) * (data["time"] - data["entry"]))
    is_cut = (cut > data["entry"]) & (cut < data["time"])
    early = data[is_cut].assign(time=cut[is_cut], event=False)
    late = data.assign(entry=data["entry"].where(~is_cut, cut))
    split = pd.concat([early, late])
    formula = "Surv(entry, time, event) ~ x + z"
    whole = fs.cox(formula, data, ties=ties, covariance="robust")
    parts = fs.cox(formula, split, ties=ties, cluster="id")
    assert_same(whole, parts)
    assert parts.n > whole.n
    assert fs.cox(formula, split, ties=ties, id="id").n == parts.n


@properties
@given(
    seeds,
    st.sampled_from([1e-8, 1e-3, 1, 10, 1e8, -1]),
    st.sampled_from([0, 1, -50, 1e3]),
)
def test_units_of_a_covariate_only_change_its_coefficient(seed, scale, shift):
    data = simulate(seed)
    changed = data.assign(x=scale * (data["x"] + shift))
    plain, other = fs.cox(FORMULA, data), fs.cox(FORMULA, changed)
    back = np.array([scale, 1])
    np.testing.assert_allclose(other.log_hr * back, plain.log_hr, rtol=1e-8)
    np.testing.assert_allclose(
        other.cov * np.outer(back, back), plain.cov, rtol=1e-7, atol=1e-12
    )
    assert other.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert other.c_index == pytest.approx(plain.c_index, abs=1e-12)


@properties
@given(seeds)
def test_one_row_per_cluster_is_the_robust_covariance(seed):
    data = simulate(seed).assign(id=range(120))
    by_cluster = fs.cox(FORMULA, data, cluster="id")
    robust = fs.cox(FORMULA, data, covariance="robust")
    np.testing.assert_allclose(by_cluster.cov, robust.cov, rtol=1e-12)
    assert by_cluster.is_robust
    assert robust.is_robust
    assert (by_cluster.n_clusters, robust.n_clusters) == (120, 0)


@properties
@given(seeds)
def test_the_gap_to_age_carries_what_the_score_carries(seed):
    """With age in the model, score and score minus age have one coefficient."""
    data = simulate(seed).rename(columns={"z": "age"})
    rng = np.random.default_rng(seed + 1)
    data["age"] = 60 + 10 * rng.normal(size=120)
    data["faceage"] = data["age"] + 5 * data["x"]
    data["gap"] = data["faceage"] - data["age"]
    face = fs.cox("Surv(time, event) ~ faceage + age", data)
    gap = fs.cox("Surv(time, event) ~ gap + age", data)
    assert gap.log_hr[0] == pytest.approx(face.log_hr[0], rel=1e-10)
    assert gap.log_hr[1] == pytest.approx(face.log_hr.sum(), rel=1e-8)
    assert gap.cov[0, 0] == pytest.approx(face.cov[0, 0], rel=1e-9)
    assert gap.log_likelihood == pytest.approx(face.log_likelihood, rel=1e-13)


@properties
@given(seeds, st.sampled_from([1e-9, 1 / 365.25, 7.0, 1e6]))
def test_the_unit_of_time_does_not_matter(seed, unit):
    data = simulate(seed)
    changed = data.assign(time=unit * data["time"], entry=unit * data["entry"])
    formula = "Surv(entry, time, event) ~ x + z"
    assert_same(fs.cox(formula, data), fs.cox(formula, changed))


def test_times_that_differ_by_rounding_tie(data):
    """Every other row counts its days by another route."""
    years = data["time"] / 365.25
    other = (data["time"] + 1000) / 365.25 - 1000 / 365.25
    assert (years != other).any()
    mixed = data.assign(time=years.where(np.arange(120) % 2 == 0, other))
    assert_same(fs.cox(FORMULA, data), fs.cox(FORMULA, mixed))


@pytest.mark.parametrize("shift", [0.0, 1e9])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_columns_of_any_size_are_estimated_together(data, scale, shift):
    eighths = np.rint(8 * data["x"]) / 8
    changed = data.assign(x=(eighths + shift) * scale, z=(data["z"] - shift) / scale)
    plain = fs.cox(FORMULA, data.assign(x=eighths))
    fit = fs.cox(FORMULA, changed)
    back = np.array([scale, 1 / scale])
    np.testing.assert_allclose(fit.log_hr * back, plain.log_hr, rtol=1e-7)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"strata": "site"},
        {"weights": "w"},
        {"cluster": "site"},
        {"strata": "site", "weights": "fraction"},
    ],
    ids=str,
)
def test_the_c_index_is_the_concordance_of_the_linear_predictor(data, arguments):
    data = data.assign(fraction=data["w"] / 3)
    fit = fs.cox(FORMULA, data, **arguments)
    scored = fit.augment(data)
    direct = fs.concordance("Surv(time, event) ~ linear_predictor", scored, **arguments)
    assert fit.c_index == pytest.approx(direct.c_index[0], rel=1e-12)
    assert fit.c_index_std_error == pytest.approx(np.sqrt(direct.cov[0, 0]), rel=1e-10)


# ------------------------------------------------- columns without an estimate


def test_a_constant_column_is_left_out_and_named(data):
    fit = fs.cox("Surv(time, event) ~ x + k", data.assign(k=7))
    assert_same(
        fs.cox("Surv(time, event) ~ x", data), fs.cox("Surv(time, event) ~ x", data)
    )
    (aliased,) = fit.aliased
    assert (aliased.term, aliased.equals) == ("k", "`k` is 7 in every row")
    row = check_table(fit.tidy()).iloc[1]
    assert np.isnan(row["estimate"])
    assert row["note"] == "aliased: `k` is 7 in every row"
    assert fit.df == 1
    assert "k: aliased: `k` is 7 in every row" in str(fit)


@pytest.mark.parametrize("right", ["group", "C(group)"])
def test_a_factor_with_one_level_is_left_out_and_named(data, right):
    fit = fs.cox(f"Surv(time, event) ~ x + {right}", data.assign(group="only"))
    (aliased,) = fit.aliased
    assert aliased.equals == f"`{right}` has one level, only"
    assert fit.log_hr[0] == fs.cox("Surv(time, event) ~ x", data).log_hr[0]


@pytest.mark.parametrize("strata", [None, "site"])
@pytest.mark.parametrize(
    ("column", "equals"),
    [
        (lambda d: 3 * d["x"] + 2, "`k` = 3 x `x` + 2"),
        (lambda d: 1 - d["z"], "`k` = 1 x `z` + 1"),
        (lambda d: d["x"] + 1e9, "`k` = 1 x `x` + 1e+09"),
        (lambda d: 1e-8 * d["x"], "`k` = 1e-08 x `x`"),
        (lambda d: d["x"] - 2 * d["z"] + 5, "`k` = 1 x `x` - 2 x `z` + 5"),
        (lambda d: 1e8 * (d["x"] + d["z"]), "`k` = 1e+08 x `x` + 1e+08 x `z`"),
    ],
)
def test_a_collinear_column_is_left_out_and_named(data, column, equals, strata):
    equals = equals.replace("`k` = 1 x `z` + 1", "`k` = - 1 x `z` + 1")
    fit = fs.cox(FORMULA + " + k", data.assign(k=column(data)), strata=strata)
    if strata is not None:
        slopes = re.sub(r" \+ [\de+]+$", "", equals)
        equals = f"{slopes}, up to a constant in each stratum"
    assert [(a.term, a.equals) for a in fit.aliased] == [("k", equals)]
    plain = fs.cox(FORMULA, data, strata=strata)
    np.testing.assert_allclose(fit.log_hr[:2], plain.log_hr, rtol=1e-10)
    assert np.isnan(fit.log_hr[2])
    assert fit.df == 2


def test_a_column_constant_within_strata_is_left_out_and_named(data):
    number = data["site"].map({"north": 1, "south": 5, "west": 7})
    fit = fs.cox(FORMULA + " + number", data.assign(number=number), strata="site")
    (aliased,) = fit.aliased
    assert aliased.equals == "`number` is constant within every stratum"


def test_the_same_levels_under_two_names_are_named(data):
    codes = data["site"].map({"north": "1", "south": "2", "west": "3"})
    fit = fs.cox("Surv(time, event) ~ x + site + code", data.assign(code=codes))
    assert [a.equals for a in fit.aliased] == [
        "`code[T.2]` = 1 x `site[T.south]`",
        "`code[T.3]` = 1 x `site[T.west]`",
    ]


def test_several_aliased_columns_are_all_named(data):
    data = data.assign(a=4.0, b=data["x"] * 2, c=1.0)
    fit = fs.cox("Surv(time, event) ~ a + x + b + z + c", data)
    assert [aliased.term for aliased in fit.aliased] == ["a", "b", "c"]
    assert np.isfinite(fit.log_hr).tolist() == [False, True, False, True, False]
    plain = fs.cox(FORMULA, data)
    np.testing.assert_allclose(fit.log_hr[[1, 3]], plain.log_hr, rtol=1e-10)


def test_columns_alike_among_those_at_risk_have_no_information(data):
    """They differ only in rows censored before the first event."""
    first = data.loc[data["event"], "time"].min()
    data = data.assign(event=data["event"] & (data["time"] > first + 2))
    data["twin"] = data["x"].where(data["time"] > first + 1, 0)
    data["early"] = (data["time"] <= first + 1).astype(float)
    assert data["early"].sum() > 0
    fit = fs.cox("Surv(time, event) ~ x + z + twin + early", data)
    assert [aliased.equals for aliased in fit.aliased] == [
        "`twin` repeats others among those at risk at the events",
        "`early` does not vary among those at risk at the events",
    ]


def test_only_aliased_columns_leave_an_empty_model(data):
    fit = fs.cox("Surv(time, event) ~ k", data.assign(k=1))
    assert fit.df == 0
    assert fit.c_index == 0.5
    assert np.isnan(check_glance(fit.glance()).loc[0, "p_value"])
    assert "k: aliased" in str(fit)


def test_no_covariate_is_the_null_model(data):
    fit = fs.cox("Surv(time, event) ~ 1", data)
    assert fit.log_likelihood == fit.log_likelihood_null
    assert check_table(fit.tidy()).empty
    check_glance(fit.glance())
    assert fit.augment(data)["linear_predictor"].eq(0).all()
    assert "120 rows" in str(fit)


# --------------------------------------------------------- monotone likelihood


def held_at(data, held, value, others=()):
    """Twin: log-likelihood with some coefficients held, the others maximised."""
    rows = {name: data[name].to_numpy() for name in ("time", "event")}
    parts = find_denominators(**rows)
    X = data[[*others, *held]].to_numpy(float)
    beta = np.concatenate([np.zeros(len(others)), np.full(len(held), value)])
    q = len(others)
    for _ in range(50):
        there = likelihood(X, beta, parts, event=rows["event"])
        if q:
            beta[:q] += np.linalg.solve(there.information[:q, :q], there.gradient[:q])
    return there.value, beta[:q]


def test_a_level_without_events_is_infinite_and_tested(data):
    data = spared(data)
    fit = fs.cox("Surv(time, event) ~ x + spared", data)
    (monotone,) = fit.monotone
    assert (monotone.term, monotone.log_hr) == ("spared", -np.inf)
    limit, finite = held_at(data, ["spared"], -30, ["x"])
    without, _ = held_at(data, [], 0, ["x"])
    assert fit.log_likelihood == pytest.approx(limit, rel=1e-10)
    assert fit.log_hr[0] == pytest.approx(finite[0], rel=LIMIT_RTOL)
    assert monotone.lr_statistic == pytest.approx(2 * (limit - without), rel=LIMIT_RTOL)
    wanted = chi2.sf(2 * (limit - without), 1)
    assert monotone.p_value == pytest.approx(wanted, rel=LIMIT_RTOL)
    assert fit.df == 2


def test_the_other_coefficients_are_those_without_the_spared_rows(data):
    data = spared(data)
    fit = fs.cox("Surv(time, event) ~ x + z + spared", data)
    rest = fs.cox(FORMULA, data[data["spared"] == 0])
    np.testing.assert_allclose(fit.log_hr[:2], rest.log_hr, rtol=1e-8)
    np.testing.assert_allclose(fit.cov[:2, :2], rest.cov, rtol=1e-7)
    assert np.isnan(fit.cov[2]).all()


def test_a_factor_level_without_events_is_infinite(data):
    group = np.where(spared(data)["spared"] == 1, "spared", data["site"])
    fit = fs.cox("Surv(time, event) ~ x + group", data.assign(group=group))
    assert [(m.term, m.log_hr) for m in fit.monotone] == [("group[T.spared]", -np.inf)]
    assert np.isfinite(fit.log_hr).sum() == 3


def test_a_reference_level_without_events_makes_every_level_infinite(data):
    group = np.where(spared(data)["spared"] == 1, "a reference", data["site"])
    fit = fs.cox("Surv(time, event) ~ x + group", data.assign(group=group))
    assert [(m.term, m.log_hr) for m in fit.monotone] == [
        ("group[T.north]", np.inf),
        ("group[T.south]", np.inf),
        ("group[T.west]", np.inf),
    ]
    assert np.isfinite(fit.log_hr[0])
    assert all(np.isfinite(firth.log_hr) for firth in fit.firth)


def test_several_spared_columns_are_all_infinite(data):
    row = np.arange(len(data))
    data = data.assign(
        a=(~data["event"] & (row % 4 == 0)) * 1.0,
        b=(~data["event"] & (row % 4 == 1)) * 1.0,
        c=-(~data["event"] & (row % 4 == 2)) * 1.0,
    )
    fit = fs.cox("Surv(time, event) ~ a + x + b + c", data)
    assert fit.log_hr[[0, 2, 3]].tolist() == [-np.inf, -np.inf, np.inf]
    limit, finite = held_at(data.assign(c=-data["c"]), ["a", "b", "c"], -30, ["x"])
    assert fit.log_likelihood == pytest.approx(limit, rel=1e-10)
    assert fit.log_hr[1] == pytest.approx(finite[0], rel=LIMIT_RTOL)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_copy_of_follow_up_time_separates_perfectly(data, sign):
    fit = fs.cox("Surv(time, event) ~ z + copy", data.assign(copy=sign * data["time"]))
    assert ("copy", -sign * np.inf) in [(m.term, m.log_hr) for m in fit.monotone]


def test_two_columns_that_separate_together_are_infinite(data):
    noise = 100 * data["x"]
    data = data.assign(a=noise - data["time"], b=-noise)
    fit = fs.cox("Surv(time, event) ~ a + b", data)
    assert [(m.term, m.log_hr) for m in fit.monotone] == [("a", np.inf), ("b", np.inf)]


@pytest.mark.parametrize(
    "arguments", [{"strata": "site"}, {"weights": "w"}, {"ties": "breslow"}], ids=str
)
def test_a_level_without_events_is_infinite_in_every_model(data, arguments):
    fit = fs.cox("Surv(time, event) ~ x + spared", spared(data), **arguments)
    assert fit.log_hr[1] == -np.inf
    rest = fs.cox(
        "Surv(time, event) ~ x", data[spared(data)["spared"] == 0], **arguments
    )
    assert fit.log_hr[0] == pytest.approx(rest.log_hr[0], rel=1e-8)


def test_with_delayed_entry_a_level_without_events_is_infinite(data):
    fit = fs.cox("Surv(entry, time, event) ~ x + spared", spared(data))
    assert fit.log_hr[1] == -np.inf


def test_with_delayed_entry_a_separation_out_of_reach_is_named(data):
    """The smallest gaps of the column are 1e-8 of its range."""
    outlasts = data["time"] + np.where(data["event"], 0, 0.5)
    message = (
        "reached no maximum of the likelihood in 120 rows; along `copy` those with the "
        "event are separated from those at risk with them: leave columns out"
    )
    with pytest.raises(ConvergenceError, match=message):
        fs.cox("Surv(entry, time, event) ~ copy", data.assign(copy=-(outlasts**5)))


@pytest.mark.parametrize("n_spared", [1, 2])
def test_a_rare_level_without_events_is_infinite(n_spared):
    """Its rows are censored so early that hardly an event is expected of them."""
    data = simulate(5, 2000, days=3000)
    early = data.index[~data["event"]][np.argsort(data["time"][~data["event"]])]
    data["rare"] = data.index.isin(early[:n_spared]) * 1.0
    fit = fs.cox("Surv(time, event) ~ x + rare", data)
    if fit.aliased:  # censored before the first event
        assert fit.aliased[0].term == "rare"
    else:
        assert fit.log_hr[1] == -np.inf
        assert fit.monotone[0].p_value > 0.5


@pytest.mark.parametrize("log_hr", [4.0, np.log(1e4), 15.0])
def test_a_large_effect_with_a_maximum_is_finite(log_hr):
    """One event of the low-risk group among those of the high-risk group."""
    rng = np.random.default_rng(7)
    n = 400
    high = np.arange(n) < n // 2
    time = rng.exponential(size=n) * np.where(high, np.exp(-log_hr), 1)
    data = pd.DataFrame({"time": time, "event": True, "high": high * 1.0})
    data.loc[n - 1, "time"] = np.median(time[high])
    fit = fs.cox("Surv(time, event) ~ high", data)
    assert fit.monotone == ()
    assert 3 < fit.log_hr[0] < 20
    assert fit.tidy().loc[0, "std_error"] < 2


@pytest.mark.parametrize("n", [3, 4, 5, 8])
def test_tiny_cohorts_with_a_maximum_are_finite(n):
    """Two rows of the order are exchanged, so no direction separates."""
    x = -np.arange(float(n))
    x[[0, 1]] = x[[1, 0]]
    data = pd.DataFrame({"time": np.arange(1.0, n + 1), "event": 1, "x": x})
    with warnings.catch_warnings(action="ignore", category=ResultWarning):
        fit = fs.cox("Surv(time, event) ~ x", data)
    assert fit.monotone == ()
    rows = {"time": data["time"].to_numpy(), "event": np.ones(n, bool)}
    there = likelihood(
        x[:, None], fit.log_hr, find_denominators(**rows), event=rows["event"]
    )
    assert there.gradient[0] / there.information[0, 0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("outlier", [1e2, 1e4, 1e6])
def test_an_outlier_does_not_make_a_likelihood_monotone(data, outlier):
    first = data["time"].idxmin()
    data.loc[first, ["time", "event", "x"]] = 0.5, True, outlier
    fit = fs.cox("Surv(time, event) ~ x", data)
    rest = fs.cox("Surv(time, event) ~ x", data.drop(index=first))
    assert fit.monotone == ()
    assert fit.log_hr[0] == pytest.approx(rest.log_hr[0], rel=1e-6)


@pytest.mark.parametrize("outlier", [1e7, 1e8, 1e9, 1e10, 1e12])
def test_an_extreme_value_that_hides_the_others_is_refused(data, outlier):
    """Rounding takes the information of the others, so a peak may seem anywhere.

    From 1e9 on Newton's method ends wherever the last digits of the slope lead, on some
    processors with no step left to make; what is left of the information tells.
    """
    data.loc[data["time"].idxmin(), ["time", "event", "x"]] = 0.5, True, outlier
    with pytest.raises(ConvergenceError, match="look for extreme values among `x`"):
        fs.cox("Surv(time, event) ~ x", data)


# --------------------------------------------------------------- arguments, data


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"ties": "discrete"},
            '`ties` is \'discrete\'; choose one of "efron", "breslow", "exact".',
        ),
        (
            {"covariance": "hc3"},
            '`covariance` is \'hc3\'; choose one of "auto", "model", "robust".',
        ),
        ({"strata": "nowhere"}, "`data` has no column `nowhere`."),
        ({"weights": "site"}, "`site` must hold numbers"),
        ({"id": "site"}, "`site` repeats in 117 of 120 rows"),
        ({"cluster": "one"}, "All 120 complete rows are one cluster of `one`"),
    ],
)
def test_wrong_arguments_are_refused(data, arguments, message):
    with pytest.raises(DataError, match=re.escape(message)):
        fs.cox(FORMULA, data.assign(one=1), **arguments)


def test_the_gate_is_passed_first(data):
    with pytest.raises(FormulaError, match="must start with an outcome"):
        fs.cox("time ~ x", data)
    with pytest.raises(DataError, match="must be 0/1 or boolean"):
        fs.cox(FORMULA, data.assign(event=data["event"] + 1))
    with pytest.raises(DataError, match="`data` has no rows"):
        fs.cox(FORMULA, data.iloc[:0])


def test_fractional_weights_ask_for_the_robust_covariance(data):
    data = data.assign(w=data["w"] / 2)
    assert fs.cox(FORMULA, data, weights="w").is_robust
    assert not fs.cox(FORMULA, data, weights="w", covariance="model").is_robust
    assert not fs.cox(FORMULA, data.assign(w=2.0), weights="w").is_robust


def test_clusters_ask_for_the_robust_covariance(data):
    fit = fs.cox(FORMULA, data, cluster="site")
    assert fit.is_robust
    assert fit.n_clusters == 3
    assert not fs.cox(FORMULA, data, cluster="site", covariance="model").is_robust


def test_a_robust_fit_is_tested_by_its_robust_wald_statistic(data):
    fit = fs.cox(FORMULA, data, covariance="robust")
    glance = check_glance(fit.glance()).iloc[0]
    wald = fit.log_hr @ np.linalg.solve(fit.cov, fit.log_hr)
    assert glance["statistic"] == pytest.approx(wald, rel=1e-10)
    assert glance["p_value"] == pytest.approx(chi2.sf(wald, 2), rel=1e-10)
    assert "Likelihood ratio" not in str(fit)
    assert "Wald: chi-squared" in str(fit)


def test_no_more_clusters_than_coefficients_have_no_joint_test(data):
    fit = fs.cox(FORMULA, data.assign(half=data["z"]), cluster="half")
    assert np.isnan(fit.wald_statistic)
    assert np.isnan(fit.glance().loc[0, "p_value"])
    assert "Wald" not in str(fit)


def test_few_events_are_announced_where_the_call_stands(data):
    few = data.assign(event=data["event"] & (data["time"] < 3))
    n_events = int(few["event"].sum())
    assert 0 < n_events < 10
    message = f"{n_events} events for 2 coefficients .*fragile below 5 events a"
    with pytest.warns(ResultWarning, match=message) as caught:
        fs.cox(FORMULA, few)
    assert caught[0].filename == __file__


def test_enough_events_are_not_announced(data):
    with warnings.catch_warnings(action="error"):
        fs.cox(FORMULA, data)


@pytest.mark.parametrize("kind", ["bool", "boolean", "Int64", "Float64", "object"])
def test_truth_values_and_nullable_numbers_are_covariates(data, kind):
    plain = fs.cox(FORMULA, data)
    values = data["z"].astype(bool).astype(kind)
    fit = fs.cox("Surv(time, event) ~ x + z", data.assign(z=values))
    assert fit.terms == plain.terms
    np.testing.assert_allclose(fit.log_hr, plain.log_hr, rtol=1e-12)


@pytest.mark.parametrize("kind", ["object", "category", "string[pyarrow]"])
def test_text_becomes_a_factor_and_its_reference_is_printed(data, kind):
    fit = fs.cox(
        "Surv(time, event) ~ x + site", data.assign(site=data["site"].astype(kind))
    )
    table = check_table(fit.tidy())
    assert table["variable"].tolist() == ["x", "site", "site"]
    assert table["level"].tolist() == ["", "south", "west"]
    assert table["reference"].tolist() == ["", "north", "north"]
    assert "Reference levels: site = north" in str(fit)


def test_rows_left_out_are_counted_and_printed(data):
    data.loc[:2, "x"] = np.nan
    data.loc[2:3, "site"] = None
    data.loc[5, "time"] = 0
    fit = fs.cox("Surv(time, event) ~ x + site", data)
    assert fit.n_dropped == 5
    assert fit.n == 115
    line = (
        "5 rows left out (missing in `x`: 3; missing in `site`: 2; time 0 in `time`: 1)"
    )
    assert line in str(fit)
    assert fit.glance().loc[0, "n_dropped"] == 5


@pytest.mark.parametrize(
    "index", [[0] * 120, [*range(60), *range(60)], range(120, 0, -1)], ids=str
)
def test_index_labels_do_not_matter(data, index):
    plain = fs.cox("Surv(time, event) ~ x + site", data, strata="z")
    fit = fs.cox("Surv(time, event) ~ x + site", data.set_axis(index), strata="z")
    np.testing.assert_array_equal(fit.log_hr, plain.log_hr)
    scored = fit.augment(data.set_axis(index))
    assert list(scored.index) == list(index)


def test_columns_with_spaces_are_quoted(data):
    renamed = data.rename(
        columns={"time": "follow up", "event": "dead?", "x": "a score"}
    )
    fit = fs.cox("Surv(`follow up`, `dead?`) ~ `a score` + z", renamed)
    assert fit.terms == ("a score", "z")
    assert_same(fit, fs.cox(FORMULA, data))
    assert fit.tidy(per={"a score": 10}).loc[0, "per"] == 10
    assert "linear_predictor" in fit.augment(renamed)


def test_data_are_not_modified(data):
    data = data.assign(site=data["site"].astype("category"))
    before = data.copy(deep=True)
    fit = fs.cox(
        "Surv(entry, time, event) ~ x + site",
        data,
        strata="z",
        weights="w",
        cluster="site",
    )
    fit.augment(data)
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.slow
def test_robust_errors_are_right_under_heavy_ties():
    """1,000 cohorts, six distinct times, an omitted covariate: within 5% of the spread.

    The hazard ratio of the omitted covariate makes the model wrong, so that the model's
    own errors are not to be trusted, and ties make those of other packages wrong.
    """
    estimates, errors = [], []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        x, hidden = rng.normal(size=400), rng.normal(size=400)
        death = rng.exponential(np.exp(-0.6 * x - 1.0 * hidden))
        censoring = rng.exponential(2.0, 400)
        data = pd.DataFrame(
            {
                "time": np.minimum(np.ceil(4 * np.minimum(death, censoring)), 6),
                "event": (death <= censoring) & (death < 1.5),
                "x": x,
            }
        )
        fit = fs.cox("Surv(time, event) ~ x", data, covariance="robust")
        estimates.append(fit.log_hr[0])
        errors.append(np.sqrt(fit.cov[0, 0]))
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.05)

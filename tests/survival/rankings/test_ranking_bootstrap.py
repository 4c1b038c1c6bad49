"""Bootstrap of concordance: what is drawn, and the limits that follow."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError
from fahrstats.resampling import draw_counts

FORMULA = "Surv(time, event) ~ age + ph_ecog"
TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order


@pytest.fixture
def complete(lung) -> pd.DataFrame:
    return lung.dropna(subset=["age", "ph_ecog"]).reset_index(drop=True)


@pytest.mark.parametrize(
    "options",
    [{}, {"strata": "sex"}, {"time_weight": "n/G2", "tau": 600}, {"weights": "weight"}],
    ids=str,
)
def test_a_draw_is_the_concordance_of_the_rows_drawn(complete, options):
    fit = fs.concordance(FORMULA, complete, **options)
    boot = fit.bootstrap(complete, n_boot=3, seed=5)
    codes = complete["sex"].to_numpy(int) - 1 if "strata" in options else None
    draws = draw_counts(5, 3, len(complete), strata=codes)
    for found, draw in zip(boot.draws, draws, strict=True):
        drawn = complete.loc[complete.index.repeat(draw())]
        again = fs.concordance(FORMULA, drawn, **options)
        np.testing.assert_allclose(found, again.c_index, rtol=TWIN_RTOL)


def test_results_do_not_depend_on_the_number_of_workers(complete):
    fit = fs.concordance(FORMULA, complete, time_weight="n/G2", tau=600)
    one, three = (
        fit.bootstrap(complete, n_boot=40, seed=1, n_workers=n) for n in (1, 3)
    )
    np.testing.assert_array_equal(one.draws, three.draws)
    other = fit.bootstrap(complete, n_boot=40, seed=2)
    assert (other.draws != one.draws).any()


def test_more_draws_begin_with_the_same_draws(complete):
    fit = fs.concordance(FORMULA, complete)
    few = fit.bootstrap(complete, n_boot=4, seed=1)
    many = fit.bootstrap(complete, n_boot=9, seed=1)
    np.testing.assert_array_equal(many.draws[:4], few.draws)


def test_intervals_of_a_subject_are_drawn_together(cohorts):
    """Each subject on up to three rows, or on one: the same draws of subjects."""
    lung, split = cohorts["lung"], cohorts["lung_split"]
    whole = fs.concordance("Surv(time, event) ~ age", lung)
    cut = fs.concordance("Surv(entry, time, event) ~ age", split, id="subject")
    np.testing.assert_allclose(
        cut.bootstrap(split, n_boot=5, seed=3).draws,
        whole.bootstrap(lung, n_boot=5, seed=3).draws,
        rtol=TWIN_RTOL,
    )


def test_limits_are_quantiles_of_the_draws(complete):
    boot = fs.concordance(FORMULA, complete).bootstrap(complete, n_boot=200, seed=4)
    table = check_table(boot.tidy(conf_level=0.9))
    assert table["term"].tolist() == ["age", "ph_ecog", "age - ph_ecog"]
    assert table["estimand"].tolist() == ["c_index", "c_index", "delta_c_index"]
    delta = boot.draws[:, 0] - boot.draws[:, 1]
    low, high = np.quantile(delta, [0.05, 0.95])
    assert table.loc[2, ["conf_low", "conf_high"]].tolist() == [low, high]
    assert table["std_error"][2] == pytest.approx(delta.std(ddof=1))
    basic = check_table(boot.tidy(interval="basic", conf_level=0.9))
    assert basic["conf_low"][2] == pytest.approx(2 * table["estimate"][2] - high)
    assert basic["note"][0] == "basic limits from 200 draws, seed 4"


def test_the_spread_over_draws_is_the_jackknife_standard_error(cohorts):
    """Within 15%: the spread of 400 draws has a Monte Carlo error of 3.5%."""
    data = cohorts["rotterdam"]
    fit = fs.concordance("Surv(time, event) ~ nodes + age", data)
    boot = fit.bootstrap(data, n_boot=400, seed=6, n_workers=2).tidy()
    wanted = [*np.sqrt(np.diag(fit.cov)), fit.delta_std_error[0, 1]]
    np.testing.assert_allclose(boot["std_error"], wanted, rtol=0.15)


def test_scores_that_rank_alike_differ_by_zero_in_every_draw(complete):
    data = complete.assign(twin=np.exp(complete["ph_ecog"]))
    fit = fs.concordance("Surv(time, event) ~ ph_ecog + twin", data)
    row = fit.bootstrap(data, n_boot=20, seed=1).tidy().iloc[2]
    assert row[["estimate", "std_error", "conf_low", "conf_high"]].tolist() == [0] * 4


def test_draws_without_comparable_pairs_are_counted():
    """Two events in four rows: some draws hold one row only."""
    data = pd.DataFrame({"time": [1.0, 2, 3, 4], "event": [1, 0, 0, 0], "x": range(4)})
    fit = fs.concordance("Surv(time, event) ~ x", data)
    boot = fit.bootstrap(data, n_boot=50, seed=1)
    failed = int(np.isnan(boot.draws).sum())
    assert 0 < failed < 50
    row = check_glance(boot.tidy()).iloc[0]
    assert row["note"].endswith(f"; {failed} without comparable pairs")
    assert row["conf_low"] == 0


def test_rows_left_out_are_not_drawn(lung):
    """Missing scores: the draws are of the complete rows, whatever the index."""
    fit = fs.concordance(FORMULA, lung)
    complete = lung.dropna(subset=["age", "ph_ecog"])
    np.testing.assert_array_equal(
        fit.bootstrap(lung, n_boot=3, seed=2).draws,
        fit.bootstrap(complete, n_boot=3, seed=2).draws,
    )


def test_other_data_are_refused(lung):
    fit = fs.concordance(FORMULA, lung)
    message = r"not those of the concordance: it ranked 227 rows .* these 226 rows"
    with pytest.raises(DataError, match=message):
        fit.bootstrap(lung.iloc[1:], seed=1)
    with pytest.raises(DataError, match="give the data frame that it was estimated"):
        fit.bootstrap(lung.assign(age=lung["age"][::-1].to_numpy()), seed=1)


@pytest.mark.parametrize(("name", "least"), [("n_boot", 2), ("n_workers", 1)])
def test_too_few_draws_or_workers_are_refused(lung, name, least):
    fit = fs.concordance(FORMULA, lung)
    with pytest.raises(DataError, match=f"`{name}` is 0; give a whole number of at"):
        fit.bootstrap(lung, seed=1, **{name: 0})
    with pytest.raises(DataError, match=f"whole number of at least {least}"):
        fit.bootstrap(lung, seed=1, **{name: 2.5})


def test_draws_without_pairs_leave_no_limits():
    """One event among six rows: the two draws of this seed do not hold it."""
    time = np.arange(1.0, 7)
    rows = pd.DataFrame({"time": time, "event": time == 1, "age": time[::-1]})
    boot = fs.concordance("Surv(time, event) ~ age", rows).bootstrap(
        rows, n_boot=2, seed=4
    )
    row = check_table(boot.tidy()).iloc[0]
    assert row[["std_error", "conf_low", "conf_high"]].isna().all()
    assert row["note"].endswith("; 2 without comparable pairs")


def test_unknown_limits_are_refused(complete):
    boot = fs.concordance(FORMULA, complete).bootstrap(complete, n_boot=2, seed=1)
    message = '`interval` is \'bca\'; choose one of "percentile", "basic"'
    with pytest.raises(DataError, match=message):
        boot.tidy(interval="bca")
    with pytest.raises(DataError, match="`conf_level` is 95"):
        boot.tidy(conf_level=95)


def test_the_summary_and_the_figure_show_scores_and_differences(complete, tmp_path):
    boot = fs.concordance(FORMULA, complete).bootstrap(complete, n_boot=20, seed=1)
    text = str(boot)
    assert text == boot.summary()
    assert "20 draws of 227 rows, seed 1" in text
    assert "age - ph_ecog  difference in C -0.0533" in text
    check_glance(boot.glance())
    with mpl.rc_context({"backend": "agg"}):
        boot.plot().save(tmp_path / "c.png", verbose=False, dpi=50)
    assert (tmp_path / "c.png").stat().st_size > 0

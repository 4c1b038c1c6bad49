"""Meta-analysis of cohorts: metafor, cohorts that have no estimate, refusals."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from references import reference_cases
from scipy.special import expit
from scipy.stats import t
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import ConvergenceError, DataError
from fahrstats.kernels.random_effects import fit_reml

mpl.use("agg")

R_RTOL = 1e-6  # REML and the Q profile are iterated in metafor
KARNO = "Surv(time, event) ~ karno + age"


def estimates(y, v, estimand: str = "log_hr") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cohort": [f"cohort {k}" for k in range(1, len(y) + 1)],
            "term": "faceage",
            "estimand": estimand,
            "estimate": y,
            "std_error": np.sqrt(v),
        }
    )


@pytest.fixture
def cells(cohorts) -> dict[str, pd.DataFrame]:
    """Veterans' lung cancer as four cohorts, by cell type."""
    groups = cohorts["veteran"].groupby("celltype", observed=True)
    return {str(name): part for name, part in groups}


def analysed(case, cohorts) -> fs.MetaAnalysis:
    if case.data == "none":
        return fs.meta_estimates(estimates(case.y, case.v))
    groups = cohorts[case.data].groupby(case.by, observed=True)
    parts = {str(name): part for name, part in groups}
    return fs.meta(case.formula, parts, term=case.term, statistic=case.statistic)


@pytest.mark.parametrize("case", reference_cases("cohorts_pooled"), ids=str)
def test_averages_match_metafor(case, cohorts):
    result = analysed(case, cohorts)
    table = check_table(result.tidy())
    rows = table.set_index("estimand")
    estimand = result.estimand
    back = expit if estimand == "c_index" else np.asarray
    k = len(case.y)

    def row(kind: str) -> pd.Series:
        return rows.loc[f"{estimand}_{kind}"]

    expected = [
        (row("random")["estimate"], back(case.random)),
        (row("random")["conf_low"], back(case.low)),
        (row("random")["conf_high"], back(case.high)),
        (row("common")["estimate"], back(case.common)),
        (row("common")["conf_low"], back(case.common_low)),
        (row("common")["conf_high"], back(case.common_high)),
        (row("prediction")["conf_low"], back(case.pi_low)),
        (row("prediction")["conf_high"], back(case.pi_high)),
        (rows.loc["heterogeneity_chi2", "statistic"], case.q),
        (rows.loc["heterogeneity_chi2", "p_value"], case.q_p),
    ]
    for ours, theirs in expected:
        assert ours == pytest.approx(float(theirs), rel=R_RTOL)
    tau_squared = rows.loc["tau_squared"]
    assert tau_squared["estimate"] == pytest.approx(case.tau2, rel=R_RTOL, abs=1e-12)
    assert tau_squared["conf_low"] == pytest.approx(
        case.tau2_low, rel=R_RTOL, abs=1e-12
    )
    assert tau_squared["conf_high"] == pytest.approx(
        case.tau2_high, rel=R_RTOL, abs=1e-12
    )
    assert rows.loc["i_squared", "estimate"] == pytest.approx(
        case.i2, rel=R_RTOL, abs=1e-12
    )
    assert rows.loc["i_squared", "conf_high"] == pytest.approx(
        case.i2_high, rel=R_RTOL, abs=1e-12
    )
    np.testing.assert_allclose(
        table["weight"].dropna(), case.weights, rtol=R_RTOL, atol=1e-12
    )
    # metafor's prediction interval: the same standard error, t on k - 1
    fit = result.random
    half = t.isf(0.025, k - 1) * np.sqrt(fit.scale * fit.variance + fit.tau_squared)
    np.testing.assert_allclose(
        [fit.mean - half, fit.mean + half], case.pi_metafor, rtol=R_RTOL
    )
    if estimand == "log_hr":
        assert row("random")["std_error"] == pytest.approx(case.se, rel=R_RTOL)
        assert row("random")["p_value"] == pytest.approx(case.p, rel=R_RTOL)


def test_every_cohort_has_the_numbers_of_its_own_fit(cells):
    table = fs.meta(KARNO, cells, term="karno").tidy()
    for k, (name, part) in enumerate(cells.items()):
        alone = fs.cox(KARNO, part).tidy().iloc[0]
        columns = ["estimate", "std_error", "conf_low", "conf_high", "p_value"]
        np.testing.assert_allclose(
            table.loc[k, columns].astype(float), alone[columns].astype(float), rtol=1e-9
        )
        assert table["cohort"][k] == name
        assert table["n_events"][k] == alone["n_events"]


def test_options_reach_every_cohort(cells):
    parts = {name: part.assign(band=part["age"] > 60) for name, part in cells.items()}
    result = fs.meta(KARNO, parts, term="karno", strata="band", ties="breslow")
    alone = fs.cox(KARNO, parts["adeno"], strata="band", ties="breslow")
    assert result.cohorts[2].estimate == pytest.approx(alone.log_hr[0], rel=1e-12)


def test_a_step_and_ratios_reach_every_row(cells):
    result = fs.meta(KARNO, cells, term="karno")
    plain = result.tidy().set_index("estimand")
    table = check_table(result.tidy(exponentiate=True, per={"karno": -10}))
    rows = table.set_index("estimand")
    assert set(table["per"]) == {-10}
    assert rows.loc["hr_random", "estimate"] == pytest.approx(
        np.exp(-10 * plain.loc["log_hr_random", "estimate"])
    )
    assert rows.loc["hr_random", "conf_high"] == pytest.approx(
        np.exp(-10 * plain.loc["log_hr_random", "conf_low"])
    )
    assert np.isnan(rows.loc["hr_random", "std_error"])
    assert rows.loc["tau_squared", "estimate"] == pytest.approx(
        100 * plain.loc["tau_squared", "estimate"]
    )
    assert rows.loc["i_squared", "estimate"] == plain.loc["i_squared", "estimate"]
    with pytest.raises(DataError, match="`per` names `age`; only the log hazard ratio"):
        result.tidy(per={"age": 10})


def test_a_cohort_without_events_keeps_its_row_and_changes_nothing(cells):
    alone = fs.meta(KARNO, cells, term="karno")
    silent = cells | {"silent": cells["large"].assign(event=0)}
    result = fs.meta(KARNO, silent, term="karno")
    row = check_table(result.tidy()).iloc[4]
    assert (row["cohort"], row["note"], row["n_events"]) == ("silent", "no event", 0)
    assert np.isnan(row["estimate"])
    assert np.isnan(row["weight"])
    assert result.random == alone.random
    assert result.glance().to_dict("records") == [
        {"n_cohorts": 4, "n": 137, "n_events": 128}
    ]
    assert "silent: -  no event" in str(result)


def test_cohorts_without_a_finite_estimate_say_why(cells):
    formula = "Surv(time, event) ~ karno + spared"
    odd = {
        name: part.assign(spared=(part["event"] == 0) & (part["karno"] > 30))
        for name, part in cells.items()
    }
    for name in ("squamous", "adeno"):
        odd[name] = odd[name].assign(spared=odd[name]["age"] > 62)
    result = fs.meta(formula, odd, term="spared")
    assert result.is_pooled.tolist() == [True, False, True, False]
    assert "infinite" in result.cohorts[1].note
    with pytest.raises(DataError, match=r"is estimated in 0 of 2 cohorts, and a meta"):
        fs.meta(
            formula,
            {name: odd[name] for name in ("smallcell", "large")},
            term="spared",
        )


def test_a_level_that_a_cohort_lacks_leaves_it_out(cells):
    parts = {
        name: part.assign(kind=np.where(part["age"] > 60, "old", "young"))
        for name, part in cells.items()
    }
    parts["large"] = parts["large"].assign(kind="old")
    result = fs.meta("Surv(time, event) ~ karno + kind", parts, term="kind[T.young]")
    assert result.cohorts[3].note == "no term `kind[T.young]` in this cohort"
    assert result.n_pooled == 3


def test_few_events_are_said_in_the_row(cells):
    few = cells | {"few": simulate(3, 12).assign(karno=range(12), age=50)}
    result = fs.meta(
        "Surv(time, event) ~ karno + x",
        {"few": few["few"]}
        | {name: part.assign(x=part["age"]) for name, part in cells.items()},
        term="karno",
    )
    assert result.cohorts[0].note.startswith("fragile: ")


def test_two_cohorts_have_wide_limits_and_no_prediction(cells):
    two = {name: cells[name] for name in ("squamous", "adeno")}
    rows = fs.meta(KARNO, two, term="karno").tidy().set_index("estimand")
    assert rows.loc["log_hr_random", "note"].startswith("two cohorts: t has 1 degree")
    assert rows.loc["log_hr_random", "df_residual"] == 1
    assert rows.loc["log_hr_prediction", "note"] == "needs 3 cohorts"
    assert np.isnan(rows.loc["log_hr_prediction", "conf_low"])


def test_an_interval_narrower_than_the_common_effect_s_is_said():
    alike = fs.meta_estimates(
        estimates([0.30, 0.32, 0.29, 0.31], [0.01, 0.04, 0.02, 1])
    )
    rows = alike.tidy().set_index("estimand")
    assert rows.loc["log_hr_random", "note"].startswith("narrower than the common eff")


def test_estimates_without_sizes_have_none_in_the_tables():
    result = fs.meta_estimates(estimates([0.1, 0.3, 0.2], [0.01, 0.02, 0.03]))
    assert not {"n", "n_events"} & set(check_table(result.tidy()).columns)
    sized = estimates([0.1, 0.3], [0.01, 0.02]).assign(n=[10, 20], n_events=[5, 6])
    assert fs.meta_estimates(sized).tidy()["n"].tolist()[:3] == [10, 20, 30]


def test_differences_of_concordance_are_averaged_as_they_are():
    table = estimates([0.02, 0.03, -0.01], [1e-4, 2e-4, 1e-4], "delta_c_index")
    result = fs.meta_estimates(table)
    assert result.tidy()["scale"].tolist() == ["identity"] * 9
    assert result.plot().draw()


def test_the_result_describes_itself(cells):
    result = fs.meta(KARNO, cells, term="karno")
    check_glance(result.glance())
    text = str(result)
    assert text.startswith(f"karno, hazard ratio in 4 of 4 cohorts: {KARNO}")
    assert "random effects: 0.9592 (" in text
    assert "Q 6.84 on 3 df, p = 0.0771" in text
    assert result.plot(per={"karno": 10}).draw()
    ranked = fs.meta(
        "Surv(time, event) ~ karno", cells, term="karno", statistic="c_index"
    )
    assert "karno, c_index in 4 of 4 cohorts" in str(ranked)
    assert ranked.plot().draw()


# ------------------------------------------------------------------------- refusals


def test_cohorts_that_cannot_be_combined_are_refused(cells, cohorts):
    one = {"squamous": cells["squamous"]}
    with pytest.raises(
        DataError, match="`karno` is estimated in 1 of 1 cohorts, and a"
    ):
        fs.meta(KARNO, one, term="karno")
    silent = one | {"silent": cells["large"].assign(event=0)}
    with pytest.raises(DataError, match=r"needs two \(`silent`: no event\)"):
        fs.meta(KARNO, silent, term="karno")
    with pytest.raises(
        DataError, match="No cohort has a term `carno`; the terms are `"
    ):
        fs.meta(KARNO, cells, term="carno")
    with pytest.raises(
        DataError, match="`cohorts` is a DataFrame; give data frames by"
    ):
        fs.meta(KARNO, cohorts["veteran"], term="karno")
    with pytest.raises(DataError, match="Cohort `squamous` is a str; give a pandas"):
        fs.meta(KARNO, one | {"squamous": "file.csv"}, term="karno")
    with pytest.raises(DataError, match="Cohort `b` has no column `karno`"):
        fs.meta(KARNO, one | {"b": cells["large"].drop(columns="karno")}, term="karno")
    with pytest.raises(DataError, match="Cohort `b`: `event` must be 0/1 or boolean"):
        fs.meta(KARNO, one | {"b": cells["large"].assign(event=2)}, term="karno")
    with pytest.raises(DataError, match="Cohort `b`: `time` is negative in 27 of 27"):
        fs.meta(KARNO, one | {"b": cells["large"].assign(time=-1)}, term="karno")
    with pytest.raises(DataError, match="`statistic` is 'auc'; choose one of"):
        fs.meta(KARNO, cells, term="karno", statistic="auc")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cohort": "same"}, "`cohort` repeats `same`; give every cohort one row"),
        ({"term": ["a", "b", "a"]}, "`term` is a, b; select the rows of one"),
        ({"estimand": "hr"}, "`estimand` is hr; give logarithms of hazard ratios"),
        ({"std_error": [0.1, 0, 0.2]}, "`std_error` is 0 in `cohort 2`; give a posi"),
        ({"std_error": [0.1, np.nan, 0.2]}, "`std_error` is nan in `cohort 2`"),
        ({"estimate": [0.1, np.nan, np.inf]}, "`faceage` is estimated in 1 of 3 coho"),
    ],
    ids=str,
)
def test_tables_that_cannot_be_combined_are_refused(change, message):
    table = estimates([0.1, 0.2, 0.3], [0.01, 0.01, 0.01]).assign(**change)
    with pytest.raises(DataError, match=message):
        fs.meta_estimates(table)


def test_a_table_without_the_columns_is_refused():
    table = estimates([0.1, 0.2], [0.01, 0.01]).drop(columns="std_error")
    with pytest.raises(DataError, match="The table has no column `std_error`; a meta"):
        fs.meta_estimates(table)
    with pytest.raises(DataError, match="`conf_level` is 0; give a number between"):
        fs.meta_estimates(estimates([0.1, 0.2], [0.01, 0.01])).tidy(conf_level=0)


def test_a_missing_estimate_keeps_its_row():
    table = estimates([0.1, np.nan, 0.3], [0.01, np.nan, 0.02])
    rows = check_table(fs.meta_estimates(table.assign(note="x")).tidy())
    assert np.isnan(rows["estimate"][1])
    assert rows["note"][1] == "x"
    assert fs.meta_estimates(table).n_pooled == 2


def test_an_iteration_without_an_end_is_an_error(monkeypatch):
    monkeypatch.setattr("fahrstats.kernels.random_effects._MAX_ITERATIONS", 1)
    with pytest.raises(ConvergenceError, match="The variance of `faceage` between 3"):
        fs.meta_estimates(estimates([0.1, 0.9, 0.4], [0.01, 0.2, 0.03]))


# ----------------------------------------------------------------------- simulation


@pytest.mark.slow
def test_hartung_and_knapp_s_interval_covers_the_mean():
    """Five cohorts, tau squared 0 to 10 times the variance within; 3 standard errors.

    With variances that differ eightfold coverage falls to 92.6%, in metafor as here.
    """
    rng = np.random.default_rng(20240607)
    n_rounds = 2000
    v = np.array([0.02, 0.025, 0.03, 0.035, 0.04])
    for tau_squared in (0.0, 0.03, 0.3):
        y = rng.normal(0.3, np.sqrt(v + tau_squared), (n_rounds, 5))
        covered = 0
        for one in y:
            fit = fit_reml(one, v)
            half = t.isf(0.025, 4) * np.sqrt(fit.scale * fit.variance)
            covered += abs(fit.mean - 0.3) < half
        assert abs(covered / n_rounds - 0.95) < 3 * np.sqrt(0.95 * 0.05 / n_rounds)


def test_equal_estimates_give_no_interval_of_no_width():
    """Hartung and Knapp's variance is then zero, up to rounding."""
    result = fs.meta_estimates(estimates([0.1, 0.1, 0.1], [0.01, 0.02, 0.03]))
    rows = check_table(result.tidy()).set_index("estimand")
    row = rows.loc["log_hr_random"]
    assert row["estimate"] == pytest.approx(0.1)
    assert row[["std_error", "p_value", "conf_low", "conf_high"]].isna().all()
    assert row["note"] == "equal estimates: Hartung and Knapp's interval has no width"
    assert rows.loc["log_hr_prediction", ["conf_low", "conf_high"]].isna().all()
    assert np.isfinite(rows.loc["log_hr_common", "conf_low"])
    assert "random effects: -  equal estimates" in str(result)
    assert result.plot().draw()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cohort": ["1", 1]}, "`cohort` repeats `1`; give every cohort one row"),
        ({"cohort": ["overall", "b"]}, "A cohort is called `overall`, as all of them"),
        ({"estimate": ["a", "b"]}, "`estimate` must hold numbers"),
        ({"std_error": [0.1, np.inf]}, "`std_error` is inf in `cohort 2`; give a posi"),
    ],
    ids=str,
)
def test_labels_and_numbers_that_mislead_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        fs.meta_estimates(estimates([0.1, 0.2], [0.01, 0.02]).assign(**change))


def test_a_table_of_estimates_without_rows_is_refused():
    with pytest.raises(DataError, match="The table has no row; give one per cohort"):
        fs.meta_estimates(estimates([], []))


def test_unknown_sizes_and_notes_are_no_obstacle():
    table = estimates([0.1, 0.2], [0.01, 0.02]).assign(
        n=[100, np.nan], note=["", np.nan]
    )
    result = fs.meta_estimates(table)
    assert [row.n for row in result.cohorts] == [100, 0]
    assert [row.note for row in result.cohorts] == ["", ""]


def test_cohorts_are_told_apart_and_empty_ones_say_so(cells):
    one, two, *_ = cells.values()
    with pytest.raises(DataError, match="`cohort` repeats `1`"):
        fs.meta(KARNO, {1: one, "1": two}, term="karno")
    with pytest.raises(DataError, match="A cohort is called `overall`"):
        fs.meta(KARNO, {"overall": one, "b": two}, term="karno")
    blank = cells | {"blank": one.assign(karno=np.nan)}
    row = fs.meta(KARNO, blank, term="karno").tidy().iloc[4]
    assert (row["n"], row["note"]) == (0, "no complete row")

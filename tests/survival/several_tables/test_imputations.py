"""Completed tables: what is kept, what is drawn, from where, and what is refused."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError
from fahrstats.survival.several_tables.imputations import Imputations
from fahrstats.survival.several_tables.incomplete import gather_incomplete

mpl.use("agg")

FORMULA = "Surv(time, event) ~ age + grade + is_low + log(meal_cal)"
COVARIATES = ["grade", "is_low", "meal_cal"]


@pytest.fixture
def data(lung) -> pd.DataFrame:
    """Lung cancer with a factor of text, nullable truth values, and odd labels."""
    return lung.assign(
        grade=pd.Categorical(
            lung["ph_ecog"].map({0: "good", 1: "fair", 2: "poor", 3: "poor"}),
            ["good", "fair", "poor", "never seen"],
        ),
        is_low=(lung["pat_karno"] < 75).astype("boolean").where(lung["pat_karno"] > 0),
        inst=lung["inst"].astype("Int64"),
    ).set_axis([f"p{i}" for i in range(len(lung))])


def completed(data: pd.DataFrame, **options) -> Imputations:
    options = {"seed": 1, "n_tables": 3, "n_cycles": 2} | options
    return fs.impute(options.pop("formula", FORMULA), data, **options)


def test_observed_values_and_other_columns_stay_as_they_are(data):
    before = data.copy()
    imputations = completed(data)
    pd.testing.assert_frame_equal(data, before)
    for table in imputations:
        pd.testing.assert_frame_equal(
            table.drop(columns=COVARIATES), data.drop(columns=COVARIATES)
        )
        assert (table.dtypes == data.dtypes).all()
        for name in COVARIATES:
            known = data[name].notna()
            pd.testing.assert_series_equal(table[name][known], data[name][known])
            assert table[name].notna().all()
            assert table[name].isin(data[name].dropna().unique()).all()


def test_a_table_depends_on_the_seed_and_its_number_alone(data):
    few, many = completed(data, n_tables=2), completed(data, n_tables=4)
    for one, two in zip(few, many, strict=False):
        pd.testing.assert_frame_equal(one, two)
    assert not many.tables[0]["meal_cal"].equals(many.tables[1]["meal_cal"])
    other = completed(data, seed=2)
    assert not other.tables[0]["meal_cal"].equals(many.tables[0]["meal_cal"])


def test_the_global_random_state_is_untouched(data):
    """Neither read, so that a global seed changes nothing, nor moved."""
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()  # noqa: NPY002
    first = completed(data)
    after = np.random.get_state()  # noqa: NPY002
    assert before[2:] == after[2:]
    np.testing.assert_array_equal(before[1], after[1])
    np.random.seed(6)  # noqa: NPY002
    for one, two in zip(first, completed(data), strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_numbers_that_the_formula_calls_factors_are_drawn_as_levels(data):
    imputations = completed(data, formula="Surv(time, event) ~ age + C(ph_ecog)")
    table = check_table(imputations.tidy())
    assert table["note"].tolist() == ["logistic models of 4 levels in turn"]
    numbers = completed(data, formula="Surv(time, event) ~ age + ph_ecog").tidy()
    assert numbers["note"].tolist() == ["predictive mean matching, 5 donors"]


def test_auxiliary_columns_predict_and_are_completed_too(data):
    imputations = completed(data, auxiliary=["inst", "wt_loss"])
    assert imputations.tidy()["variable"].tolist() == [*COVARIATES, "inst", "wt_loss"]
    assert imputations.tables[0]["inst"].dtype == "Int64"
    assert imputations.tables[0][["inst", "wt_loss"]].notna().all(axis=None)


def test_several_formulas_are_completed_together(data):
    models = {
        "one": "Surv(time, event) ~ age + grade",
        "two": "Surv(time, event) ~ age + meal_cal",
    }
    imputations = completed(data, formula=models)
    assert imputations.tidy()["variable"].tolist() == ["grade", "meal_cal"]
    assert fs.pool(fs.compare, models, imputations).n_tables == 3


def test_rows_without_an_outcome_are_left_out_and_counted(data):
    data.iloc[[3, 9], data.columns.get_loc("time")] = np.nan
    imputations = completed(data)
    assert imputations.n == len(data) - 2
    assert imputations.n_dropped == 2
    assert not {"p3", "p9"} & set(imputations.tables[0].index)


def test_the_cumulative_hazard_lived_through_is_by_hand():
    """Events at 1 of 4, at 3 of 2 at risk; the third row enters at 2."""
    data = pd.DataFrame(
        {
            "entry": [0, 0, 2, 0.0],
            "time": [1, 2, 3, 4.0],
            "event": [1, 0, 1, 0],
            "x": [1, np.nan, 2, 3],
            "z": [1, 1, 2, 3],
        }
    )
    data = pd.concat([data] * 5, ignore_index=True)
    cohort = gather_incomplete("Surv(entry, time, event) ~ x", data, ())
    # at 1: 15 at risk, 5 events; at 3: 10 at risk, 5 events
    np.testing.assert_allclose(
        cohort.outcome[:4, 1], [1 / 3, 1 / 3, 1 / 2, 5 / 6], rtol=1e-12
    )
    np.testing.assert_array_equal(cohort.outcome[:4, 0], [1, 0, 1, 0])


def test_drawn_levels_follow_what_predicts_them():
    """A factor that two other columns determine nearly is drawn nearly so."""
    rng = np.random.default_rng(4)
    n = 600
    base = simulate(8, n)
    kind = np.select([base["x"] < -0.5, base["x"] < 0.5], ["a", "b"], "c")
    hidden = rng.random(n) < 0.3
    data = base.assign(kind=np.where(hidden, None, kind), z=base["z"])
    (table, *_) = completed(data, formula="Surv(time, event) ~ x + kind")
    drawn = table["kind"].to_numpy()[hidden]
    # a coin between three levels would be right for a third
    assert (drawn == kind[hidden]).mean() > 0.75


def test_a_factor_that_a_column_separates_is_drawn():
    base = simulate(9, 200)
    flag = np.where(base["z"] == 1, "yes", "no")
    hidden = np.arange(200) % 5 == 0
    data = base.assign(flag=np.where(hidden, None, flag))
    (table, *_) = completed(data, formula="Surv(time, event) ~ x + z + flag")
    assert (table["flag"].to_numpy() == flag).mean() > 0.9


def test_a_rare_level_stays_as_rare_as_it_is():
    """Missing completely at random, so that the drawn share is near the observed.

    Drawn coefficients make it some 30% larger: the mean of probabilities whose logits
    vary symmetrically. Added rows of which half are at the level would make it 55%.
    """
    drawn, known = [], []
    for seed in range(12):
        base = simulate(seed, 400)
        rng = np.random.default_rng(seed)
        is_rare, hidden = rng.random((2, 400)) < [[0.05], [0.4]]
        kind = pd.Series(np.where(is_rare, "rare", "usual")).mask(hidden)
        data = base.assign(kind=kind)
        formula = "Surv(time, event) ~ x + z + kind"
        drawn += [
            (t["kind"][hidden] == "rare").mean()
            for t in completed(data, formula=formula)
        ]
        known.append((kind[~hidden] == "rare").mean())
    assert np.mean(drawn) == pytest.approx(np.mean(known), rel=0.4)


def test_means_of_draws_agree_with_what_was_hidden():
    """Missing at random given z: draws restore the mean, complete rows do not."""
    rng = np.random.default_rng(11)
    n = 4000
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    data = pd.DataFrame({"time": rng.exponential(size=n), "event": 1, "z": z, "x": x})
    data.loc[rng.random(n) < 1 / (1 + np.exp(-2 * z)), "x"] = np.nan
    tables = completed(data, formula="Surv(time, event) ~ x + z")
    assert abs(data["x"].mean() - x.mean()) > 0.4
    assert abs(np.mean([t["x"].mean() for t in tables]) - x.mean()) < 0.08


def test_tables_differ_as_much_as_the_imputation_model_is_uncertain():
    """Variance between tables of the mean drawn value, against least squares.

    40 rows have a value and 400 have none, so nearly all of it comes from the
    coefficients: sigma squared times the leverage of the mean row, plus the residuals'.
    """
    rng = np.random.default_rng(3)
    n, n_known = 440, 40
    z, time = rng.normal(size=n), rng.exponential(size=n)
    x = np.where(np.arange(n) < n_known, z + rng.normal(size=n), np.nan)
    data = pd.DataFrame({"time": time, "event": 1, "z": z, "x": x})
    formula = "Surv(time, event) ~ x + z"
    hazard = gather_incomplete(formula, data, ()).outcome[:, 1]
    X = np.column_stack([np.ones(n), hazard, z, hazard * z])
    known, middle = X[:n_known], X[n_known:].mean(axis=0)
    residual = x[:n_known] - known @ np.linalg.lstsq(known, x[:n_known])[0]
    leverage = middle @ np.linalg.solve(known.T @ known, middle)
    expected = (residual @ residual / (n_known - 4)) * (leverage + 1 / (n - n_known))
    tables = completed(data, formula=formula, n_tables=200)
    means = [table["x"][n_known:].mean() for table in tables]
    assert 0.75 < np.var(means, ddof=1) / expected < 1.35


def test_rows_of_equal_prediction_are_all_donors():
    """Nothing predicts x, so any value may be taken, whatever the order of the rows."""
    data = pd.DataFrame({"time": 1, "event": 1, "x": np.arange(60.0)})
    data.loc[30:, "x"] = np.nan
    drawn = np.concatenate(
        [
            table["x"][30:]
            for table in completed(data, formula="Surv(time, event) ~ x", n_tables=40)
        ]
    )
    assert len(np.unique(drawn)) == 30


def test_collinear_and_constant_columns_do_no_harm(data):
    data = data.assign(twin=2 * data["meal_cal"] + 3, same=1.0, event=1)
    data.loc["p0", "twin"] = np.nan
    formula = "Surv(time, event) ~ age + meal_cal + twin + same"
    for table in completed(data, formula=formula):
        assert table[["meal_cal", "twin"]].notna().all(axis=None)


def test_one_incomplete_column_needs_no_chain(data):
    one = completed(data, formula="Surv(time, event) ~ age + meal_cal", n_cycles=7)
    assert one.trace.shape == (3, 1, 1)
    assert completed(data, n_cycles=7).trace.shape == (3, 7, 3)


def test_the_trace_ends_at_the_tables(data):
    imputations = completed(data)
    table = check_table(imputations.trace_table())
    assert len(table) == 3 * 2 * 3
    last = table[(table["cycle"] == 2) & (table["variable"] == "meal_cal")]
    hidden = data["meal_cal"].isna()
    np.testing.assert_allclose(
        last["estimate"], [t["meal_cal"][hidden].mean() for t in imputations]
    )
    shares = table[(table["cycle"] == 2) & (table["variable"] == "grade")]
    assert set(shares["estimand"]) == {"share"}
    hidden = data["grade"].isna()
    np.testing.assert_allclose(
        shares["estimate"], [(t["grade"][hidden] == "good").mean() for t in imputations]
    )


def test_the_result_describes_itself(data):
    imputations = completed(data)
    assert len(imputations) == 3
    check_table(imputations.tidy())
    assert check_glance(imputations.glance()).to_dict("records") == [
        {"n_tables": 3, "n": 228, "n_events": 165, "n_missing": 50, "n_dropped": 0}
    ]
    text = str(imputations)
    assert "3 completed tables of 228 rows, 165 events" in text
    assert "50 rows (22%) had a value missing" in text
    assert "as many tables as percent, 22, are advised" in text
    assert imputations.plot().draw()


# ------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"n_tables": 1}, "`n_tables` is 1; give at least 2, since the variance"),
        ({}, {"n_cycles": 0}, "`n_cycles` is 0; give at least 1"),
        ({}, {"formula": "Surv(time, event) ~ age"}, "Nothing is missing in the 1 co"),
        ({}, {"auxiliary": "inst"}, "`auxiliary` is the text `inst`; give a list"),
        ({}, {"auxiliary": ["inst", "nope"]}, "`data` has no column `nope`"),
        ({}, {"auxiliary": ["time"]}, "`time` is part of the outcome and of the cova"),
        (
            {},
            {"formula": {"a": FORMULA, "b": "Surv(years, event) ~ age"}},
            "`formula` has 2 different outcomes; impute for one",
        ),
        ({"meal_cal": np.nan}, {}, "`meal_cal` is known in 0 of 228 rows, too few for"),
        ({"event": 2}, {}, "`event` must be 0/1 or boolean"),
        ({"time": np.nan}, {}, "The outcome is missing in every row"),
        ({"time": -1.0}, {}, "`time` is negative in 228 of 228 rows"),
    ],
    ids=str,
)
def test_what_cannot_be_completed_is_refused(data, change, options, message):
    with pytest.raises(DataError, match=message):
        completed(data.assign(**change), **options)


def test_a_column_known_in_too_few_rows_is_refused(data):
    data.iloc[6:, data.columns.get_loc("meal_cal")] = np.nan
    with pytest.raises(
        DataError, match="`meal_cal` is known in 4 of 228 rows, too few for a model of"
    ):
        completed(data)


def test_a_factor_with_one_known_level_is_refused(data):
    data = data.assign(alone=["x", None] * 114)
    with pytest.raises(DataError, match="`alone` has one level in the 114 rows where"):
        completed(data, auxiliary=["alone"])


def test_columns_recorded_because_of_the_outcome_are_refused(data):
    data = data.assign(autopsy=data["age"].where(data["event"] == 1))
    with pytest.raises(DataError, match="`autopsy` is known for 165 of 165 rows with"):
        completed(data, auxiliary=["autopsy"])


def test_repeated_columns_and_swapped_arguments_are_named(data):
    twice = pd.concat([data, data[["age"]]], axis=1)
    with pytest.raises(DataError, match="`data` has several columns named `age`"):
        completed(twice)
    with pytest.raises(DataError, match="`data` is a str; give a formula first"):
        fs.impute(data, FORMULA, seed=1)
    with pytest.raises(FormulaError, match="must start with an outcome"):
        completed(data, formula="age + grade")


# ----------------------------------------------------------------------- simulation


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", ["completely at random", "at random"])
def test_pooled_intervals_cover_the_truth(mechanism):
    """Coverage of 95% intervals of both coefficients; band of 3 standard errors.

    n = 300, a third of x missing, independently or more often at high z.
    """
    rng = np.random.default_rng(20240607)
    n, n_rounds, truth = 300, 80, np.array([0.5, 0.3])
    covered = np.zeros(2)
    for seed in range(n_rounds):
        x = rng.normal(size=n)
        z = 0.5 * x + np.sqrt(0.75) * rng.normal(size=n)
        death, end = rng.exponential(np.exp(-0.5 * x - 0.3 * z)), rng.exponential(2, n)
        log_odds = -0.7 + (z if mechanism == "at random" else 0)
        hidden = rng.random(n) < 1 / (1 + np.exp(-log_odds))
        data = pd.DataFrame(
            {
                "time": np.minimum(death, end),
                "event": death <= end,
                "x": np.where(hidden, np.nan, x),
                "z": z,
            }
        )
        formula = "Surv(time, event) ~ x + z"
        tables = fs.impute(formula, data, seed=seed, n_tables=10)
        table = fs.pool(fs.cox, formula, tables).tidy()
        covered += (table["conf_low"] < truth) & (truth < table["conf_high"])
    share = covered.sum() / (2 * n_rounds)
    assert abs(share - 0.95) < 3 * np.sqrt(0.95 * 0.05 / (2 * n_rounds))

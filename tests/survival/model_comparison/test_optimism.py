"""Accuracy of compared models, apparent and corrected for optimism.

The apparent values are those of the verbs that judge predictions; the corrected ones
those of a bootstrap written out with data frames, model by model and draw by draw.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, words
from sksurv.datasets import load_gbsg2
from tables import check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError
from fahrstats.kernels.reclassification import NRI_WARNING
from fahrstats.resampling import draw_counts

OUTCOME = "Surv(time, event) ~ "
SAME_RTOL = 1e-9  # the same predictions, through an iteration that ends near 1e-12
N_BOOT = 25
HORIZONS = [4.0, 10.0]


def cohort(seed: int, n: int = 240) -> pd.DataFrame:
    """Return a marker and a covariate with effects, tied times, a site and weights."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.normal(size=n)
    death = rng.exponential(np.exp(-0.7 * x - 0.4 * z))
    censoring = rng.exponential(2.0, n)
    return pd.DataFrame(
        {
            "time": np.ceil(20 * np.minimum(death, censoring)),
            "event": death <= censoring,
            "x": x,
            "z": z,
            "noise": rng.normal(size=n),
            "site": rng.choice(["north", "south", "west"], n),
            "who": rng.integers(0, 80, n),
            "w": rng.uniform(0.5, 2, n),
        }
    )


MODELS = {"z": OUTCOME + "z", "both": OUTCOME + "z + x", "noise": OUTCOME + "noise + x"}


def rows_of(
    table: pd.DataFrame, estimand: str, validation: str = "apparent"
) -> pd.DataFrame:
    found = table[(table["estimand"] == estimand) & (table["validation"] == validation)]
    return found.reset_index(drop=True)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return cohort(1)


@pytest.fixture(scope="module")
def resampled(data) -> fs.ModelComparison:
    return fs.compare(
        MODELS, data, horizons=HORIZONS, risk_categories=[0.1, 0.3], n_boot=N_BOOT
    )


@pytest.mark.parametrize("strata", [None, "site"])
@pytest.mark.parametrize("cluster", [None, "who"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_apparent_accuracy_is_that_of_predicted_columns(data, strata, cluster, weights):
    arguments = {"cluster": cluster, "weights": weights}
    comparison = fs.compare(MODELS, data, horizons=HORIZONS, strata=strata, **arguments)
    table = check_table(comparison.tidy())
    for horizon in HORIZONS:
        risks = {
            name: fit.baseline(data).risk(data, horizon)["estimate"].to_numpy()
            for name, fit in zip(comparison.labels, comparison.fits, strict=True)
        }
        scored = data.assign(**risks)
        right = " + ".join(risks)
        judged = fs.prediction_error(
            OUTCOME + right, scored, horizon=horizon, **arguments
        )
        for estimand in ("brier", "ipa"):
            expected = judged.tidy().query("estimand == @estimand and term in @risks")
            found = rows_of(table, estimand).query("time == @horizon")
            for column in ("estimate", "std_error", "conf_low", "conf_high"):
                np.testing.assert_allclose(
                    found[column], expected[column], rtol=SAME_RTOL
                )
        # Within strata the linear predictor alone does not order the rows, so it is
        # judged as it stands, across them.
        ranks = data.assign(
            **{
                name: fit.augment(data)["linear_predictor"]
                for name, fit in zip(comparison.labels, comparison.fits, strict=True)
            }
        )
        areas = fs.time_dependent_auc(
            OUTCOME + right, ranks, horizons=horizon, **arguments
        )
        found = rows_of(table, "auc").query("time == @horizon")
        np.testing.assert_allclose(
            found["estimate"], areas.tidy()["estimate"], rtol=SAME_RTOL
        )
        difference = rows_of(table, "delta_auc").query(
            "time == @horizon and term == 'both - z'"
        )
        contrast = areas.contrast("both", "z")
        for column in ("estimate", "std_error", "statistic", "p_value"):
            np.testing.assert_allclose(difference[column], contrast[column], rtol=1e-7)


def by_hand(data, models, draws, *, ties="breslow"):
    """Optimism of C and of the slope of every model, by fits to repeated rows."""
    apparent, optimism, slopes = [], [], []
    for formula in models.values():
        fit = fs.cox(formula, data, ties=ties)
        apparent.append(fit.c_index)
        flattery, slope = [], []
        for draw in draws:
            repeated = data.iloc[np.repeat(np.arange(len(data)), draw)]
            again = fs.cox(formula, repeated.reset_index(drop=True), ties=ties)
            scored = again.augment(data)
            everywhere = fs.concordance(OUTCOME + "linear_predictor", scored)
            flattery.append(again.c_index - everywhere.c_index[0])
            refit = fs.cox(OUTCOME + "linear_predictor", scored, ties=ties)
            slope.append(refit.log_hr[0])
        optimism.append(np.mean(flattery))
        slopes.append(np.mean(slope))
    return np.array(apparent) - optimism, np.array(slopes)


@pytest.mark.parametrize(
    "right", ["z + x", "bs(z, df=4, extrapolation='clip') + C(site)", "rcs(z, 3) + x"]
)
def test_corrected_values_are_those_of_fits_to_repeated_rows(data, right):
    """Breslow's ties, for which a row of weight 2 is two rows; knots learned again."""
    models = {"z": OUTCOME + "z", "other": OUTCOME + right}
    table = fs.compare(models, data, ties="breslow", n_boot=N_BOOT, seed=3).tidy()
    draws = [draw() for draw in draw_counts(3, N_BOOT, len(data))]
    c_index, slope = by_hand(data, models, draws)
    found = rows_of(table, "c_index", "optimism-corrected")["estimate"]
    np.testing.assert_allclose(found, c_index, rtol=1e-8)
    found = rows_of(table, "calibration_slope", "optimism-corrected")["estimate"]
    np.testing.assert_allclose(found, slope, rtol=1e-7)


def test_the_whole_table_keeps_the_contract(resampled):
    table = check_table(resampled.tidy())
    both = {"apparent", "optimism-corrected"}
    for estimand in ("auc", "brier", "ipa", "oe_ratio", "ici", "e50", "e90"):
        rows = table[table["estimand"] == estimand]
        assert len(rows) == 3 * len(HORIZONS) * 2
        assert set(rows["validation"]) == both
    for estimand in ("delta_auc", "delta_ipa", "idi", "nri", "nri_categories"):
        rows = table[table["estimand"] == estimand]
        assert len(rows) == 3 * len(HORIZONS) * 2
        assert set(rows["validation"]) == both
    assert set(table[table["estimand"] == "new_information"]["term"]) == {"both - z"}
    assert table["estimate"].notna().where(table["validation"] != "", True).all()


def test_the_decision_curve_is_that_of_predicted_columns(data, resampled):
    table = check_table(resampled.decision_curve())
    risks = resampled.predicted_risks(data, HORIZONS[0])
    columns = {"z": "of_z", "both": "of_both", "noise": "of_noise"}
    judged = fs.decision_curve(
        OUTCOME + " + ".join(columns.values()),
        data.join(risks.rename(columns=columns)),
        horizon=HORIZONS[0],
    ).tidy()
    apparent = table[
        (table["validation"] == "apparent") & (table["time"] == HORIZONS[0])
    ]
    assert apparent["term"].unique().tolist() == [*columns, "treat all", "treat none"]
    np.testing.assert_allclose(
        apparent["estimate"], judged["estimate"], rtol=1e-8, atol=1e-12
    )
    corrected = table[table["validation"] == "optimism-corrected"]
    assert set(corrected["term"]) == set(columns)
    known = corrected.dropna(subset="estimate")
    assert known["conf_high"].notna().all()


def test_there_is_no_decision_curve_without_horizons(data):
    with pytest.raises(DataError, match="no net benefit without `horizons`"):
        fs.compare(MODELS, data).decision_curve()


def test_reclassification_comes_with_its_warning(resampled):
    table = resampled.tidy()
    rows = table[table["estimand"].str.startswith(("nri", "idi"))]
    assert rows["note"].str.contains(NRI_WARNING, regex=False).all()
    assert "reclassification, with its warning: `tidy()`" in str(resampled)


def test_the_summary_has_one_table_of_models_and_one_of_pairs_at_each_horizon(
    resampled,
):
    lines = str(resampled).splitlines()
    assert lines[1].startswith(f"Corrected for optimism by {N_BOOT} bootstrap draws")
    titles = [line for line in lines if line.startswith("At ")]
    assert titles == [f"At {horizon:g}" for horizon in HORIZONS]
    assert sum("AUC (95% CI)" in line for line in lines) == len(HORIZONS)
    assert sum("Difference in AUC" in line for line in lines) == len(HORIZONS)
    assert len(lines) < 25 + 12 * len(HORIZONS)
    corrected = rows_of(resampled.tidy(), "c_index", "optimism-corrected")["estimate"]
    told = next(line for line in lines if line.startswith("z "))
    assert f" {corrected[0]:.3f} (" in told


def test_the_figure_is_of_corrected_differences(resampled):
    with drawn(resampled.plot()) as figure:
        shown = words(figure)
        assert overlapping(figure) == []
    assert "Corrected for optimism" in shown
    assert "Difference in C-index (95% CI)" in shown


def test_corrected_limits_hold_their_estimate(resampled):
    table = resampled.tidy()
    rows = table[table["validation"] == "optimism-corrected"]
    assert (rows["conf_low"] <= rows["conf_high"]).all()
    wide, narrow = (
        resampled.tidy(conf_level=level).query("validation == 'optimism-corrected'")
        for level in (0.95, 0.5)
    )
    assert (narrow["conf_low"] >= wide["conf_low"] - 1e-12).all()
    np.testing.assert_array_equal(narrow["estimate"], wide["estimate"])


def test_a_noise_model_loses_by_the_correction(data):
    """Ten columns of noise seem to add to C, and do not once corrected."""
    rng = np.random.default_rng(5)
    noisy = data.assign(**{f"n{k}": rng.normal(size=len(data)) for k in range(10)})
    more = " + ".join(f"n{k}" for k in range(10))
    models = {"x": OUTCOME + "x", "noisy": OUTCOME + f"x + {more}"}
    table = fs.compare(models, noisy, n_boot=100, seed=1).tidy()
    apparent = rows_of(table, "delta_c_index")["estimate"][0]
    corrected = rows_of(table, "delta_c_index", "optimism-corrected")["estimate"][0]
    assert apparent > 0.005
    assert corrected < 0.002
    slope = rows_of(table, "calibration_slope", "optimism-corrected")["estimate"]
    assert slope[1] < slope[0] < 1.05


def test_results_depend_on_the_seed_and_not_on_the_workers(data):
    def corrected(**arguments) -> pd.DataFrame:
        return fs.compare(
            MODELS, data, horizons=HORIZONS, n_boot=N_BOOT, **arguments
        ).tidy()

    one = corrected(seed=1)
    pd.testing.assert_frame_equal(one, corrected(seed=1, n_workers=3), check_exact=True)
    other = corrected(seed=2)
    assert not one["estimate"].equals(other["estimate"])


def test_clusters_are_drawn_whole_and_strata_separately(data):
    """Rows repeated within clusters change nothing but the number of rows."""
    models = {"z": OUTCOME + "z", "both": OUTCOME + "z + x"}
    once = data.assign(who=np.arange(len(data)))
    twice = pd.concat([once, once], ignore_index=True)
    tables = [
        fs.compare(
            models, rows, cluster="who", strata="site", ties="breslow", n_boot=N_BOOT
        ).tidy()
        for rows in (once, twice)
    ]
    for estimand in ("c_index", "calibration_slope"):
        one, two = (rows_of(table, estimand, "optimism-corrected") for table in tables)
        np.testing.assert_allclose(one["estimate"], two["estimate"], rtol=1e-8)
        np.testing.assert_allclose(one["conf_low"], two["conf_low"], rtol=1e-7)


def test_a_level_that_is_not_drawn_adds_nothing(data):
    """One row of a rare level is left out of a third of the draws."""
    rare = data.assign(site=np.where(np.arange(len(data)) < 3, "rare", data["site"]))
    models = {"z": OUTCOME + "z", "site": OUTCOME + "z + C(site)"}
    table = check_table(fs.compare(models, rare, horizons=4, n_boot=60).tidy())
    rows = table[table["validation"] == "optimism-corrected"]
    assert rows["estimate"].notna().all()


def test_draws_without_a_maximum_are_counted(data):
    """A level whose one event is often not drawn has no finite effect then."""
    few = data.assign(rare=0.0)
    chosen = few.index[few["event"]][:1].append(few.index[~few["event"]][:4])
    few.loc[chosen, "rare"] = 1.0
    models = {"z": OUTCOME + "z", "rare": OUTCOME + "z + rare"}
    comparison = fs.compare(models, few, n_boot=60)
    notes = rows_of(comparison.tidy(), "c_index", "optimism-corrected")["note"]
    assert notes[0] == ""
    assert notes[1].startswith("no finite maximum in ")
    assert notes[1].endswith(" of 60 draws")


def test_the_model_without_covariates_can_be_judged(data):
    models = {"null": OUTCOME + "1", "x": OUTCOME + "x"}
    table = check_table(
        fs.compare(models, data, horizons=HORIZONS, n_boot=N_BOOT).tidy()
    )
    null = table[table["model"] == "null"]
    areas = null[null["estimand"] == "auc"]["estimate"]
    np.testing.assert_allclose(areas, 0.5, rtol=1e-12)
    np.testing.assert_allclose(rows_of(null, "ipa")["estimate"], 0, atol=2e-3)
    slope = null[null["estimand"] == "calibration_slope"]
    assert slope["estimate"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"horizons": 1e6}, DataError, "Nobody is followed beyond horizon 1e"),
        ({"horizons": 0.5}, DataError, "None of the .* events .* happens by horizon"),
        ({"horizons": -1}, DataError, "`horizons` holds -1; give times above 0"),
        ({"risk_categories": [0.2]}, DataError, "`risk_categories` need `horizons`"),
        (
            {"horizons": 4, "risk_categories": [0.3, 0.2]},
            DataError,
            r"`risk_categories` is \[0.3, 0.2\]; give rising risks",
        ),
        (
            {"horizons": 4, "risk_categories": [20]},
            DataError,
            r"`risk_categories` is \[20\]; give rising risks between",
        ),
        ({"n_boot": 5}, DataError, "`n_boot` is 5; give 0 for no bootstrap, or at"),
        ({"n_boot": -1}, DataError, "`n_boot` is -1"),
        ({"n_workers": 0}, DataError, "`n_workers` is 0; give a whole number"),
    ],
)
def test_wrong_arguments_are_refused(data, arguments, error, message):
    with pytest.raises(error, match=message):
        fs.compare(MODELS, data, **arguments)


def test_transforms_that_end_where_their_rows_end_are_refused(data):
    models = {"z": OUTCOME + "z", "spline": OUTCOME + "bs(z, df=4)"}
    message = "A bootstrap needs transforms that reach beyond the rows drawn"
    with pytest.raises(DataError, match=message):
        fs.compare(models, data, n_boot=N_BOOT)


def test_delayed_entry_has_no_horizons_but_a_corrected_c(data):
    late = data.assign(entry=np.floor(data["time"] / 3))
    models = {name: f.replace("Surv(", "Surv(entry, ") for name, f in MODELS.items()}
    with pytest.raises(FormulaError, match="has delayed entry, for which predictions"):
        fs.compare(models, late, horizons=4)
    table = check_table(fs.compare(models, late, n_boot=N_BOOT).tidy())
    assert rows_of(table, "c_index", "optimism-corrected")["estimate"].notna().all()


@pytest.mark.slow
def test_the_corrected_c_is_near_the_truth():
    """60 cohorts of 200 rows, 8 columns: mean error against 20,000 new rows < 0.01."""
    effects = np.array([0.5, 0.3, 0.2, 0, 0, 0, 0, 0])
    columns = [f"x{k}" for k in range(8)]
    right = " + ".join(columns)

    def draw(rng: np.random.Generator, n: int) -> pd.DataFrame:
        X = rng.normal(size=(n, 8))
        death = rng.exponential(np.exp(-X @ effects))
        censoring = rng.exponential(1.5, n)
        return pd.DataFrame(X, columns=columns).assign(
            time=np.minimum(death, censoring), event=death <= censoring
        )

    rng = np.random.default_rng(1)
    new = draw(rng, 20_000)
    apparent, corrected, truth = [], [], []
    for _ in range(60):
        rows = draw(rng, 200)
        comparison = fs.compare(
            {"one": OUTCOME + "x0", "all": OUTCOME + right}, rows, n_boot=60
        )
        table = comparison.tidy()
        apparent.append(rows_of(table, "c_index")["estimate"][1])
        found = rows_of(table, "c_index", "optimism-corrected")["estimate"]
        corrected.append(found[1])
        scored = comparison.fits[1].augment(new)
        truth.append(fs.concordance(OUTCOME + "linear_predictor", scored).c_index[0])
    assert np.mean(np.subtract(apparent, truth)) > 0.015
    assert abs(np.mean(np.subtract(corrected, truth))) < 0.01


def test_draws_whose_knots_jump_are_fitted_as_well_as_the_others():
    """A twentieth of `progrec` is 0, so that the rule of the knots differs by draw."""
    x, y = load_gbsg2()
    patients = x.assign(time=y["time"], event=y["cens"])
    models = {
        "age": OUTCOME + "age",
        "learned": OUTCOME + "age + rcs(progrec, 4)",
        "fixed": OUTCOME + "age + rcs(progrec, [0, 14, 82.5, 408])",
    }
    comparison = fs.compare(models, patients, horizons=1500, n_boot=60, seed=3)
    draws = comparison.accuracy.resampled
    assert (draws.in_draw[:, 1, 0] > draws.in_draw[:, 0, 0]).all()
    assert np.isfinite(draws.on_all[:, 1, :7]).all()
    assert draws.n_unbounded.tolist() == [0, 0, 0]
    slope = rows_of(comparison.tidy(), "calibration_slope", "optimism-corrected")
    assert slope["estimate"][1] == pytest.approx(slope["estimate"][2], abs=0.05)


def test_a_horizon_that_rounding_moved_is_the_time_it_was():
    """0.3 where the data hold 0.30000000000000004, in every verb with a horizon."""
    data = cohort(11).assign(time=lambda d: d["time"] * 0.1)
    assert 0.3 not in set(data["time"])
    moved = data.assign(time=(data["time"] / 0.1).round())
    models = {"z": OUTCOME + "z", "x": OUTCOME + "x"}
    found, wanted = (
        fs.compare(models, rows, horizons=h, n_boot=20)
        for rows, h in ((data, 0.3), (moved, 3))
    )
    numeric = ["estimate", "std_error", "conf_low", "conf_high"]
    pd.testing.assert_frame_equal(
        found.tidy()[numeric], wanted.tidy()[numeric], rtol=1e-8
    )
    assert set(found.tidy()["time"].dropna()) == {0.3}
    tables = []
    for rows, h in ((data, 0.3), (moved, 3)):
        risks = rows.assign(
            p=fs.cox(models["x"], rows)
            .baseline(rows)
            .risk(rows, h)["estimate"]
            .to_numpy()
        )
        formula = OUTCOME + "p"
        tables.append(
            [
                fs.time_dependent_auc(formula, risks, horizons=h).tidy()[numeric],
                fs.prediction_error(formula, risks, horizon=h).tidy()[numeric],
                fs.calibration(formula, risks, horizon=h).tidy()[numeric],
                fs.decision_curve(formula, risks, horizon=h).tidy()[numeric],
            ]
        )
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other, rtol=1e-8)

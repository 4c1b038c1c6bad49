"""Several kinds of models judged on rows that they have not seen."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import ConvergenceError, DataError, FormulaError

SURV = "Surv(time, event) ~ "
MODELS = {"age": SURV + "rcs(age, 3) + C(sex)", "both": SURV + "age + C(sex) + face"}
BY_HAND_RTOL = 1e-8  # the same closed forms, after an iteration each


def simulate(seed: int, n: int = 200, *, product: float = 0.0) -> pd.DataFrame:
    """Exponential survival of age and a score; ``product`` turns the score's effect."""
    rng = np.random.default_rng(seed)
    age, face = rng.normal(60, 10, n), rng.normal(size=n)
    log_hazard = 0.03 * (age - 60) + 0.5 * face + product * np.sign(age - 60) * face
    death, lost = rng.exponential(8 * np.exp(-log_hazard)), rng.uniform(3, 14, n)
    return pd.DataFrame(
        {
            "time": np.minimum(death, lost),
            "event": death <= lost,
            "age": age,
            "face": face,
            "sex": rng.choice(["F", "M"], n),
            "site": np.arange(n) // 4,
        }
    )


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    data = simulate(20240607)
    data.loc[[3, 50], "face"] = np.nan
    return data


@pytest.fixture(scope="module")
def result(cohort) -> fs.CrossValidation:
    return fs.cross_validate(
        MODELS, cohort, horizons=[2, 6], learners=["cox", "weibull"], n_folds=4, seed=7
    )


def row_of(table: pd.DataFrame, estimand: str, **names) -> pd.Series:
    is_it = table["estimand"] == estimand
    for name, value in names.items():
        is_it &= table[name] == value
    (row,) = (row for _, row in table[is_it].iterrows())
    return row


def test_cox_predicts_as_a_fit_and_its_baseline_by_hand(cohort, result):
    augmented = result.augment(cohort)
    complete = augmented[augmented["fold"].notna()]
    assert len(complete) == result.n == len(cohort) - 2
    for fold, held_out in complete.groupby("fold"):
        seen = complete[complete["fold"] != fold]
        for label, formula in MODELS.items():
            fit = fs.cox(formula, seen)
            for horizon in (2, 6):
                by_hand = fit.baseline(seen).risk(held_out, horizon)["estimate"]
                np.testing.assert_allclose(
                    held_out[f"{label}, cox, {horizon}"], by_hand, rtol=BY_HAND_RTOL
                )


def test_accuracy_is_that_of_the_verbs_for_predictions(cohort, result):
    found = check_table(result.tidy())
    check_glance(result.glance())
    frame = result.augment(cohort).rename(
        columns={"both, cox, 6": "p", "both, weibull, 6": "q", "age, cox, 6": "r"}
    )
    formula = SURV + "p + q + r"
    error = fs.prediction_error(formula, frame, horizon=6)
    verbs = {
        "c_index": fs.concordance(formula, frame, tau=6),
        "auc": fs.time_dependent_auc(formula, frame, horizons=6),
        "brier": error,
        "ipa": error,
        "oe_ratio": (slope := fs.calibration(formula, frame, horizon=6)),
        "calibration_slope": slope,
        "ici": slope,
    }
    at = {"model": "both", "time": 6.0}
    for estimand, verb in verbs.items():
        table = verb.tidy()
        for term, learner in (("p", "cox"), ("q", "weibull")):
            (theirs,) = table[
                (table["term"] == term) & (table["estimand"] == estimand)
            ].to_dict("records")
            ours = row_of(found, estimand, learner=learner, **at)
            for name in ("estimate", "std_error", "p_value", "conf_low"):
                assert ours[name] == pytest.approx(
                    theirs.get(name, np.nan), rel=1e-9, nan_ok=True
                )
    for names, term, pair in (
        ({"model": "both", "learner": ""}, "weibull - cox", ("q", "p")),
        ({"model": "", "learner": "cox"}, "both - age", ("p", "r")),
    ):
        for estimand in ("c_index", "auc", "brier", "ipa"):
            table = verbs[estimand].contrast(*pair)
            (theirs,) = table[table["estimand"] == f"delta_{estimand}"].to_dict(
                "records"
            )
            ours = row_of(found, f"delta_{estimand}", term=term, time=6.0, **names)
            assert ours["estimate"] == pytest.approx(theirs["estimate"], rel=1e-9)
            assert ours["p_value"] == pytest.approx(theirs["p_value"], rel=1e-6)


def test_a_seed_decides_everything_and_workers_nothing(cohort):
    def risks(seed: int, n_workers: int) -> np.ndarray:
        return fs.cross_validate(
            {"both": MODELS["both"]},
            cohort,
            horizons=5,
            learners=["forest", "elastic_net"],
            n_folds=2,
            seed=seed,
            n_workers=n_workers,
        ).risk

    first = risks(1, 1)
    np.testing.assert_array_equal(first, risks(1, 2))
    assert not np.array_equal(first, risks(2, 1))


def test_clusters_stay_whole_and_their_influences_add_up(cohort):
    result = fs.cross_validate(
        MODELS, cohort, horizons=5, learners=["cox"], n_folds=4, cluster="site"
    )
    augmented = result.augment(cohort).dropna(subset="fold")
    assert (augmented.groupby("site")["fold"].nunique() == 1).all()
    assert "50 clusters" in str(result)
    table = fs.time_dependent_auc(
        SURV + "`both, cox, 5`", augmented, horizons=5, cluster="site"
    ).tidy()
    found = result.tidy()
    ours = row_of(found, "auc", model="both")
    assert ours["std_error"] == pytest.approx(table["std_error"].iloc[0], rel=1e-9)
    for estimand in ("calibration_slope", "oe_ratio"):
        row = row_of(found, estimand, model="both")
        assert np.isfinite(row["estimate"])
        assert np.isnan(row[["std_error", "p_value", "conf_low"]].astype(float)).all()


def test_a_learner_that_fails_in_a_fold_is_not_judged_and_says_so(cohort):
    rare = cohort.assign(sex=np.where(np.arange(len(cohort)) == 8, "X", cohort["sex"]))
    models = {"rare": SURV + "age + C(sex)", "plain": SURV + "age"}
    result = fs.cross_validate(models, rare, horizons=5, learners=["cox"], n_folds=4)
    table = check_table(result.tidy())
    failed = table[table["model"] == "rare"]
    assert failed["estimate"].isna().all()
    assert (
        failed["note"]
        .str.contains(
            "failed in 1 of 4 folds, so it is not judged: `sex` has 1 levels unseen"
        )
        .all()
    )
    difference = table[table["term"] == "plain - rare"]
    assert difference["estimate"].isna().all()
    assert (difference["note"] != "").all()
    assert row_of(table, "auc", model="plain")["estimate"] > 0.5
    risk = result.augment(rare)["rare, cox, 5"]
    assert 0 < risk.isna().sum() < len(rare)
    assert "rare, cox: failed in 1 of 4 folds" in str(result)
    with pytest.raises(ConvergenceError, match="Every learner failed in some fold"):
        fs.cross_validate(
            {"rare": models["rare"]}, rare, horizons=5, learners=["cox"], n_folds=4
        )


def test_one_learner_may_be_named_alone_and_twice_is_once(cohort):
    for learners in ("cox", ["cox", "cox"]):
        result = fs.cross_validate(
            {"age": SURV + "age"}, cohort, horizons=5, learners=learners, n_folds=2
        )
        assert result.learners == ("cox",)
        assert (result.tidy()["term"] == "").all()


BAD = [
    ({"learners": ["oracle"]}, DataError, "`learners` is 'oracle'; choose one of"),
    ({"learners": []}, DataError, "`learners` is empty"),
    ({"n_folds": 1}, DataError, "`n_folds` is 1; give a whole number of at least 2"),
    ({"n_folds": 2.5}, DataError, "`n_folds` is 2.5"),
    ({"n_folds": 190}, DataError, "fewer than the 190 folds of `n_folds`; every fold"),
    ({"n_folds": 60, "cluster": "site"}, DataError, "`site` has 50 clusters, fewer"),
    ({"seed": -1}, DataError, "`seed` is -1; give a whole number from 0 on"),
    ({"n_workers": 0}, DataError, "`n_workers` is 0"),
    ({"horizons": 99}, DataError, "Nobody is followed beyond horizon 99"),
    ({"horizons": []}, DataError, "`horizons` is empty"),
    ({"models": {}}, DataError, "`models` holds 0; give at least one"),
    ({"models": {"null": SURV + "1"}}, FormulaError, "`null` has no covariate to"),
    (
        {"models": {"late": "Surv(site, time, event) ~ age"}},
        FormulaError,
        "`late` has delayed entry",
    ),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_what_cannot_be_asked_is_refused(cohort, change, error, message):
    if "late" in change.get("models", {}):
        cohort = cohort.assign(site=cohort["time"] / 2)
    asked = {"models": MODELS, "data": cohort, "horizons": 5} | change
    with pytest.raises(error, match=re.escape(message)):
        fs.cross_validate(asked.pop("models"), asked.pop("data"), **asked)


def test_other_data_are_refused(cohort, result):
    for other in (cohort.iloc[:-1], cohort.iloc[::-1], cohort.drop(columns="time")):
        with pytest.raises(DataError, match="not those of the cross-validation"):
            result.augment(other)


@pytest.mark.slow
def test_a_forest_finds_a_product_that_no_formula_names():
    data = simulate(1, 900, product=1.5)
    result = fs.cross_validate(
        {"both": SURV + "age + face"},
        data,
        horizons=5,
        learners=["cox", "forest"],
        n_folds=5,
    )
    difference = row_of(result.tidy(), "delta_auc", term="forest - cox")
    assert difference["estimate"] > 0.05
    assert difference["p_value"] < 0.01


@pytest.mark.slow
def test_no_learner_beats_cox_where_hazards_are_proportional():
    result = fs.cross_validate(
        {"age": SURV + "age", "both": SURV + "age + face"},
        simulate(2, 600),
        horizons=5,
        n_folds=4,
    )
    table = result.tidy()
    for learner in ("elastic_net", "forest", "weibull", "flexible"):
        row = row_of(table, "delta_ipa", model="both", term=f"{learner} - cox")
        assert row["estimate"] < 0.01
        added = row_of(table, "delta_auc", learner=learner, term="both - age")
        assert added["p_value"] < 0.05
    forest = row_of(table, "delta_ipa", model="both", term="forest - cox")
    assert forest["estimate"] < 0
    assert not result.misfits

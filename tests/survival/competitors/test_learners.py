"""Kinds of models, one by one."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sksurv.linear_model import CoxnetSurvivalAnalysis
from sksurv.util import Surv

from fahrstats.errors import DataError
from fahrstats.survival.competitors import learners
from fahrstats.survival.competitors.elastic_net import choose_elastic_net
from fahrstats.survival.competitors.folds import deal_folds
from fahrstats.survival.competitors.learners import (
    LEARNERS,
    Lesson,
    ask,
    coarsen,
    first_sentence,
    prepare,
)
from fahrstats.survival.cox_models.maximum import find_maximum

SURV = "Surv(time, event) ~ "


def simulate(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    death, lost = rng.weibull(1.3, n) * 5 * np.exp(-0.6 * x), rng.uniform(1, 12, n)
    return pd.DataFrame(
        {
            "time": np.minimum(death, lost),
            "event": death <= lost,
            "x": x,
            "z": z,
            "twice": 2 * x,
            "flat": 1.0,
        }
    )


def lesson(formula: str, *, n: int = 240, horizons=(2.0, 5.0)) -> Lesson:
    data = simulate(11, n)
    half = n // 2
    return prepare(
        formula,
        data.iloc[:half],
        data.iloc[half:],
        horizons=horizons,
        seed=1,
        n_workers=1,
    )


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_risks_are_probabilities_that_rise_with_the_horizon_and_the_marker(learner):
    answer = ask(learner, given := lesson(SURV + "x + z"))
    assert (answer.failure, answer.warning) == ("", "")
    assert ((answer.risk > 0) & (answer.risk < 1)).all()
    assert (answer.risk[:, 1] >= answer.risk[:, 0]).all()
    assert np.corrcoef(answer.risk[:, 1], given.unseen[:, 0])[0, 1] > 0.6


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_columns_that_repeat_others_or_never_vary_change_nothing(learner):
    plain = ask(learner, lesson(SURV + "x + z"))
    repeated = ask(learner, lesson(SURV + "x + twice + z + flat"))
    assert repeated.failure == ""
    np.testing.assert_allclose(repeated.risk, plain.risk, atol=1e-9)


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_the_unit_of_time_is_of_no_matter(learner):
    data = simulate(12, 200)
    days = data.assign(time=365.25 * data["time"])
    found = [
        ask(
            learner,
            prepare(
                SURV + "x + z",
                frame.iloc[:150],
                frame.iloc[150:],
                horizons=(unit * 2, unit * 5),
                seed=1,
                n_workers=1,
            ),
        ).risk
        for frame, unit in ((data, 1.0), (days, 365.25))
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)


def test_the_net_shrinks_noise_more_than_a_marker():
    data = simulate(13, 400)
    noise = np.random.default_rng(1).normal(size=(400, 8))
    data = data.assign(**{f"n{j}": noise[:, j] for j in range(8)})
    formula = SURV + "x + " + " + ".join(f"n{j}" for j in range(8))
    given = prepare(formula, data, data.head(5), horizons=(5.0,), seed=3, n_workers=1)
    beta = choose_elastic_net(given.design, given.Z, seed=3)
    free = find_maximum(given.design, efron=False).peak.beta
    assert beta[0] < free[0]
    left = np.abs(beta[1:]).sum() / np.abs(free[1:]).sum()
    assert left < 0.9 * beta[0] / free[0]
    np.testing.assert_array_equal(
        beta, choose_elastic_net(given.design, given.Z, seed=3)
    )


def test_the_penalty_is_the_one_with_the_best_cross_validated_likelihood():
    data = simulate(16, 90)
    given = prepare(SURV + "x + z", data, data, horizons=(5.0,), seed=2, n_workers=1)
    design, Z = given.design, given.Z
    folds = deal_folds(design, 5, 2)

    def log_likelihood(rows, beta):
        """By its definition; no two times tie."""
        at = np.flatnonzero(rows)
        relative = Z @ beta
        return sum(
            relative[i] - np.log(np.exp(relative[at[design.time[at] >= t]]).sum())
            for i, t in zip(at, design.time[at], strict=True)
            if design.event[i]
        )

    def path(rows, penalties=None):
        outcome = Surv.from_arrays(design.event[rows], design.time[rows])
        model = CoxnetSurvivalAnalysis(n_alphas=50, l1_ratio=0.5, alphas=penalties)
        return model.fit(Z[rows], outcome)

    everyone = np.ones(design.n, bool)
    whole = path(everyone)
    gained = np.zeros(whole.alphas_.size)
    for fold in range(5):
        betas = path(folds != fold, whole.alphas_).coef_.T
        for at in range(gained.size):
            beta = betas[min(at, len(betas) - 1)]
            gained[at] += log_likelihood(everyone, beta)
            gained[at] -= log_likelihood(folds != fold, beta)
    best = whole.coef_[:, np.argmax(gained)]
    np.testing.assert_allclose(choose_elastic_net(design, Z, seed=2), best, rtol=1e-12)


def test_times_move_up_to_a_grid_and_never_past_a_horizon():
    rng = np.random.default_rng(4)
    time, event = rng.exponential(5, 3000), rng.random(3000) < 0.5
    moved = coarsen(time, event, (2.0, 5.0))
    assert np.unique(moved).size <= 203
    assert (moved >= time).all()
    for horizon in (2.0, 5.0):
        np.testing.assert_array_equal(moved <= horizon, time <= horizon)
    few = np.round(time) + 1
    assert coarsen(few, event, (2.0,)) is few


def test_trees_of_many_rows_learn_from_a_draw_of_some(monkeypatch):
    given = lesson(SURV + "x + z")
    every = ask("forest", given).risk
    monkeypatch.setattr(learners, "_MOST_ROWS", 90)
    drawn = ask("forest", given)
    assert drawn.failure == ""
    assert not np.array_equal(drawn.risk, every)
    assert np.corrcoef(drawn.risk[:, 1], every[:, 1])[0, 1] > 0.9


def test_failures_and_warnings_become_texts(monkeypatch):
    given = lesson(SURV + "x")

    def complain(_):
        warnings.warn("Slow going. Use more steps.", UserWarning, stacklevel=1)
        raise ValueError("no way\nforward. Try again.")

    monkeypatch.setattr(learners, "LEARNERS", {"cox": complain})
    answer = ask("cox", given)
    assert (answer.failure, answer.warning) == ("no way forward", "Slow going")
    assert np.isnan(answer.risk).all()
    monkeypatch.setattr(
        learners, "LEARNERS", {"cox": lambda given: np.full((120, 2), 1.5)}
    )
    assert (
        ask("cox", given).failure == "120 of 120 predicted risks are no probabilities"
    )
    assert first_sentence(ValueError()) == "ValueError"


def test_a_column_that_separates_leaves_cox_without_an_answer():
    data = simulate(14, 120)
    data["spared"] = (~data["event"] & (np.arange(120) % 2 == 0)) * 1.0
    given = prepare(SURV + "spared", data, data, horizons=(5.0,), seed=1, n_workers=1)
    assert ask("cox", given).failure == "`spared` has no finite hazard ratio"


def test_rows_that_end_before_a_horizon_teach_nothing_of_it():
    data = simulate(15, 80)
    with pytest.raises(DataError, match="no row to learn from is followed beyond"):
        prepare(SURV + "x", data, data, horizons=(99.0,), seed=1, n_workers=1)

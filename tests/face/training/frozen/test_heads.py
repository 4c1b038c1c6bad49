from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

import fahrstats as fs
from fahrstats.errors import DataError
from fahrstats.face.training.frozen.heads import fit_frozen_head
from fahrstats.kernels.newton import PartialLikelihood, climb, standardize
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.ridge import RidgeLikelihood
from fahrstats.kernels.risk_sets import sort_risk_sets


def cohort(n, d, *, slope=0.0, seed=1):
    """Embeddings, of which the first column raises the hazard, time and event."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 5.0
    first = (embeddings[:, 0] - embeddings[:, 0].mean()) / embeddings[:, 0].std()
    time = rng.exponential(np.exp(-slope * first))
    censored = rng.exponential(1.5, n)
    return embeddings, np.minimum(time, censored).round(2), time <= censored


def cox_log_hr(embeddings, time, event, ridge, strata=None):
    data = pd.DataFrame(
        embeddings, columns=[f"x{j}" for j in range(len(embeddings[0]))]
    )
    data = data.assign(time=time + 0.01, event=event)
    terms = " + ".join(data.columns[:-2])
    if strata is not None:
        data = data.assign(stratum=strata)
    fit = fs.cox(
        f"Surv(time, event) ~ {terms}",
        data,
        ridge=ridge,
        strata=None if strata is None else "stratum",
    )
    return fit.tidy()["estimate"].to_numpy()


@pytest.mark.parametrize("ridge", [0.5, 30.0, 2000.0])
def test_it_is_the_ridge_model_of_cox(ridge):
    embeddings, time, event = cohort(300, 6, slope=0.6)
    head = fit_frozen_head(embeddings, time, event, penalties=[ridge])
    expected = cox_log_hr(embeddings, time, event, ridge) * head.spread
    np.testing.assert_allclose(head.weights, expected, atol=1e-7)
    assert head.penalty == ridge
    assert np.isnan(head.log_likelihood).all()


def test_more_columns_than_photos_are_what_newton_finds_unrotated():
    embeddings, time, event = cohort(30, 45, slope=0.6)
    head = fit_frozen_head(embeddings, time, event, penalties=[40.0])
    sets = sort_risk_sets(time, event)
    Z, _, _ = standardize(embeddings, sets.order)
    partial = PartialLikelihood(sets, find_tie_blocks(sets), Z, efron=True)
    direct = RidgeLikelihood(partial, np.full(45, 40.0 * 30 / 29))
    n_events = int(event.sum())
    expected = climb(direct, np.zeros(45), n_events, n_events).beta
    np.testing.assert_allclose(head.weights, expected, atol=1e-7)


def test_strata_have_hazards_of_their_own():
    embeddings, time, event = cohort(300, 4, slope=0.6)
    stratum = np.where(np.arange(300) % 3, "a", "b")
    time = time * np.where(stratum == "a", 1.0, 20.0)
    head = fit_frozen_head(embeddings, time, event, penalties=[5.0], stratum=stratum)
    expected = cox_log_hr(embeddings, time, event, 5.0, stratum) * head.spread
    np.testing.assert_allclose(head.weights, expected, atol=1e-7)


def test_the_penalty_maximizes_what_held_out_photos_add():
    embeddings, time, event = cohort(40, 3, slope=1.0)
    n = int(event.sum())
    penalties = [1.0, 30.0, 1000.0]
    # As many folds as events: every event is in a fold of its own.
    head = fit_frozen_head(embeddings, time, event, penalties=penalties, n_folds=n)
    assert head.penalty == penalties[int(np.argmax(head.log_likelihood))]
    again = fit_frozen_head(
        embeddings, time, event, penalties=penalties[::-1], n_folds=n
    )
    np.testing.assert_array_equal(again.log_likelihood, head.log_likelihood)
    assert (head.n, head.n_events) == (40, n)


def test_noise_is_shrunk_and_signal_is_not():
    embeddings, time, event = cohort(300, 16)
    noise = fit_frozen_head(embeddings, time, event)
    embeddings, time, event = cohort(300, 16, slope=1.0)
    signal = fit_frozen_head(embeddings, time, event)
    assert noise.penalty > 10 * signal.penalty
    assert noise.predict(embeddings).std() < 0.3 < signal.predict(embeddings).std()


def test_predictions_are_centred_and_do_not_see_scale_or_shift():
    embeddings, time, event = cohort(200, 5, slope=1.0)
    embeddings[:, 4] = 7.0
    head = fit_frozen_head(embeddings, time, event, penalties=[3.0])
    predicted = head.predict(embeddings)
    assert predicted.mean() == pytest.approx(0.0, abs=1e-12)
    assert head.weights[4] == 0.0
    moved = embeddings * [1e-3, 1.0, 1e4, 1.0, 1.0] + [0.0, 1e3, 0.0, 0.0, 1.0]
    other = fit_frozen_head(moved, time, event, penalties=[3.0])
    np.testing.assert_allclose(other.predict(moved), predicted, atol=1e-6)
    with pytest.raises(FrozenInstanceError):
        head.penalty = 1.0


def bad(**changes):
    embeddings, time, event = cohort(20, 3)
    given = {"embeddings": embeddings, "time": time, "event": event} | changes
    return lambda: fit_frozen_head(
        given.pop("embeddings"), given.pop("time"), given.pop("event"), **given
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embeddings": np.full((20, 3), np.nan)}, "infinite in 20 of 20 photos"),
        ({"embeddings": np.full((20, 3), np.inf)}, "infinite in 20 of 20 photos"),
        ({"embeddings": np.ones((20, 3))}, "same in all 20 photos"),
        ({"embeddings": np.ones(20)}, r"`embeddings` has shape \(20,\)"),
        ({"time": np.ones(19)}, r"`time` has shape \(19,\).* 20 rows"),
        ({"event": np.ones(21)}, r"`event` has shape \(21,\)"),
        ({"subject": np.ones(3)}, r"`subject` has shape \(3,\)"),
        ({"time": np.full(20, -1.0)}, "`time` is negative, .* in 20 of 20"),
        ({"time": np.full(20, np.nan)}, "`time` is negative, missing"),
        ({"event": np.full(20, 2)}, "`event` is neither 0 nor 1 in 20 of 20"),
        ({"event": np.zeros(20)}, "`event` marks no event in 20 subjects"),
        ({"event": np.arange(20) == 3}, "the event of 1 subject"),
        ({"penalties": [0.0, 1.0]}, "`penalties` is .* positive"),
        ({"penalties": []}, "`penalties` is .* positive"),
        ({"n_folds": 1}, "`n_folds` is 1; give a whole number from 2 on"),
        ({"seed": -1}, "`seed` is -1; give a whole number from 0 on"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        bad(**changes)()


def test_a_subject_counts_once_with_its_mean_embedding():
    embeddings, time, event = cohort(60, 3, slope=1.0)
    rng = np.random.default_rng(2)
    subject = np.concatenate([np.arange(60), np.zeros(1000, int), np.full(3, 7)])
    photos = embeddings[subject] + rng.normal(size=(1063, 3))
    mean = [photos[subject == one].mean(axis=0) for one in range(60)]
    many = fit_frozen_head(
        photos, time[subject], event[subject], subject=subject, penalties=[2.0]
    )
    once = fit_frozen_head(mean, time, event, penalties=[2.0])
    np.testing.assert_allclose(many.weights, once.weights, atol=1e-9)
    assert (many.n, many.n_events) == (60, int(event.sum()))


@pytest.mark.parametrize("name", ["time", "event", "stratum"])
def test_photos_of_a_subject_share_their_follow_up(name):
    given = {"time": np.arange(20.0), "event": np.ones(20), "stratum": np.zeros(20)}
    given = {key: np.repeat(values, 2) for key, values in given.items()}
    given[name][5] += 1 if name != "event" else -1
    embeddings = np.random.default_rng(1).normal(size=(40, 2))
    with pytest.raises(DataError, match="differs between the photos of 1 of 20"):
        fit_frozen_head(
            embeddings,
            given["time"],
            given["event"],
            stratum=given["stratum"],
            subject=np.repeat(np.arange(20), 2),
        )


def test_predict_refuses_other_embeddings():
    embeddings, time, event = cohort(50, 3)
    head = fit_frozen_head(embeddings, time, event, penalties=[3.0])
    with pytest.raises(DataError, match="has 2 columns, and this head was fitted to 3"):
        head.predict(embeddings[:, :2])
    with pytest.raises(DataError, match="infinite in 1 of 1 photos"):
        head.predict([[0.0, np.nan, 1.0]])

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fahrstats as fs
from fahrstats.errors import DataError
from fahrstats.face.training.frozen.cross_fit import cross_fit
from fahrstats.face.training.frozen.heads import fit_frozen_head


def cohort(n, d, *, slope=0.0, seed=1):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n, d)).astype(np.float32)
    time = rng.exponential(np.exp(-slope * embeddings[:, 0]))
    censored = rng.exponential(1.5, n)
    return embeddings, np.minimum(time, censored), time <= censored


def c_index(score, time, event):
    """C-index and its 95% interval."""
    data = pd.DataFrame({"time": time, "event": event, "score": score})
    row = fs.concordance("Surv(time, event) ~ score", data).tidy().iloc[0]
    return row["estimate"], row["conf_low"], row["conf_high"]


def test_noise_ranks_nobody_once_subjects_are_unseen():
    embeddings, time, event = cohort(400, 64)
    fitted = cross_fit(embeddings, time, event, subject=np.arange(400))
    _, low, high = c_index(fitted.score, time, event)
    assert low < 0.5 < high
    head = fit_frozen_head(embeddings, time, event, penalties=[64.0])
    _, low, _ = c_index(head.predict(embeddings), time, event)
    assert low > 0.5
    # The penalty of one fold's head, applied out of fold: no optimism either.
    fixed = cross_fit(embeddings, time, event, subject=np.arange(400), penalties=[64.0])
    _, low, high = c_index(fixed.score, time, event)
    assert low < 0.5 < high


def test_a_signal_is_found():
    embeddings, time, event = cohort(400, 64, slope=1.0)
    fitted = cross_fit(embeddings, time, event, subject=np.arange(400))
    c, low, _ = c_index(fitted.score, time, event)
    oracle, _, _ = c_index(embeddings[:, 0], time, event)
    assert low > 0.6
    assert c < oracle


def test_scores_are_those_of_heads_fitted_to_the_other_folds():
    embeddings, time, event = cohort(120, 4, slope=0.7)
    subject = np.arange(120) // 3
    time, event = time[3 * subject], event[3 * subject]
    fitted = cross_fit(embeddings, time, event, subject=subject, k=3, penalties=[9.0])
    for fold, head in enumerate(fitted.heads):
        seen = fitted.fold != fold
        assert not set(subject[seen]) & set(subject[~seen])
        means = embeddings[seen].astype(float).reshape(-1, 3, 4).mean(axis=1)
        alone = fit_frozen_head(
            means, time[seen][::3], event[seen][::3], penalties=[9.0]
        )
        np.testing.assert_allclose(head.weights, alone.weights, atol=1e-9)
        learned = head.predict(means)
        expected = (head.predict(embeddings[~seen]) - learned.mean()) / learned.std()
        np.testing.assert_allclose(fitted.score[~seen], expected, rtol=1e-12)


def test_events_and_photos_are_spread_evenly():
    embeddings, time, event = cohort(103, 3)
    fold = cross_fit(embeddings, time, event, subject=np.arange(103)).fold
    assert np.ptp(np.bincount(fold)) <= 1
    assert np.ptp(np.bincount(fold[event])) <= 1


def test_the_baseline_is_breslows():
    embeddings, time, event = cohort(60, 3, slope=0.5)
    time = time.round(1) + 0.1
    fitted = cross_fit(embeddings, time, event, subject=np.arange(60), k=2)
    seen = fitted.fold != 0
    relative = np.exp(fitted.heads[0].predict(embeddings[seen]))
    horizon, t, died = 0.9, time[seen], event[seen]
    hazard = sum(
        (died & (t == s)).sum() / relative[t >= s].sum()
        for s in np.unique(t[died])
        if s <= horizon
    )
    expected = 1 - np.exp(-hazard * np.exp(fitted.log_hazard[~seen]))
    np.testing.assert_allclose(fitted.risk(horizon)[~seen], expected, rtol=1e-9)
    assert (fitted.risk(0.01) == 0).all()
    with pytest.raises(DataError, match="`horizon` is -1; give a positive time"):
        fitted.risk(-1)


def test_no_risk_is_told_past_the_last_event_a_head_knows_of():
    embeddings, time, event = cohort(60, 3)
    fitted = cross_fit(embeddings, time, event, subject=np.arange(60))
    last = min(time[event & (fitted.fold != fold)].max() for fold in range(5))
    assert np.isfinite(fitted.risk(last)).all()
    with pytest.raises(DataError, match=r"`horizon` is .* baseline hazard ends"):
        fitted.risk(last * 1.001)


def test_strata_have_hazards_of_their_own():
    embeddings, time, event = cohort(120, 3, slope=0.7)
    stratum = np.where(np.arange(120) % 3, "b", "a")
    time = time * np.where(stratum == "a", 1.0, 50.0)
    fitted = cross_fit(
        embeddings, time, event, subject=np.arange(120), stratum=stratum, k=2
    )
    seen = fitted.fold != 1
    alone = fit_frozen_head(
        embeddings[seen],
        time[seen],
        event[seen],
        stratum=stratum[seen],
        penalties=[fitted.heads[1].penalty],
    )
    np.testing.assert_allclose(fitted.heads[1].weights, alone.weights, atol=1e-9)
    in_a = seen & (stratum == "a")
    relative = np.exp(alone.predict(embeddings[in_a]))
    hazard = sum(
        1 / relative[time[in_a] >= s].sum() for s in time[in_a & event] if s <= 0.5
    )
    wanted = ~seen & (stratum == "a")
    expected = 1 - np.exp(-hazard * np.exp(fitted.log_hazard[wanted]))
    np.testing.assert_allclose(fitted.risk(0.5)[wanted], expected, rtol=1e-6)
    everyone_censored = event & (stratum == "a")
    fitted = cross_fit(
        embeddings, time, everyone_censored, subject=np.arange(120), stratum=stratum
    )
    with pytest.raises(DataError, match="an event past 0 in every stratum"):
        fitted.risk(0.5)


def test_a_subject_with_a_thousand_photos_stays_in_one_fold():
    embeddings, time, event = cohort(1300, 4, slope=0.5)
    subject = np.maximum(np.arange(1300) - 999, 0).astype(str)
    time[:1000], event[:1000] = time[0], True
    fitted = cross_fit(embeddings, time, event, subject=subject)
    assert np.isfinite(fitted.score).all()
    assert np.unique(fitted.fold[:1000]).size == 1
    assert np.unique(fitted.fold).size == 5


def test_the_seed_decides():
    embeddings, time, event = cohort(80, 3)
    subject = np.arange(80)
    once = cross_fit(embeddings, time, event, subject=subject, seed=4)
    again = cross_fit(embeddings, time, event, subject=subject, seed=4)
    other = cross_fit(embeddings, time, event, subject=subject, seed=5)
    np.testing.assert_array_equal(once.score, again.score)
    assert (once.fold != other.fold).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"event": np.zeros(20)}, "no event in the 16 subjects outside fold 0"),
        ({"event": np.arange(20) == 3}, "no event in the 16 subjects outside fold 0"),
        (
            {"subject": np.arange(20) // 10, "time": np.ones(20), "event": np.ones(20)},
            "names 2 subjects, too few for 5 folds",
        ),
        ({"subject": np.arange(7)}, r"`subject` has shape \(7,\)"),
        ({"k": 1}, "`k` is 1; give a whole number from 2 on"),
        ({"embeddings": np.full((20, 2), np.inf)}, "infinite in 20 of 20"),
        ({"time": -np.ones(20)}, "`time` is negative"),
        (
            {"embeddings": np.eye(20)[:, :1], "penalties": [1.0]},
            "same in all 16 subjects outside fold",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_refused(changes, message):
    embeddings, time, event = cohort(20, 3)
    given = {"embeddings": embeddings, "time": time, "event": event}
    given |= {"subject": np.arange(20)} | changes
    with pytest.raises(DataError, match=message):
        cross_fit(
            given.pop("embeddings"), given.pop("time"), given.pop("event"), **given
        )

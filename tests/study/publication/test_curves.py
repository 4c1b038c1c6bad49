from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.curves import (
    at_round_times,
    is_curve,
    rounded_time,
    significant,
)
from fahrstats.study.publication.estimates import coarse
from fahrstats.survival.over_time.curves import kaplan_meier

ROUNDING = Rounding("secret")


@pytest.fixture
def curve():
    """Return the Kaplan-Meier curve of four hundred people, some of them censored."""
    rng = np.random.default_rng(3)
    time = rng.exponential(5, 400)
    data = pd.DataFrame({"time": time, "event": rng.random(400) < 0.7})
    data = data.assign(group="all")
    fit = kaplan_meier("Surv(time, event) ~ group", data)
    return fit.tidy()


def test_a_curve_is_known_by_times_that_nobody_asked_for(curve):
    assert is_curve(curve, [1.0, 5.0])
    at = curve.assign(time=5.0)
    assert not is_curve(at, [5.0])
    assert not is_curve(curve.drop(columns="n_at_risk"), [])


def test_nobody_can_be_seen_on_a_curve(curve):
    public = at_round_times(curve, ROUNDING)
    own = set(curve["time"]) - {0.0}
    assert not own & set(public["time"])
    assert not {"n_at_risk", "n_censored", "n_events"} & {*public}
    last = curve.loc[curve["n_at_risk"] >= ROUNDING.floor, "time"].max()
    assert public["time"].max() <= last
    assert public["std_error"].isna().all()
    assert np.diff(public["estimate"]).max() <= 0


def test_every_step_is_of_as_many_people_as_counts_are_rounded_to(curve):
    """Those at risk do not grow, so that a step is at least the base out of them."""
    public = at_round_times(curve, ROUNDING)
    drops = -np.diff(public["estimate"])
    drops = drops[drops > 1e-9]
    assert drops.size
    assert drops.min() >= ROUNDING.base / ROUNDING.printed(400) - 1e-9


def test_a_curve_is_flat_until_ten_have_had_the_event(curve):
    few = curve.assign(n_events=np.where(curve["time"] < 6, 0, curve["n_events"]))
    public = at_round_times(few.assign(n_censored=1 - few["n_events"]), ROUNDING)
    tenth = few.loc[few["n_events"].cumsum() >= 10, "time"].iloc[0]
    before = public[public["time"] < tenth]
    assert len(before) > 1
    assert (before["estimate"] == 1).all()
    assert before["conf_low"].isna().all()


def test_a_public_curve_is_near_the_exact_one(curve):
    """Within half a step of the people then at risk, but where it is flat."""
    public = at_round_times(curve, ROUNDING)
    at = np.searchsorted(curve["time"], public["time"] + 1e-9, side="right") - 1
    exact = curve["estimate"].to_numpy()[at]
    left = np.append(curve["n_at_risk"].to_numpy()[1:], 0)[at]
    seen = (exact < 1 - 15 / 400) & (left > 60)
    assert seen.any()
    distance = np.abs(public["estimate"].to_numpy() - exact)[seen]
    assert (distance <= 2 * ROUNDING.base / left[seen]).all()


def test_a_curve_of_few_is_no_curve(curve):
    assert at_round_times(curve.assign(n_at_risk=9), ROUNDING).empty


def test_times_have_two_digits_unless_a_study_asks_for_them():
    times = rounded_time(pd.Series([1.338439, 12.345, 7.25, 0.0]), [7.25])
    assert times.tolist() == [1.3, 12.0, 7.25, 0.0]
    assert significant(-0.012345, 3) == -0.0123


def test_effects_over_time_do_not_begin_and_end_with_single_people():
    """They are estimated from the first event to the last."""
    times = np.array([0.0027, 1.0, 2.0, 4.019])
    table = pd.DataFrame(
        {
            "term": np.repeat(["age", "sex"], 4),
            "estimand": "hr",
            "time": np.tile(times, 2),
            "estimate": 1.1,
        }
    )
    shown = coarse(table, ROUNDING, [1.0])
    assert shown["time"].tolist() == [1.0, 2.0] * 2
    counted = coarse(table.assign(n=400, n_events=90), ROUNDING, [1.0])
    assert counted["time"].tolist() == [0.0027, 1.0, 2.0, 4.0] * 2

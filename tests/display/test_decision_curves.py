"""Figure of net benefit by threshold."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import decision_curves
from fahrstats.errors import DataError

LONG = (
    "A model with a very long name that goes on and on, measured in $ and in other "
    "units as well, per year of follow-up"
)


@pytest.fixture(autouse=True)
def _no_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield


def table(models=("clinical",), *, limits=False):
    thresholds = np.linspace(0.01, 0.5, 30)
    frames = []
    for i, term in enumerate([*models, "treat all", "treat none"]):
        benefit = 0.2 - (0.2 + 0.1 * i) * thresholds
        frames.append(
            pd.DataFrame(
                {
                    "term": term,
                    "estimand": "net_benefit",
                    "time": 5.0,
                    "threshold": thresholds,
                    "estimate": 0.0 if term == "treat none" else benefit,
                    "conf_low": benefit - 0.02 if limits else np.nan,
                    "conf_high": benefit + 0.02 if limits else np.nan,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("models", [("clinical",), ("a", "b", LONG)])
@pytest.mark.parametrize("limits", [False, True])
def test_strategies_are_named_and_nothing_is_cut_off(models, limits):
    plot = decision_curves(table(models, limits=limits), title="Decisions")
    with drawn(plot) as figure:
        said = words(figure)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []
        n_bands = len(figure.axes[0].collections)
    assert {"Treat all", "Treat none", "Net benefit", "Decisions"} <= set(said)
    assert n_bands == (len(models) if limits else 0)


def test_the_axis_ends_a_little_below_zero():
    with drawn(decision_curves(table())) as figure:
        low, high = figure.axes[0].get_ylim()
        assert -0.25 * high < low < 0


def test_a_missing_net_benefit_ends_the_line():
    rows = table()
    is_late = (rows["term"] == "clinical") & (rows["threshold"] > 0.3)
    rows.loc[is_late, "estimate"] = np.nan
    with drawn(decision_curves(rows)) as figure:
        ends = [line.get_xdata().max() for line in figure.axes[0].get_lines()]
    assert min(ends) < 0.31
    assert max(ends) == pytest.approx(0.5)


def test_two_horizons_are_refused():
    later = pd.concat([table(), table().assign(time=9.0)], ignore_index=True)
    with pytest.raises(DataError, match="`time` has 2 values"):
        decision_curves(later)

"""Figure of estimates over horizons."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import over_horizons
from fahrstats.errors import DataError

LONG = (
    "A score with a very long name that goes on and on, measured in $ and in other "
    "units as well, per year of follow-up"
)


@pytest.fixture(autouse=True)
def _no_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield


def table(terms=("faceage", "age"), times=(1.0, 2.5, 5.0), estimand="auc"):
    rows = [
        (term, estimand, time, 0.7 - 0.05 * i + 0.01 * time)
        for time in times
        for i, term in enumerate(terms)
    ]
    frame = pd.DataFrame(rows, columns=["term", "estimand", "time", "estimate"])
    return frame.assign(
        conf_low=frame["estimate"] - 0.03, conf_high=frame["estimate"] + 0.03
    )


@pytest.mark.parametrize("terms", [("faceage",), ("faceage", "age", LONG)])
@pytest.mark.parametrize("times", [(365.0,), (1.0, 2.5, 5.0)])
def test_horizons_and_scores_are_named_and_nothing_is_cut_off(terms, times):
    plot = over_horizons(table(terms, times), time_label="Years", title="Scores")
    with drawn(plot) as figure:
        said = words(figure)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []
    assert {"AUC (95% CI)", "Years", "Scores"} <= set(said)
    assert {f"{time:g}" for time in times} <= set(said)
    assert ("age" in said) == (len(terms) > 1)


def test_every_estimate_is_drawn_beside_its_horizon():
    with drawn(over_horizons(table())) as figure:
        axes = figure.axes[0]
        ends = [
            segment
            for collection in axes.collections
            for path in collection.get_paths()
            for segment in [path.vertices]
            if len(segment) == 2 and segment[0, 0] == segment[1, 0]
        ]
    heights = sorted(tuple(np.round(np.sort(end[:, 1]), 6)) for end in ends)
    wanted = table()[["conf_low", "conf_high"]].round(6)
    assert heights == sorted(map(tuple, wanted.to_numpy()))


def test_several_estimands_are_refused():
    both = pd.concat([table(), table(estimand="delta_auc")], ignore_index=True)
    with pytest.raises(DataError, match="`estimand` has 2 values"):
        over_horizons(both)


def test_a_table_without_limits_is_refused():
    with pytest.raises(DataError, match="no column `conf_low`"):
        over_horizons(table().drop(columns="conf_low"))

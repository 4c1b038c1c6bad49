"""Figure of several kinds of models."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import learner_dots
from fahrstats.errors import DataError

LONG = (
    "age, sex, stage, grade, comorbidity in <b> & $ and performance status at the "
    "first visit to the clinic, with everything else that is known of them then"
)


@pytest.fixture(autouse=True)
def _no_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield


def table(models=("clinical", "both"), times=(2.0, 5.0), estimands=("c_index", "ipa")):
    rows = [
        (model, learner, estimand, time, 0.5 + 0.05 * i)
        for time in times
        for estimand in estimands
        for i, model in enumerate(models)
        for learner in ("cox", "forest", "flexible")
    ]
    names = ["model", "learner", "estimand", "time", "estimate"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(
        conf_low=frame["estimate"] - 0.1, conf_high=frame["estimate"] + 0.04
    )


@pytest.mark.parametrize("models", [("one",), ("clinical", "both"), ("a", LONG, "b")])
@pytest.mark.parametrize("times", [(5.0,), (2.0, 5.0)])
def test_learners_and_models_are_named_and_nothing_is_cut_off(models, times):
    with drawn(learner_dots(table(models, times))) as figure:
        said = words(figure)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []
    assert {"Cox", "Survival forest", "Flexible parametric"} <= set(said)
    assert {f"C-index at {time:g} (95% CI)" for time in times} <= set(said)
    assert (models[0] in said) == (len(models) > 1)


def test_what_has_no_estimate_is_left_out_and_what_has_no_limits_is_a_dot():
    rows = table(times=(5.0,), estimands=("ipa",))
    rows.loc[rows["learner"] == "forest", "estimate"] = float("nan")
    rows.loc[rows["learner"] == "cox", ["conf_low", "conf_high"]] = float("nan")
    difference = rows.head(1).assign(model="", estimand="delta_ipa")
    with drawn(learner_dots(pd.concat([rows, difference]))) as figure:
        said = words(figure)
    assert "Survival forest" not in said
    assert "Cox" in said


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table().drop(columns="learner"), "no column `learner`"),
        (table().assign(estimate=float("nan")), "No row of the table has the accuracy"),
        (table(estimands=("auc", "ipa", "brier")), "`estimand` has 3 values"),
    ],
)
def test_a_table_that_is_no_such_figure_is_refused(rows, message):
    with pytest.raises(DataError, match=message):
        learner_dots(rows)

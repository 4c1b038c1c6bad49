from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import (
    region_differences,
    region_shares,
    replacement_curves,
)
from fahrstats.display.region_names import region_in_sentence, region_name
from fahrstats.errors import DataError

REGIONS = ["forehead", "periorbital", "eyes", "jaw_neck"]
LABELS = {"a": {"label": "First", "unit": "years"}, "b": {"label": "Second"}}


def shares(models=("a", "b")):
    rows = [
        (model, region, "importance_share", 0.1 * at, 0.1 * at - 0.05, 0.1 * at + 0.05)
        for model in models
        for at, region in enumerate(REGIONS, start=1)
    ]
    names = ["model", "region", "estimand", "estimate", "conf_low", "conf_high"]
    return pd.DataFrame(rows, columns=names)


def differences():
    table = shares(("a - b",)).rename(columns={"model": "term"})
    return table.assign(
        joint_low=table["conf_low"] - 0.02, joint_high=table["conf_high"] + 0.02
    )


def curves():
    rows = [
        (model, curve, dose, order, "mean_score", 50 - 10 * dose)
        for model in "ab"
        for curve in ("deletion", "insertion")
        for order in ("importance", "random")
        for dose in (0.0, 0.5, 1.0)
    ]
    names = ["model", "condition", "dose", "group", "estimand", "estimate"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize(
    ("draw", "table", "said"),
    [
        (region_shares, shares(), {"First", "Around the eyes", "Jaw and neck"}),
        (region_differences, differences(), {"First minus Second", "Forehead"}),
        (replacement_curves, curves(), {"First, years: blurred", "by importance"}),
    ],
)
def test_everything_is_named_and_fits(draw, table, said):
    with drawn(draw(table, labels=LABELS, title="Costs $5")) as figure:
        assert said <= set(words(figure))
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_the_first_region_and_model_stand_on_top():
    with drawn(region_shares(shares(), labels=LABELS)) as figure:
        (axes,) = figure.axes
        places = dict(
            zip(
                [text.get_text() for text in axes.get_yticklabels()],
                axes.get_yticks(),
                strict=True,
            )
        )
        assert places["Forehead"] == max(places.values())
        dots = np.vstack(
            [c.get_offsets() for c in axes.collections if len(c.get_offsets())]
        )
        first = dots[np.isclose(dots[:, 0], 10)][:, 1]
        assert len(np.unique(first.round(3))) == 2  # side by side


@pytest.mark.parametrize(
    ("draw", "table", "message"),
    [
        (region_shares, shares().drop(columns="region"), "no column `region`"),
        (
            region_shares,
            pd.concat([shares(), shares().assign(estimand="mean_change")]),
            "`estimand` has 2 values",
        ),
        (region_shares, shares("abcdefg"), "`group` has 7 levels"),
        (region_differences, shares(), "no column `term`, `joint_low`"),
        (replacement_curves, curves().drop(columns="dose"), "no column `dose`"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, table, message):
    with pytest.raises(DataError, match=message):
        draw(table)


def test_regions_have_names_that_a_reader_knows():
    assert region_name("nasolabial") == "Folds beside the mouth"
    assert region_name("mouth") == "Mouth"
    assert region_name("left_ear") == "Left ear"
    assert region_name("mouth", {"mouth": {"label": "Lips"}}) == "Lips"
    assert region_in_sentence("periorbital") == "the part around the eyes"
    assert region_in_sentence("jaw_neck") == "the jaw and neck"

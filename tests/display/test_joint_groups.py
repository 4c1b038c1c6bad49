from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts, texts_outside, words
from matplotlib.colors import to_rgb

from fahrstats.display.joint_groups import joint_curves, joint_tiles
from fahrstats.errors import DataError

LONG = {"face": {"label": "Predicted risk of death, photograph taken before treatment"}}
PAIR = ("face", "risk")


def tiles(n_groups: int) -> pd.DataFrame:
    """Hazard ratios that rise with both scores; the last tile has none."""
    names = [f"Q{k + 1}" for k in range(n_groups)]
    first, second = zip(*itertools.product(names, names), strict=True)
    ratio = np.exp(np.arange(len(first)) / 5)
    table = pd.DataFrame(
        {
            "first_group": first,
            "second_group": second,
            "estimand": "hr",
            "estimate": ratio,
            "conf_low": ratio / 2,
            "conf_high": ratio * 2,
            "n": 12345,
            "n_events": 1234,
            "note": "",
        }
    )
    table.loc[0, "note"] = "reference"
    last = table.index[-1]
    table.loc[last, ["estimate", "conf_low", "conf_high"]] = np.nan
    table.loc[last, "note"] = "too few events (3 < 10)"
    return table


@pytest.mark.parametrize("n_groups", [2, 4, 5])
def test_every_tile_has_its_ratio_and_events(n_groups):
    table = tiles(n_groups)
    with drawn(joint_tiles(table, scores=PAIR, labels=LONG, title="Both")) as figure:
        shown = [text.replace("\n", " ") for text in words(figure)]
        assert "1 (reference) 1,234/12,345 events" in shown
        assert "1.22 (0.61\N{EN DASH}2.44) 1,234/12,345 events" in shown
        assert "too few events 1,234/12,345 events" in shown
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_an_empty_group_says_so_without_counts():
    table = tiles(2)
    table.loc[3, ["n", "n_events", "note"]] = [0, 0, "no rows"]
    with drawn(joint_tiles(table, scores=PAIR)) as figure:
        assert "no rows" in words(figure)


def test_colour_follows_the_ratio_and_grey_means_none():
    with drawn(joint_tiles(tiles(2), scores=PAIR)) as figure:
        (patches,) = [c for c in figure.axes[0].collections if len(c.get_facecolor())]
        colours = patches.get_facecolor()[:, :3]
    # Redder the larger the ratio; the tile without one is grey.
    warmth = colours[:, 0] - colours[:, 2]
    assert warmth[2] > warmth[1] > warmth[0]
    np.testing.assert_allclose(colours[3], to_rgb("#e4e4e4"), atol=0.01)


def test_rows_that_are_no_joint_group_are_not_drawn():
    others = tiles(2).assign(first_group="", second_group="")
    both = pd.concat([tiles(2), others], ignore_index=True)
    with drawn(joint_tiles(both, scores=PAIR)) as figure:
        assert len([w for w in words(figure) if "events" in w]) == 4
    with pytest.raises(DataError, match="The table has no rows"):
        joint_tiles(others, scores=PAIR)
    with pytest.raises(DataError, match="has no column `n`"):
        joint_tiles(tiles(2).drop(columns="n"), scores=PAIR)


def test_curves_have_a_panel_for_each_group_of_the_first_score():
    times = np.arange(5.0)
    table = pd.concat(
        [
            row[["first_group", "second_group"]]
            .to_frame()
            .T.merge(
                pd.DataFrame({"time": times, "estimate": np.exp(-times * k / 40)}),
                how="cross",
            )
            for k, row in tiles(4).iterrows()
        ],
        ignore_index=True,
    )
    with drawn(joint_curves(table, scores=PAIR, labels=LONG)) as figure:
        assert len(figure.axes) == 4
        assert all(len(axes.get_lines()) == 4 for axes in figure.axes)
        shown = [text.replace("\n", " ") for text in words(figure)]
        assert f"{LONG['face']['label']}: Q4" in shown
        assert texts_outside(figure) == []
    with pytest.raises(DataError, match="has no column `time`"):
        joint_curves(table.drop(columns="time"), scores=PAIR)


def test_the_title_of_the_legend_stands_apart_from_its_lines():
    table = pd.DataFrame(
        {
            "time": [0.0, 9.5] * 2,
            "estimate": [1.0, 0.8] * 2,
            "first_group": "low",
            "second_group": ["low", "low", "high", "high"],
        }
    )
    with drawn(joint_curves(table, scores=("a", "b"))) as figure:
        title, low = (
            next(t for t in texts(figure) if t.get_text() == word).get_window_extent()
            for word in ("b", "low")
        )
        key = 28 / 72 * figure.dpi
        assert low.x0 - title.x1 > 1.15 * key
        ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert ticks == ["0", "2", "4", "6", "8"]

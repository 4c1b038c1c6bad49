from __future__ import annotations

import numpy as np
import pytest
from drawings import drawn, overlapping, texts_outside, words
from matplotlib.collections import PolyCollection
from matplotlib.patches import PathPatch, Rectangle

from fahrstats.display.flowchart import flow
from fahrstats.errors import DataError


@pytest.fixture(scope="module")
def figure(tables, labels):
    with drawn(flow(tables["flow"], labels=labels)) as made:
        yield made


def shown(figure):
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in words(figure)]


def test_everyone_those_left_out_and_those_analysed_have_a_box(tables, figure):
    table = tables["flow"]
    everyone, aside, analysed = shown(figure)
    first, last = table.iloc[0], table.iloc[-1]
    assert everyone == f"In the table\nn = {first['n']} ({first['n_events']} events)"
    assert analysed == f"Analysed\nn = {last['n']} ({last['n_events']} events)"
    assert aside == (
        "Left out: n = 24 (6 events)\n"
        "• Creatinine: missing value, n = 21 (5 events)\n"
        "• time: time is 0, n = 3 (1 event)"
    )


def test_a_step_that_takes_out_no_one_is_not_listed(figure):
    assert "weight" not in " ".join(shown(figure))


def test_no_one_left_out_is_said(tables, draw):
    figure = draw(flow(tables["flow"].head(1)))
    assert "Left out: none" in shown(figure)


def test_numbers_left_out_that_are_not_published_are_dashes(tables, draw):
    """Neither are they none, nor is their sum told by those before and after."""
    table = tables["flow"].astype({"n_removed": "Int64", "n_removed_events": "Int64"})
    hidden = table["n_removed"].between(1, 9)
    table.loc[hidden, ["n_removed", "n_removed_events"]] = None
    aside = shown(draw(flow(table)))[1]
    assert aside.startswith("Left out: n = \N{EN DASH}\n")
    assert aside.endswith("time: time is 0, n = \N{EN DASH}")


def test_counts_without_events_stand_alone(tables, draw):
    table = tables["flow"].drop(columns="n_removed_events").assign(n_events=np.nan)
    aside = shown(draw(flow(table)))[1]
    assert "Left out: n = 24\n" in aside


@pytest.mark.parametrize("reason", ["missing", "time is 0 " * 12, "$x$ & <y>"])
def test_no_text_is_cut_off_or_leaves_its_box(tables, reason, draw):
    table = tables["flow"].assign(reason=reason)
    figure = draw(flow(table))
    assert texts_outside(figure) == []
    assert overlapping(figure) == []
    axes = figure.axes[0]
    boxes = [
        path.get_extents(shape.get_transform())
        for shape in axes.findobj(PolyCollection)
        for path in shape.get_paths()
    ] or [
        shape.get_window_extent()
        for shape in axes.findobj(lambda a: isinstance(a, Rectangle | PathPatch))
    ]
    for text in axes.texts:
        inner = text.get_window_extent()
        assert any(
            box.x0 <= inner.x0 <= inner.x1 <= box.x1
            and box.y0 <= inner.y0 <= inner.y1 <= box.y1
            for box in boxes
        )


def test_steps_are_taken_in_their_order(tables, labels, figure, draw):
    backwards = tables["flow"].iloc[::-1]
    assert shown(draw(flow(backwards, labels=labels))) == shown(figure)


def test_an_absent_column_is_named(tables):
    with pytest.raises(DataError, match=r"no column `n_removed`"):
        flow(tables["flow"].drop(columns="n_removed"))

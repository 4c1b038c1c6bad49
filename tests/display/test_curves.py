from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts, texts_outside, words
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from plotnine import ggplot, labs, theme_bw

from fahrstats.display.curves import survival_curves
from fahrstats.display.result_table import by_value
from fahrstats.errors import DataError

COUNTS = {"At risk": "n_at_risk", "Censored": "n_censored", "Events": "n_events"}
PIXEL = 1.0  # text is set to whole pixels
LONG = {
    "Q1": "Score below the median of the derivation cohort (62.3 years or less)",
    "Q2": "Score above the median, which costs $5 or $6 to measure",
}


@pytest.fixture(scope="module")
def four(tables):
    return tables["curves"], tables["at_risk"]


@pytest.fixture(scope="module")
def two(four):
    return tuple(table[table["group"].isin(["Q1", "Q2"])] for table in four)


@pytest.fixture(scope="module")
def one(four):
    return tuple(
        table[table["group"] == "Q4"].drop(columns=["group", "biomarker"])
        for table in four
    )


@pytest.fixture(scope="module", params=["four", "two", "one"])
def drawing(request):
    """Draw curves of four groups, of two with long names, and of one."""
    curves, at_risk = request.getfixturevalue(request.param)
    time_label = "Years at $t$"
    plot = survival_curves(
        curves, at_risk, labels=LONG, time_label=time_label, title="Score"
    )
    with drawn(plot) as figure:
        yield figure, at_risk


def paths(figure):
    """Return the curves as drawn, without the invisible edges of the bands."""
    lines = figure.axes[0].get_lines()
    return [line.get_xydata() for line in lines if to_rgba(line.get_color())[3] > 0]


def test_a_curve_goes_down_where_the_estimate_does(draw):
    curve = pd.DataFrame(
        {
            "time": [0.0, 1.0, 3.0],
            "estimate": [1.0, 0.5, 0.25],
            "conf_low": [1.0, 0.2, 0.1],
            "conf_high": [1.0, 0.8, 0.6],
        }
    )
    (path,) = paths(draw(survival_curves(curve)))
    corners = [(0, 1), (1, 1), (1, 0.5), (3, 0.5), (3, 0.25)]
    np.testing.assert_allclose(path, corners)


def test_a_curve_without_time_zero_starts_with_everybody_alive(draw):
    curve = pd.DataFrame(
        {"time": [2.0], "estimate": [0.5], "conf_low": [0.1], "conf_high": [0.9]}
    )
    (path,) = paths(draw(survival_curves(curve)))
    np.testing.assert_allclose(path, [(0, 1), (2, 1), (2, 0.5)])


def test_the_vertical_axis_runs_from_zero_to_one(drawing):
    axes = drawing[0].axes[0]
    shown = [tick.get_text() for tick in axes.get_yticklabels()]
    assert shown == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    low, high = axes.get_ylim()
    assert -0.05 < low <= 0
    assert 1 <= high < 1.05


def test_axes_are_named_and_a_dollar_is_a_dollar(drawing):
    shown = words(drawing[0])
    assert r"Years at \$t\$" in shown
    assert "Survival probability" in shown
    assert "Score" in shown


def test_the_table_holds_the_counts_below_the_breaks_of_the_axis(drawing):
    figure, at_risk = drawing
    axes = figure.axes[0]
    breaks = sorted(at_risk["time"].unique())
    assert [float(t.get_text()) for t in axes.get_xticklabels()] == breaks
    ticks = [axes.transData.transform((time, 0))[0] for time in breaks]
    groups = [part for _, part in by_value(at_risk, "group")]
    placed = sorted(
        (-round(y), x, text)
        for text, (x, y) in ((t.get_text(), _centre(t)) for t in axes.texts)
    )
    lines = [
        [(x, text) for _, x, text in line]
        for _, line in itertools.groupby(placed, key=lambda item: item[0])
    ]
    counts = [line for line in lines if line[0][1] in COUNTS]
    assert len(counts) == len(COUNTS) * len(groups)
    for i, (name, *cells) in enumerate(counts):
        rows = groups[i // len(COUNTS)].sort_values("time")
        assert [text for _, text in cells] == [
            f"{count:,}" for count in rows[COUNTS[name[1]]]
        ]
        np.testing.assert_allclose([x for x, _ in cells], ticks, atol=PIXEL)


def _centre(text):
    box = text.get_window_extent()
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


def test_no_text_is_cut_off_or_printed_over_another(drawing):
    assert texts_outside(drawing[0]) == []
    assert overlapping(drawing[0]) == []


def test_curves_and_their_counts_stand_close_together(four, draw):
    figure = draw(survival_curves(*four, title="Score"))
    axes = figure.axes[0]
    first = max(_centre(t)[1] for t in axes.texts if t.get_text() == "At risk")
    below = (axes.get_window_extent().y0 - first) / figure.dpi
    assert below == pytest.approx(0.5, abs=0.02)  # inches
    assert figure.get_size_inches()[1] < 5.1  # two of them on a page


def test_one_group_needs_no_legend_and_no_name(one, draw):
    figure = draw(survival_curves(*one))
    assert figure.legends == []
    assert words(figure).count("At risk") == 1


def test_groups_differ_in_colour_and_in_line_type(four):
    scales = {scale.aesthetics[0]: scale for scale in survival_curves(*four).scales}
    for name in ("color", "linetype"):
        assert len(set(map(str, scales[name].palette(4)))) == 4
        assert None not in scales[name].palette(4)


def test_a_curve_fades_where_few_are_left(one, draw):
    curves, _ = one
    assert curves["n_at_risk"].min() < 10
    whole = paths(draw(survival_curves(curves, few_at_risk=0)))
    parts = paths(draw(survival_curves(curves, few_at_risk=10)))
    assert len(whole) == 1
    assert len(parts) == 2
    solid, faded = sorted(parts, key=lambda path: path[0, 0])
    few_from = curves.loc[curves["n_at_risk"] < 10, "time"].iloc[0]
    # the level before this time still has ten at risk at its start
    before = curves.loc[curves["n_at_risk"] >= 10, "time"].iloc[-1]
    assert before <= faded[0, 0] <= few_from
    np.testing.assert_allclose(faded[0], solid[-1])


def test_its_band_fades_with_it(one, draw):
    curves, _ = one
    figure = draw(survival_curves(curves))
    firm, pale = sorted(
        figure.axes[0].collections, key=lambda band: band.get_paths()[0].vertices[0, 0]
    )
    assert pale.get_facecolor()[0, 3] < firm.get_facecolor()[0, 3] / 2
    edges = [band.get_paths()[0].vertices[:, 0] for band in (firm, pale)]
    assert edges[0].max() == pytest.approx(edges[1].min())


def test_short_names_stand_beside_their_counts_and_long_ones_above(two, draw):
    short, long = (
        draw(survival_curves(*two, labels=labels))
        for labels in (None, {"Q2": "above the median"})
    )
    for figure, name, n_lines in ((short, "Q2", 0), (long, "above the median", 1)):
        axes = figure.axes[0]
        height = {text.get_text(): _centre(text)[1] for text in axes.texts[::-1]}
        last = [_centre(t)[1] for t in axes.texts if t.get_text() == "At risk"][-1]
        line = (height["At risk"] - height["Events"]) / 2
        assert height[name] == pytest.approx(last + n_lines * line, abs=PIXEL)
    heights = [figure.get_size_inches()[1] for figure in (short, long)]
    assert heights[0] < heights[1]


def test_few_at_risk_at_first_under_delayed_entry_is_no_tail(draw):
    curve = pd.DataFrame(
        {
            "time": [0.0, 1.0, 2.0, 3.0],
            "estimate": [1.0, 0.9, 0.8, 0.7],
            "conf_low": 0.5,
            "conf_high": 1.0,
            "n_at_risk": [2, 4, 50, 40],
        }
    )
    assert len(paths(draw(survival_curves(curve)))) == 1


def test_a_curve_of_many_steps_keeps_its_ends_and_stays_small(draw):
    n = 50_000
    curve = pd.DataFrame(
        {"time": np.arange(n + 1.0), "estimate": np.linspace(1, 0.1, n + 1)}
    )
    curve = curve.assign(conf_low=curve["estimate"] / 2, conf_high=1.0)
    (path,) = paths(draw(survival_curves(curve)))
    assert len(path) < 4000
    np.testing.assert_allclose(path[[0, -1]], [(0, 1), (n, 0.1)])


def test_missing_limits_leave_the_curve_and_end_the_band(one, draw):
    curves, at_risk = one
    late = curves["time"] > 6
    curves = curves.assign(
        conf_low=curves["conf_low"].mask(late), conf_high=curves["conf_high"].mask(late)
    )
    figure = draw(survival_curves(curves, at_risk))
    assert max(path[:, 0].max() for path in paths(figure)) == curves["time"].max()


def bands(figure):
    """Return the corners of the bands that are drawn."""
    drawn_bands = figure.axes[0].collections
    return [path.vertices for band in drawn_bands for path in band.get_paths()]


def test_there_is_no_band_before_the_first_event(one, draw):
    curves, at_risk = one
    is_one = curves["estimate"] == 1
    limits = ["conf_low", "conf_high"]
    before = curves.assign(**{name: curves[name].mask(is_one) for name in limits})
    figure = draw(survival_curves(before, at_risk, few_at_risk=0))
    first = curves.loc[~is_one, "time"].min()
    (corners,) = bands(figure)
    assert corners[:, 0].min() == pytest.approx(first)
    assert paths(figure)[0][0] == pytest.approx([0, 1])


def test_a_group_without_events_has_a_curve_and_no_band(two, draw):
    curves, at_risk = two
    is_first = curves["group"] == "Q1"
    limits = ["conf_low", "conf_high"]
    no_event = curves.assign(
        estimate=curves["estimate"].mask(is_first, 1.0),
        **{name: curves[name].mask(is_first) for name in limits},
    )
    figure = draw(survival_curves(no_event, at_risk, few_at_risk=0))
    assert len(bands(figure)) == 1
    nobody = no_event.assign(conf_low=np.nan, conf_high=np.nan)
    assert bands(draw(survival_curves(nobody, at_risk))) == []


def test_a_user_can_add_to_the_figure(two, draw):
    plot = survival_curves(*two) + theme_bw() + labs(title="Mine")
    assert isinstance(plot, ggplot)
    assert "Mine" in words(draw(plot))


def test_the_tables_are_left_as_they_were(two, draw):
    before = [table.copy() for table in two]
    draw(survival_curves(*two))
    for table, copy in zip(two, before, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_several_scores_are_refused(tables):
    curves = pd.concat(
        [tables["curves"], tables["curves"].assign(biomarker="creatinine")]
    )
    with pytest.raises(
        DataError, match=r"`biomarker` has 2 values \(flc, creatinine\)"
    ):
        survival_curves(curves)


def test_more_groups_than_can_be_told_apart_are_refused(tables):
    curves = pd.concat(
        [tables["curves"].assign(group=f"group {i}") for i in range(7)],
    )
    with pytest.raises(DataError, match=r"`group` has 7 levels.*1 to 6"):
        survival_curves(curves)


def test_an_absent_column_is_named(tables):
    with pytest.raises(DataError, match=r"no column `conf_low`"):
        survival_curves(tables["curves"].drop(columns="conf_low"))
    with pytest.raises(DataError, match=r"no rows"):
        survival_curves(tables["curves"].head(0))


def test_very_long_names_are_broken_where_they_stand(two, draw):
    names = {"Q1": "score of a face " * 9 + "below", "Q2": "score of a face " * 9}
    figure = draw(survival_curves(*two, labels=names))
    assert texts_outside(figure) == []
    assert overlapping(figure) == []


def test_the_legend_is_above_the_panel_in_the_colours_of_the_curves(four, draw):
    figure = draw(survival_curves(*four))
    axes = figure.axes[0]
    top = axes.get_window_extent().y1
    names = [text for text in texts(figure) if text.get_text() == "Q1"]
    assert max(text.get_window_extent().y0 for text in names) > top
    keys = {to_rgba(line.get_color())[:3] for line in figure.findobj(Line2D)}
    curves = {to_rgba(line.get_color())[:3] for line in axes.get_lines()}
    black = (0.0, 0.0, 0.0)
    assert len(curves - {black}) == 4
    assert curves <= keys

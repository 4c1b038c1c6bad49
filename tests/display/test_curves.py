from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import overlapping, texts, texts_outside, words
from matplotlib.colors import to_rgba
from plotnine import ggplot, labs, theme_bw

from fahrstats.display.curves import survival_curves
from fahrstats.errors import DataError

LONG = {
    "Q1": "Score below the median of the derivation cohort (62.3 years or less)",
    "Q2": "Score above the median, which costs $5 or $6 to measure",
}


@pytest.fixture
def four(tables):
    return tables["curves"], tables["at_risk"]


@pytest.fixture
def two(four):
    return tuple(table[table["group"].isin(["Q1", "Q2"])] for table in four)


@pytest.fixture
def one(four):
    return tuple(
        table[table["group"] == "Q4"].drop(columns=["group", "biomarker"])
        for table in four
    )


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


def test_the_vertical_axis_runs_from_zero_to_one(four, draw):
    axes = draw(survival_curves(*four)).axes[0]
    shown = [tick.get_text() for tick in axes.get_yticklabels()]
    assert shown == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    low, high = axes.get_ylim()
    assert -0.05 < low <= 0
    assert 1 <= high < 1.05


def test_axes_name_their_units(four, draw):
    figure = draw(survival_curves(*four, time_label="Years since the photograph"))
    assert "Years since the photograph" in words(figure)
    assert "Survival probability" in words(figure)


def test_the_table_holds_the_counts_below_the_breaks_of_the_axis(four, draw):
    curves, at_risk = four
    figure = draw(survival_curves(curves, at_risk))
    axes = figure.axes[0]
    breaks = sorted(at_risk["time"].unique())
    assert [float(t.get_text()) for t in axes.get_xticklabels()] == breaks
    names = [
        t for t in texts(figure) if t.get_text() in ("At risk", "Censored", "Events")
    ]
    assert len(names) == 3 * at_risk["group"].nunique()
    columns = {"At risk": "n_at_risk", "Censored": "n_censored", "Events": "n_events"}
    centre = {text: _centre(text) for text in texts(figure)}
    heights = sorted({round(centre[name][1]) for name in names}, reverse=True)
    groups = list(at_risk["group"].unique())
    for name in names:
        group = groups[heights.index(round(centre[name][1])) // 3]
        rows = at_risk[at_risk["group"] == group].sort_values("time")
        beside = [
            (centre[text][0], text.get_text())
            for text in texts(figure)
            if abs(centre[text][1] - centre[name][1]) < 2 and text is not name
        ]
        shown = sorted(beside)
        assert [text for _, text in shown] == [
            f"{count:,}" for count in rows[columns[name.get_text()]]
        ]
        ticks = axes.transData.transform([(time, 0) for time in breaks])[:, 0]
        np.testing.assert_allclose([x for x, _ in shown], ticks, atol=1)


def _centre(text):
    box = text.get_window_extent()
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


@pytest.mark.parametrize("size", ["four", "two", "one"])
def test_no_text_is_cut_off_or_printed_over_another(size, request, draw):
    curves, at_risk = request.getfixturevalue(size)
    figure = draw(
        survival_curves(
            curves, at_risk, labels=LONG, time_label="Follow-up, years", title="Score"
        )
    )
    assert texts_outside(figure) == []
    assert overlapping(figure) == []


def test_a_dollar_is_a_dollar(two, draw):
    figure = draw(survival_curves(*two, labels=LONG, time_label="$t$, years"))
    assert r"\$t\$, years" in words(figure)
    assert LONG["Q2"].replace("$", r"\$") in words(figure)


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

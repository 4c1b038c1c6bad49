from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from matplotlib.colors import to_rgba
from plotnine import ggplot, theme_bw

from fahrstats.display.incidence import incidence_curves
from fahrstats.errors import DataError

LONG = {
    "Q1": "Score below the median of the derivation cohort (62.3 years or less)",
    "Q2": "Score above the median, which costs $5 or $6 to measure",
    "a": "Death of the cancer that was treated, $ and all",
}


def table(groups=("Q1", "Q2"), causes=("a", "b")):
    """Curves that rise by 1/20 a step, less for later causes."""
    time = np.arange(0.0, 9)
    parts = [
        pd.DataFrame(
            {
                "cause": cause,
                "group": group,
                "time": time,
                "estimate": time / (20 * (k + 1)),
                "conf_low": time / (30 * (k + 1)),
                "conf_high": time / (15 * (k + 1)),
                "n_at_risk": 100 - 12 * time.astype(int),
            }
        )
        for k, cause in enumerate(causes)
        for group in groups
    ]
    return pd.concat(parts, ignore_index=True)


def numbers(groups=("Q1", "Q2")):
    return pd.DataFrame(
        [(g, t, 1234 - 12 * t) for g in groups for t in (0, 4, 8)],
        columns=["group", "time", "n_at_risk"],
    )


@pytest.fixture(
    scope="module", params=["two groups", "six groups", "one group", "three causes"]
)
def drawing(request):
    groups, causes = {
        "two groups": (("Q1", "Q2"), ("a", "b")),
        "six groups": (tuple(f"Q{k}" for k in range(1, 7)), ("a", "b")),
        "one group": (("overall",), ("a", "b")),
        "three causes": (("Q1", "Q2"), ("a", "b", "c")),
    }[request.param]
    plot = incidence_curves(
        table(groups, causes), numbers(groups), labels=LONG, time_label="Years at $t$"
    )
    with drawn(plot) as figure:
        yield figure, groups, causes


def paths(axes):
    lines = axes.get_lines()
    return [line.get_xydata() for line in lines if to_rgba(line.get_color())[3] > 0]


def test_a_curve_rises_where_the_estimate_does():
    curve = pd.DataFrame(
        {
            "cause": "a",
            "time": [0.0, 1.0, 3.0],
            "estimate": [0.0, 0.25, 0.5],
            "conf_low": [np.nan, 0.1, 0.3],
            "conf_high": [np.nan, 0.4, 0.7],
        }
    )
    with drawn(incidence_curves(curve)) as figure:
        (path,) = paths(figure.axes[0])
    corners = [(0, 0), (1, 0), (1, 0.25), (3, 0.25), (3, 0.5)]
    np.testing.assert_allclose(path, corners)


def test_a_curve_without_time_zero_starts_at_zero():
    curve = pd.DataFrame(
        {
            "cause": "a",
            "time": [2.0],
            "estimate": [0.5],
            "conf_low": [0.1],
            "conf_high": [0.9],
        }
    )
    with drawn(incidence_curves(curve)) as figure:
        (path,) = paths(figure.axes[0])
    np.testing.assert_allclose(path, [(0, 0), (2, 0), (2, 0.5)])


def test_several_groups_have_a_panel_a_cause_and_one_group_one_panel(drawing):
    figure, groups, causes = drawing
    assert len(figure.axes) == (len(causes) if len(groups) > 1 else 1)
    lines = len(groups) if len(groups) > 1 else len(causes)
    assert all(len(paths(axes)) >= lines for axes in figure.axes)


def test_panels_share_their_scale_which_starts_at_zero(drawing):
    limits = {axes.get_ylim() for axes in drawing[0].axes}
    assert len(limits) == 1
    low, high = limits.pop()
    assert -0.05 < low <= 0
    assert 0.4 <= high < 0.45


def test_names_and_numbers_at_risk_are_written_once(drawing):
    figure, groups, _ = drawing
    shown = words(figure)
    assert "Cumulative incidence" in shown
    assert r"Years at \$t\$" in shown
    assert shown.count("At risk") == 1
    for count in ("1,234", "1,186", "1,138"):
        assert shown.count(count) == len(groups)


def test_every_text_is_inside_and_none_covers_another(drawing):
    figure, _, _ = drawing
    assert texts_outside(figure) == []
    assert overlapping(figure) == []


def test_curves_fade_where_few_are_left():
    one = table(("overall",), ("a",))
    with drawn(incidence_curves(one, few_at_risk=50)) as figure:
        lines = figure.axes[0].get_lines()
    alphas = [to_rgba(line.get_color())[3] for line in lines]
    assert [alpha for alpha in alphas if alpha > 0] == [
        1,
        pytest.approx(0.35, abs=0.01),
    ]


def test_a_limit_where_few_are_left_does_not_stretch_the_axis():
    wide = table(("overall",), ("a",)).assign(conf_high=lambda t: t["time"] / 8)
    for few, highest in ((10, 0.8), (0, 1.0)):
        with drawn(incidence_curves(wide, few_at_risk=few)) as figure:
            assert figure.axes[0].get_ylim()[1] == pytest.approx(highest, rel=0.03)


def test_curves_of_few_rows_are_drawn():
    small = table(("overall",), ("a",)).assign(n_at_risk=3)
    with drawn(incidence_curves(small)) as figure:
        assert figure.axes[0].get_ylim()[1] == pytest.approx(0.4, rel=0.03)


def test_the_plot_takes_a_theme():
    assert isinstance(incidence_curves(table()) + theme_bw(), ggplot)


def test_a_table_without_causes_is_refused():
    with pytest.raises(DataError, match="has no column `cause`; a plot of incidence"):
        incidence_curves(table().drop(columns="cause"))


def test_two_estimands_are_refused():
    both = pd.concat([table().assign(estimand=name) for name in ("x", "y")])
    with pytest.raises(DataError, match="`estimand` has 2 values"):
        incidence_curves(both)


def test_more_groups_than_colours_are_refused():
    with pytest.raises(DataError, match="has 7 levels, but a figure shows 1 to 6"):
        incidence_curves(table(tuple("ABCDEFG")))


def test_very_long_names_are_broken_where_they_stand():
    names = {"Q1": "score of a face " * 9 + "below", "Q2": "score of a face " * 9}
    with drawn(incidence_curves(table(), numbers(), labels=names)) as figure:
        assert texts_outside(figure) == []
        assert overlapping(figure) == []

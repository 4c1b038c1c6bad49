# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from matplotlib.collections import PathCollection
from plotnine import ggplot, labs

from fahrstats.display.intervals import distribution, estimates
from fahrstats.errors import DataError


@pytest.fixture(scope="module")
def of_models(tables):
    with drawn(estimates(tables["comparison"])) as figure:
        yield figure


def dots(axes):
    return [
        offset
        for marks in axes.findobj(PathCollection)
        for offset in marks.get_offsets().data[:, 0]
    ]


def spread(values, variable="flc", group="overall"):
    names = ["p5", "q1", "median", "q3", "p95"]
    return pd.DataFrame(
        {"variable": variable, "group": group, "estimand": names, "estimate": values}
    )


def test_models_and_differences_have_a_panel_each(tables, of_models):
    table = tables["comparison"]
    models, differences = of_models.axes
    is_c = table["estimand"] == "c_index"
    np.testing.assert_allclose(sorted(dots(models)), sorted(table["estimate"][is_c]))
    is_difference = table["estimand"] == "delta_c_index"
    np.testing.assert_allclose(dots(differences), table["estimate"][is_difference])
    shown = words(of_models)
    assert "C-index (95% CI)" in shown
    assert "Difference in C-index (95% CI)" in shown
    assert "0.013 (−0.001 to 0.027)" in shown
    assert texts_outside(of_models) == []


def test_the_first_row_is_on_top(of_models):
    names = [label.get_text() for label in of_models.axes[0].get_yticklabels()]
    assert names == ["covariates + flc", "covariates"]


def test_only_differences_have_a_line_of_no_effect(of_models):
    models, differences = of_models.axes

    def uprights(axes):
        paths = [p.vertices for c in axes.collections for p in c.get_paths()]
        return [
            p[0, 0]
            for p in paths
            if len(p) == 2 and p[0, 0] == p[1, 0] and np.ptp(p) > 0
        ]

    assert uprights(models) == []
    assert uprights(differences) == [0.0]


def test_numbers_are_legible_across_the_line_of_no_effect(of_models):
    numbers = [text for text in of_models.axes[1].texts if "to" in text.get_text()]
    assert numbers
    for text in numbers:
        assert text.get_bbox_patch().get_facecolor() == (1, 1, 1, 1)
        assert text.get_zorder() > max(
            part.get_zorder() for part in of_models.axes[1].collections
        )


def test_rows_without_limits_are_not_drawn(tables, of_models):
    assert "aic" in set(tables["comparison"]["estimand"])
    assert len(of_models.axes) == 2


def test_scores_are_named_by_their_term(tables, draw):
    shown = words(draw(estimates(tables["concordance"])))
    assert {"flc", "age", "flc minus age"} <= set(shown)


def test_times_and_validations_have_panels_of_their_own(draw):
    rows = pd.DataFrame(
        {
            "term": "b - a",
            "estimand": "delta_auc",
            "time": [1.0, 1.0, 2.5, 2.5],
            "validation": ["apparent", "optimism-corrected"] * 2,
            "estimate": [0.02, 0.01, 0.03, 0.02],
            "conf_low": 0.0,
            "conf_high": 0.05,
        }
    )
    figure = draw(estimates(rows))
    assert {
        f"Difference in AUC at {time}, {how} (95% CI)"
        for time in ("1", "2.5")
        for how in ("apparent", "optimism-corrected")
    } <= set(words(figure))
    assert len(figure.axes) == 4


def test_prediction_accuracy_is_in_percent_as_in_tables(draw):
    rows = pd.DataFrame(
        {
            "model": "b minus a",
            "estimand": ["delta_c_index", "delta_ipa"],
            "estimate": [0.0121, 0.0243],
            "conf_low": [0.0089, 0.0172],
            "conf_high": [0.0158, 0.0327],
        }
    )
    figure = draw(estimates(rows))
    assert [dot for axes in figure.axes for dot in dots(axes)] == (
        pytest.approx([0.0121, 2.43])
    )
    shown = words(figure)
    assert "Difference in index of prediction accuracy, % points (95% CI)" in shown
    assert {"0.012 (0.009–0.016)", "2.43 (1.72–3.27)"} <= set(shown)


def test_long_names_are_wrapped(tables, draw):
    table = tables["comparison"]
    table = table.assign(model=table["model"].str.replace("flc", "a long name " * 5))
    assert texts_outside(draw(estimates(table))) == []


def test_a_table_without_any_interval_is_refused(tables):
    table = tables["comparison"]
    with pytest.raises(DataError, match=r"No row .* both its limits"):
        estimates(table[table["estimand"] == "aic"])


def test_a_user_can_add_to_the_figure(tables, draw):
    plot = estimates(tables["concordance"]) + labs(title="Mine")
    assert isinstance(plot, ggplot)
    assert "Mine" in words(draw(plot))


def test_a_box_shows_quartiles_and_cut_points(tables, labels, draw):
    table = tables["table_one"]
    table = table[table["variable"] == "flc"]
    cuts = tables["cut_points"]
    figure = draw(distribution(table, cuts, labels=labels))
    axes = figure.axes[0]
    assert "Free light chain, mg/dL (log scale)" in words(figure)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["Q4", "Q3", "Q2", "Q1", "Overall"]
    assert texts_outside(figure) == []


def test_a_long_tail_asks_for_a_log_axis():
    titles = [
        distribution(spread(values)).labels.y
        for values in (
            [0.8, 2.2, 2.8, 3.6, 8.0],
            [20.0, 50.0, 60.0, 70.0, 95.0],
            [-20.0, -7.8, -4.7, -0.8, 42.0],
        )
    ]
    assert titles == ["flc (log scale)", "flc", "flc"]


def test_a_factor_has_no_box(tables):
    table = tables["table_one"]
    with pytest.raises(DataError, match=r"`estimand` lacks `p5`, `q1`"):
        distribution(table[table["variable"] == "sex"])


def test_several_variables_are_refused(tables):
    with pytest.raises(DataError, match=r"`variable` has 4 values"):
        distribution(tables["table_one"])

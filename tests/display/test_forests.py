from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.patches import Polygon
from plotnine import ggplot, labs

from fahrstats.display.forest_lines import forest_lines
from fahrstats.display.forests import forest
from fahrstats.errors import DataError

LEVELS = {
    "sex": ["F", "M"],
    "age": ["50 to 59", "60 to 69", "70 to 79", "80 or over"],
    "race": ["Non-Hispanic White", "Mexican American or other Hispanic", "Other"],
    "site": [
        "Lung and bronchus",
        "Breast (female), including ductal carcinoma in situ with microinvasion",
        "Prostate $ Bladder $",
    ],
}
NAMES = {
    "site": {"label": "Cancer site (topography, grouped by the registry)", "unit": ""},
    "flc": {"label": "Free light chain", "unit": "mg/dL"},
}


def audit(**changed):
    """Twelve levels, of which some are changed: (estimate, low, high)."""
    rows = [("overall", "overall", 1.3, 1.2, 1.4)]
    rows += [
        (subgroup, level, *changed.get(level, (1.3, 1.1, 1.5)))
        for subgroup, levels in LEVELS.items()
        for level in levels
    ]
    names = ["subgroup", "level", "estimate", "conf_low", "conf_high"]
    ratios = pd.DataFrame(rows, columns=names).assign(estimand="hr", note="")
    tests = pd.DataFrame({"subgroup": list(LEVELS), "level": "", "p_value": 0.0321})
    table = pd.concat([ratios, tests.assign(estimand="interaction_chi2")])
    return table.assign(term="flc", per="SD", n=12_345, n_events=1_234)


@pytest.fixture(scope="module")
def of_audit():
    with drawn(forest(audit(), labels=NAMES)) as figure:
        yield figure


@pytest.fixture(scope="module")
def of_study(tables, labels):
    with drawn(forest(tables["subgroups"], labels=labels)) as figure:
        yield figure


def points(figure):
    """Return the centres of all marks by the number of corners of their shape."""
    found = {"square": [], "left": [], "right": []}
    for marks in figure.axes[0].findobj(PathCollection):
        corners = marks.get_paths()[0].vertices
        kind = "square"
        if len(corners) == 4:  # three corners, and the first one again
            kind = "left" if corners[0, 0] < corners[:, 0].mean() else "right"
        found[kind] += [tuple(xy) for xy in marks.get_offsets()]
    return found


@pytest.mark.parametrize(
    "table",
    [
        audit(),
        audit(Other=(np.nan, np.nan, np.nan)),
        audit().query("subgroup in ['overall', 'sex']"),
        audit().drop(columns=["n", "n_events"]),
    ],
    ids=["twelve levels", "a level without estimate", "two levels", "no counts"],
)
def test_no_text_is_cut_off_or_printed_over_another(table, draw):
    figure = draw(forest(table, labels=NAMES, title="Free light chain"))
    assert texts_outside(figure) == []
    assert overlapping(figure) == []


def test_the_columns_hold_the_texts_of_the_lines(tables, labels, of_study):
    lines = forest_lines(tables["subgroups"], labels)
    shown = words(of_study)
    for column in ("label", "n", "n_events", "ratio", "p"):
        for text in lines.loc[lines[column] != "", column].unique():
            times = (
                (lines[["label", "n", "n_events", "ratio", "p"]] == text).sum().sum()
            )
            assert shown.count(text) == times
    assert {"n", "Events", "HR (95% CI)", "P for\ninteraction"} <= set(shown)


def test_every_estimate_is_a_mark_at_its_place_and_everyone_a_diamond(tables, of_study):
    table, figure = tables["subgroups"], of_study
    ratios = table[(table["estimand"] == "hr") & table["estimate"].notna()]
    everyone, *levels = np.log10(ratios["estimate"])
    squares = points(figure)["square"]
    np.testing.assert_allclose([x for x, _ in squares], levels)
    assert [y for _, y in squares] == sorted([y for _, y in squares], reverse=True)
    shapes = figure.axes[0].findobj(lambda a: isinstance(a, Polygon | PolyCollection))
    corners = [
        path.vertices
        for shape in shapes
        for path in (
            shape.get_paths()
            if isinstance(shape, PolyCollection)
            else [shape.get_path()]
        )
        if np.isclose(path.vertices[:, 0], everyone).any()
    ]
    (diamond,) = corners
    limits = np.log10(ratios[["conf_low", "conf_high"]].iloc[0])
    np.testing.assert_allclose([diamond[:, 0].min(), diamond[:, 0].max()], limits)


def test_an_interval_within_the_axis_has_no_arrow(of_audit):
    found = points(of_audit)
    assert found["left"] == found["right"] == []


def test_an_interval_that_goes_on_ends_in_an_arrow_on_that_side(draw):
    table = audit(M=(1.4, 1.1, 900.0), Other=(1.4, 0.001, 900.0))
    found = points(draw(forest(table)))
    assert len(found["right"]) == 2
    assert len(found["left"]) == 1
    assert found["left"][0][1] == found["right"][1][1]


def test_an_infinite_estimate_is_an_arrow_without_a_mark(draw):
    table = audit(M=(np.inf, 2.0, np.inf), Other=(0.0, 0.0, 0.5))
    found = points(draw(forest(table)))
    assert len(found["square"]) == 10
    assert len(found["right"]) == len(found["left"]) == 1


def test_an_infinite_estimate_without_limits_is_still_an_arrow(draw):
    found = points(draw(forest(audit(M=(np.inf, np.nan, np.nan)))))
    assert len(found["right"]) == 1


def test_an_estimate_beyond_given_limits_is_an_arrow(draw):
    figure = draw(forest(audit(M=(4.0, 3.0, 5.0)), limits=(0.5, 2)))
    assert len(points(figure)["square"]) == 11
    assert len(points(figure)["right"]) == 1
    np.testing.assert_allclose(figure.axes[0].get_xlim(), np.log10([0.5, 2]))


def test_the_axis_is_named_after_the_score_and_its_step(of_audit):
    assert "Hazard ratio (95% CI) of Free light chain, per SD" in words(of_audit)
    assert forest(audit(), x_label="Mine").labels.x == "Mine"


def test_ticks_are_ratios(of_audit):
    axes = of_audit.axes[0]
    ticks = [float(label.get_text()) for label in axes.get_xticklabels()]
    np.testing.assert_allclose(np.log10(ticks), axes.get_xticks())
    assert 1.0 in ticks


def test_terms_of_a_model_have_a_row_each(tables, labels, draw):
    table = tables["cox"]
    adjusted = table[table["model"] == "adjusted"]
    figure = draw(forest(adjusted, labels=labels))
    shown = words(figure)
    assert "Sex: M (vs F)" in shown
    assert "Age (per 10 years)" in shown
    assert "P" in shown
    assert len(points(figure)["square"]) == len(adjusted)
    assert texts_outside(figure) == []


def test_the_table_without_p_values_and_counts_has_no_such_columns(draw):
    table = pd.DataFrame(
        {
            "term": ["x", "z"],
            "estimand": "hr",
            "estimate": [1.1, 0.8],
            "conf_low": [1.0, 0.7],
            "conf_high": [1.2, 0.95],
        }
    )
    assert not {"P", "n", "Events"} & set(words(draw(forest(table))))


def test_a_user_can_add_to_the_figure(draw):
    plot = forest(audit()) + labs(title="Mine")
    assert isinstance(plot, ggplot)
    assert "Mine" in words(draw(plot))


def test_several_scores_or_models_are_refused(tables):
    with pytest.raises(DataError, match=r"`model` has 4 values"):
        forest(tables["cox"])
    table = pd.concat([audit().assign(biomarker=name) for name in ("flc", "age")])
    with pytest.raises(DataError, match=r"`biomarker` has 2 values \(flc, age\)"):
        forest(table)


def test_an_absent_column_is_named():
    with pytest.raises(DataError, match=r"no column `conf_low`, `conf_high`"):
        forest(audit().drop(columns=["conf_low", "conf_high"]))


def test_odds_ratios_are_called_so(tables, draw):
    odds = tables["cox"].query("model == 'adjusted'").assign(estimand="or")
    shown = words(draw(forest(odds)))
    assert {"OR (95% CI)", "Odds ratio (95% CI)"} <= set(shown)


def test_the_title_stands_above_the_names_of_the_rows(draw):
    figure = draw(forest(audit(), labels=NAMES, title="A score of $5"))
    boxes = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    title = boxes[r"A score of \$5"]
    assert title.x0 == pytest.approx(boxes["Overall"].x0, abs=2)
    assert title.y0 > max(boxes[head].y1 for head in ("n", "Events", "HR (95% CI)"))


def test_the_name_of_a_group_may_reach_over_the_counts(draw):
    table = audit().query("subgroup in ('overall', 'sex')")
    figure = draw(forest(table, labels={"sex": {"label": "Sex as people told it"}}))
    boxes = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    assert boxes["Sex as people told it"].x1 > boxes["n"].x0
    assert overlapping(figure) == []

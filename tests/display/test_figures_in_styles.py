"""What figures share in the style of a journal: marks, signs, colours and width."""

from __future__ import annotations

import re

import pytest
from drawings import drawn, texts_outside, words

from fahrstats.display import figures
from fahrstats.display.journal_styles import DEFAULT, LANCET, NEJM, NO_INTERACTION_P

POINT = re.compile(r"\d\.\d")
HYPHEN = re.compile(r"(?<![\w\d])-\d")

SCORES = ("flc", "creatinine")


def one(table, **wanted):
    """Return the rows of the first score, outcome and so on."""
    for column in ("biomarker", "outcome", *wanted):
        if column in table:
            value = wanted.get(column, table[column].iloc[0])
            table = table[table[column] == value]
    return table


DRAWN = {
    "curves": lambda t, s: figures.survival_curves(
        one(t["curves"]), one(t["at_risk"]), style=s
    ),
    "forest": lambda t, s: figures.forest(one(t["subgroups"]), style=s),
    "flow": lambda t, s: figures.flow(t["flow"], style=s),
    "estimates": lambda t, s: figures.estimates(one(t["concordance"]), style=s),
    "incidence": lambda t, s: figures.incidence_curves(one(t["incidence"]), style=s),
    "calibration": lambda t, s: figures.calibration_curves(
        *(
            one(t[name], time=t[name]["time"].iloc[0])
            for name in ("calibration_groups", "calibration_curve")
        ),
        style=s,
    ),
    "decisions": lambda t, s: figures.decision_curves(
        one(t["decision_curve"], time=t["decision_curve"]["time"].iloc[0]), style=s
    ),
    "over time": lambda t, s: figures.hazard_ratios_over_time(
        one(t["hr_over_time"], model=t["hr_over_time"]["model"].iloc[0]), style=s
    ),
    "spline": lambda t, s: figures.hr_curve(
        one(t["spline"], estimand="hr").query("value == value"), style=s
    ),
    "boxes": lambda t, s: figures.distribution(
        t["table_one"].query("variable == 'age'"), style=s
    ),
    "tiles": lambda t, s: figures.joint_tiles(
        t["joint_groups"], scores=SCORES, style=s
    ),
    "joint curves": lambda t, s: figures.joint_curves(
        t["joint_curves"], scores=SCORES, style=s
    ),
    "sizes": lambda t, s: figures.sample_sizes(t["sample_size"], style=s),
    "contrasts": lambda t, s: figures.group_contrasts(one(t["rmst"]), style=s),
}


@pytest.fixture(scope="module")
def every(tables, layer):
    return {**tables, **layer}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_of_the_lancet_has_its_marks_and_fits_its_page(name, every):
    plot = DRAWN[name](every, LANCET)
    widths = (154 / 25.4, 0.7 * 154 / 25.4)
    width = plot.theme.getp("figure_size")[0]
    assert any(width == pytest.approx(known) for known in widths) or width < widths[0]
    with drawn(plot) as figure:
        said = words(figure)
        assert [text for text in said if POINT.search(text)] == []
        assert [text for text in said if HYPHEN.search(text)] == []
        assert texts_outside(figure) == []


def test_nejm_leaves_p_values_of_interaction_out_and_says_so(every):
    table = one(every["subgroups"])
    for style, is_shown in ((DEFAULT, True), (NEJM, False)):
        with drawn(figures.forest(table, style=style)) as figure:
            said = " ".join(words(figure)).replace("\n", " ")
            assert ("P for interaction" in said) == is_shown
            assert (NO_INTERACTION_P in said) != is_shown
            assert texts_outside(figure) == []

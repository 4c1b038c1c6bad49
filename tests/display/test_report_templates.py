"""What every report keeps to, whatever its kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from report_cells import typed_text

from fahrstats.report.portability import findings
from fahrstats.report.source import read_source

REPORTS = Path(__file__).parents[2] / "reports"
N_FIGURES = {
    "age_accuracy": 4,
    "audit": 5,
    "biomarker": 14,
    "paper": 14,
    "robustness": 3,
    "saliency": 5,
}
"""Cells with figures; one of them may draw several."""

FEWEST_TEXTS = {
    "age_accuracy": 9,
    "audit": 11,
    "biomarker": 12,
    "paper": 40,
    "robustness": 9,
    "saliency": 9,
}
"""Prose and captions that somebody typed."""

NO_RESULT = re.compile(r"95%|@[\w-]+|\{#[\w-]+\}|SHA-256")
"""Numbers that belong to a word or a reference and not to a result."""

NO_RESULT_OF = {
    "age_accuracy": re.compile("1st to the 99th"),
    "biomarker": re.compile(r"5th to 95th|\(Q1\)"),
    "saliency": re.compile(": 1 where a region"),
}
NOTHING = re.compile(r"(?!)")

each_report = pytest.mark.parametrize("name", sorted(N_FIGURES))


def report(name: str) -> Path:
    return REPORTS / f"{name}.qmd"


def test_every_report_is_here():
    assert {path.stem for path in REPORTS.glob("*.qmd")} == set(N_FIGURES)


@each_report
def test_it_stays_within_what_both_renderers_know(name):
    assert findings(read_source(report(name))) == ()


@each_report
def test_no_result_is_typed_into_the_text(name):
    typed = typed_text(report(name))
    assert len(typed) >= FEWEST_TEXTS[name]
    own = NO_RESULT_OF.get(name, NOTHING)
    for text in typed:
        assert not re.search(r"\d", own.sub("", NO_RESULT.sub("", text))), text


@each_report
def test_every_figure_has_a_text_for_those_who_do_not_see_it(name):
    drawn = [c.options for c in read_source(report(name)).cells if c.options.fig_cap]
    assert len(drawn) == N_FIGURES[name]
    assert all(figure.fig_alt for figure in drawn)


@each_report
def test_floats_are_called_figures_or_tables_and_each_name_is_used_once(name):
    cells = read_source(report(name)).cells
    labels = [cell.options.label for cell in cells if cell.options.label]
    assert labels
    assert all(label.startswith(("fig-", "tbl-")) for label in labels)
    assert len(labels) == len(set(labels))

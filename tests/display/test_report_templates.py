"""What every report keeps to, whatever its kind."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from report_cells import typed_text

from fahrstats.display import figures
from fahrstats.face.saliency.regions import REGIONS
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.measurement.age_cells import COARSENESS
from fahrstats.report.portability import findings
from fahrstats.report.source import read_source
from fahrstats.survival.two_scores.joint_groups import MIN_EVENTS

REPORTS = Path(__file__).parents[2] / "reports"
N_FIGURES = {
    "age_accuracy": 4,
    "audit": 5,
    "biomarker": 15,
    "paper": 15,
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

NUMBER = re.compile(
    r"\d|\b(three|four|five|six|seven|eight|nine|ten|eleven|twelve|nineteen|twenty|thirty"
    r"|hundred|thousand|tenths?|halves)\b"
)
"""A digit, or a word for a number above two."""

NO_RESULT = re.compile(r"95%|@[\w-]+|#[\w-]+|SHA-256")
"""Numbers that belong to a word or a reference and not to a result."""

NO_RESULT_OF = {
    "age_accuracy": re.compile(
        "1st to the 99th|fewer than twenty people|rounded to fives, those below five|"
        r"five knots at quantiles \(four below a hundred people, three\s+below thirty\)"
    ),
    "biomarker": re.compile(
        r"5th to 95th|\(Q1\)|fewer than ten people are left|fewer than ten events|"
        "four halves|tenths of the predicted risk|highest tenth|four knots at quantiles"
    ),
    "paper": re.compile("tenths of the predicted risk|highest tenth"),
    "robustness": re.compile("nineteen of twenty people"),
    "saliency": re.compile(
        ": 1 where a region|eleven regions|is 0 for the same shares and 1 for"
    ),
}
"""What a word, a figure or a method is by definition, whatever the data."""

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
    texts = [own.sub("", NO_RESULT.sub("", text)) for text in typed]
    found = [
        text[max(0, number.start() - 40) : number.end() + 20]
        for text in texts
        for number in NUMBER.finditer(text)
    ]
    assert found == []


TYPED = """
A ratio of 1.25, of `{python} hr`, in ten people [@cox1972].

```{python}
#| label: fig-a
#| fig-cap: "Of 7 people."
#| fig-alt: "A line at 8."
def f():
    '''Not 1 reader sees this.'''
Markdown(f"## About 9 people {{#sec-2}} of {f()} in 3 groups"), rows("x4"), 5
```
"""


def test_numbers_are_found_wherever_they_are_typed(tmp_path):
    document = tmp_path / "document.qmd"
    document.write_text(TYPED)
    found = [
        [number[0] for number in NUMBER.finditer(NO_RESULT.sub("", text))]
        for text in typed_text(document)
    ]
    assert found == [["1", "2", "5", "ten"], ["7"], ["8"], ["9", "3"]]


def test_what_reports_say_by_definition_is_what_the_code_does():
    """Numbers that the test above lets pass, where the code has a name for them."""
    curves = inspect.signature(figures.survival_curves).parameters
    assert curves["few_at_risk"].default == 10  # fewer than ten people are left
    assert MIN_EVENTS == 10  # fewer than ten events has no hazard ratio
    assert FEWEST_PEOPLE == 20  # fewer than twenty people
    assert COARSENESS == 5  # rounded to fives, those below five left out
    assert len(REGIONS) == 11  # the eleven regions


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

"""The report of an audit: what it says for what a study holds."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pytest
from audited import (
    audit_table,
    between_table,
    differences_table,
    shrunken_table,
    table_of_tests,
)
from layer_tables import layer_tables
from plotnine import ggplot
from report_cells import markdown_of, run_report

from fahrstats.cohort import store
from fahrstats.columns import in_order
from fahrstats.display.alt_text import alt_text
from fahrstats.display.tables import DisplayTable
from fahrstats.report import render

REPORT = Path(__file__).parents[2] / "reports" / "audit.qmd"
CHOICES = {"horizon": 5.0, "crossings": [["sex", "race"]]}
CHOICES |= {"floor_events": 10, "floor_people": 20}
LABELS = {"race": {"label": "Race", "unit": ""}}
MOST_BYTES = 3_000_000


def calibrated(layer, name):
    """Give one set of predictions of a comparison to both sexes."""
    table = layer[name]
    table = table[(table["term"] == table["term"].iloc[0]) & (table["time"] == 5)]
    levels = [table.assign(subgroup="sex", level=level) for level in ("Women", "Men")]
    return pd.concat(levels, ignore_index=True).assign(biomarker="flc")


@pytest.fixture(scope="module")
def audit_tables(tables):
    """Every table of an audit."""
    layer = layer_tables()
    made = {
        "flow": tables["flow"],
        "table_one": tables["table_one"].assign(subgroup="sex"),
        "follow_up": tables["follow_up"],
        "audit": audit_table(),
        "audit_tests": table_of_tests(),
        "audit_differences": differences_table(),
        "audit_between": between_table(),
        "audit_shrunken": shrunken_table(),
        "audit_calibration": calibrated(layer, "calibration_groups"),
        "audit_calibration_curve": calibrated(layer, "calibration_curve"),
    }
    return {name: table[in_order(table.columns)] for name, table in made.items()}


@pytest.fixture
def results(audit_tables, manifest, tmp_path):
    """Write the tables of an audit, and a manifest that lists them."""

    def written(*, changed=None, **entries) -> Path:
        shown = {**audit_tables, **(changed or {})}
        for name, table in shown.items():
            store.write(table, tmp_path / "tables" / f"{name}.parquet", {"seed": 1})
        listed = {
            **manifest,
            "kind": "audit",
            "labels": manifest["labels"] | LABELS,
            "tables": dict.fromkeys(shown, ""),
            "warnings": {},
            "choices": {"audit": CHOICES},
            **entries,
        }
        store.write_manifest(listed, tmp_path / "manifest.json")
        return tmp_path

    return written


@pytest.fixture
def run(results, monkeypatch):
    """Run the report of an audit; return what is displayed and what is said."""
    return lambda **changed: run_report(REPORT, results(**changed), monkeypatch)


def test_the_first_page_says_what_differs_and_what_is_unknown(run):
    shown, said = run()
    title, *texts = markdown_of(shown)
    assert '"Free light chain and survival", "subtitle": "Audit of groups"' in title
    assert "2,000 people with 400 events, by sex and race" in texts[0]
    assert "by more than the margin in the ratio of observed" in texts[1]
    assert "too few people or events to say anything: race missing" in texts[2]
    assert "The C-index is unknown, not fair, in 8 of 12 groups" in texts[2]
    assert "a factor of 1.25 of the hazard ratio, 0.05 of the C-index, 0.05 of" in said


def test_every_figure_and_table_is_shown(run):
    shown, _ = run()
    # Flow, measures, forest, funnel, calibration.
    assert sum(isinstance(item, ggplot) for item in shown) == 5
    assert sum(isinstance(item, DisplayTable) for item in shown) == 12


def test_the_notes_of_a_study_are_shown(run):
    shown, _ = run(notes="Photographs were taken by *two* cameras.")
    (told,) = [text for text in markdown_of(shown) if "two* cameras" in text]
    assert told.startswith("## Notes on these data {#sec-notes}")
    assert not any("sec-notes" in text for text in markdown_of(run(notes="")[0]))


def test_no_difference_is_no_proof_of_fairness(run, audit_tables):
    tests = audit_tables["audit_tests"].assign(p_adjusted=0.5)
    shown, _ = run(changed={"audit_tests": tests})
    assert "this is no proof that groups are alike" in markdown_of(shown)[2]


def test_the_checklist_of_an_audit_is_that_of_evaluations(run):
    shown, _ = run()
    (table,) = [
        text for text in markdown_of(shown) if text.startswith("| What is asked for | ")
    ]
    assert re.search(
        r"^\| \*\*20b\*\* .*@tbl-groups.*\| answered \|$", table, re.MULTILINE
    )
    assert re.search(r"^\| \*\*12a\*\* .*\| not applicable \|$", table, re.MULTILINE)
    (said,) = [text for text in markdown_of(shown) if text.startswith("### TRIPOD+AI")]
    assert "between groups: 3c, 7, 8a, 8b, 9c, 12f, 14, 20b, 23a and 25." in said


def test_what_the_authors_say_is_shown_and_led_to(run):
    shown, said = run(statements={"intended_use": "For *research*.", "ethics": "None."})
    (words,) = [text for text in markdown_of(shown) if "{#sec-statements}" in text]
    assert words.endswith("\n\n**Intended use.** For *research*.\n\n**Ethics.** None.")
    assert "[as the authors say](#sec-statements)." in said
    _, silent = run()
    assert "sec-statements" not in silent


def test_the_card_has_its_sections_in_order(run):
    shown, said = run()
    text = said[said.index("## Model card") :] + "\n".join(markdown_of(shown))
    for section in (
        *("Details", "Intended use", "Factors", "Metrics", "Evaluation data"),
        *("Training data", "Quantitative analyses", "Ethical considerations"),
        "Caveats",
    ):
        assert f"**{section}.**" in text
    assert "insurance,\nemployment, checks of age" in said


def test_an_analysis_without_estimate_says_why(run, audit_tables):
    refused = (
        audit_tables["audit_between"]
        .head(1)
        .assign(estimate=float("nan"), note="not estimated: nobody is left")
    )
    shown, _ = run(changed={"audit_between": refused})
    assert any("Not estimated: nobody is left" in text for text in markdown_of(shown))


def test_groups_that_are_all_too_small_have_no_figures_and_a_report(run, audit_tables):
    audit = audit_tables["audit"]
    numbers = ["estimate", "conf_low", "conf_high", "n", "n_events", "n_missing"]
    is_level = audit["subgroup"] != "overall"
    small = audit.assign(
        **{name: audit[name].mask(is_level) for name in numbers},
        note=audit["note"].mask(is_level, "too few: 1 to 19 people, 0 to 9 events"),
    )
    empty = {
        name: table.head(0)
        for name, table in audit_tables.items()
        if name.startswith("audit_")
    }
    shown, _ = run(changed={"audit": small, **empty})
    said = markdown_of(shown)
    assert said.count("No group has enough people and events for this.") == 7
    assert sum(isinstance(item, ggplot) for item in shown) == 2  # flow and forest


def test_several_scores_are_told_apart(run, audit_tables):
    both = {
        name: pd.concat([table, table.replace({"flc": "creatinine"})])
        for name, table in audit_tables.items()
        if name.startswith("audit")
    }
    shown, _ = run(changed=both, biomarkers=["flc", "creatinine"])
    assert "Creatinine. Race: groups differ" in markdown_of(shown)[2]
    told = [alt_text(item) for item in shown if isinstance(item, ggplot)]
    assert len(told) == len(set(told)) == 9


def test_photographs_are_described_by_group(run, audit_tables):
    photos = audit_tables["table_one"]
    shown, said = run(changed={"photos": photos}, photos={"checkpoint": "net@1"})
    text = "\n".join(markdown_of(shown))
    assert "### Photographs" in text
    assert "\n## Photographs by sex\n" in text
    assert "{#sec-photos}" not in said


def test_what_asks_for_care_stands_beside_the_findings(run):
    text = "9 events for 6 coefficients of `age`; the estimates are fragile."
    shown, _ = run(warnings={"audit": [text], "audit_tests": [text]})
    (box,) = (text for text in markdown_of(shown) if "Read with care" in text)
    assert box.count("9 events for 6 coefficients of Age") == 1


@pytest.mark.slow
def test_the_rendered_page_holds_every_figure(results, tmp_path):
    (page,) = render(
        REPORT, tmp_path / "page.html", params={"results": results()}, engine="own"
    )
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert page.stat().st_size < MOST_BYTES
    assert text.count("data:image/svg+xml") == 5
    assert re.search(r"Table\s+11", text)
    assert "Unknown, not fair" in text

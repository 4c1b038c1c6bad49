"""The report of a prognostic biomarker: what it says for what a study holds."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pytest
from layer_tables import SCORES, for_both, refused
from plotnine import ggplot
from report_cells import markdown_of, run_labelled, run_report

from fahrstats.cohort import store
from fahrstats.display.alt_text import alt_text
from fahrstats.display.tables import DisplayTable
from fahrstats.report import render
from fahrstats.statements import STATEMENTS

REPORT = Path(__file__).parents[2] / "reports" / "biomarker.qmd"
MOST_BYTES = 3_000_000


@pytest.fixture
def results(tables, manifest, tmp_path):
    """Write the tables that are named, and a manifest that lists them."""

    def written(names=tuple(tables), **changed) -> Path:
        for name in names:
            path = tmp_path / "tables" / f"{name}.parquet"
            store.write(tables[name], path, {"seed": 1})
        listed = {**manifest, "tables": dict.fromkeys(names, ""), **changed}
        store.write_manifest(listed, tmp_path / "manifest.json")
        return tmp_path

    return written


@pytest.fixture
def run(results, monkeypatch):
    """Run the cells and the inline code; return what is displayed and what is said."""

    def executed(*names, **changed):
        return run_report(REPORT, results(*names, **changed), monkeypatch)

    return executed


def test_the_summary_and_every_table_of_the_study_are_shown(run, tables, cohort):
    shown, said = run()
    n, n_events = len(cohort), cohort["event"].sum()
    title = '"Free light chain and survival", "subtitle": "Prognostic biomarker report"'
    assert title in markdown_of(shown)[0]
    assert f"{n} people were followed for a median of 6.4 years; {n_events}" in said
    (findings_,) = (text for text in markdown_of(shown) if "C-index" in text)
    cox = tables["cox"]
    row = cox[(cox["model"] == "adjusted") & (cox["term"] == "flc")].iloc[0]
    assert f"hazard ratio {row['estimate']:.2f}" in findings_
    assert "with age, sex and creatinine held equal" in findings_
    assert "1 of 2 published hazard ratios agree" in findings_
    assert sum(isinstance(item, ggplot) for item in shown) == 5
    assert sum(isinstance(item, DisplayTable) for item in shown) == 15


def test_all_that_authors_can_say_is_printed(run):
    shown, _ = run(statements={key: f"Words on {key}." for key in STATEMENTS})
    cells = [item.to_markdown() for item in shown if isinstance(item, DisplayTable)]
    printed = "\n".join([*markdown_of(shown), *cells]).replace("\\", "")
    unsaid = [key for key in STATEMENTS if f"Words on {key}." not in printed]
    assert unsaid == []


def test_a_null_is_reported_as_a_null(run, tables, monkeypatch):
    cox = tables["cox"]
    null = cox.assign(estimate=1.01, conf_low=0.98, conf_high=1.04, p_value=0.55)
    monkeypatch.setitem(tables, "cox", null)
    shown, _ = run()
    (findings_,) = (text for text in markdown_of(shown) if "C-index" in text)
    assert "showed no clear association with the hazard of death" in findings_


def test_what_the_study_did_not_do_is_said_where_it_belongs_and_how_to_get_it(
    run, tables
):
    shown, _ = run([name for name in tables if name not in {"published", "cohorts"}])
    said = "\n".join(markdown_of(shown)).replace("\\", "")
    for what in (
        "photographs that were scored (a section [photos] in the study file",
        "outcomes other than the main one (a further outcome under [outcome.also]",
        "a comparison with published values (a line such as published =",
        "models of those still followed after some time (a line such as landmarks",
    ):
        assert said.count(f"Not part of this study: {what}") == 1
    assert "## Published values" not in said


def test_a_part_without_results_is_one_line_and_nothing_numbered(
    results, tables, monkeypatch
):
    without = [n for n in tables if n not in {"subgroups", "concordance_by", "audit"}]
    folder = results(without, subgroups=[])
    shown, said, labels = run_labelled(REPORT, folder, monkeypatch)
    told = "\n".join([said, *markdown_of(shown)])
    for what in ("an analysis by subgroup", "discrimination and calibration by group"):
        assert told.count(f"Not part of this study: {what} (a section") == 1
    for label in ("fig-subgroups", "tbl-ranking", "fig-fairness", "tbl-fairness"):
        assert label not in labels
        assert f"@{label}" not in told
    assert None not in shown


@pytest.mark.parametrize("is_by_table", [False, True])
def test_what_asks_for_care_stands_beside_the_findings(run, is_by_table):
    text = "9 events for 6 coefficients of `age`; the estimates are fragile."
    announced = {"cox": [text], "subgroups": [text]} if is_by_table else [text]
    shown, _ = run(warnings=announced)
    (box,) = (text for text in markdown_of(shown) if "Read with care" in text)
    assert box.count("9 events for 6 coefficients of Age") == 1


def test_without_warnings_there_is_no_box(run):
    shown, _ = run(warnings={"cox": []})
    assert not any("Read with care" in text for text in markdown_of(shown))


def test_a_covariate_that_was_left_out_is_not_called_held_equal(
    run, tables, monkeypatch
):
    cox = tables["cox"]
    is_age = cox["variable"] == "age"
    aliased = cox.assign(
        estimate=cox["estimate"].mask(is_age),
        note=cox["note"].mask(is_age, "aliased: `age` = 2 x `flc`"),
    )
    monkeypatch.setitem(tables, "cox", aliased)
    shown, _ = run()
    (findings_,) = (text for text in markdown_of(shown) if "C-index" in text)
    assert "with sex and creatinine held equal" in findings_
    assert "left out of the model: age, because it repeats" in findings_


def test_a_score_without_unit_has_no_stray_space(run, labels):
    shown, _ = run(labels={**labels, "flc": {"label": "Risk score", "unit": ""}})
    (findings_,) = (text for text in markdown_of(shown) if "C-index" in text)
    assert "One SD of risk score is 0.53, in all tables, over everyone" in findings_


def test_curves_without_numbers_at_risk_are_drawn(run, tables):
    shown, _ = run([name for name in tables if name != "at_risk"])
    assert sum(isinstance(item, ggplot) for item in shown) == 5


def test_a_study_of_one_score_alone_says_once_that_nothing_was_compared(run, tables):
    shown, said = run([name for name in tables if name != "comparison"], covariates=[])
    text = "Not part of this study: a comparison of models with and without the score"
    assert "\n".join(markdown_of(shown)).count(text) == 1
    assert "@tbl-accuracy" not in said


def test_a_study_without_covariates_has_unadjusted_findings(run, tables):
    shown, _ = run([name for name in tables if name != "comparison"], covariates=[])
    (findings_,) = (text for text in markdown_of(shown) if "C-index" in text)
    assert "held equal" not in findings_
    assert "hazard ratio" in findings_


def test_labels_with_marks_are_shown_as_they_stand(run, labels):
    marked = {**labels, "flc": {"label": "a_b*c* <i>", "unit": "mg"}}
    shown, _ = run(labels=marked)
    (findings_,) = (text for text in markdown_of(shown) if "C-index" in text)
    assert r"a\_b\*c\* \<i\>" in findings_


@pytest.fixture
def of_two_scores(tables, layer, manifest, monkeypatch):
    """Put the further tables beside the others, and a second score in all of them."""
    for name in ("curves", "at_risk", "logrank", "cut_points", "cox", "ph_test"):
        monkeypatch.setitem(tables, name, for_both(tables[name]))
    monkeypatch.setitem(tables, "subgroups", for_both(tables["subgroups"]))
    monkeypatch.setitem(tables, "concordance", layer["uno"])
    for name, table in layer.items():
        monkeypatch.setitem(tables, name, table)
    return {"biomarkers": list(SCORES), "covariates": ["age", "sex"]}


def test_the_further_tables_are_all_shown(run, tables, of_two_scores):
    shown, _ = run(list(tables), **of_two_scores)
    # Flow; two spreads, ages by decade, curves, incidences, splines, over time; gains;
    # calibration; decisions; joint curves; tiles; two forests of subgroups and cohorts.
    plots = [item for item in shown if isinstance(item, ggplot)]
    assert len(plots) == 22
    told = [alt_text(plot) for plot in plots]
    assert all(told)
    assert len(set(told)) == len(told)
    said = "\n".join(markdown_of(shown))
    parts = "\n".join(text for text in markdown_of(shown) if "| " not in text)
    lacking = re.findall(r"Not part of this study: (.*?)[(.]", parts)
    assert {text.strip() for text in lacking} == {
        "how well the score repeats on the same people",
        "discrimination and calibration by group",
    }
    for sentence in (
        "people in Q4 were without the event for 4.20 years",
        "cause Heart (130 events, 110 of other causes)",
        "The data do not show a bend in the log hazard",
        "the AUC at 5 years changed by 0.017",
        "Corrected for optimism, covariates + free light chain + creatinine had",
        "Average hazard ratio over 3 cohorts 1.34",
        "few for 3 coefficients",
        "after 1 year (200 events) and 1.30 (95% CI 1.20",
        "Survival is parted most at 4.20 mg/dL (P=0.041 after correction",
        "the study is smaller than 1 of 3 demands",
        "1 of 2 published lines disagrees with itself",
        "Optimism was estimated by the bootstrap",
    ):
        assert sentence in said
    assert said.count("::: {.callout-tip") == said.count("\n:::\n")


def test_an_analysis_without_estimate_says_why_and_says_it_once(
    run, tables, layer, of_two_scores, monkeypatch
):
    names = ("rmst", "fine_gray", "spline", "joint_groups", "cohorts", "sample_size")
    for name in names:
        monkeypatch.setitem(tables, name, refused(layer[name], "hr"))
    late = {"estimand": "auc", "time": 9.0, "note": "not estimated: nobody is left."}
    comparison = pd.concat([layer["comparison"], pd.DataFrame([late])])
    monkeypatch.setitem(tables, "comparison", comparison)
    shown, _ = run(list(tables), **of_two_scores)
    said = markdown_of(shown)
    assert said.count("Not estimated: too short.") == 1
    assert said.count("At 9 years. Not estimated: nobody is left.") == 1


def test_without_further_tables_their_sections_are_not_there(run):
    shown, _ = run()
    said = "\n".join(markdown_of(shown))
    for heading in ("Competing risks", "Two scores", "Sensitivity", "Decision curves"):
        assert f"# {heading}" not in said
    for text in ("causes of the event that compete", "multiple imputation", "early"):
        assert text in said


def test_photos_are_described_by_one_subgroup_and_folded_by_the_others(
    run, tables, of_two_scores
):
    photos = {"checkpoint": "net@1a2b", "photos": 600, "status": {"ok": 594}}
    shown, _ = run(list(tables), **of_two_scores, photos=photos)
    said = "\n".join(markdown_of(shown))
    assert "### Photographs" in said
    assert "\n## Photographs by " in said
    assert "594 of 600 photographs were scored by net\\@1a2b" in said
    assert "FaceSurvival" not in said


def test_a_score_that_was_learned_from_the_study_is_told_as_such(
    run, tables, of_two_scores
):
    fitted = {
        "checkpoint": "net@1a2b",
        "folds": 5,
        "penalties": [3.0, 300.0],
        "n_subjects": 590,
        "n_events": 67,
    }
    photos = {"checkpoint": "net@1a2b", "survival": fitted}
    shown, _ = run(list(tables), **of_two_scores, photos=photos)
    said = "\n".join(markdown_of(shown))
    assert "- FaceSurvival was learned from the very people of this study." in said
    assert "was analysed; FaceSurvival was then learned from what followed." in said
    assert "590 subjects with 67 events were dealt into 5 folds" in said


def test_notes_have_a_section_of_their_own_that_the_summary_points_to(run):
    shown, _ = run(notes="**Who.** *Nobody* in particular.")
    said = markdown_of(shown)
    (section,) = (text for text in said if text.startswith("## Notes on these data"))
    assert section.endswith("\n\n**Who.** *Nobody* in particular.")
    assert "To be read with the [notes on these data](#sec-notes)." in said
    without, _ = run()
    assert not any("sec-notes" in text for text in markdown_of(without))


@pytest.mark.slow
def test_the_page_of_every_table_resolves_its_references(
    results, tables, of_two_scores, tmp_path
):
    folder = results(list(tables), **of_two_scores)
    (page,) = render(
        REPORT, tmp_path / "page.html", params={"results": folder}, engine="own"
    )
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert page.stat().st_size < MOST_BYTES
    assert text.count("data:image/svg+xml") == 22
    assert text.count("<details") >= 10


@pytest.mark.slow
def test_the_rendered_page_holds_every_figure_and_number(results, tables, tmp_path):
    (page,) = render(
        REPORT, tmp_path / "page.html", params={"results": results()}, engine="own"
    )
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert page.stat().st_size < MOST_BYTES
    assert text.count("data:image/svg+xml") == 5
    assert "http-equiv" not in text
    cox = tables["cox"]
    row = cox[(cox["model"] == "adjusted") & (cox["term"] == "flc")].iloc[0]
    assert f"{row['estimate']:.2f} (95% CI {row['conf_low']:.2f}" in text
    assert "Not part of this study" in text
    assert re.search(r"Figure\s+5", text)
    assert re.search(r"Table\s+11", text)

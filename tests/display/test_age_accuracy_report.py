"""The report of the accuracy of predicted age: what it says for what a study holds."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from made_benchmark import BENCHMARK, CORRECTED, make_tables, write_all
from plotnine import ggplot
from report_cells import markdown_of, run_report

from fahrstats.display.alt_text import alt_text
from fahrstats.display.tables import DisplayTable
from fahrstats.report import render
from fahrstats.report.checklists import read_checklist
from fahrstats.study.benchmark.run import analyse_benchmark

REPORT = Path(__file__).parents[2] / "reports" / "age_accuracy.qmd"
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Analyse the made-up benchmark once."""
    folder = tmp_path_factory.mktemp("reported") / "two"
    path = write_all(folder, BENCHMARK, make_tables())
    return analyse_benchmark(path, out=folder.with_name("out"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """Analyse one model on one data set without groups."""
    text = BENCHMARK[: BENCHMARK.index("[data.web]")].replace("[groups]", "")
    text = re.sub(r"(?m)^(sex|site|by|notes) = .*\n", "", text)
    text = text.replace(', other = "Other model"', "") + "[analysis]\nn_boot = 40\n"
    folder = tmp_path_factory.mktemp("alone") / "one"
    path = write_all(folder, text, {"clinic": make_tables()["clinic"]})
    return analyse_benchmark(path, out=folder.with_name("out"))


@pytest.fixture
def run(results, monkeypatch):
    return lambda folder=results: run_report(REPORT, folder, monkeypatch)


def test_the_first_page_tells_errors_the_lowest_and_groups(run):
    shown, said = run()
    title, *texts = markdown_of(shown)
    assert '"Two models", "subtitle": "Accuracy of predicted age"' in title
    assert texts[0] == "**Clinic.**"
    assert "FaceAge had a mean absolute error of" in texts[1]
    assert "and read faces too young on average: mean error" in texts[1]
    assert "bands of age that could be judged" in texts[1]
    assert "Groups. FaceAge: " in texts[1]
    assert "mean error by sex, Women minus Men" in texts[1]
    assert texts[2] == "**Photos of the web.**"
    assert "How far do ages that FaceAge and Other model" in said


def test_every_figure_and_table_is_shown(run):
    shown, _ = run()
    # Errors and calibration of both, cells of exact ages, tiles by sex (2) and site.
    told = [alt_text(item) for item in shown if isinstance(item, ggplot)]
    assert len(told) == len(set(told)) == 8
    # Left out, accuracy, lowest, largest (2), by group (4), all pairs (2), provenance.
    assert sum(isinstance(item, DisplayTable) for item in shown) == 12
    reason = "Not estimated: true ages are known to intervals."
    assert reason in [text.replace("\\", "") for text in markdown_of(shown)]


def test_intervals_and_notes_are_explained(run):
    shown, _ = run()
    texts = markdown_of(shown)
    assert any(text.startswith("**Ages known to intervals.**") for text in texts)
    assert any("## Notes on these data" in text for text in texts)


def test_the_card_has_its_sections_in_order(run):
    shown, _ = run()
    sections = [
        *("Details", "Intended use", "Factors", "Metrics", "Evaluation data"),
        *("Training data", "Quantitative analyses", "Ethical considerations"),
        "Caveats",
    ]
    found = [re.match(r"\*\*([\w ]+)\.\*\* ", text) for text in markdown_of(shown)]
    names = [one[1] for one in found if one]
    start = names.index("Details")
    assert names[start : start + len(sections)] == sections
    (details,) = [t for t in markdown_of(shown) if t.startswith("**Details.**")]
    assert details == "**Details.** Made up."
    (training,) = [t for t in markdown_of(shown) if t.startswith("**Training data.**")]
    assert training.endswith("**Only the authors can fill this.**")
    (factors,) = [t for t in markdown_of(shown) if t.startswith("**Factors.**")]
    assert "by age, sex, site and sex \N{MULTIPLICATION SIGN} site" in factors.replace(
        "\\", ""
    )


def test_every_fairness_item_says_who_fills_it(run):
    shown, _ = run()
    items = [t for t in markdown_of(shown) if re.match(r"- \*\*\d+[a-z]?\*\* ", t)]
    assert [re.search(r"\*\*(\w+)\*\*", t)[1] for t in items] == [
        *read_checklist("tripod_ai").fairness
    ]
    assert all("*Filled:*" in t or "*Only the authors:*" in t for t in items)


def test_one_model_without_groups_has_a_shorter_report(run, alone):
    shown, said = run(alone)
    assert "How far do ages that FaceAge\npredicts lie" in said
    assert markdown_of(shown)[1] == "**Findings.**"
    assert not any("## Groups" in text for text in markdown_of(shown))
    assert sum(isinstance(item, ggplot) for item in shown) == 3
    assert sum(isinstance(item, DisplayTable) for item in shown) == 4


def test_a_corrected_age_stands_beside_the_raw_one(run, tmp_path):
    text = BENCHMARK
    for old, new in CORRECTED.items():
        text = text.replace(old, new)
    path = write_all(tmp_path / "two", text, make_tables())
    shown, said = run(analyse_benchmark(path, out=tmp_path / "out"))
    texts = [text.replace("\\", "") for text in markdown_of(shown)]
    assert "How far do ages that FaceAge and Other model" in said
    (sentence,) = [text for text in texts if text.startswith("**Corrected ages.**")]
    assert "FaceAge, corrected (from FaceAge) was corrected for bias" in sentence
    (findings, *_) = [text for text in texts if "its absolute error is not g" in text]
    assert "The mean error of FaceAge, corrected was" in findings
    assert "FaceAge, corrected had" not in findings
    assert not any(text.startswith("Not estimated: FaceAge, corr") for text in texts)
    (updated,) = [text for text in texts if text.startswith("- **12f**")]
    assert updated.endswith("the raw ones beside them.")
    # As without it, but that it has a table of groups in both data sets.
    figures = [item for item in shown if isinstance(item, ggplot)]
    assert len(figures) == 8
    tiles = [figure for figure in figures if "group" in figure.data]
    assert [("fair" in set(figure.data["model"])) for figure in tiles] == [True] * 3
    others = [figure for figure in figures if "group" not in figure.data]
    assert not any("fair" in set(figure.data["model"]) for figure in others)
    assert not any("FaceAge, corr" in str(set(f.data["model"])) for f in others)
    assert sum(isinstance(item, DisplayTable) for item in shown) == 14


def test_one_model_and_its_correction_have_a_report(run, tmp_path):
    text = BENCHMARK[: BENCHMARK.index("[data.web]")] + "[analysis]\nn_boot = 40\n"
    pair = '{ faceage = "FaceAge", fair = "Fair" }\ncorrected.fair = "faceage"'
    text = text.replace('{ faceage = "FaceAge", other = "Other model" }', pair)
    path = write_all(tmp_path / "pair", text, {"clinic": make_tables()["clinic"]})
    shown, said = run(analyse_benchmark(path, out=tmp_path / "out"))
    assert "How far do ages that FaceAge\npredicts lie" in said
    (accuracy, *_) = [
        item
        for item in shown
        if isinstance(item, DisplayTable) and "difference" in item.headers
    ]
    assert any(note.startswith("ᵃ not estimated: Fair was") for note in accuracy.notes)
    assert not any(
        "Lowest" in str(item.headers)
        for item in shown
        if isinstance(item, DisplayTable)
    )


def test_ages_that_intervals_do_not_tell_have_a_report(run, tmp_path):
    text = BENCHMARK.replace(
        BENCHMARK[BENCHMARK.index("[data.clinic]") : BENCHMARK.index("[data.web]")], ""
    )
    web = make_tables()["web"].assign(**{"from": 0.0, "below": 100.0})
    path = write_all(tmp_path / "wide", text, {"web": web})
    shown, _ = run(analyse_benchmark(path, out=tmp_path / "out"))
    _, *texts = markdown_of(shown)
    assert "The error of FaceAge was not estimated." in texts[1]
    assert sum(isinstance(item, ggplot) for item in shown) == 0
    assert sum("Nothing to show" in text for text in texts) == 3


def test_letters_that_no_font_has_leave_no_paths_in_the_page(tmp_path):
    text = BENCHMARK[: BENCHMARK.index("[data.web]")] + "[analysis]\nn_boot = 40\n"
    text = text.replace('"FaceAge"', '"\N{CJK UNIFIED IDEOGRAPH-6A21}"')
    path = write_all(tmp_path / "far", text, {"clinic": make_tables()["clinic"]})
    results = analyse_benchmark(path, out=tmp_path / "out")
    (page,) = render(
        REPORT, tmp_path / "out.html", params={"results": str(results)}, engine="own"
    )
    assert "UserWarning" not in page.read_text(encoding="utf-8")


def test_few_people_in_every_band_and_crossings_alone_have_a_page(tmp_path):
    text = BENCHMARK[: BENCHMARK.index("[data.web]")] + "[analysis]\nn_boot = 40\n"
    text = text.replace('"sex", "site", [', "[")
    few = make_tables()["clinic"].iloc[13:63]
    path = write_all(tmp_path / "few", text, {"clinic": few})
    results = analyse_benchmark(path, out=tmp_path / "out")
    (page,) = render(
        REPORT, tmp_path / "out.html", params={"results": str(results)}, engine="own"
    )
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert text.count("Nothing to show: fewer than twenty people") == 2
    assert "?@" not in text


def test_warnings_are_read_first(run, results, tmp_path):
    manifest = json.loads((results / "manifest.json").read_text())
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "tables").symlink_to(results / "tables")
    manifest["warnings"] = {"accuracy": ["`sex` has a level of one."]}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    shown, _ = run(copy)
    (box,) = [text for text in markdown_of(shown) if "Read with care" in text]
    assert "Sex has a level of one." in box


@pytest.mark.slow
def test_the_page_holds_everything_and_no_person(results, tmp_path):
    (page,) = render(
        REPORT, tmp_path / "out.html", params={"results": str(results)}, engine="own"
    )
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert page.stat().st_size < MOST_BYTES
    for words in ("Model card", "Fairness items of TRIPOD+AI", "Calibration in age"):
        assert words in text
    assert "?@" not in text
    clinic = make_tables()["clinic"]
    for predicted in clinic["faceage"].dropna().head(50):
        assert f">{predicted}<" not in text

"""The report of robustness: what it says for what a study holds."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from made_robustness import ROBUSTNESS, make_tables, write_all
from plotnine import ggplot
from report_cells import markdown_of, run_report

from fahrstats.display.tables import DisplayTable
from fahrstats.report import render
from fahrstats.study.publication.public_version import publish
from fahrstats.study.results_in import read_manifest
from fahrstats.study.robustness import run as robustness_run
from fahrstats.study.robustness.run import analyse_robustness

REPORT = Path(__file__).parents[2] / "reports" / "robustness.qmd"
PANEL = ROBUSTNESS[ROBUSTNESS.index("[panel]") : ROBUSTNESS.index("[pairs.makeup]")]
PAIRS = ROBUSTNESS[ROBUSTNESS.index("[pairs.makeup]") : ROBUSTNESS.index("[serial]")]
SERIAL = ROBUSTNESS[ROBUSTNESS.index("[serial]") : ROBUSTNESS.index("[analysis]")]


@pytest.fixture(scope="module")
def analyse(tmp_path_factory):
    """Return what analyses the made study, without some of its parts."""

    def make(*absent: str) -> Path:
        text = ROBUSTNESS
        for part in absent:
            text = text.replace(part, "")
        folder = tmp_path_factory.mktemp("reported") / "two"
        path = write_all(folder, text, make_tables())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(robustness_run, "score_all", lambda *parts: None)
            return analyse_robustness(path, out=folder.with_name("out"))

    return make


@pytest.fixture(scope="module")
def results(analyse) -> Path:
    return analyse()


@pytest.fixture
def run(results, monkeypatch):
    return lambda folder=results: run_report(REPORT, folder, monkeypatch)


def count(shown: list[object], kind: type) -> int:
    return sum(isinstance(item, kind) for item in shown)


def test_the_first_page_says_what_was_shown_and_what_was_not(run):
    shown, said = run()
    title, *texts = [text.replace("\\", "") for text in markdown_of(shown)]
    assert '"What moves two models", "subtitle": "Robustness of predicted age"' in title
    assert texts[0] == "**Simulated changes.**"
    assert "- FaceAge: 1 of 3 simulated changes was shown to move the mean" in texts[1]
    assert "strong JPEG compression (older, from quality" in texts[1]
    assert "every dose of the panel: head or camera tilted and lipstick." in texts[1]
    assert "On the same photos FaceAge moved more than Other model" in texts[1]
    assert texts[2] == "**Makeup**, real pairs of photos."
    assert "shown to be less than 2 years on average (P" in texts[3]
    assert "- Pose, FaceAge: mean change" in texts[5]
    assert "shown to be more than 2 years on average" in texts[5]
    assert "- FaceAge: in 95% of people two photos of one day lie" in texts[7]
    assert "less than 2 years is taken not to matter" in said
    assert "significant" not in said + " ".join(texts)


def test_every_figure_and_table_is_shown(run):
    shown, _ = run()
    # Tiles, doses of three families, Makeup and two conditions of sessions.
    assert count(shown, ggplot) == 7
    # Shown, doses (2), models, pairs, what they depend on, models of pairs, serial,
    # meanings, provenance.
    assert count(shown, DisplayTable) == 10


def test_what_a_simulation_cannot_show_is_said(run):
    _, said = run()
    assert "**It cannot** stand for the real thing." in said
    assert "was not shown to be steady under real surgery" in " ".join(said.split())


@pytest.mark.parametrize(
    ("absent", "figures", "tables"),
    [
        ((PAIRS, SERIAL), 4, 6),
        ((PANEL, SERIAL), 3, 4),
        ((PANEL, PAIRS), 0, 2),
        ((', other = "Other model"',), 7, 7),
    ],
)
def test_a_part_that_is_absent_leaves_no_gap(run, analyse, absent, figures, tables):
    shown, _ = run(analyse(*absent))
    assert (count(shown, ggplot), count(shown, DisplayTable)) == (figures, tables)


def test_a_condition_of_few_pairs_is_named_without_numbers(run, tmp_path, monkeypatch):
    tables = make_tables()
    sessions = tables["sessions"]
    is_few = (sessions["condition"] == "pose") & (sessions["subject"] > "s005")
    tables["sessions"] = sessions[~is_few]
    path = write_all(tmp_path / "two", ROBUSTNESS, tables)
    monkeypatch.setattr(robustness_run, "score_all", lambda *parts: None)
    shown, _ = run(analyse_robustness(path, out=tmp_path / "out"))
    text = "".join(markdown_of(shown)).replace("\\", "")
    assert "Pose, FaceAge: no mean change (too few people: 1 to 19)." in text
    assert "Light, FaceAge: mean change" in text
    assert count(shown, ggplot) == 6  # of seven, none of the pose


def test_the_page_resolves_all_references(results, tmp_path):
    (page,) = render(
        REPORT, tmp_path / "r.html", params={"results": str(results)}, engine="own"
    )
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "?@" not in text
    assert "Traceback" not in text
    assert page.stat().st_size < 3_000_000


def test_the_public_version_has_a_report(run, results):
    public = publish(results, read_manifest(results))
    shown, _ = run(public)
    texts = " ".join(markdown_of(shown))
    assert "Version for publication" in texts
    assert "shown to be less than 2 years on average" in texts
    assert count(shown, ggplot) == 7

"""The report of what a score looks at: what it says for what a study holds."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from made_saliency import MAPS, SALIENCY, make_checks, write_all, write_explained
from plotnine import ggplot
from report_cells import markdown_of, run_report

from fahrstats.display.tables import DisplayTable
from fahrstats.report import render
from fahrstats.study.publication.public_version import publish
from fahrstats.study.results_in import read_manifest
from fahrstats.study.saliency import run as saliency_run
from fahrstats.study.saliency import sources
from fahrstats.study.saliency import tables as saliency_tables
from fahrstats.study.saliency.run import analyse_saliency

REPORT = Path(__file__).parents[2] / "reports" / "saliency.qmd"


@pytest.fixture(scope="module")
def analyse(tmp_path_factory):
    """Return what analyses the made study, without some of its parts."""

    def make(*absent: str) -> Path:
        text = SALIENCY
        for part in absent:
            assert part in text
            text = text.replace(part, "")
        folder = tmp_path_factory.mktemp("reported") / "two"
        path = write_all(folder, text)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sources, "_not_explained", lambda *parts: "made")
            patch.setattr(
                saliency_run,
                "explain_all",
                lambda study, data, out, watch: write_explained(study, out),
            )
            patch.setattr(saliency_tables, "check_explanations", make_checks)
            return analyse_saliency(path, out=folder.with_name("out"))

    return make


@pytest.fixture(scope="module")
def results(analyse) -> Path:
    return analyse()


@pytest.fixture
def run(results, monkeypatch):
    return lambda folder=results: run_report(REPORT, folder, monkeypatch)


def count(shown: list[object], kind: type) -> int:
    return sum(isinstance(item, kind) for item in shown)


def test_the_first_page_says_where_each_model_looks_and_whether_at_the_same(run):
    shown, said = run()
    texts = [text.replace("\\", "") for text in markdown_of(shown)]
    told = " ".join(texts)
    assert "Which regions of the face do FaceAge and Other model rest on, and" in told
    assert re.search(r"- FaceAge rested most on the mouth \(\d\d%, 95% CI", told)
    assert "- FaceAge and Other model weigh the regions differently (P" in told
    assert re.search(r"most in the mouth, which has \d\d \(joint 95% CI", told)
    assert "was destroyed when all that it had learned was replaced by chance" in told
    assert "Other model: what it has learned cannot be replaced by chance" in told
    assert "it rises faster when they are restored first: failed." in told
    assert "**It is about the model, not about biology.**" in said
    assert "significant" not in said + told


def test_every_figure_and_table_is_shown(run):
    shown, _ = run()
    # Shares, regions and maps on the mean face, differences, curves.
    assert count(shown, ggplot) == 5
    # Photos, regions, areas, overlap, differences, checks, provenance.
    assert count(shown, DisplayTable) == 7


@pytest.mark.parametrize(
    ("absent", "figures", "tables"),
    [((MAPS,), 4, 7), ((', other = "Other model"',), 4, 5)],
)
def test_a_part_that_is_absent_leaves_no_gap(run, analyse, absent, figures, tables):
    shown, _ = run(analyse(*absent))
    assert (count(shown, ggplot), count(shown, DisplayTable)) == (figures, tables)


def test_the_page_resolves_all_references(results, tmp_path):
    (page,) = render(
        REPORT, tmp_path / "r.html", params={"results": str(results)}, engine="own"
    )
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "?@" not in text
    assert "Traceback" not in text
    assert page.stat().st_size < 3_000_000


def test_the_public_version_has_a_report_without_the_mean_face(run, results):
    public = publish(results, read_manifest(results))
    shown, _ = run(public)
    texts = " ".join(markdown_of(shown))
    assert "Version for publication" in texts
    assert "The mean face is left out of a version for publication." in texts
    assert "rested most on the mouth" in texts

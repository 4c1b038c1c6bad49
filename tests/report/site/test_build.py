"""A site holds the reports, links between them, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from urllib.parse import unquote

import pytest
from accessibility import axe_core, browser, violations

from fahrstats.errors import DataError
from fahrstats.report.site import build_site

with_browser = pytest.mark.skipif(browser() is None, reason="Chromium is not installed")


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_site_holds_reports_and_a_page_that_lists_them(study, tmp_path):
    out = tmp_path / "site"
    folders = [study("a", formats=("html", "pdf")), study("b", kind="audit")]
    index = build_site(folders, out, title="Ours & theirs")
    assert index == out / "index.html"
    assert files(out) == ["a.html", "a.pdf", "b.html", "index.html", "site.json"]
    text = index.read_text()
    assert '<h1 class="title">Ours &amp; theirs</h1>' in text
    assert re.findall(r"<h2>(.*?)</h2>", text) == [
        "Prognostic biomarkers",
        "Audits of groups",
    ]
    assert '<a class="site-report" href="a.html">Study a</a>' in text
    facts = "n = 1,200, 150 events · analysed on 2026-01-15 · version for publication"
    assert text.count(facts) == 2
    assert '<a href="a.pdf" download aria-label="PDF: Study a">PDF</a>' in text
    assert "Confidential" not in text


def test_a_report_has_a_bar_of_links_and_stays_as_it_is(study, tmp_path):
    one = study("a")
    build_site([one, study("b")], tmp_path / "site")
    before = (one / "a.html").read_text()
    after = (tmp_path / "site" / "a.html").read_text()
    bar = re.search(r'\n<nav class="site-bar".*</nav>\n\n', after, re.DOTALL)
    assert bar
    style = re.search(r"<style>\n\n/\* The bar.*?</style>\n", after, re.DOTALL)
    assert style
    assert after.replace(bar[0], "").replace(style[0], "") == before
    assert after.index("skip-link") < bar.start()
    assert '<a href="a.html" aria-current="page">Study a</a>' in bar[0]
    assert '<a href="b.html">Study b</a>' in bar[0]


def test_a_confidential_site_is_marked_on_every_page_and_file(study, tmp_path):
    folder = study("a", folder="a", public=None, formats=("html", "pdf"))
    out = tmp_path / "site"
    with pytest.raises(DataError, match="not a version for publication"):
        build_site([folder], out)
    assert not out.exists()
    build_site([folder, study("b")], out, confidential=True)
    assert files(out)[:2] == ["a-confidential.pdf", "a.html"]
    for page in out.glob("*.html"):
        assert page.read_text().count("Confidential: not for publication") == 1
    assert "not for publication" in (out / "index.html").read_text()


def test_text_of_a_study_is_never_read_as_html(study, tmp_path):
    title = 'A <script>alert("x")</script> & b'
    folder = study("a", title=title)
    build_site([folder], tmp_path / "site")
    for page in (tmp_path / "site").glob("*.html"):
        assert "<script>alert" not in page.read_text()


def test_links_lead_to_files_whose_names_hold_signs_of_an_address(study, tmp_path):
    out = tmp_path / "site"
    build_site([study("a#1 50%25 'ü'?", formats=("html", "pdf"))], out)
    text = (out / "index.html").read_text()
    links = [
        *re.findall(r'href="([^"#]+)"', text),
        *re.findall(r'"page": "(.*?)"', text),
    ]
    assert len(links) == 3
    assert {unquote(link) for link in links} == {path.name for path in out.glob("a*")}
    assert not set("#?' ").intersection("".join(links))
    bar = (out / "a#1 50%25 'ü'?.html").read_text().partition("site-bar")[2]
    assert f'<a href="{links[0]}" aria-current="page">' in bar


def test_a_site_never_lies_among_results(study, tmp_path):
    folder = study("a")
    before = files(folder)
    for inside in (folder / "site", folder / "tables" / ".." / "site"):
        with pytest.raises(DataError, match="lies in the folder of results"):
            build_site([folder], inside)
    assert files(folder) == before


def test_pages_of_a_site_fetch_nothing(study, tmp_path):
    build_site([study("a")], tmp_path / "site")
    for page in (tmp_path / "site").glob("*.html"):
        text = page.read_text()
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)
        assert not re.search(r"@import|url\(|fetch\(|XMLHttp|serviceWorker", text)


def test_a_site_replaces_an_older_one_of_its_own(study, tmp_path):
    out = tmp_path / "site"
    a, b = study("a"), study("b")
    build_site([a, b], out)
    build_site([b], out)
    assert files(out) == ["b.html", "index.html", "site.json"]
    assert json.loads((out / "site.json").read_text()) == ["b.html", "index.html"]


def test_files_of_others_are_never_touched(study, tmp_path):
    out = tmp_path / "site"
    folder = study("a")
    build_site([folder], out)
    (out / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds `mine\.txt`, which no site wrote"):
        build_site([folder], out)
    with pytest.raises(DataError, match="and 2 more, which no site wrote"):
        build_site([folder], folder)
    (out / "mine.txt").unlink()
    (out / "site.json").write_text("{")
    with pytest.raises(DataError, match=r"`a\.html` and 1 more, which no site wrote"):
        build_site([folder], out)
    with pytest.raises(DataError, match="is a file; give a folder"):
        build_site([folder], out / "site.json")


def found(site, address):
    """Links and status that a browser shows at an address of the site."""
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu"]
    command += ["--no-first-run", "--disable-background-networking"]
    command += [f"--user-data-dir={site.parent / 'profile'}", "--dump-dom"]
    command.append(f"{site.as_uri()}/{address}")
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    listed = re.search(r'<ol id="found"[^>]*>(.*?)</ol>', shown, re.DOTALL)
    status = re.search(r'<p id="status"[^>]*>(.*?)</p>', shown)
    assert listed
    assert status
    return re.findall(r'<a href="([^"]+)"', listed[1]), status[1], listed[1]


@with_browser
def test_the_search_finds_words_in_titles_headings_and_text(study, tmp_path):
    site = tmp_path / "site"
    build_site([study("a"), study("b", title="Study other")], site)
    links, status, shown = found(site, "index.html#q=HAZ%20frechet")
    assert links == ["a.html#sec-hazard", "b.html#sec-hazard"]
    assert status == "Found in 2 sections."
    assert "The <mark>haz</mark>ard of death by Fréchet" in shown
    links, status, _ = found(site, "index.html?q=other+hazard")
    assert (links, status) == (["b.html#sec-hazard"], "Found in 1 section.")
    links, status, _ = found(site, "index.html#q=azard")
    assert (links, status) == ([], "Found in 0 sections.")
    assert found(site, "index.html")[:2] == ([], "")


@with_browser
@pytest.mark.slow
@pytest.mark.skipif(axe_core() is None, reason="axe-core is not installed")
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_have_no_grave_fault(study, tmp_path, width):
    folder = study("a", folder="a", public=None, formats=("html", "pdf"))
    build_site([folder, study("b")], tmp_path / "site", confidential=True)
    for page in (tmp_path / "site").glob("*.html"):
        faults = violations(page, width=width, folder=tmp_path)
        assert [one for one in faults if one.impact in ("serious", "critical")] == []

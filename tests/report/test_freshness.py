"""The key of a page changes with everything that the page depends on."""

from __future__ import annotations

import pytest

from fahrstats.report.freshness import is_of_results, key_in, key_of
from fahrstats.report.source import read_source


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "a.txt").write_text("1")
    return folder


@pytest.fixture
def key(write, results, tmp_path):
    def made(text="x", params=None, engine="own"):
        given = {"results": str(results)} | (params or {})
        source = read_source(write(text))
        return key_of(source, given, [results / "report.html"], engine)

    return made


def test_the_same_gives_the_same_key(key):
    assert key() == key()


@pytest.mark.parametrize(
    "change", [{"text": "y"}, {"params": {"a": 1}}, {"engine": "quarto 1.9.37"}]
)
def test_text_parameters_and_renderer_change_the_key(key, change):
    assert key(**change) != key()


def test_a_changed_an_added_and_a_moved_result_change_the_key(key, results):
    keys = {key()}
    (results / "a.txt").write_text("2")
    keys.add(key())
    (results / "b.txt").write_text("2")
    keys.add(key())
    (results / "b.txt").rename(results / "c.txt")
    keys.add(key())
    assert len(keys) == 4


def test_the_page_itself_and_hidden_files_do_not_change_the_key(key, results):
    before = key()
    (results / "report.html").write_text("page")
    (results / ".report.html.part").write_text("half a page")
    assert key() == before


def test_a_page_is_known_to_be_of_its_results(key, results):
    page = results / "report.html"
    page.write_text(f'<meta name="fahrstats-key" content="{key()}">')
    assert is_of_results(page, results)
    page.write_text(f'<meta name="fahrstats-key" content="{key(text="y")}">')
    assert is_of_results(page, results)
    (results / "a.txt").write_text("2")
    assert not is_of_results(page, results)
    page.write_text("<html></html>")
    assert not is_of_results(page, results)


def test_a_version_of_a_package_changes_the_key(key, monkeypatch):
    before = key()
    monkeypatch.setattr("fahrstats.report.freshness.version", lambda _: "0")
    assert key() != before


def test_a_document_dated_today_has_another_key_tomorrow(key, monkeypatch):
    text = "---\ndate: today\n---\n"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    before = key(text)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert key(text) != before


def test_a_page_without_key_is_never_fresh(tmp_path):
    page = tmp_path / "a.html"
    assert key_in(page) is None
    page.write_text("<html></html>")
    assert key_in(page) is None

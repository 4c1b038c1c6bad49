"""Of a project's settings, documents have those that are neither its nor Quarto's."""

from __future__ import annotations

from pathlib import Path

from fahrstats.report.project import without_project
from fahrstats.report.source import load_yaml

ROOT = Path(__file__).parents[2]


def test_what_only_quarto_needs_is_left_out():
    settings = load_yaml((ROOT / "_quarto.yml").read_text(), "`_quarto.yml`")
    kept = without_project(settings)
    assert kept.keys() == {"lang", "papersize", "format"}
    assert kept["format"]["html"] == settings["format"]["html"]
    assert not kept["format"].get("typst")


def test_what_an_author_sets_is_kept():
    settings = {
        "filters": ["mine.lua"],
        "format": {"typst": {"citeproc": True, "papersize": "letter"}},
    }
    assert without_project({"project": {"type": "website"}, **settings}) == {
        "filters": ["mine.lua"],
        "format": {"typst": {"papersize": "letter"}},
    }

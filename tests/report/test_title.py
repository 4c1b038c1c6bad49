"""Authors and dates of the title block."""

from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.report.title import title_block


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (None, "January 5, 2026"),
        ("iso", "2026-01-05"),
        ("medium", "Jan 5, 2026"),
        ("short", "1/5/26"),
        ("D MMM YYYY", "5 Jan 2026"),
    ],
)
def test_a_date_is_written_in_the_style_asked_for(style, words):
    settings = {"date": "2026-01-05"} | ({"date-format": style} if style else {})
    assert title_block(settings)["date"] == words


def test_a_date_in_words_stays(monkeypatch):
    assert title_block({"date": "Spring 2026"})["date"] == "Spring 2026"


def test_today_is_the_day_of_source_date_epoch(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    block = title_block({"date": "today"})
    assert (block["date"], block["date-meta"]) == ("January 1, 1970", "1970-01-01")


def test_authors_may_be_text_lists_or_records():
    block = title_block(
        {
            "author": [
                "First",
                {"name": {"given": "A.", "family": "Second"}, "orcid": "0000"},
                {"name": "Third", "affiliations": [{"name": "One"}, "Two"]},
            ]
        }
    )
    assert block["by-author"] == [
        {"name": "First"},
        {"name": "A. Second", "orcid": "0000"},
        {"name": "Third", "affiliation": "One; Two"},
    ]


def test_an_author_without_name_is_an_error():
    with pytest.raises(DataError, match="has no `name`"):
        title_block({"author": {"orcid": "0000"}})

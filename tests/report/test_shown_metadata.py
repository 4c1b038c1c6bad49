from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.report.shown_metadata import with_shown_metadata
from fahrstats.report.source import read_source


@pytest.fixture
def source(tmp_path):
    document = tmp_path / "paper.qmd"
    document.write_text('---\ntitle: "Made before"\nlang: en\n---\n\nHello.\n')
    return read_source(document)


def test_what_a_cell_displays_is_as_if_the_header_had_it(source):
    text = (
        'Before.\n\n---\n{"title": "Known later", "author": ["Ada"]}\n---\n\nAfter.\n'
    )
    told, left = with_shown_metadata(source, text)
    assert told.settings["title"] == "Known later"
    assert told.settings["author"] == ["Ada"]
    assert told.settings["lang"] == "en"
    assert left == "Before.\n\n\nAfter.\n"


def test_rules_and_tables_are_no_metadata(source):
    text = (
        "Up.\n\n---\n\nDown.\n\n---\nkey: value\n---\n\n  a    b\n---  ---\n  1    2\n"
    )
    told, left = with_shown_metadata(source, text)
    assert (told, left) == (source, text)


def test_a_block_that_is_no_yaml_says_where_it_comes_from(source):
    with pytest.raises(DataError, match=r"`paper.qmd`, output of a cell: the YAML can"):
        with_shown_metadata(source, '---\n{"title: x}\n---\n')

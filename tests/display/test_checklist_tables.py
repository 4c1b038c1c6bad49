from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.display.checklist_tables import (
    checklist,
    checklist_counts,
    checklist_gaps,
)

COLUMNS = ["item", "section", "asks", "status", "places", "given", "missing", "note"]
ROWS = [
    ("1", "Methods", "Who_they are", "done", "@tbl-one", "", "", ""),
    (
        "2a",
        "Methods",
        "Why",
        "partly",
        "",
        "[Ethics](#sec-a)",
        "funding, protocol",
        "No `x` here.",
    ),
    (
        "2b",
        "Results",
        "What",
        "stated",
        "",
        "[Ethics](#sec-a), [Bias](#sec-a)",
        "",
        "",
    ),
    ("3", "Results", "How", "open", "", "", "", ""),
    ("4", "Results", "Never", "not applicable", "", "", "", "No need."),
]


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=COLUMNS).assign(guideline="ABC+1")


def test_items_stand_below_their_section_with_references_as_they_are(table):
    lines = checklist(table).splitlines()
    assert lines[0] == "| What is asked for | Where it is answered | Status |"
    assert lines[2:] == [
        "| **Methods** |  |  |",
        r"| **1** Who\_they are | @tbl-one. | answered |",
        "| **2a** Why | The authors: [Ethics](#sec-a). To be written: `funding`, "
        r"`protocol`. No \`x\` here. | in part |",
        "| **Results** |  |  |",
        "| **2b** What | The authors: [Ethics](#sec-a), [Bias](#sec-a). | answered |",
        "| **3** How | – | open |",  # noqa: RUF001
        "| **4** Never | No need. | not applicable |",
    ]


def test_every_line_has_as_many_cells_as_the_header(table):
    assert {line.count(" | ") for line in checklist(table).splitlines()} == {2}


def test_answers_are_counted(table):
    assert checklist_counts(table) == (
        "Of the 5 points of ABC+1, 1 is answered by this report, 1 is answered in the "
        "words of the authors, 1 is answered in part, 1 is open and 1 is not "
        "applicable."
    )
    assert checklist_counts(table.assign(status="done")) == (
        "Of the 5 points of ABC+1, 5 are answered by this report."
    )


def test_what_is_left_is_listed_by_number(table):
    assert checklist_gaps(table) == ["In part: 2a.", "Open: 3."]
    assert checklist_gaps(table.assign(status="open")) == ["Open: 1, 2a, 2b, 3 and 4."]
    assert checklist_gaps(table.assign(status="done")) == []

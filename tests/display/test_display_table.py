from __future__ import annotations

import html
import re

import pandas as pd
import pypandoc
import pytest
from great_tables import GT

from fahrstats.display.display_table import (
    INDENT,
    DisplayTable,
    Footnotes,
    escape_markdown,
    filled,
    p_or_empty,
    rows_used,
    under_scores,
)
from fahrstats.display.journal_styles import DEFAULT, LANCET

NASTY = '<script>alert("x")</script> & *bold* _it_ $x$ | `c`'


@pytest.fixture
def table():
    return DisplayTable(
        cells=pd.DataFrame(
            {"name": ["Sex", f"{INDENT}F", NASTY], "hr": ["", "1", "2"], "p": ["a"] * 3}
        ),
        headers={"name": "", "hr": "HR\n(95% CI)", "p": "P <&>"},
        spanners={"Adjusted <i>": ("hr", "p")},
        heads=(0,),
        notes=(f"a {NASTY}",),
    )


def cells_of(page):
    body = page.partition("</thead>")[2]
    found = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", body, flags=re.DOTALL)
    plain = [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in found]
    return [" ".join(cell.split()) for cell in plain]


def test_every_cell_is_shown_as_it_stands(table):
    shown = cells_of(table._repr_html_())
    flat = [str(cell).strip() for cell in table.cells.to_numpy().ravel()]
    assert shown == [*flat, f"a {NASTY}"]


def test_no_text_becomes_markup(table):
    page = table._repr_html_()
    assert "<script>" not in page
    assert "<i>" not in page
    assert "P &lt;&amp;&gt;" in page
    assert "HR<br>(95% CI)" in page


@pytest.mark.parametrize(
    ("cells", "side"),
    [
        (["7", "1,641", "", "\N{EN DASH}", "27\N{NARROW NO-BREAK SPACE}837"], "right"),
        (["0.94", "2,085.12", "\N{MINUS SIGN}3.10ᵃ"], "right"),
        (["0\N{MIDDLE DOT}94", "16\N{MIDDLE DOT}49"], "right"),
        (["19.6%", "4.1%"], "right"),
        (["0.33", "0.070"], "center"),
        (["<0.001", "0.033"], "center"),
        (["1 (reference)", "2"], "center"),
        (["\N{EN DASH}", ""], "center"),
    ],
)
def test_numbers_of_as_many_decimals_stand_below_each_other(cells, side):
    frame = pd.DataFrame({"name": "A", "number": cells})
    page = DisplayTable(frame, {"name": "", "number": "N"})._repr_html_()
    sides = re.findall(r'<td[^>]* class="gt_row gt_(\w+)"', page)
    assert sides == [side] * len(cells)


def test_cells_are_aligned_by_styles_which_pandoc_reads_and_not_by_classes_alone():
    frame = pd.DataFrame(
        {"name": "A", "n": ["1", "2"], "where": "word", "hr": ["1", "1.5"]}
    )
    table = DisplayTable(frame, dict.fromkeys(frame, "H"), prose=("where",))
    found = re.findall(r"<t[dh]\b[^>]*>", table._repr_html_())
    classes = [re.search(r"\bgt_(left|right|center)\b", tag)[1] for tag in found]
    styles = [re.search(r"text-align: (\w+);", tag)[1] for tag in found]
    assert styles == classes == ["left", "right", "left", "center"] * 3


def test_the_great_tables_object_can_be_styled_further(table):
    assert isinstance(table.gt(), GT)
    assert "Mine" in table.gt().tab_header("Mine").as_raw_html()


def test_the_same_table_is_the_same_html_and_another_has_another_identity(table):
    other = DisplayTable(cells=table.cells, headers=table.headers)
    assert table._repr_html_() == table._repr_html_()
    identity = re.search(r'id="(table-\w+)"', table._repr_html_())[1]
    assert identity not in other._repr_html_()


def test_the_frame_has_full_headers(table):
    assert list(table.frame().columns) == [
        "",
        "Adjusted <i>: HR\n(95% CI)",
        "Adjusted <i>: P <&>",
    ]
    assert table.frame().to_numpy().tolist() == table.cells.to_numpy().tolist()


def test_markdown_shows_the_same_text(table):
    page = pypandoc.convert_text(table.to_markdown(), "html", format="markdown-smart")
    assert cells_of(page) == [
        str(cell).strip() for cell in table.cells.to_numpy().ravel()
    ]
    note = re.search(r"<p>(.*)</p>", page, flags=re.DOTALL)[1]
    assert " ".join(html.unescape(note).split()) == f"a {NASTY}"


def test_escaped_text_is_one_line_of_plain_markdown():
    text = "# not a head\n- nor a list ~sub~ ^sup^ [link](x) @cite {#id}"
    page = pypandoc.convert_text(
        f"x {escape_markdown(text)}", "html", format="markdown"
    )
    assert html.unescape(page).strip() == f"<p>x {' '.join(text.split())}</p>"


def test_a_table_without_headers_has_no_head_row():
    table = DisplayTable(pd.DataFrame({"a": ["x"], "b": ["y"]}), {"a": "", "b": ""})
    assert not re.search(r'<th\b(?![^>]* scope="row")', table._repr_html_())


def test_equal_notes_share_a_mark_and_notes_keep_their_order():
    notes = Footnotes(None, DEFAULT)
    assert notes.mark("1.2", "first") == "1.2ᵃ"
    assert notes.mark("1.3", "second, `column`") == "1.3ᵇ"
    assert notes.mark("1.4", "first") == "1.4ᵃ"
    assert notes.mark("1.5", "") == notes.mark("1.5", None) == "1.5"
    assert notes.lines() == ("ᵃ first", "ᵇ second, column")


def test_style_rules_of_classes_that_a_table_lacks_are_left_out(table):
    page = table._repr_html_()
    style, _, body = page.partition("</style>")
    named = set(re.findall(r"^\s*#\S+ \.(gt_\w+) \{", style, re.MULTILINE))
    assert "gt_col_heading" in named
    assert all(name in body for name in named)


def test_short_lines_are_filled_up():
    cells = filled([["a"], ["b", "1"]], {"name": "", "n": "n"})
    assert cells.to_numpy().tolist() == [["a", ""], ["b", "1"]]


def test_a_test_that_was_not_made_is_an_empty_cell():
    assert p_or_empty(None, DEFAULT) == "\N{EN DASH}"
    assert p_or_empty(float("nan"), DEFAULT) == "\N{EN DASH}"
    assert p_or_empty(0.0004, DEFAULT) == "<0.001"


def test_rows_are_named_where_all_lines_share_them():
    table = pd.DataFrame({"n": [6524, 6524], "n_events": [1962, 1962]})
    assert rows_used(table, DEFAULT) == (
        "All on the same rows: n = 6,524, 1,962 events.",
    )
    assert rows_used(table.assign(n=[1, 2]), DEFAULT) == ()
    assert rows_used(table.drop(columns="n"), DEFAULT) == ()


def test_lines_stand_below_the_score_they_are_about():
    table = pd.DataFrame({"biomarker": ["flc", "age"], "term": ["a", "b"]})
    labels = {"flc": {"label": "Free light chain"}}

    def lines_of(part):
        return [[term, "1"] for term in part["term"]]

    lines, heads = under_scores(table, labels, lines_of)
    assert lines == [
        ["Free light chain"],
        [f"{INDENT}a", "1"],
        ["age"],
        [f"{INDENT}b", "1"],
    ]
    assert heads == (0, 2)
    assert under_scores(table.iloc[:1], labels, lines_of) == ([["a", "1"]], ())


def test_numbers_of_notes_follow_the_journal():
    notes = Footnotes(None, LANCET)
    notes.mark("0·61", "beyond 0.0248, from -1.5 on, in Q1-2 of `x`")
    assert notes.lines() == (
        "ᵃ beyond 0·0248, from \N{MINUS SIGN}1·5 on, in Q1-2 of x",
    )

"""What a table says survives; what it looks like in a browser does not."""

from __future__ import annotations

import json
import subprocess
from xml.etree import ElementTree

import pandas as pd
import pytest
from great_tables import GT, loc, style
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.display.display_table import INDENT, DisplayTable
from fahrstats.report.extras import pandoc_path
from fahrstats.report.html_tables import semantic

WORDS = st.text(st.sampled_from('aé<&>"·  \N{EN DASH}\N{SUPERSCRIPT ONE}'), max_size=6)


def tree(html: str) -> ElementTree.Element:
    """Read the result by the rules of XML, which forgive nothing."""
    closed = html.replace("<br>", "<br/>")
    return ElementTree.fromstring(f"<body>{closed}</body>")


def text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def rows(table: ElementTree.Element) -> list[list[str]]:
    return [[text(cell) for cell in row] for row in table.iter("tr")]


def columns(table: ElementTree.Element) -> set[int]:
    """Fill a grid, cell by cell and part by part; return the widths of its rows."""
    widths = set()
    for part in table:
        filled: set[tuple[int, int]] = set()
        for i, row in enumerate(part):
            j = 0
            for cell in row:
                while (i, j) in filled:
                    j += 1
                height, width = (int(cell.get(n, "1")) for n in ("rowspan", "colspan"))
                new = {(i + k, j + m) for k in range(height) for m in range(width)}
                assert not new & filled
                filled |= new
        for i in range(len(part)):
            widths.add(sum(1 for row, _ in filled if row == i))
        assert max(row for row, _ in filled) < len(part)
    return widths


@pytest.fixture(scope="module")
def displayed() -> str:
    cells = pd.DataFrame(
        [
            ["Score", "", "", ""],
            [f"{INDENT}per SD", "1.2 (1.1\N{EN DASH}1.3)", "<0.001", "x & y"],
        ],
        columns=list("abcd"),
    )
    table = DisplayTable(
        cells,
        {"a": "", "b": "HR\n(95% CI)", "c": "P", "d": "Note"},
        spanners={"Adjusted": ("b", "c")},
        heads=(0,),
        prose=("d",),
        notes=("\N{MODIFIER LETTER SMALL A} One.", "Two."),
    )
    return semantic(table._repr_html_())


def test_a_display_table_keeps_its_structure(displayed):
    table = tree(displayed).find("table")
    assert [part.tag for part in table] == ["thead", "tbody"]
    assert rows(table) == [
        ["", "Adjusted", "Note"],
        ["HR(95% CI)", "P"],
        ["Score"],
        ["per SD", "1.2 (1.1\N{EN DASH}1.3)", "<0.001", "x & y"],
    ]
    assert columns(table) == {4}


def test_heads_tell_what_they_stand_over(displayed):
    heads = {text(head): head for head in tree(displayed).iter("th")}
    assert heads["Adjusted"].attrib["scope"] == "colgroup"
    assert heads["Adjusted"].attrib["colspan"] == "2"
    assert heads["Note"].attrib["scope"] == "col"
    assert heads["Note"].attrib["rowspan"] == "2"
    assert heads["Score"].attrib == {"colspan": "4", "scope": "rowgroup"}
    assert heads["Score"].find("strong").text == "Score"


def test_alignment_indent_and_lines_are_kept(displayed):
    cells = {text(cell): cell for cell in tree(displayed).iter()}
    numbers = cells["<0.001"].attrib["style"]
    assert numbers == "text-align: center; white-space: nowrap"
    assert cells["x & y"].attrib["style"] == "text-align: left"
    assert cells["per SD"].attrib["class"] == "indent"
    assert "".join(cells["per SD"].itertext()) == f"{INDENT}per SD"


def test_lines_below_a_table_become_paragraphs_after_it(displayed):
    last = tree(displayed)[-1]
    assert last.attrib == {"class": "table-notes"}
    assert [text(p) for p in last] == ["\N{MODIFIER LETTER SMALL A} One.", "Two."]


def test_a_row_is_headed_by_its_stub_and_a_group_by_its_name():
    data = pd.DataFrame({"who": ["a", "b"], "of": ["one", "two"], "n": [1.5, 2]})
    table = (
        GT(data, rowname_col="who", groupname_col="of")
        .tab_header("Title", "and more")
        .tab_stubhead("Name")
        .tab_style(style.text(style="italic"), loc.body(columns="n", rows=[0]))
    )
    body = tree(semantic(table.as_raw_html()))
    assert [text(p) for p in body.findall("p")] == ["Title", "and more"]
    assert text(body.find("p/strong")) == "Title"
    parts = body.findall("table/tbody")
    assert [rows(part) for part in parts] == [
        [["one"], ["a", "1.5"]],
        [["two"], ["b", "2.0"]],
    ]
    assert parts[0][1][0].attrib["scope"] == "row"
    assert text(parts[0].find(".//em")) == "1.5"


def test_footnote_marks_are_raised():
    html = '<table><tr><td>1<span class="gt_footnote_marks">a</span></table>'
    assert "<td>1<sup>a</sup></td>" in semantic(html)


def test_both_directions_of_a_frame_may_have_levels():
    frame = pd.DataFrame(
        {("a", "x"): [1, 2], ("a", "y"): [3, 4], ("b", "z"): [5, 6]},
        index=pd.MultiIndex.from_tuples([("g", 1), ("g", 2)], names=["k", "l"]),
    )
    table = tree(semantic(frame.to_html())).find("table")
    assert columns(table) == {5}
    assert rows(table)[3:] == [["g", "1", "1", "3", "5"], ["2", "2", "4", "6"]]
    assert table.find("tbody/tr/th").attrib == {"rowspan": "2", "scope": "rowgroup"}


def test_a_first_row_of_heads_is_the_head():
    html = "<table><tr><th>a</th></tr><tr><td>b</td></tr></table>"
    assert [part.tag for part in tree(semantic(html)).find("table")] == [
        "thead",
        "tbody",
    ]


def test_rows_that_say_the_same_all_stay():
    html = "<table><tr><th>a</th></tr><tr><th>a</th></tr><tr><td>b</td></tr></table>"
    assert rows(tree(semantic(html))) == [["a"], ["a"], ["b"]]


def test_looks_and_programs_are_dropped():
    html = (
        "<style>.a {color: red}</style><div class='a' id='b'>before<script>f()</script>"
        "<table class='a'><tr><td id='c'>x</td></tr></table>after</div>"
    )
    lines = "<p>before</p>|<table>|<tbody>|<tr>|<td>x</td>|</tr>|</tbody>|</table>"
    assert semantic(html).split("\n") == [*lines.split("|"), "<p>after</p>"]


def test_pictures_links_and_lists_are_kept():
    html = (
        '<table><tr><td><img src="a.png" alt="A &amp; b"><a href="#x">see</a>'
        "<ul><li>one<li>two</ul></td></tr></table>"
    )
    assert (
        '<td><img src="a.png" alt="A &amp; b"><a href="#x">see</a>'
        "<ul><li>one</li><li>two</li></ul></td>"
    ) in semantic(html)


def test_a_table_in_a_cell_becomes_lines():
    html = "<table><tr><td>a<table><tr><td>b<td>c</table>d</td></tr></table>"
    assert "<td>a<br>b<br>c<br>d</td>" in semantic(html)


@given(st.data())
def test_every_cell_and_column_survives(data):
    n_rows = data.draw(st.integers(1, 4))
    n_columns = data.draw(st.integers(1, 4))
    names = data.draw(
        st.lists(WORDS, min_size=n_columns, max_size=n_columns, unique=True)
    )
    values = st.lists(WORDS, min_size=n_columns, max_size=n_columns)
    lines = [data.draw(values) for _ in range(n_rows)]
    frame = pd.DataFrame(lines, columns=names)
    table = tree(semantic(frame.to_html())).find("table")
    assert columns(table) == {n_columns + 1}
    expected = [["", *names], *([str(i), *line] for i, line in enumerate(lines))]
    assert rows(table) == [[" ".join(x.split()) for x in line] for line in expected]


TAGS = [
    *("table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"),
    *("p", "div", "b", "em", "span", "ul", "li", "a", "sup"),
]
PIECES = st.sampled_from(
    [
        *(f"<{tag}>" for tag in TAGS),
        *(f"</{tag}>" for tag in TAGS),
        *("<td colspan=2>", "<th rowspan=3>", "<td rowspan=2 colspan=3>", "<br>"),
        *('<td style="font-weight: bold">', '<span style="font-style: italic">'),
        *('<a href="a?b&c">', "words", "&lt;", "<style>i</style>", "<tr>", "<td>"),
    ]
)


@given(st.lists(PIECES, max_size=25))
def test_the_result_is_balanced_and_complete_whatever_comes(pieces):
    body = tree(semantic("<table>" + "".join(pieces)))
    for table in body.iter("table"):
        assert len(columns(table)) == 1
    between = {"thead", "tbody", "tfoot", "tr", "table"}
    assert not any((e.text or "").strip() for e in body.iter() if e.tag in between)


SPANS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(st.lists(st.lists(SPANS, min_size=1, max_size=3), max_size=4))
def test_words_in_cells_survive_any_spans(lines):
    html = "".join(
        "<tr>"
        + "".join(
            f"<td rowspan={height} colspan={width}>x{i}.{j}</td>"
            for j, (height, width) in enumerate(line)
        )
        for i, line in enumerate(lines)
    )
    body = tree(semantic(f"<table>{html}</table>"))
    wanted = [f"x{i}.{j}" for i, line in enumerate(lines) for j in range(len(line))]
    assert [text(cell) for cell in body.iter("td") if text(cell)] == wanted
    assert all(len(columns(table)) == 1 for table in body.iter("table"))


def test_pandoc_reads_one_table_with_its_spans(displayed):
    command = [str(pandoc_path()), "--from=html", "--to=json"]
    read = subprocess.run(command, input=displayed, capture_output=True, text=True)
    table, notes = json.loads(read.stdout)["blocks"]
    assert (table["t"], notes["t"]) == ("Table", "Div")
    head, bodies = table["c"][3], table["c"][4]
    spans = [[cell[3] for cell in row[1]] for row in head[1]]
    assert spans == [[1, 2, 1], [1, 1]]
    assert bodies[0][2][0][1][0][3] == 4

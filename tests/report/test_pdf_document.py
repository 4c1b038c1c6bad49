"""PDF files: wide tables, broken figures, what typst refuses."""

from __future__ import annotations

import pytest
from pypdf import PdfReader

from fahrstats.errors import DataError
from fahrstats.report import render

VALUE = "0.72 (0.56\N{EN DASH}0.92)"
MARGIN = 62  # points at the left and right of a page


@pytest.fixture
def to_pdf(write, tmp_path):
    """Render a document from its text."""

    def rendered(text: str) -> PdfReader:
        (report,) = render(write(text), tmp_path / "page.pdf", engine="own")
        return PdfReader(report)

    return rendered


def table(n_columns: int, n_rows: int = 2, label: str = "tbl-a") -> str:
    head = "| Name |" + "".join(f" Column {i} |" for i in range(n_columns))
    rule = "|---|" + "--:|" * n_columns
    row = "| A name of a row |" + f" {VALUE} |" * n_columns
    return "\n".join(
        [head, rule, *[row] * n_rows, "", f": A caption. {{#{label}}}", ""]
    )


def places(sheet) -> list[float]:
    """List where each piece of text of a page begins, from the left."""
    found = []

    def visit(text, page, line, *_):
        if text.strip():
            found.append(page[4] + page[0] * line[4])

    sheet.extract_text(visitor_text=visit)
    return found


def heights(sheet) -> list[float]:
    """List how high each piece of text of a page stands, from its lower edge."""
    found = []

    def visit(text, page, line, *_):
        if text.strip():
            found.append(page[5] + page[3] * line[5])

    sheet.extract_text(visitor_text=visit)
    return found


def sizes(sheet) -> set[float]:
    """List the sizes of type in which values are set on a page."""
    found = set()

    def visit(text, page, line, font, size):
        if "0.72" in text:
            found.add(round(size, 1))

    sheet.extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize(
    ("n_columns", "is_turned"), [(3, False), (6, False), (9, True), (14, True)]
)
def test_a_wide_table_is_turned_and_never_clipped(to_pdf, n_columns, is_turned):
    sheet = to_pdf(table(n_columns)).pages[-1]
    width, height = sheet.mediabox.width, sheet.mediabox.height
    assert (width > height) is is_turned
    unbroken = VALUE.replace(" ", "\N{NO-BREAK SPACE}")
    assert sheet.extract_text().count(unbroken) == 2 * n_columns
    assert places(sheet)
    assert all(MARGIN < x < width - MARGIN for x in places(sheet))


def in_list(text: str) -> str:
    return "1. First\n\n   " + text.replace("\n", "\n   ")


def in_callout(text: str) -> str:
    return f"::: {{.callout-note}}\n{text}\n:::\n"


def in_tab(text: str) -> str:
    return f"::: {{.panel-tabset}}\n# One\n\n{text}\n:::\n"


@pytest.mark.parametrize("n_columns", [2, 5, 6, 8, 30])
def test_type_is_as_large_as_the_table_allows(to_pdf, n_columns):
    places_of_tables = (str, in_list, in_callout, in_tab)
    text = "\n\n".join(
        place(table(n_columns, label=f"tbl-{i}"))
        for i, place in enumerate(places_of_tables)
    )
    sheets = to_pdf(text).pages
    found = [size for sheet in sheets for size in sizes(sheet)]
    assert 7.5 <= min(found) <= 9
    assert n_columns > 2 or set(found) == {9}
    for sheet in sheets:
        assert all(MARGIN < x < sheet.mediabox.width - MARGIN for x in places(sheet))


def test_a_rule_is_a_line(to_pdf):
    assert to_pdf("a\n\n***\n\nb\n").pages[0].extract_text().split() == ["a", "b"]


def test_an_image_in_a_line_of_text_stays_in_it(to_pdf, tmp_path):
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    (tmp_path / "a.svg").write_text(svg)
    (sheet,) = to_pdf("before ![](a.svg) after ![](a.svg){width=1cm}\n").pages
    assert sheet.extract_text().split() == ["before", "after"]
    assert "\n" not in sheet.extract_text().strip()


def test_a_long_table_repeats_its_head_and_a_short_one_is_whole(to_pdf):
    before = "\n\n".join(["A line of text."] * 26) + "\n\n"
    sheets = [page.extract_text() for page in to_pdf(before + table(2, 60)).pages]
    assert [sheet.count("Column 1") for sheet in sheets] == [1] * len(sheets)
    assert "A caption." in sheets[0]
    first, second = (p.extract_text() for p in to_pdf(before + table(2, 20)).pages)
    assert "A caption." not in first
    assert second.count("A name of a row") == 20


@pytest.mark.parametrize(("n_tables", "n_on_pages"), [(2, [2]), (4, [2, 2])])
def test_tables_that_share_a_caption_are_parted_where_a_page_ends(
    to_pdf, n_tables, n_on_pages
):
    parts = [table(2, 20).split("\n\n")[0] for _ in range(n_tables)]
    float_ = "::: {#tbl-a}\n\n" + "\n\n<!-- -->\n\n".join(parts)
    pages = to_pdf(float_ + "\n\nOne caption.\n\n:::\n").pages
    texts = [page.extract_text() for page in pages]
    assert [text.count("Column 1") for text in texts] == n_on_pages
    assert [text.count("A name of a row") for text in texts] == [
        20 * n for n in n_on_pages
    ]
    assert all(y > MARGIN for page in pages for y in heights(page))


def test_headings_go_down_one_level_at_a_time(to_pdf):
    outline = to_pdf("### Three\n\n# One\n\n#### Four\n\n## Two\n").outline
    levels = [item if isinstance(item, list) else item.title for item in outline]
    assert levels[:2] == ["Three", "One"]
    assert [item.title for item in levels[2]] == ["Four", "Two"]


def test_properties_are_the_words_of_the_header(to_pdf):
    paper = to_pdf(
        '---\ntitle: "A \\"b\\" and $c$ *d*"\nauthor: [E "F" G]\nkeywords: h\n---\nx\n'
    )
    assert paper.metadata.title == 'A "b" and $c$ d'
    assert paper.metadata.author == 'E "F" G'
    assert paper.metadata["/Keywords"].startswith("h, fahrstats-key ")


def test_properties_have_no_escapes(to_pdf):
    paper = to_pdf(
        "---\ntitle: 'Paper \\<script\\> \\#let \\*a\\*'\nauthor: 'A\\_B'\n---\nx\n"
    )
    assert paper.metadata.title == "Paper <script> #let *a*"
    assert paper.metadata.author == "A_B"


def test_paper_is_a4_or_letter(to_pdf):
    assert round(to_pdf("x").pages[0].mediabox.width) == 595
    letter = to_pdf("---\npapersize: letter\n---\nx").pages[0]
    assert round(letter.mediabox.width) == 612


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\n[x](#nowhere)", "line 3: the link `#nowhere` has no target"),
        ("```{=typst}\n#nosuch()\n```", "typst refuses: unknown variable: nosuch"),
        ("a\n\n\N{HIRAGANA LETTER A}", "line 3: the fonts of a PDF, which come with"),
        ("![x](https://a.b/c.png)", "line 1: `https://a.b/c.png` would be fetched"),
        ("![x](none.png)", "line 1: the file `none.png` does not exist"),
    ],
)
def test_what_typst_refuses_is_one_line(to_pdf, text, message):
    with pytest.raises(DataError) as error:
        to_pdf(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)

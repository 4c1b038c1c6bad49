"""Word documents: what is edited, numbered, read aloud and printed."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fahrstats.report.extras import pandoc_path
from fahrstats.report.pandoc import HERE

_OFFICE = "http://schemas.openxmlformats.org"
W = f"{{{_OFFICE}/wordprocessingml/2006/main}}"
WP = f"{{{_OFFICE}/drawingml/2006/wordprocessingDrawing}}"
TEXT_WIDTH = 11906 - 2 * 1417  # twips, A4
EMU = 635  # in a twip


class Word:
    """The parts of a Word document."""

    def __init__(self, path: Path) -> None:
        package = zipfile.ZipFile(path)
        self.parts = {
            name: ElementTree.fromstring(package.read(name))
            for name in package.namelist()
            if name.endswith((".xml", ".rels"))
        }
        self.body = self.parts["word/document.xml"].find(f"{W}body")

    def tables(self) -> list[ElementTree.Element]:
        return [
            t
            for t in self.body.iter(f"{W}tbl")
            if value(t, "tblPr/tblStyle") == "Table"
        ]

    def paragraphs(self, *styles: str) -> list[str]:
        return [
            text(p) for p in self.body.iter(f"{W}p") if value(p, "pPr/pStyle") in styles
        ]


def value(element: ElementTree.Element, path: str) -> str | None:
    found = element.find("/".join(f"{W}{tag}" for tag in path.split("/")))
    return None if found is None else found.get(f"{W}val")


def text(element: ElementTree.Element) -> str:
    words = "".join(t.text or "" for t in element.iter(f"{W}t"))
    return " ".join(words.split())


@pytest.fixture(scope="module")
def word(every_format) -> Word:
    return Word(every_format["docx"])


@pytest.fixture
def to_word(tmp_path):
    """Write pandoc's markdown as a Word document, by the filter alone."""

    def written(markdown: str, *options: str) -> Word:
        output = tmp_path / "out.docx"
        command = [
            *(str(pandoc_path()), "--from=markdown", f"--output={output}"),
            f"--lua-filter={HERE / 'docx.lua'}",
            f"--reference-doc={HERE / 'reference.docx'}",
            f"--template={HERE / 'template.openxml'}",
            *options,
        ]
        subprocess.run(command, input=markdown, text=True, check=True)
        return Word(output)

    return written


def test_captions_are_those_of_the_page(word, every_format):
    page = every_format["html"].read_text(encoding="utf-8")
    found = re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", page, re.DOTALL)
    plain = (re.sub(r"<[^>]+>", "", caption) for caption in found)
    captions = [" ".join(caption.replace("\u00a0", " ").split()) for caption in plain]
    shown = word.paragraphs("TableCaption", "ImageCaption")
    assert [x.replace("\u00a0", " ") for x in shown] == captions


def test_numbers_of_captions_are_fields(word):
    fields = [
        (field.get(f"{W}instr").split()[1], text(field))
        for field in word.body.iter(f"{W}fldSimple")
    ]
    assert fields == [
        *(("Figure", str(i)) for i in range(1, 5)),
        *(("Table", str(i)) for i in range(1, 6)),
        *(("Figure", "5"), ("Figure", "6"), ("Listing", "1")),
    ]


def test_every_link_within_the_document_has_a_bookmark(word):
    marks = {mark.get(f"{W}name") for mark in word.body.iter(f"{W}bookmarkStart")}
    links = [link.get(f"{W}anchor") for link in word.body.iter(f"{W}hyperlink")]
    inner = [link for link in links if link]
    assert len(inner) > 20
    assert set(inner) <= marks


def test_the_contents_name_the_headings_in_order(word):
    listed = word.paragraphs("TOC1", "TOC2", "TOC3")
    headings = word.paragraphs("Heading1", "Heading2")
    assert listed == headings
    assert "2.1 Tables" in listed
    code = "".join(i.text for i in word.body.iter(f"{W}instrText"))
    assert code.split()[:3] == ["TOC", "\\o", '"1-2"']


def test_a_long_identifier_is_linked_as_pandoc_marks_it(to_word):
    heading = "A heading that is long enough to have no bookmark of its own name"
    word = to_word(f"# {heading}\n\nx", "--toc")
    marks = {mark.get(f"{W}name") for mark in word.body.iter(f"{W}bookmarkStart")}
    assert {link.get(f"{W}anchor") for link in word.body.iter(f"{W}hyperlink")} <= marks


def test_every_row_has_all_columns_and_stays_whole(word):
    for table in word.tables():
        columns = table.findall(f"{W}tblGrid/{W}gridCol")
        assert sum(int(c.get(f"{W}w")) for c in columns) <= TEXT_WIDTH
        for row in table.findall(f"{W}tr"):
            spans = [value(c, "tcPr/gridSpan") or "1" for c in row.findall(f"{W}tc")]
            assert sum(map(int, spans)) == len(columns)
            assert row.find(f"{W}trPr/{W}cantSplit") is not None
            assert all(cell[-1].tag == f"{W}p" for cell in row.findall(f"{W}tc"))


def test_heads_of_tables_are_repeated_and_tables_described(word):
    tables = word.tables()
    assert len(tables) == 5
    for table in tables:
        first, *others = table.findall(f"{W}tr")
        assert first.find(f"{W}trPr/{W}tblHeader") is not None
        assert all(row.find(f"{W}trPr/{W}tblHeader") is None for row in others)
        assert value(table, "tblPr/tblCaption").startswith("Table")


def test_pictures_have_words_and_fit_the_page(word):
    pictures = list(word.body.iter(f"{WP}inline"))
    assert len(pictures) == 9
    for picture in pictures:
        assert picture.find(f"{WP}docPr").get("descr")
        assert int(picture.find(f"{WP}extent").get("cx")) <= TEXT_WIDTH * EMU


def test_callouts_are_coloured_cells_with_a_title(word):
    boxes = [
        c for c in word.body.iter(f"{W}tc") if c.find(f"{W}tcPr/{W}shd") is not None
    ]
    titles = [
        text(p)
        for box in boxes
        for p in box
        if value(p, "pPr/pStyle") == "CalloutTitle"
    ]
    assert titles == [
        "Note",
        "Own title",
        "Title from a heading",
        "Caution",
        "Important",
    ]


def test_numbers_of_formulas_stand_at_the_right(word):
    assert word.paragraphs("Equation") == ["(1)", "(2)"]


def test_the_title_block_and_the_properties_name_the_authors(word):
    assert word.paragraphs("Title", "Author") == [
        *("Every construct", "First Author", "Second Author"),
    ]
    assert word.paragraphs("Affiliation") == ["Department of Tests"]
    core = {p.tag.partition("}")[2]: p.text for p in word.parts["docProps/core.xml"]}
    assert core["title"] == "Every construct"
    assert core["creator"] == "First Author; Second Author"
    assert core["language"] == "en"
    kept = [p.get("name") for p in word.parts["docProps/custom.xml"]]
    assert kept == ["fahrstats-key"]


def test_every_style_that_is_used_exists(word):
    known = {s.get(f"{W}styleId") for s in word.parts["word/styles.xml"]}
    used = {
        element.get(f"{W}val")
        for element in word.body.iter()
        if element.tag in (f"{W}pStyle", f"{W}rStyle", f"{W}tblStyle")
    }
    assert used <= known


@pytest.mark.parametrize(("columns", "turned"), [(4, False), (9, True)])
def test_a_table_too_wide_for_the_page_has_a_page_on_its_side(to_word, columns, turned):
    cells = '<td style="white-space: nowrap">0.123 (0.456-7.890)</td>' * columns
    figure = (
        f"<figure><table><tr>{cells}</tr></table><figcaption>C</figcaption></figure>"
    )
    word = to_word(f"Before.\n\n{figure}\n\nAfter.", "--from=html")
    turns = [page.get(f"{W}orient") for page in word.body.iter(f"{W}pgSz")]
    assert turns == ([None, "landscape", None] if turned else [None])
    width = int(word.tables()[0].find(f"{W}tblPr/{W}tblW").get(f"{W}w"))
    assert (width > TEXT_WIDTH) is turned


def test_cells_that_reach_over_rows_and_columns(to_word):
    html = (
        '<table><thead><tr><th rowspan="2">a</th><th colspan="2">b</th></tr>'
        "<tr><th>c</th><th>d</th></tr></thead>"
        '<tbody><tr><td rowspan="2">e</td><td>1</td><td>2</td></tr>'
        '<tr><td>3</td><td class="indent">\N{EM SPACE}4</td></tr></tbody></table>'
    )
    word = to_word(html, "--from=html")
    rows = [
        [
            (
                text(c),
                value(c, "tcPr/gridSpan"),
                c.find(f"{W}tcPr/{W}vMerge") is not None,
            )
            for c in row.findall(f"{W}tc")
        ]
        for row in word.tables()[0].findall(f"{W}tr")
    ]
    assert rows == [
        [("a", None, True), ("b", "2", False)],
        [("", None, True), ("c", None, False), ("d", None, False)],
        [("e", None, True), ("1", None, False), ("2", None, False)],
        [("", None, True), ("3", None, False), ("4", None, False)],
    ]
    assert word.paragraphs("TableIndentKept") == ["4"]


def test_every_cell_ends_in_a_paragraph(to_word):
    html = (
        "<table><tr><td>a<table><tr><td>b</td></tr></table></td><td></td></tr></table>"
    )
    cells = list(to_word(html, "--from=html").body.iter(f"{W}tc"))
    assert len(cells) == 3
    assert {cell[-1].tag for cell in cells} == {f"{W}p"}


def test_code_in_a_cell_has_a_style_of_its_own(to_word):
    word = to_word("`a`\n\n| `b` |\n|---|\n| `c d` |\n")
    styles = {text(r): value(r, "rPr/rStyle") for r in word.body.iter(f"{W}r")}
    styles.pop("", None)
    assert styles == {"a": "VerbatimChar", "b": "TableCode", "c d": "TableCode"}


def test_long_tables_may_break_between_rows_and_short_ones_not(to_word):
    def styles(n):
        body = "".join(f"| {i} | x |\n" for i in range(n))
        word = to_word(f"| a | b |\n|---|---|\n{body}")
        return {value(p, "pPr/pStyle") for p in word.tables()[0].iter(f"{W}p")}

    assert styles(5) == {"TableHead", "TableTextKept"}
    assert styles(60) == {"TableHead", "TableText"}


@pytest.mark.parametrize(
    ("options", "size"),
    [([], ("11906", "16838")), (["-V", "letter"], ("12240", "15840"))],
)
def test_paper_is_a4_unless_letter_is_asked_for(to_word, options, size):
    page = to_word("x", *options).body.find(f"{W}sectPr/{W}pgSz")
    assert (page.get(f"{W}w"), page.get(f"{W}h")) == size

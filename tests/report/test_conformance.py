"""Quarto and this package number, caption, refer and fill tables alike.

What both make of the document of every construct is read back by programs that know
neither: pandoc for HTML, an XML parser for Word.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from pypdf import PdfReader

from fahrstats.report import render
from fahrstats.report.extras import QUARTO, absent, pandoc_path
from fahrstats.report.quarto import find_program

DOCUMENT = Path(__file__).parent / "documents" / "every_construct.qmd"
FLOAT = re.compile(r"(?:Figure|Table|Listing) \d+|\([a-z]\) ")
CROSS_REFERENCE = re.compile(r"#?((?:fig|tbl|sec|eq|lst)-\S+)")
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Quarto gives the title, the footnotes and, in Word, the tabs headings of their own.
OF_QUARTO = ("Every construct", "Footnotes", "One", "Two")

pytestmark = [
    pytest.mark.skipif(find_program() is None, reason="Quarto is not on the PATH"),
    pytest.mark.skipif(bool(absent(QUARTO)), reason="no extra `quarto` installed"),
]


@dataclass(frozen=True)
class Parts:
    """What two renderings of one document have in common."""

    headings: list[str]
    captions: list[str]
    references: list[tuple[str, str]]
    tables: list[list[list[str]]]
    literature: list[str]


@pytest.fixture(scope="module")
def by_quarto(tmp_path_factory):
    """Render the document of every construct with Quarto, as HTML and for Word."""
    folder = tmp_path_factory.mktemp("quarto")
    outputs = [folder / "page.html", folder / "page.docx"]
    page, word = render(DOCUMENT, outputs, params={"label": "given"}, engine="quarto")
    return {"html": parts_of_html(page), "docx": parts_of_word(word)}


@pytest.fixture(scope="module")
def by_this_package(every_format):
    return {
        "html": parts_of_html(every_format["html"]),
        "docx": parts_of_word(every_format["docx"]),
    }


@pytest.mark.parametrize("kind", ["html", "docx"])
@pytest.mark.parametrize(
    "part", ["headings", "captions", "references", "tables", "literature"]
)
def test_both_give_the_same(by_quarto, by_this_package, kind, part):
    expected = getattr(by_quarto[kind], part)
    assert expected
    assert getattr(by_this_package[kind], part) == expected


def test_several_figures_of_a_cell_have_one_caption(write, tmp_path):
    source = write(
        "See @fig-a.\n\n```{python}\n"
        "#| label: fig-a\n#| fig-cap: One caption of *two*.\n"
        "import matplotlib.pyplot as plt\n"
        "for _ in range(2):\n    plt.figure().subplots()\n    plt.show()\n```\n"
    )
    for engine in ("own", "quarto"):
        outputs = [tmp_path / f"{engine}.html", tmp_path / f"{engine}.docx"]
        page, word = render(source, outputs, engine=engine)
        assert parts_of_html(page).captions == ["Figure 1: One caption of two."]
        assert parts_of_word(word).captions == ["Figure 1: One caption of two."]


def test_figures_side_by_side_are_as_wide_as_their_columns_in_word(write, tmp_path):
    source = write(
        "See @fig-a.\n\n```{python}\n"
        "#| label: fig-a\n#| fig-cap: One caption.\n#| layout-ncol: 2\n"
        "import matplotlib.pyplot as plt\n"
        "for _ in range(2):\n    plt.figure().subplots()\n    plt.show()\n```\n"
    )
    (word,) = render(source, tmp_path / "a.docx", engine="quarto")
    with zipfile.ZipFile(word) as parts:
        body = ElementTree.fromstring(parts.read("word/document.xml"))
    first, second = [e.attrib for e in body.iter() if e.tag.endswith("}extent")]
    assert first == second
    texts = [_text(paragraph) for paragraph in body.iter(f"{WORD}p")]
    assert [text for text in texts if "caption" in text] == ["Figure 1: One caption."]


def test_what_a_cell_displays_one_after_the_other_stands_apart(write, tmp_path):
    source = write(
        "```{python}\n#| output: asis\n"
        "from fahrstats.report.cell_displays import as_markdown, display\n"
        'for text in ("One.", "Two.", "- a\\n- b", "Three."):\n'
        "    display(as_markdown(text))\n```\n"
    )
    for engine in ("own", "quarto"):
        (page,) = render(source, tmp_path / f"{engine}.html", engine=engine)
        text = page.read_text()
        assert len(re.findall(r"<p>(?:One|Two|Three)\.</p>", text)) == 3
        assert len(re.findall(r"<li>(?:<p>)?[ab](?:</p>)?</li>", text)) == 2


def test_what_is_longer_than_a_page_goes_on_over_its_end(write, tmp_path):
    lines = "\n".join(f"| line {number:03d} |" for number in range(100))
    table = f"| head |\n|------|\n{lines}\n"
    source = write(
        f"::: {{.callout-tip}}\n\n## A callout\n\n{table}\n:::\n\n"
        f"See @tbl-long.\n\n{table}\n: A caption. {{#tbl-long}}\n"
    )
    (page,) = render(source, tmp_path / "a.pdf", engine="quarto")
    places = places_in_pdf(page, "line")
    assert len(places) == len(set(places)) == 200
    assert all(height > 0 for _, height in places)


def test_figures_in_word_are_pictures_that_every_program_shows(write, tmp_path):
    source = write(
        "---\nfig-format: svg\n---\n\n```{python}\n#| label: fig-a\n#| fig-cap: A.\n"
        "import matplotlib.pyplot as plt\nplt.figure(figsize=(4, 2)).subplots()\n"
        "plt.show()\n```\n"
    )
    (word,) = render(source, tmp_path / "a.docx", engine="quarto")
    with zipfile.ZipFile(word) as parts:
        (name,) = [n for n in parts.namelist() if n.startswith("word/media/")]
        with Image.open(io.BytesIO(parts.read(name))) as picture:
            assert picture.format == "PNG"
            assert picture.width == pytest.approx(4 * 300, rel=0.1)


def test_cells_keep_their_alignment_in_word(write, tmp_path):
    source = write("See @tbl-a.\n\n| a | b |\n|:--|--:|\n| x | 1 |\n\n: A. {#tbl-a}\n")
    (word,) = render(source, tmp_path / "a.docx", engine="quarto")
    with zipfile.ZipFile(word) as parts:
        body = ElementTree.fromstring(parts.read("word/document.xml"))
    sides = [
        [side.get(f"{WORD}val") for side in paragraph.iter(f"{WORD}jc")]
        for paragraph in body.iter(f"{WORD}p")
        if _text(paragraph) in ("x", "1")
    ]
    assert sides == [["left"], ["right"]]


def places_in_pdf(file: Path, word: str) -> list[tuple[int, float]]:
    """Where a PDF has a word: the page, and the height above its lower edge."""
    places = []
    for number, page in enumerate(PdfReader(file).pages):

        def visit(text: str, matrix: list[float], at: list[float], *_: object) -> None:
            if word in text:
                height = matrix[1] * at[4] + matrix[3] * at[5] + matrix[5]
                places.append((number, round(height, 1)))  # noqa: B023

        page.extract_text(visitor_text=visit)
    return places


def parts_of_html(page: Path) -> Parts:
    command = [str(pandoc_path()), "--from=html", "--to=json", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    nodes = list(_nodes(json.loads(done.stdout)["blocks"]))
    links = [node["c"] for node in nodes if node["t"] == "Link"]
    targets = [CROSS_REFERENCE.match(link[2][0]) for link in links]
    headings = [_words(node["c"][2]) for node in nodes if node["t"] == "Header"]
    return Parts(
        headings=[heading for heading in headings if heading not in OF_QUARTO],
        captions=[
            words
            for node in nodes
            if node["t"] == "Figure" and (words := _words(node["c"][1]))
        ],
        references=[
            (target[1], _words(link[1]))
            for target, link in zip(targets, links, strict=True)
            if target
        ],
        tables=[_cells(node["c"]) for node in nodes if node["t"] == "Table"],
        literature=[
            _words(node["c"][1])
            for node in nodes
            if node["t"] == "Div" and node["c"][0][0].startswith("ref-")
        ],
    )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every element of a pandoc tree, in order."""
    if isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)
    elif isinstance(tree, dict):
        if "t" in tree:
            yield tree
        yield from _nodes(tree.get("c"))


def _words(tree: Any) -> str:
    pieces = []
    for node in _nodes(tree):
        if node["t"] == "Str":
            pieces.append(node["c"])
        elif node["t"] in ("Code", "Math"):
            pieces.append(node["c"][1])
        elif node["t"] in ("Space", "SoftBreak", "LineBreak", "Para", "Plain"):
            pieces.append(" ")
    return " ".join("".join(pieces).split())


def _cells(table: list[Any]) -> list[list[str]]:
    _, _, _, head, bodies, foot = table
    rows = [*head[1], *(row for body in bodies for row in body[2] + body[3]), *foot[1]]
    return [[_words(cell[4]) for cell in row[1]] for row in rows]


def parts_of_word(file: Path) -> Parts:
    with zipfile.ZipFile(file) as parts:
        body = ElementTree.fromstring(parts.read("word/document.xml"))
    paragraphs = [(_style(p), _text(p), p) for p in body.iter(f"{WORD}p")]
    links = [
        (link.get(f"{WORD}anchor", ""), _text(link))
        for style, _, paragraph in paragraphs
        if not style.startswith("TOC")
        for link in paragraph.iter(f"{WORD}hyperlink")
    ]
    return Parts(
        headings=[
            re.sub(r"^([\d.]+?)\.?\s*(?=\D)", r"\1 ", text)
            for style, text, _ in paragraphs
            if style.startswith("Heading") and text not in OF_QUARTO
        ],
        captions=[text for _, text, _ in paragraphs if FLOAT.match(text)],
        references=[link for link in links if CROSS_REFERENCE.match(link[0])],
        tables=[
            [[_text(cell) for cell in row.iter(f"{WORD}tc")] for row in rows]
            for table in body.iter(f"{WORD}tbl")
            if (rows := table.findall(f"{WORD}tr"))
            and table.find(f".//{WORD}tblHeader") is not None
            and table.find(f".//{WORD}tc//{WORD}tbl") is None
        ],
        literature=[text for style, text, _ in paragraphs if style == "Bibliography"],
    )


def _style(paragraph: ElementTree.Element) -> str:
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    return "" if style is None else style.get(f"{WORD}val", "")


def _text(element: ElementTree.Element) -> str:
    pieces = {f"{WORD}tab": " ", f"{WORD}br": " "}
    words = (pieces.get(e.tag, e.text or "") for e in element.iter() if _is_text(e))
    return " ".join("".join(words).split())


def _is_text(element: ElementTree.Element) -> bool:
    return element.tag in (f"{WORD}t", f"{WORD}tab", f"{WORD}br")

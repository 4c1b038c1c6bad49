"""HTML, Word and PDF of one document say and number the same, and fetch nothing."""

from __future__ import annotations

import base64
import html
import re
import tempfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from fahrstats.report.freshness import key_in

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
XML_NAMES = re.compile(r'xmlns(?::\w+)?="[^"]*"')
FETCHING = re.compile(
    r"""(?:\b(?:src|srcset|poster|data)|<link[^>]*?\bhref)\s*=\s*["']?([^"'\s>]+)"""
    r"""|url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""",
    re.IGNORECASE,
)
SENTENCES = [
    "There are 3 values; the label is given; markdown stays bold. Text is escaped: "
    "a_b_c *d*. The centre is Rotterdam.",
    "See Figure 1, 1, Figure 1, Figure 2, Fig. 1, Figure 2 (b), Table 1, Table 4, "
    "Table 2, Section 2, Section 2.3, Equation 1 and Program 1.",
    "Cox models (Cox 1972; see also Kaplan and Meier 1958, 460) and Kaplan and Meier "
    "(1958).",
    "This section comes from another file and counts 3 values.",
    "A note, see Equation 2.",
    "Second panel with Figure 6.",
    "Table 5: A table in a div, see Table 1.",
    "ZeroDivisionError: division by zero",
    "A footnote with code.",
    "Journal of the American Statistical Association 53: 457",
]


def squeezed(text: str) -> str:
    """Leave out spaces and what a line break adds, so that lines do not matter."""
    for sign in ("\u00a0", "\u00ad", "-\n"):
        text = text.replace(sign, "")
    return re.sub(r"\s+", "", text)


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup))


@pytest.fixture(scope="module")
def page(every_format) -> str:
    text = every_format["html"].read_text(encoding="utf-8")
    return text[text.index("<body") :]


@pytest.fixture(scope="module")
def document(every_format) -> list[tuple[str, str]]:
    """Paragraphs of the Word file with their styles, footnotes last."""
    found = []
    with zipfile.ZipFile(every_format["docx"]) as parts:
        for name in ("word/document.xml", "word/footnotes.xml"):
            for line in ElementTree.fromstring(parts.read(name)).iter(f"{W}p"):
                style = line.find(f"{W}pPr/{W}pStyle")
                kind = "" if style is None else style.get(f"{W}val")
                words = "".join(t.text or "" for t in line.iter(f"{W}t"))
                found.append((kind, words))
    return found


@pytest.fixture(scope="module")
def paper(every_format) -> PdfReader:
    return PdfReader(every_format["pdf"])


@pytest.fixture(scope="module")
def texts(page, document, paper) -> dict[str, str]:
    return {
        "html": squeezed(plain(page)),
        "docx": squeezed("".join(words for _, words in document)),
        "pdf": squeezed("\n".join(sheet.extract_text() for sheet in paper.pages)),
    }


@pytest.mark.parametrize("kind", ["html", "docx", "pdf"])
@pytest.mark.parametrize("sentence", SENTENCES)
def test_numbers_and_references_are_the_same_in_every_format(texts, kind, sentence):
    assert squeezed(sentence) in texts[kind]


def test_headings_carry_the_same_numbers(page, document, paper):
    def titles(outline):
        for entry in outline:
            yield from titles(entry) if isinstance(entry, list) else [entry.title]

    shown = page[page.index("<main") :]
    in_html = re.findall(r"<h[1-6][^>]*>(.*?)</h[1-6]>", shown, re.DOTALL)
    in_word = [words for kind, words in document if kind.startswith("Heading")]
    numbered = [squeezed(plain(heading)) for heading in in_html]
    assert [squeezed(heading) for heading in in_word] == numbered
    assert [squeezed(title) for title in titles(paper.outline)] == numbered
    assert "2.3Includedmethods" in numbered


def test_captions_are_the_same_and_in_the_same_order(page, document, texts):
    found = re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", page, re.DOTALL)
    captions = [squeezed(plain(caption)) for caption in found]
    assert len(captions) > 15
    kinds = ("TableCaption", "ImageCaption")
    assert [squeezed(w) for kind, w in document if kind in kinds] == captions
    at = 0
    for caption in [caption for caption in captions if caption[0] != "("]:
        at = texts["pdf"].index(caption, at) + 1


@pytest.mark.parametrize(
    ("kind", "seen", "unseen"),
    [
        (
            "html",
            ["Only in HTML.", "Inline in HTML.", "Raw for a browser."],
            ["Only in Word", "Only in PDF", "Raw for PDF.", "Nested"],
        ),
        (
            "docx",
            ["Only in Word", "Not in HTML.", "Raw for Word."],
            ["Only in PDF", "in HTML.", "book", "Raw for PDF", "Nested"],
        ),
        (
            "pdf",
            ["Only in PDF", "Inline in PDF.", "Raw for PDF.", "Nested"],
            ["Only in Word", "Only in HTML", "Raw for Word", "Raw for a"],
        ),
    ],
)
def test_only_content_for_the_format_is_kept(texts, kind, seen, unseen):
    text = texts[kind].replace("NotinHTML.", "") if kind == "docx" else texts[kind]
    for words in seen:
        assert squeezed(words) in texts[kind]
    for words in unseen:
        assert squeezed(words) not in text


def test_a_browser_fetches_nothing(page, every_format):
    whole = every_format["html"].read_text(encoding="utf-8")
    assert "<script" not in whole
    drawings = [
        XML_NAMES.sub("", base64.b64decode(data).decode())
        for data in re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", whole)
    ]
    assert len(drawings) == whole.count("<img") > 8
    for text in (whole, *drawings):
        found = ("".join(groups) for groups in FETCHING.findall(text))
        assert [x for x in found if not x.startswith(("data:", "#"))] == []
    assert not any("http" in drawing for drawing in drawings)


def test_word_fetches_nothing(every_format):
    with zipfile.ZipFile(every_format["docx"]) as parts:
        links = [
            relation
            for name in parts.namelist()
            if name.endswith(".rels")
            for relation in ElementTree.fromstring(parts.read(name))
            if relation.get("TargetMode") == "External"
        ]
    assert {link.get("Type").rsplit("/", 1)[1] for link in links} <= {"hyperlink"}


def test_a_reader_of_the_pdf_fetches_nothing(paper):
    actions = {obj["/A"]["/S"] for obj in objects(paper) if "/URI" in obj.get("/A", "")}
    assert actions <= {"/URI"}
    keys = {key for obj in objects(paper) for key in obj}
    forbidden = {"/JavaScript", "/JS", "/Launch", "/GoToR", "/EmbeddedFile", "/AA"}
    assert keys & forbidden == set()


def objects(paper: PdfReader) -> list[dict]:
    """Every dictionary of a PDF."""
    found = []
    for number in range(1, int(paper.trailer["/Size"])):
        try:
            obj = paper.get_object(number)
        except Exception:  # a number that is not in use
            continue
        if isinstance(obj, dict):
            found.append(obj)
    return found


def test_the_pdf_is_accessible(paper):
    root = paper.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert paper.metadata.title == "Every construct"
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    tags = [obj for obj in objects(paper) if "/S" in obj and "/P" in obj]
    figures = [tag for tag in tags if tag["/S"] in ("/Figure", "/Formula")]
    alternatives = [tag["/Alt"] for tag in figures if "/Alt" in tag]
    assert "A blue square." in alternatives
    assert any(text.startswith("h(t \\mid x)") for text in alternatives)
    assert len([tag for tag in tags if tag["/S"] == "/Table"]) == 5
    assert len([tag for tag in tags if tag["/S"] == "/TH"]) == 11


def test_fonts_of_the_pdf_are_embedded_and_come_with_packages(paper):
    fonts = [obj for obj in objects(paper) if obj.get("/Type") == "/FontDescriptor"]
    names = {str(font["/FontName"]).split("+")[-1] for font in fonts}
    known = ("LibertinusSerif", "NewCMMath", "DejaVuSans")
    assert names
    assert all(name.startswith(known) for name in names)
    embedded = {"/FontFile", "/FontFile2", "/FontFile3"}
    assert all(embedded & set(font) for font in fonts)


def test_pages_are_numbered(paper):
    sheets = [sheet.extract_text() for sheet in paper.pages]
    n = len(sheets)
    assert n > 2
    assert "Page" not in sheets[0]
    for i, sheet in enumerate(sheets[1:], start=2):
        assert sheet.startswith(f"Every construct Page {i} of {n}")


def test_no_path_of_this_machine_is_in_a_file(every_format):
    with zipfile.ZipFile(every_format["docx"]) as parts:
        word = b"".join(parts.read(name) for name in parts.namelist())
    for content in (
        word,
        every_format["html"].read_bytes(),
        every_format["pdf"].read_bytes(),
    ):
        assert tempfile.gettempdir().encode() + b"/" not in content
        assert str(Path(__file__).parents[2]).encode() not in content


def test_every_file_tells_what_it_was_made_from(every_format):
    keys = {key_in(file) for file in every_format.values()}
    assert len(keys) == 1
    assert None not in keys

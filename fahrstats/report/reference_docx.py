"""The styles of Word documents, written as the file that pandoc takes them from."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

from fahrstats.report.word_styles import WORD, styles

_FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold

_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE: Final = "http://schemas.openxmlformats.org"
_LINKS: Final = f'xmlns:r="{_OFFICE}/officeDocument/2006/relationships"'
_PARTS: Final = {
    "document": "document.main",
    "styles": "styles",
    "settings": "settings",
    "footnotes": "footnotes",
    "footer1": "footer",
}

FOOTER_ID: Final = "rIdFooter"
"""By which a section of the document names the footer with the page number."""


def reference_docx() -> bytes:
    """Return a Word document that holds styles, a footer with page numbers, no text.

    A4 with margins of 25 mm, text of 11 points at 1.15 lines, tables of 8.5 points
    with rules above, below and under the head. The bytes are the same on every machine:
    nothing is compressed and nothing is dated.
    """
    files = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _relations({"rId1": "document"}, folder="word/"),
        "word/_rels/document.xml.rels": _relations(
            {
                "rId1": "styles",
                "rId2": "settings",
                "rId3": "footnotes",
                FOOTER_ID: "footer1",
            }
        ),
        "word/document.xml": _document(),
        "word/styles.xml": styles(),
        "word/settings.xml": _settings(),
        "word/footnotes.xml": _footnotes(),
        "word/footer1.xml": _footer(),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as package:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, _FIRST_DATE)
            package.writestr(entry, _XML + text)
    return written.getvalue()


def write_reference(folder: Path = Path(__file__).parent) -> Path:
    """Write ``reference.docx`` where the renderer looks for it."""
    path = folder / "reference.docx"
    path.write_bytes(reference_docx())
    return path


def _content_types() -> str:
    parts = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="application/vnd.'
        f'openxmlformats-officedocument.wordprocessingml.{kind}+xml"/>'
        for name, kind in _PARTS.items()
    )
    return (
        f'<Types xmlns="{_OFFICE}/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/'
        f'vnd.openxmlformats-package.relationships+xml"/>{parts}</Types>'
    )


def _relations(targets: dict[str, str], folder: str = "") -> str:
    kinds = {"document": "officeDocument", "footer1": "footer"}
    links = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/officeDocument/2006/relationships/'
        f'{kinds.get(name, name)}" Target="{folder}{name}.xml"/>'
        for key, name in targets.items()
    )
    package = f"{_OFFICE}/package/2006/relationships"
    return f'<Relationships xmlns="{package}">{links}</Relationships>'


def _document() -> str:
    return (
        f"<w:document {WORD} {_LINKS}><w:body><w:p/><w:sectPr>"
        f'<w:footerReference w:type="default" r:id="{FOOTER_ID}"/>'
        '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1417" w:right="1417" '
        'w:bottom="1417" w:left="1417" w:header="709" w:footer="709" w:gutter="0"/>'
        "</w:sectPr></w:body></w:document>"
    )


def _settings() -> str:
    return (
        f'<w:settings {WORD}><w:zoom w:percent="100"/>'
        '<w:defaultTabStop w:val="709"/>'
        '<w:characterSpacingControl w:val="doNotCompress"/>'
        '<w:footnotePr><w:footnote w:id="-1"/><w:footnote w:id="0"/></w:footnotePr>'
        '<w:compat><w:compatSetting w:name="compatibilityMode" '
        'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat>'
        '<w:decimalSymbol w:val="."/><w:listSeparator w:val=","/></w:settings>'
    )


def _footnotes() -> str:
    lines = "".join(
        f'<w:footnote w:type="{kind}" w:id="{key}"><w:p><w:r><w:{mark}/></w:r></w:p>'
        "</w:footnote>"
        for key, kind, mark in (
            (-1, "separator", "separator"),
            (0, "continuationSeparator", "continuationSeparator"),
        )
    )
    return f"<w:footnotes {WORD}>{lines}</w:footnotes>"


def _footer() -> str:
    def field(code: str) -> str:
        return f'<w:fldSimple w:instr=" {code} "><w:r><w:t>1</w:t></w:r></w:fldSimple>'

    of = '<w:r><w:t xml:space="preserve"> / </w:t></w:r>'
    return (
        f'<w:ftr {WORD}><w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr>'
        f"{field('PAGE')}{of}{field('NUMPAGES')}</w:p></w:ftr>"
    )

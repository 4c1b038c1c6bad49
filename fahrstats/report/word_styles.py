"""The paragraph, character and table styles of Word documents."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import quoteattr

WORD: Final = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

_SERIF: Final = "Times New Roman"
_SANS: Final = "Arial"
_MONO: Final = "Courier New"
_INK: Final = "1C1F23"
_SOFT: Final = "57606A"
_LINK: Final = "0B5394"
_HEADING_SIZES: Final = (15, 13, 11.5, 11, 11, 11)  # points
_BOLD: Final = "<w:b/><w:bCs/>"
_BUILT_IN: Final = frozenset(
    {"Normal", "Body Text", "Block Text", "Bibliography", "Footer", "Title"}
    | {"Subtitle", "Date", "caption", "Hyperlink", "TOC Heading"}
    | {"footnote text", "footnote reference"}
    | {f"heading {level}" for level in range(1, 10)}
    | {f"toc {level}" for level in range(1, 4)}
)


def styles() -> str:
    """Return the styles that pandoc and ``docx.lua`` name, as XML."""
    latent = (
        '<w:latentStyles w:defLockedState="0" w:defUIPriority="99" '
        'w:defSemiHidden="0" w:defUnhideWhenUsed="0" w:defQFormat="0" w:count="376"/>'
    )
    return "".join(
        [
            f"<w:styles {WORD}>",
            "<w:docDefaults><w:rPrDefault><w:rPr>",
            _font(_SERIF, 11, lang=True),
            "</w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>",
            "</w:pPr></w:pPrDefault></w:docDefaults>",
            latent,
            *_text_styles(),
            *_title_styles(),
            *_heading_styles(),
            *_contents_styles(),
            *_caption_styles(),
            *_table_text_styles(),
            *_character_styles(),
            *_table_styles(),
            "</w:styles>",
        ]
    )


def _text_styles() -> list[str]:
    small = _font(_SERIF, 9.5)
    return [
        _paragraph("Normal", default=True, paragraph=_spacing(0, 0, lines=1.15)),
        _paragraph("Body Text", "Normal", paragraph=_spacing(0, 8)),
        _paragraph("First Paragraph", "Body Text", after="Body Text"),
        _paragraph("Compact", "Body Text", paragraph=_spacing(0, 2)),
        _paragraph("Block Text", "Body Text", paragraph=_indent(400, right=400)),
        _paragraph("Bibliography", "Normal", paragraph=_spacing(0, 4) + _hang(450)),
        _paragraph("footnote text", "Normal", text=small, paragraph=_spacing(0, 2)),
        _paragraph("Footnote Block Text", "footnote text", paragraph=_indent(400)),
        _paragraph("Definition Term", "Normal", paragraph="<w:keepNext/>", text=_BOLD),
        _paragraph("Definition", "Body Text", paragraph=_indent(400)),
        _paragraph("Source Code", "Normal", text=_font(_MONO, 9)),
        _paragraph(
            "Equation",
            "Body Text",
            paragraph=_tabs(center=4536, right=9072) + _spacing(6, 8),
        ),
        _paragraph(
            "Footer",
            "Normal",
            paragraph='<w:jc w:val="center"/>',
            text=_font(_SANS, 9, colour=_SOFT),
        ),
    ]


def _title_styles() -> list[str]:
    soft = _font(_SANS, 10, colour=_SOFT)
    return [
        _paragraph(
            "Title",
            "Normal",
            after="Body Text",
            paragraph="<w:keepNext/>" + _spacing(0, 6, lines=1.05),
            text=_font(_SANS, 20, bold=True),
        ),
        _paragraph(
            "Subtitle",
            "Title",
            after="Body Text",
            text=_font(_SANS, 13, colour=_SOFT, bold=False),
        ),
        _paragraph("Author", "Normal", paragraph=_spacing(4, 0), text=_font(_SANS, 11)),
        _paragraph("Affiliation", "Normal", text=soft),
        _paragraph("Date", "Normal", paragraph=_spacing(4, 12), text=soft),
        _paragraph(
            "Abstract Title",
            "Normal",
            after="Abstract",
            paragraph="<w:keepNext/>" + _spacing(6, 3),
            text=_font(_SANS, 11, bold=True),
        ),
        _paragraph("Abstract", "Body Text"),
    ]


def _heading_styles() -> list[str]:
    return [
        _paragraph(
            f"heading {level}",
            "Normal",
            after="Body Text",
            paragraph=(
                "<w:keepNext/><w:keepLines/>"
                + _spacing(18 if level == 1 else 12, 5, lines=1.1)
                + f'<w:outlineLvl w:val="{level - 1}"/>'
            ),
            text=_font(_SANS, size, bold=True),
        )
        for level, size in enumerate(_HEADING_SIZES, start=1)
    ]


def _contents_styles() -> list[str]:
    heading = _font(_SANS, 12, bold=True)
    lines = [
        _paragraph(
            f"toc {level}",
            "Normal",
            paragraph=_tabs(right=9072) + _spacing(0, 2) + _indent(220 * (level - 1)),
            text=_font(_SANS, 10),
        )
        for level in (1, 2, 3)
    ]
    return [
        _paragraph(
            "TOC Heading",
            "Normal",
            paragraph="<w:keepNext/>" + _spacing(6, 4),
            text=heading,
        ),
        *lines,
    ]


def _caption_styles() -> list[str]:
    keep = "<w:keepNext/>"
    return [
        _paragraph("caption", "Normal", text=_font(_SANS, 9)),
        _paragraph("Table Caption", "caption", paragraph=keep + _spacing(12, 4)),
        _paragraph(
            "Image Caption", "caption", paragraph="<w:keepLines/>" + _spacing(4, 12)
        ),
        _paragraph("Figure", "Normal", paragraph=_spacing(6, 6, lines=1)),
        _paragraph(
            "Captioned Figure", "Figure", paragraph=keep + _spacing(12, 0, lines=1)
        ),
        _paragraph(
            "Tab Title",
            "Normal",
            paragraph=keep + _spacing(8, 4),
            text=_font(_SANS, 11, bold=True),
        ),
        _paragraph(
            "Callout Title",
            "Normal",
            paragraph=keep + _spacing(3, 3),
            text=_font(_SANS, 10, bold=True),
        ),
    ]


def _table_text_styles() -> list[str]:
    """Paragraphs in tables: pandoc sets no alignment that a style does not hold."""
    head = _font(_SANS, 8.5, bold=True)
    styles = [
        _paragraph(
            "Table Text",
            "Normal",
            paragraph=_spacing(1.5, 1.5, lines=1),
            text=_font(_SANS, 8.5),
        ),
        _paragraph("Table Head", "Table Text", paragraph="<w:keepNext/>", text=head),
        _paragraph("Table Indent", "Table Text", paragraph=_indent(170)),
        _paragraph("Table Indent Twice", "Table Text", paragraph=_indent(340)),
        _paragraph(
            "Table Notes",
            "Table Text",
            paragraph=_spacing(2, 2, lines=1),
            text=_font(_SANS, 8),
        ),
        _paragraph(
            "After Table",
            "Normal",
            paragraph=_spacing(0, 6, lines=1),
            text=_font(_SANS, 2),
        ),
    ]
    for side in ("center", "right"):
        aligned = f'<w:jc w:val="{side}"/>'
        for name in ("Table Text", "Table Head"):
            styles.append(_paragraph(f"{name} {side.title()}", name, paragraph=aligned))
    kept = ["Table Text", "Table Text Center", "Table Text Right"]
    for name in [*kept, "Table Indent", "Table Indent Twice"]:
        styles.append(_paragraph(f"{name} Kept", name, paragraph="<w:keepNext/>"))
    return styles


def _character_styles() -> list[str]:
    raised = '<w:vertAlign w:val="superscript"/>'
    link = f'<w:color w:val="{_LINK}"/><w:u w:val="single"/>'
    return [
        '<w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont">'
        '<w:name w:val="Default Paragraph Font"/><w:uiPriority w:val="1"/>'
        "<w:semiHidden/></w:style>",
        _character("Verbatim Char", _font(_MONO, 10)),
        _character("Table Code", _font(_MONO, 7.5)),
        _character("Section Number", f'<w:color w:val="{_SOFT}"/>'),
        _character("Caption Label", _BOLD),
        _character("footnote reference", raised),
        _character("Hyperlink", link),
    ]


def _table_styles() -> list[str]:
    rules = "".join(
        f'<w:{edge} w:val="single" w:sz="8" w:space="0" w:color="{_INK}"/>'
        for edge in ("top", "bottom")
    )
    margins = "".join(
        f'<w:{edge} w:w="{width}" w:type="dxa"/>'
        for edge, width in (("top", 0), ("left", 60), ("bottom", 0), ("right", 60))
    )
    return [
        '<w:style w:type="table" w:default="1" w:styleId="TableNormal">'
        '<w:name w:val="Normal Table"/><w:uiPriority w:val="99"/><w:semiHidden/>'
        f"<w:tblPr><w:tblCellMar>{margins}</w:tblCellMar></w:tblPr></w:style>",
        '<w:style w:type="table" w:customStyle="1" w:styleId="Table">'
        '<w:name w:val="Table"/><w:basedOn w:val="TableNormal"/><w:qFormat/>'
        f"<w:tblPr><w:tblBorders>{rules}</w:tblBorders></w:tblPr></w:style>",
    ]


def _identifier(name: str) -> str:
    """Return the identifier of a style, as Word and pandoc form it from the name."""
    words = name.split()
    shown = "".join(word[0].upper() + word[1:] for word in words)
    return shown.upper() if words[0] == "toc" else shown


def _kind(name: str) -> str:
    custom = "" if name in _BUILT_IN else ' w:customStyle="1"'
    return f'{custom} w:styleId="{_identifier(name)}"><w:name w:val={quoteattr(name)}/>'


def _paragraph(
    name: str,
    based_on: str = "",
    *,
    after: str = "",
    default: bool = False,
    paragraph: str = "",
    text: str = "",
) -> str:
    return "".join(
        [
            '<w:style w:type="paragraph"',
            ' w:default="1"' if default else "",
            _kind(name),
            f'<w:basedOn w:val="{_identifier(based_on)}"/>' if based_on else "",
            f'<w:next w:val="{_identifier(after)}"/>' if after else "",
            "<w:qFormat/>",
            f"<w:pPr>{paragraph}</w:pPr>" if paragraph else "",
            f"<w:rPr>{text}</w:rPr>" if text else "",
            "</w:style>",
        ]
    )


def _character(name: str, text: str) -> str:
    return (
        f'<w:style w:type="character"{_kind(name)}'
        f'<w:basedOn w:val="DefaultParagraphFont"/><w:rPr>{text}</w:rPr></w:style>'
    )


def _font(
    name: str,
    points: float,
    *,
    bold: bool | None = None,
    colour: str = _INK,
    lang: bool = False,
) -> str:
    faces = "".join(f' w:{x}="{name}"' for x in ("ascii", "hAnsi", "eastAsia", "cs"))
    half = round(2 * points)
    weights = {None: "", True: _BOLD, False: '<w:b w:val="0"/><w:bCs w:val="0"/>'}
    language = '<w:lang w:val="en-US"/>' if lang else ""
    return (
        f'<w:rFonts{faces}/>{weights[bold]}<w:color w:val="{colour}"/>'
        f'<w:sz w:val="{half}"/><w:szCs w:val="{half}"/>{language}'
    )


def _spacing(before: float, after: float, *, lines: float = 0) -> str:
    """Return the space around a paragraph in points, and its lines."""
    line = f' w:line="{round(240 * lines)}" w:lineRule="auto"' if lines else ""
    return (
        f'<w:spacing w:before="{round(20 * before)}" w:after="{round(20 * after)}"'
        f"{line}/>"
    )


def _indent(left: int, *, right: int = 0) -> str:
    return f'<w:ind w:left="{left}" w:right="{right}"/>'


def _hang(width: int) -> str:
    return f'<w:ind w:left="{width}" w:hanging="{width}"/>'


def _tabs(**stops: int) -> str:
    marks = "".join(
        f'<w:tab w:val="{kind}" w:pos="{at}"/>' for kind, at in stops.items()
    )
    return f"<w:tabs>{marks}</w:tabs>"

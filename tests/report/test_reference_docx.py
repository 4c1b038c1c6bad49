"""The styles of Word documents are what the code says, byte for byte."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fahrstats.report.reference_docx import FOOTER_ID, reference_docx, write_reference

REPORT = Path(__file__).parents[2] / "fahrstats" / "report"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def parts() -> dict[str, ElementTree.Element]:
    package = zipfile.ZipFile(io.BytesIO(reference_docx()))
    return {
        name: ElementTree.fromstring(package.read(name)) for name in package.namelist()
    }


def test_the_committed_file_is_what_the_code_writes(tmp_path):
    written = write_reference(tmp_path)
    assert written.read_bytes() == (REPORT / "reference.docx").read_bytes()


def test_styles_have_their_names_once_and_lean_on_styles_that_exist(parts):
    styles = parts["word/styles.xml"].findall(f"{W}style")
    names = [style.find(f"{W}name").get(f"{W}val") for style in styles]
    identifiers = [style.get(f"{W}styleId") for style in styles]
    assert len(set(names)) == len(names)
    assert len(set(identifiers)) == len(identifiers)
    for style in styles:
        for link in ("basedOn", "next"):
            found = style.find(f"{W}{link}")
            assert found is None or found.get(f"{W}val") in identifiers


def test_the_filter_names_only_styles_that_exist(parts):
    styles = parts["word/styles.xml"].findall(f"{W}style")
    names = {style.find(f"{W}name").get(f"{W}val") for style in styles}
    lua = (REPORT / "docx.lua").read_text(encoding="utf-8")
    calls = r'\b(?:styled|line|put|empty)\("([^"]+)"'
    named = set(re.findall(calls, lua)) | set(re.findall(r'"(Table [^"]+)"', lua))
    assert len(named) > 15
    assert named - {"Table of Contents"} <= names


@pytest.mark.parametrize("number", range(1, 7))
def test_headings_have_their_level_in_the_outline(parts, number):
    styles = {
        s.get(f"{W}styleId"): s for s in parts["word/styles.xml"].iter(f"{W}style")
    }
    level = styles[f"Heading{number}"].find(f"{W}pPr/{W}outlineLvl")
    assert level.get(f"{W}val") == str(number - 1)


def test_pages_are_numbered_by_a_footer_that_the_page_names(parts):
    codes = [
        f.get(f"{W}instr").strip()
        for f in parts["word/footer1.xml"].iter()
        if f.tag == f"{W}fldSimple"
    ]
    assert codes == ["PAGE", "NUMPAGES"]
    assert FOOTER_ID in (REPORT / "template.openxml").read_text(encoding="utf-8")
    assert FOOTER_ID in (REPORT / "docx.lua").read_text(encoding="utf-8")

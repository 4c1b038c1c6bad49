"""Pages can be read by eye, by ear and by keyboard, on a desk and on a telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from accessibility import axe_core, browser, violations

REPORT = Path(__file__).parents[2] / "fahrstats" / "report"
GRAVE = ("serious", "critical")
checked = [
    pytest.mark.skipif(browser() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(
        axe_core() is None, reason="axe-core is not installed: npm install axe-core"
    ),
]


@pytest.fixture(params=[1280, 390], ids="{}px".format)
def width(request) -> int:
    return request.param


class TestByAxeCore:
    pytestmark = checked

    def test_the_page_has_no_grave_fault(self, every_construct, width, tmp_path):
        found = violations(every_construct, width=width, folder=tmp_path)
        assert [fault for fault in found if fault.impact in GRAVE] == []

    def test_faults_are_found(self, tmp_path):
        page = tmp_path / "page.html"
        page.write_text(
            '<html><body><main><p style="color: #bbb">Pale.</p><img src="data:,">'
            "</main></body></html>"
        )
        found = violations(page, width=1280, folder=tmp_path)
        rules = {fault.rule for fault in found if fault.impact in GRAVE}
        assert rules == {
            "color-contrast",
            "document-title",
            "html-has-lang",
            "image-alt",
        }


def luminance(colour: str) -> float:
    """Relative luminance by the definition of WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=5e-4)


@pytest.mark.parametrize("paper", ["#ffffff", "#f5f7f9"])
def test_every_colour_of_text_and_code_can_be_read(paper):
    css = (REPORT / "style.css").read_text(encoding="utf-8")
    assert f"--shade: {paper}" in css or paper == "#ffffff"
    text = re.findall(r"--(?:ink|soft|accent|kind): (#\w{6})", css)
    code = (REPORT / "code.theme").read_text(encoding="utf-8")
    colours = {*text, *re.findall(r"#\w{6}", code)}
    assert len(colours) > 8
    assert {c: contrast(c, paper) for c in colours if contrast(c, paper) < 4.5} == {}


def test_the_page_can_be_walked_by_keyboard(every_construct):
    page = every_construct.read_text(encoding="utf-8")
    first = page.partition("<body")[2]
    assert re.search(
        r'^[^<]*<a class="skip-link" href="#main">', first.partition(">")[2]
    )
    assert re.search(r'<main id="main" tabindex="-1">', page)
    boxes = re.findall(r'<div class="scroll"[^>]*>', page)
    assert boxes
    assert all('tabindex="0"' in box and "aria-label" in box for box in boxes)


def test_figures_keep_their_size_on_a_telephone_and_are_moved(every_construct):
    page = every_construct.read_text(encoding="utf-8")
    floats = re.findall(r'<figure class="float float-fig".*?</figure>', page, re.S)
    images = [image for part in floats for image in re.findall(r"<img ", part)]
    moved = [
        image
        for part in floats
        for image in re.findall(r'<div class="scroll"[^>]*>\s*(?:<p>)?<img ', part)
    ]
    assert len(moved) == len(images) > 1


def test_the_title_is_the_only_heading_of_the_first_level(every_construct):
    page = every_construct.read_text(encoding="utf-8")
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", page) == ["Every construct"]

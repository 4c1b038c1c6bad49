"""What cells display is what IPython displays."""

from __future__ import annotations

import IPython.display

from fahrstats.report.cell_displays import as_markdown, box, display


def test_something_is_displayed_in_the_cell_that_runs(monkeypatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    display(3)
    display(None)
    assert shown == [3]


def test_text_stands_apart_from_what_is_displayed_before_and_after(monkeypatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    display(as_markdown("A paragraph."))
    display(as_markdown("- a\n- b"))
    assert "".join(text.data for text in shown) == "\nA paragraph.\n\n- a\n- b\n"


def test_text_is_markdown_and_a_box_is_a_callout_of_quarto():
    assert isinstance(as_markdown("*a*"), IPython.display.Markdown)
    assert as_markdown("*a*").data == "*a*"
    told = '::: {.callout-warning title="Care"}\n- a\n- b\n:::\n'
    assert box("warning", "Care", "- a\n- b").data == told

"""The page on journals says what the styles hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from fahrstats.display.journal_sources import COMMON_RULES
from fahrstats.display.journal_styles import STYLES
from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_p,
    format_percent,
    format_ratio,
    phrase_interval,
    phrase_p,
)

PAGE = (Path(__file__).parents[1] / "docs/journals.md").read_text(encoding="utf-8")
P_VALUES = (0.00004, 0.0005, 0.00999, 0.0449, 0.0496, 0.34, 0.9996)


def line(cells):
    return f"| {' | '.join(cells)} |"


def printed(style):
    """Return what the page shows of a style, in the order of its lines."""
    ratio = phrase_interval(format_ratio(0.724, 0.561, 0.916, style=style), style=style)
    return [
        ratio,
        format_interval(-0.039, -0.104, 0.021, style=style),
        phrase_p(0.034, style=style),
        *(format_p(p_value, style=style) for p_value in P_VALUES),
        format_count(1234, style=style),
        format_count(12_345, style=style),
        format_percent(12.34, 199, style=style),
        format_percent(12.34, 200, style=style),
        "shown" if style.interaction_p else "left out",
        f"{style.column_mm} and {style.page_mm} mm",
    ]


NAMES = [
    "ratio in a sentence",
    "difference in a table",
    "P in a sentence",
    *(f"P of {p_value:f}".rstrip("0") for p_value in P_VALUES),
    "count",
    "larger count",
    "share of 199",
    "share of 200",
    "P of interaction",
    "width of a figure",
]


def test_the_page_shows_what_every_style_prints():
    columns = [printed(style) for style in STYLES.values()]
    head = [line(["", *(f"`{name}`" for name in STYLES)]), line(["---"] * 6)]
    body = [line([n, *cells]) for n, *cells in zip(NAMES, *columns, strict=True)]
    assert "\n".join([*head, *body]) in PAGE


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_page_gives_the_source_of_every_rule(style):
    lines = [
        line(
            [
                ", ".join(f"`{field}`" for field in rule.fields),
                rule.says,
                f"{rule.guide.title} ({rule.guide.edition})",
                rule.guide.strength,
            ]
        )
        for rule in style.rules
    ]
    assert "\n".join(lines) in PAGE
    assert all(rule.guide.where in PAGE for rule in style.rules)


def test_the_page_gives_what_all_styles_keep_to():
    assert all(f"- {rule.says}" in PAGE for rule in COMMON_RULES)

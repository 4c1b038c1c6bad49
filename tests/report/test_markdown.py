"""An executed document becomes the markdown that an author would write."""

from __future__ import annotations

import pytest

from fahrstats.report.execution import Executed, Output
from fahrstats.report.markdown import fenced, to_markdown

PLAIN = Output("value", data={"text/plain": "12"})


@pytest.fixture
def written(read):
    """Markdown of a document with one cell, given the cell's outputs."""

    def markdown(options: str, *outputs: Output) -> str:
        source = read(f"```{{python}}\n{options}\nx\n```\n")
        return to_markdown(source, Executed({(0, 0, 0): outputs})).strip()

    return markdown


def test_code_is_shown_above_its_output(written):
    assert written("#| echo: true", PLAIN) == (
        "```{.python}\nx\n```\n\n::: {.output .value}\n```\n12\n```\n:::"
    )


@pytest.mark.parametrize("option", ["include: false", "output: false\n#| echo: false"])
def test_nothing_is_shown_when_the_cell_says_so(written, option):
    assert written(f"#| {option}", PLAIN) == ""


def test_a_labelled_output_is_a_div_that_ends_in_its_caption(written):
    options = "#| echo: false\n#| label: tbl-a\n#| tbl-cap: A table."
    table = Output("value", data={"text/markdown": "| a |", "text/plain": "x"})
    assert written(options, table) == "::: {#tbl-a}\n| a |\n\nA table.\n:::"


def test_a_labelled_cell_without_output_is_no_float(written):
    assert written("#| echo: false\n#| label: fig-a\n#| fig-cap: A.") == ""


def test_the_repr_of_what_was_drawn_is_left_out(written):
    image = Output("display", data={"image/png": "/tmp/a.png", "text/plain": "x"})
    noise = Output("value", data={"text/plain": "[<matplotlib.lines.Line2D at 0x7f>]"})
    assert written("#| echo: false", noise, image) == "![](</tmp/a.png>)"


@pytest.mark.parametrize(
    ("option", "told", "alt"),
    [
        ("#| fig-alt: Curves.", 'C "x" & y.', "Curves. C &quot;x&quot; &amp; y."),
        ("#| fig-alt: Curves.", "", "Curves."),
        ("#| eval: true", "C.", "C."),
        ('#| fig-alt: ""', "C.", ""),  # for the eye alone
    ],
)
def test_an_image_says_what_its_cell_and_its_figure_say(written, option, told, alt):
    about = {"image/png": {"width": 90, "alt": told}}
    image = Output("display", data={"image/png": "/tmp/a.png"}, metadata=about)
    assert written(f"#| echo: false\n{option}", image) == (
        f'![](</tmp/a.png>){{width="90px" fig-alt="{alt}"}}'
    )


def test_what_is_meant_for_a_terminal_is_shown_as_it_ends_there(written):
    text = "\x1b[1;31mred\x1b[0m\a\r\n  0%|\r 50%|#\r100%|##\nx\by\tz\x00\n"
    assert written("#| echo: false", Output("stderr", text=text)) == (
        "::: {.output .stderr}\n```\nred\n100%|##\nxy\tz\n```\n:::"
    )


def test_a_caption_is_shown_whichever_option_gives_it(written):
    options = "#| echo: false\n#| label: tbl-a\n#| fig-cap: A table."
    assert "A table." in written(options, PLAIN)


def test_standard_error_is_left_out_without_warnings(written):
    options = "#| echo: false\n#| warning: false"
    assert written(options, Output("stderr", text="careful\n")) == ""


def test_the_richest_representation_is_chosen(written):
    data = {"text/html": "<b>1</b>", "text/markdown": "**1**", "text/plain": "1"}
    assert "<b>1</b>" in written("#| echo: false", Output("value", data=data))


def test_output_as_it_is_becomes_part_of_the_document(written):
    options = "#| echo: false\n#| output: asis"
    assert written(options, Output("stdout", text="# Heading\n")) == "# Heading"


def test_inline_values_are_escaped_unless_they_are_markdown(read):
    source = read("a `{python} x` b `{python} y`\n")
    outputs = {
        (0, 0, 2): (Output("value", data={"text/plain": "a_b*"}),),
        (0, 0, 17): (Output("value", data={"text/markdown": "**y**"}),),
    }
    assert to_markdown(source, Executed(outputs)) == "a a\\_b\\* b **y**\n"


def test_shortcodes_are_read_in_prose_only(read):
    source = read(
        "---\nlang: en\n---\n{{< meta lang >}} {{{< meta lang >}}}\n"
        "{{< pagebreak >}}\n```\n{{< meta lang >}}\n```\n"
    )
    assert to_markdown(source, Executed({})) == (
        "en {{< meta lang >}}\n\n::: {.pagebreak}\n:::\n\n```\n{{< meta lang >}}\n```\n"
    )


def test_no_backtick_in_a_text_closes_its_fence():
    assert fenced("```` x") == "`````\n```` x\n`````"

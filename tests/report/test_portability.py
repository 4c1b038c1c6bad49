"""What lies outside the portable subset is named, never dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fahrstats.errors import DataError
from fahrstats.report.portability import findings
from fahrstats.report.source import read_source

HERE = Path(__file__).parent
REPORTS = Path(__file__).parents[2] / "reports"


def test_every_report_stays_within_the_portable_subset():
    found = {path.name: findings(read_source(path)) for path in REPORTS.glob("*.qmd")}
    assert found == dict.fromkeys(found, ())


def test_the_document_of_every_construct_is_portable():
    assert findings(read_source(HERE / "documents" / "every_construct.qmd")) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntable-style: x\n---\n", "the header setting `table-style`"),
        ("---\nformat: {html: {css: x}}\n---\n", "`format: html: css`"),
        ("---\nexecute: {freeze: auto}\n---\n", "`execute: freeze`"),
        ("---\ncrossref: {chapters: true}\n---\n", "`crossref: chapters`"),
        ("---\nhtml-math-method: katex\n---\n", "`html-math-method: katex`"),
        ('---\ntitle: "{{< meta x >}}"\n---\n', "header setting `title`"),
        ("```{python}\n#| column: margin\n```\n", "line 1: the cell option `column`"),
        ("a\n\n{{< video x.mp4 >}}\n", "line 3: the shortcode `video`"),
        ("a {{< include b.qmd >}}\n", "only on a line of its own"),
        ("::: {.column-margin}\n:::\n", "`.column-margin`"),
        ("[a]{.aside}\n", "`.aside`"),
        ('::: {layout="[[1,1]]"}\n:::\n', "`layout`"),
        ('::: {.content-visible when-profile="a"}\n:::\n', "`when-profile`"),
        ('::: {.panel-tabset group="a"}\n:::\n', "`group`"),
        ('[a]{.content-visible when-format="pdf"}\n', "this one is typst"),
        ("::: {#thm-a}\n:::\n", "`#thm-a` is not acted on (numbered theorems"),
        ("::: {.callout-danger}\n:::\n", "`callout-danger`"),
        ("````\n```{python}\n1\n```\n````\n", "line 2: Quarto runs this cell"),
        ("```{=latex}\n\\newpage\n```\n", "a raw LaTeX block"),
    ],
)
def test_a_construct_that_is_left_out_is_named(read, text, message):
    (finding,) = findings(read(text))
    assert message in finding


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nparams: {a: 1}\n---\n", "which Quarto ignores for Python"),
        ("---\nengine: knitr\n---\n", "asks for `engine: knitr`"),
        ("```{r}\n1\n```\n", "a code cell `{r}` cannot be run"),
        ("```{python, echo=FALSE}\n1\n```\n", "a code cell `{python, echo=FALSE}`"),
        ("```{mermaid}\nA --> B\n```\n", "a code cell `{mermaid}`"),
        ("{{< meta none >}}\n", "line 1: the header has no setting `none`"),
    ],
)
def test_what_cannot_be_left_out_is_an_error(read, text, message):
    with pytest.raises(DataError) as error:
        findings(read(text))
    assert message in str(error.value)


def test_settings_that_a_shortcode_quotes_are_known(read):
    assert findings(read("---\nstudy: {name: a}\n---\n{{< meta study.name >}}\n")) == ()


def test_shortcodes_and_attributes_in_code_are_text(read):
    assert findings(read("```\n{{< video x >}}\n::: {.aside}\n```\n")) == ()

"""Numbers, links and blocks of the finished page; nothing in it is fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from fahrstats.errors import DataError, ResultWarning

# Elements without an end tag.
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}

FLOATS = {
    "fig-line": "Figure 1:",
    "fig-panel": "Figure 2:",
    "fig-panel-1": "(a)",
    "fig-panel-2": "(b)",
    "fig-hand": "Figure 3:",
    "fig-hand-a": "(a)",
    "fig-hand-b": "(b)",
    "fig-single": "Figure 4:",
    "fig-included": "Figure 5:",
    "fig-in-tab": "Figure 6:",
    "tbl-cell": "Table 1:",
    "tbl-great": "Table 2:",
    "tbl-markdown": "Table 3:",
    "tbl-pipe": "Table 4:",
    "tbl-div": "Table 5:",
    "lst-code": "Listing 1:",
}
SECTIONS = {
    "sec-first": "1 First section",
    "sec-second": "2 Second section",
    "sec-tables": "2.1 Tables",
    "formulas": "2.2 Formulas",
    "sec-included": "2.3 Included methods",
    "blocks": "3 Blocks",
    "deep-heading": "3.0.1 Deep heading",
    "code": "4 Code",
    "unnumbered": "Unnumbered",
    "references": "References",
}
# Links in the order of the document.
LINKS = [
    ("fig-line", "Figure 1"),
    ("fig-line", "1"),
    ("fig-line", "Figure 1"),
    ("fig-panel", "Figure 2"),
    ("fig-line", "Fig. 1"),
    ("fig-panel-2", "Figure 2 (b)"),
    ("tbl-cell", "Table 1"),
    ("tbl-pipe", "Table 4"),
    ("tbl-great", "Table 2"),
    ("sec-second", "Section 2"),
    ("sec-included", "Section 2.3"),
    ("eq-hazard", "Equation 1"),
    ("lst-code", "Program 1"),
    ("tbl-cell", "Table 1"),
    ("eq-survival", "Equation 2"),
    ("fig-in-tab", "Figure 6"),
]


class Element:
    """One element of a page, with what stands in it."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None):
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | str] = []

    @property
    def text(self) -> str:
        parts = (c if isinstance(c, str) else c.text for c in self.children)
        return " ".join("".join(parts).replace("\u00a0", " ").split())

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                wanted = {name.rstrip("_"): text for name, text in attributes.items()}
                if (not tag or child.tag == tag) and all(
                    text in child.attributes.get(name, "").split()
                    for name, text in wanted.items()
                ):
                    found.append(child)
                found += child.all(tag, **attributes)
        return found


class Page(HTMLParser):
    """A page as a tree of elements; an unbalanced page fails."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = self.here = Element("", {}, None)
        self.feed(html)
        self.close()
        assert self.here is self.root

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {k: v or "" for k, v in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag, attrs):
        element = Element(tag, {k: v or "" for k, v in attrs}, self.here)
        self.here.children.append(element)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        self.here = self.here.parent

    def handle_data(self, data):
        self.here.children.append(data)


@pytest.fixture(scope="module")
def page(every_construct):
    return Page(every_construct.read_text(encoding="utf-8")).root


def first(page: Element, tag: str = "", **attributes: str) -> Element:
    return page.all(tag, **attributes)[0]


def fetched(html: str) -> list[str]:
    """Addresses that a browser would load by itself."""
    loading = re.compile(
        r"""(?:\b(?:src|srcset|poster|data)|<link[^>]*?\bhref)\s*=\s*["']?([^"'\s>]+)"""
        r"""|url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""",
        re.IGNORECASE,
    )
    found = ("".join(groups) for groups in loading.findall(html))
    return [address for address in found if not address.startswith(("data:", "#"))]


def test_floats_are_numbered_in_the_order_of_the_document(page):
    labels = {}
    for figure in page.all("figure", class_="float"):
        captions = [c for c in figure.children if getattr(c, "tag", "") == "figcaption"]
        for label in [
            x for c in captions for x in c.all("span", class_="caption-label")
        ]:
            labels[figure.attributes["id"]] = label.text
    assert labels == FLOATS


def test_sections_are_numbered_from_the_highest_heading(page):
    headings = {}
    for section in page.all("section"):
        head = section.children[1]
        headings[section.attributes.get("id")] = head.text
    assert {key: headings.get(key) for key in SECTIONS} == SECTIONS


def test_references_become_links_with_the_number(page):
    links = page.all("a", class_="xref")
    assert [(link.attributes["href"][1:], link.text) for link in links] == LINKS


def test_every_link_within_the_page_has_a_target(page):
    targets = {element.attributes.get("id") for element in page.all()}
    links = [a.attributes.get("href", "") for a in page.all("a")]
    assert [x for x in links if x.startswith("#") and x[1:] not in targets] == []


def test_ids_are_unique(page):
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert sorted(ids) == sorted(set(ids))


def test_equations_carry_their_numbers_as_mathml(page):
    numbers = {
        span.attributes["id"]: first(span, "span", class_="equation-number").text
        for span in page.all("span", class_="equation")
    }
    assert numbers == {"eq-hazard": "(1)", "eq-survival": "(2)"}
    assert len(page.all("math", display="block")) == 2


def test_every_image_has_a_text_alternative(page):
    alternatives = [image.attributes.get("alt") for image in page.all("img")]
    assert alternatives[0] == 'A rising line, "quoted" & more.'
    assert "A blue square." in alternatives
    assert "In a tab." in alternatives
    assert "" not in alternatives
    assert None not in alternatives


def test_parameters_and_inline_values_stand_in_the_text(page):
    text = first(page, "main").text
    assert "There are 3 values; the label is given; markdown stays bold." in text
    assert "Text is escaped: a_b_c *d*." in text
    assert "The centre is Rotterdam." in text
    assert "counts 3 values" in text


def test_citations_and_footnotes_are_resolved(page):
    entries = [entry.text for entry in page.all("div", class_="csl-entry")]
    assert len(entries) == 2
    assert entries[0].startswith("Cox, D. R. 1972.")
    assert first(page, "section", class_="footnotes").text.startswith("A footnote")


def test_the_title_block_names_authors_and_date(page):
    header = first(page, "header")
    assert first(header, "h1").text == "Every construct"
    facts = first(header, "dl", class_="title-facts").text
    for words in ("Authors", "First Author", "Department of Tests", "January 15, 2026"):
        assert words in facts
    assert first(header, "em").text == "markdown"


def test_the_project_file_names_the_contents(page):
    assert first(page, "nav", id="TOC").text.startswith("In this test 1 First section")


@pytest.mark.parametrize(
    ("kind", "tag", "title"),
    [
        ("note", "div", "Note"),
        ("warning", "div", "Own title"),
        ("tip", "details", "Title from a heading"),
        ("caution", "details", "Caution"),
        ("important", "div", "Important"),
    ],
)
def test_callouts_have_their_title_and_fold_when_asked(page, kind, tag, title):
    callout = first(page, class_=f"callout-{kind}")
    assert callout.tag == tag
    assert first(callout, class_="callout-title").text == title


def test_a_folded_callout_may_begin_open(page):
    assert "open" not in first(page, class_="callout-tip").attributes
    assert "open" in first(page, class_="callout-caution").attributes


def test_a_tabset_has_one_panel_per_heading(page):
    tabset = first(page, "div", class_="tabset")
    assert [label.text for label in tabset.all("label")] == ["One", "Two"]
    assert len(tabset.all("div", class_="tab-panel")) == 2
    assert len([i for i in tabset.all("input") if "checked" in i.attributes]) == 1


def test_headings_inside_blocks_stay_inside_them(to_html):
    html = to_html(
        "::: {.panel-tabset}\n## One\n\n### Deeper\n\nx\n\n## Two\n\ny\n:::\n\n"
        "::: {.callout-note}\n## Title\n\n### Deeper too\n\nz\n:::\n\nAfter.\n"
    )
    root = Page(html).root
    panels = [panel.text for panel in root.all(class_="tab-panel")]
    assert panels == ["Deeper x", "y"]
    assert root.all(class_="callout-body")[0].text == "Deeper too z"
    assert first(root, "main").children[-2].text == "After."


def test_only_content_for_this_format_is_kept(page):
    text = first(page, "main").text
    assert "Only in HTML." in text
    assert "Inline in HTML." in text
    for absent in ("Only in Word", "Not in HTML", "in PDF"):
        assert absent not in text


def test_code_is_shown_folded_or_hidden_as_the_cell_says(page):
    text = first(page, "main").text
    fold = first(page, "details", class_="code-fold")
    assert fold.text.startswith("Show the code print(")
    assert "never_run()" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "not shown" not in text
    assert "import matplotlib" not in text


def test_output_as_it_is_becomes_a_list(page):
    items = [item.text for item in first(page, "main").all("li")]
    assert "item one" in items
    assert any(item.startswith("In a list: indented") for item in items)


def test_tables_scroll_inside_the_page(page):
    for table in page.all("table"):
        above, classes = table.parent, []
        while above is not None:
            classes.append(above.attributes.get("class", ""))
            above = above.parent
        assert "scroll" in classes


def test_captions_of_tables_come_first_and_of_figures_last(page):
    def place(label: str) -> int:
        figure = first(page, "figure", id=label)
        tags = [c.tag for c in figure.children if isinstance(c, Element)]
        return tags.index("figcaption") - len(tags) + 1

    assert place("fig-line") == 0
    assert place("tbl-cell") < 0


def test_the_page_fetches_nothing(every_construct):
    html = every_construct.read_text(encoding="utf-8")
    assert fetched(html) == []
    assert "<script" not in html


def test_the_page_is_small(every_construct):
    six_small_figures = 300_000  # bytes; the style sheet and its text take 30,000
    assert every_construct.stat().st_size < six_small_figures


# What a document may hold, the line of it that is wrong, and what is said about that.
WRONG = [
    ("a\n\nSee @fig-none.", 3, "the reference `@fig-none` has no target"),
    ("# A {#sec-a}\n\n@sec-a", 3, "the reference `@sec-a` leads to a heading"),
    ("a [@nobody2000]", 1, "the citation `@nobody2000` is in no bibliography"),
    (
        "::: {#fig-a}\nx\n\ny\n:::\n\n::: {#fig-a}\nx\n\ny\n:::",
        7,
        "the label `fig-a` is used more than once",
    ),
    ("::: {#fig-b}\nx\n\ny\n:::\n\n[@fig-b; @other]", 7, "`@fig-b` stands in one"),
    ("![x](https://a.org/1.png)", 1, "`https://a.org/1.png` would be fetched"),
    (
        '```{=html}\n<img src="https://a.org/2.png">\n```',
        2,
        "`https://a.org/2.png` would be fetched",
    ),
    (
        "```{=html}\n<style>@import 'https://a.org/3.css';</style>\n```",
        2,
        "`https://a.org/3.css` would be fetched",
    ),
    ('<img srcset="//a.org/4.png 2x">', 1, "`//a.org/4.png` would be fetched"),
    (
        '<object data="https://a.org/5.svg"></object>',
        1,
        "`https://a.org/5.svg` would be fetched",
    ),
    ("[x](#tbl-none)", 1, "the link `#tbl-none` has no target"),
    ("[x](#nowhere)", 1, "the link `#nowhere` has no target"),
]


def test_all_that_leads_nowhere_is_named_at_once_with_its_line(to_html):
    text, expected = "", []
    for part, line, message in WRONG:
        expected.append(f"`document.qmd`, line {text.count(chr(10)) + line}: {message}")
        text += part + "\n\n"
    with pytest.raises(DataError) as error:
        to_html(text)
    for message in expected:
        assert message in str(error.value)


def test_what_leads_nowhere_is_named_once_a_line(to_html):
    with pytest.raises(DataError) as error:
        to_html("@fig-none, @fig-none and @fig-none\n\n@fig-none")
    assert str(error.value).count("@fig-none") == 1


def test_a_link_may_lead_to_whatever_has_a_name(to_html):
    targets = "# Heading\n\n::: {#div}\nx\n:::\n\n[y]{#span} <a id=raw></a>\n\n"
    to_html(
        targets + "[a](#heading) [b](#div) [c](#span) [d](#raw) [e](#sec-f)\n\n"
        "## F {#sec-f}\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("![](<not here.png>)", "line 1: the file `not here.png` does not exist"),
        ("$$\n\\nosuch\n$$", "line 2: the formula `\\nosuch` cannot be read"),
        ("a `{python} 1 +\n1`", "the inline expression `{python} 1 + 1` was not run"),
    ],
)
def test_what_cannot_be_shown_is_an_error_with_its_line(to_html, text, message):
    with pytest.raises(DataError) as error:
        to_html(text)
    assert message in str(error.value)


def test_what_pandoc_says_is_passed_on_in_its_own_words(to_html):
    with pytest.warns(ResultWarning, match="pandoc says: Note with key 'a' defined"):
        to_html("x\n\n[^a]: A note that nobody refers to.\n")


def test_any_letter_may_stand_in_a_title_and_a_name(to_html):
    html = to_html('---\ntitle: "\N{GRINNING FACE} 漢字 עברית"\nauthor: Þóra\n---\n')
    assert first(Page(html).root, "h1").text == "\N{GRINNING FACE} 漢字 עברית"


def test_numbering_starts_at_the_highest_heading_used(to_html):
    html = to_html("---\nnumber-sections: true\n---\n## One {#sec-a}\n\n@sec-a\n")
    assert Page(html).root.all("a", class_="xref")[0].text == "Section 1"


def test_words_of_references_can_be_set(to_html):
    html = to_html(
        "---\ncrossref: {fig-title: Abb., fig-prefix: Abb.}\n---\n"
        "@fig-a\n\n::: {#fig-a}\nx\n\ny\n:::\n"
    )
    root = Page(html).root
    assert root.all("a", class_="xref")[0].text == "Abb. 1"
    assert root.all("span", class_="caption-label")[0].text == "Abb. 1:"

from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.report.portability import findings
from fahrstats.report.source import read_source
from fahrstats.study.examples import example_file, example_names
from fahrstats.study.kinds import find_kind
from fahrstats.study.notes import note_problems, read_notes
from fahrstats.study.study_file import parse_study

PLAIN = "**Who.** People, *mostly* men;\nsee [the source](https://example.org/a#b).\n\n"
LIST = "- one: 5 < 6\n- two\n\n1. three\n"


def test_paragraphs_lists_emphasis_and_links_are_text():
    assert list(note_problems(PLAIN + LIST, "notes.md")) == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("```{python}", "a fenced block"),
        ("::: {.callout-note}", "a fenced block"),
        ("## A heading", "a heading"),
        ("-----", "a heading or a rule"),
        ("{{< include other.md >}}", "a shortcode"),
        ("`{python} 1 + 1`", "a shortcode, attribute or code"),
        ("a [span]{.red}", "a shortcode, attribute or code"),
        ("<script>alert(1)</script>", "HTML"),
        ("![a face](photo.jpg)", "an image"),
        ("as @cox1972 has it", "a citation or cross-reference"),
        ("[see @fig-flow]", "a citation or cross-reference"),
        ("$x^2$", "TeX"),
        ("a grant of $5", "TeX; a dollar is written `\\$`"),
        ("[more](javascript:alert(1))", "a link to no web or mail address"),
        ("[more]( FILE:///etc/passwd)", "a link to no web or mail address"),
        ("[more](notes.html)", "a link to no web or mail address"),
        ("[more]: data:text/html,x", "a link to no web or mail address"),
    ],
)
def test_all_else_is_refused_with_its_line(line, what):
    (problem,) = note_problems(f"Text.\n\n{line}\n", "notes.md")
    assert problem.startswith(f"Line 3 of `notes.md` holds {what}")


@pytest.mark.parametrize(
    "line",
    [
        "Paid with 5 \\$.",
        "[a](https://a.org/b), [b](HTTP://b.org) and [c](mailto:c@c.org)",
        "[d]: https://d.org",
        "as they wrote [sic]: nothing (5)",
    ],
)
def test_links_to_addresses_and_written_dollars_are_shown(line):
    assert list(note_problems(line, "notes.md")) == []


def test_an_address_is_no_citation():
    assert list(note_problems("Write to a@b.org.", "notes.md")) == []


def test_notes_are_read_and_refused_by_a_study(write_study):
    with_notes = 'table = "cohort.csv"\nnotes = "n.md"'
    path = write_study(**{'table = "cohort.csv"': with_notes})
    study, problems = parse_study(path)
    assert problems == []
    with pytest.raises(DataError, match=r"`n\.md` is not beside the study file"):
        read_notes(study)
    notes = path.with_name("n.md")
    notes.write_text("\n" + PLAIN)
    assert read_notes(study) == PLAIN.strip()
    notes.write_text("  \n")
    with pytest.raises(DataError, match=r"`n\.md` is empty"):
        read_notes(study)
    notes.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"`n\.md` is not UTF-8 text"):
        read_notes(study)


@pytest.mark.parametrize("name", example_names())
def test_notes_of_shipped_studies_stay_within_what_both_renderers_know(name, tmp_path):
    study, _ = find_kind(example_file(name)).parse(example_file(name))
    document = tmp_path / "notes.qmd"
    document.write_text(f"---\ntitle: Notes\n---\n\n{read_notes(study)}\n")
    assert findings(read_source(document)) == ()

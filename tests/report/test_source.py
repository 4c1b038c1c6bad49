"""A document is read with the place of every line."""

from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.report.source import Cell, Prose, Verbatim, merged, read_source

CELL = """\
```{python}
#| label: fig-a
#| fig-cap: |
#|   Two
#|   lines.
x = 1
```
"""


def test_a_document_is_prose_cells_and_verbatim_blocks(read):
    source = read(f"Text.\n\n{CELL}\n```r\nlibrary(survival)\n```\n")
    assert [type(piece) for piece in source.pieces] == [Prose, Cell, Prose, Verbatim]


def test_option_lines_are_yaml_and_are_not_shown(read):
    (cell,) = read(CELL).cells
    assert cell.options.label == "fig-a"
    assert cell.options.fig_cap == "Two lines."
    assert cell.shown == "x = 1"
    assert cell.code.count("\n") == 4


def test_a_cell_inside_a_longer_fence_is_only_shown(read):
    source = read(f"````markdown\n{CELL}````\n")
    assert source.cells == ()


def test_a_cell_in_a_list_loses_its_indent(read):
    (cell,) = read("- item\n\n  ```{python}\n  #| echo: true\n  x = 1\n  ```\n").cells
    assert cell.shown == "x = 1"
    assert cell.options.echo is True
    assert cell.indent == "  "


def test_settings_are_merged_from_project_header_and_format(write, tmp_path):
    (tmp_path / "_quarto.yml").write_text(
        "project: {type: default}\ntoc: true\nlang: de\nexecute: {echo: false}\n"
    )
    path = write(
        "---\nlang: en\nexecute: {warning: false}\n"
        "format: {html: {toc-depth: 2}}\n---\n" + CELL
    )
    source = read_source(path)
    assert source.settings["toc"] is True
    assert source.settings["lang"] == "en"
    assert source.settings["toc-depth"] == 2
    assert "project" not in source.settings
    assert source.cells[0].options.echo is False
    assert source.cells[0].options.warning is False


def test_a_cell_overrides_the_header(read):
    source = read("---\nexecute: {echo: false}\n---\n```{python}\n#| echo: true\n```\n")
    assert source.cells[0].options.echo is True


def test_included_lines_keep_their_own_file_and_number(write):
    write("inside\n", "part.qmd")
    source = read_source(write("before\n{{< include part.qmd >}}\nafter\n"))
    places = [(line.text, line.path.name, line.number) for line in source.lines]
    assert places == [
        ("before", "document.qmd", 1),
        ("inside", "part.qmd", 1),
        ("after", "document.qmd", 3),
    ]
    assert [path.name for path in source.files] == ["document.qmd", "part.qmd"]


def test_a_name_with_spaces_is_quoted(write, tmp_path):
    images = ("a a.png", "b b.png", "c.png", "d d.png")
    for name in images:
        (tmp_path / name).touch()
    text = '![a](<a a.png>) ![b [c]](b%20b.png) ![](c.png "title") ![d](d d.png)\n'
    write(text, "b c.qmd")
    source = read_source(write('{{< include "b c.qmd" >}}\n'))
    names = [path.name for path in source.files]
    assert names == ["document.qmd", "b c.qmd", *images]


def test_a_line_ends_where_an_editor_ends_it(write):
    path = write("")
    path.write_bytes("a\u2028b\x0cc\r\n```{python}\r\nd\r\n```\r\n".encode())
    source = read_source(path)
    assert [line.text for line in source.lines] == ["a\u2028b\x0cc", "d"]
    assert source.cells[0].fence.number == 2


def test_files_of_a_document_are_those_that_it_names(write, tmp_path):
    (tmp_path / "a.bib").write_text("")
    (tmp_path / "plot.png").write_bytes(b"")
    source = read_source(write("---\nbibliography: a.bib\n---\n![x](plot.png)\n"))
    assert [path.name for path in source.files] == ["document.qmd", "a.bib", "plot.png"]


def test_settings_merge_key_by_key():
    low = {"a": {"x": 1, "y": 1}, "b": 1}
    assert merged(low, {"a": {"y": 2}}) == {"a": {"x": 1, "y": 2}, "b": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: a\n", "line 1: the header is never closed by `---`"),
        ("---\n- a\n---\n", "expected `name: value` lines"),
        ("---\na: [\n---\n", "line 1: the YAML cannot be read"),
        ("x\n```{python}\n1\n", "line 2: the fence ``` is never closed"),
        ("x\n```{python}\n#| a: [\n```\n", "line 2: the YAML cannot be read"),
        ("{{< include no.qmd >}}\n", "line 1: the included file"),
        ("{{< include document.qmd >}}\n", "`document.qmd` includes itself"),
        ("---\nbibliography: no.bib\n---\n", "`bibliography` names"),
    ],
)
def test_what_cannot_be_read_names_the_line(read, text, message):
    with pytest.raises(DataError) as error:
        read(text)
    assert message in str(error.value)


def test_an_included_file_has_no_header(write):
    write("---\ntitle: a\n---\n", "part.qmd")
    path = write("{{< include part.qmd >}}\n")
    with pytest.raises(DataError, match=r"`part\.qmd` has a YAML header"):
        read_source(path)


def test_an_absent_document_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.qmd` does not exist"):
        read_source(tmp_path / "none.qmd")


def test_a_document_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "a.qmd").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read_source(tmp_path / "a.qmd")

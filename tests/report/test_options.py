"""Cell options are typed, and refused by name when they are wrong."""

from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.report.options import CellOptions, cell_options, header_number


def test_no_options_are_the_defaults():
    assert cell_options({}, "here") == CellOptions()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("echo", "yes", "true or false"),
        ("output", "raw", "true, false or asis"),
        ("code-fold", "open", "true, false or show"),
        ("fig-cap", ["a"], "text"),
        ("label", "fig a", "letters, digits, and - _ : . alone"),
        ("tags", [1], "text or a list of texts"),
        ("fig-width", -1, "a size in inches above 0"),
        ("layout-ncol", 0, "a whole number of columns from 1"),
    ],
)
def test_a_wrong_value_names_the_option_and_what_it_may_be(name, value, expected):
    with pytest.raises(DataError) as error:
        cell_options({name: value}, "`a.qmd`, line 3")
    assert str(error.value) == (
        f"`a.qmd`, line 3: the cell option `{name}` must be {expected}, "
        f"but it is `{value}`."
    )


@pytest.mark.parametrize("value", ["x", True, 0, None])
def test_a_number_of_the_header_is_one(value):
    assert header_number({"toc-depth": 2}, "toc-depth", 3) == 2
    assert header_number({}, "toc-depth", 3) == 3
    with pytest.raises(DataError, match="The header setting `toc-depth` must be a num"):
        header_number({"toc-depth": value}, "toc-depth", 3)


@pytest.mark.parametrize(
    ("label", "kind"),
    [("fig-a", "fig"), ("tbl-a", "tbl"), ("setup", ""), ("fig", ""), ("figure-a", "")],
)
def test_the_kind_of_a_float_is_the_prefix_of_its_label(label, kind):
    assert cell_options({"label": label}, "here").kind == kind


def test_a_caption_over_several_lines_is_one_paragraph():
    assert cell_options({"fig-cap": "one\n\ntwo\n"}, "here").fig_cap == "one two"

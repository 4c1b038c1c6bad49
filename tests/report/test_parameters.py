"""Parameters travel as YAML."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
import yaml

from fahrstats.errors import DataError
from fahrstats.report.parameters import as_yaml, check_journal, checked_params


def test_values_come_back_as_they_were():
    values = {
        "text": "1; import os",
        "number": 1.5,
        "flag": True,
        "day": datetime.date(2026, 1, 15),
        "list": [1, "a"],
        "none": None,
    }
    assert yaml.safe_load(as_yaml(values)) == values


def test_the_folder_of_results_becomes_absolute(tmp_path, monkeypatch):
    (tmp_path / "tables").mkdir()
    monkeypatch.chdir(tmp_path)
    assert checked_params({"results": "tables"}) == {
        "results": str((tmp_path / "tables").resolve())
    }


def test_results_must_be_a_folder(tmp_path):
    with pytest.raises(DataError, match="`results` is not a folder"):
        checked_params({"results": tmp_path / "none"})


def test_a_name_must_be_that_of_a_variable():
    with pytest.raises(DataError, match="`params` names `a b`"):
        checked_params({"a b": 1})


def test_a_value_that_yaml_lacks_is_named():
    with pytest.raises(DataError, match="`x` is of type `float64`"):
        as_yaml({"x": np.float64(1.0)})


def test_a_journal_must_be_known():
    assert checked_params({"journal": "jama"}) == {"journal": "jama"}
    with pytest.raises(DataError, match="no journal style `x`; the known ones"):
        checked_params({"journal": "x"})


PARAMETERS = "```{{python}}\n#| tags: [parameters]\n{}\n```\n"


def test_a_document_that_is_written_for_a_journal_declares_it(read):
    check_journal(read(PARAMETERS.format('journal: str = "default"')), {"journal": "x"})
    check_journal(read("Text."), {"results": "here"})
    for code in ("results = journal", "results = ("):
        with pytest.raises(
            DataError,
            match=r"`document.qmd` has no parameter `journal`, so that it cannot be "
            r'written for `jama`; add `journal = "default"` to its cell tagged',
        ):
            check_journal(read(PARAMETERS.format(code)), {"journal": "jama"})

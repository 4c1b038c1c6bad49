from __future__ import annotations

import pytest

from fahrstats.errors import DataError
from fahrstats.report.documents import report_source
from fahrstats.report.editable_copy import check_is_free, copy_report
from fahrstats.report.project import PROJECT_FILE
from fahrstats.report.source import read_source


@pytest.mark.parametrize("name", ["paper", "saliency"])
def test_a_copy_of_a_report_has_all_that_it_is_made_of(tmp_path, name):
    document = copy_report(name, tmp_path / "mine")
    assert document == tmp_path / "mine" / f"{name}.qmd"
    copied, shipped = read_source(document), read_source(report_source(name))
    assert [line.text for line in copied.lines] == [line.text for line in shipped.lines]
    assert copied.own_header == shipped.own_header
    inside = {file.resolve() for file in copied.files if file.name != PROJECT_FILE}
    assert inside == {p for p in (tmp_path / "mine").rglob("*") if p.is_file()}
    assert len(inside) == len([f for f in shipped.files if f.name != PROJECT_FILE])


def test_a_file_that_is_there_is_kept(tmp_path):
    (tmp_path / "numeric.csl").write_text("mine")
    for refuse in (check_is_free, copy_report):
        with pytest.raises(DataError, match=r"`.*numeric.csl` exists; remove it, or"):
            refuse("paper", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["numeric.csl"]


def test_a_report_that_is_not_there_cannot_be_copied(tmp_path):
    with pytest.raises(DataError, match="There is no report `papers`; the reports are"):
        copy_report("papers", tmp_path)

from __future__ import annotations

import pytest
from made_paper import STUDIES, write_results

from fahrstats.errors import DataError
from fahrstats.study.paper.copies import clear_copy, copy_results, is_copy


@pytest.fixture
def source(tmp_path):
    study = tmp_path / "look.toml"
    study.write_text(STUDIES["look.toml"])
    write_results(tmp_path / "look", "saliency", study, estimate=1.5)
    return tmp_path / "look"


def test_a_copy_has_no_row_of_a_person(source, tmp_path):
    copy_results(source, tmp_path / "copy")
    assert is_copy(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / "personal").exists()


def test_a_mean_face_that_changed_is_copied_again(source, tmp_path):
    copy_results(source, tmp_path / "copy")
    (source / "averages.npz").write_bytes(b"another mean face")
    assert not is_copy(source, tmp_path / "copy")
    copy_results(source, tmp_path / "copy")
    assert (tmp_path / "copy" / "averages.npz").read_bytes() == b"another mean face"


def test_results_that_are_not_whole_are_not_copied(source, tmp_path):
    (source / "tables" / "cox.parquet").unlink()
    with pytest.raises(DataError, match=r"The table `.*cox.parquet` is missing"):
        copy_results(source, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_clearing_a_copy_leaves_what_is_not_of_it(source, tmp_path):
    copy = tmp_path / "copy"
    copy_results(source, copy)
    (copy / "tables" / "mine.parquet").write_bytes(b"no result table")
    clear_copy(copy)
    assert [file.name for file in copy.rglob("*") if file.is_file()] == ["mine.parquet"]
    clear_copy(tmp_path / "absent")

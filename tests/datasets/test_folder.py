from __future__ import annotations

import pytest

from fahrstats.datasets.folder import DATA_VARIABLE, data_folder
from fahrstats.errors import DataError


def test_the_data_folder_is_an_argument_then_a_variable_then_a_default(
    tmp_path, monkeypatch
):
    work = tmp_path / "somewhere" / "work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    assert data_folder() is None
    default = tmp_path / "somewhere" / "shared" / "data"
    default.mkdir(parents=True)
    assert data_folder().resolve() == default
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert data_folder() == tmp_path
    assert data_folder(default) == default
    with pytest.raises(DataError, match=r"data folder `.*absent` does not exist"):
        data_folder(tmp_path / "absent")

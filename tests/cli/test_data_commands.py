from __future__ import annotations

import pytest

from fahrstats.datasets.catalogue import data_sets, find_data_set
from fahrstats.datasets.folder import DATA_VARIABLE


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Work in a folder that has no data folder beside it."""
    folder = tmp_path / "somewhere" / "work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)


@pytest.fixture
def fetched(monkeypatch):
    """Record what would be fetched, without a connection."""
    asked = []

    def record(file, folder, *, watch):
        asked.append((file, folder))
        watch(10, None)
        watch(20, 20)
        return folder / file.name

    monkeypatch.setattr("fahrstats.datasets.download.download", record)
    return asked


def test_every_set_has_a_line(run, tmp_path):
    (tmp_path / "morph").mkdir()
    (tmp_path / "morph" / "photo.jpg").touch()
    status, out, err = run("data", "list", "--data-dir", tmp_path)
    lines = {line.split()[0]: line.split()[1] for line in out.splitlines()[:-1]}
    assert (status, err) == (0, "")
    assert set(lines) == {data_set.name for data_set in data_sets()}
    assert (lines["morph"], lines["flchain"]) == ("here", "here")
    assert (lines["lfw"], lines["agedb"]) == ("fetchable", "elsewhere")


def test_all_that_is_known_of_a_set_is_shown(run):
    status, out, _ = run("data", "list", "nhanes4", "morph")
    nhanes = find_data_set("nhanes4")
    assert status == 0
    assert out.startswith(f"nhanes4\n  What: {nhanes.title}\n  Publisher: National ")
    for file in nhanes.files:
        line = f"File: {file.name}, SHA-256 {file.sha256}, {file.size} bytes"
        assert line in out
    assert nhanes.remote[0].url in out
    assert "\nmorph\n" in out
    assert "  Here: no\n" in out


def test_the_path_is_all_that_is_printed(run, tmp_path):
    (tmp_path / "morph").mkdir()
    (tmp_path / "morph" / "photo.jpg").touch()
    status, out, err = run("data", "path", "morph", "--data-dir", tmp_path)
    assert (status, out, err) == (0, f"{tmp_path / 'morph'}\n", "")


def test_an_absent_set_says_where_it_comes_from(run):
    status, out, err = run("data", "path", "morph")
    assert (status, out) == (1, "")
    assert err.startswith("Error: `morph` was not found: no data folder is given")
    assert "https://www.faceaginggroup.com/morph/" in err


def test_a_set_is_fetched_into_the_data_folder_or_where_one_says(
    run, tmp_path, fetched
):
    (file,) = find_data_set("nhanes4").remote
    status, out, err = run("data", "fetch", "nhanes4", "--data-dir", tmp_path)
    assert (status, err) == (0, "")
    assert f"Fetched and checked: {tmp_path / 'nhanes4' / 'NHANES4.rda'}\n" in out
    assert "Terms: public-use files" in out
    assert "arrow::write_parquet" in out
    assert run("data", "fetch", "nhanes4", "--to", tmp_path / "new", "-q")[1] == ""
    assert fetched == [(file, tmp_path / "nhanes4"), (file, tmp_path / "new")]


def test_without_a_data_folder_one_is_asked_for(run, fetched):
    status, _, err = run("data", "fetch", "lfw")
    assert status == 1
    assert "There is no data folder to put `lfw` into; name a folder with `--to`" in err
    assert fetched == []


@pytest.mark.parametrize("name", ["congress225", "agedb", "flchain"])
def test_what_no_command_can_fetch_says_how_to_get_it(run, fetched, name):
    status, _, err = run("data", "fetch", name)
    assert status == 1
    assert f"`{name}` cannot be fetched by a command. Source: " in err
    assert find_data_set(name).source in err
    assert fetched == []

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from fahrstats.cohort.table_file import read_table_file
from fahrstats.datasets.catalogue import (
    data_sets,
    existing_place,
    find_data_set,
    how_to_get,
    place_of,
)
from fahrstats.datasets.folder import DATA_VARIABLE, data_folder
from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.study.tables_in import read_table

BY_NAME = {data_set.name: data_set for data_set in data_sets()}


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Work in a folder that has no data folder beside it."""
    folder = tmp_path / "somewhere" / "work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)


@pytest.mark.parametrize("data_set", data_sets(), ids=lambda data_set: data_set.name)
def test_every_entry_is_complete(data_set):
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", data_set.name)
    for text in (data_set.title, data_set.publisher, data_set.terms, data_set.use):
        assert text == " ".join(text.split()) != ""
        assert not text.endswith(".")
    assert data_set.obtain
    where = urlsplit(data_set.source)
    assert where.scheme in ("https", "http") or data_set.source.startswith("comes with")
    assert bool(data_set.inside) == data_set.source.startswith("comes with")
    for file in data_set.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.name == file.name.rpartition("/")[2] != ""
        assert file.size is None or file.size > 0
        assert not file.url or urlsplit(file.url).scheme == "https"
    assert data_set.fetchable == any(file.url for file in data_set.files)


def test_the_sets_of_the_papers_and_of_the_studies_are_listed():
    assert {
        "congress225", "nhanes4", "flchain", "fairface", "utkface", "appa-real",
        "agedb", "morph", "imdb-wiki", "fg-net", "lfw", "webface42m", "astronaut",
    } <= set(BY_NAME)  # fmt: skip
    assert {name for name, item in BY_NAME.items() if item.fetchable} == {
        "nhanes4",
        "lfw",
    }


def test_the_archive_of_lfw_is_the_one_that_scikit_learn_states():
    from sklearn.datasets import _lfw

    (file,) = find_data_set("lfw").remote
    assert (file.url, file.sha256) == (_lfw.ARCHIVE.url, _lfw.ARCHIVE.checksum)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=name)
        for item in data_sets()
        for name in re.findall(r"`((?:sksurv|lifelines):\w+)`", item.use)
    ],
)
def test_sets_of_packages_have_the_people_that_are_stated(tmp_path, name):
    (data_set,) = (item for item in data_sets() if f"`{name}`" in item.use)
    stated = int(re.search(r"[\d,]+", data_set.title)[0].replace(",", ""))
    assert len(read_table(name, tmp_path).data) == stated
    assert place_of(data_set).is_file()


@pytest.mark.parametrize("name", ["congress225", "nhanes4"])
def test_the_files_of_the_data_folder_are_those_of_the_catalogue(name):
    folder = data_folder()
    if folder is None or not (folder / name).is_dir():
        pytest.skip(f"needs {name} in the data folder (FAHRSTATS_DATA)")
    place = existing_place(find_data_set(name))
    for file in find_data_set(name).files:
        if not file.url:
            assert file_sha256(place / file.name) == file.sha256
            assert (place / file.name).stat().st_size == file.size
            stated = int(re.search(r"[\d,]+", BY_NAME[name].title)[0].replace(",", ""))
            assert len(read_table_file(place / file.name)) == stated


def test_a_set_lies_in_the_data_folder(tmp_path, nowhere):
    morph = find_data_set("morph")
    assert place_of(morph) is None
    assert place_of(morph, tmp_path) is None
    (tmp_path / "morph").mkdir()
    (tmp_path / "morph" / "photo.jpg").touch()
    assert place_of(morph, tmp_path) == tmp_path / "morph"
    assert existing_place(morph, tmp_path) == tmp_path / "morph"
    with pytest.raises(DataError, match="does not exist"):
        place_of(morph, tmp_path / "absent")


def test_what_a_broken_fetch_leaves_is_no_data_set(tmp_path):
    lfw = find_data_set("lfw")
    folder = tmp_path / "lfw"
    folder.mkdir()
    assert place_of(lfw, tmp_path) is None
    for name in ("lfw.tgz.partial", "lfw.tgz.partial.etag"):
        (folder / name).touch()
    assert place_of(lfw, tmp_path) is None
    (folder / "lfw.tgz").touch()
    assert place_of(lfw, tmp_path) == folder


def test_an_absent_set_says_where_it_comes_from(tmp_path, nowhere):
    with pytest.raises(DataError) as error:
        existing_place(find_data_set("morph"))
    assert str(error.value) == (
        "`morph` was not found: no data folder is given (--data-dir or "
        "FAHRSTATS_DATA). Source: https://www.faceaginggroup.com/morph/ (Face Aging "
        "Group, University of North Carolina Wilmington; needs a licence). By "
        "application: the publisher licenses it."
    )
    with pytest.raises(DataError, match=r"`lfw` is not in the data folder `.*`fahr"):
        existing_place(find_data_set("lfw"), tmp_path)


def test_a_package_that_is_absent_is_named(monkeypatch):
    monkeypatch.setattr("fahrstats.datasets.catalogue.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"`astronaut` is not installed\..*pip install"):
        existing_place(find_data_set("astronaut"))


def test_a_name_that_is_not_known_has_a_guess():
    with pytest.raises(DataError, match=r"no data set `lwf`\. Did you mean `lfw`\?"):
        find_data_set("lwf")
    with pytest.raises(DataError, match=r"`zzz`\. `fahrstats data list` names them"):
        find_data_set("zzz")


def test_the_way_to_a_set_holds_its_terms():
    assert "`fahrstats data fetch lfw`" in how_to_get(find_data_set("lfw"))
    assert "fetch" not in how_to_get(find_data_set("agedb"))
    assert "non-commercial research only" in how_to_get(find_data_set("agedb"))

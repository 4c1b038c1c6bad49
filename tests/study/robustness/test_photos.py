from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.errors import DataError
from fahrstats.study.robustness.photos import (
    open_photos,
    pairs_file,
    panel_file,
    read_pair_scores,
    read_panel_scores,
    score_all,
)
from fahrstats.study.robustness.specification import PairSet, PanelPhotos
from fahrstats.study.robustness.study_file import parse_robustness


@pytest.fixture
def folder(tmp_path):
    """Make a folder of a hundred files that nobody looks at."""
    for at in range(100):
        file = tmp_path / "faces" / f"{at:03d}.jpg"
        file.parent.mkdir(exist_ok=True)
        file.write_text(str(at))
    return tmp_path


def names(source) -> list[str]:
    return [photo.photo for shard in source.shards(1000) for photo in shard]


def test_as_many_photos_are_drawn_as_asked_for_and_always_the_same(folder):
    panel = PanelPhotos("faces", ("mini-age",), limit=30, seed=4)
    drawn = names(open_photos(panel, folder, None))
    assert len(set(drawn)) == 30
    assert drawn == sorted(drawn)
    assert drawn == names(open_photos(panel, folder, None))
    other = PanelPhotos("faces", ("mini-age",), limit=30, seed=5)
    assert drawn != names(open_photos(other, folder, None))


def test_without_a_limit_all_photos_are_taken(folder):
    panel = PanelPhotos("faces", ("mini-age",))
    assert len(names(open_photos(panel, folder, None))) == 100


def test_a_manifest_is_drawn_from_with_its_subjects(folder):
    table = pd.DataFrame(
        {"photo": [f"faces/{at:03d}.jpg" for at in range(100)], "subject": range(100)}
    )
    table.to_csv(folder / "faces.csv", index=False)
    panel = PanelPhotos("faces.csv", ("mini-age",), limit=10)
    source = open_photos(panel, folder, None)
    photos = [photo for shard in source.shards(100) for photo in shard]
    assert [int(p.photo[6:9]) for p in photos] == [int(p.subject) for p in photos]


def test_more_photos_than_there_are_cannot_be_drawn(folder):
    panel = PanelPhotos("faces", ("mini-age",), limit=101)
    with pytest.raises(DataError, match="`limit` is 101, but `faces` holds 100 photos"):
        open_photos(panel, folder, None)


def test_a_file_is_named_by_all_that_its_scores_depend_on(tmp_path):
    panel = PanelPhotos("faces", ("mini-age",))
    file = panel_file(panel, tmp_path)
    assert file == panel_file(PanelPhotos("faces", ("mini-age",), source="x"), tmp_path)
    for other in (
        PanelPhotos("faces", ("mini-age",), limit=10),
        PanelPhotos("faces", ("mini-age",), conditions=("roll",)),
        PanelPhotos("faces", ("mini-age",), landmarks="carried"),
    ):
        assert panel_file(other, tmp_path) != file
    pairs = PairSet("a", "A", "faces", ("mini-age",))
    renamed = PairSet("b", "B", "faces", ("mini-age",))
    assert pairs_file(pairs, tmp_path) == pairs_file(renamed, tmp_path)
    assert read_panel_scores(panel, tmp_path) is None
    assert read_pair_scores(pairs, tmp_path) is None


@pytest.mark.slow
def test_photos_are_changed_paired_and_scored_once(tmp_path):
    pytest.importorskip("torch", reason="photos need the extra `face`")
    from photo_files import face

    for name in ("faces/a.png", "nose/p_pre.png", "nose/p_post.png"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        face(512 if "pre" in name or "a.png" in name else 480).save(file)
    path = tmp_path / "study.toml"
    path.write_text(
        'kind = "robustness"\nmodels = { faceage = "A" }\n'
        '[panel]\nphotos = "faces"\nmodels = ["mini-age"]\nconditions = ["jpeg"]\n'
        '[pairs.nose]\nphotos = "nose"\nmodels = ["mini-age"]\n'
        "[analysis]\nmargin = 1\n"
    )
    study, problems = parse_robustness(path)
    assert problems == []
    out = tmp_path / "out"
    stale = out / "personal" / "panel-0.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_text("from an earlier run")
    steps: list[str] = []
    score_all(study, None, out, lambda step, position, total: steps.append(step))
    assert "scoring" in steps
    assert not stale.exists()
    panel = read_panel_scores(study.panel, out)
    assert panel.table["severity"].tolist() == [0, 1, 2, 3, 4, 5]
    assert panel.table["faceage"].notna().all()
    pairs = read_pair_scores(study.pairs[0], out)
    assert set(pairs.table["photo"]) == {"p_pre.png", "p_post.png"}
    again: list[str] = []
    score_all(study, None, out, lambda step, position, total: again.append(step))
    assert "scoring" not in again

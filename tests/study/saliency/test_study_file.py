from __future__ import annotations

import pytest

from fahrstats.study.saliency.study_file import parse_saliency


def test_a_study_is_read(write_saliency):
    study, problems = parse_saliency(write_saliency())
    assert problems == []
    assert study.name == "two"
    assert study.columns == ("faceage", "other")
    assert study.photos.method == "ablation"
    assert (study.photos.limit, study.photos.several) == (None, "refuse")
    assert (study.maps.method, study.maps.limit) == ("occlusion", 30)
    assert (study.n_boot, study.n_swaps, study.seed) == (60, 199, 3)
    assert study.n_checked == 20


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({'folder = "photos"\n': ""}, "[photos]: `folder` is missing."),
        (
            {'models = ["made", "other=made"]\n': ""},
            "[photos]: `models` is missing; name a checkpoint or benchmark model.",
        ),
        ({"limit = 30": "limit = 5"}, "[maps]: `limit` is 5; it must be at least 20."),
        (
            {"limit = 30": 'method = "ablation"'},
            "[maps]: `method` is `ablation`; ",
        ),
        (
            {"seed = 3": "checked_faces = 3"},
            "[analysis]: `checked_faces` is 3; it must be at least 20.",
        ),
        (
            {"units = { faceage": "units = { facage"},
            "[units]: `facage` is no score of [models]. Did you mean `faceage`?",
        ),
        (
            {"other = ": "region = "},
            "[models]: `region` is taken; give the score another name.",
        ),
        (
            {'"Other model"': '"FaceAge"'},
            "`FaceAge` is the label of several models.",
        ),
        (
            {"seed = 3": "sead = 3"},
            "[analysis]: `sead` is not known; did you mean `seed`?",
        ),
    ],
)
def test_problems_are_told(write_saliency, changes, problem):
    study, problems = parse_saliency(write_saliency(changes))
    assert study is None
    assert problems[0].startswith(problem), problems


def test_what_is_no_toml_is_told(write_saliency):
    path = write_saliency()
    path.write_text("kind = ")
    study, (problem,) = parse_saliency(path)
    assert study is None
    assert problem.startswith("The file is not TOML")
    path.write_bytes(b"\xff")
    assert parse_saliency(path)[1] == ["The file is not UTF-8 text; save it as UTF-8."]

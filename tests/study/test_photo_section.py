from __future__ import annotations

import pytest

from fahrstats.study.photo_section import Photos
from fahrstats.study.study_file import parse_study

PHOTOS = 'photos = { folder = "faces", id = "patient", models = ["a", "b"] }'


def parsed(write_study, line):
    return parse_study(write_study(**{'table = "cohort.csv"': f'table = "c"\n{line}'}))


def test_photos_are_read_with_their_defaults(write_study):
    study, problems = parsed(write_study, PHOTOS)
    assert problems == []
    assert study.photos == Photos("faces", ("a", "b"), "patient", "refuse", False)


def test_a_study_without_photos_has_none(write_study):
    study, _ = parse_study(write_study())
    assert (study.photos, study.prepare, study.notes) == (None, None, None)
    assert (study.described, study.table.left_out) == ((), None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("photos = {}", "[photos]: `models` is missing; name a checkpoint"),
        ("photos = {}", "[photos]: `folder` is missing."),
        ("photos = {}", "[photos]: `id` is missing."),
        ('photos = "faces"', "`photos` must be a section of its own."),
        (
            PHOTOS.replace("}", ', several = "first" }'),
            "[photos]: `several` is `first`; known here: `central`, `largest`, ",
        ),
        (PHOTOS.replace('["a", "b"]', "3"), "[photos]: `models` must be text in"),
        (PHOTOS.replace("folder", "folders"), "[photos]: `folders` is not known; did"),
        (
            "describe.sick = { per = 3 }",
            "[describe.sick]: `per` is for hazard ratios, which this has none of.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(write_study, line, message):
    study, problems = parsed(write_study, line)
    assert study is None
    assert any(problem.startswith(message) for problem in problems), problems

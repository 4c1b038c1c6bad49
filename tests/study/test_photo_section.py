from __future__ import annotations

import pytest

from fahrstats.study.photo_section import CrossFit, Photos
from fahrstats.study.study_file import parse_study

PHOTOS = 'photos = { folder = "faces", id = "patient", models = ["a", "b"] }'


def parsed(write_study, line):
    return parse_study(write_study(**{'table = "cohort.csv"': f'table = "c"\n{line}'}))


def test_photos_are_read_with_their_defaults(write_study):
    study, problems = parsed(write_study, PHOTOS)
    assert problems == []
    assert study.photos == Photos("faces", ("a", "b"), "patient", "refuse", False)


def test_how_facesurvival_is_learned_is_read_with_its_defaults(write_study):
    line = PHOTOS.replace("}", ', survival = { checkpoint = "c" } }')
    study, problems = parsed(write_study, line)
    assert problems == []
    assert study.photos.survival == CrossFit("c", n_folds=5, seed=1)
    study, _ = parsed(write_study, line.replace('"c"', '"c", folds = 3, seed = 7'))
    assert study.photos.survival == CrossFit("c", n_folds=3, seed=7)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("`entry` of [outcome]", "entry = 'seen'\n\n[scores.faceage]"),
        ("`weights` of [analysis]", "weights = 'w'"),
        ("`cluster` of [analysis]", "cluster = 'site'"),
        ("`id` of [analysis]", "id = 'patient'"),
    ],
)
def test_what_heads_cannot_heed_is_refused(write_study, key, line):
    photos = PHOTOS.replace("}", ', survival = { checkpoint = "c" } }')
    before = "\n[scores.faceage]" if "entry" in key else "seed = 3"
    path = write_study(
        **{'table = "cohort.csv"': f'table = "cohort.csv"\n{photos}', before: line}
    )
    study, (problem,) = parse_study(path)
    assert study is None
    assert problem == (
        "[photos.survival]: heads are fitted to one row a subject, of equal weight and "
        f"followed from the start, so that {key} would go unheeded; take out one of "
        "the two."
    )


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
            PHOTOS.replace("}", ", survival = {} }"),
            "[photos.survival]: `checkpoint` is missing.",
        ),
        (
            PHOTOS.replace("}", ', survival = { checkpoint = "c", folds = 1 } }'),
            "[photos.survival]: `folds` is 1; it must be at least 2.",
        ),
        (
            PHOTOS.replace("}", ', survival = { checkpoint = "c", fold = 3 } }'),
            "[photos.survival]: `fold` is not known; did you mean `folds`?",
        ),
        (
            PHOTOS.replace("}", ", survival = true }"),
            "[photos]: `survival` must be a section of its own.",
        ),
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
